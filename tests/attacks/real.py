"""The same attacks on the real escrow with real agents: lists that are committed, evaluated and answered.

The victim's list holds the members among the targets, known matches enough for every padding, and companies of its own,
all in one segment. The attacker's holds, in as many segments as terms may have, what a plan asks for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cleanroom.agent import agreements
from cleanroom.agent.overlap import Overlap, history
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import CountingMode, RoomId
from cleanroom.messages.counting import Correction
from cleanroom.messages.documents import instant, moment
from cleanroom.messages.rooms import CappedCounting
from matching.disclosure.modes import Mode
from tests.attacks.asks import SEGMENTS, TARGETS, Ask, Release, spread
from tests.attacks.plans import Plan
from tests.simulation.world import World, accounts, new_world

LABELS = tuple(f"part_{number:02d}" for number in range(SEGMENTS))
OWN = 40
"""Companies that only the victim knows."""
JUNK = 6
"""Companies that only the attacker knows, in each of its segments: what an exact count's floor asks for."""

Row = dict[str, str]


@dataclass
class Ground:
    """Victim and attacker, who have compared fingerprints; `members` says which targets are in the victim's list."""

    world: World
    members: npt.NDArray[np.bool_]

    @property
    def victim(self) -> Agent:
        """The partner whose list the attack is about."""
        return self.world.agents["Victim"]

    @property
    def attacker(self) -> Agent:
        """The partner that asks."""
        return self.world.agents["Acme"]

    def room(self, attacker: Agent | None = None, **terms: object) -> RoomId:
        """A room of the two, with as many segments as there can be and no caps unless terms say so."""
        return self.world.room(attacker or self.attacker, self.victim, segments=LABELS, **terms)

    def put_victim(self, room: RoomId, known: int) -> None:
        """The victim's list, with as many known matches for each of the attacker's segments."""
        rows = [row("victim", f"target{target}", LABELS[0]) for target in np.flatnonzero(self.members)]
        rows += [row("victim", f"known{at}", LABELS[0]) for at in range(known * SEGMENTS)]
        rows += [row("victim", f"victims-own{at}", LABELS[0]) for at in range(OWN)]
        self.world.put_list(self.victim, room, accounts(rows))

    def put_attacker(self, room: RoomId, ask: Ask, attacker: Agent | None = None) -> None:
        """The attacker's list."""
        who = attacker or self.attacker
        self.world.put_list(who, room, accounts(attackers_rows(ask)), name=who.config.name)

    def settle(self, room: RoomId, attacker: Agent | None = None) -> None:
        """Both agents do what they can."""
        self.world.settle(attacker or self.attacker, self.victim, room=room)

    def answers(self, room: RoomId, attacker: Agent | None = None) -> list[Overlap]:
        """All answers that the attacker has been given in this room."""
        return history(attacker or self.attacker, room)


@contextmanager
def new_ground(folder: Path, members: npt.NDArray[np.bool_], attackers: Sequence[str] = ("Acme",)) -> Iterator[Ground]:
    """A fresh escrow with a victim and these attackers."""
    with new_world(folder) as world:
        for name in (*attackers, "Victim"):
            world.enrol(name)
        world.introduce()
        yield Ground(world, members)


def row(prefix: str, company: str, segment: str) -> Row:
    """One account, known by its website."""
    return {"account_id": f"{prefix}\x1f{company}", "website": f"{company}.com", "segment": segment}


def attackers_rows(ask: Ask) -> list[Row]:
    """The accounts of one list of the attacker's."""
    rows, used = [], 0
    for label, group, known in zip(LABELS, ask.groups, ask.known, strict=True):
        rows += [row("attacker", f"target{target}", label) for target in group]
        rows += [row("attacker", f"known{at}", label) for at in range(used, used + known)]
        rows += [row("attacker", f"junk{label[-2:]}-{at}", label) for at in range(JUNK)]
        used += known
    return rows


def release_of(ask: Ask, report: Overlap) -> Release:
    """What an answer about such a list showed of the victim's only segment."""
    return Release(ask, tuple(cells[0] for cells in report.cells))


def uncapped(floor: int = 1) -> dict[str, object]:
    """Terms that show exact counts of every push, for demos and tests."""
    counting = CappedCounting(mode=CountingMode.EXACT, floor=floor, caps="unsafe_none")
    return {"counting": counting, "answer_interval": "unsafe_every_push"}


def capped(mode: Mode) -> dict[str, object]:
    """Terms of a mode, with an edge every hour: what limits answers is the budget, and nothing else."""
    counting = CappedCounting(mode=CountingMode(mode.name), floor=10, caps="budget")
    return {"counting": counting, "answer_interval": 3_600}


def uncapped_year(ground: Ground, mode: Mode, plan: Plan, answers: int, rng: np.random.Generator) -> list[Release]:
    """So many answers of an uncapped room, all on one day, each as soon as the lists are there."""
    room = ground.room(**uncapped())
    releases: list[Release] = []
    for number in range(answers):
        ask = plan(mode, releases, rng)
        if number == 0:
            ground.put_victim(room, max(ask.known))
        ground.put_attacker(room, ask)
        ground.settle(room)
        reports = ground.answers(room)
        assert len(reports) == number + 1
        releases.append(release_of(ask, reports[-1]))
        assert releases[-1].seen == ask.counts(ground.members)
        ground.world.clock.step(minutes=5)
    return releases


def capped_year(ground: Ground, mode: Mode, plan: Plan, answers: int, rng: np.random.Generator) -> list[Release]:
    """The first so many answers of a pair; the second one is the correction.

    The attacker pushes a new list after every answer, and looks at the moment at which there may be another one.
    """
    room, world = ground.room(**capped(mode)), ground.world
    releases: list[Release] = []
    while len(releases) < answers:
        ask = plan(mode, releases, rng)
        if not releases:
            ground.put_victim(room, max(ask.known))
        ground.put_attacker(room, ask)
        ground.settle(room)
        if len(releases) == 1:
            ask_for_correction(ground, room)
        elif releases:
            world.clock.now = moment(ground.answers(room)[-1].edge) + timedelta(seconds=mode.interval_seconds)
        ground.settle(room)
        reports = ground.answers(room)
        assert len(reports) == len(releases) + 1
        releases.append(release_of(ask, reports[-1]))
        assert plausible(mode, releases[-1], ground.members)
        world.clock.step(hours=1)
    return releases


def require_nothing_more(ground: Ground, until: datetime) -> None:
    """No answer more is there one second before this moment, in any of the attacker's rooms, whatever is pushed."""
    (room,) = [summary.room for summary in agreements.rooms(ground.attacker)]
    before = len(ground.answers(room))
    ground.put_attacker(room, spread(np.arange(TARGETS)[::-1], 1))
    ground.settle(room)
    ground.world.clock.now = until - timedelta(seconds=1)
    ground.settle(room)
    assert len(ground.answers(room)) == before


def ask_for_correction(ground: Ground, room: RoomId, attacker: Agent | None = None) -> None:
    """The attacker says that its list was wrong."""
    agent = attacker or ground.attacker
    last = ground.answers(room, agent)[-1].number
    asked = Correction(room=room, partner=agent.me, after=last, created=instant(agent.clock()))
    agent.escrow.put_correction(room, agent.me, agent.sign(asked))


def plausible(mode: Mode, release: Release, members: npt.NDArray[np.bool_]) -> bool:
    """Whether what was shown can come from the true counts with the mode's noise; wrong once in e^16 cells."""
    most = mode.step + 16 * mode.scale
    return all(
        abs(shown - count) <= most if shown is not None else count - mode.threshold < most
        for shown, count in zip(release.seen, release.ask.counts(members), strict=True)
    )
