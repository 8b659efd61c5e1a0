"""What a change would mean in numbers, on the screen and for scripts."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cleanroom.agent.rooms import Room
from cleanroom.cli.output import bullets, printable, table
from cleanroom.cli.policy_words import cell_words, form_text
from cleanroom.messages.policy_chain import ground_of
from cleanroom.policy.whatif import Cell, CellChange, Total, WhatIf


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """Both directions of a change, from the counts of one answer."""

    room: Room
    answer: int
    to_them: WhatIf
    to_me: WhatIf


def what_if_screen(found: Supposed) -> list[RenderableType]:
    """A table for each direction, and sums by field."""
    me, other = (printable(found.room.terms.member(each).name) for each in (found.room.me, found.room.other.partner))
    parts: list[RenderableType] = [Text(f"By the counts of answer {found.answer}.", style="dim")]
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
        "to_them": _document(found.to_them, found.room, turned=False),
        "to_me": _document(found.to_me, found.room, turned=True),
    }


def _table(side: WhatIf, room: Room, *, turned: bool) -> Table:
    entries = {entry.name: entry for entry in ground_of(room.terms).catalogue}
    shown = table("Cell (mine x theirs)", "Companies", "Field", "From", "To", right=(1,))
    before: Cell | None = None
    for change in side.changes:
        first = change.cell != before
        if first and before is not None:
            shown.add_section()
        before = change.cell
        entry = entries.get(change.field)
        after = Text(form_text(change.after, entry).plain, style="red" if change.widens else "green")
        after += Text(" (nominated ones otherwise)" if change.nominated_differ else "", style="dim")
        shown.add_row(
            cell_words(_labels(change.cell, room, turned=turned)) if first else "",
            _number(change) if first else "",
            change.field,
            form_text(change.before, entry).plain,
            after,
        )
    return shown


def _sums(side: WhatIf) -> Iterator[str]:
    for words, cells, total in (
        ("companies would become known to both", side.opened, side.opened_records()),
        ("companies would not be opened any more", side.closed, side.closed_records()),
    ):
        if cells:
            yield f"{total.words()} {words}"
    for field in dict.fromkeys(change.field for change in side.changes):
        more, less = side.more(field), side.less(field)
        parts = [f"{sign} for {total.words()}" for sign, total in (("more", more), ("less", less)) if _any(total)]
        if parts:
            yield f"{field}: {', '.join(parts)}"


def _any(total: Total) -> bool:
    return bool(total.records or total.unknown_cells)


def _number(change: CellChange) -> str:
    return "withheld" if change.records is None else f"{change.records:,}"


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
