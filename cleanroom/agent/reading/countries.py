"""Country names as people write them, to ISO 3166-1 alpha-2.

Sources: pycountry (ISO 3166-1 and the translations of iso-codes that it carries), and a table of everyday
spellings. A translated name that means different countries in different languages is not used.
"""

import gettext
from functools import cache
from typing import Final

import pycountry

from cleanroom.agent.reading.cleaning import folded

_LANGUAGES: Final = (
    *("de", "fr", "es", "it", "nl", "pt", "pt_BR", "pl", "sv", "da", "nb", "fi", "cs", "sk", "hu"),
    *("ro", "tr", "el", "bg", "hr", "sl", "et", "lv", "lt", "uk", "ru", "ja", "ko", "zh_CN", "zh_TW"),
)
_EVERYDAY: Final = {
    "AE": ("UAE", "Emirates", "Dubai", "VAE"),
    "BA": ("Bosnia", "Bosnien"),
    "BO": ("Bolivia",),
    "BR": ("Brasil",),
    "CD": ("DR Congo", "DRC", "Congo Kinshasa", "Democratic Republic of Congo"),
    "CG": ("Congo Brazzaville", "Republic of Congo"),
    "CH": ("Schweiz", "Suisse", "Svizzera", "Swiss"),
    "CI": ("Ivory Coast", "Cote d'Ivoire", "Elfenbeinküste"),
    "CN": ("PRC", "P.R. China", "Mainland China", "People's Republic of China", "VR China"),
    "CV": ("Cape Verde",),
    "CZ": ("Czech Republic", "Ceska republika", "Tschechische Republik"),
    "DE": ("FRG", "BRD", "Bundesrepublik Deutschland", "D"),
    "FK": ("Falkland Islands",),
    "FM": ("Micronesia",),
    "GB": (
        *("UK", "U.K.", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland"),
        *("United Kingdom (UK)", "Großbritannien", "Vereinigtes Königreich", "Grande-Bretagne"),
        *("Angleterre", "Gran Bretagna", "Gran Bretaña", "Inghilterra", "Engeland", "GB-ENG"),
    ),
    "GM": ("The Gambia",),
    "GR": ("EL", "Hellas", "Ellada"),
    "HK": ("Hongkong", "Hong Kong SAR", "Hong Kong SAR China"),
    "IE": ("Republic of Ireland", "Eire"),
    "IR": ("Iran",),
    "KP": ("North Korea", "Nordkorea", "DPRK"),
    "KR": ("South Korea", "Korea", "Südkorea", "Korea South", "Republic of Korea", "Corée du Sud"),
    "LA": ("Laos",),
    "MD": ("Moldova", "Republic of Moldova"),
    "MK": ("Macedonia", "North Macedonia", "FYROM", "Mazedonien"),
    "MM": ("Burma",),
    "MO": ("Macau", "Macao SAR"),
    "NL": ("Holland", "The Netherlands", "Niederlande", "Pays-Bas"),
    "NZ": ("Aotearoa",),
    "PS": ("Palestine", "Palestinian Territories"),
    "RU": ("Russia", "Russland", "Россия"),
    "SA": ("KSA", "Kingdom of Saudi Arabia"),
    "SK": ("Slovak Republic",),
    "SY": ("Syria",),
    "SZ": ("Swaziland",),
    "TR": ("Turkey", "Türkei", "Turkiye", "Turquie"),
    "TW": ("Taiwan", "Taiwan ROC", "Republic of China"),
    "TZ": ("Tanzania",),
    "US": (
        *("USA", "U.S.A.", "U.S.", "United States of America (USA)", "United States (USA)"),
        *(
            "America",
            "The States",
            "Vereinigte Staaten",
            "Vereinigte Staaten von Amerika",
            "Estados Unidos",
            "EE.UU.",
            "EEUU",
            "E.U.A.",
        ),
        *("Etats-Unis", "Stati Uniti", "Verenigde Staten", "US of A", "United States America"),
    ),
    "VA": ("Vatican", "Vatican City", "Vatikan"),
    "VE": ("Venezuela",),
    "VN": ("Vietnam", "Viet Nam"),
    "XK": ("Kosovo", "Republic of Kosovo"),
}


def country_code(text: str) -> str | None:
    """The alpha-2 code (upper case; XK for Kosovo) for a name, an alpha-2 or an alpha-3 code; otherwise None."""
    table = _spellings()
    word = folded(text)
    if word in table:
        return table[word]
    return table.get(word.removeprefix("the ")) or table.get(word.replace(" ", ""))


@cache
def _spellings() -> dict[str, str]:
    table = _translated()
    for country in pycountry.countries:
        names = (
            *(country.name, country.alpha_2, country.alpha_3),
            *(getattr(country, "official_name", None), getattr(country, "common_name", None)),
        )
        table.update((folded(name), country.alpha_2) for name in names if name)
    table.update((folded(word), code) for code, words in _EVERYDAY.items() for word in words)
    table["xk"] = "XK"
    return table


def _translated() -> dict[str, str]:
    table: dict[str, str] = {}
    torn: set[str] = set()
    for language in _LANGUAGES:
        words = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for country in pycountry.countries:
            for name in (country.name, getattr(country, "common_name", country.name)):
                word = folded(words.gettext(name))
                if table.setdefault(word, country.alpha_2) != country.alpha_2:
                    torn.add(word)
    return {word: code for word, code in table.items() if word not in torn}
