"""The Python face: the partner's operations in a notebook, as pandas DataFrames.

    with open_home("~/cleanroom", passphrase) as home:
        home.push("accounts.csv", segment="customers")
        home.sync()
        home.overlap("Acme x Globex").pivot(index="mine", columns="theirs", values="companies")
        home.shared("Acme x Globex", role=Role.SELLER, user="Sue Seller")

Text is `str`, numbers are `Int64` where they may be missing and `int64` where not, truth values `bool`, moments
`datetime64[us, UTC]`. Every call raises the errors of the operation behind it (`cleanroom.domain.errors`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pandas as pd

from cleanroom.agent import (
    agreed,
    agreements,
    disclosed,
    matches,
    overlap,
    partners,
    push,
    push_plan,
    shared,
    status,
    sync,
)
from cleanroom.agent.account_names import AccountNames, spoken
from cleanroom.agent.agreements import Proposal
from cleanroom.agent.commit import CommitReport
from cleanroom.agent.home import open_agent
from cleanroom.agent.lint import lint as looked_at
from cleanroom.agent.lists import rooms_of
from cleanroom.agent.overlap import Overlap
from cleanroom.agent.progress import Progress
from cleanroom.agent.push_plan import Choices, File, Query, Source
from cleanroom.agent.reading.files import read_table
from cleanroom.agent.reading.guessing import guess_mapping
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.agent.rooms import find_id, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.tables import load_tables
from cleanroom.agent.viewing import Viewer
from cleanroom.domain.clock import Clock, system_clock
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Role, RoomId

MOMENT: Final = "datetime64[us, UTC]"

PARTNERS: Final = {"id": "str", "name": "str", "kind": "str", "confirmed": "bool", "me": "bool"}
"""`Home.partners`: one row a partner, in order of enrolment."""

ROOMS: Final = {"room": "str", "title": "str", "state": "str", "partner": "str"}
"""`Home.rooms`: one row a room, oldest first."""

STATUS: Final = {
    **ROOMS,
    "waits_for": "str",
    "my_list": MOMENT,
    "their_list": MOMENT,
    "last_answer": MOMENT,
    "expires": MOMENT,
}
"""`Home.status`: rooms with what each waits for; moments are NaT where there is none."""

SYNCED: Final = {"room": "str", "title": "str", "steps": "str", "problem": "str"}
"""`Home.sync`: one row an active room; `steps` joined by "; ", `problem` is the error's code or ""."""

CELLS: Final = {
    "room": "str",
    "number": "int64",
    "edge": MOMENT,
    "mine": "str",
    "theirs": "str",
    "companies": "Int64",
    "withheld": "bool",
    "change": "Int64",
    "opened": "int64",
    "low": "Int64",
    "high": "Int64",
    "mode": "str",
}
"""`Home.overlap`, `Home.history`: one row a cell. `companies` is missing where withheld; `change` is the difference to
the answer before, missing where either is withheld, there is none, or noise may be all of it. `opened` of the companies
are known by name; in a `mode` with noise there are truly from `low` to `high`, 95 times of 100."""

AGREED: Final = {"room": "str", "mine": "str", "theirs": "str", "state": "str", "opened": "int64"}
"""`Home.agreed`: one row a cell; `state` is agreed, waits_for_me, waits_for_them or waits_for_both, `opened` counts the
matches that were opened and verified in this epoch."""

MATCHES: Final = {
    "match": "str",
    "account_id": "str",
    "account": "str",
    "segment": "str",
    "their_segment": "str",
    "tier": "str",
    "evidence": "str",
    "differ": "str",
    "why": "str",
    "state": "str",
    "decided": MOMENT,
    "reason": "str",
}
"""`Home.matches`: one row for each account of mine in a verified match; kinds of key with blanks between."""

SHARED: Final = {
    "account_id": "str",
    "account": "str",
    "epoch": "int64",
    "match": "str",
    "their_match": "str",
    "their_account": "int64",
    "tier": "str",
    "evidence": "str",
    "why": "str",
    "state": "str",
    "received": MOMENT,
    "their_policy": "str",
    "my_policy": "str",
    "withdrawn": "str",
}
"""`Home.shared` begins with these; then come two columns for each field that anything is shown of: `stage` and
`stage_form`, both `str`, "" where it is hidden."""

DISCLOSED: Final = {
    "account_id": "str",
    "account": "str",
    "field": "str",
    "form": "str",
    "released": MOMENT,
    "handed_over": MOMENT,
    "withdrawn": MOMENT,
    "my_policy": "str",
    "their_policy": "str",
    "epoch": "int64",
    "release": "int64",
    "match": "str",
}
"""`Home.disclosed`: one row each time a field of mine was sent. Count what has no `handed_over` as seen."""

PUSHED: Final = {
    "room": "str",
    "title": "str",
    "accounts": "Int64",
    "entries": "Int64",
    "merged_accounts": "Int64",
    "left_out_entries": "Int64",
    "waiting_entries": "Int64",
    "batch": "Int64",
    "sent_rows": "Int64",
    "problem": "str",
}
"""`Pushed.rooms`: one row a room that the list serves; `problem` is the error's code, or "" where it was committed."""

LINTED: Final = {
    "row": "int64",
    **dict.fromkeys(("account_id", "name", "rule", "column", "current", "suggestion", "master_account_id"), "str"),
}
"""`lint`: one row for each place that is worth fixing, most harmful rule first; "" where there is nothing to say."""

REFUSED: Final = {"row": "int64", "column": "str", "rule": "str", "left_out": "bool"}
"""`Pushed.refused`: rows of the source (1-based) and columns that were not used, and the rule; never the value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pushed:
    """What a push did: `rooms` (PUSHED), `refused` (REFUSED), accounts in the list, keys of each kind, notes."""

    accounts: int
    keys: Mapping[str, int]
    rooms: pd.DataFrame = field(repr=False)
    refused: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...]


class Home:
    """A partner's home with its vault open. Belongs to one thread; `close` it, or use it in a `with` block."""

    def __init__(self, path: Path, passphrase: Secret[str], *, clock: Clock) -> None:
        """Use `open_home`."""
        self._opened = open_agent(path, passphrase, clock=clock)
        self._agent: Agent | None = self._opened.__enter__()

    def close(self) -> None:
        """Close the vault and the connection. Later calls raise InputRefused."""
        if self._agent is not None:
            self._agent = None
            self._opened.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Home({self._agent.config.name!r})" if self._agent else "Home(closed)"

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """The eight words to read out to partners."""
        return self._open().identity.public().fingerprint()

    def partners(self) -> pd.DataFrame:
        """The directory (PARTNERS)."""
        found = partners.directory(self._open())
        return _frame(PARTNERS, [(item.id, item.name, item.kind.value, item.confirmed, item.me) for item in found])

    def confirm(self, who: str, words: str) -> pd.DataFrame:
        """Remember a partner's keys as compared; the directory after that (PARTNERS)."""
        partners.confirm(self._open(), who, words)
        return self.partners()

    def rooms(self) -> pd.DataFrame:
        """All rooms that this partner was ever part of (ROOMS)."""
        agent = self._open()
        names = {item.id: item.name for item in partners.directory(agent)}
        rows = [
            (item.room, item.title, item.state.value, ", ".join(names.get(m, m) for m in item.members if m != agent.me))
            for item in agreements.rooms(agent)
        ]
        return _frame(ROOMS, rows)

    def propose(self, who: str, proposal: Proposal) -> RoomId:
        """Propose terms to a confirmed partner; the new room's id."""
        return agreements.propose(self._open(), who, proposal)

    def accept(self, room: str) -> RoomId:
        """Sign the terms that the other side proposed; the room's id."""
        return agreements.accept(self._open(), room).id

    def push(  # noqa: PLR0913 - each is a choice that the person who pushes makes
        self,
        source: str | Path | Query,
        *,
        name: str | None = None,
        columns: Mapping[str, str] | None = None,
        segment: str | None = None,
        segment_from: SegmentFrom | None = None,
        rooms: Sequence[str] | None = None,
    ) -> Pushed:
        """Push a whole list. `name` is the file's if not given, `columns` maps targets to headers.

        `rooms`: serve only these from now on; None leaves it as it was, and a new list serves every room.
        """
        agent = self._open()
        given: Source = source if isinstance(source, Query) else File(path=Path(source).expanduser())
        if name is None:
            if isinstance(given, Query):
                raise InputRefused("a query has no name: say name=")
            name = given.path.stem
        served = rooms_of(agent, name) if rooms is None else tuple(find_id(agent, room) for room in rooms)
        choices = Choices(name=name, columns=columns or {}, segment=segment, segment_from=segment_from)
        planned = push_plan.plan(agent, push_plan.read(agent, given), choices)
        report = push.push(agent, push.prepare(agent, planned), rooms=served)
        if report.problem:
            raise report.problem
        return Pushed(
            accounts=report.accounts,
            keys=report.keys,
            rooms=_frame(PUSHED, [_pushed(item) for item in report.rooms]),
            refused=report.refused[list(REFUSED)].astype(REFUSED),
            notes=report.notes,
        )

    def sync(self, room: str | None = None) -> pd.DataFrame:
        """Do what the rooms, or one of them, need of this partner now (SYNCED)."""
        agent = self._open()
        done = sync.sync(agent, find_id(agent, room) if room else None)
        rows = [
            (item.room, item.title, "; ".join(item.steps), item.problem.code if item.problem else "") for item in done
        ]
        return _frame(SYNCED, rows)

    def overlap(self, room: str) -> pd.DataFrame:
        """The newest overlap of a room (CELLS)."""
        agent = self._open()
        return _frame(CELLS, _cells(overlap.overlap(agent, find_id(agent, room))))

    def history(self, room: str) -> pd.DataFrame:
        """All overlaps of a room, oldest first (CELLS); no rows while there is none."""
        agent = self._open()
        found = overlap.history(agent, find_id(agent, room))
        return _frame(CELLS, [row for item in found for row in _cells(item)])

    def agreed(self, room: str) -> pd.DataFrame:
        """Which cells of a room are agreed, and who has to say yes in the others (AGREED)."""
        agent = self._open()
        found = agreed.agreement(agent, open_room(agent, find_id(agent, room)))
        rows = [
            (found.room, cell.mine, cell.theirs, cell.state.value, cell.opened) for row in found.cells for cell in row
        ]
        return _frame(AGREED, rows)

    def matches(self, room: str) -> pd.DataFrame:
        """The verified matches of this epoch, and what becomes of each (MATCHES)."""
        agent = self._open()
        found = matches.frame(matches.matches(agent, open_room(agent, find_id(agent, room))))
        decided = pd.to_datetime(found["decided"].where(found["decided"] != "", None), utc=True)
        return found.assign(account_id=found["account_id"].map(spoken), decided=decided).astype(MATCHES)

    def shared(self, room: str, *, role: Role = Role.ADMIN, user: str = "") -> pd.DataFrame:
        """The accounts that both sides agreed to share, as a user in a role may see them (SHARED).

        A seller sees the accounts that are `user`'s: by name or e-mail address, as the lists have it.
        """
        agent = self._open()
        found = shared.shared(
            agent, open_room(agent, find_id(agent, room)), Viewer(role=role, name=user, email=user)
        ).frame()
        begin = {name: found[name].map(spoken) if name == "account_id" else found[name] for name in SHARED}
        begin["received"] = pd.to_datetime(found["received"], utc=True)
        fields = {name: found[name] for name in found.columns if name not in SHARED}
        return pd.DataFrame({**begin, **fields}).astype({**SHARED, **dict.fromkeys(fields, "str")})

    def disclosed(self, room: str) -> pd.DataFrame:
        """Every field of this partner's that the other side was sent, oldest first (DISCLOSED)."""
        agent = self._open()
        found, names = disclosed.disclosed(agent, find_id(agent, room)), AccountNames.of(agent)
        known = found.assign(account=found["account_id"].map(names.name), account_id=found["account_id"].map(spoken))
        for name in ("released", "handed_over", "withdrawn"):
            known[name] = pd.to_datetime(known[name].where(known[name] != "", None), utc=True)
        return known[list(DISCLOSED)].astype(DISCLOSED)

    def status(self) -> pd.DataFrame:
        """The rooms, and what each waits for (STATUS)."""
        rows = [
            (
                *(item.room, item.title, item.state.value, item.partner, item.waits_for.what),
                *(item.my_list, item.their_list, item.last_answer, item.expires or None),
            )
            for item in status.status(self._open()).rooms
        ]
        return _frame(STATUS, rows)

    def _open(self) -> Agent:
        if self._agent is None:
            raise InputRefused("this home is closed")
        return self._agent


def lint(
    source: str | Path, *, columns: Mapping[str, str] | None = None, segment_from: SegmentFrom | None = None
) -> pd.DataFrame:
    """What will hurt the matching of a list in a file, before anything of it is pushed (LINTED). Needs no home."""
    table = read_table(Path(source).expanduser())
    mapping = guess_mapping(table, given=columns)
    found = looked_at(table, mapping, segment_from=segment_from, tables=load_tables(), progress=Progress())
    return found.findings.astype(LINTED)


def open_home(path: str | Path, passphrase: str | Secret[str], *, clock: Clock = system_clock) -> Home:
    """The home in a folder, opened with its passphrase.

    Raises:
        VaultMissing, WrongPassphrase, VaultDamaged, NotEnrolled.
    """
    secret = passphrase if isinstance(passphrase, Secret) else Secret(passphrase)
    return Home(Path(path).expanduser(), secret, clock=clock)


def _frame(columns: Mapping[str, str], rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """Rows under documented columns and dtypes, also where there are none."""
    frame = pd.DataFrame(list(rows), columns=list(columns), dtype=object)
    for name in (name for name, dtype in columns.items() if dtype == MOMENT):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame.astype(dict(columns))


def _cells(item: Overlap) -> list[tuple[object, ...]]:
    size = range(len(item.segments))
    return [
        (
            *(item.room, item.number, item.edge, item.segments[i], item.segments[j]),
            *(item.cells[i][j], item.cells[i][j] is None, item.change[i][j]),
            *(item.opened_in(i, j), *(item.between(i, j) or (None, None)), str(item.mode)),
        )
        for i in size
        for j in size
    ]


def _pushed(item: push.RoomPushed) -> tuple[object, ...]:
    report = item.outcome
    if not isinstance(report, CommitReport):
        return (item.room, item.title, *[None] * 7, report.code)
    numbers = (report.accounts, report.entries, report.merged_accounts, report.left_out_entries)
    return (item.room, item.title, *numbers, report.waiting_entries, report.number, report.sent_rows, "")
