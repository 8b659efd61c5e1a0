"""A stolen database with scalars: one tests no guess; a partner that departs from the protocol, only its own rows."""

from collections.abc import Sequence

import numpy as np
import pytest
from lists_of_accounts import companies
from malice_stolen import Dump
from world import World, accounts

from cleanroom.agent.committed import state
from cleanroom.agent.epochs import epoch_secrets
from cleanroom.agent.received import their_state
from cleanroom.agent.rooms import Room, open_room, room_context
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from matching import tokens
from matching.group import Points, Scalar, multiply, random_scalar
from matching.tags import tag_context, tags

DOMAIN = 3
GUESSES = [f"company{i}.com" for i in range(30)]
"""Every company of either list, and others."""


def mapped(world: World) -> RoomId:
    acme, globex = world.agents.values()
    room = world.room(acme, globex)
    world.put_list(acme, room, accounts(companies(0, 8)))
    world.put_list(globex, room, accounts(companies(5, 15)))
    world.settle(acme, globex, room=room)
    return room


def tags_of(room: Room, points: Points) -> set[bytes]:
    context = tag_context(room_context(room.id), room.epoch, room.kind_names[DOMAIN])
    return {tag.tobytes() for tag in tags(points, np.zeros(len(points), np.uint8), [context])}


def stored(world: World, room: Room, *evaluators: Agent) -> set[bytes]:
    dump = Dump.of(world)
    return {tag for agent in evaluators for _, tag in dump.tags(room, agent.me)}


def blinded(room: Room, keys: Sequence[str], scalar: Scalar) -> Points:
    item = room.terms.kinds[DOMAIN]
    context = tokens.key_context(room_context(room.id), room.epoch, str(item.kind), item.normaliser, item.tables)
    return tokens.blind(keys, [context] * len(keys), scalar)


def test_a_stolen_database_with_one_scalar_tests_no_guess(world: World, acme: Agent, globex: Agent) -> None:
    """Promise 1, stopped by the second scalar: with one, no tag can be made of a guess; with both, every one is."""
    room = open_room(acme, mapped(world))
    found = stored(world, room, acme, globex)
    one, other = (epoch_secrets(agent, room).scalar for agent in (acme, globex))
    assert len(found) == 8 + 10 - 3
    for scalar in (one, other):
        once = blinded(room, GUESSES, scalar)
        assert tags_of(room, once) & found == set()
        assert tags_of(room, multiply(once, scalar)) & found == set()
    assert tags_of(room, multiply(blinded(room, GUESSES, one), other)) >= found, "both scalars: everything"


def with_a_scalar_each(patch: pytest.MonkeyPatch, known: dict[str, Scalar], epoch_scalar: Scalar) -> None:
    """Globex blinds each of its rows with a scalar of its own."""
    honest = tokens.blind

    def blind(keys: Sequence[str], contexts: Sequence[bytes], scalar: Scalar) -> Points:
        if scalar.reveal() != epoch_scalar.reveal():
            return honest(keys, contexts, scalar)
        for key in keys:
            known[key] = random_scalar()
        rows = [honest([key], [place], known[key]) for key, place in zip(keys, contexts, strict=True)]
        return np.concatenate(rows)

    patch.setattr(tokens, "blind", blind)


def learned(world: World, globex: Agent, room: Room, known: dict[str, Scalar]) -> set[str]:
    """The keys of which Globex finds a tag among Acme's: its scalar for the key, times each of Acme's tokens."""
    theirs, found = np.ascontiguousarray(their_state(globex, room).value), stored(world, room, *others(world, globex))
    return {key for key, scalar in known.items() if tags_of(room, multiply(theirs, scalar)) & found}


def others(world: World, agent: Agent) -> list[Agent]:
    return [item for item in world.agents.values() if item.me != agent.me]


def test_a_scalar_for_each_row_and_the_database_tell_which_of_its_own_rows_match_and_nothing_else(
    world: World, acme: Agent, globex: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound of docs/limitations.md: nothing stops it, and nothing beyond the rows it committed is learned."""
    room_id = world.room(acme, globex)
    known: dict[str, Scalar] = {}
    with_a_scalar_each(monkeypatch, known, epoch_secrets(globex, open_room(globex, room_id)).scalar)
    world.put_list(acme, room_id, accounts(companies(0, 8)))
    world.put_list(globex, room_id, accounts(companies(5, 15)))
    world.settle(acme, globex, room=room_id)
    room = open_room(globex, room_id)
    assert set(known) == set(state(globex, room)["key"])
    assert learned(world, globex, room, known) == {f"company{i}.com" for i in (5, 6, 7)}
    # Acme's other rows, and guesses that were not committed: no scalar reaches a tag.
    uncommitted = {key: random_scalar() for key in GUESSES if key not in known}
    assert learned(world, globex, room, uncommitted) == set()
    hits = stored(world, room, acme) & {
        tag for scalar in known.values() for tag in tags_of(room, multiply(their_state(globex, room).value, scalar))
    }
    assert len(hits) == 3


def test_with_the_protocols_one_scalar_the_same_attack_tells_no_row_from_another(world: World, globex: Agent) -> None:
    """Stopped by one scalar for all rows: what matches is found, and every row of Globex's fits it as well."""
    room = open_room(globex, mapped(world))
    scalar = epoch_secrets(globex, room).scalar
    own = dict.fromkeys(state(globex, room)["key"], scalar)
    assert learned(world, globex, room, own) == set(own)
    assert len(own) == 10
