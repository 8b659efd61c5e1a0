"""The report on a room's log on the screen, for scripts, and as a table."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

import pandas as pd
from rich.console import RenderableType
from rich.text import Text

from cleanroom.audit.report import Matrix, Report, Round, Seen, Step
from cleanroom.audit.result import Audit
from cleanroom.audit.words import Names, names_of
from cleanroom.cli.audit_view import budgets_screen
from cleanroom.cli.output import printable, table
from cleanroom.cli.words import counted, label_words
from cleanroom.domain.fields import ACCOUNT

COLUMNS = (
    *("entry", "release", "number", "at", "sender", "sender_name", "recipient", "recipient_name"),
    *("sender_segment", "recipient_segment", "field", "form", "accounts"),
    *("sender_policy", "recipient_policy", "handed_over"),
)
"""Columns of the table: a row for each field and form that a release showed in a cell."""


def numbers_words(seen: Seen, *, plain: bool = False) -> str:
    """Accounts now and ever, such as "12 full now, 15 to 20 ever"; `plain` does not say the form."""
    form = "" if plain else f" {seen.form}"
    ever = f"{seen.fewest:,}" if seen.fewest == seen.most else f"{seen.fewest:,} to {seen.most:,}"
    return f"{seen.now:,}{form} now, {ever} ever"


def versions_words(versions: Iterable[tuple[int, int]]) -> str:
    """Pairs of policy versions, such as "under 1 / 1, 2 / 1"."""
    pairs = ", ".join(f"{mine} / {theirs}" for mine, theirs in versions)
    return f"under {pairs}" if pairs else ""


def report_screen(audit: Audit, found: Report) -> list[RenderableType]:
    """Who saw what, and how many of the rest there are: files hold it all."""
    names = names_of(audit)
    parts = [part for matrix in found.matrices for part in _matrix(matrix, names)] + budgets_screen([audit])
    counts = (
        counted(len(found.widenings), "widening"),
        counted(len(found.narrowings), "narrowing"),
        counted(sum(bool(item.exchanged) for item in found.rounds), "exchange of openings", "exchanges of openings"),
        counted(len(audit.findings), "finding"),
    )
    nothing = [] if found.matrices else [Text("Nobody was handed anything but counts.")]
    return [*nothing, *parts, Text(f"\n{', '.join(counts)}. All of it: --html FILE, --csv FILE", style="dim")]


def report_document(found: Report) -> dict[str, object]:
    """The same for scripts."""
    return {
        "seen": [row for matrix in found.matrices for row in _rows(matrix)],
        "widenings": [_step(step) for step in found.widenings],
        "narrowings": [_step(step) for step in found.narrowings],
        "rounds": [_round(item) for item in found.rounds],
    }


def shown_table(audit: Audit) -> pd.DataFrame:
    """What every release showed (`COLUMNS`)."""
    names, moments = names_of(audit), {event.index: event.entry.at for event in audit.events}
    rows = [
        (
            *(row.index, row.release, row.number, moments.get(row.index, "")),
            *(row.sender, names.partner(row.sender), row.recipient, names.partner(row.recipient)),
            *(*row.cell, row.field, str(row.form), row.accounts),
            *(row.sender_version, row.recipient_version, "yes" if row.handed_over else "no"),
        )
        for row in audit.shown
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _matrix(matrix: Matrix, names: Names) -> Sequence[RenderableType]:
    sender, recipient = (printable(names.partner(partner)) for partner in matrix.direction)
    shown = table("Field", *(f"{label_words(mine)}\nx {label_words(theirs)}" for mine, theirs in matrix.cells))
    for name in matrix.fields:
        cells = []
        for cell in matrix.cells:
            found = matrix.seen.get((name, cell), ())
            lines = [numbers_words(each, plain=name == ACCOUNT) for each in found]
            under = versions_words(matrix.versions.get((name, cell), ()))
            cells.append(Text("\n".join(lines) or "-") + Text(f"\n{under}" if lines else "", style="dim"))
        shown.add_row(label_words(name), *cells)
    heading = f"\n{recipient} saw of {sender}: accounts, by {sender}'s segment x {recipient}'s"
    return [Text(heading, style="bold"), shown]


def _rows(matrix: Matrix) -> Iterable[dict[str, object]]:
    for (name, cell), found in matrix.seen.items():
        for each in found:
            yield {
                "sender": matrix.direction[0],
                "recipient": matrix.direction[1],
                "cell": cell,
                "field": name,
                **asdict(each),
                "versions": matrix.versions.get((name, cell), ()),
            }


def _step(step: Step) -> dict[str, object]:
    return {"index": step.index, **step.entry.model_dump(mode="json")}


def _round(item: Round) -> dict[str, object]:
    openings = [entry.model_dump(mode="json") for entry in item.openings]
    return {"epoch": item.epoch, "number": item.number, "openings": openings, "exchanged": item.exchanged or None}
