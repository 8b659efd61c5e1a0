"""`cleanroom disclosed`: what a partner has received of mine, for a reviewer."""

from typing import Annotated

import pandas as pd
import typer

from cleanroom.agent.account_names import AccountNames
from cleanroom.agent.agreements import rooms
from cleanroom.agent.disclosed import disclosed
from cleanroom.agent.partners import directory
from cleanroom.agent.rooms import find_id, open_room
from cleanroom.agent.session import Agent
from cleanroom.cli.disclosed_view import disclosed_document, disclosed_screen, disclosed_table, summary, with_spoken
from cleanroom.cli.exports import CsvOption, XlsxOption, export
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.shared_view import MOST_ROWS
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.vocabulary import RoomId


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("disclosed", epilog="Example: cleanroom disclosed --room 'Acme x Globex' --xlsx disclosed.xlsx")(show)


def show(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    *,
    room: Annotated[str, typer.Option(help="Title, id, or the beginning of the id; rooms that you left as well.")],
    account: Annotated[
        str | None, typer.Option(help="Only of this account: id in your list, LIST/ID, or name.")
    ] = None,
    field: Annotated[str | None, typer.Option(help="Only this field.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=f"At most so many rows. (screen: {MOST_ROWS})")] = None,
    wide: Annotated[bool, typer.Option("--wide", help="When it was handed over, policies and epoch as well.")] = False,
    csv: CsvOption = None,
    xlsx: XlsxOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every field of yours that this partner was sent: the form, when, under which policies, withdrawn since."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        names, rows = AccountNames.of(agent), disclosed(agent, room_id)
        rows = _only(rows, names, account, field)
        title, partner = _who(agent, room_id)
        shown = disclosed_table(rows, names, _versions(agent, room_id))
    total = summary(rows)
    kept = shown.head(limit) if limit else shown
    export(run, with_spoken(kept), csv=csv, xlsx=xlsx, title=title)
    screen = disclosed_screen(
        shown,
        total,
        title=title,
        partner=partner,
        now=run.environment.clock(),
        limit=limit or MOST_ROWS,
        wide=wide,
    )
    run.out.result({"room": room_id, "title": title, "partner": partner, **disclosed_document(kept, total)}, *screen)


def _only(rows: pd.DataFrame, names: AccountNames, account: str | None, field: str | None) -> pd.DataFrame:
    if account is not None:
        rows = rows[rows["account_id"].isin(names.find(account, also=set(rows["account_id"])))]
    if field is not None:
        rows = rows[rows["field"] == field]
    return rows.reset_index(drop=True)


def _who(agent: Agent, room: RoomId) -> tuple[str, str]:
    """The room's title and the other member's name."""
    names = {item.id: item.name for item in directory(agent)}
    found = next(item for item in rooms(agent) if item.room == room)
    return found.title, ", ".join(names.get(member, member) for member in found.members if member != agent.me)


def _versions(agent: Agent, room: RoomId) -> dict[str, int]:
    """Versions of policies by digest. Of a room whose view no longer passes, digests have to do."""
    try:
        policies = open_room(agent, room).policies
    except CleanroomError:
        return {}
    return {item.digest: item.document.version for chain in policies.values() for item in chain}
