"""P3: from the partner's lists to what a room may see of them, and whether it may go now."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from cleanroom.agent import outbox
from cleanroom.agent.agreements import require_recipes
from cleanroom.agent.committed import STATE_COLUMNS, head, slot_of, state
from cleanroom.agent.epochs import OUTDATED, HomeOutdated, epoch_prefix, epoch_secrets
from cleanroom.agent.lists import INDEX, KeyedList, room_input
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import ChangeMode
from matching import changes, entries, shapes
from matching.packing import packed
from matching.rows import NAME_BYTES


class ListTooSmall(InputRefused):
    """No shape of entry is shared by enough of them: nothing can be committed without standing out."""

    code = "list_too_small"


class OverQuota(InputRefused):
    """The list has more entries than the terms allow."""

    code = "over_quota"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitReport:
    """What a commit did, for people: how many of what, what was left out and why. `number` is None if nothing went."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the lists would have committed: rows (handle, segment, kind, key), and the report so far."""

    rows: pd.DataFrame = field(repr=False)
    report: CommitReport


def commit(agent: Agent, room: Room) -> CommitReport:
    """Commit what the lists say now, as far as the rules let it leave; an unfinished batch is brought to its end first.

    Raises:
        ListTooSmall, OverQuota: nothing was sent.
        RecipesDiffer: if this agent cannot make the keys that the terms name.
        HomeOutdated: if the escrow holds batches of this agent that its vault does not know.
    """
    room.require_active()
    require_recipes(agent, room.terms)
    with agent.locked(f"commit-{room.id}"):
        finish(agent, room)
        _require_up_to_date(agent, room)
        tried = _moment(agent, room)
        wanted = wanted_rows(agent, room)
        before = state(agent, room)
        with agent.vault.transaction():
            batch, report = _batch(agent, room, agent.vault, wanted, before)
        if batch is not None:
            _finish(agent, room, batch, before)
        agent.vault.put(_tried(room), tried)
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
        _finish(agent, room, batch, state(agent, room))
    return batch is not None


def dry_run(agent: Agent, room: Room, instead: KeyedList | None) -> tuple[CommitReport, bytes]:
    """What a commit would send now, as a ZIP file: each request's body as it would leave, and the rows before sealing.

    Nothing is stored or sent. `instead` stands in for the stored list of its name. Order and sealing are random, so
    the real push sends other bytes of the same sizes.
    """
    room.require_active()
    require_recipes(agent, room.terms)
    wanted, store, before = wanted_rows(agent, room, instead=instead), outbox.Memory(), state(agent, room)
    batch, report = _batch(agent, room, store, wanted, before)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        if batch is not None:
            rows = outbox.blinded(agent, room, batch)
            signed = outbox.signed_snapshot(agent, room, batch, rows, batch.applied_to(before))
            for index in batch.chunks():
                archive.writestr(f"leaves/chunks/{index}.sealed", batch.sealed(index))
            archive.writestr("leaves/snapshot.json", signed.model_dump_json())
            archive.writestr("before-sealing/rows.bin", rows.leaves())
    return report, data.getvalue()


def wanted_rows(agent: Agent, room: Room, *, instead: KeyedList | None = None) -> Wanted:
    """What the lists would have committed.

    A list of which nothing may be seen is refused as long as nothing is committed; later on, all of it is taken out.

    Raises:
        ListTooSmall, OverQuota: if that cannot be.
    """
    terms = room.terms
    handle_key = epoch_secrets(agent, room).handle_key
    with agent.progress.stage("entries"):
        given = room_input(agent, room.id, kinds=room.kind_names, segments=terms.segments, instead=instead)
        merged = entries.merge(given.keys, given.segments, given.ids, room.identifier_kinds)
        coarse = shapes.coarsen(merged.rows, terms.minimum_population, len(terms.kinds))
        handle = _handles(merged.anchor, handle_key)
        rows = coarse.rows.assign(handle=handle[coarse.rows["entry"]])[STATE_COLUMNS].reset_index(drop=True)
    if rows.empty and head(agent, room) is None:
        raise ListTooSmall(
            f"the list has no {terms.minimum_population} entries of the same shape, the room's minimum population; "
            "nothing was sent"
        )
    count = int(coarse.rows["entry"].nunique())
    if count > terms.quota:
        raise OverQuota(f"the list has {count} entries; the terms allow {terms.quota}. Nothing was sent")
    per_kind = np.bincount(rows["kind"], minlength=len(terms.kinds))
    report = CommitReport(
        accounts=len(given.ids),
        entries=count,
        keys={name: int(per_kind[index]) for index, name in enumerate(room.kind_names)},
        merged_accounts=int((merged.entry_of >= 0).sum()) - len(merged.anchor),
        dropped_keys=dict(merged.dropped),
        coarsened_keys=coarse.dropped_keys,
        merged_segments=tuple((terms.segments[a], terms.segments[b]) for a, b in coarse.merged_segments),
        left_out_entries=coarse.left_out,
        not_counted_entries=merged.uncounted,
    )
    return Wanted(rows=rows, report=report)


def _batch(
    agent: Agent, room: Room, store: outbox.Store, wanted: Wanted, before: pd.DataFrame
) -> tuple[outbox.Outbox | None, CommitReport]:
    """The batch that may go now, if any, put into `store`; and the report. `before` is what is committed."""
    last, slot = head(agent, room), slot_of(room, agent.clock())
    if last is None:
        delta = changes.Changes(removed=np.zeros(0, object), added=wanted.rows, waiting=0)
    else:
        immediate = room.terms.changes is ChangeMode.IMMEDIATE
        delta = changes.plan(before, wanted.rows, room.terms.minimum_population, immediate=immediate)
        if not immediate and slot is not None and slot <= last.slot:
            # One batch per answer interval: all of it waits for the next one.
            touched = len(set(delta.removed) | set(delta.added["handle"])) + delta.waiting
            return None, replace(wanted.report, waiting_entries=touched)
    report = replace(wanted.report, waiting_entries=delta.waiting)
    if not len(delta.removed) and not len(delta.added):
        return None, report
    batch = outbox.planned(agent, room, store, delta, slot or 0)
    sent = replace(report, number=batch.number, sent_rows=len(batch.plan), removed_entries=len(delta.removed))
    return batch, sent


def _finish(agent: Agent, room: Room, batch: outbox.Outbox, before: pd.DataFrame) -> None:
    rows = outbox.blinded(agent, room, batch)
    after = batch.applied_to(before)
    signed = outbox.signed_snapshot(agent, room, batch, rows, after)
    outbox.upload(agent, room, batch, signed)
    outbox.promote(agent, room, batch, signed, rows, before=before, after=after)


def _require_up_to_date(agent: Agent, room: Room) -> None:
    """Refuse to commit on top of batches that the vault does not know."""
    shown, known = room.head(agent.me), head(agent, room)
    if shown is not None and (known is None or known.number < shown.number):
        raise HomeOutdated(OUTDATED)


def _tried(room: Room) -> str:
    return epoch_prefix(room.id, room.epoch) + "mine/tried"


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
