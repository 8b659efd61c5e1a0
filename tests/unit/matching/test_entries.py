import numpy as np
import pandas as pd
import pytest
from colliding_accounts import KINDS, Account, company, holding, lists, merged, readable
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.entries import MOST_KEYS, NO_SEGMENT, merge
from matching.refusal import Refusal
from matching.rule import EXCLUSIVE


def keys_of(*accounts: Account) -> dict[str, set[str]]:
    """Anchor -> "kind:key" of its entry."""
    found = readable(merged(accounts), accounts)
    return {anchor: {f"{kind}:{key}" for kind, key in entry[2]} for anchor, entry in found.items()}


def test_an_entry_has_the_keys_of_its_accounts_and_counts_in_their_first_segment() -> None:
    found = merged(
        [
            holding("c", "name:acme", "domain:acme.com", "name_country:acme|US", segment=2),
            holding("a", "name:acme", "domain:acme.com", "lei:L1", segment=1),
            holding("b", "lei:L1", segment=NO_SEGMENT),
            holding("d", "domain:other.com", segment=2),
        ]
    )
    assert found.entry_of.tolist() == [0, 0, 0, 1]
    assert found.anchor.tolist() == ["a", "d"]
    assert list(found.rows.itertuples(index=False, name=None)) == [
        (0, 1, KINDS.index("lei"), "L1"),
        (0, 1, KINDS.index("domain"), "acme.com"),
        (0, 1, KINDS.index("name_country"), "acme|US"),
        (0, 1, KINDS.index("name"), "acme"),
        (1, 2, KINDS.index("domain"), "other.com"),
    ]
    types = {"entry": "int32", "segment": "uint8", "kind": "uint8", "key": "str"}
    assert found.rows.dtypes.astype(str).to_dict() == types
    assert found.entry_of.dtype == np.int32


def test_entries_outside_the_terms_segments_are_left_out_and_counted() -> None:
    found = merged([company("a", "ab", "ab.com", segment=NO_SEGMENT), company("b", "ef", "ef.com", segment=3)])
    assert (found.uncounted, found.dropped["segment_not_counted"]) == (1, 4)
    assert found.entry_of.tolist() == [-1, 0]
    assert not found.held[:4].any()


def test_an_entry_in_which_one_account_counts_counts() -> None:
    found = merged([holding("a", "lei:1", segment=NO_SEGMENT), holding("b", "lei:1", segment=4)])
    assert found.rows["segment"].tolist() == [4]
    assert found.uncounted == 0


def test_of_more_than_four_keys_of_a_kind_the_first_in_code_point_order_stay() -> None:
    domains = [f"domain:{letter}.com" for letter in "hgfedcba"]
    one, other = holding("b", "lei:1", *domains[:4]), holding("a", "lei:1", *domains[4:])
    found = merged([one, other])
    assert found.rows["key"].tolist() == ["1", "a.com", "b.com", "c.com", "d.com"]
    assert found.dropped["over_the_cap"] == 4


@pytest.mark.parametrize("kind", sorted(EXCLUSIVE & set(KINDS)))
def test_of_an_exclusive_kind_an_entry_keeps_one(kind: str) -> None:
    assert keys_of(holding("a", f"{kind}:2", f"{kind}:1")) == {"a": {f"{kind}:1"}}


def test_a_company_has_several_numbers_of_securities() -> None:
    assert keys_of(holding("a", "isin:2", "isin:1", "ticker:US:A")) == {"a": {"isin:1", "isin:2", "ticker:US:A"}}


@pytest.mark.parametrize(("countries", "kept"), [(["DE", "FR", "GB", "US"], 4), (["DE", "FR", "GB", "IT", "US"], 0)])
def test_an_entry_in_more_than_four_countries_has_no_key_with_a_country(countries: list[str], kept: int) -> None:
    accounts = [company(country, "ab", "ab.com", country) for country in countries]
    found = merged(accounts)
    assert set(found.entry_of.tolist()) == {0}
    assert int((found.rows["kind"] == KINDS.index("name_country")).sum()) == kept
    assert found.dropped["in_many_countries"] == len(countries) - kept


def test_held_says_which_keys_of_an_account_its_entry_has() -> None:
    accounts = [
        holding("a", "lei:1", "domain:x.com", "ticker:US:A"),
        holding("b", "duns:9", "domain:x.com", "ticker:US:A"),
        holding("c", "lei:1", "domain:y.com", segment=NO_SEGMENT),
        holding("d", "isin:1", segment=NO_SEGMENT),
    ]
    entries = readable(merged(accounts), accounts)
    held = {f"{account} {kind}:{key}" for entry in entries.values() for account, (kind, key) in entry[3]}
    # The website x.com and the ticker are nobody's, and d has no entry.
    assert held == {"a lei:1", "b duns:9", "c domain:y.com", "c lei:1"}


def test_repeated_rows_are_one_key_and_each_is_held() -> None:
    keys = pd.DataFrame({"account": [0, 0], "kind": np.array([0, 0], np.uint8), "key": ["x", "x"]})
    found = merge(keys.astype({"key": "str"}), np.zeros(1, np.uint8), pd.Series(["a"], dtype="str"), ["lei"])
    assert len(found.rows) == 1
    assert found.held.tolist() == [True, True]


def test_equal_text_of_different_kinds_is_two_keys() -> None:
    assert keys_of(holding("a", "lei:1"), holding("b", "duns:1")) == {"a": {"lei:1"}, "b": {"duns:1"}}


def test_an_account_without_a_key_has_no_entry() -> None:
    found = merged([holding("a"), holding("b", "lei:1"), holding("c")])
    assert found.entry_of.tolist() == [-1, 0, -1]
    assert found.anchor.tolist() == ["b"]


def test_an_empty_list_has_no_entries() -> None:
    found = merged([])
    assert found.rows.empty
    assert found.anchor.empty
    assert not len(found.held)


@pytest.mark.parametrize("position", [-1, 1])
def test_keys_of_an_account_that_is_not_there_are_refused(position: int) -> None:
    keys = pd.DataFrame({"account": [position], "kind": np.zeros(1, np.uint8), "key": ["x"]})
    with pytest.raises(Refusal, match="different accounts") as caught:
        merge(keys, np.zeros(1, np.uint8), pd.Series(["a"], dtype="str"), ["lei"])
    assert caught.value.code == "accounts_misaligned"


def test_ids_and_segments_of_different_length_are_refused() -> None:
    keys = pd.DataFrame({"account": [0], "kind": np.zeros(1, np.uint8), "key": ["x"]})
    with pytest.raises(Refusal, match="different accounts"):
        merge(keys, np.zeros(1, np.uint8), pd.Series(["a", "b"], dtype="str"), ["lei"])


@settings(max_examples=40)
@given(lists(), st.data())
def test_the_order_of_accounts_does_not_matter(accounts: list[Account], data: st.DataObject) -> None:
    order = data.draw(st.permutations(accounts))
    one, other = merged(accounts), merged(order)
    pd.testing.assert_frame_equal(one.rows, other.rows)
    pd.testing.assert_series_equal(one.anchor, other.anchor)
    assert (one.dropped, one.uncounted) == (other.dropped, other.uncounted)
    assert readable(one, accounts) == readable(other, order)


@settings(max_examples=40)
@given(lists())
def test_an_honest_list_has_no_equal_points_and_no_entry_has_too_many_keys(accounts: list[Account]) -> None:
    found = merged(accounts)
    rows = found.rows
    assert not rows.duplicated(["kind", "key"]).any()
    exclusive = rows["kind"].isin([KINDS.index(kind) for kind in EXCLUSIVE if kind in KINDS])
    assert not rows[exclusive].duplicated(["entry", "kind"]).any()
    assert rows.groupby(["entry", "kind"]).size().max() <= MOST_KEYS or rows.empty
    assert (rows["segment"] != NO_SEGMENT).all()
    assert (rows["kind"] != KINDS.index("first_word")).all()
    assert rows.groupby("entry")["segment"].nunique().le(1).all()


@settings(max_examples=40)
@given(lists())
def test_held_are_the_accounts_own_keys_and_every_key_of_an_entry_is_held(accounts: list[Account]) -> None:
    own = {account.id: account.keys for account in accounts}
    for _, members, keys, held in readable(merged(accounts), accounts).values():
        assert held == {(member, key) for member in members for key in own[member] & keys}
        assert {key for _, key in held} == keys
