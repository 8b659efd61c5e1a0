"""`cleanroom dispute`: mark a match as wrong; both sides release nothing more for it until it is resolved."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from cleanroom.agent import notices
from cleanroom.agent.account_names import AccountNames
from cleanroom.agent.disputes import Dispute, disputes
from cleanroom.agent.notices import Match
from cleanroom.agent.rooms import Room, find_id, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.shared import SharedRow, shared
from cleanroom.agent.viewing import Viewer
from cleanroom.cli.dispute_view import disputes_screen, listed
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.output import printable
from cleanroom.cli.room import RoomArgument
from cleanroom.cli.shared_view import NAME_FIELD, numbered
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import Role

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Matches that one side says are wrong. Nothing more is released for them until they are resolved.",
)


@app.command("open", epilog="Example: cleanroom dispute open 'Acme x Globex' A-1042 Globex --reason 'a namesake'")
def open_dispute(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    account: Annotated[str, typer.Argument(help="Your account: id in your list, LIST/ID, or name.")],
    theirs: Annotated[
        str | None,
        typer.Argument(help="Theirs: name, or number as `shared` shows it. Needed if several stand beside yours."),
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why; sealed to the other side.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a match is wrong. Both sides' releases for it freeze; what was received before is marked."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        opened = open_room(agent, find_id(agent, room))
        match = _meant(agent, opened, account, theirs)
        number = notices.dispute(agent, opened, match, reason)
    run.out.result(
        {"room": opened.id, "dispute": number},
        Text(f"Disputed: number {number}. {printable(opened.other.name)} reads the reason with its next sync."),
        Text(f"When it is settled: cleanroom dispute resolve {opened.id[:8]} {number} --text TEXT"),
    )


@app.command(epilog="Example: cleanroom dispute resolve 'Acme x Globex' 1 --text 'it is the same company after all'")
def resolve(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    number: Annotated[int, typer.Argument(min=1, help="Of your own dispute, as `dispute list` shows it.")],
    *,
    text: Annotated[str, typer.Option(help="How it was settled; sealed to the other side.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a dispute of yours is settled. Releases for the match go on with the next sync."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        opened = open_room(agent, find_id(agent, room))
        mine = [item for item in disputes(agent, opened.id).open if (item.by, item.number) == (agent.me, number)]
        if not mine:
            raise InputRefused("no open dispute of yours has this number: cleanroom dispute list")
        notices.resolve(agent, opened, _match(mine[0]), text)
    run.out.result(
        {"room": opened.id, "dispute": number, "resolved": True},
        Text(f"Resolved: number {number}. Next: cleanroom sync"),
    )


@app.command("list", epilog="Example: cleanroom dispute list 'Acme x Globex'")
def show_list(
    context: typer.Context, room: RoomArgument, *, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Show the disputes of a room, those of both sides, and how they were settled."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        opened = open_room(agent, find_id(agent, room))
        found = listed(agent, opened)
    run.out.result(
        {"room": opened.id, "disputes": [asdict(item) for item in found]},
        disputes_screen(found, run.environment.clock()) if found else Text("No dispute in this room."),
    )


def _meant(agent: Agent, room: Room, account: str, theirs: str | None) -> Match:
    """The match that is meant, among those that `shared` shows to an admin."""
    ids = set(AccountNames.of(agent).find(account))
    every = shared(agent, room, Viewer(role=Role.ADMIN)).rows
    numbers = numbered(every)
    rows = {place: row for place, row in enumerate(every) if row.account_id in ids}
    if not rows:
        raise InputRefused("nothing stands beside this account in `cleanroom shared`")
    if theirs is not None:
        rows = {place: row for place, row in rows.items() if _is_called(row, numbers.get(place), theirs)}
    found = {(row.epoch, row.match, row.their_match) for row in rows.values()}
    if len(found) != 1:
        raise InputRefused(
            "not exactly one match is meant: name their account, or give its number, as `cleanroom shared` shows it"
        )
    epoch, mine, other = found.pop()
    return Match(epoch=epoch, mine=bytes.fromhex(mine), theirs=bytes.fromhex(other))


def _is_called(row: SharedRow, number: int | None, text: str) -> bool:
    name = row.fields.get(NAME_FIELD)
    known = name is not None and printable(name.value).casefold() == text.strip().casefold()
    return known or text.strip().rstrip(":") == str(number)


def _match(item: Dispute) -> Match:
    return Match(epoch=item.epoch, mine=bytes.fromhex(item.mine), theirs=bytes.fromhex(item.theirs))
