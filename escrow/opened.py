"""P5 and P7: what openings have told already, so that counts neither tell it again nor complete it for nothing.

Both members know the companies of rounds that were exchanged by name: those are subtracted before anything is shown.
And they know more of the cells beside them: in a row or column of which one cell is open, the numbers of the others say
more. Both members agreed to the openings, not to that: so the next answer costs twice (`cost`). Whoever has the log can
tell: it names the cells of every round, and when it was exchanged.
"""

from datetime import datetime
from typing import Final

import numpy as np
from sqlalchemy import bindparam, select

from cleanroom.domain.vocabulary import RoundState
from cleanroom.policy.decision import uncounted
from escrow import policies, round_evidence, rounds
from escrow.consent_tables import RoundRecord
from escrow.edges import Pair
from escrow.rooms import WorkingRoom
from escrow.tables import AnswerRecord
from matching.overlap import Ints, opened_counts
from matching.rows import NAME_BYTES, Bytes, Rows

PLAIN: Final = 1
BESIDE_OPENED: Final = 2
"""What an answer costs, in units: as it is, or after openings that tell more about cells which are not open."""

_EXCHANGED: Final = (RoundRecord.room == bindparam("room"), RoundRecord.state == RoundState.EXCHANGED)
_SINCE: Final = select(RoundRecord).where(*_EXCHANGED, RoundRecord.exchanged_after == bindparam("last"))
_OF_EPOCH: Final = (
    select(RoundRecord).where(*_EXCHANGED, RoundRecord.epoch == bindparam("epoch")).order_by(RoundRecord.number)
)


def cost(room: WorkingRoom, last: AnswerRecord | None, edge: datetime) -> int:
    """The units that an answer after `last` takes: 2 if a round exchanged since shares a segment with a counted cell.

    A cell is counted if at the edge it is neither agreed, so open itself, nor withheld by a policy.
    """
    there = policies.sides(room, room.terms.members[0].partner, at=edge)
    silent = there.agreed_cells(edge) | set(uncounted(there, edge))
    size = range(len(room.terms.segments))
    counted = [(i, j) for i in size for j in size if (i, j) not in silent]
    rows, columns = {i for i, _ in counted}, {j for _, j in counted}
    since = room.session.scalars(_SINCE, {"room": room.id, "last": last.number if last else 0})
    told = {cell for record in since for cell in rounds.cells_of(record)}
    return BESIDE_OPENED if any(i in rows or j in columns for i, j in told) else PLAIN


def counts(room: WorkingRoom, pair: Pair, states: tuple[Rows, Rows]) -> tuple[Ints, Ints]:
    """The companies of each cell that were opened in the pair's epoch: of the first list, and of the second.

    (s, s) each, as `matching.overlap.opened_counts` counts them.
    """
    size = len(room.terms.segments)
    found = _pairs(room, pair[0].epoch)
    if not len(found[0]):
        none = np.zeros((size, size), np.int64)
        return none, none
    return opened_counts(*states, found, segments=size, kinds=room.terms.kind_names, least=room.terms.least)


def _pairs(room: WorkingRoom, epoch: int) -> tuple[Bytes, Bytes]:
    """Whose rows were exchanged in an epoch: names (n, 16) of the first list's entries, and of the second's."""
    first, second = room.terms.members
    ones, twos = [b""], [b""]
    for record in room.session.scalars(_OF_EPOCH, {"room": room.id, "epoch": epoch}):
        # Each member is shown the other side's rows as evidence, both in the order of the round.
        twos += [item.leaf[:NAME_BYTES] for item in round_evidence.evidence(room, record, second.partner)]
        ones += [item.leaf[:NAME_BYTES] for item in round_evidence.evidence(room, record, first.partner)]
    one, two = (np.frombuffer(b"".join(names), np.uint8).reshape(-1, NAME_BYTES) for names in (ones, twos))
    return one, two
