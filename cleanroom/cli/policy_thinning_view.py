"""Accounts that could stand out once cells are agreed, on the screen and for scripts: to be read before consent."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.thin_classes import ThinClass, Thinning
from cleanroom.cli.output import table
from cleanroom.cli.policy_words import cells_words
from cleanroom.cli.terms_view import kind_words
from cleanroom.cli.words import label_words


def thinning_screen(thin: Thinning, labels: Sequence[str]) -> Iterator[RenderableType]:
    """The classes that could become too small, and what is not known; nothing where no cell is agreed to."""
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


def thinning_document(thin: Thinning, labels: Sequence[str]) -> dict[str, object]:
    """The same for scripts."""
    return {
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
    }


def _keys(each: ThinClass) -> str:
    return ", ".join(kind_words(kind) + (f" ({number})" if number > 1 else "") for kind, number in each.keys.items())


def _numbers(each: ThinClass) -> tuple[str, str, str]:
    return f"{each.entries:,}", f"{each.opened_at_most:,}", f"{each.left_at_least:,}"
