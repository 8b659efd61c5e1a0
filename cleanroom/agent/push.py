"""Pushing a list: make its keys, keep it, and commit it to the active rooms that it serves.

Order: `push_plan.read`, `push_plan.plan` (what the user is shown before anything happens), `prepare`, then `push` or
`rehearse`; for a delta `plan_changes` and `prepare_changes`. The list is in the vault before the first commit: what
a room refuses, or an escrow out of reach, is tried again by the next sync.
"""

from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from cleanroom.agent import commit, guesses, lists, push_plan, sources
from cleanroom.agent.commit import CommitReport
from cleanroom.agent.epochs import HomeOutdated, publish_key
from cleanroom.agent.lint_counts import Counts, counted, found_in
from cleanroom.agent.lint_listed import listed_of
from cleanroom.agent.list_keys import KeyedList
from cleanroom.agent.push_plan import Plan
from cleanroom.agent.reading.accounts import ReadResult, read_accounts
from cleanroom.agent.reading.changes import read_changes
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.sources import SILENT, Statement
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.vocabulary import RoomId, RoomState
from cleanroom.messages.api import RoomSummary
from matching.keys import KINDS, Keys
from matching.normalise import tables
from matching.refusal import Refusal

Problem = CleanroomError | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomPushed:
    """What became of the list in one room: the commit's report, or why there was none."""

    room: RoomId
    title: str
    outcome: CommitReport | Problem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PushReport:
    """What a push did. Counts are of the whole list as it is now; `rows`, `refused` and `notes` of what was read.

    `keys`: kind -> keys in the list. `keyless`: accounts, not suppressed, that no key was made of. `refused`: row
    (int64, 1-based in the source), column, rule (`str`), left_out (bool: the row was left out, not only what was in
    that column). `lint`: what hurts, among the accounts that were read. `not_active`: titles of rooms that get the list
    once both sides have accepted them. `problem`: why no room could be asked.
    """

    name: str
    rows: int
    accounts: int
    suppressed: int
    keyless: int
    keys: ReadOnly[str, int]
    refused: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...]
    lint: Counts
    upserted: int
    deleted: int
    rooms: tuple[RoomPushed, ...] = ()
    not_active: tuple[str, ...] = ()
    problem: CleanroomError | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A list with its keys, ready to be stored, and the report so far."""

    planned: Plan = field(repr=False)
    data: KeyedList = field(repr=False)
    report: PushReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What would leave for one room: the ZIP file of `commit.dry_run`."""

    room: RoomId
    title: str
    archive: bytes = field(repr=False)


def prepare(agent: Agent, planned: Plan) -> Prepared:
    """The whole list's accounts and keys. Nothing is stored.

    Raises:
        InputRefused: if the list has no usable row.
    """
    with agent.progress.stage("accounts"):
        result = read_accounts(
            planned.table,
            planned.mapping,
            segment=planned.segment,
            segment_from=planned.segment_from,
            list_name=planned.name,
        )
    data = lists.keyed(agent, planned.name, result.accounts)
    return Prepared(planned=planned, data=data, report=_report(agent, planned, result, data, deleted=0))


def prepare_changes(agent: Agent, planned: Plan) -> Prepared:
    """The stored list after a delta. Nothing is stored.

    Raises:
        UnknownList: if there is no list of that name.
        InputRefused: if the delta has no usable row.
    """
    lists.require(agent, planned.name)
    with agent.progress.stage("accounts"):
        delta = read_changes(
            planned.table,
            planned.mapping,
            segment=planned.segment,
            segment_from=planned.segment_from,
            list_name=planned.name,
        )
    deletes = pd.Series(delta.deletes, dtype="str")
    data = lists.changed(agent, planned.name, delta.upserts.accounts, deletes)
    report = _report(agent, planned, delta.upserts, data, deleted=len(deletes))
    return Prepared(planned=planned, data=data, report=report)


def push(
    agent: Agent,
    prepared: Prepared,
    *,
    rooms: tuple[RoomId, ...] | None,
    said: Statement = SILENT,
    read_from: str = sources.NOT_SAID,
) -> PushReport:
    """Keep the list in place of the one of its name, and commit it. `rooms` are those it serves; None is every room.

    `said` is what its owner says of its source, `read_from` what is known of it anyway. A room's problem, or an escrow
    out of reach, does not undo the push: it is in the report.

    Raises:
        InputRefused: the statement cannot be shown on a line; nothing is stored.
    """
    sources.require_sayable(said)
    with agent.progress.stage("store"):
        lists.store(agent, prepared.data, rooms)
        whole = prepared.planned.whole
        rows = len(prepared.planned.table.frame) if whole else len(prepared.data.accounts)
        sources.remember(agent, prepared.data.name, said, read_from=read_from, rows=rows)
        if prepared.planned.whole:
            push_plan.remember(agent, prepared.planned)
    try:
        active, proposed = _served(agent, rooms)
    except CleanroomError as problem:
        return replace(prepared.report, problem=problem)
    done = tuple(
        RoomPushed(room=summary.room, title=summary.title, outcome=_committed(agent, summary.room))
        for summary in active
    )
    return replace(prepared.report, rooms=done, not_active=tuple(summary.title for summary in proposed))


def rehearse(
    agent: Agent, prepared: Prepared, *, rooms: tuple[RoomId, ...] | None
) -> tuple[PushReport, tuple[Rehearsal, ...]]:
    """What `push` would do now, and the bytes that would leave for each room. No list is stored, nothing is sent.

    Raises:
        EscrowUnreachable: if the escrow cannot say which rooms there are.
    """
    active, proposed = _served(agent, rooms)
    done: list[RoomPushed] = []
    archives: list[Rehearsal] = []
    for summary in active:
        outcome: CommitReport | Problem
        try:
            outcome, archive = commit.dry_run(agent, open_room(agent, summary.room), prepared.data)
            archives.append(Rehearsal(room=summary.room, title=summary.title, archive=archive))
        except (CleanroomError, Refusal) as problem:
            outcome = problem
        done.append(RoomPushed(room=summary.room, title=summary.title, outcome=outcome))
    report = replace(prepared.report, rooms=tuple(done), not_active=tuple(item.title for item in proposed))
    return report, tuple(archives)


def _served(agent: Agent, rooms: tuple[RoomId, ...] | None) -> tuple[list[RoomSummary], list[RoomSummary]]:
    """The rooms that a list serves: (active, proposed)."""
    served = [summary for summary in agent.escrow.rooms() if rooms is None or summary.room in rooms]
    active = [summary for summary in served if summary.state is RoomState.ACTIVE]
    return active, [summary for summary in served if summary.state is RoomState.PROPOSED]


def _committed(agent: Agent, room_id: RoomId) -> CommitReport | Problem:
    try:
        room = open_room(agent, room_id)
        if agent.me not in room.keys:
            # The sync of another process may be drawing the epoch's secrets at this moment.
            with agent.locked(f"sync-{room_id}"):
                publish_key(agent, open_room(agent, room_id))
            room = open_room(agent, room_id)
        return commit.commit(agent, room)
    except HomeOutdated as problem:
        guesses.note_outdated(agent)
        return problem
    except (CleanroomError, Refusal) as problem:
        return problem


def _report(agent: Agent, planned: Plan, result: ReadResult, data: KeyedList, *, deleted: int) -> PushReport:
    suppressed = data.accounts["suppressed"].to_numpy(dtype=bool)
    keyed = np.zeros(len(suppressed), dtype=np.bool_)
    recipes = [recipe for recipe in tables.current(agent.tables) if recipe.kind in KINDS]
    keys = data.keys_by(recipes)
    keyed[keys["account"].to_numpy()] = True
    per_kind = np.bincount(keys["kind"], minlength=len(recipes))
    return PushReport(
        name=planned.name,
        rows=len(planned.table.frame),
        accounts=len(data.accounts),
        suppressed=int(suppressed.sum()),
        keyless=int((~keyed & ~suppressed).sum()),
        keys={recipe.kind: int(per_kind[index]) for index, recipe in enumerate(recipes)},
        refused=_refused(result, data.refused),
        notes=result.notes,
        lint=_looked_at(agent, planned, result, data),
        upserted=len(result.accounts),
        deleted=deleted,
    )


def _looked_at(agent: Agent, planned: Plan, result: ReadResult, data: KeyedList) -> Counts:
    """What `cleanroom lint` counts in what was read: of a delta only among its own rows, which costs its size."""
    recipes = tables.current(agent.tables)
    first = len(data.accounts) - len(result.accounts)
    keys = data.keys_by(recipes)
    read = keys[keys["account"].to_numpy() >= first].reset_index(drop=True)
    read = read.assign(account=read["account"].to_numpy(np.int32) - np.int32(first))
    with agent.progress.stage("look"):
        kinds = [recipe.kind for recipe in recipes]
        listed = listed_of(result, Keys(frame=read, refused=data.refused), kinds, agent.tables.current)
        return counted(listed, found_in(listed, by_segment=planned.segment_from is not None))


def _refused(result: ReadResult, keys: pd.DataFrame) -> pd.DataFrame:
    """Refused rows and cells, and refused keys, by row of the source. Keys name positions of the accounts read."""
    position: npt.NDArray[np.int64] = keys["account"].to_numpy(dtype=np.int64)
    of_keys = pd.DataFrame(
        {
            "row": result.rows[position],
            "column": keys["column"].astype("str"),
            "rule": keys["rule"].astype("str"),
            "left_out": np.zeros(len(keys), dtype=np.bool_),
        }
    )
    both = pd.concat([result.refused, of_keys], ignore_index=True)
    return both.sort_values(["row", "column"], kind="stable", ignore_index=True)
