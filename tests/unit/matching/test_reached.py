"""What protects the incremental commit: entries depend on the accounts they reach, and on nothing else of the list."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from colliding_accounts import Account, Readable, company, holding, keys_frame, lists, merged, readable
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import entries, owners
from matching.entries import crowded, reached

Bools = npt.NDArray[np.bool_]
MOST = 2


@pytest.fixture(autouse=True, scope="module")
def few_accounts_are_too_many() -> Iterator[None]:
    """So that rule 1 is met in short lists."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (entries, owners):
            patch.setattr(module, "MOST_ACCOUNTS", MOST)
        yield


def entries_of(accounts: Sequence[Account]) -> Readable:
    return readable(merged(accounts), accounts)


def part_of(accounts: Sequence[Account], start: Bools, part: Bools) -> tuple[Readable, dict[str, int]]:
    """The entries of a part, and the keys that were dropped."""
    keys = keys_frame(accounts)
    chosen = [account for account, is_in in zip(accounts, part.tolist(), strict=True) if is_in]
    found = merged(chosen, crowded=crowded(keys, start)[part[keys["account"]]])
    return readable(found, chosen), {**found.dropped, "uncounted": found.uncounted}


def reached_of(accounts: Sequence[Account], start: set[str]) -> set[str]:
    bools = np.array([account.id in start for account in accounts], dtype=bool)
    found = reached(keys_frame(accounts), bools)
    return {account.id for account, is_found in zip(accounts, found.tolist(), strict=True) if is_found}


def test_it_goes_on_over_any_number_of_steps() -> None:
    chain = [holding(str(number), f"duns:{number}", f"duns:{number + 1}") for number in range(9)]
    assert reached_of([*chain, holding("x", "duns:99")], {"4"}) == {str(number) for number in range(9)}


def test_nothing_is_reached_from_nothing() -> None:
    assert reached_of([company("a", "ab"), company("b", "ab")], set()) == set()


def test_equal_text_of_two_kinds_is_not_shared() -> None:
    assert reached_of([holding("a", "duns:1"), holding("b", "lei:1")], {"a"}) == {"a"}


def test_a_key_on_too_many_accounts_with_and_without_the_start_joins_nobody() -> None:
    many = [holding(str(number), "domain:ab.com") for number in range(MOST + 2)]
    assert reached_of(many, {"0"}) == {"0"}
    assert reached_of(many[:-1], {"0"}) == {"0", "1", "2"}  # without the start they are not too many


@pytest.mark.parametrize("key", ["domain:ab.com", "first_word:ab", "lei:1", "name:ab"])
def test_a_key_on_too_many_accounts_is_none_in_a_part_either(key: str) -> None:
    many = [holding(str(number), key, f"duns:{number}", "name_outline:^ab ") for number in range(9)]
    accounts = [*many, holding("x", key, "duns:x", "name_outline:^ab x")]
    start = np.arange(len(accounts)) == len(many)
    inside = reached(keys_frame(accounts), start)
    assert inside.tolist() == start.tolist()
    whole = {anchor: entry for anchor, entry in entries_of(accounts).items() if anchor == "x"}
    assert part_of(accounts, start, inside)[0] == whole
    assert {key for key, _ in whole["x"][2]} == {"duns"}


@settings(max_examples=40)
@given(lists(smallest=8), st.data())
def test_the_rest_of_a_list_says_nothing_about_what_is_reached(accounts: list[Account], data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.integers(0, len(accounts) - 1), max_size=3))
    start = np.isin(np.arange(len(accounts)), list(chosen))
    inside = reached(keys_frame(accounts), start)
    ids = {account.id for account, is_in in zip(accounts, inside.tolist(), strict=True) if is_in}
    whole = {anchor: entry for anchor, entry in entries_of(accounts).items() if entry[1] & ids}
    assert part_of(accounts, start, inside)[0] == whole


@settings(max_examples=40)
@given(lists(smallest=8), st.data())
def test_a_change_moves_what_is_reached_and_nothing_else(before: list[Account], data: st.DataObject) -> None:
    """As an incremental commit does it: both states in one frame, merged without the one and without the other."""
    gone = data.draw(st.sets(st.sampled_from(before), max_size=2))
    came = data.draw(lists(largest=2))
    ids = [*sorted(account.id for account in gone), "x", "y", "z"]  # an altered account has its id, a new one another
    altered = [Account(number, account.keys, account.segment) for number, account in zip(ids, came, strict=False)]
    now = [account for account in before if account not in gone] + altered
    both = now + list(gone)
    at = np.arange(len(both))
    is_altered, is_former = (at >= len(now) - len(altered)) & (at < len(now)), at >= len(now)
    start = is_altered | is_former
    inside = reached(keys_frame(both), start)
    was, was_dropped = part_of(both, start, inside & ~is_altered)
    new, new_dropped = part_of(both, start, inside & ~is_former)
    old, whole = merged(before), merged(now)
    expected = set(readable(old, before).items()) - set(was.items()) | set(new.items())
    assert set(readable(whole, now).items()) == expected
    assert set(was.items()) <= set(readable(old, before).items())
    moved = {reason: count + new_dropped[reason] - was_dropped[reason] for reason, count in old.dropped.items()}
    assert moved == whole.dropped
    assert old.uncounted + new_dropped["uncounted"] - was_dropped["uncounted"] == whole.uncounted
