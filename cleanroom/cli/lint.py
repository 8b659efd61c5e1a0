"""`cleanroom lint`: what will hurt the matching of a list, before anything of it leaves."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from cleanroom.agent import lists, push_plan
from cleanroom.agent.lint import Lint
from cleanroom.agent.lint import lint as looked_at
from cleanroom.agent.lint_rules import RULES
from cleanroom.agent.progress import Progress
from cleanroom.agent.push_plan import Choices
from cleanroom.agent.reading.files import read_table
from cleanroom.agent.reading.guessing import guess_mapping
from cleanroom.agent.reading.mapping import Mapping
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.agent.reading.table import Table
from cleanroom.agent.spreadsheets import to_csv
from cleanroom.agent.tables import load_tables
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import FileNotWritten, HomeOption, Invocation, JsonOption, begin
from cleanroom.cli.lint_view import MOST_ROWS, lint_document, lint_screen
from cleanroom.cli.reading_options import (
    EncodingOption,
    MapOption,
    SegmentFromOption,
    SegmentMapOption,
    SheetOption,
    pairs,
    segment_source,
)
from cleanroom.domain.errors import InputRefused


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("lint", epilog="Example: cleanroom lint accounts.csv --show duplicate --csv to-fix.csv")(lint)


def lint(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(help="CSV, XLSX or Parquet.")],
    name: Annotated[
        str | None, typer.Option("--list", help="Read it as this list of yours was read before: opens the home.")
    ] = None,
    segment_from: SegmentFromOption = None,
    segment_map: SegmentMapOption = None,
    columns: MapOption = None,
    sheet: SheetOption = None,
    encoding: EncodingOption = None,
    rules: Annotated[
        list[str] | None, typer.Option("--show", metavar="RULE", help="List the rows of this rule; several times.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows on the screen.")] = MOST_ROWS,
    csv: Annotated[
        Path | None, typer.Option(help="Write all rows, or those of --show, as CSV: what to fix in the CRM.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 if anything is worth fixing.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what will hurt the matching of a list, before anything of it is uploaded: counts first, rows on request.

    Nothing is stored or sent, and neither home nor passphrase is needed (but for --list).
    """
    run = begin(context, home, as_json=as_json)
    _require_rules(rules or ())
    given = segment_source(segment_from, segment_map)
    progress = Progress(run.bars.show)
    try:
        with progress.stage("read"):
            table = read_table(file, sheet=sheet, encoding=encoding)
        mapping, source = _reading(run, table, name, pairs("map", columns), given)
        found = looked_at(table, mapping, segment_from=source, tables=load_tables(), progress=progress)
    finally:
        run.bars.clear()
    shown = found.findings[found.findings["rule"].isin(rules)] if rules else found.findings
    if csv is not None:
        _write(run, shown, csv)
    listed = shown if rules else None
    run.out.result(
        lint_document(found, file.name, mapping, listed),
        *lint_screen(found, file.name, mapping, listed, limit=limit),
    )
    _end(found, strict=strict)


def _require_rules(rules: "list[str] | tuple[()]") -> None:
    if strange := sum(rule not in RULES for rule in rules):
        raise InputRefused(f"--show: {strange} of these are no rules; there are {', '.join(RULES)}")


def _reading(
    run: Invocation, table: Table, name: str | None, columns: dict[str, str], given: SegmentFrom | None
) -> tuple[Mapping, SegmentFrom | None]:
    """How the list is understood: as given and guessed, or as a list of the home was."""
    if name is None:
        return guess_mapping(table, given=columns), given or push_plan.own_segments(table)
    with run.agent() as agent:
        lists.require(agent, name)
        planned = push_plan.plan(agent, table, Choices(name=name, columns=columns, segment_from=given))
    return planned.mapping, planned.segment_from


def _write(run: Invocation, findings: pd.DataFrame, path: Path) -> None:
    try:
        to_csv(findings, path)
    except OSError as error:
        raise FileNotWritten(f"table: cannot be written ({error.strerror or type(error).__name__})") from None
    run.out.say(f"Written: {path}. It holds accounts of yours.")


def _end(found: Lint, *, strict: bool) -> None:
    if strict and found.counts.rules:
        raise typer.Exit(Exit.REFUSED)
