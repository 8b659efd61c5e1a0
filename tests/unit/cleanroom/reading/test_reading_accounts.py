"""From a table to accounts: ids, refusals, segments, identifiers, suppression, values, deltas."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanroom.agent.reading.accounts import ReadResult, read_accounts
from cleanroom.agent.reading.changes import ChangeResult, read_changes
from cleanroom.agent.reading.delimited import read_delimited
from cleanroom.agent.reading.files import read_table
from cleanroom.agent.reading.guessing import guess_mapping
from cleanroom.agent.reading.mapping import Mapping
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.fields import DEFAULT_CATALOGUE, RESERVED, Field, FieldClass, FieldType, Reduction
from cleanroom.domain.vocabulary import Form

EXAMPLES = Path(__file__).parents[4] / "examples"
BASE = ["account_id", "name", "website", "country", "lei", "duns", "vat", "segment", "suppressed"]


def read(text: str, segment_from: SegmentFrom | None = None, segment: str | None = None) -> ReadResult:
    table = read_delimited(text.encode())
    return read_accounts(table, guess_mapping(table), segment=segment, segment_from=segment_from, list_name="crm")


def refused(result: ReadResult) -> list[tuple[object, ...]]:
    return [tuple(row) for row in result.refused.itertuples(index=False)]


def test_the_frame_is_as_agreed() -> None:
    result = read("Account ID,Name,Website,Country,Owner,Amount\n7,Öl,a.com,Germany,Jo,5\n", segment="customers")
    assert [*result.accounts.columns] == [*BASE, "owner", "amount"]
    assert result.accounts.iloc[0].tolist() == [
        "crm\x1f7",
        "Öl",
        "a.com",
        "DE",
        *("",) * 3,
        "customers",
        False,
        "Jo",
        "5.00",
    ]
    kinds = {name: str(kind) for name, kind in result.accounts.dtypes.items()}
    assert kinds.pop("suppressed") == "bool"
    assert set(kinds.values()) == {"str"}
    assert (result.accounts.index == np.arange(1)).all()
    assert (result.rows.tolist(), refused(result)) == ([2], [])
    assert {name: str(kind) for name, kind in result.refused.dtypes.items()} == {
        "row": "int64", "column": "str", "rule": "str", "left_out": "bool"
    }  # fmt: skip


def test_repeated_and_missing_ids_and_empty_keys_are_refused_the_first_stays() -> None:
    result = read("id,name,owner\n1,A,x\n2,B,x\n1,C,x\n,D,x\n5,,x\n\n1,E,x\n")
    assert result.accounts["name"].tolist() == ["A", "B"]
    assert refused(result) == [
        (4, "account_id", "repeated; the first row with it stays", True),
        (5, "account_id", "empty", True),
        (6, "name", "neither name, website nor identifier", True),
        (8, "account_id", "repeated; the first row with it stays", True),
    ]


def test_values_that_cannot_be_read_empty_their_cell_and_keep_the_account() -> None:
    head = "id,name,country,owner email,amount,currency,close date\n"
    result = read(head + '1,A,Atlantis,nobody,lots,Taler,soon\n2,B,France,Jo@X.org,"1,50",eur,2026-01-31\n')
    assert result.accounts.loc[0, ["country", "owner_email", "amount", "currency", "close_date"]].tolist() == [""] * 5
    assert result.accounts.loc[1, ["country", "owner_email", "amount", "currency", "close_date"]].tolist() == [
        *("FR", "jo@x.org", "1.50", "EUR", "2026-01-31"),
    ]
    assert {(row, column, left) for row, column, _, left in refused(result)} == {
        (2, column, False) for column in ("country", "owner_email", "amount", "currency", "close_date")
    }


def test_no_refusal_or_note_tells_a_value() -> None:
    planted = "Zzyzx"
    result = read(
        f"id,name,country,amount,type,id type,identifier\n1,A,{planted},{planted},{planted},{planted},{planted}\n"
        f"2,{planted * 30_000},x,5,x,,\n",
        segment_from=SegmentFrom(column="type"),
    )
    assert len(result.refused) == 3
    assert planted not in result.refused.to_csv() + " ".join(result.notes)


def test_dates_are_decided_by_the_column() -> None:
    head = "name,close date\n"
    assert read(head + "A,01/02/2026\nB,13/02/2026\n").accounts["close_date"].tolist() == ["2026-02-01", "2026-02-13"]
    assert read(head + "A,01/02/2026\nB,02/13/2026\n").accounts["close_date"].tolist() == ["2026-01-02", "2026-02-13"]
    both = read(head + "A,01/02/2026\nB,02/13/2026\nC,13/02/2026\nD,2026-01-05\n")
    assert both.accounts["close_date"].tolist() == ["", "", "", "2026-01-05"]
    assert [row for row, *_ in refused(both)] == [2, 3, 4]


def test_a_saved_mapping_reads_a_delta_as_the_list_was_read() -> None:
    full = read_delimited(b"id;name;close date;amount\n1;A;13/02/2026;1.000,50\n")
    delta = read_delimited(b"id;name;close date;amount\n2;B;03/02/2026;1.500\n")
    result = read_changes(delta, guess_mapping(full), segment=None, segment_from=None, list_name="crm")
    assert result.upserts.accounts.loc[0, ["close_date", "amount"]].tolist() == ["2026-02-03", "1500.00"]


def test_currency_written_beside_the_amount() -> None:
    result = read("name,amount,currency\nA,5 €,\nB,5 €,usd\nC,$5,\n")
    assert result.accounts["currency"].tolist() == ["EUR", "USD", ""]
    assert read("name,amount\nA,5 €\n").accounts["currency"].tolist() == ["EUR"]
    assert "currency" not in read("name,amount\nA,5\n").accounts


def test_ids_from_the_content_are_stable_and_distinct() -> None:
    rows = ["A,a.com,DE", "B,,", "A,a.com,DE", "A,a.com,FR"]
    head = "name,website,country\n"
    first = read(head + "\n".join(rows)).accounts
    assert first["account_id"].is_unique
    again = read(head + "\n".join(["New,n.com,DE", *reversed(rows)])).accounts
    assert set(first["account_id"]) < set(again["account_id"])
    other = read(head + "AA,.com,DE\n").accounts
    assert not set(other["account_id"]) & set(first["account_id"])


def test_identifiers_from_columns_and_pairs() -> None:
    pairs = ["A,L1,LEI,L2", "B,,Legal Entity Identifier,L3", "C,,D-U-N-S,1", "D,,VAT ID,V", "E,,Phone,X", ",,VAT,W"]
    text = "\n".join(["name,lei,identifier type,identifier", *pairs])
    result = read(text)
    assert [*result.accounts.columns] == BASE
    assert result.accounts["lei"].tolist() == ["L1", "L3", "", "", "", ""]
    assert result.accounts["duns"].tolist() == ["", "", "1", "", "", ""]
    assert result.accounts["vat"].tolist() == ["", "", "", "V", "", "W"]
    assert len([note for note in result.notes if "1 identifiers of a type that is none of lei, " in note]) == 1


def test_every_type_of_identifier_goes_to_its_column() -> None:
    spelled = {
        "register": ["Company Number", "HRB", "SIREN", "Companies House"],
        "cik": ["CIK", "Central Index Key"],
        "isin": ["ISIN", "isin code"],
        "ticker": ["Ticker", "stock symbol"],
        "lei": ["LEI"],
        "duns": ["D-U-N-S Number"],
        "vat": ["USt-IdNr."],
    }
    rows = [(kind, word) for kind, words in spelled.items() for word in words]
    text = "\n".join(["name,id type,identifier", *(f"N,{word},v{at}" for at, (_, word) in enumerate(rows))])
    result = read(text)
    assert not [note for note in result.notes if "not used" in note]
    for kind in spelled:
        wanted = [f"v{at}" if own == kind else "" for at, (own, _) in enumerate(rows)]
        assert result.accounts[kind].tolist() == wanted


def test_a_column_of_its_own_goes_before_a_pair() -> None:
    result = read("name,ISIN,identifier type,identifier\nA,I1,isin,I2\nB,,isin,I3\nC,I4,CIK,7\n")
    assert result.accounts["isin"].tolist() == ["I1", "I3", "I4"]
    assert result.accounts["cik"].tolist() == ["", "", "7"]


def test_of_an_address_only_the_domain_is_kept() -> None:
    cells = {
        "ann@Acme.example": "acme.example",
        "Ann Private <ann@acme.example>": "acme.example",
        "ann@first.example; bob@sub.second.example": "sub.second.example",
        "ann@acme.example (Ann Private)": "acme.example",
        '""ann@private""@acme.example': "acme.example",
        "ann.private": "",
        "ann@private": "",
        "ann@ private.person": "",
        "": "",
    }
    result = read("name,Contact Email\n" + "".join(f'N{at},"{cell}"\n' for at, cell in enumerate(cells)))
    assert result.accounts["email"].tolist() == [*cells.values()]
    assert [row[:2] for row in refused(result)] == [(row, "email") for row in (7, 8, 9)]
    assert "private" not in result.accounts.to_csv() + result.refused.to_csv()
    domains = read("name,web,email domain\nA,,Acme.Example\nB,,nobody\nC,,b.com\n")
    assert domains.accounts["email"].tolist() == ["acme.example", "", "b.com"]


def test_an_account_may_have_nothing_but_an_address() -> None:
    result = read("name,isin,email\n,,ann@acme.example\n,,\n")
    assert result.accounts["email"].tolist() == ["acme.example"]


def test_suppression_takes_the_stricter_reading() -> None:
    words = {"yes": True, "TRUE": True, "1": True, "x": True, "ja": True, "oui": True, "whatever": True, "✓": True}
    words |= {
        "no": False,
        "FALSE": False,
        "0": False,
        "nein": False,
        "": False,
        "n/a": False,
        "-": False,
        "\u2014": False,
    }
    text = "name,do not share\n" + "".join(f"A{n},{word}\n" for n, word in enumerate(words))
    assert read(text).accounts["suppressed"].tolist() == list(words.values())


def test_segments_from_a_column() -> None:
    text = "name,Type\nA,Customer\nB,Open  Opportunity\nC,Lead\nD,Competitor\nE,\nF,open_opportunities\n"
    result = read(text, segment_from=SegmentFrom(column="type"))
    assert result.accounts["segment"].tolist() == [
        "customers",
        "open_opportunities",
        "prospects",
        "",
        "",
        "open_opportunities",
    ]
    assert any("without a segment: 1 rows" in note for note in result.notes)
    own = SegmentFrom(column="Type", values={"customer": "gold", "lead": "lead"})
    assert read(text, segment_from=own).accounts["segment"].tolist() == ["gold", "", "lead", "", "", ""]
    with pytest.raises(InputRefused, match="segment: no column"):
        read(text, segment_from=SegmentFrom(column="Nowhere"))
    with pytest.raises(InputRefused, match="not both"):
        read(text, segment="x", segment_from=own)
    with pytest.raises(InputRefused, match="empty"):
        read(text, segment=" ")
    with pytest.raises(InputRefused):
        SegmentFrom(column="", values={})


def test_a_cell_too_long_costs_its_row() -> None:
    result = read(f"id,name\n1,{'x' * 100_001}\n2,{'ü' * 100_000}\n3,{'y' * 10_000_000}\n4,B\n")
    assert result.accounts["account_id"].tolist() == ["crm\x1f2", "crm\x1f4"]
    assert refused(result) == [(row, "name", "longer than 100,000 characters", True) for row in (2, 4)]


def test_formula_looking_and_unclean_cells_are_text() -> None:
    result = read('id,name\n1,=CMD()\n2,@SUM\n3,"a\x07b\tc\u202e"\n')
    assert result.accounts["name"].tolist() == ["=CMD()", "@SUM", "ab c"]


@pytest.mark.parametrize("text", ["name\n", "id,name\n,A\n", "name,website\n ,\u200b\n", "id,name\n1,\n"])
def test_a_list_without_a_usable_row_is_refused(text: str) -> None:
    with pytest.raises(InputRefused, match="no usable row"):
        read(text)


def test_a_list_of_one_and_an_unusable_list_name() -> None:
    assert len(read("website\na.com\n").accounts) == 1
    table = read_delimited(b"name\nA\n")
    for name in ("", " ", "a\x1fb"):
        with pytest.raises(InputRefused, match="list name"):
            read_accounts(table, Mapping(columns={"name": "name"}), segment=None, segment_from=None, list_name=name)


@given(st.lists(st.tuples(st.sampled_from("123 "), st.sampled_from(["", "A", "B"])), min_size=1, max_size=12))
def test_every_row_is_an_account_or_refused(rows: list[tuple[str, str]]) -> None:
    text = "id,name,owner\n" + "".join(f"{own},{name},x\n" for own, name in rows)
    usable = [own for own, name in rows if name and own.strip()]
    if not usable:
        with pytest.raises(InputRefused):
            read(text)
        return
    result = read(text)
    assert [account[4:] for account in result.accounts["account_id"]] == list(dict.fromkeys(usable))
    assert sorted([*result.rows.tolist(), *result.refused["row"].tolist()]) == list(range(2, len(rows) + 2))


def changes(text: str, mapping: Mapping | None = None, segment_from: SegmentFrom | None = None) -> ChangeResult:
    table = read_delimited(text.encode())
    return read_changes(
        table, mapping or guess_mapping(table), segment=None, segment_from=segment_from, list_name="crm"
    )


def test_changes() -> None:
    result = changes("id,name,op\n1,A,upsert\n2,,DELETE\n3,C,\n4,D,explode\n2,X,upsert\n5,,\n6,F,Remove\n")
    assert result.upserts.accounts["account_id"].tolist() == ["crm\x1f1", "crm\x1f3"]
    assert result.upserts.rows.tolist() == [2, 4]
    assert result.deletes == ("crm\x1f2", "crm\x1f6")
    assert [(row, column) for row, column, *_ in refused(result.upserts)] == [
        (5, "change"),
        (6, "account_id"),
        (7, "name"),
    ]


def test_changes_with_the_mapping_of_the_full_list() -> None:
    full = guess_mapping(read_delimited(b"id,name,website\n1,A,a.com\n"))
    assert changes("id,op\n1,delete\n2,delete\n", full).deletes == ("crm\x1f1", "crm\x1f2")
    assert len(changes("id,name,website\n1,A,b.com\n", full).upserts.accounts) == 1
    with pytest.raises(InputRefused, match="columns for name, website"):
        changes("id,op\n1,delete\n2,upsert\n", full)
    with pytest.raises(InputRefused, match="columns for name, segment, website"):
        changes("id,op\n2,upsert\n", full, SegmentFrom(column="Type"))


def test_changes_need_ids_and_something_to_do() -> None:
    with pytest.raises(InputRefused, match="account_id"):
        changes("name,op\nA,upsert\n")
    with pytest.raises(InputRefused, match="no usable row"):
        changes("id,name,op\n1,A,explode\n")


@pytest.mark.parametrize(("name", "count", "column"), [("acme", 3_486, "Type"), ("globex", 21_631, "Lifecycle Stage")])
def test_the_examples_are_read_whole_without_refusals(name: str, count: int, column: str) -> None:
    table = read_table(EXAMPLES / f"{name}.csv")
    result = read_accounts(
        table, guess_mapping(table), segment=None, segment_from=SegmentFrom(column=column), list_name=name
    )
    assert (len(result.accounts), len(result.refused)) == (count, 0)
    shares = result.accounts["segment"].value_counts(normalize=True).round(2).to_dict()
    assert {
        segment: abs(shares[segment] - share) <= 0.02
        for segment, share in {"customers": 0.45, "open_opportunities": 0.20, "prospects": 0.35}.items()
    } == dict.fromkeys(shares, True)
    fields = {"owner", "owner_email", "stage", "amount", "currency", "close_date", "region"}
    assert {*result.accounts.columns} == {*BASE, *fields}
    for kind, share in {"lei": 0.1, "duns": 0.15, "vat": 0.1, "amount": 0.6, "close_date": 0.6, "country": 0.7}.items():
        assert (result.accounts[kind] != "").mean() > share
    assert result.accounts["close_date"].str.fullmatch(r"(2025|2026)-\d\d-\d\d|").all()
    assert result.accounts["amount"].str.fullmatch(r"\d{4,6}\.\d\d|").all()
    canaries = (EXAMPLES / "canaries.txt").read_text().split()
    found = [canary for canary in canaries if result.accounts["name"].str.contains(canary).sum() == 1]
    assert len(found) == 3
    assert all(result.accounts["website"].str.contains(canary).sum() == 1 for canary in found)


def test_the_catalogue() -> None:
    names = [field.name for field in DEFAULT_CATALOGUE]
    assert len(set(names)) == len(names)
    assert not RESERVED & set(names)
    good = {"type": FieldType.TEXT, "field_class": FieldClass.CONTACT, "reduced": Reduction.INITIALS}
    for bad in (
        *({"name": name} for name in ("", "Owner", "1a", "name", "account", "a" * 41, "a b")),
        {"name": "a", "reduced": Reduction.BANDED},
        {"name": "a", "reduced": Reduction.QUARTER},
        {"name": "a", "bands": (("", (1, 2)),)},
        {"name": "a", "ceiling": Form.COUNT},
    ):
        with pytest.raises(ValueError, match="field"):
            Field(**{**good, **bad})
