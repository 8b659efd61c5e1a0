"""What `cleanroom lint` says: the numbers first, then the rows that were asked for."""

from collections.abc import Mapping as ReadOnly
from typing import Final

import pandas as pd
from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.frames import records, tuples
from cleanroom.agent.lint import Lint
from cleanroom.agent.lint_counts import Counts
from cleanroom.agent.lint_rules import RULES
from cleanroom.agent.reading.mapping import Mapping
from cleanroom.cli.output import bullets, facts, printable, table
from cleanroom.cli.wide_table import WideTable
from cleanroom.cli.words import counted, label_words

MOST_ROWS: Final = 50
MOST_LINES: Final = 6
_MOST_HOSTS: Final = 10
_TOLD_BY_PUSH: Final = frozenset({"row_left_out", "value_unreadable"})
_COLUMNS: Final = {
    "row": "Row",
    "account_id": "Account",
    "name": "Name",
    "column": "Column",
    "current": "Now",
    "suggestion": "What to do",
}


def lint_screen(
    found: Lint, file: str, mapping: Mapping, shown: pd.DataFrame | None, *, limit: int
) -> list[RenderableType]:
    """The numbers, and the rows in `shown`: at most `limit`."""
    counts = found.counts
    parts: list[RenderableType] = [facts(_facts(found, file, mapping)), bullets(found.notes)]
    parts += _rules_screen(counts) if counts.rules else [Text("\nNothing is worth fixing.")]
    if counts.hosts and shown is None:
        parts += _hosts_screen(counts)
    if shown is not None:
        parts += _rows_screen(shown, limit)
    elif counts.rules:
        parts.append(Text("\nThe rows: --show RULE, or --csv FILE for all of them"))
    return parts


def lint_document(found: Lint, file: str, mapping: Mapping, shown: pd.DataFrame | None) -> dict[str, object]:
    """The same for scripts. `findings` is there if rows were asked for; it has all of them."""
    document: dict[str, object] = {
        "file": file,
        "columns": dict(mapping.columns),
        "rows": found.rows,
        **counts_document(found.counts),
        "shared_hosts": [dict(zip(("host", "reason", "accounts"), item, strict=True)) for item in found.counts.hosts],
        "notes": list(found.notes),
    }
    return document if shown is None else {**document, "findings": records(shown)}


def counts_document(counts: Counts) -> dict[str, object]:
    """The numbers for scripts."""
    return {
        "accounts": counts.accounts,
        "suppressed": counts.suppressed,
        "strong_key": counts.strong,
        "name_only": counts.name_only,
        "no_key": counts.keyless,
        "rules": {rule: {"accounts": number, "share": _share(number, counts)} for rule, number in counts.rules.items()},
    }


def short_lines(rules: ReadOnly[str, int]) -> list[str]:
    """What hurts most, for the report of a push: at most `MOST_LINES` lines. Refused cells are in its own table."""
    chosen = [rule for rule in rules if rule not in _TOLD_BY_PUSH][:MOST_LINES]
    return [f"{rule}, {counted(rules[rule], 'account')}: {RULES[rule].means}" for rule in chosen]


def _facts(found: Lint, file: str, mapping: Mapping) -> list[tuple[str, RenderableType]]:
    counts = found.counts
    listed = f"{counted(found.rows, 'row')}, {counted(counts.accounts, 'account')}"
    if counts.suppressed:
        listed += f" and {counts.suppressed:,} suppressed, which are not looked at"
    understood = ", ".join(f"{label_words(target)} = {printable(header)}" for target, header in mapping.columns.items())
    return [
        ("List", f"{printable(file)}: {listed}"),
        ("Columns", understood),
        ("Strong key", f"{_with_share(counts.strong, counts)}: a domain of their own, or a number of a register"),
        ("Name only", _with_share(counts.name_only, counts)),
        ("No key", _with_share(counts.keyless, counts)),
    ]


def _rules_screen(counts: Counts) -> list[RenderableType]:
    shown = table("Rule", "Accounts", "Share", "What it means", "What to do", right=(1, 2))
    shown.columns[0].no_wrap = True  # what --show wants
    for rule, number in counts.rules.items():
        share = "" if rule == "row_left_out" else f"{_share(number, counts):.1%}"
        shown.add_row(rule, f"{number:,}", share, RULES[rule].means, RULES[rule].do)
    return [Text("\nWorth fixing, most harmful first", style="bold"), shown]


def _hosts_screen(counts: Counts) -> list[RenderableType]:
    shown = table("Shared host", "What it is", "Accounts", right=(2,))
    for host, reason, number in counts.hosts[:_MOST_HOSTS]:
        shown.add_row(printable(host), reason, f"{number:,}")
    more = len(counts.hosts) - _MOST_HOSTS
    rest = [Text(f"... and {counted(more, 'other host')}; --json has them all")] if more > 0 else []
    return [Text(""), shown, *rest]


def _rows_screen(shown: pd.DataFrame, limit: int) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for rule, rows in shown.groupby("rule", sort=False):
        parts.append(Text(f"\n{rule}: {counted(len(rows), 'place')}", style="bold"))
        texts = [
            [f"{cell:,}" if isinstance(cell, int) else printable(cell) for cell in row] for row in _cells(rows, limit)
        ]
        parts.append(WideTable(list(_COLUMNS.values()), texts))
        if len(rows) > limit:
            parts.append(Text(f"... and {counted(len(rows) - limit, 'other')}; --limit, --csv or --json for more"))
    return parts or [Text("\nNo rows of these rules.")]


def _cells(rows: pd.DataFrame, limit: int) -> "list[tuple[int | str, ...]]":
    return list(tuples(rows.head(limit), list(_COLUMNS)))


def _with_share(number: int, counts: Counts) -> str:
    return f"{counted(number, 'account')} ({_share(number, counts):.1%})"


def _share(number: int, counts: Counts) -> float:
    return round(number / max(counts.accounts, 1), 4)
