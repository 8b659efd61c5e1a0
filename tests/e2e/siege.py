"""Partners that push and sync while a test kills them, or the escrow, at moments that it chooses."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from ground import Cells, Ground, cells_of, kill, opened, release, shown, transposed, truth, until, write_list
from witness import Witness

from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS

SIDES = ("Acme", "Globex")
EARLIEST = 0.3
"""Of a push's time: before that the process only loads its libraries."""


class Victim(StrEnum):
    """Who is killed, and doing what."""

    PUSH_OF_ACME = "Acme's push"
    PUSH_OF_GLOBEX = "Globex's push"
    SYNC_OF_ACME = "Acme's sync"
    SYNC_OF_GLOBEX = "Globex's sync"
    ESCROW_AT_PUSH = "the escrow, at a push"
    ESCROW_AT_SYNC = "the escrow, at a sync"


@dataclass
class Siege:
    """`lists`: what each side's people believe to have pushed. `kills` counts processes that were alive."""

    ground: Ground
    moments: np.random.Generator
    size: int
    agents: dict[str, Agent]
    witnesses: list[Witness]
    watchers: dict[str, "subprocess.Popen[str]"] = field(default_factory=dict)
    lists: dict[str, dict[int, str]] = field(default_factory=dict)
    kills: int = 0
    push_seconds: float = 0.0
    sync_seconds: float = 0.0

    def begin(self) -> None:
        """First lists, pushed and mapped in peace: this is how long things take."""
        for side in SIDES:
            self.watch(side)
        started = time.monotonic()
        for side in SIDES:
            self.redraw(side)
            self.must_push(side)
        pushed = time.monotonic()
        self.settle()
        self.push_seconds, self.sync_seconds = (pushed - started) / 2, time.monotonic() - pushed

    def attack(self, victim: Victim) -> None:
        """Push a changed list, kill the victim in the middle, start it again, and wait for the right report."""
        side = "Globex" if victim in (Victim.PUSH_OF_GLOBEX, Victim.SYNC_OF_ACME) else "Acme"
        before = self.kills
        while self.kills == before:
            self.redraw(side)
            process = self.start_push(side)
            match victim:
                case Victim.PUSH_OF_ACME | Victim.PUSH_OF_GLOBEX:
                    self._pause(EARLIEST, self.push_seconds)
                    self.kills += kill(process)
                    self.must_push(side)
                case Victim.SYNC_OF_ACME | Victim.SYNC_OF_GLOBEX:
                    self._ended(process)
                    self._pause(0.0, self.sync_seconds)
                    other = "Acme" if victim is Victim.SYNC_OF_ACME else "Globex"
                    self.kills += kill(self.watchers[other])
                    self.watch(other)
                case Victim.ESCROW_AT_PUSH:
                    self._pause(EARLIEST, self.push_seconds)
                    self._kill_escrow()
                    self._ended(process)
                case Victim.ESCROW_AT_SYNC:
                    self._ended(process)
                    self._pause(0.0, self.sync_seconds)
                    self._kill_escrow()
            self.settle()

    def settle(self) -> None:
        """Wait until both sides see the truth, and that nothing was lost on the way."""
        expected = self.expected()
        wanted = {"Acme": expected, "Globex": transposed(expected)}
        for side, cells in wanted.items():
            until(lambda s=side, c=cells: self._sees(s, c), f"{side}'s report is the truth")
        for witness in self.witnesses:
            witness.check()

    def expected(self) -> Cells:
        """The truth, as Acme sees it."""
        return truth(self.lists["Acme"], self.lists["Globex"])

    def redraw(self, side: str) -> None:
        """About half of a list's companies change, and their segments with them."""
        kept = [number for number in self.lists.get(side, {}) if self.moments.random() < 0.5]
        others = self.moments.permutation(2 * self.size)
        numbers = [*dict.fromkeys([*kept, *others.tolist()])][: self.size]
        drawn = self.moments.choice(len(DEFAULT_SEGMENTS), self.size, p=(0.5, 0.2, 0.3))
        fresh = {int(number): DEFAULT_SEGMENTS[index] for number, index in zip(numbers, drawn, strict=True)}
        self.lists[side] = {**fresh, **{number: self.lists[side][number] for number in kept}}

    def start_push(self, side: str) -> "subprocess.Popen[str]":
        """The command `cleanroom push`, running."""
        path = write_list(self.ground.folder / f"{side.lower()}.csv", self.lists[side])
        partner = self.ground.partner(side)
        log = self.ground.folder / f"{side.lower()}-push.log"
        return partner.start("push", path, "--segment-from", "Type", "--yes", log=log)

    def must_push(self, side: str) -> None:
        """Push, to the end."""
        self._ended(self.start_push(side))

    def watch(self, side: str) -> None:
        """The command `cleanroom sync --watch`, running."""
        partner = self.ground.partner(side)
        self.watchers[side] = partner.start("sync", "--watch", log=self.ground.folder / f"{side.lower()}-sync.log")

    def end(self) -> None:
        """What people see at the end, through fresh processes."""
        assert cells_of(self.ground.acme) == self.expected()
        assert cells_of(self.ground.globex) == transposed(self.expected())

    def _sees(self, side: str, cells: Cells) -> bool:
        for name, watcher in self.watchers.items():
            assert watcher.poll() is None, f"{name}'s sync --watch ended by itself; see the folder's logs"
        return shown(self.agents[side], self.ground.room) == cells

    def _kill_escrow(self) -> None:
        escrow = self.ground.escrow
        alive = escrow.process.poll() is None
        escrow.kill()
        self._pause(0.0, 1.0)
        escrow.restart()
        release(escrow)
        self.kills += alive

    def _ended(self, process: "subprocess.Popen[str]") -> None:
        code = process.wait(timeout=180)
        assert code == 0, f"push ended with {code}; see the folder's logs"

    def _pause(self, earliest: float, seconds: float) -> None:
        time.sleep(self.moments.uniform(earliest, 1.0) * seconds)


@contextmanager
def besieged(ground: Ground, moments: np.random.Generator, size: int) -> Iterator[Siege]:
    """Both sides up, with a witness each."""
    with ExitStack() as stack:
        agents = {side: stack.enter_context(opened(ground.partner(side))) for side in SIDES}
        witnesses = [stack.enter_context(Witness(ground, side)) for side in SIDES]
        siege = Siege(ground, moments, size, agents, witnesses)
        stack.callback(lambda: [kill(process) for process in siege.watchers.values()])
        siege.begin()
        yield siege
