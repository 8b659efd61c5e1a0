"""`cleanroom push`: a list into the vault, and what may leave of it to the rooms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cleanroom.agent import push as operation
from cleanroom.agent import push_plan
from cleanroom.agent.lists import rooms_of, stored
from cleanroom.agent.push import PushReport, Rehearsal
from cleanroom.agent.push_plan import Choices, File, Query, Source
from cleanroom.agent.rooms import find_id
from cleanroom.agent.session import Agent
from cleanroom.agent.sources import Statement, read_from_words
from cleanroom.cli.exits import exit_of
from cleanroom.cli.invocation import HomeOption, Invocation, JsonOption, YesOption, begin, write_file
from cleanroom.cli.push_view import plan_screen, report_document, report_screen
from cleanroom.cli.reading_options import (
    EncodingOption,
    MapOption,
    SegmentFromOption,
    SegmentMapOption,
    SheetOption,
    pairs,
    segment_source,
)
from cleanroom.domain.errors import CleanroomError, InputRefused
from cleanroom.domain.vocabulary import RoomId
from matching.refusal import Refusal


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(
        epilog="Example: cleanroom push accounts.csv --segment-from Type --segment-map 'Key account=customers' "
        "--map name='Account Name'"
    )(push)


def push(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    *,
    file: Annotated[Path | None, typer.Argument(help="CSV, XLSX or Parquet.")] = None,
    sql: Annotated[str | None, typer.Option(help="A database instead of a file: SQLAlchemy URL.")] = None,
    query: Annotated[str | None, typer.Option(help="What to ask that database.")] = None,
    changes: Annotated[
        Path | None, typer.Option(help="A delta instead of the whole list: rows with ids, and a column for deletions.")
    ] = None,
    name: Annotated[str | None, typer.Option("--list", help="The list's name. (default: the file's)")] = None,
    segment: Annotated[str | None, typer.Option(help="The segment of all accounts, such as customers.")] = None,
    segment_from: SegmentFromOption = None,
    segment_map: SegmentMapOption = None,
    columns: MapOption = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget how this list was read before.")] = False,
    room: Annotated[
        list[str] | None, typer.Option(help="Serve only this room from now on; several times. (default: as before)")
    ] = None,
    all_rooms: Annotated[
        bool, typer.Option("--all-rooms", help="Serve every room from now on. [default for a new list]")
    ] = False,
    sheet: SheetOption = None,
    encoding: EncodingOption = None,
    system: Annotated[
        str | None, typer.Option("--source", help="Where the list comes from, such as a CRM's name. Partners see it.")
    ] = None,
    selection: Annotated[
        str | None, typer.Option(help="Which of its rows these are. (default: all rows) Partners see it.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who took them out of it. Partners see it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store and send nothing; say what would leave.")] = False,
    save: Annotated[
        Path | None, typer.Option(help="With --dry-run: a ZIP file for the bytes that would leave, one for each room.")
    ] = None,
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Push a list: what is new or changed since the last push leaves, blinded, to the rooms that the list serves.

    How columns are understood is shown first, kept with the list, and used again. A later push of the same list
    replaces it; sync goes on where a push was stopped. What you say of the list's source is kept with it, and signed
    with every batch.
    """
    run = begin(context, home, as_json=as_json)
    if save is not None and not dry_run:
        raise InputRefused("--save goes with --dry-run")
    source = _source(file or changes, sql, query, sheet=sheet, encoding=encoding)
    if file and changes:
        raise InputRefused("the whole list, or --changes, not both")
    with run.agent() as agent:
        choices = Choices(
            name=name or _default_name(agent, file, changes),
            columns=pairs("map", columns),
            segment=segment,
            segment_from=segment_source(segment_from, segment_map),
            fresh=fresh,
        )
        served = _served(agent, choices.name, room or [], every=all_rooms)
        table = push_plan.read(agent, source)
        planned = (push_plan.plan_changes if changes else push_plan.plan)(agent, table, choices)
        run.bars.clear()
        if not run.out.as_json:
            run.out.show(plan_screen(planned))
        if run.ask is not None and not yes and planned.origin is push_plan.Origin.GUESSED:
            run.require_yes("Go on with this?", yes=False)
        prepared = (operation.prepare_changes if changes else operation.prepare)(agent, planned)
        if dry_run:
            report, archives = operation.rehearse(agent, prepared, rooms=served)
        else:
            said = Statement(system=system, query=selection, who=by)
            read = read_from_words(source.path.name if isinstance(source, File) else None)
            report, archives = operation.push(agent, prepared, rooms=served, said=said, read_from=read), ()
    saved = _save(save, archives)
    run.out.result(
        report_document(report, dry_run=dry_run, saved=saved), *report_screen(report, dry_run=dry_run, saved=saved)
    )
    _end(run, report)


def _source(
    file: Path | None, sql: str | None, query: str | None, *, sheet: str | None, encoding: str | None
) -> Source:
    if (file is None) == (sql is None):
        raise InputRefused("a file, or --sql with --query: say which list to push")
    if (sql is None) != (query is None):
        raise InputRefused("--sql and --query go together")
    if sql is not None and query is not None:
        return Query(url=sql, query=query)
    if file is None:
        raise InputRefused("say which list to push")
    return File(path=file, sheet=sheet, encoding=encoding)


def _default_name(agent: Agent, file: Path | None, changes: Path | None) -> str:
    known = stored(agent)
    if changes is not None:
        if len(known) != 1:
            raise InputRefused("changes: say which list with --list NAME")
        return known[0].name
    if file is None:
        raise InputRefused("a query has no name: say --list NAME")
    return file.stem


def _served(agent: Agent, name: str, rooms: Sequence[str], *, every: bool) -> tuple[RoomId, ...] | None:
    if rooms and every:
        raise InputRefused("--room or --all-rooms, not both")
    if rooms:
        return tuple(dict.fromkeys(find_id(agent, room) for room in rooms))
    return None if every else rooms_of(agent, name)


def _save(save: Path | None, archives: Sequence[Rehearsal]) -> dict[str, str]:
    """Room -> file. With several rooms, the file's name gets the beginning of the room's id."""
    if save is None:
        return {}
    saved = {}
    for item in archives:
        path = save if len(archives) == 1 else save.with_name(f"{save.stem}-{item.room[:8]}{save.suffix}")
        write_file(path, item.archive)
        saved[str(item.room)] = str(path)
    return saved


def _end(run: Invocation, report: PushReport) -> None:
    problems: list[CleanroomError | Refusal] = [
        item.outcome for item in report.rooms if isinstance(item.outcome, CleanroomError | Refusal)
    ]
    if report.problem:
        problems.append(report.problem)
        run.out.say("The list is kept in this home; the next `cleanroom sync` sends it.")
    if problems:
        raise typer.Exit(max(exit_of(problem) for problem in problems))
