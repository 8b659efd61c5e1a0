"""What columns are called in exports of Salesforce, HubSpot, Dynamics and by hand, in several languages.

For each target, tiers of spellings: an earlier tier wins over a later one; two columns in one tier are ambiguous.
Written as people write them; compared without case, accents and punctuation.
"""

from typing import Final

TIERS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "account_id": (
        ("account id", "accountid", "account id 18", "account id (18)", "account number", "account no"),
        ("record id", "record id company", "company id", "hs object id", "organization id", "customer id"),
        ("customer number", "customer no", "kundennummer", "kunden nr", "kundennr", "debitor", "debitorennummer"),
        ("numero client", "n° client", "numero de cliente", "codice cliente", "klantnummer", "numer klienta"),
        ("crm id", "external id", "id", "record number"),
    ),
    "name": (
        ("account name", "company name", "organization name", "organisation name", "customer name"),
        ("firmenname", "unternehmensname", "kundenname", "kontoname", "accountname", "name der firma"),
        ("nom du compte", "nom de l'entreprise", "nom du client", "raison sociale", "nom de la societe"),
        ("nombre de la cuenta", "nombre de la empresa", "nombre del cliente", "razon social"),
        ("nome account", "nome azienda", "ragione sociale", "nome da conta", "nome da empresa"),
        ("accountnaam", "bedrijfsnaam", "klantnaam", "nazwa konta", "nazwa firmy"),
        ("company", "account", "organization", "organisation", "business", "legal name"),
        ("firma", "unternehmen", "kunde", "entreprise", "societe", "empresa", "azienda", "bedrijf"),
        ("brand", "name", "nom", "nombre", "nome", "naam", "nazwa"),
    ),
    "website": (
        ("website", "web site", "website url", "account website", "company website", "webseite"),
        ("homepage", "web page", "web address", "internetadresse", "internetseite", "internetauftritt"),
        ("site web", "site internet", "sitio web", "pagina web", "sito web", "sito", "site", "strona www"),
        ("company domain name", "domain", "domain name", "domaene", "dominio", "domaine"),
        ("url", "www", "web", "host", "hostname"),
        ("email domain",),
    ),
    "country": (
        ("billing country code",),
        ("billing country", "billing country/region", "rechnungsland"),
        ("address 1: country/region", "address1 country", "address 1 country", "hq country"),
        ("country code", "country iso", "iso country", "ländercode", "laendercode"),
        ("country", "country/region", "country name", "account country"),
        ("land", "land/region", "pays", "pais", "paese", "nazione", "kraj"),
        ("billing address country", "headquarters country", "staat"),
        ("shipping country", "mailing country", "shipping country code"),
    ),
    "lei": (("lei", "lei code", "legal entity identifier", "legal entity id", "lei nummer"),),
    "duns": (
        ("d-u-n-s", "duns", "duns number", "d-u-n-s number", "d&b duns", "duns nummer", "duns no", "d-u-n-s nummer"),
    ),
    "vat": (
        ("vat", "vat id", "vat number", "vat no", "vat reg no", "vat registration number", "eu vat"),
        ("ust-idnr", "ust-id", "ust id nr", "ustidnr", "umsatzsteuer-id", "uid nummer", "btw nummer", "btw"),
        ("numero de tva", "n° tva", "tva", "tva intracommunautaire", "nif iva", "partita iva", "p. iva"),
        ("numero iva", "nip", "moms nr", "vat identification number", "tax id vat"),
    ),
    "register": (
        ("register", "register number", "register no", "company register number", "business register number"),
        ("company number", "company registration number", "registration number", "registered number"),
        ("companies house number", "crn", "commercial register number", "trade register number"),
        ("handelsregister", "handelsregisternummer", "hrb", "hrb nummer", "registernummer", "firmenbuchnummer"),
        ("siren", "numero siren", "n° siren"),
        ("siret", "numero siret", "rcs", "numero rcs"),
        ("kvk", "kvk nummer", "organisasjonsnummer", "organisationsnummer", "org nr", "cvr", "cvr nummer", "krs"),
        ("registro mercantil", "numero rea", "y tunnus", "ico"),
    ),
    "cik": (("cik", "cik number", "cik code", "cik nummer", "sec cik", "edgar cik", "central index key"),),
    "isin": (("isin", "isin code", "isin number", "isin nummer", "code isin", "numero isin"),),
    "ticker": (
        ("ticker", "ticker symbol", "stock ticker", "stock symbol", "trading symbol"),
        ("tickersymbol", "börsenkürzel", "boersenkuerzel", "aktiensymbol", "symbole boursier", "code mnemonique"),
    ),
    "email": (
        ("contact email", "primary contact email", "main contact email", "contact e-mail", "contact: email"),
        ("company email", "business email", "account email", "e-mail ansprechpartner", "ansprechpartner e-mail"),
        ("kontakt e-mail", "firmen e-mail", "email du contact", "e-mail du contact", "email contact"),
        ("email", "e-mail", "email address", "e-mail address", "e-mail adresse", "mail", "courriel"),
        ("adresse e-mail", "correo electronico", "correo", "indirizzo email", "e-mailadres", "email domain"),
    ),
    "identifier_type": (("identifier type", "id type", "identifier kind", "identifikatortyp"),),
    "identifier": (("identifier", "identifier value", "identifikator"),),
    "suppressed": (
        ("suppressed", "suppress", "do not share", "donotshare", "do not disclose", "never share"),
        ("no sharing", "exclude from sharing", "exclude from mapping", "confidential account"),
        ("nicht teilen", "gesperrt", "ne pas partager", "no compartir", "non condividere", "niet delen"),
    ),
    "change": (("change", "change type", "op", "operation", "action"),),
    "owner": (
        ("account owner", "company owner", "owner", "owner name", "account manager", "account executive"),
        ("opportunity owner", "deal owner", "sales rep", "record owner", "hubspot owner"),
        ("accountinhaber", "kontoinhaber", "inhaber", "betreuer", "kundenbetreuer", "zustaendiger"),
        ("proprietaire", "proprietaire du compte", "propietario", "propietario de la cuenta", "proprietario"),
        ("eigenaar", "wlasciciel"),
    ),
    "owner_email": (
        ("owner email", "account owner email", "account owner: email", "company owner email", "owner e-mail"),
        ("e-mail des inhabers", "inhaber e-mail", "betreuer e-mail", "email proprietaire", "email propietario"),
        ("account manager email", "deal owner email"),
    ),
    "stage": (
        ("stage", "deal stage", "opportunity stage", "sales stage", "stage name", "pipeline stage"),
        ("phase", "verkaufsphase", "etape", "etapa", "fase", "etap"),
    ),
    "amount": (
        ("amount", "deal amount", "opportunity amount", "total amount", "est revenue", "estimated revenue"),
        ("betrag", "montant", "importe", "importo", "bedrag", "kwota", "valor"),
        ("arr", "acv", "mrr", "deal value", "value", "wert"),
    ),
    "currency": (
        ("currency", "currency iso code", "account currency", "amount currency", "deal currency", "currency code"),
        ("waehrung", "wahrung", "devise", "moneda", "valuta", "moeda", "waluta"),
    ),
    "close_date": (
        ("close date", "closing date", "expected close date", "est close date", "deal close date", "closed date"),
        ("schlusstermin", "abschlussdatum", "date de cloture", "fecha de cierre", "data di chiusura"),
        ("data de fechamento", "sluitingsdatum", "data zamkniecia"),
    ),
    "region": (
        ("region", "sales region", "territory", "sales territory", "account region"),
        ("vertriebsregion", "gebiet", "regione", "regio", "zone"),
    ),
    "notes": (
        ("notes", "note", "description", "comments", "remarks", "account description"),
        ("notizen", "bemerkung", "bemerkungen", "kommentar", "beschreibung", "remarques", "notas", "opmerkingen"),
    ),
}
