import pandas as pd
import pytest

from matching.keys import IDENTIFIER_KINDS, KINDS, keys_of
from matching.normalise.tables import Tables
from matching.refusal import Refusal

COLUMNS = ("name", "website", "country", "lei", "duns", "vat")


class Lookup:
    """A suffix table of one suffix that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, host: str) -> str:
        self.asked.append(host)
        return ".".join(host.split(".")[-2:]) if host.endswith(".com") else ""


def tables(lookup: Lookup | None = None) -> Tables:
    return Tables(registrable_domain=lookup or Lookup(), versions={"domain": "test"})


def accounts(*rows: dict[str, object]) -> pd.DataFrame:
    whole = [{**dict.fromkeys(COLUMNS, ""), "suppressed": False, **row} for row in rows]
    frame = pd.DataFrame(whole, columns=[*COLUMNS, "suppressed"])
    return frame.astype({**dict.fromkeys(COLUMNS, "str"), "suppressed": "bool"})


def as_set(frame: pd.DataFrame) -> set[tuple[object, ...]]:
    return set(frame.itertuples(index=False, name=None))


def test_every_kind_gives_its_keys() -> None:
    found = keys_of(
        accounts(
            {"name": "Acme Inc", "country": "US", "website": "https://www.acme.com", "duns": "150483782"},
            {"lei": "213800KUD8LAJWSQ9D15", "vat": "136695976", "country": "DE"},
        ),
        KINDS,
        tables(),
    )
    assert as_set(found.frame) == {
        (0, 1, "150483782"),
        (0, 3, "acme.com"),
        (0, 4, "acme|US"),
        (1, 0, "213800KUD8LAJWSQ9D15"),
        (1, 2, "DE136695976"),
    }
    assert found.frame.dtypes.astype(str).to_dict() == {"account": "int32", "kind": "uint8", "key": "str"}
    assert found.refused.empty


def test_kinds_are_numbered_as_the_terms_order_them() -> None:
    found = keys_of(
        accounts({"website": "acme.com", "name": "Acme", "country": "US"}), ("name_country", "domain"), tables()
    )
    assert as_set(found.frame) == {(0, 0, "acme|US"), (0, 1, "acme.com")}


def test_refusals_name_account_column_and_rule_but_never_the_value() -> None:
    found = keys_of(
        accounts({"website": "acme.com"}, {"website": "localhost", "duns": "secret"}, {"website": "localhost"}),
        KINDS,
        tables(),
    )
    assert found.refused.to_dict("records") == [
        {"account": 1, "column": "duns", "rule": "not nine digits"},
        {"account": 1, "column": "website", "rule": "a single label, not a domain"},
        {"account": 2, "column": "website", "rule": "a single label, not a domain"},
    ]
    assert as_set(found.frame) == {(0, 3, "acme.com")}


def test_vat_and_name_depend_on_the_accounts_country() -> None:
    found = keys_of(
        accounts({"name": "Acme", "country": "DE"}, {"name": "Acme", "country": "FR"}, {"name": "Acme"}),
        ("name_country",),
        tables(),
    )
    assert as_set(found.frame) == {(0, 0, "acme|DE"), (1, 0, "acme|FR")}


def test_suppressed_accounts_give_neither_keys_nor_refusals() -> None:
    found = keys_of(
        accounts(
            {"website": "acme.com", "suppressed": True},
            {"website": "localhost", "suppressed": True},
            {"website": "b.com"},
        ),
        KINDS,
        tables(),
    )
    assert as_set(found.frame) == {(2, 3, "b.com")}
    assert found.refused.empty


def test_equal_values_are_normalised_once() -> None:
    lookup = Lookup()
    found = keys_of(accounts(*[{"website": "acme.com"}] * 1_000), ("domain",), tables(lookup))
    assert len(found.frame) == 1_000
    assert lookup.asked == ["acme.com"]


def test_empty_list() -> None:
    found = keys_of(accounts(), KINDS, tables())
    assert found.frame.empty
    assert found.refused.empty
    assert found.frame.dtypes.astype(str).to_dict() == {"account": "int32", "kind": "uint8", "key": "str"}


def test_missing_values_are_no_values() -> None:
    frame = accounts({"website": "acme.com"}, {})
    frame.loc[1, "website"] = None
    assert as_set(keys_of(frame, ("domain",), tables()).frame) == {(0, 0, "acme.com")}


def test_more_values_than_a_chunk_keep_their_accounts() -> None:
    frame = accounts({}).loc[[0] * 70_000].reset_index(drop=True)
    frame["website"] = pd.Series([f"a{number}.com" for number in range(70_000)], dtype="str")
    found = keys_of(frame, ("domain",), tables()).frame
    assert (found["key"] == "a" + found["account"].astype("str") + ".com").all()
    assert len(found) == 70_000


@pytest.mark.parametrize(
    ("kinds", "code"), [((), "kind_unknown"), (("phone",), "kind_unknown"), (("lei", "lei"), "kind_repeated")]
)
def test_kinds_that_no_terms_can_have_are_refused(kinds: tuple[str, ...], code: str) -> None:
    with pytest.raises(Refusal) as caught:
        keys_of(accounts({}), kinds, tables())
    assert caught.value.code == code


def test_a_missing_column_is_refused() -> None:
    with pytest.raises(Refusal, match="no column website"):
        keys_of(accounts({}).drop(columns="website"), ("domain",), tables())


def test_identifiers_come_first_and_are_marked() -> None:
    assert set(KINDS[:3]) == IDENTIFIER_KINDS
