"""P5: the answer to "what do we share": when it is due, at what price, and that it is given once.

At the newest edge (`escrow.edges`) the pair in force is answered as soon as both of its lists are completely evaluated,
and only if it is not the pair of the last answer, nor of an epoch that a change of the terms has ended: other kinds and
rules counted there. Whatever was pushed or evaluated since the edge, and whoever asks, the answer is the same. A cell
that a policy in force at the edge gives no count for is withheld, whatever its number.

Where the counting rule at the edge has budgets, they must grant the answer, by the edge's time; until they do there is
none, and nothing is written. An edge of more than 30 days ago is over (`GIVEN_WITHIN`). What an answer costs is charged
in the transaction that gives it, while both members are locked (`escrow.budgets`): never more is given than was
granted. A correction that was asked for comes before the newest edge.

Nothing schedules this: a write that may complete an answer settles it in its own transaction, and so does reading.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from cleanroom.domain.vocabulary import Digest
from cleanroom.messages.documents import read_document
from cleanroom.messages.lists import Snapshot
from cleanroom.messages.rooms import Terms
from cleanroom.messages.signing import SignedDocument
from escrow import answers, budgets, corrections, counted_rows, counting, edges, evaluated_rows, opened, probed, rooms
from escrow.answers import Due
from escrow.budgets import Price
from escrow.evaluated_rows import Evaluated
from escrow.identity import EscrowKey
from escrow.rooms import EnteredRoom, WorkingRoom
from escrow.tables import AnswerRecord, SnapshotRecord
from matching import rule
from matching.disclosure.budget import Granted
from matching.rows import Rows

GIVEN_WITHIN: Final = timedelta(days=30)
"""How old an edge may be whose answer is paid for. Else rooms with long intervals would save up the units of a year,
and give them all at once."""

States = Mapping[tuple[Evaluated, int], Rows]
"""Evaluated lists: whose, and after which batch."""


def is_due(room: EnteredRoom) -> bool:
    """Whether `settle` would give an answer now."""
    current = rooms.in_force(room)
    return current is not None and _due(current) is not None


def settle(room: EnteredRoom, *, escrow_key: EscrowKey, known: States = MappingProxyType({})) -> None:
    """Give the answer that is due, if one is. The room is locked. `known` are states that need not be read again."""
    current = rooms.in_force(room)
    due = _due(current) if current is not None else None
    if current is None or due is None:
        return
    # Another room of a member may have taken the last unit since `_due` looked, without a lock.
    paid = due.counting.caps == "unsafe_none" or budgets.charge(
        current, due.number, _price(due), edges.seconds(due.edge)
    )
    if not paid:
        return
    answers.give(current, due, known, escrow_key=escrow_key)
    rooms.touched(room)


def shown_to(room: EnteredRoom, answer: AnswerRecord) -> SignedDocument:
    """What of an answer the caller is shown: the counts about the other member."""
    first = room.versions()[0]
    is_first = read_document(Terms, first.document).members[0].partner == room.caller
    return SignedDocument.model_validate_json(answer.to_first if is_first else answer.to_second)


def _due(room: WorkingRoom) -> Due | None:
    if room.row.anchor is None or room.row.closed is not None or room.terms.rule != rule.VERSION:
        return None
    last = edges.latest(room)
    asked = corrections.pending(room, last)
    corrected = _due_at(room, last, asked.edge, correction=True) if asked is not None else None
    if corrected is not None:
        return corrected
    edge = edges.newest(room)
    if edge is None or (last is not None and edge <= last.edge and room.terms.answer_interval != "unsafe_every_push"):
        return None
    return _due_at(room, last, edge, correction=False)


def _due_at(room: WorkingRoom, last: AnswerRecord | None, edge: datetime, *, correction: bool) -> Due | None:
    pair = edges.pair_at(room, edge)
    if pair is None or edges.is_answered(pair, last):
        return None
    if any(_terms_of(snapshot) not in room.accepted for snapshot in pair):
        return None
    if not all(_is_evaluated(room, snapshot) for snapshot in pair):
        return None
    if counting.at(room, edge).caps == "budget" and not probed.hold(room, pair[0].epoch):
        return None
    counted = counting.at(room, edge)
    if counted.caps == "budget" and room.now > edge + GIVEN_WITHIN:
        return None
    due = Due(
        number=last.number + 1 if last else 1,
        edge=edge,
        pair=pair,
        counting=counted,
        cost=opened.cost(room, last, edge) if counted.caps == "budget" else 0,
        correction=correction,
    )
    return due if counted.caps == "unsafe_none" or _is_granted(room, due) else None


def _is_granted(room: WorkingRoom, due: Due) -> bool:
    return isinstance(budgets.verdict(room, _price(due), edges.seconds(due.edge)), Granted)


def _price(due: Due) -> Price:
    return Price(mode=due.counting.mode, cost=due.cost, correction=due.correction)


def _terms_of(snapshot: SnapshotRecord) -> Digest:
    signed = SignedDocument.model_validate_json(snapshot.signed)
    return read_document(Snapshot, signed.document).terms


def _is_evaluated(room: WorkingRoom, snapshot: SnapshotRecord) -> bool:
    return evaluated_rows.are_complete(room, counted_rows.evaluation_of(room, snapshot), up_to=snapshot.number)
