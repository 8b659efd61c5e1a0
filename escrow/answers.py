"""P5: what an answer says, and what is put on record with it. The only place where unreleased counts exist here.

Each member is shown the companies of the other's list, in numbers that one entry of that list moves by at most one.
Both answers share one draw of noise for each cell. The draws are committed to in the log before the answer, and kept
where no member can read them (`escrow.counting_tables`).
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import Cells, CountsReleased, DrawsCommitted
from cleanroom.messages.lists import Answer, ListStatus, ShownCell, WithheldCell
from cleanroom.messages.rooms import CappedCounting
from cleanroom.policy.decision import RULES, uncounted
from escrow import counted_rows, ledger, opened, policies
from escrow.counting_tables import DrawRecord
from escrow.edges import Pair
from escrow.evaluated_rows import Evaluated
from escrow.identity import EscrowKey
from escrow.rooms import WorkingRoom
from escrow.tables import AnswerRecord, SnapshotRecord
from matching.disclosure.bands import band
from matching.disclosure.commitment import SALT_BYTES, commitment
from matching.disclosure.laplace import draw
from matching.disclosure.modes import MODES
from matching.disclosure.rule import Cell, Matrix, Rest, Shown, disclose
from matching.overlap import CellCounts, Ints, cell_counts
from matching.rows import Rows

Draws = tuple[tuple[int, ...], ...]

_DRAWS: Final = select(DrawRecord).where(DrawRecord.room == bindparam("room")).order_by(DrawRecord.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An answer that can be given: `pair` is in the order of the terms' members, `edge` exact."""

    number: int
    edge: datetime
    pair: Pair
    counting: CappedCounting
    cost: int
    correction: bool


def give(room: WorkingRoom, due: Due, known: Mapping[tuple[Evaluated, int], Rows], *, escrow_key: EscrowKey) -> None:
    """Give an answer to both members, and put it on record. The room is locked, and the answer is paid for."""
    first, second = due.pair
    forbidden = uncounted(policies.sides(room, room.terms.members[0].partner, at=due.edge), due.edge)
    draws = _drawn(room, due)
    answers = [escrow_key.signed(answer) for answer in _answers(room, due, forbidden, draws, known)]
    room.session.add(
        AnswerRecord(
            room=room.id,
            number=due.number,
            edge=due.edge,
            first=first.digest,
            second=second.digest,
            to_first=answers[0].model_dump_json(),
            to_second=answers[1].model_dump_json(),
        )
    )
    ledger.enter(room, _entry(room, due, [signed.digest() for signed in answers], forbidden))


def replay(session: Session, room: RoomId) -> list[dict[str, object]]:
    """The noise of each answer of a room that had some: its number, edge, salt (hex) and draws, row by row.

    For the operator and its auditor alone: whoever has it has the exact counts.
    """
    return [
        {"number": row.number, "edge": instant(row.edge), "salt": row.salt.hex(), "draws": json.loads(row.draws)}
        for row in session.scalars(_DRAWS, {"room": room})
    ]


def _drawn(room: WorkingRoom, due: Due) -> Draws:
    """The noise of each cell, on record and kept; zeros, and nothing on record, in a mode without noise."""
    scale, size = MODES[due.counting.mode.value].scale, len(room.terms.segments)
    draws = tuple(tuple(draw(scale, secrets.randbelow) for _ in range(size)) for _ in range(size))
    if scale == 0:
        return draws
    salt, flat = secrets.token_bytes(SALT_BYTES), [number for row in draws for number in row]
    record = DrawRecord(room=room.id, number=due.number, edge=due.edge, salt=salt, draws=json.dumps(flat))
    room.session.add(record)
    entry = DrawsCommitted(
        at=instant(room.now),
        commitment=commitment(salt, flat).hex(),
        edge=instant(due.edge),
        epoch=due.pair[0].epoch,
        number=due.number,
    )
    ledger.enter(room, entry)
    return draws


def _answers(
    room: WorkingRoom, due: Due, forbidden: Cells, draws: Draws, known: Mapping[tuple[Evaluated, int], Rows]
) -> list[Answer]:
    """To the first member, about the second's list; and to the second member, about the first's."""
    terms = room.terms
    states = counted_rows.states(room, due.pair, in_full=due.correction, known=known)
    counts = cell_counts(*states, segments=len(terms.segments), kinds=terms.kind_names, least=terms.least)
    about_first, about_second = opened.counts(room, due.pair, states)
    shown = [(counts.about_second, about_second), (counts.about_first, about_first)]
    return [
        Answer(
            room=room.id,
            terms=room.digest,
            epoch=due.pair[0].epoch,
            number=due.number,
            edge=instant(due.edge),
            segments=terms.segments,
            lists=_statuses(due.pair, counts),
            cells=_cells(_disclosed(due, counts, cells, known_companies, draws), forbidden),
            counting=due.counting,
            recipient=member.partner,
            opened=known_companies.tolist(),
            cost=due.cost,
            correction=due.correction,
        )
        for member, (cells, known_companies) in zip(terms.members, shown, strict=True)
    ]


def _disclosed(due: Due, counts: CellCounts, cells: Ints, known_companies: Ints, draws: Draws) -> Matrix:
    rest = Rest.of(cells, counts.first_sizes, counts.second_sizes, known_companies)
    return disclose(rest, mode=MODES[due.counting.mode.value], floor=due.counting.floor, draws=draws)


def _cells(matrix: Matrix, forbidden: Cells) -> tuple[tuple[ShownCell | WithheldCell, ...], ...]:
    return tuple(
        tuple(_shown(cell, forbidden=(i, j) in forbidden) for j, cell in enumerate(row)) for i, row in enumerate(matrix)
    )


def _shown(cell: Cell, *, forbidden: bool) -> ShownCell | WithheldCell:
    if forbidden:
        return WithheldCell(withheld="by_policy")
    return ShownCell(companies=cell.companies) if isinstance(cell, Shown) else WithheldCell(withheld=cell.rule)


def _statuses(pair: Pair, counts: CellCounts) -> tuple[ListStatus, ListStatus]:
    def status(snapshot: SnapshotRecord, sizes: list[int]) -> ListStatus:
        return ListStatus(
            partner=PartnerId(snapshot.owner),
            snapshot=Digest(snapshot.digest),
            committed=instant(snapshot.committed_at),
            size=band(sum(sizes)),
            segments=tuple(band(size) for size in sizes),
        )

    return status(pair[0], counts.first_sizes.tolist()), status(pair[1], counts.second_sizes.tolist())


def _entry(room: WorkingRoom, due: Due, documents: Sequence[Digest], forbidden: Cells) -> CountsReleased:
    first, second = (_policy_at(room, member.partner, due.edge) for member in room.terms.members)
    return CountsReleased(
        at=instant(room.now),
        caps=due.counting.caps,
        correction=due.correction,
        cost=due.cost,
        edge=instant(due.edge),
        epoch=due.pair[0].epoch,
        first_document=documents[0],
        first_policy=first,
        forbidden=forbidden,
        mode=due.counting.mode,
        number=due.number,
        rules=RULES,
        second_document=documents[1],
        second_policy=second,
    )


def _policy_at(room: WorkingRoom, owner: PartnerId, edge: datetime) -> Digest | Literal[""]:
    policy = policies.newest(room, owner, at=edge)
    return Digest(policy.digest) if policy else ""
