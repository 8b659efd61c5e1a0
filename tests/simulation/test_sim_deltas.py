"""A delta costs what it changes: what is worked out from it alone is what the whole lists give."""

from collections import Counter

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lists_of_accounts import account_details
from world import ALL_KINDS, World, accounts

from cleanroom.agent import commit, lists
from cleanroom.agent.commit import CommitReport, Wanted
from cleanroom.agent.committed import apply, held, retired_tokens, state, state_tokens
from cleanroom.agent.epochs import publish_key
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import ChangeMode, RoomId

IDS = st.integers(0, 24).map(lambda i: f"list\x1f{i}")
LISTS = st.dictionaries(IDS, account_details(), min_size=12, max_size=25)
DELTAS = st.lists(st.tuples(st.dictionaries(IDS, account_details(), max_size=4), st.sets(IDS, max_size=3)), max_size=5)
ANCHORS = [{"account_id": f"own\x1f{i}", "website": f"anchor{i}.com", "segment": "customers"} for i in range(3)]
Row = tuple[bytes, int, int, str]


def rows_of(frame: pd.DataFrame) -> "Counter[Row]":
    return Counter(frame[["handle", "segment", "kind", "key"]].itertuples(index=False, name=None))


def change(agent: Agent, room: RoomId, upserts: dict[str, dict[str, str]], gone: set[str]) -> None:
    rows = accounts([{"account_id": name, **row} for name, row in upserts.items()])
    deleted = pd.Series(sorted(gone - set(upserts)), dtype="str")
    lists.store(agent, lists.changed(agent, f"list {room}", rows, deleted), (room,))


def check_change(agent: Agent, room: Room) -> tuple[Wanted | None, CommitReport]:
    """What the delta alone gives, if it can be told, is what the whole lists give. Commits it."""
    some, whole = commit.changed_rows(agent, room), commit.wanted_rows(agent, room)
    if some is not None:
        assert rows_of(whole.before) - rows_of(some.before) + rows_of(some.rows) == rows_of(whole.rows)
        assert not rows_of(some.before) - rows_of(whole.before)
        assert some.population(room) == whole.population(room)
        assert (some.revision, some.is_whole, some.report) == (whole.revision, whole.is_whole, whole.report)
    return some, commit.commit(agent, room)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(first=LISTS, deltas=DELTAS, minimum=st.integers(1, 2))
def test_a_delta_gives_what_the_whole_lists_give(
    world: World,
    first: dict[str, dict[str, str]],
    deltas: list[tuple[dict[str, dict[str, str]], set[str]]],
    minimum: int,
) -> None:
    agent, other = world.agents["Acme"], world.agents["Globex"]
    room = world.room(agent, other, minimum_population=minimum, changes=ChangeMode.IMMEDIATE)
    world.put_list(agent, room, accounts([{"account_id": name, **row} for name, row in first.items()] + ANCHORS))
    for each in (agent, other):
        publish_key(each, open_room(each, room))
    report = commit.commit(agent, open_room(agent, room))
    for upserts, gone in deltas:
        was_whole = not (report.coarsened_keys or report.left_out_entries or report.merged_segments)
        change(agent, room, upserts, gone)
        some, report = check_change(agent, open_room(agent, room))
        assert some is not None or not was_whole or minimum > 1
        assert rows_of(state(agent, open_room(agent, room))) == rows_of(
            commit.wanted_rows(agent, open_room(agent, room)).rows
        )


def test_what_a_delta_reaches_is_not_the_whole_list(world: World) -> None:
    """Two deltas without a commit, a push of the whole, or a suppression in between take the whole list to tell."""
    agent, other = world.agents["Acme"], world.agents["Globex"]
    name = world.room(agent, other, kinds=ALL_KINDS, changes=ChangeMode.IMMEDIATE)
    everything = accounts([{**row, "account_id": f"list\x1f{i}"} for i, row in enumerate(ANCHORS)])
    world.put_list(agent, name, everything)
    for each in (agent, other):
        publish_key(each, open_room(each, name))
    commit.commit(agent, open_room(agent, name))
    one, two = ({f"list\x1f{i}": {"website": f"more{i}.com", "segment": "customers"}} for i in (7, 8))
    change(agent, name, one, {"list\x1f0"})
    some, report = check_change(agent, open_room(agent, name))
    assert some is not None
    assert (len(some.before), len(some.rows), report.entries) == (2, 2, 3)  # a domain and a site name each
    change(agent, name, one, set())
    change(agent, name, two, set())
    assert check_change(agent, open_room(agent, name))[0] is None
    change(agent, name, {}, set(one))
    lists.touch(agent)
    assert check_change(agent, open_room(agent, name))[0] is None
    world.put_list(agent, name, everything)
    assert check_change(agent, open_room(agent, name))[0] is None


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sets(st.integers(0, 69), max_size=5), st.integers(0, 4)), max_size=12))
def test_what_is_committed_is_the_same_however_it_is_kept(world: World, steps: list[tuple[set[int], int]]) -> None:
    """Beside an oracle that keeps rows in one list: taken out, put in at the end, in order."""
    agent = world.agents["Acme"]
    room = open_room(agent, world.room(agent, world.agents["Globex"]))
    kept: list[int] = []
    retired: list[int] = []
    fresh = 0
    for gone, more in [(set[int](), 60), *steps]:
        # Every entry but each third has two rows.
        rows = [number for number in range(fresh, fresh + more) for _ in range(1 + (number % 3 > 0))]
        fresh += more
        leaving = [number for number in kept if number in gone]
        frame = pd.DataFrame({"segment": np.uint8(0), "kind": np.uint8(0), "key": [str(row) for row in rows]})
        frame["handle"] = pd.Series([row.to_bytes(16) for row in rows], dtype=object)
        token = np.array([row.to_bytes(32) for row in rows], "S32").view(np.uint8).reshape(-1, 32)
        handles = np.array([None, *(number.to_bytes(16) for number in sorted(set(leaving)))], dtype=object)[1:]
        assert sorted(held(agent, room, handles)["key"].astype(int)) == sorted(leaving)
        with agent.vault.transaction():
            apply(agent, room, handles, frame[["handle", "segment", "kind", "key"]], token)
        kept = [number for number in kept if number not in gone] + rows
        retired += leaving
        assert state(agent, room)["key"].astype(int).tolist() == kept
        assert [int.from_bytes(name) for name in state(agent, room)["handle"]] == kept
        assert [int.from_bytes(token.tobytes()) for token in state_tokens(agent, room)] == kept
        assert sorted(int.from_bytes(token.tobytes()) for token in retired_tokens(agent, room)) == sorted(retired)
