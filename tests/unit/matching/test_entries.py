from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.entries import NO_SEGMENT, Entries, merge
from matching.refusal import Refusal

LEI, DUNS, DOMAIN, NAME = range(4)
IDENTIFIERS = frozenset({LEI, DUNS})

Key = tuple[int, str]
Account = tuple[int, frozenset[Key]]
"""(segment, keys)."""


def merged(accounts: dict[str, Account], *, order: list[str] | None = None) -> Entries:
    names = order or list(accounts)
    rows = [
        (at, kind, key) for at, name in enumerate(names) for kind, key in sorted(accounts[name][1], reverse=at % 2 == 0)
    ]
    frame = pd.DataFrame(rows, columns=["account", "kind", "key"])
    return merge(
        frame.astype({"account": "int32", "kind": "uint8", "key": "str"}),
        np.array([accounts[name][0] for name in names], dtype=np.uint8),
        pd.Series(names, dtype="str"),
        IDENTIFIERS,
    )


def readable(entries: Entries, names: list[str]) -> dict[str, tuple[int, frozenset[str], frozenset[Key]]]:
    """Anchor -> (segment, accounts, keys)."""
    members = defaultdict(set)
    for name, entry in zip(names, entries.entry_of.tolist(), strict=True):
        members[entry].add(name)
    keys = defaultdict(set)
    segment = {}
    for row in entries.rows.itertuples():
        keys[row.entry].add((row.kind, row.key))
        segment[row.entry] = row.segment
    return {
        anchor: (segment[entry], frozenset(members[entry]), frozenset(keys[entry]))
        for entry, anchor in enumerate(entries.anchor.tolist())
    }


def account(*keys: Key, segment: int = 0) -> Account:
    return segment, frozenset(keys)


def test_accounts_that_share_a_key_are_one_entry_with_the_union_of_keys_and_the_first_segment() -> None:
    found = merged(
        {
            "c": account((DOMAIN, "acme.com"), (NAME, "acme|US"), segment=2),
            "a": account((DOMAIN, "acme.com"), (LEI, "L1"), segment=1),
            "b": account((NAME, "acme|US"), segment=NO_SEGMENT),
            "d": account((DOMAIN, "other.com"), segment=2),
        }
    )
    assert readable(found, ["c", "a", "b", "d"]) == {
        "a": (1, frozenset("abc"), frozenset({(LEI, "L1"), (DOMAIN, "acme.com"), (NAME, "acme|US")})),
        "d": (2, frozenset("d"), frozenset({(DOMAIN, "other.com")})),
    }
    assert found.rows.dtypes.astype(str).to_dict() == {
        "entry": "int32",
        "segment": "uint8",
        "kind": "uint8",
        "key": "str",
    }
    assert found.entry_of.dtype == np.int32


def test_equal_text_of_different_kinds_joins_nothing() -> None:
    found = merged({"a": account((LEI, "1")), "b": account((DUNS, "1"))})
    assert found.entry_of.tolist() == [0, 1]


def test_accounts_whose_identifiers_differ_stay_apart_and_lose_the_shared_key() -> None:
    found = merged(
        {
            "a": account((LEI, "L1"), (DOMAIN, "acme.com")),
            "b": account((LEI, "L2"), (DOMAIN, "acme.com")),
            "c": account((LEI, "L1")),
        }
    )
    assert readable(found, ["a", "b", "c"]) == {
        "a": (0, frozenset("ac"), frozenset({(LEI, "L1")})),
        "b": (0, frozenset("b"), frozenset({(LEI, "L2")})),
    }
    assert found.dropped["own_identifiers_differ"] == 1


def test_a_shared_identifier_is_lost_too_where_another_kind_of_identifier_differs() -> None:
    found = merged({"a": account((LEI, "L1"), (DUNS, "1")), "b": account((LEI, "L1"), (DUNS, "2"))})
    assert sorted(found.rows["key"]) == ["1", "2"]


def test_a_conflict_over_several_steps_drops_the_weak_shared_keys_first() -> None:
    found = merged(
        {
            "a": account((LEI, "L1"), (DUNS, "1"), (DOMAIN, "x.com")),
            "b": account((DOMAIN, "x.com"), (NAME, "x|US")),
            "c": account((NAME, "x|US"), (LEI, "L2")),
            "d": account((DUNS, "1")),
        }
    )
    assert readable(found, list("abcd")) == {
        "a": (0, frozenset("ad"), frozenset({(LEI, "L1"), (DUNS, "1")})),
        "c": (0, frozenset("c"), frozenset({(LEI, "L2")})),
    }
    assert found.dropped["weak_kind_in_conflict"] == 2
    assert found.entry_of.tolist() == [0, -1, 1, 0]


def test_weak_keys_go_before_shared_identifiers() -> None:
    found = merged(
        {
            "a": account((LEI, "L1"), (DUNS, "1")),
            "b": account((DUNS, "1")),
            "c": account((LEI, "L1")),
            "d": account((LEI, "L1"), (NAME, "d|US")),
            "e": account((NAME, "d|US"), (DUNS, "2")),
        }
    )
    # Without the name they are two; with it, a and e differ in DUNS: the weak key is enough.
    assert found.dropped["weak_kind_in_conflict"] == 1
    assert found.dropped["any_kind_in_conflict"] == 0
    chain = merged(
        {
            "a": account((LEI, "L1"), (DUNS, "1")),
            "b": account((LEI, "L1")),
            "c": account((LEI, "L1"), (DUNS, "1")),
            "d": account((DUNS, "1"), (LEI, "L2")),
        }
    )
    assert chain.dropped["own_identifiers_differ"] == 1
    assert sorted(chain.rows["key"]) == ["L1", "L2"]


def test_an_account_with_two_identifiers_shares_nothing() -> None:
    found = merged({"a": account((LEI, "L1"), (LEI, "L2"), (DUNS, "9")), "b": account((DUNS, "9"))})
    assert found.entry_of.tolist() == [0, -1]
    assert found.rows["key"].tolist() == ["L1"]


def test_a_chain_through_two_kinds_of_identifiers_ends_in_the_last_resort() -> None:
    keys = [(0, 0, "L1"), (0, 1, "D1"), (1, 1, "D1"), (1, 2, "V1"), (2, 2, "V1"), (2, 0, "L2")]
    frame = pd.DataFrame(keys, columns=["account", "kind", "key"]).astype({"kind": "uint8", "key": "str"})
    found = merge(frame, np.zeros(3, np.uint8), pd.Series(["a", "b", "c"], dtype="str"), frozenset({0, 1, 2}))
    assert found.dropped["any_kind_in_conflict"] == 2
    assert found.entry_of.tolist() == [0, -1, 1]


@pytest.mark.parametrize(("holders", "entries"), [(5, 1), (6, 0)])
def test_a_key_on_more_than_five_accounts_is_no_key(holders: int, entries: int) -> None:
    found = merged({f"a{number}": account((DOMAIN, "acme.com")) for number in range(holders)})
    assert len(found.anchor) == entries
    assert found.dropped["too_many_accounts"] == 1 - entries


def test_keys_of_an_entry_are_capped_in_code_point_order() -> None:
    found = merged(
        {
            "b": account((NAME, "n|US"), *((DOMAIN, f"{letter}.com") for letter in "hgfe")),
            "a": account((NAME, "n|US"), *((DOMAIN, f"{letter}.com") for letter in "dcba")),
        }
    )
    assert found.rows["key"].tolist() == ["a.com", "b.com", "c.com", "d.com", "n|US"]
    assert found.dropped["over_the_cap"] == 4


def test_an_account_with_two_identifiers_of_a_kind_keeps_one() -> None:
    found = merged({"a": account((LEI, "L2"), (LEI, "L1"))})
    assert found.rows["key"].tolist() == ["L1"]


def test_entries_outside_the_terms_segments_are_left_out_and_counted() -> None:
    found = merged(
        {"a": account((DOMAIN, "a.com"), (NAME, "a|US"), segment=NO_SEGMENT), "b": account((DOMAIN, "b.com"))}
    )
    assert (found.uncounted, found.dropped["segment_not_counted"]) == (1, 2)
    assert found.entry_of.tolist() == [-1, 0]


def test_an_empty_list_has_no_entries() -> None:
    found = merged({})
    assert found.rows.empty
    assert found.anchor.empty


@pytest.mark.parametrize("position", [-1, 1])
def test_keys_of_an_account_that_is_not_there_are_refused(position: int) -> None:
    frame = pd.DataFrame({"account": [position], "kind": np.zeros(1, np.uint8), "key": ["x"]})
    with pytest.raises(Refusal, match="different accounts"):
        merge(frame, np.zeros(1, np.uint8), pd.Series(["a"], dtype="str"), IDENTIFIERS)


KEY = st.tuples(st.integers(0, 3), st.sampled_from("abcdef"))
ACCOUNTS = st.dictionaries(
    st.text("abcxyz\x1f", min_size=1, max_size=4),
    st.tuples(st.sampled_from([0, 1, 2, NO_SEGMENT]), st.frozensets(KEY, max_size=5)),
    max_size=14,
)


def holders_of(accounts: dict[str, Account]) -> dict[Key, set[str]]:
    holders = defaultdict(set)
    for name, (_, keys) in accounts.items():
        for key in keys:
            holders[key].add(name)
    return holders


def differ(accounts: dict[str, Account], names: set[str]) -> bool:
    return any(
        len({key for name in names for kind, key in accounts[name][1] if kind == identifier}) > 1
        for identifier in IDENTIFIERS
    )


def parts(accounts: dict[str, Account], alive: dict[Key, set[str]]) -> list[set[str]]:
    found: list[set[str]] = [{name} for name in accounts]
    for names in alive.values():
        touched = [part for part in found if part & names]
        found = [part for part in found if not part & names] + [set().union(*touched)]
    return found


def by_the_rule(accounts: dict[str, Account]) -> dict[str, tuple[int, frozenset[str], frozenset[Key]]]:
    """The module's rule word by word, without arrays."""
    alive = {key: names for key, names in holders_of(accounts).items() if len(names) <= 5}
    alive = {key: names for key, names in alive.items() if len(names) == 1 or not differ(accounts, names)}
    for losing in ({DOMAIN, NAME}, {LEI, DUNS, DOMAIN, NAME}):
        bad = [part for part in parts(accounts, alive) if len(part) > 1 and differ(accounts, part)]
        alive = {
            key: names
            for key, names in alive.items()
            if len(names) == 1 or key[0] not in losing or not any(names & part for part in bad)
        }
    entries = {}
    for part in parts(accounts, alive):
        keys = sorted(key for key, names in alive.items() if names & part)
        kept = [
            key
            for at, key in enumerate(keys)
            if at - [k for k, _ in keys].index(key[0]) < (1 if key[0] in IDENTIFIERS else 4)
        ]
        segment = min(accounts[name][0] for name in part)
        if kept and segment != NO_SEGMENT:
            entries[min(part)] = (segment, frozenset(part), frozenset(kept))
    return entries


@settings(max_examples=120, deadline=None)
@given(ACCOUNTS)
def test_merge_is_the_rule(accounts: dict[str, Account]) -> None:
    assert readable(merged(accounts), list(accounts)) == by_the_rule(accounts)


@settings(max_examples=60, deadline=None)
@given(ACCOUNTS, st.data())
def test_merge_does_not_depend_on_the_order_of_accounts(accounts: dict[str, Account], data: st.DataObject) -> None:
    order = data.draw(st.permutations(list(accounts)))
    one, other = merged(accounts), merged(accounts, order=order)
    pd.testing.assert_frame_equal(one.rows, other.rows)
    pd.testing.assert_series_equal(one.anchor, other.anchor)
    assert (one.dropped, one.uncounted) == (other.dropped, other.uncounted)
    assert dict(zip(accounts, one.entry_of, strict=True)) == dict(zip(order, other.entry_of, strict=True))


@settings(max_examples=60, deadline=None)
@given(ACCOUNTS)
def test_no_key_is_in_two_entries_and_no_entry_has_two_identifiers_of_a_kind(accounts: dict[str, Account]) -> None:
    rows = merged(accounts).rows
    assert not rows.duplicated(["kind", "key"]).any()
    assert not rows[rows["kind"].isin(IDENTIFIERS)].duplicated(["entry", "kind"]).any()
