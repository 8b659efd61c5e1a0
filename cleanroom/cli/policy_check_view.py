"""What `cleanroom policy check` found, on the screen and for scripts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.rooms import Room
from cleanroom.agent.thin_classes import Cell, Thinning
from cleanroom.cli.output import bullets, printable, table
from cleanroom.cli.policy_thinning_view import thinning_document, thinning_screen
from cleanroom.cli.policy_words import cells_words
from cleanroom.cli.words import counted
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
    labels = checked.room.terms.segments
    parts: list[RenderableType] = [Text(heading, style="bold")]
    if checked.warnings:
        shown = table("Rule", "Code", "What a reviewer would raise")
        for warning in checked.warnings:
            words = warning.words.removeprefix(f"rule {warning.rule} ")
            shown.add_row(printable(warning.rule), Text(warning.code, style="yellow"), printable(words))
        parts.append(shown)
    return [*parts, *_cells(checked), *thinning_screen(checked.thinning, labels)]


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
        "below_minimum": thinning_document(thin, labels),
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
