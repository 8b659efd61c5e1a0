"""Ways to more answers than a year has: other rooms, new rooms, other partners, the clock, and asking again.

Whatever is tried, what counts is how many *different* answers the attacker holds. In an uncapped room each push has
one. Edges are every hour, so that nothing but the budgets stands in the way.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from cleanroom.agent import agreements
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import moment
from escrow.counting_tables import SpendRecord
from matching.disclosure.modes import STANDARD, YEAR_SECONDS
from tests.attacks.asks import Ask, some_members, spread
from tests.attacks.catalogue import OWNER_YEAR, PAIR_YEAR
from tests.attacks.real import LABELS, Ground, ask_for_correction, capped, new_ground, row, uncapped
from tests.simulation.world import accounts

pytestmark = pytest.mark.slow
INTERVAL = timedelta(seconds=STANDARD.interval_seconds)
CAPS = {"budget": capped(STANDARD), "unsafe_none": uncapped()}


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with new_ground(tmp_path, some_members(np.random.default_rng(3)), ("Acme", "Umbrella")) as made:
        yield made


def small(turn: int) -> Ask:
    """A small list that differs every time: only the number of answers is looked at."""
    return spread(np.random.default_rng(turn).permutation(40), 1, segments=len(LABELS))


def entered(ground: Ground, agent: Agent, terms: dict[str, object]) -> RoomId:
    """A room with lists of both, answered as far as the budgets allow."""
    room = ground.room(agent, **terms)
    put_lists(ground, room, agent)
    return room


def put_lists(ground: Ground, room: RoomId, agent: Agent) -> None:
    rows = [row("victim", f"target{at}", LABELS[0]) for at in range(20)]
    ground.world.put_list(ground.victim, room, accounts(rows))
    push(ground, room, agent, 0)


def push(ground: Ground, room: RoomId, agent: Agent, turn: int) -> None:
    ground.put_attacker(room, small(turn), agent)
    ground.settle(room, agent)


def held(ground: Ground, *places: tuple[RoomId, Agent]) -> int:
    """How many answers these agents hold in these rooms."""
    return sum(len(ground.answers(room, agent)) for room, agent in places)


@pytest.mark.parametrize(("caps", "answers"), [("budget", [1, 1, 2]), ("unsafe_none", [2, 4, 4])])
def test_two_rooms_of_one_pair_have_one_budget(ground: Ground, caps: str, answers: list[int]) -> None:
    acme, start = ground.attacker, ground.world.clock()
    rooms = [entered(ground, acme, CAPS[caps]) for _ in range(2)]
    places = [(room, acme) for room in rooms]
    found = [held(ground, *places)]
    ground.world.clock.step(hours=2)
    for room in rooms:
        push(ground, room, acme, 1)
    found.append(held(ground, *places))
    if caps == "budget":
        ground.world.clock.now = start + INTERVAL
    for room in rooms:
        ground.settle(room)
    assert [*found, held(ground, *places)] == answers


@pytest.mark.parametrize(("caps", "answers"), [("budget", 0), ("unsafe_none", 1)])
def test_a_room_that_was_left_and_made_again_begins_no_new_year(ground: Ground, caps: str, answers: int) -> None:
    acme = ground.attacker
    first = entered(ground, acme, CAPS[caps])
    assert held(ground, (first, acme)) == 1
    agreements.leave(acme, first)
    ground.world.clock.step(hours=1)
    again = entered(ground, acme, CAPS[caps])
    ground.world.clock.step(hours=1)
    ground.settle(again)
    assert held(ground, (again, acme)) == answers


def test_the_clock_gives_one_answer_on_the_second_and_none_before_it_or_by_going_back(ground: Ground) -> None:
    acme, clock = ground.attacker, ground.world.clock
    room = entered(ground, acme, capped(STANDARD))
    edge = moment(ground.answers(room)[-1].edge)
    clock.step(hours=2)
    push(ground, room, acme, 1)
    found = []
    for now in (
        edge + INTERVAL - timedelta(seconds=1),
        edge - timedelta(days=40),
        edge + INTERVAL,
        edge + INTERVAL + timedelta(minutes=59),
        edge,
    ):
        clock.now = now
        # Agents whose clock goes back by weeks stop by themselves; reading gives what is due, too.
        if now > edge + INTERVAL / 2:
            ground.settle(room)
        found.append(held(ground, (room, acme)))
    assert found == [1, 1, 2, 2, 2]


def test_asking_again_gives_the_same_bytes_whoever_asks(ground: Ground) -> None:
    acme = ground.attacker
    room = entered(ground, acme, capped(STANDARD))

    def answers(agent: Agent) -> list[str]:
        return [signed.model_dump_json() for signed in agent.escrow.answers(room)]

    first = answers(acme)
    others = replace(acme, clock=lambda: ground.world.clock() + timedelta(minutes=4))
    for turn in range(1, 4):
        ground.world.clock.step(hours=3)
        push(ground, room, acme, turn)
        assert answers(acme) == answers(others) == first


def test_the_same_lists_in_fresh_epochs_have_no_answer_of_their_own(ground: Ground) -> None:
    """An epoch begins every 30 days, an answer may come every 365/12: nothing is averaged for free."""
    acme = ground.attacker
    room = entered(ground, acme, capped(STANDARD) | {"epoch_days": 1})
    for _ in range(2):
        ground.world.clock.step(days=2)
        ground.settle(room)
    assert held(ground, (room, acme)) == 1


def gave(ground: Ground, recipient: Agent, room: RoomId, months: range) -> None:
    """Answers about the victim's list that the escrow's books say were given in these months."""
    start = int(ground.world.clock().timestamp())

    def enter(session: Session) -> None:
        for month in months:
            session.add(
                SpendRecord(
                    owner=ground.victim.me,
                    recipient=recipient.me,
                    room=room,
                    number=100 + month,
                    at=start - month * STANDARD.interval_seconds,
                    units=1,
                    mode=STANDARD.name,
                    correction=False,
                )
            )

    ground.world.database.write(enter)


def test_two_partners_together_get_what_the_owner_gives_in_a_year(ground: Ground) -> None:
    """Both have had answers of earlier months; neither is near the end of its own year."""
    before = (6, 5)
    partners = [ground.world.agents[name] for name in ("Acme", "Umbrella")]
    rooms = [ground.room(agent, **capped(STANDARD)) for agent in partners]
    places = list(zip(rooms, partners, strict=True))
    for (room, agent), months in zip(places, before, strict=True):
        gave(ground, agent, room, range(1, 1 + months))
    for room, agent in places:
        put_lists(ground, room, agent)
    assert held(ground, *places) == 2
    ground.world.clock.now += INTERVAL
    for room, agent in places:
        push(ground, room, agent, 1)
        ground.world.clock.step(hours=1)
        ground.settle(room, agent)
    # Both ask once more, and one answer is left for them.
    assert sum(before) + held(ground, *places) == OWNER_YEAR


@pytest.mark.soak
def test_two_partners_together_get_an_owners_answers_of_a_real_year(ground: Ground) -> None:
    partners = [ground.world.agents[name] for name in ("Acme", "Umbrella")]
    start = ground.world.clock()
    places = [(entered(ground, agent, capped(STANDARD)), agent) for agent in partners]
    assert held(ground, *places) == 2
    for month in range(1, 9):
        ground.world.clock.step(hours=1)
        for room, agent in places:
            push(ground, room, agent, month)
            if month == 1:
                ask_for_correction(ground, room, agent)
                ground.settle(room, agent)
        ground.world.clock.now = start + month * INTERVAL
        for room, agent in places:
            ground.settle(room, agent)
    assert ground.world.clock() < start + timedelta(seconds=YEAR_SECONDS)
    assert held(ground, *places) == OWNER_YEAR
    assert all(len(ground.answers(room, agent)) < PAIR_YEAR for room, agent in places)
