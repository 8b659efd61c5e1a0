"""Documents of P3 to P5: what was committed, what was evaluated, what may be shown of the overlap."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from cleanroom.messages.documents import (
    Bytes32,
    Count,
    DigestText,
    Document,
    Instant,
    Label,
    Number,
    PartnerName,
    RoomName,
    Title,
    Wire,
    as_tuple,
)
from cleanroom.messages.rooms import CappedCounting, CountingRule


class ShapeCount(Wire):
    """How many entries show this shape: counting segment, and number of keys of each kind of the terms."""

    segment: Annotated[int, Field(ge=0, le=15)]
    keys: Annotated[tuple[Count, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=16)]
    entries: Number


Shapes = Annotated[tuple[ShapeCount, ...], BeforeValidator(as_tuple), Field(max_length=100_000)]
Digests = Annotated[tuple[DigestText, ...], BeforeValidator(as_tuple), Field(max_length=100_000)]


class Source(Wire):
    """Where a list comes from, as its owner states it: which system, which query, how many rows it gave, who ran it."""

    system: Title
    query: Title
    rows: Count
    who: Title


class Snapshot(Document):
    """One batch of a partner's committed list: number 1 is the whole list, the later ones are changes to it.

    `root` is the RFC 6962 Merkle root over this batch's rows, `shapes` the histogram *after* it, `chunks` the
    SHA-256 of each sealed chunk, `previous` the digest of the batch before. `sources` is what the lists come from.
    """

    type: Literal["snapshot/2"] = "snapshot/2"
    room: RoomName
    terms: DigestText
    epoch: Count
    owner: PartnerName
    number: Number
    previous: DigestText | Literal[""]
    key: Bytes32
    rows: Count
    root: DigestText
    shapes: Shapes
    chunks: Digests
    sources: Annotated[tuple[Source, ...], BeforeValidator(as_tuple), Field(max_length=100)]
    created: Instant


class EvaluatedBatch(Wire):
    """The evaluation of one batch of the other side's list."""

    number: Number
    rows: Count
    root: DigestText


class Evaluation(Document):
    """A partner's evaluation of the other side's list, signed before any row of it is uploaded.

    It speaks of one pair of snapshots: `of` is the owner's newest batch, `against` the evaluator's own newest batch.
    """

    type: Literal["evaluation/1"] = "evaluation/1"
    room: RoomName
    terms: DigestText
    epoch: Count
    evaluator: PartnerName
    owner: PartnerName
    of: DigestText
    against: DigestText
    key: Bytes32
    batches: Annotated[tuple[EvaluatedBatch, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=100_000)]
    created: Instant

    def pairs_with(self, other: "Evaluation") -> bool:
        """Whether `other` is the opposite direction of the same pair of snapshots."""
        return self.of == other.against and self.against == other.of and self.epoch == other.epoch


class ShownCell(Wire):
    """A number that may be shown: distinct companies whose match was not opened."""

    companies: Count


class WithheldCell(Wire):
    """A cell whose number is not shown. It carries the rule, never a number."""

    withheld: Literal["too_few_inside_or_outside", "below_threshold", "by_policy"]


class ListStatus(Wire):
    """What an answer tells about one list: how fresh, and how large in 1-2-5 bands, overall and per segment."""

    partner: PartnerName
    snapshot: DigestText
    committed: Instant
    size: Title
    segments: Annotated[tuple[Title, ...], BeforeValidator(as_tuple)]


Row = Annotated[tuple[ShownCell | WithheldCell, ...], BeforeValidator(as_tuple)]


class AnyAnswer(Document):
    """What answers of every type say: the overlap of one pair of snapshots; rows are the first list's segments."""

    room: RoomName
    terms: DigestText
    epoch: Count
    number: Number
    edge: Instant
    segments: Annotated[tuple[Label, ...], BeforeValidator(as_tuple)]
    lists: Annotated[tuple[ListStatus, ListStatus], BeforeValidator(as_tuple)]
    cells: Annotated[tuple[Row, ...], BeforeValidator(as_tuple)]
    counting: CountingRule

    @model_validator(mode="after")
    def _square(self) -> Self:
        size = len(self.segments)
        rows = (self.cells, *self.cells, *(status.segments for status in self.lists))
        if any(len(row) != size for row in rows):
            raise ValueError("cells or sizes do not fit the segments")
        if self.lists[0].partner == self.lists[1].partner:
            raise ValueError("the lists are not of two partners")
        return self


class Answer(AnyAnswer):
    """What one member is shown: counts of the other's companies, after the counting rule in force at the edge.

    `opened` is how many companies of each cell both sides know already, because their matches were opened; the numbers
    of `cells` are of the others. `cost` is what the answer took from the budgets, `correction`: it was asked for.
    """

    type: Literal["answer/2"] = "answer/2"
    recipient: PartnerName
    opened: Annotated[
        tuple[Annotated[tuple[Count, ...], BeforeValidator(as_tuple)], ...],
        BeforeValidator(as_tuple),
    ]
    counting: CappedCounting
    cost: Count
    correction: bool

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if any(len(row) != len(self.segments) for row in (self.opened, *self.opened)):
            raise ValueError("what was opened does not fit the segments")
        if self.recipient not in {status.partner for status in self.lists}:
            raise ValueError("the recipient is no member")
        return self


class EarlierAnswer(AnyAnswer):
    """An answer of before there were budgets: both members were shown the same."""

    type: Literal["answer/1"] = "answer/1"
