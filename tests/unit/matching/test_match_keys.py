from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pytest
from editions_made import edition_of
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.keys import IDENTIFIER_KINDS, KINDS, LOCAL_KINDS, REQUIRED, Keys, keys_of
from matching.normalise.tables import FIRST_WORD, Recipe, Tables, current
from matching.refusal import Refusal

TEXT = ("name", "website", "country", "lei", "duns", "vat", "register", "cik", "isin", "ticker", "email")


class Lookup:
    """A suffix table of one suffix that remembers what it was asked."""

    def __init__(self, labels: int = 2) -> None:
        self.asked: list[str] = []
        self.labels = labels

    def __call__(self, host: str) -> str:
        self.asked.append(host)
        return ".".join(host.split(".")[-self.labels :]) if host.endswith(".com") else ""


def tables(lookup: Lookup | None = None) -> Tables:
    """The edition before differs in the suffix list, and in whose domain a.com is."""
    return Tables(
        current=edition_of("new", lookup or Lookup(), equivalent={"a.com": "b.com"}, legal_forms=frozenset({("inc",)})),
        previous=edition_of("old", Lookup(labels=3)),
    )


NEWEST = current(tables())


def recipes(*kinds: str, edition: str = "new") -> list[Recipe]:
    return [
        replace(recipe, tables=edition if recipe.tables else "")
        for kind in kinds
        for recipe in NEWEST
        if recipe.kind == kind
    ]


def accounts(*rows: dict[str, object], columns: Sequence[str] = TEXT) -> pd.DataFrame:
    whole = [{**dict.fromkeys(columns, ""), "suppressed": False, **row} for row in rows]
    frame = pd.DataFrame(whole, columns=[*columns, "suppressed"])
    return frame.astype({**dict.fromkeys(columns, "str"), "suppressed": "bool"})


def found(keys: Keys, of: Sequence[Recipe] = NEWEST) -> set[tuple[int, str]]:
    """(account, "kind:key")."""
    rows = keys.frame.itertuples(index=False, name=None)
    return {(account, f"{of[kind].kind}:{key}") for account, kind, key in rows}


def test_every_kind_gives_its_keys() -> None:
    keys = keys_of(
        accounts(
            {"name": "Acme Labs Inc", "country": "US", "website": "https://www.acme.com", "duns": "150483782"},
            {"lei": "213800KUD8LAJWSQ9D15", "vat": "136695976", "register": "GB 01234567", "country": "DE"},
            {"register": "01234567", "country": "GB", "cik": "320193", "isin": "US0378331005", "ticker": "AAPL US"},
        ),
        NEWEST,
        tables(),
    )
    assert found(keys) == {
        (0, "duns:150483782"),
        (0, "domain:acme.com"),
        (0, "site_name:acme"),
        (0, "name_country:acmelabs|US"),
        (0, "name_country:acme|US"),
        (0, "name:acmelabs"),
        (0, "name_outline:acme lab"),
        (0, "name_outline:^acme l"),
        (0, "first_word:acme"),
        (1, "lei:213800KUD8LAJWSQ9D15"),
        (1, "vat:DE136695976"),
        (2, "register:GB:01234567"),
        (2, "cik:0000320193"),
        (2, "isin:US0378331005"),
        (2, "ticker:US:AAPL"),
    }
    assert keys.frame.dtypes.astype(str).to_dict() == {"account": "int32", "kind": "uint8", "key": "str"}
    assert keys.refused.to_dict("records") == [
        {"account": 1, "column": "register", "rule": "wrong length, form or check digits for its country"}
    ]


def test_the_kinds() -> None:
    assert set(KINDS[:7]) == IDENTIFIER_KINDS
    assert LOCAL_KINDS == (FIRST_WORD,)
    assert FIRST_WORD not in KINDS
    assert [recipe.kind for recipe in NEWEST] == [*KINDS, *LOCAL_KINDS]
    assert len(KINDS) == 12


def test_kinds_are_numbered_as_the_recipes_are_ordered() -> None:
    order = recipes("name", "domain")
    keys = keys_of(accounts({"website": "acme.com", "name": "Acme"}), order, tables())
    assert set(keys.frame.itertuples(index=False, name=None)) == {(0, 0, "acme"), (0, 1, "acme.com")}


def test_an_older_recipe_is_made_with_the_edition_before() -> None:
    frame = accounts({"website": "www.a.com", "name": "Acme Inc"})
    new, old = recipes("domain", "name"), recipes("domain", "name", edition="old")
    assert found(keys_of(frame, new, tables()), new) == {(0, "domain:b.com"), (0, "name:acme")}
    assert found(keys_of(frame, old, tables()), old) == {(0, "domain:www.a.com"), (0, "name:acmeinc")}


def test_recipes_of_two_editions_side_by_side_do_not_mix() -> None:
    frame = accounts({"website": "www.a.com", "name": "Acme Inc"})
    mixed = [*recipes("domain"), *recipes("site_name", "name", edition="old")]
    assert found(keys_of(frame, mixed, tables()), mixed) == {
        (0, "domain:b.com"),
        (0, "site_name:www"),
        (0, "name:acmeinc"),
    }


def test_a_recipe_that_is_not_there_is_refused() -> None:
    older = replace(recipes("domain")[0], tables="older")
    with pytest.raises(Refusal) as caught:
        keys_of(accounts({}), [older], tables())
    assert caught.value.code == "recipe_unknown"
    with pytest.raises(Refusal):
        keys_of(accounts({}), recipes("domain", edition="old"), replace(tables(), previous=None))


@pytest.mark.parametrize("kinds", [(), ("lei", "lei")])
def test_kinds_that_no_terms_can_have_are_refused(kinds: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as caught:
        keys_of(accounts({}), recipes(*kinds), tables())
    assert caught.value.code == "kind_repeated"


def test_refusals_name_account_column_and_rule_but_never_the_value() -> None:
    keys = keys_of(
        accounts({"website": "acme.com"}, {"website": "localhost", "duns": "secret"}, {"website": "localhost"}),
        NEWEST,
        tables(),
    )
    assert keys.refused.to_dict("records") == [
        {"account": 1, "column": "duns", "rule": "not nine digits"},
        {"account": 1, "column": "website", "rule": "a single label, not a domain"},
        {"account": 2, "column": "website", "rule": "a single label, not a domain"},
    ]
    assert keys.refused.dtypes.astype(str).to_dict() == {"account": "int32", "column": "str", "rule": "str"}
    assert {account for account, _ in found(keys)} == {0}


def test_a_cell_that_several_kinds_read_is_refused_once() -> None:
    keys = keys_of(accounts({"name": "Ac\x00me", "country": "nowhere", "vat": "1"}), NEWEST, tables())
    assert sorted(keys.refused["column"]) == ["country", "name", "vat"]


def test_a_refused_cell_leaves_the_other_keys() -> None:
    keys = keys_of(accounts({"name": "Acme", "website": "localhost", "country": "US"}), NEWEST, tables())
    assert (0, "name_country:acme|US") in found(keys)
    assert (0, "name:acme") in found(keys)


def test_several_names_of_one_cell_are_several_keys_and_equal_ones_one() -> None:
    order = recipes("name")
    keys = keys_of(
        accounts({"name": "Acme Inc (formerly Ajax)"}, {"name": "Acme (formerly Acme Inc)"}), order, tables()
    )
    assert keys.frame.to_numpy().tolist() == [[1, 0, "acme"], [0, 0, "acme"], [0, 0, "ajax"]]


def test_the_mail_domain_stands_in_for_a_website() -> None:
    order = recipes("domain")
    keys = keys_of(accounts({"email": "x@mail.acme.com"}, {"website": "b.com", "email": "x@c.com"}), order, tables())
    assert found(keys, order) == {(0, "domain:acme.com"), (1, "domain:b.com")}


def test_suppressed_accounts_give_neither_keys_nor_refusals_and_keep_their_place() -> None:
    keys = keys_of(
        accounts(
            {"website": "acme.com", "suppressed": True},
            {"website": "localhost", "suppressed": True},
            {"website": "b.com", "duns": "x"},
        ),
        recipes("domain", "duns"),
        tables(),
    )
    assert keys.frame.to_numpy().tolist() == [[2, 0, "b.com"]]
    assert keys.refused["account"].tolist() == [2]


def test_a_frame_without_a_column_is_as_if_it_were_empty() -> None:
    least = sorted(REQUIRED)
    row = {"name": "Acme", "website": "acme.com", "country": "US"}
    bare = accounts(row, columns=least).drop(columns="suppressed")
    one, other = keys_of(bare, NEWEST, tables()), keys_of(accounts(row), NEWEST, tables())
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert len(one.frame) > 4


@pytest.mark.parametrize("column", sorted(REQUIRED))
def test_a_frame_without_a_required_column_is_refused(column: str) -> None:
    with pytest.raises(Refusal, match=f"no column {column}") as caught:
        keys_of(accounts({}).drop(columns=column), NEWEST, tables())
    assert caught.value.code == "column_missing"


def test_equal_values_are_normalised_once() -> None:
    lookup = Lookup()
    order = recipes("domain", "site_name")
    keys = keys_of(accounts(*[{"website": "acme.com"}] * 1_000), order, tables(lookup))
    assert len(keys.frame) == 2_000
    assert lookup.asked == ["acme.com"]


@pytest.mark.parametrize("frame", [accounts(), accounts({"suppressed": True}), accounts({})])
def test_a_list_without_keys(frame: pd.DataFrame) -> None:
    keys = keys_of(frame, NEWEST, tables())
    assert keys.frame.empty
    assert keys.refused.empty
    assert keys.frame.dtypes.astype(str).to_dict() == {"account": "int32", "kind": "uint8", "key": "str"}


def test_missing_values_are_no_values() -> None:
    frame = accounts({"website": "acme.com"}, {})
    frame.loc[1, "website"] = None
    order = recipes("domain")
    assert found(keys_of(frame, order, tables()), order) == {(0, "domain:acme.com")}


def test_more_values_than_a_chunk_keep_their_accounts() -> None:
    frame = accounts({}).loc[[0] * 70_000].reset_index(drop=True)
    frame["website"] = pd.Series([f"c{number}.com" for number in range(70_000)], dtype="str")
    keys = keys_of(frame, recipes("domain"), tables()).frame
    assert (keys["key"] == "c" + keys["account"].astype("str") + ".com").all()
    assert len(keys) == 70_000


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["", "Acme", "Acme (formerly Ajax)", "Ac\x00me", "Zz Inc"]),
            "website": st.sampled_from(["", "acme.com", "www.a.com", "localhost", "b.c.com"]),
            "country": st.sampled_from(["", "US", "DE", "no"]),
            "vat": st.sampled_from(["", "136695976", "x"]),
            "email": st.sampled_from(["", "x@acme.com", "y@"]),
            "suppressed": st.booleans(),
        }
    ),
    max_size=8,
)


@settings(max_examples=12)
@given(ROWS)
def test_each_account_has_the_keys_that_it_has_alone(rows: list[dict[str, object]]) -> None:
    """Whatever is shared between rows on the way is not shared in what comes out."""
    frame = accounts(*rows)
    together = keys_of(frame, NEWEST, tables())
    assert not together.frame.duplicated().any()
    for at in range(len(rows)):
        alone = keys_of(frame.iloc[[at]].reset_index(drop=True), NEWEST, tables())
        assert {key for account, key in found(together) if account == at} == {key for _, key in found(alone)}
        wrong = together.refused[together.refused["account"] == at][["column", "rule"]]
        assert wrong.to_numpy().tolist() == alone.refused[["column", "rule"]].to_numpy().tolist()
    assert together.refused["account"].is_monotonic_increasing
