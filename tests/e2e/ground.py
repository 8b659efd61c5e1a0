"""What the tests with real processes stand on: a running escrow, enrolled partners, lists whose overlap is known.

Partners are set up in process (it is the tests' subject elsewhere, and each command costs a second); what a test is
about runs as a process of its own. A company is a number; its keys are a domain and the name in it, which nobody else
has: both say the same.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cleanroom.agent import agreements
from cleanroom.agent.agreements import Proposal
from cleanroom.agent.home import Introduction, enrol, open_agent
from cleanroom.agent.overlap import NoAnswerYet, overlap
from cleanroom.agent.partners import confirm
from cleanroom.agent.session import Agent
from cleanroom.domain.clock import system_clock
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS, ChangeMode, CountingMode, PartnerKind, RoomId
from cleanroom.messages.invites import Invite
from cleanroom.messages.rooms import CappedCounting, ListLimits, NewTokens
from escrow import invites
from escrow.database import Database
from escrow.identity import key_in
from escrow.invites import Allowance
from examples.local import PASSPHRASE, Escrow, Partner, running_escrow

FLOOR: Final = 10
TITLE: Final = "Joint accounts"
WORDS: Final = dict(zip(DEFAULT_SEGMENTS, ("Customer", "Open Opportunity", "Prospect"), strict=True))

Companies = Mapping[int, str]
"""Company -> its segment in one partner's list."""
Cells = tuple[tuple[int | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """A room of two partners at a running escrow."""

    folder: Path
    escrow: Escrow
    acme: Partner
    globex: Partner
    room: RoomId

    def partner(self, name: str) -> Partner:
        """By name."""
        return {"Acme": self.acme, "Globex": self.globex}[name]


@contextmanager
def running(home: Path, database: str | None = None) -> Iterator[Escrow]:
    """An escrow process, stopped at the end; it leaves no open pipe behind."""
    with running_escrow(home, database) as escrow:
        release(escrow)
        yield escrow


def release(escrow: Escrow) -> None:
    """Close the pipe on which a (re)started escrow said where it listens."""
    if escrow.process.stdout:
        escrow.process.stdout.close()


def invited(escrow: Escrow, name: str | None, kind: PartnerKind | None, *, url: str | None = None) -> Invite:
    """A fresh invite, straight from the escrow's database; `url` is where the partner will go instead."""
    database = Database(escrow.database)
    try:
        allowance = Allowance(name=name, kind=kind, expires_at=system_clock() + timedelta(days=1))
        secret = database.write(lambda session: invites.make(session, allowance, now=system_clock()))
    finally:
        database.dispose()
    key = key_in(escrow.home).public.hex()
    return Invite(url=url or escrow.url, escrow_key=key, secret=secret, name=name, kind=kind)


@contextmanager
def opened(partner: Partner) -> Iterator[Agent]:
    """The partner's agent in this process and thread, beside the processes that use the same home."""
    with open_agent(partner.home, Secret(PASSPHRASE), clock=system_clock) as agent:
        yield agent


def introduced(folder: Path, escrow: Escrow, *, url: str | None = None) -> tuple[Partner, Partner]:
    """Acme and Globex, enrolled, who have compared fingerprints."""
    partners = Partner(folder / "acme", "Acme"), Partner(folder / "globex", "Globex")
    words = {}
    for partner in partners:
        invite = invited(escrow, partner.name, PartnerKind.ISV, url=url)
        identity = enrol(partner.home, Secret(PASSPHRASE), invite, Introduction(), clock=system_clock)
        words[partner.name] = " ".join(identity.public().fingerprint())
    for partner in partners:
        with opened(partner) as agent:
            for other in words.keys() - {partner.name}:
                confirm(agent, other, words[other])
    return partners


def in_a_room(folder: Path, escrow: Escrow, *, url: str | None = None, **terms: object) -> Ground:
    """Acme and Globex in a room that answers after every push and takes changes at once."""
    acme, globex = introduced(folder, escrow, url=url)
    wanted: dict[str, Any] = {
        "title": TITLE,
        "purpose": "tests",
        "counting": CappedCounting(mode=CountingMode.EXACT, floor=FLOOR, caps="unsafe_none"),
        "limits": ListLimits(
            distinct_percent=1_000_000, growth_entries=1_000_000, growth_percent=1_000_000, churn_percent=1_000_000
        ),
        "probes": 0,
        "new_tokens": NewTokens(count_from="next_answer", open_after_hours=0, open_after_snapshots=1),
        "minimum_population": 5,
        "answer_interval": "unsafe_every_push",
        "changes": ChangeMode.IMMEDIATE,
        **terms,
    }
    with opened(acme) as agent:
        room = agreements.propose(agent, globex.name, Proposal(**wanted))
    with opened(globex) as agent:
        agreements.accept(agent, room)
    return Ground(folder, escrow, acme, globex, room)


def write_list(path: Path, companies: Companies) -> Path:
    """The list as a CSV file: id, website, segment in everyday words."""
    rows = "".join(f"{number},company{number}.com,{WORDS[segment]}\n" for number, segment in companies.items())
    path.write_text("Account ID,Website,Type\n" + rows, encoding="utf-8")
    return path


def truth(mine: Companies, theirs: Companies, floor: int = FLOOR) -> Cells:
    """The matrix that must be shown, by counting: no company has another's keys, so a cell is an intersection."""
    rows = []
    for i in DEFAULT_SEGMENTS:
        here = {number for number, segment in mine.items() if segment == i}
        row: list[int | None] = []
        for j in DEFAULT_SEGMENTS:
            there = {number for number, segment in theirs.items() if segment == j}
            count = len(here & there)
            outside = min(len(here), len(there)) - count
            row.append(count if count >= floor and outside >= floor else None)
        rows.append(tuple(row))
    return tuple(rows)


def transposed(cells: Sequence[Sequence[int | None]]) -> Cells:
    """Rows and columns exchanged."""
    return tuple(zip(*cells, strict=True))


def shown(agent: Agent, room: RoomId) -> Cells | None:
    """The newest report's cells, as this partner sees them."""
    try:
        return overlap(agent, room).cells
    except NoAnswerYet:
        return None


def cells_of(partner: Partner) -> Cells:
    """The newest report's cells, as the command prints them."""
    (found,) = partner.run("overlap", "--room", TITLE)["overlaps"]
    return tuple(tuple(row) for row in found["cells"])


def until(ready: Callable[[], bool], what: str, *, seconds: float = 180) -> None:
    """Wait.

    Raises:
        TimeoutError: saying what did not happen.
    """
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"not after {seconds} s: {what}")
        time.sleep(0.1)


def log_lines(escrow: Escrow) -> list[dict[str, Any]]:
    """What the escrow logged. Anything that is not a line of JSON, such as a traceback, fails the test."""
    return [json.loads(line) for line in escrow.log.read_text(encoding="utf-8").splitlines()]


def script(name: str) -> str:
    """A command of this environment."""
    return str(Path(sys.executable).with_name(name))


def ran(
    *command: object, env: Mapping[str, str] | None = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """A command run to its end, whatever that is."""
    return subprocess.run(  # noqa: S603 - our own commands
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        env=dict(env) if env is not None else None,
    )


def kill(process: "subprocess.Popen[str]") -> bool:
    """SIGKILL. Whether there was something left to kill."""
    alive = process.poll() is None
    process.kill()
    process.wait()
    return alive
