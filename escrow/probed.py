"""P4: what was found of the probes of an epoch (`escrow.probes` finds it)."""

from typing import Final

from sqlalchemy import bindparam, select

from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.api import ProbesView
from escrow.counting_tables import ProbesRecord
from escrow.rooms import EnteredRoom, WorkingRoom, asked_once

_OF_EPOCH: Final = (
    select(ProbesRecord)
    .where(ProbesRecord.room == bindparam("room"), ProbesRecord.epoch == bindparam("epoch"))
    .order_by(ProbesRecord.owner)
)


def hold(room: WorkingRoom, epoch: int) -> bool:
    """Whether the terms ask for no probes, or both members have told theirs and they hold."""
    found = views(room, epoch) if room.terms.probes else ()
    return not room.terms.probes or (len(found) == len(room.terms.members) and all(item.holds for item in found))


@asked_once
def views(room: EnteredRoom, epoch: int) -> tuple[ProbesView, ...]:
    """Whose probes were told in an epoch, and whether they hold."""
    found = room.session.scalars(_OF_EPOCH, {"room": room.id, "epoch": epoch})
    return tuple(ProbesView(owner=PartnerId(row.owner), holds=row.holds) for row in found)
