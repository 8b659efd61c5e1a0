"""Growth and churn of the other side's list: what waits for a person, and what is foretold to its owner."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from consent import staff
from guessing import STRICT, Guessing
from lists_of_accounts import companies
from malice import Owner
from world import World, accounts, new_world

from cleanroom.agent import commit, guesses
from cleanroom.agent.guess_rules import ListQuarantined
from cleanroom.agent.guesses import NothingHeldBack
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from matching.rows import Rows, applied, concatenated, empty, removals


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with new_world(tmp_path) as made:
        made.enrol("Acme")
        made.enrol("Globex")
        made.introduce()
        yield made


@pytest.fixture
def guessing(world: World, acme: Agent, globex: Agent) -> Guessing:
    return Guessing(world, acme, globex)


def test_growth_waits_until_a_person_accepts_this_very_batch(guessing: Guessing) -> None:
    room = guessing.room(declared=100, limits=STRICT)
    guessing.push(room, range(20))
    guessing.push(room, range(25))  # max(5, 10 % of 20) more: may be
    assert guessing.evaluated(room) == 2
    guessing.push(room, range(26))
    problem = guessing.problem(room)
    assert isinstance(problem, ListQuarantined)
    words = "growth: 6 entries more than the 20 of 7 days ago, 5 more are allowed in a week. An approver of yours"
    assert words in str(problem)
    assert str(problem).endswith("--batch 3")
    ann, _ = staff(guessing.acme)
    view = open_room(guessing.acme, room)
    with pytest.raises(NothingHeldBack):
        guesses.accept(guessing.acme, view, 2, by=ann, reason="not this one")
    guesses.accept(guessing.acme, view, 3, by=ann, reason="they told us")
    guessing.settle(room)
    assert guessing.evaluated(room) == 3
    assert [(item.batch, item.by) for item in guessing.figures(room).accepted] == [(3, ann.id)]
    guessing.push(room, range(31))  # from what was accepted on
    assert guessing.evaluated(room) == 4
    guessing.push(room, range(32))
    assert "growth: 6 entries more than the 26" in str(guessing.problem(room))


def test_growth_is_of_a_week_and_goes_on_in_the_next_epoch(guessing: Guessing) -> None:
    room = guessing.room(declared=100, limits=STRICT, epoch_days=3)
    guessing.push(room, range(20))
    guessing.world.clock.step(days=3)
    guessing.push(room, range(26))
    assert isinstance(guessing.problem(room), ListQuarantined)
    guessing.push(room, range(25))
    guessing.settle(room)
    assert isinstance(guessing.problem(room), ListQuarantined)  # batch 1 is what it is


def test_a_week_later_it_may_grow_again(guessing: Guessing) -> None:
    room = guessing.room(declared=100, limits=STRICT, epoch_days=366)
    guessing.push(room, range(20))
    guessing.push(room, range(25))
    guessing.world.clock.step(days=7)
    guessing.push(room, range(30))
    assert guessing.evaluated(room) == 3


def test_a_list_in_steps_of_one_hour_does_not_outrun_the_week(guessing: Guessing) -> None:
    room = guessing.room(declared=100, limits=STRICT)
    for entries in (20, 23, 25, 27):
        guessing.push(room, range(entries))
    assert guessing.evaluated(room) == 3


def test_churn_adds_up_over_thirty_days(guessing: Guessing) -> None:
    room = guessing.room(declared=20, limits=STRICT.model_copy(update={"distinct_percent": 1_000}), epoch_days=366)
    guessing.push(room, range(20))
    guessing.push(room, range(3, 23))
    guessing.world.clock.step(days=10)
    guessing.push(room, range(5, 25))  # 5 of 20: just what may be
    assert guessing.evaluated(room) == 3
    guessing.push(room, range(6, 26))
    problem = guessing.problem(room)
    assert isinstance(problem, ListQuarantined)
    assert "churn: 6 of 20 entries replaced in 30 days, 5 are allowed" in str(problem)
    guessing.world.clock.step(days=21)
    guessing.settle(room)
    assert guessing.evaluated(room) == 4


def test_an_entry_under_its_old_handle_with_another_key_is_another_entry(guessing: Guessing) -> None:
    room = guessing.room(declared=40, limits=STRICT)
    owner = Owner.enter(guessing.globex, room)
    first = owner.rows([f"company{i}.com" for i in range(20)])
    forged = owner.forge(first)
    owner.commit(forged)
    guessing.settle(room)
    fresh = owner.rows([f"guess{i}.com" for i in range(6)])
    swapped = Rows(name=first.name[:6], op=fresh.op, segment=fresh.segment, kind=fresh.kind, value=fresh.value)
    batch = concatenated([removals(first.name[:6], 32), swapped])
    later = Owner(agent=owner.agent, room=open_room(guessing.globex, room))
    later.commit(later.forge(batch, after=forged, before=applied(empty(32), first)))
    assert "churn: 6 of 20 entries replaced" in str(guessing.problem(room))


def test_its_owner_is_told_before_it_is_sent(guessing: Guessing) -> None:
    room = guessing.room(declared=100, limits=STRICT)
    guessing.push(room, range(20))
    guessing.world.put_list(guessing.globex, room, accounts(companies(0, 26)))
    view = open_room(guessing.globex, room)
    rehearsed, _ = commit.dry_run(guessing.globex, view, None)
    report = commit.commit(guessing.globex, view)
    assert rehearsed.held_back == report.held_back
    assert report.held_back == (
        "growth: 6 entries more than the 20 of 7 days ago, 5 more are allowed in a week. Acme's agent holds it back "
        "until a person there accepts it"
    )
    assert isinstance(guessing.problem(room), ListQuarantined)
