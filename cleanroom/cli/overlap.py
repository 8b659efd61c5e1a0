"""`cleanroom overlap`: the report, on the screen, as a page, as a table."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from cleanroom.agent.agreed import Agreement, agreement
from cleanroom.agent.agreements import rooms
from cleanroom.agent.overlap import NoAnswerYet, Overlap, history, overlap
from cleanroom.agent.rooms import find_id, open_room
from cleanroom.agent.session import Agent
from cleanroom.cli.exits import exit_of
from cleanroom.cli.html.page import page
from cleanroom.cli.invocation import HomeOption, JsonOption, begin, write_file
from cleanroom.cli.overlap_view import Unanswered, csv_text, document, history_screen, overlap_screen, unanswered_line
from cleanroom.domain.errors import CleanroomError, InputRefused
from cleanroom.domain.vocabulary import RoomId, RoomState


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("overlap", epilog="Example: cleanroom overlap --room 'Acme x Globex' --html overlap.html")(show)


def show(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    *,
    room: Annotated[str | None, typer.Option(help="One room: title or id.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All rooms in force.")] = False,
    past: Annotated[bool, typer.Option("--history", help="All answers, not only the newest.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page that needs nothing else.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a table: a line for each cell.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how many companies you and a partner share, by your segments and theirs, and which cells are agreed.

    Without --room and --all: the only room in force, if there is just one.
    """
    run = begin(context, home, as_json=as_json)
    if room and every:
        raise InputRefused("say --room or --all, not both")
    with run.agent() as agent:
        found: list[Overlap] = []
        waiting: list[Unanswered] = []
        agreed: dict[RoomId, Agreement] = {}
        for room_id, title in _wanted(agent, room, every=every):
            try:
                found += (history(agent, room_id) if past else []) or [overlap(agent, room_id)]
                agreed[room_id] = agreement(agent, open_room(agent, room_id))
            except CleanroomError as problem:
                waiting.append(Unanswered(room=room_id, title=title, problem=problem))
    now = run.environment.clock()
    if html is not None:
        write_file(html, page(found, waiting, now, agreed).encode())
    if csv is not None:
        write_file(csv, csv_text(found).encode("utf-8-sig"))
    if not found and len(waiting) == 1:
        raise waiting[0].problem
    screen = history_screen(found) if past else _screen(found, agreed, now)
    run.out.result(document(found, waiting, list(agreed.values())), *screen, *map(unanswered_line, waiting))
    for written in (html, csv):
        if written is not None:
            run.out.say(f"Written: {written}")
    failed = [item for item in waiting if not isinstance(item.problem, NoAnswerYet)]
    if failed or (waiting and not found):
        raise typer.Exit(max(exit_of(item.problem) for item in failed or waiting))


def _screen(found: list[Overlap], agreed: Mapping[RoomId, Agreement], now: datetime) -> list[RenderableType]:
    return [part for item in found for part in overlap_screen(item, now, agreed.get(item.room))]


def _wanted(agent: Agent, room: str | None, *, every: bool) -> list[tuple[RoomId, str]]:
    if room is not None:
        return [(find_id(agent, room), room)]
    known = [(item.room, item.title) for item in rooms(agent) if item.state in (RoomState.ACTIVE, RoomState.EXPIRED)]
    if not known:
        raise InputRefused("no room is in force: cleanroom room list")
    if not every and len(known) > 1:
        raise InputRefused("several rooms are in force: say --room ROOM, or --all")
    return known
