"""P4: whether an evaluator left entries whole: the probes of a list lie in its evaluation as its owner says they must.

Only where both members' probes hold is an answer paid for and given (`escrow.overlaps`). An evaluation that tears
entries apart would let one company move several numbers, and the noise is measured for one.
"""

import numpy as np

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import ProbesChecked
from cleanroom.messages.probes import Probe, Probes
from cleanroom.messages.signing import SignedDocument
from escrow import evaluated_rows, ledger, overlaps, rooms
from escrow.addresses import is_repeat
from escrow.counting_tables import ProbesRecord
from escrow.errors import OutOfOrder, ProbesRefused
from escrow.evaluated_rows import Evaluated
from escrow.identity import EscrowKey
from escrow.rooms import EnteredRoom
from escrow.tables import SnapshotRecord
from matching.rows import Rows


def put(entered: EnteredRoom, epoch: int, owner: PartnerId, signed: SignedDocument, *, escrow_key: EscrowKey) -> Digest:
    """Hold the other member's evaluation of the caller's first batch against the caller's probes, and record it.

    Raises:
        NotFound: not the caller's address.
        Conflict: other probes were told before.
        DocumentRefused, ProbesRefused: they are not what they must be.
        OutOfOrder: the other member has not evaluated that batch yet; probes that are told earlier are no probes.
        RoomClosed, RoomNotActive, RoomExpired: see `escrow.rooms.working`.
    """
    rooms.own(entered, owner)
    digest, held = signed.digest(), entered.session.get(ProbesRecord, (entered.id, owner, epoch))
    if is_repeat(held.digest if held else None, digest):
        return digest
    room = rooms.working(entered)
    told = room.opened(Probes, signed)
    if (told.room, told.epoch, told.owner) != (room.id, epoch, owner):
        raise ProbesRefused("probes: room, epoch and owner differ from the address")
    if len(told.probes) > room.terms.probes:
        raise ProbesRefused(f"probes: more than the {room.terms.probes} that the terms allow")
    rooms.not_in_the_future(told.created, room, ProbesRefused)
    snapshot = room.session.get(SnapshotRecord, (room.id, epoch, owner, 1))
    if snapshot is None or snapshot.digest != told.snapshot:
        raise ProbesRefused("probes: not of the first batch of this epoch")
    address = Evaluated(room=room.id, epoch=epoch, evaluator=room.other.partner)
    if not evaluated_rows.are_complete(room, address, up_to=1):
        raise OutOfOrder("probes: the other member has not evaluated the batch yet")
    rows = evaluated_rows.state_after(room.session, address, 1)
    holds = all(_is_whole(rows, probe) for probe in told.probes)
    room.session.add(ProbesRecord(room=room.id, epoch=epoch, owner=owner, digest=digest, holds=holds))
    room.session.flush()
    entry = ProbesChecked(at=instant(room.now), document=digest, epoch=epoch, holds=holds, owner=owner)
    ledger.enter(room, entry)
    overlaps.settle(room, escrow_key=escrow_key)
    rooms.touched(room)
    return digest


def _is_whole(rows: Rows, probe: Probe) -> bool:
    """Whether the rows of a probe, and no others, are one entry of its segment."""
    tags = [np.frombuffer(bytes.fromhex(row.tag), np.uint8) for row in probe.rows]
    at = [
        np.flatnonzero((rows.kind == row.kind) & (rows.value == tag).all(axis=1))
        for row, tag in zip(probe.rows, tags, strict=True)
    ]
    if any(len(found) != 1 for found in at):
        return False
    found = np.concatenate(at)
    entry = (rows.name == rows.name[found[0]]).all(axis=1)
    return bool((rows.segment[found] == probe.segment).all() and entry.sum() == len(found) and entry[found].all())
