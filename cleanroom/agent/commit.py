"""P3: from the partner's lists to what a room may see of them, and whether it may go now."""

import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from cleanroom.agent import outbox, own_growth
from cleanroom.agent.committed import STATE_COLUMNS, head, population, shapes_of, slot_of, state
from cleanroom.agent.epochs import OUTDATED, HomeOutdated, epoch_prefix, epoch_secrets
from cleanroom.agent.guess_rules import rounded_up
from cleanroom.agent.list_keys import KeyedList
from cleanroom.agent.lists import INDEX, revision
from cleanroom.agent.probes import with_probes
from cleanroom.agent.recipes import pinned, to_merge
from cleanroom.agent.room_lists import RoomInput, joined, room_change, room_input
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import ChangeMode
from cleanroom.messages.documents import Count, DigestText, Wire
from matching import changes, entries, shapes
from matching.packing import packed
from matching.rows import NAME_BYTES


class ListTooSmall(InputRefused):
    """No shape of entry is shared by enough of them: nothing can be committed without standing out."""

    code = "list_too_small"


class OverQuota(InputRefused):
    """The list has more entries than the terms allow."""

    code = "over_quota"


class OverDeclared(InputRefused):
    """The list has more entries than the terms declare, so the other side's agent would not evaluate it."""

    code = "over_declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitReport:
    """What a commit did, for people: how many of what, what was left out and why. `number` is None if nothing went.

    `held_back`: why the other side's agent will not evaluate the batch at once; "" if nothing is known against it.
    """

    accounts: int
    entries: int
    keys: Mapping[str, int]
    merged_accounts: int
    dropped_keys: Mapping[str, int]
    coarsened_keys: int
    merged_segments: tuple[tuple[str, str], ...]
    left_out_entries: int
    not_counted_entries: int
    waiting_entries: int = 0
    number: int | None = None
    sent_rows: int = 0
    removed_entries: int = 0
    held_back: str = ""


class Settled(Wire):
    """That all of what the lists gave at a revision is committed as it was, and nothing had to be coarsened.

    `batch` is the digest of the batch since which it is, `report` is of the whole.
    """

    batch: DigestText
    terms: DigestText
    revision: Count
    report: CommitReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the lists would have committed, beside what is: frames of STATE_COLUMNS, and the report so far.

    Entries that are in neither frame are committed as they are wanted: `others` per shape. `is_whole` says that
    nothing of the lists, at this revision, was left out to keep the rules.
    """

    rows: pd.DataFrame = field(repr=False)
    before: pd.DataFrame = field(repr=False)
    others: Mapping[shapes.Shape, int]
    revision: int
    is_whole: bool
    report: CommitReport

    def population(self, room: Room) -> Counter[shapes.Shape]:
        """Entries per shape, if all of it is committed."""
        return Counter(self.others) + shapes_of(self.rows, room)


def commit(agent: Agent, room: Room) -> CommitReport:
    """Commit what the lists say now, as far as the rules let it leave; an unfinished batch is brought to its end first.

    Raises:
        ListTooSmall, OverQuota, OverDeclared: nothing was sent.
        RecipesDiffer: if this agent cannot make the keys that the terms name.
        HomeOutdated: if the escrow holds batches of this agent that its vault does not know.
    """
    room.require_active()
    pinned(agent, room.terms)
    with agent.locked(f"commit-{room.id}"):
        finish(agent, room)
        _require_up_to_date(agent, room)
        tried = _moment(agent, room)
        with agent.vault.transaction():
            wanted = changed_rows(agent, room)
        wanted = wanted or wanted_rows(agent, room)
        with agent.vault.transaction():
            batch, report = _batch(agent, room, agent.vault, wanted)
        if batch is not None:
            _finish(agent, room, batch)
        with agent.vault.transaction():
            agent.vault.put(_tried(room), tried)
            _settle(agent, room, wanted, report)
        return report


def commit_due(agent: Agent, room: Room) -> bool:
    """Whether a commit might send something.

    A batch is unfinished, nothing is committed in this epoch, or since the last try a list was pushed or the answer
    interval ended.
    """
    if outbox.unfinished(agent, room) is not None or head(agent, room) is None:
        return True
    return agent.vault.get(_tried(room)) != _moment(agent, room)


def finish(agent: Agent, room: Room) -> bool:
    """Bring an unfinished batch to its end. Says whether there was one."""
    batch = outbox.unfinished(agent, room)
    if batch is not None:
        _finish(agent, room, batch)
    return batch is not None


def dry_run(agent: Agent, room: Room, instead: KeyedList | None) -> tuple[CommitReport, bytes]:
    """What a commit would send now, as a ZIP file: each request's body as it would leave, and the rows before sealing.

    Nothing is stored or sent. `instead` stands in for the stored list of its name. Order and sealing are random, so
    the real push sends other bytes of the same sizes.
    """
    room.require_active()
    pinned(agent, room.terms)
    wanted, store = wanted_rows(agent, room, instead=instead), outbox.Memory()
    batch, report = _batch(agent, room, store, wanted)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        if batch is not None:
            rows = outbox.blinded(agent, room, batch)
            signed = outbox.signed_snapshot(agent, room, batch, rows)
            for index in batch.chunks():
                archive.writestr(f"leaves/chunks/{index}.sealed", batch.sealed(index))
            archive.writestr("leaves/snapshot.json", signed.model_dump_json())
            archive.writestr("before-sealing/rows.bin", rows.leaves())
    return report, data.getvalue()


def wanted_rows(agent: Agent, room: Room, *, instead: KeyedList | None = None) -> Wanted:
    """What the lists would have committed.

    A list of which nothing may be seen is refused as long as nothing is committed; later on, all of it is taken out.

    Raises:
        ListTooSmall, OverQuota, OverDeclared: if that cannot be.
    """
    terms, since = room.terms, revision(agent)
    with agent.progress.stage("entries"):
        given = room_input(agent, room.id, recipes=to_merge(agent, terms), segments=terms.segments, instead=instead)
        merged = _merged(given)
        coarse = shapes.coarsen(merged.rows, terms.minimum_population, len(terms.kinds))
        rows = with_probes(agent, room, _named(agent, room, coarse.rows, merged))
    if rows.empty and head(agent, room) is None:
        raise ListTooSmall(
            f"the list has no {terms.minimum_population} entries of the same shape, the room's minimum population; "
            "nothing was sent"
        )
    report = replace(
        _report(room, merged, coarse.rows),
        coarsened_keys=coarse.dropped_keys,
        merged_segments=tuple((terms.segments[a], terms.segments[b]) for a, b in coarse.merged_segments),
        left_out_entries=coarse.left_out,
    )
    _require_quota(room, report)
    return Wanted(
        rows=rows,
        before=state(agent, room),
        others={},
        revision=since,
        is_whole=since == revision(agent) and not (coarse.dropped_keys or coarse.merged_segments or coarse.left_out),
        report=report,
    )


def changed_rows(agent: Agent, room: Room) -> Wanted | None:
    """As `wanted_rows`, of the entries that the newest change reaches; None if it takes the whole list to tell.

    The rules of `matching.entries` look no further than the accounts that are joined by shared keys, now or before. So
    the others are as they were committed, if all was, and if every shape is common enough still.
    """
    known = agent.load(Settled, _settled(room))
    last, terms = head(agent, room), room.terms
    if known is None or last is None or (known.batch, known.terms) != (last.digest, terms.digest()):
        return None
    with agent.progress.stage("entries"):
        recipes = to_merge(agent, terms)
        change = room_change(agent, room.id, since=known.revision, recipes=recipes, segments=terms.segments)
        if change is None:
            return None
        both = joined([change.now, change.before])
        size, gone = len(change.now.ids), len(change.before.ids)
        altered = np.concatenate([change.altered, np.zeros(gone, np.bool_)])
        former = np.arange(size + gone) >= size
        reached = entries.reached(both.keys, altered | former)
        crowded = entries.crowded(both.keys, altered | former)
        was, now = (_merged(both, which=reached & ~other, crowded=crowded) for other in (altered, former))
        before, rows = (_named(agent, room, side.rows, side) for side in (was, now))
    others = population(agent, room) - shapes_of(before, room)
    report = _moved(known.report, _report(room, was, was.rows), _report(room, now, now.rows))
    wanted = Wanted(rows=rows, before=before, others=others, revision=revision(agent), is_whole=True, report=report)
    if min(wanted.population(room).values(), default=0) < terms.minimum_population:
        return None
    _require_quota(room, report)
    return wanted


def _merged(
    given: RoomInput, *, which: npt.NDArray[np.bool_] | None = None, crowded: npt.NDArray[np.bool_] | None = None
) -> entries.Entries:
    """The entries of all accounts, or of some (bool per account) of which is known which keys are on too many."""
    part = given if which is None else given.only(which)
    if which is not None and crowded is not None:
        crowded = crowded[which[given.keys["account"]]]
    return entries.merge(part.keys, part.segments, part.ids, part.kinds, crowded)


def _named(agent: Agent, room: Room, rows: pd.DataFrame, merged: entries.Entries) -> pd.DataFrame:
    """Rows of entries as rows of STATE_COLUMNS."""
    handle = _handles(merged.anchor, epoch_secrets(agent, room).handle_key)
    named: pd.DataFrame = rows.assign(handle=handle[rows["entry"]])[STATE_COLUMNS].reset_index(drop=True)
    return named


def _report(room: Room, merged: entries.Entries, rows: pd.DataFrame) -> CommitReport:
    """Counts of entries of which these rows are left."""
    per_kind = np.bincount(rows["kind"], minlength=len(room.terms.kinds))
    return CommitReport(
        accounts=len(merged.entry_of),
        entries=int(rows["entry"].nunique()),
        keys={name: int(per_kind[index]) for index, name in enumerate(room.kind_names)},
        merged_accounts=int((merged.entry_of >= 0).sum()) - len(merged.anchor),
        dropped_keys=dict(merged.dropped),
        coarsened_keys=0,
        merged_segments=(),
        left_out_entries=0,
        not_counted_entries=merged.uncounted,
    )


def _moved(whole: CommitReport, was: CommitReport, now: CommitReport) -> CommitReport:
    """The counts of a whole of which one part is another now."""

    def mapping(name: str) -> dict[str, int]:
        parts = [getattr(report, name) for report in (whole, now, was)]
        return {key: parts[0][key] + parts[1][key] - parts[2][key] for key in parts[0]}

    return replace(
        whole,
        accounts=whole.accounts + now.accounts - was.accounts,
        entries=whole.entries + now.entries - was.entries,
        keys=mapping("keys"),
        merged_accounts=whole.merged_accounts + now.merged_accounts - was.merged_accounts,
        dropped_keys=mapping("dropped_keys"),
        not_counted_entries=whole.not_counted_entries + now.not_counted_entries - was.not_counted_entries,
    )


def _require_quota(room: Room, report: CommitReport) -> None:
    if report.entries > room.terms.quota:
        raise OverQuota(f"the list has {report.entries} entries; the terms allow {room.terms.quota}. Nothing was sent")
    declared = room.terms.declared_by(room.me)
    if report.entries > declared:
        raise OverDeclared(
            f"declared: the list has {report.entries:,} entries, the terms declare {declared:,} of yours. Nothing was "
            f"sent. New terms lift it: cleanroom room renew {room.id[:8]} --my-size {rounded_up(report.entries)}"
        )


def _settle(agent: Agent, room: Room, wanted: Wanted, report: CommitReport) -> None:
    """Keep that all that was wanted is committed, or that it is not."""
    last = head(agent, room)
    if last is None or not wanted.is_whole or report.waiting_entries:
        agent.vault.delete(_settled(room))
        return
    whole = Settled(
        batch=last.digest,
        terms=room.terms.digest(),
        revision=wanted.revision,
        report=wanted.report,
    )
    agent.save(_settled(room), whole)


def _batch(agent: Agent, room: Room, store: outbox.Store, wanted: Wanted) -> tuple[outbox.Outbox | None, CommitReport]:
    """The batch that may go now, if any, put into `store`; and the report."""
    last, slot = head(agent, room), slot_of(room, agent.clock())
    if last is None:
        delta = changes.Changes(removed=np.zeros(0, object), added=wanted.rows, waiting=0)
    else:
        immediate = room.terms.changes is ChangeMode.IMMEDIATE
        minimum = room.terms.minimum_population
        delta = changes.plan(wanted.before, wanted.rows, minimum, immediate=immediate, others=wanted.others)
        if not immediate and slot is not None and slot <= last.slot:
            # One batch per answer interval: all of it waits for the next one.
            touched = len(set(delta.removed) | set(delta.added["handle"])) + delta.waiting
            return None, replace(wanted.report, waiting_entries=touched)
    report = replace(wanted.report, waiting_entries=delta.waiting)
    if not len(delta.removed) and not len(delta.added):
        return None, report
    batch = outbox.planned(agent, room, store, delta, slot or 0)
    sent = replace(report, number=batch.number, sent_rows=len(batch.plan), removed_entries=len(delta.removed))
    return batch, replace(sent, held_back=_foretold(agent, room, delta))


def _foretold(agent: Agent, room: Room, delta: changes.Changes) -> str:
    """Whether the other side's agent will hold the batch back, before it is sent."""
    came, went = set(delta.added["handle"]), set(delta.removed)
    new = head(agent, room) is None
    before = 0 if new else sum(population(agent, room).values())
    moved = (0, 0) if new else (len(came - went), len(went - came))
    return own_growth.foretold(agent, room, entries=before + len(came) - len(went), come=moved[0], gone=moved[1])


def _finish(agent: Agent, room: Room, batch: outbox.Outbox) -> None:
    rows = outbox.blinded(agent, room, batch)
    signed = outbox.signed_snapshot(agent, room, batch, rows)
    outbox.upload(agent, room, batch, signed)
    outbox.promote(agent, room, batch, signed, rows)


def _require_up_to_date(agent: Agent, room: Room) -> None:
    """Refuse to commit on top of batches that the vault does not know."""
    shown, known = room.head(agent.me), head(agent, room)
    if shown is not None and (known is None or known.number < shown.number):
        raise HomeOutdated(OUTDATED)


def _tried(room: Room) -> str:
    return epoch_prefix(room.id, room.epoch) + "mine/tried"


def _settled(room: Room) -> str:
    return epoch_prefix(room.id, room.epoch) + "mine/settled"


def _moment(agent: Agent, room: Room) -> bytes:
    """What a commit depends on: the lists as they were pushed, and the answer interval."""
    return packed(agent.vault.get(INDEX) or b"", str(slot_of(room, agent.clock())).encode())


def _handles(anchors: "pd.Series[str]", key: bytes) -> npt.NDArray[np.object_]:
    """A handle per entry: keyed BLAKE2b (RFC 7693), so that the same entry keeps its name without a table."""
    handles, keyed = np.empty(len(anchors), dtype=object), hashlib.blake2b(key=key, digest_size=NAME_BYTES)

    def handle(anchor: str) -> bytes:
        hashed = keyed.copy()  # the key is taken in once
        hashed.update(anchor.encode())
        return hashed.digest()

    handles[:] = [handle(anchor) for anchor in anchors.tolist()]
    return handles
