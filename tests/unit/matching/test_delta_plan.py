import time
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.changes import Changes, Operation, groups, plan, resulting
from matching.refusal import Refusal
from matching.shapes import Shape, coarsen, histogram

KINDS = 3
Entry = tuple[int, tuple[tuple[int, str], ...]]
"""(segment, keys)."""


def handle(number: int) -> bytes:
    return number.to_bytes(16, "big")


def rows_of(entries: dict[int, Entry]) -> pd.DataFrame:
    rows = [(handle(number), segment, kind, key) for number, (segment, keys) in entries.items() for kind, key in keys]
    frame = pd.DataFrame(rows, columns=["handle", "segment", "kind", "key"])
    return frame.astype({"handle": "object", "segment": "uint8", "kind": "uint8", "key": "str"})


def plain(numbers: Iterable[int], *kinds: int, segment: int = 0, version: str = "") -> dict[int, Entry]:
    """Entries with one key of each of the kinds."""
    return {number: (segment, tuple((kind, f"{number}{version}") for kind in kinds)) for number in numbers}


def shape(*kinds: int, segment: int = 0) -> Shape:
    return segment, tuple(int(kind in kinds) for kind in range(KINDS))


def population(rows: pd.DataFrame) -> dict[Shape, int]:
    return histogram(rows.rename(columns={"handle": "entry"}), kind_count=KINDS)


def as_set(rows: pd.DataFrame) -> set[tuple[object, ...]]:
    return set(rows[["handle", "segment", "kind", "key"]].itertuples(index=False, name=None))


def checked(
    committed: pd.DataFrame, wanted: pd.DataFrame, minimum: int, *, immediate: bool
) -> tuple[Changes, pd.DataFrame]:
    """The plan and its result, after everything that must hold of any plan."""
    changes = plan(committed, wanted, minimum, immediate=immediate)
    result = resulting(committed, changes)
    assert all(count >= minimum for count in population(result).values())
    assert not result.duplicated(["kind", "key"]).any()
    sizes = groups(committed, changes.removed, changes.added, kind_count=KINDS)
    assert immediate or all(count >= minimum for count in sizes.values())
    names = set(committed["handle"]) | set(wanted["handle"])
    now, then, goal = (
        {name: set() for name in names} | {name: as_set(part) for name, part in rows.groupby("handle")}
        for rows in (committed, result, wanted)
    )
    assert all(then[name] in (now[name], goal[name]) for name in names)
    assert changes.waiting == sum(then[name] != goal[name] for name in names)
    return changes, result


@pytest.mark.parametrize("immediate", [False, True])
def test_the_first_commit_goes_whole(*, immediate: bool) -> None:
    wanted = rows_of(plain(range(5), 0) | plain(range(5, 10), 0, 1))
    changes, result = checked(rows_of({}), wanted, 5, immediate=immediate)
    assert as_set(result) == as_set(wanted)
    assert len(changes.removed) == changes.waiting == 0


def test_nothing_to_do_is_nothing_to_send() -> None:
    rows = rows_of(plain(range(5), 0))
    changes, _ = checked(rows, rows.iloc[::-1], 5, immediate=False)
    assert (len(changes.removed), len(changes.added), changes.waiting) == (0, 0, 0)


def test_batched_groups_below_the_minimum_wait_and_immediate_ones_go() -> None:
    committed, wanted = rows_of(plain(range(10), 0)), rows_of(plain(range(12), 0))
    assert checked(committed, wanted, 3, immediate=False)[0].waiting == 2
    assert checked(committed, wanted, 3, immediate=True)[0].waiting == 0


def test_a_changed_key_is_a_removal_and_an_addition_of_the_same_handle() -> None:
    committed = plain(range(10), 0)
    changes, _ = checked(rows_of(committed), rows_of(committed | plain(range(3), 0, version="x")), 3, immediate=False)
    assert changes.removed.tolist() == [handle(0), handle(1), handle(2)]
    assert changes.added["key"].tolist() == ["0x", "1x", "2x"]


def test_a_changed_segment_is_a_change() -> None:
    committed = plain(range(10), 0)
    changes, result = checked(
        rows_of(committed), rows_of(committed | plain(range(4), 0, segment=1)), 3, immediate=False
    )
    assert len(changes.removed) == 4
    assert population(result) == {shape(0): 6, shape(0, segment=1): 4}


def test_additions_to_a_new_shape_wait_until_they_are_enough() -> None:
    committed = plain(range(10), 0)
    assert checked(rows_of(committed), rows_of(committed | plain(range(10, 12), 1)), 3, immediate=True)[0].waiting == 2
    assert checked(rows_of(committed), rows_of(committed | plain(range(10, 13), 1)), 3, immediate=True)[0].waiting == 0


def test_removals_that_would_leave_too_few_wait_only_as_many_as_it_takes() -> None:
    changes, result = checked(rows_of(plain(range(10), 0)), rows_of(plain(range(9, 10), 0)), 3, immediate=True)
    assert changes.waiting == 2
    assert population(result) == {shape(0): 3}


def test_in_batched_mode_the_whole_group_waits() -> None:
    changes, _ = checked(rows_of(plain(range(10), 0)), rows_of(plain(range(9, 10), 0)), 3, immediate=False)
    assert (len(changes.removed), changes.waiting) == (0, 9)


@pytest.mark.parametrize("immediate", [False, True])
def test_a_shape_may_be_emptied(*, immediate: bool) -> None:
    changes, result = checked(rows_of(plain(range(5), 0)), rows_of({}), 3, immediate=immediate)
    assert (len(changes.removed), len(result)) == (5, 0)


def test_an_addition_that_counted_on_entries_that_wait_waits_too() -> None:
    # 0 to 2 would move to another shape, but leave 3 alone; without them 10 would be alone in the other.
    committed = plain(range(4), 0)
    wanted = plain(range(3, 4), 0) | plain(range(3), 1) | plain([10], 1)
    changes, result = checked(rows_of(committed), rows_of(wanted), 4, immediate=True)
    assert as_set(result) == as_set(rows_of(committed))
    assert changes.waiting == 4


@pytest.mark.parametrize("immediate", [False, True])
def test_who_wants_a_key_that_a_waiting_entry_holds_waits_too(*, immediate: bool) -> None:
    committed = plain(range(3), 0) | plain(range(10, 20), 1)
    # 0 would go, but its shape would be too small; 10 wants its key, and 20 the one that 10 would give up.
    wanted = plain(range(1, 3), 0) | plain(range(14, 20), 1) | plain(range(11, 14), 0, 1) | plain(range(21, 24), 1)
    wanted[10] = (0, ((0, "0"), (1, "new")))
    wanted[20] = (0, ((1, "10"),))
    changes, result = checked(rows_of(committed), rows_of(wanted), 3, immediate=immediate)
    assert changes.waiting == 3
    waiting = {handle(number): rows for number, rows in ((0, {(0, "0")}), (10, {(1, "10")}))}
    assert {name: {row[2:] for row in as_set(result) if row[0] == name} for name in waiting} == waiting
    assert handle(20) not in set(result["handle"])


@pytest.mark.parametrize("immediate", [False, True])
def test_a_shape_that_waiting_makes_too_small_waits_as_a_whole(*, immediate: bool) -> None:
    committed = plain(range(3), 0) | plain(range(10, 20), 1)
    wanted = plain(range(1, 3), 0) | plain(range(13, 20), 1) | plain(range(11, 13), 0, 1)
    wanted[10] = (0, ((0, "0"), (1, "new")))
    changes, _ = checked(rows_of(committed), rows_of(wanted), 3, immediate=immediate)
    assert (changes.waiting, len(changes.removed)) == (4, 0)


@pytest.mark.parametrize("immediate", [False, True])
def test_entries_that_swap_keys_go_together(*, immediate: bool) -> None:
    committed = plain(range(6), 0)
    wanted = {number: (0, ((0, str((number + 1) % 6)),)) for number in range(6)}
    _, result = checked(rows_of(committed), rows_of(wanted), 3, immediate=immediate)
    assert as_set(result) == as_set(rows_of(wanted))


def test_groups_are_counted_by_operation_and_shapes() -> None:
    committed = rows_of(plain(range(4), 0) | plain(range(10, 14), 1))
    added = rows_of(plain(range(2), 0, 1) | plain(range(20, 23), 2))
    removed = [handle(0), handle(1), handle(10)]
    assert groups(committed, removed, added, kind_count=KINDS) == {
        (Operation.CHANGE, shape(0), shape(0, 1)): 2,
        (Operation.REMOVE, shape(1), None): 1,
        (Operation.ADD, None, shape(2)): 3,
    }


@pytest.mark.parametrize(
    ("removed", "added", "code"),
    [
        ([handle(9)], {}, "handle_unknown"),
        ([handle(0), handle(0)], {}, "handle_unknown"),
        ([], plain([0], 1), "handle_taken"),
    ],
)
def test_a_delta_that_does_not_fit_what_is_committed_is_refused(
    removed: list[bytes], added: dict[int, Entry], code: str
) -> None:
    with pytest.raises(Refusal) as caught:
        groups(rows_of(plain(range(3), 0)), removed, rows_of(added), kind_count=KINDS)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("committed", "wanted", "minimum", "code"),
    [
        ({}, {}, 0, "minimum_invalid"),
        (plain(range(2), 0), {}, 3, "population_below_minimum"),
        ({}, {0: (0, ((0, "x"),)), 1: (0, ((0, "x"),))}, 1, "key_repeated"),
    ],
)
def test_states_that_no_plan_can_start_from_are_refused(
    committed: dict[int, Entry], wanted: dict[int, Entry], minimum: int, code: str
) -> None:
    with pytest.raises(Refusal) as caught:
        plan(rows_of(committed), rows_of(wanted), minimum, immediate=False)
    assert caught.value.code == code


State = dict[int, tuple[int, frozenset[tuple[int, int]]]]
STATE = st.dictionaries(
    st.integers(0, 25),
    st.tuples(
        st.integers(0, 1), st.frozensets(st.tuples(st.integers(0, 2), st.integers(0, 40)), min_size=1, max_size=3)
    ),
    max_size=26,
)


def permitted(state: State, minimum: int) -> pd.DataFrame:
    """A state as `coarsen` leaves it: keys held once, shapes populated."""
    rows = rows_of(
        {
            number: (segment, tuple((kind, str(key)) for kind, key in sorted(keys)))
            for number, (segment, keys) in state.items()
        }
    )
    rows = rows.drop_duplicates(["kind", "key"], ignore_index=True)
    codes = np.array([int.from_bytes(name, "big") for name in rows["handle"]], dtype=np.int64)
    kept = coarsen(rows.assign(entry=codes), minimum, KINDS).rows
    return kept[["handle", "segment", "kind", "key"]]


@settings(max_examples=40, deadline=None)
@given(before=STATE, after=STATE, minimum=st.integers(1, 4), immediate=st.booleans())
def test_every_plan_ends_in_a_permitted_state(*, before: State, after: State, minimum: int, immediate: bool) -> None:
    checked(permitted(before, minimum), permitted(after, minimum), minimum, immediate=immediate)


@settings(max_examples=35, deadline=None)
@given(before=STATE, after=STATE, minimum=st.integers(1, 4), immediate=st.booleans())
def test_planning_again_comes_to_rest(*, before: State, after: State, minimum: int, immediate: bool) -> None:
    state, wanted = permitted(before, minimum), permitted(after, minimum)
    waiting = None
    while waiting != (waiting := (step := checked(state, wanted, minimum, immediate=immediate))[0].waiting):
        state = step[1]
    assert len(step[0].removed) == len(step[0].added) == 0


@settings(max_examples=15, deadline=None)
@given(
    batches=st.lists(st.lists(st.sampled_from([(0,), (1,), (0, 2)]), max_size=6), max_size=6),
    minimum=st.integers(1, 5),
    immediate=st.booleans(),
)
def test_a_growing_list_is_committed_in_the_end(
    *, batches: list[list[tuple[int, ...]]], minimum: int, immediate: bool
) -> None:
    state, wanted = rows_of({}), {}
    for batch in [*batches, [kinds for kinds in [(0,), (1,), (0, 2)] for _ in range(minimum)]]:
        for kinds in batch:
            wanted |= plain([len(wanted)], *kinds)
        changes, state = checked(state, rows_of(wanted), minimum, immediate=immediate)
    assert changes.waiting == 0
    assert as_set(state) == as_set(rows_of(wanted))


@pytest.mark.parametrize("immediate", [False, True])
def test_a_thousand_changes_among_a_hundred_thousand_are_planned_at_once(*, immediate: bool) -> None:
    committed = rows_of(plain(range(100_000), 0))
    wanted = committed.copy()
    wanted.loc[:999, "key"] = [f"new {number}" for number in range(1_000)]
    started = time.perf_counter()
    changes = plan(committed, wanted, 25, immediate=immediate)
    assert time.perf_counter() - started < 2  # 0.2 s alone; the machine is shared
    assert len(changes.removed) == 1_000
