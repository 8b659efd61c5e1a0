"""Entries that are nobody's: an evaluator that tears entries apart is seen before it is given any answer."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from world import World, accounts, new_world

from cleanroom.agent import evaluate, overlap, probes, sync
from cleanroom.agent.committed import state
from cleanroom.agent.overlap import NoAnswerYet
from cleanroom.agent.probes import PROBE, EvaluationTorn
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import CountingMode, RoomId
from cleanroom.messages.rooms import CappedCounting
from matching.rows import Rows

STANDARD = CappedCounting(mode=CountingMode.STANDARD, floor=10, caps="budget")
PROBES = 8


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with new_world(tmp_path) as made:
        for name in ("Acme", "Globex"):
            made.enrol(name)
        made.introduce()
        yield made


def companies(numbers: range) -> pd.DataFrame:
    rows = [{"account_id": f"a{n}", "name": f"Company {n} Works", "website": f"company{n}.com"} for n in numbers]
    return accounts([{**row, "country": "DE", "segment": "customers"} for row in rows])


def agreed(world: World, **terms: object) -> RoomId:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex, counting=STANDARD, probes=PROBES, **terms)
    world.put_list(acme, room, companies(range(60)))
    world.put_list(globex, room, companies(range(15, 75)))
    return room


def torn(monkeypatch: pytest.MonkeyPatch, evaluator: Agent) -> None:
    """This agent's evaluation gives each entry the first key of its own, and the others of its neighbours."""
    honest = evaluate._tags  # noqa: SLF001 - a dishonest agent is one with other code

    def tags(agent: Agent, room: Room, ordered: Rows, prefix: str) -> Rows:
        rows = honest(agent, room, ordered, prefix)
        if agent is not evaluator:
            return rows
        value, kinds = rows.value.copy(), sorted(set(rows.kind.tolist()))
        for kind in kinds[1:]:
            at = np.flatnonzero(rows.kind == kind)
            value[at] = value[np.roll(at, 1)]
        moved = Rows(name=rows.name, op=rows.op, segment=rows.segment, kind=rows.kind, value=value)
        for index in range(1):
            agent.vault.put(prefix + f"tags/{index}", moved.leaves())
        return moved

    monkeypatch.setattr(evaluate, "_tags", tags)


def test_an_honest_evaluation_holds_and_is_answered(world: World) -> None:
    room = agreed(world)
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    world.settle(acme, globex, room=room)
    mine = state(acme, open_room(acme, room))
    hidden = mine["key"].str.startswith(PROBE)
    assert mine["handle"][hidden].nunique() == PROBES
    assert {item.owner: item.holds for item in open_room(acme, room).probes} == {acme.me: True, globex.me: True}
    assert overlap.overlap(acme, room).number == 1
    assert overlap.overlap(globex, room).number == 1


def test_probes_look_like_the_list_and_stay_for_the_epoch(world: World) -> None:
    room = agreed(world)
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    world.settle(acme, globex, room=room)
    before = state(acme, open_room(acme, room))
    shapes = {
        frozenset(part["kind"]) for _, part in before.groupby("handle") if not part["key"].iloc[0].startswith(PROBE)
    }
    assert {frozenset(p["kind"]) for _, p in before[before["key"].str.startswith(PROBE)].groupby("handle")} <= shapes
    world.put_list(acme, room, companies(range(5, 65)))
    world.clock.step(days=1)
    world.settle(acme, globex, room=room)
    after = state(acme, open_room(acme, room))
    kept, drawn = (sorted(rows["key"][rows["key"].str.startswith(PROBE)]) for rows in (after, before))
    assert kept == drawn
    assert len(after) == len(before)


def test_no_answer_comes_before_both_have_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    room = agreed(world)
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    with monkeypatch.context() as patched:
        patched.setattr(probes, "tell", lambda *_: False)
        world.settle(acme, globex, room=room)
        with pytest.raises(NoAnswerYet):
            overlap.overlap(acme, room)
    world.settle(acme, globex, room=room)
    assert overlap.overlap(acme, room).number == 1


def test_an_evaluator_that_tears_entries_apart_is_given_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    room = agreed(world)
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    torn(monkeypatch, globex)
    world.settle(acme, globex, room=room, strict=False)
    (result,) = sync.sync(acme, room)
    assert isinstance(result.problem, EvaluationTorn)
    assert "keys of one entry lie under several" in str(result.problem)
    for agent in (acme, globex):
        with pytest.raises(NoAnswerYet):
            overlap.overlap(agent, room)
    verdict = {item.owner: item.holds for item in open_room(globex, room).probes}
    assert verdict[acme.me] is False
    assert any('"holds":false' in leaf for leaf in acme.escrow.log(room, 0).leaves)


def test_probes_come_on_top_of_quota_and_declared_size(world: World) -> None:
    room = agreed(world, quota=60, declared=(60, 60))
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    world.settle(acme, globex, room=room)
    assert overlap.overlap(acme, room).number == 1
