"""P3 in batched mode: what leaves inside an epoch leaves in groups, and at most once per answer interval."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lists_of_accounts import SEGMENTS
from oracle import check_reports, committed, wanted
from world import World, accounts

from cleanroom.agent import sync
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import ChangeMode, RoomId
from matching.rows import ADD, REMOVE, TOKEN_BYTES, Rows, from_leaves

MINIMUM = 3
HOUR = 3600
Shape = tuple[int, tuple[int, ...]]
State = dict[bytes, frozenset[tuple[int, int, bytes]]]
"""Handle -> (segment, kind, token)."""

QUICK = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def batches_seen(agent: Agent, room: RoomId) -> Iterator[Rows]:
    """Every batch of the other side's that the agent unsealed, checked and kept."""
    prefix = f"room/{room}/{open_room(agent, room).epoch}/theirs/"
    number = 1
    while (data := agent.vault.get(f"{prefix}{number}/rows")) is not None:
        yield from_leaves(data, TOKEN_BYTES)
        number += 1


def applied(state: State, batch: Rows) -> State:
    """The state after a batch, by a dictionary."""
    names = [name.tobytes() for name in batch.name]
    gone = {name for name, op in zip(names, batch.op, strict=True) if op == REMOVE}
    after = {name: rows for name, rows in state.items() if name not in gone}
    fresh: dict[bytes, set[tuple[int, int, bytes]]] = {}
    for index, name in enumerate(names):
        if batch.op[index] == ADD:
            row = (int(batch.segment[index]), int(batch.kind[index]), batch.value[index].tobytes())
            fresh.setdefault(name, set()).add(row)
    assert not set(fresh) & set(after)
    return {**after, **{name: frozenset(rows) for name, rows in fresh.items()}}


def shape(rows: frozenset[tuple[int, int, bytes]]) -> Shape:
    (segment,) = {segment for segment, _, _ in rows}
    return segment, tuple(sorted(kind for _, kind, _ in rows))


def check_batches(agent: Agent, room: RoomId, minimum: int) -> int:
    """Each resulting shape, and in later batches each group, is held by none or by enough. Returns their number."""
    state: State = {}
    count = 0
    for count, batch in enumerate(batches_seen(agent, room), start=1):
        before, state = state, applied(state, batch)
        population = Counter(shape(rows) for rows in state.values())
        assert min(population.values(), default=minimum) >= minimum
        if count == 1:
            continue
        groups: Counter[tuple[Shape | None, Shape | None]] = Counter()
        for name in {*before, *state}:
            old, new = before.get(name), state.get(name)
            if old != new:
                groups[shape(old) if old else None, shape(new) if new else None] += 1
        assert groups
        assert min(groups.values()) >= minimum
    return count


def listed(numbers: set[int], names: set[int], segments: dict[int, int]) -> list[dict[str, str]]:
    """Companies by domain; those in `names` have a name too."""
    return [
        {
            "account_id": f"x\x1f{i}",
            "website": f"company{i}.com",
            "name": f"Company {'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[i]} Works" if i in names else "",
            "country": "DE" if i in names else "",
            "segment": SEGMENTS[segments.get(i, 0)],
        }
        for i in sorted(numbers)
    ]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["Acme", "Globex"]),
        st.sets(st.integers(0, 25), min_size=4),
        st.sets(st.integers(0, 25)),
        st.dictionaries(st.integers(0, 25), st.integers(0, 2)),
    ),
    min_size=2,
    max_size=5,
)


def check_history(world: World, steps: list[tuple[str, set[int], set[int], dict[int, int]]]) -> None:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex, minimum_population=MINIMUM, changes=ChangeMode.BATCHED, answer_interval=HOUR)
    for agent in (acme, globex):
        world.put_list(agent, room, accounts(listed(set(range(12)), {1, 2, 3, 4}, {})))
    world.settle(acme, globex, room=room)
    sent = dict.fromkeys(world.agents, 1)
    for side, numbers, names, segments in steps:
        world.clock.step(minutes=35)
        world.put_list(world.agents[side], room, accounts(listed(numbers, names, segments)))
        world.settle(acme, globex, room=room)
    hours = 35 * len(steps) // 60
    for owner, evaluator in ((acme, globex), (globex, acme)):
        count = check_batches(evaluator, room, MINIMUM)
        assert count <= 1 + hours + 1
        head = open_room(owner, room).head(owner.me)
        assert head is not None
        assert head.number == count >= sent[owner.config.name]


@pytest.mark.soak
@QUICK
@given(steps=STEPS)
def test_no_batch_shows_a_small_group_or_shape(
    world: World, steps: list[tuple[str, set[int], set[int], dict[int, int]]]
) -> None:
    check_history(world, steps)


@pytest.mark.soak
@settings(parent=QUICK, max_examples=60)
@given(steps=STEPS)
def test_no_batch_of_many_histories_shows_a_small_group_or_shape(
    world: World, steps: list[tuple[str, set[int], set[int], dict[int, int]]]
) -> None:
    check_history(world, steps)


@pytest.fixture
def room(world: World, acme: Agent, globex: Agent) -> RoomId:
    made = world.room(acme, globex, minimum_population=MINIMUM, changes=ChangeMode.BATCHED, answer_interval=HOUR)
    world.put_list(acme, made, accounts(listed(set(range(8)), set(), {})))
    world.put_list(globex, made, accounts(listed(set(range(4, 16)), set(), {})))
    world.settle(acme, globex, room=made)
    return made


def batch_number(agent: Agent, room: RoomId) -> int:
    head = open_room(agent, room).head(agent.me)
    assert head is not None
    return head.number


def push(world: World, room: RoomId, stop: int) -> None:
    acme = world.agents["Acme"]
    world.put_list(acme, room, accounts(listed(set(range(stop)), set(), {})))
    world.settle(*world.agents.values(), room=room)


def test_a_change_of_too_few_waits_until_it_is_enough(world: World, room: RoomId, acme: Agent, globex: Agent) -> None:
    world.clock.step(hours=1)
    push(world, room, 10)
    assert batch_number(acme, room) == 1
    world.clock.step(hours=1)
    push(world, room, 11)  # two waited, one more makes three
    assert batch_number(acme, room) == 2
    assert committed(acme, room) == wanted(acme, accounts(listed(set(range(11)), set(), {})), SEGMENTS, MINIMUM)
    world.clock.step(hours=1)
    world.settle(acme, globex, room=room)
    assert check_reports(acme, globex, room)[0][0] == 7


def test_one_batch_per_answer_interval(world: World, room: RoomId, acme: Agent, globex: Agent) -> None:
    world.clock.step(hours=1)
    push(world, room, 11)
    assert batch_number(acme, room) == 2
    for minutes, stop in ((20, 14), (20, 15), (19, 16)):
        world.clock.step(minutes=minutes)
        push(world, room, stop)
        assert batch_number(acme, room) == 2
    world.clock.step(minutes=1)
    # No push: what waited goes by itself at the next sync.
    world.settle(acme, globex, room=room)
    assert batch_number(acme, room) == 3
    assert check_batches(globex, room, MINIMUM) == 3
    assert sync.sync(acme, room)[0].steps == ()
