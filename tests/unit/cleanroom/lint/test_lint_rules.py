"""Each rule of `cleanroom lint` on a list that is small enough to see why."""

import re
from pathlib import Path

import pandas as pd
import pytest

from cleanroom import notebook
from cleanroom.agent.lint import Lint, lint
from cleanroom.agent.lint_rules import RULES
from cleanroom.agent.progress import Progress
from cleanroom.agent.reading.delimited import read_delimited
from cleanroom.agent.reading.guessing import guess_mapping
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.agent.tables import load_tables
from cleanroom.domain.errors import InputRefused
from matching.owners import MOST_ACCOUNTS

HEAD = "Account ID,Account Name,Website,Country\n"
FINE = "ok,Fine Harbour Tools Ltd,https://fineharbour.com,GB\n"


def look(text: str, *, segment_from: SegmentFrom | None = None) -> Lint:
    table = read_delimited(text.encode())
    return lint(table, guess_mapping(table), segment_from=segment_from, tables=load_tables(), progress=Progress())


def places(found: Lint, rule: str) -> list[tuple[object, ...]]:
    """(account, column, what stands there, what to do)."""
    rows = found.findings[found.findings["rule"] == rule]
    return list(rows[["account_id", "column", "current", "suggestion"]].itertuples(index=False, name=None))


def ids(found: Lint, rule: str) -> list[str]:
    return [str(place[0]) for place in places(found, rule)]


def test_a_list_with_nothing_to_fix_has_no_findings() -> None:
    found = look(HEAD + FINE)
    assert found.findings.empty
    assert (found.counts.accounts, found.counts.strong, dict(found.counts.rules)) == (1, 1, {})
    assert {name: str(kind) for name, kind in found.findings.dtypes.items()} == {
        "row": "int64", **dict.fromkeys(("account_id", "name", "rule", "column", "current", "suggestion"), "str"),
        "master_account_id": "str",
    }  # fmt: skip


def test_accounts_by_what_finds_them() -> None:
    found = look(HEAD + FINE + "name,Lonely Lantern Makers,,DE\nnone,,https://facebook.com/nobody,\n")
    assert (found.counts.strong, found.counts.name_only, found.counts.keyless) == (1, 1, 1)
    assert ids(found, "name_only") == ["name"]
    assert places(found, "no_key") == [("none", "website", "https://facebook.com/nobody", RULES["no_key"].do)]


def test_rows_and_cells_that_reading_refuses() -> None:
    found = look(
        "Account ID,Account Name,Website,Country,Amount\n"
        "1,Fine Harbour Tools,fineharbour.com,Atlantis,lots\n1,Other Harbour,otherharbour.com,GB,5\n"
    )
    assert places(found, "row_left_out") == [
        ("1", "account_id", "1", "repeated; the first row with it stays; " + RULES["row_left_out"].do)
    ]
    assert places(found, "country_unreadable") == [
        ("1", "country", "Atlantis", "not a country; " + RULES["country_unreadable"].do)
    ]
    assert [place[:3] for place in places(found, "value_unreadable")] == [("1", "amount", "lots")]
    assert "country_missing" not in found.counts.rules
    assert found.findings["row"].tolist() == [3, 2, 2]


def test_shared_hosts_are_told_by_host_and_reason() -> None:
    rows = "a,Anna Baker Bread,https://www.facebook.com/annabaker,GB\nb,Bobs Boats Yard,facebook.com/bobs,GB\n"
    found = look(HEAD + FINE + rows + "c,Carla Chairs,sites.google.com/view/carla,GB\n")
    assert ids(found, "shared_host") == ["a", "b", "c"]
    hosts = {host: number for host, _, number in found.counts.hosts}
    assert hosts == {"facebook.com": 2, "sites.google.com": 1}
    reason = load_tables().current.shared_hosts["facebook.com"]
    assert places(found, "shared_host")[0][3] == f"facebook.com: {reason}; {RULES['shared_host'].do}"


def test_websites_that_are_none() -> None:
    found = look(HEAD + FINE + "a,Anna Baker Bread,see notes,GB\nb,Bobs Boats Yard,192.168.0.1,GB\n")
    assert ids(found, "website_unreadable") == ["a", "b"]
    assert found.counts.hosts == ()


def test_a_formula_is_no_name() -> None:
    (place,) = places(look(HEAD + FINE + 'a,"=HYPERLINK(1)",annabaker.co.uk,GB\n'), "name_unreadable")
    assert place[:2] == ("a", "name")


def test_an_address_at_a_mail_provider_says_nothing_one_at_home_is_a_domain() -> None:
    head = "Account ID,Account Name,Website,Country,Contact Email\n"
    rows = "a,Anna Baker Bread,,GB,ann.private@gmail.com\nb,Bobs Boats Yard,,GB,bob@bobsboatsyard.com\n"
    found = look(head + rows)
    assert places(found, "free_mail") == [("a", "email", "gmail.com", "gmail.com; " + RULES["free_mail"].do)]
    assert ids(found, "name_only") == ["a"]
    assert "private" not in found.findings.to_csv()


def test_an_address_at_no_domain_is_not_told_as_a_website() -> None:
    found = look("Account ID,Account Name,Website,Contact Email\na,Anna Baker Bread,,ann.private@nowhere.zzyzx\n")
    assert [place[:3] for place in places(found, "value_unreadable")] == [("a", "email", "nowhere.zzyzx")]
    assert "website_unreadable" not in found.counts.rules


@pytest.mark.parametrize(
    ("header", "cell"),
    [("LEI", "X" * 20), ("DUNS", "12"), ("VAT ID", "DE1"), ("ISIN", "US1"), ("CIK", "none"), ("Ticker", "T")],
)
def test_numbers_that_are_none_of_their_kind(header: str, cell: str) -> None:
    found = look(f"Account ID,Account Name,Website,Country,{header}\na,Anna Baker Bread,annabaker.co.uk,GB,{cell}\n")
    (place,) = places(found, "identifier_invalid")
    assert (place[0], place[2]) == ("a", cell)


def test_a_number_of_a_pair_is_shown_from_its_column() -> None:
    found = look("Account ID,Account Name,Website,Country,ID Type,Identifier\na,Anna,annabaker.co.uk,GB,ISIN,US1\n")
    assert [place[:3] for place in places(found, "identifier_invalid")] == [("a", "isin", "US1")]


def test_a_number_on_two_companies_is_nobodys() -> None:
    head = "Account ID,Account Name,Website,Country,DUNS,LEI\n"
    rows = "a,Anna Baker Bread,annabaker.co.uk,GB,150483782,213800KUD8LAJWSQ9D15\n"
    rows += "b,Bobs Boats Yard,bobsboats.co.uk,GB,150483782,5493001KJTIIGC8Y1R12\n"
    assert ids(look(head + rows), "identifier_shared") == ["a", "b"]


def test_a_country_is_missing_where_nothing_tells_it() -> None:
    found = look(HEAD + "a,Anna Baker Bread,annabaker.com,\nb,Bobs Boats Yard,bobsboats.de,\nc,Carla Chairs,,FR\n")
    assert ids(found, "country_missing") == ["a"]


def test_duplicates_name_their_likely_master() -> None:
    rows = "a,Harbour Light Tools,,GB\nb,Harbour Light Tools Ltd,https://harbourlighttools.com,GB\n"
    rows += "c,Harbour Light Tools,harbourlighttools.com,\n"
    found = look(HEAD + rows)
    duplicates = found.findings[found.findings["rule"] == "duplicate"]
    assert duplicates["account_id"].tolist() == ["a", "c"]
    assert duplicates["master_account_id"].tolist() == ["b", "b"]
    assert duplicates["suggestion"].tolist() == ["merge it into b"] * 2
    assert found.counts.rules["duplicate"] == 2


def test_a_website_that_spells_the_name_goes_before_a_fuller_row() -> None:
    rows = (
        "a,Harbour Light Tools,hlt-holding.com,GB,150483782\nb,Harbour Light Tools,harbourlighttools.com,,150483782\n"
    )
    duplicates = look("Account ID,Account Name,Website,Country,DUNS\n" + rows).findings.query("rule == 'duplicate'")
    assert list(zip(duplicates["account_id"], duplicates["master_account_id"], strict=True)) == [("a", "b")]


def test_accounts_that_lose_all_they_have_are_told_why() -> None:
    found = look(HEAD + "a,,moorgroup.com,GB\nb,,moorgroup.com,GB\n")
    assert ids(found, "no_key") == ids(found, "names_on_domain") == ["a", "b"]


def test_the_fuller_row_is_the_master_if_no_website_tells() -> None:
    rows = "a,Harbour Light Tools,hlt-shop.com,\nb,Harbour Light Tools,hlt-shop.com,GB\n"
    duplicates = look(HEAD + rows).findings.query("rule == 'duplicate'")
    assert list(zip(duplicates["account_id"], duplicates["master_account_id"], strict=True)) == [("a", "b")]


def test_a_branch_in_another_country_may_stay() -> None:
    rows = "a,Harbour Light Tools,harbourlighttools.com,GB\nb,Harbour Light Tools,harbourlighttools.com,FR\n"
    (place,) = places(look(HEAD + rows), "duplicate")
    assert place[3] == "merge it into a, or leave it: it is in another country"


def test_a_list_without_ids_names_rows() -> None:
    text = "Company,Website\nHarbour Light Tools,harbourlighttools.com\nHarbour Light Tools Ltd,harbourlighttools.com\n"
    found = look(text).findings.query("rule == 'duplicate'")
    assert found[["row", "account_id", "suggestion", "master_account_id"]].to_numpy().tolist() == [
        [3, "", "merge it into row 2", ""]
    ]


def test_companies_on_one_website() -> None:
    rows = "a,Anna Baker Bread,moorgroup.com,GB\nx,Lonely Lantern,lonelylantern.com,GB\nb,Bobs Boats,moorgroup.com,GB\n"
    found = look(HEAD + rows)
    assert ids(found, "names_on_domain") == ["a", "b"]
    assert "duplicate" not in found.counts.rules


def test_a_domain_on_very_many_accounts_is_no_key() -> None:
    rows = [f"{at},{_word(at)} Works,https://portal-of-all.com/{at},GB\n" for at in range(MOST_ACCOUNTS + 1)]
    found = look(HEAD + "".join(rows) + FINE)
    assert len(ids(found, "domain_too_often")) == MOST_ACCOUNTS + 1
    assert "names_on_domain" not in found.counts.rules


def test_a_name_on_very_many_accounts_is_no_key() -> None:
    rows = [f"{at},City Hall,{_word(at).lower()}-town.com,GB\n" for at in range(MOST_ACCOUNTS + 1)]
    found = look(HEAD + "".join(rows))
    assert len(ids(found, "name_too_often")) == MOST_ACCOUNTS + 1
    assert "name_lost" not in found.counts.rules


def test_a_name_that_two_companies_go_by() -> None:
    rows = "a,City Hall Bakery,breadshop-one.com,GB\nb,City Hall Bakery,other-pastry.com,GB\n"
    assert ids(look(HEAD + rows + FINE), "name_lost") == ["a", "b"]


def test_a_segment_that_was_not_understood() -> None:
    text = (
        "Account ID,Account Name,Website,Country,Type\na,A Harbour,aharbour.com,GB,Zork\nb,B Moor,bmoor.com,GB,Lead\n"
    )
    assert places(look(text, segment_from=SegmentFrom(column="type")), "no_segment") == [
        ("a", "segment", "Zork", RULES["no_segment"].do)
    ]
    assert "no_segment" not in look(text).counts.rules


def test_suppressed_accounts_are_only_counted() -> None:
    found = look("Account ID,Account Name,Website,Suppressed\na,,facebook.com/x,yes\n" + "b,Fine Moor,finemoor.com,\n")
    assert (found.counts.accounts, found.counts.suppressed) == (1, 1)
    assert set(found.findings["account_id"]) <= {"b"}


def test_the_most_harmful_rule_comes_first() -> None:
    rows = "".join(f"{at},,facebook.com/{at},\n" for at in range(3)) + "c,Anna Baker Bread,annabaker.com,\n"
    found = look(HEAD + rows)
    assert [*found.counts.rules] == ["no_key", "shared_host", "country_missing"]
    assert found.findings["rule"].drop_duplicates().tolist() == [*found.counts.rules]


def test_a_list_without_a_usable_row_is_refused() -> None:
    with pytest.raises(InputRefused, match="no usable row"):
        look("Account ID,Account Name\n1,\n")


def test_every_rule_is_found_in_these_tests() -> None:
    asked = set(re.findall(r'"([a-z_]+)"', Path(__file__).read_text(encoding="utf-8")))
    assert set(RULES) <= asked


def _word(at: int) -> str:
    letters = "bcdfghjklmnp"
    return "".join(letters[at // 12**place % 12] + "aeiou"[(at + place) % 5] for place in range(4)).title()


def test_frames_keep_their_dtypes_when_something_is_found() -> None:
    found = look(HEAD + "a,Anna Baker Bread,annabaker.com,\n").findings
    assert isinstance(found, pd.DataFrame)
    assert {str(kind) for name, kind in found.dtypes.items() if name != "row"} == {"str"}


def test_a_notebook_gets_the_same_places(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(HEAD + FINE + "a,Anna Baker Bread,facebook.com/anna,GB\n")
    found = notebook.lint(path)
    assert {name: str(kind) for name, kind in found.dtypes.items()} == notebook.LINTED
    assert found["rule"].tolist() == ["shared_host", "name_only"]
    assert found["row"].tolist() == [3, 3]
