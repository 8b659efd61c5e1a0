"""What an assessment needs of a room's log: who saw what of how many accounts, who let them, and what was unusual.

Handles are new in every epoch, so one account cannot be followed from one epoch to the next: where a number goes over
several epochs it is a range, from the most of one epoch (if they were always the same accounts) to the sum of all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cleanroom.audit.result import Audit, Event, Touched
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.entries import (
    OpeningRecorded,
    OpeningsExchanged,
    PolicyActivated,
    ReleaseHandedOver,
    ReleaseRecorded,
)

Cell = tuple[str, str]
Direction = tuple[str, str]
"""Ids of sender and recipient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A field in a form, in one cell, as the recipient has it from what was handed over. Accounts are counted.

    `now` after the newest release of the newest epoch that has one; `fewest` and `most` of all that ever had it.
    """

    form: Form
    now: int
    fewest: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """What one member saw of the other: fields by cell (sender's segment, recipient's).

    `versions` are the pairs of policy versions (sender's, recipient's) under which a field was shown in a cell.
    """

    direction: Direction
    cells: tuple[Cell, ...]
    fields: tuple[str, ...]
    seen: Mapping[tuple[str, Cell], tuple[Seen, ...]]
    versions: Mapping[tuple[str, Cell], tuple[tuple[int, int], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A version of a policy that was put in force, at an entry of the log."""

    index: int
    entry: PolicyActivated


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A round of opening: the entries of its openings, and when both were handed over ("" if they were not)."""

    epoch: int
    number: int
    openings: tuple[OpeningRecorded, ...]
    exchanged: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it, oldest first. A first version of a policy that grants anything widens."""

    matrices: tuple[Matrix, ...]
    widenings: tuple[Step, ...]
    narrowings: tuple[Step, ...]
    rounds: tuple[Round, ...]


def report(audit: Audit) -> Report:
    """The report of an audit."""
    steps = [
        Step(index=event.index, entry=event.entry) for event in audit.events if isinstance(event.entry, PolicyActivated)
    ]
    return Report(
        matrices=tuple(_matrices(audit)),
        widenings=tuple(step for step in steps if step.entry.widens),
        narrowings=tuple(step for step in steps if step.entry.narrows),
        rounds=tuple(_rounds(audit.events)),
    )


def _rounds(events: Iterable[Event]) -> list[Round]:
    openings: dict[tuple[int, int], list[OpeningRecorded]] = {}
    exchanged: dict[tuple[int, int], str] = {}
    for event in events:
        if isinstance(event.entry, OpeningRecorded):
            openings.setdefault((event.entry.epoch, event.entry.round), []).append(event.entry)
        elif isinstance(event.entry, OpeningsExchanged):
            exchanged[event.entry.epoch, event.entry.round] = event.entry.at
    return [
        Round(epoch=epoch, number=number, openings=tuple(found), exchanged=exchanged.get((epoch, number), ""))
        for (epoch, number), found in openings.items()
    ]


def _matrices(audit: Audit) -> Iterable[Matrix]:
    handed = {event.entry.document for event in audit.events if isinstance(event.entry, ReleaseHandedOver)}
    releases = {
        event.index: event.entry
        for event in audit.events
        if isinstance(event.entry, ReleaseRecorded) and event.entry.document in handed
    }
    tallies: dict[Direction, _Tally] = {}
    for match in sorted((item for item in audit.touched if item.index in releases), key=lambda item: item.index):
        entry = releases[match.index]
        tallies.setdefault((entry.sender, entry.recipient), _Tally()).add(entry.epoch, match)
    versions: defaultdict[tuple[Direction, str, Cell], set[tuple[int, int]]] = defaultdict(set)
    for row in audit.shown:
        if row.handed_over:
            key = (row.sender, row.recipient), row.field, row.cell
            versions[key].add((row.sender_version, row.recipient_version))
    order = [ACCOUNT, *(entry.name for entry in audit.catalogue)]
    for direction, tally in sorted(tallies.items()):
        if not (seen := tally.seen()):
            continue  # withdrawals only
        own = {(name, cell): tuple(sorted(pairs)) for (way, name, cell), pairs in versions.items() if way == direction}
        names = {name for name, _ in seen}
        yield Matrix(
            direction=direction,
            cells=_cells({cell for _, cell in seen}, audit.segments),
            fields=(*(name for name in order if name in names), *sorted(names.difference(order))),
            seen=seen,
            versions=own,
        )


def _cells(cells: set[Cell], segments: tuple[str, ...]) -> tuple[Cell, ...]:
    """In the order of the terms; those of segments that they no longer have come last."""
    place = {segment: number for number, segment in enumerate(segments)}
    return tuple(sorted(cells, key=lambda cell: (*(place.get(name, len(place)) for name in cell), cell)))


_Key = tuple[str, Cell, Form]
_Pair = tuple[str, str]


@dataclass(slots=True)
class _Tally:
    """One direction, match by match: what each showed last, and the most that each ever showed, in every epoch."""

    last: dict[int, dict[_Pair, dict[_Key, int]]] = field(default_factory=dict)
    most: dict[int, dict[_Pair, dict[_Key, int]]] = field(default_factory=dict)

    def add(self, epoch: int, match: Touched) -> None:
        """Count a match of the next release."""
        pair = match.sender, match.recipient
        counts: dict[_Key, int] = {}
        for account in match.accounts:
            for name, form in {**account, ACCOUNT: Form.EXISTS}.items():
                key = name, match.cell, form
                counts[key] = counts.get(key, 0) + 1
        self.last.setdefault(epoch, {})[pair] = counts
        most = self.most.setdefault(epoch, {}).setdefault(pair, {})
        for key, number in counts.items():
            most[key] = max(number, most.get(key, 0))

    def seen(self) -> dict[tuple[str, Cell], tuple[Seen, ...]]:
        """The numbers of each field in each cell, by form."""
        now = _sum(self.last[max(self.last)].values())
        epochs = [_sum(pairs.values()) for pairs in self.most.values()]
        found: dict[tuple[str, Cell], list[Seen]] = {}
        for name, cell, form in sorted({key for counts in epochs for key in counts}):
            key = name, cell, form
            ever = [counts.get(key, 0) for counts in epochs]
            numbers = Seen(form=form, now=now.get(key, 0), fewest=max(ever), most=sum(ever))
            found.setdefault((name, cell), []).append(numbers)
        return {place: tuple(each) for place, each in found.items()}


def _sum(counts: Iterable[Mapping[_Key, int]]) -> dict[_Key, int]:
    total: dict[_Key, int] = {}
    for each in counts:
        for key, number in each.items():
            total[key] = total.get(key, 0) + number
    return total
