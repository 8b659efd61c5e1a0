"""Which column is what: guessed from wording and look, refused where a guess could spoil the matching."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanroom.agent.reading.dates import DateOrder
from cleanroom.agent.reading.delimited import read_delimited
from cleanroom.agent.reading.guessing import guess_mapping
from cleanroom.agent.reading.mapping import Mapping, from_json, to_json
from cleanroom.agent.reading.money import Mark
from cleanroom.agent.reading.table import Table
from cleanroom.domain.errors import InputRefused


def table(headers: list[str], *rows: list[str]) -> Table:
    columns = {number: pd.Series([row[number] for row in rows], dtype="str") for number in range(len(headers))}
    return Table(headers=tuple(headers), frame=pd.DataFrame(columns), rows=np.arange(2, len(rows) + 2))


EXPORTS = {
    "salesforce": ["Account ID", "Account Name", "Website", "Billing Country", "Account Owner", "Owner Email"],
    "hubspot": ["Record ID", "Company name", "Website URL", "Country/Region", "Company owner", "Owner email"],
    "dynamics": ["Account Number", "Account Name", "Website", "Address 1: Country/Region", "Owner", "Owner E-Mail"],
    "german": ["Kundennummer", "Firmenname", "Webseite", "Land", "Inhaber", "Inhaber E-Mail"],
    "french": ["N° client", "Raison sociale", "Site web", "Pays", "Propriétaire", "Email propriétaire"],
    "spanish": ["ID", "Nombre de la empresa", "Sitio web", "País", "Propietario", "Email propietario"],
    "italian": ["Codice cliente", "Ragione sociale", "Sito web", "Paese", "Proprietario", "Owner Email"],
    "dutch": ["Klantnummer", "Bedrijfsnaam", "Website", "Land", "Eigenaar", "Owner Email"],
    "plain": ["account_id", "name", "website", "country", "owner", "owner_email"],
}
TARGETS = ("account_id", "name", "website", "country", "owner", "owner_email")
ROW = ["1", "Acme GmbH", "https://acme.de/x", "Germany", "Jo Doe", "jo@acme.de"]


@pytest.mark.parametrize("style", EXPORTS)
def test_headers_of_usual_exports(style: str) -> None:
    assert dict(guess_mapping(table(EXPORTS[style], ROW)).columns) == dict(zip(TARGETS, EXPORTS[style], strict=True))


def test_a_code_is_preferred_to_a_name_of_the_same_country() -> None:
    headers = ["Name", "Country", "Country Code", "Shipping Country"]
    assert guess_mapping(table(headers, ["A", "Germany", "DE", "FR"])).columns["country"] == "Country Code"


def test_identifiers_fields_and_case() -> None:
    headers = ["COMPANY", "lei", "D-U-N-S Number", "USt-IdNr.", "Deal Amount", "Währung", "Close  Date", "Do Not Share"]
    found = guess_mapping(table(headers, ["A", "", "", "", "1.234,50", "EUR", "31.12.2026", "x"]))
    targets = ["name", "lei", "duns", "vat", "amount", "currency", "close_date", "suppressed"]
    assert dict(found.columns) == dict(zip(targets, headers, strict=True))
    assert dict(found.decimal_marks) == {"amount": Mark.COMMA}
    assert dict(found.date_orders) == {"close_date": DateOrder.DAY_FIRST}


def test_registers_securities_and_addresses() -> None:
    styles = (
        ["Company", "Company Registration Number", "CIK", "ISIN", "Ticker Symbol", "Contact Email"],
        ["Firma", "Handelsregisternummer", "CIK-Nummer", "ISIN-Nummer", "Börsenkürzel", "E-Mail Ansprechpartner"],
        ["Entreprise", "N° SIREN", "Central Index Key", "Code ISIN", "Symbole boursier", "Courriel"],
    )
    for headers in styles:
        found = guess_mapping(table(headers, ["A", "HRB 1", "12", "US0", "ABC", "jo@a.com"]))
        targets = ["name", "register", "cik", "isin", "ticker", "email"]
        assert dict(found.columns) == dict(zip(targets, headers, strict=True))


def test_the_number_of_a_company_goes_before_that_of_its_place() -> None:
    assert guess_mapping(table(["Nom", "SIRET", "SIREN"], ["A", "12", "1"])).columns["register"] == "SIREN"


def test_a_column_called_email_without_addresses_is_none() -> None:
    assert "email" not in guess_mapping(table(["Name", "Email"], ["A", "opted out"])).columns
    assert (
        guess_mapping(table(["Name", "Email Domain", "Web"], ["A", "a.com", "b.com"])).columns["email"]
        == "Email Domain"
    )


def test_cells_contradict_a_header_and_name_one_that_says_nothing() -> None:
    found = guess_mapping(table(["Company", "Domain", "Where", "Link"], ["A", "a@b.com", "DE", "www.a.com/x"]))
    assert dict(found.columns) == {"name": "Company", "website": "Link"}
    found = guess_mapping(table(["Account", "Account Name"], ["00123", "A"]))
    assert dict(found.columns) == {"name": "Account Name"}


def test_neither_name_nor_website_names_what_was_looked_for_and_no_cell() -> None:
    with pytest.raises(InputRefused) as caught:
        guess_mapping(table(["Secret Ltd", "Berlin"], ["Other", "Bonn"]))
    message = str(caught.value)
    assert "account name" in message
    assert "website" in message
    assert not any(text in message for text in ("Secret", "Berlin", "Other", "Bonn"))


def test_two_columns_for_one_key_are_ambiguous_unless_equal() -> None:
    headers = ["Account Name", "Company Name"]
    with pytest.raises(InputRefused, match="columns 1, 2 all look like name"):
        guess_mapping(table(headers, ["A", "B"]))
    assert guess_mapping(table(headers, ["A", "A"])).columns["name"] == "Account Name"
    assert guess_mapping(table(headers, ["A", "B"]), given={"name": "Company Name"}).columns["name"] == "Company Name"
    with pytest.raises(InputRefused, match="rename"):
        guess_mapping(table(["Name", "Name"], ["A", "A"]))


def test_a_given_map_stands_or_is_refused() -> None:
    headers = ["Account Name", "Notiz", "Site"]
    found = guess_mapping(table(headers, ["A", "b.com", "a.com"]), given={"website": "notiz"})
    assert dict(found.columns) == {"name": "Account Name", "website": "Notiz"}
    with pytest.raises(InputRefused, match="unknown target"):
        guess_mapping(table(headers, ["A", "b", "c"]), given={"nonsense": "Site"})
    with pytest.raises(InputRefused, match="map website: 0 columns"):
        guess_mapping(table(headers, ["A", "b", "c"]), given={"website": "Nowhere"})
    with pytest.raises(InputRefused, match="two things"):
        guess_mapping(table(headers, ["A", "b", "c"]), given={"website": "Site", "name": "Site"})


def test_the_order_of_dates_where_no_cell_decides() -> None:
    headers = ["Name", "Close Date", "Amount"]

    def order(*row: str, dates: DateOrder | None = None) -> DateOrder | None:
        return guess_mapping(table(headers, ["A", *row]), dates=dates).date_orders.get("close_date")

    assert order("01/02/2026", "1.50") is DateOrder.MONTH_FIRST
    assert order("01/02/2026", "1,50") is DateOrder.DAY_FIRST
    assert order("01.02.2026", "1.50") is DateOrder.DAY_FIRST
    assert order("01/13/2026", "1,50", dates=DateOrder.DAY_FIRST) is DateOrder.MONTH_FIRST
    assert order("01/02/2026", "1.50", dates=DateOrder.DAY_FIRST) is DateOrder.DAY_FIRST
    assert order("2026-01-02", "1.50") is None
    both = table(headers, ["A", "13/01/2026", ""], ["B", "01/13/2026", ""])
    assert not guess_mapping(both).date_orders


HEADERS = st.text(min_size=1, max_size=10)


@given(
    st.lists(HEADERS, min_size=2, max_size=2, unique=True),
    st.sampled_from(list(DateOrder)),
    st.sampled_from(list(Mark)),
)
def test_a_mapping_survives_saving(headers: list[str], order: DateOrder, mark: Mark) -> None:
    columns = {"name": headers[0], "amount": headers[1]}
    mapping = Mapping(columns=columns, date_orders={"close_date": order}, decimal_marks={"amount": mark})
    assert from_json(to_json(mapping)) == mapping
    assert to_json(from_json(to_json(mapping))) == to_json(mapping)


def test_a_mapping_is_a_value() -> None:
    columns = {"name": "A"}
    mapping = Mapping(columns=columns)
    columns["website"] = "B"
    assert mapping == Mapping(columns={"name": "A"})
    with pytest.raises(TypeError):
        mapping.columns["website"] = "B"  # type: ignore[index]  # the point of the test
    for bad in ({}, {"country": "A"}, {"name": "A", "website": "A"}, {"name": "A", "identifier": "B"}):
        with pytest.raises(InputRefused):
            Mapping(columns=bad)


@pytest.mark.parametrize(
    "text",
    [
        *["", "{", "[]", "{}", "null", '{"version": 1}'],
        '{"version": 2, "columns": {"name": "A"}, "date_orders": {}, "decimal_marks": {}}',
        '{"version": 1, "columns": {"name": 5}, "date_orders": {}, "decimal_marks": {}}',
        '{"version": 1, "columns": ["name"], "date_orders": {}, "decimal_marks": {}}',
        '{"version": 1, "columns": {"name": "A"}, "date_orders": {"d": "x"}, "decimal_marks": {}}',
        '{"version": 1, "columns": {"name": "A"}, "date_orders": {}, "decimal_marks": {"a": ";"}}',
        '{"version": 1, "columns": {}, "date_orders": {}, "decimal_marks": {}}',
    ],
)
def test_a_damaged_saved_mapping_is_refused(text: str) -> None:
    with pytest.raises(InputRefused):
        from_json(text)


def test_a_saved_mapping_on_another_table() -> None:
    mapping = Mapping(columns={"name": "A", "website": "B"})
    with pytest.raises(InputRefused, match="no such column for website"):
        mapping.check(table(["A", "C"], ["1", "2"]))
    with pytest.raises(InputRefused, match="several columns with the header of website"):
        mapping.check(table(["A", "B", "B"], ["1", "2", "3"]))
    with pytest.raises(InputRefused, match="1 targets"):
        Mapping(columns={"name": "A", "nonsense": "B"}).check(table(["A", "B"], ["1", "2"]))


@pytest.mark.parametrize(
    "first", ["7,Acme,https://acme.example/x", "7,Acme,www.acme.com", "7,Acme,acme.com", "7,Acme,sales@acme.com"]
)
def test_a_first_row_that_is_an_account_is_no_header(first: str) -> None:
    body = "".join(f"{i},Company {i},company{i}.com\n" for i in range(20))
    with pytest.raises(InputRefused, match="column 3: an address") as refused:
        guess_mapping(read_delimited(f"{first}\n{body}".encode()))
    assert "acme" not in str(refused.value).casefold()


def test_dotted_headers_are_headers() -> None:
    body = "".join(f"{i},Company {i},company{i}.com,Owner {i}\n" for i in range(20))
    found = guess_mapping(read_delimited(f"Account.Id,Account.Name,Account.Website,Owner.Name\n{body}".encode()))
    assert found.columns["website"] == "Account.Website"
