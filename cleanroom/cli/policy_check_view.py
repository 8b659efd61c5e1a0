"""What `cleanroom policy check` found, on the screen and for scripts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.rooms import Room
from cleanroom.agent.thin_classes import Cell, ThinClass, Thinning
from cleanroom.cli.output import bullets, printable, table
from cleanroom.cli.policy_words import cells_words
from cleanroom.cli.terms_view import kind_words
from cleanroom.cli.words import counted, label_words
from cleanroom.messages.policy_text import PolicyTextRefused
from cleanroom.policy.warnings import PolicyWarning


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A policy that can be used. `agreed`: cells agreed at once, with the other side's policy as it is.

    `thinning` is about all cells that it agrees to, whenever the other side does too; `counts` are the released ones.
    """

    room: Room
    warnings: tuple[PolicyWarning, ...]
    agreed: frozenset[Cell]
    thinning: Thinning
    counts: Mapping[Cell, int | None]


def refused_views(refused: PolicyTextRefused, name: str) -> tuple[dict[str, object], RenderableType, RenderableType]:
    """A file that is no policy, for scripts and on the screen: each complaint with its line and column."""
    lines = [printable(line) for line in str(refused).splitlines()]
    heading = Text(f"{printable(name)}: {counted(len(lines), 'error')}", style="bold red")
    return {"errors": lines, "warnings": []}, heading, bullets(lines)


def check_screen(checked: Checked, name: str) -> list[RenderableType]:
    """Warnings as a table, then what agreeing would mean."""
    number = len(checked.warnings)
    heading = f"{printable(name)}: no error, {counted(number, 'warning') if number else 'no warning'}"
    parts: list[RenderableType] = [Text(heading, style="bold")]
    if checked.warnings:
        shown = table("Rule", "Code", "What a reviewer would raise")
        for warning in checked.warnings:
            words = warning.words.removeprefix(f"rule {warning.rule} ")
            shown.add_row(printable(warning.rule), Text(warning.code, style="yellow"), printable(words))
        parts.append(shown)
    return [*parts, *_cells(checked), *_classes(checked)]


def check_document(checked: Checked) -> dict[str, object]:
    """The same for scripts."""
    thin, labels = checked.thinning, checked.room.terms.segments
    return {
        "errors": [],
        "warnings": [
            {
                "code": each.code.value,
                "rule": each.rule,
                "words": each.words,
                "fields": list(each.fields),
                "by": list(each.by),
            }
            for each in checked.warnings
        ],
        "cells": [
            {
                "mine": labels[cell[0]],
                "theirs": labels[cell[1]],
                "agreed": cell in checked.agreed,
                "companies": checked.counts.get(cell),
            }
            for cell in thin.cells
        ],
        "below_minimum": {
            "minimum": thin.minimum,
            "committed": thin.committed,
            "unknown_cells": [[labels[i] for i in cell] for cell in thin.unknown],
            "classes": [
                {
                    "segment": each.segment,
                    "keys": dict(each.keys),
                    "entries": each.entries,
                    "opened_at_most": each.opened_at_most,
                    "left_at_least": each.left_at_least,
                }
                for each in thin.classes
            ],
        },
    }


def _cells(checked: Checked) -> Iterator[RenderableType]:
    other = printable(checked.room.other.name)
    labels = checked.room.terms.segments
    yield Text("\nCells that it agrees to", style="bold")
    if not checked.thinning.cells:
        yield Text("None: accounts stay hidden, and only counts are shared.")
        return
    for title, cells in (
        ("agreed at once: ", [cell for cell in checked.thinning.cells if cell in checked.agreed]),
        (f"waiting for {other}: ", [cell for cell in checked.thinning.cells if cell not in checked.agreed]),
    ):
        if cells:
            yield Text(title) + cells_words([(labels[i], labels[j]) for i, j in cells], labels)


def _classes(checked: Checked) -> Iterator[RenderableType]:
    thin, labels = checked.thinning, checked.room.terms.segments
    if not thin.cells:
        return
    yield Text("\nAccounts that could stand out by agreeing", style="bold")
    if not thin.committed:
        yield Text("Cannot be said yet: no list of yours is in this epoch.")
        return
    if thin.classes:
        shown = table("Segment", "Keys that it shows", "Entries", "Opened at most", "Left", right=(2, 3, 4))
        for each in thin.classes:
            shown.add_row(label_words(each.segment), _keys(each), *_numbers(each))
        yield shown
        yield Text(
            f"Fewer than {thin.minimum} of them could be left to hide among each other, if every company of the agreed "
            "cells looked so. Nothing is known of which do."
        )
    else:
        yield Text(f"None of the known cells can leave fewer than {thin.minimum} that look alike.")
    if thin.unknown:
        words = cells_words([(labels[i], labels[j]) for i, j in thin.unknown], labels)
        yield Text(f"Not known, because no number was released: {words}.", style="yellow")


def _keys(each: ThinClass) -> str:
    return ", ".join(kind_words(kind) + (f" ({number})" if number > 1 else "") for kind, number in each.keys.items())


def _numbers(each: ThinClass) -> tuple[str, str, str]:
    return f"{each.entries:,}", f"{each.opened_at_most:,}", f"{each.left_at_least:,}"
