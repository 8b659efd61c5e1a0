"""What a change would mean in numbers, on the screen and for scripts."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cleanroom.agent.rooms import Room
from cleanroom.cli.output import bullets, printable, table
from cleanroom.cli.policy_words import cells_words, step_texts
from cleanroom.cli.words import counted
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import CountingMode, Form
from cleanroom.messages.policy_chain import ground_of
from cleanroom.policy.whatif import Cell, Total, WhatIf
from matching.disclosure.meaning import spread
from matching.disclosure.modes import MODES

_Step = tuple[str, Form, Form, bool]
"""A field, its form before and after, and whether nominated accounts change otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """Both directions of a change, from the counts of one answer. `as_if`: as if the other side showed everything."""

    room: Room
    answer: int
    mode: CountingMode
    as_if: bool
    to_them: WhatIf
    to_me: WhatIf


def what_if_screen(found: Supposed) -> list[RenderableType]:
    """A table for each direction, and sums by field."""
    me, other = (printable(found.room.terms.member(each).name) for each in (found.room.me, found.room.other.partner))
    as_if = f" {other} has no policy yet: as if it showed and accepted everything." if found.as_if else ""
    half = spread(MODES[found.mode])
    noise = f" They carry noise: each is right within {half}, 95 times of 100." if half else ""
    parts: list[RenderableType] = [Text(f"By the counts of answer {found.answer}.{noise}{as_if}", style="dim")]
    for heading, side in (
        (f"\n{me} would show to {other}", found.to_them),
        (f"\n{other} would show to {me}", found.to_me),
    ):
        parts.append(Text(heading, style="bold"))
        if side.changes:
            parts += [_table(side, found.room, turned=side is found.to_me), bullets(list(_sums(side)))]
        else:
            parts.append(Text("No difference."))
    return parts


def what_if_document(found: Supposed) -> dict[str, object]:
    """The same for scripts; `records` is null where the count was withheld."""
    return {
        "room": found.room.id,
        "answer": found.answer,
        "mode": found.mode.value,
        "as_if_other_side_shows_everything": found.as_if,
        "to_them": _document(found.to_them, found.room, turned=False),
        "to_me": _document(found.to_me, found.room, turned=True),
    }


def _table(side: WhatIf, room: Room, *, turned: bool) -> Table:
    """A section for each group of cells that change alike."""
    entries = {entry.name: entry for entry in ground_of(room.terms).catalogue}
    shown = table("Cells (mine x theirs)", "Companies", "Field", "From", "To", right=(1,))
    for changes, cells in _alike(side).items():
        where = cells_words([_labels(cell, room, turned=turned) for cell in cells], room.terms.segments)
        number = _companies(side, cells)
        for field, before, after, nominated in changes:
            low, high = step_texts(before, after, entries.get(field))
            high += Text(" (nominated ones otherwise)" if nominated else "", style="dim")
            shown.add_row(where, number, field, low, high)
            where = number = ""
        shown.add_section()
    return shown


def _alike(side: WhatIf) -> dict[tuple[_Step, ...], list[Cell]]:
    """The changes of a cell, and the cells that have exactly these."""
    of_cell: dict[Cell, list[_Step]] = {}
    for change in side.changes:
        step = (change.field, change.before, change.after, change.nominated_differ)
        of_cell.setdefault(change.cell, []).append(step)
    found: dict[tuple[_Step, ...], list[Cell]] = {}
    for cell, steps in of_cell.items():
        found.setdefault(tuple(steps), []).append(cell)
    return found


def _companies(side: WhatIf, cells: list[Cell]) -> str:
    numbers = [side.counts[cell] for cell in cells]
    return _words(Total(records=sum(each or 0 for each in numbers), unknown_cells=numbers.count(None)))


def _words(total: Total) -> str:
    unknown = f"{counted(total.unknown_cells, 'cell')} withheld" if total.unknown_cells else ""
    return " + ".join(part for part in (f"{total.records:,}" if total.records or not unknown else "", unknown) if part)


def _sums(side: WhatIf) -> Iterator[str]:
    for words, cells, total in (
        ("newly opened", side.opened, side.opened_records()),
        ("opened no more", side.closed, side.closed_records()),
    ):
        if cells:
            yield f"companies {words}: {_words(total)}"
    alike: dict[str, list[str]] = {}
    for field in dict.fromkeys(change.field for change in side.changes if change.field != ACCOUNT):
        for sign, total in (("more", side.more(field)), ("less", side.less(field))):
            if total.records or total.unknown_cells:
                alike.setdefault(f"{sign} for {_words(total)}", []).append(field)
    for words, fields in alike.items():
        yield f"{words}: {', '.join(fields)}"


def _labels(cell: Cell, room: Room, *, turned: bool) -> tuple[str, str]:
    mine, theirs = (room.terms.segments[index] for index in (cell[::-1] if turned else cell))
    return mine, theirs


def _document(side: WhatIf, room: Room, *, turned: bool) -> dict[str, object]:
    return {
        "changes": [
            {
                "mine": _labels(change.cell, room, turned=turned)[0],
                "theirs": _labels(change.cell, room, turned=turned)[1],
                "field": change.field,
                "before": change.before.value,
                "after": change.after.value,
                "records": change.records,
                "nominated_differ": change.nominated_differ,
            }
            for change in side.changes
        ],
        "opened": _total(side.opened_records()),
        "closed": _total(side.closed_records()),
        "fields": {
            field: {"more": _total(side.more(field)), "less": _total(side.less(field))}
            for field in dict.fromkeys(change.field for change in side.changes)
        },
    }


def _total(total: Total) -> dict[str, int]:
    return {"records": total.records, "unknown_cells": total.unknown_cells}
