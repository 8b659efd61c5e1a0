"""`cleanroom shared`: the accounts that both sides agreed to share, mine beside theirs."""

from dataclasses import replace
from typing import Annotated

import typer

from cleanroom.agent import users
from cleanroom.agent.looked import look
from cleanroom.agent.rooms import find_id, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.shared import shared
from cleanroom.agent.viewing import Viewer
from cleanroom.cli.exports import CsvOption, XlsxOption, export
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.shared_view import MOST_ROWS, selected, shared_document, shared_screen, shared_table
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import Role


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(
        "shared", epilog="Example: cleanroom shared --room 'Acme x Globex' --filter stage=proposal --sort amount"
    )(show)


def show(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    *,
    room: Annotated[str, typer.Option(help="Title, id, or the beginning of the id.")],
    role: Annotated[Role | None, typer.Option(help="As a user in this role sees it. (default: admin)")] = None,
    user: Annotated[
        str | None, typer.Option(help="As this user of yours sees it. A seller sees accounts of his own, by `owner`.")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="TEXT|FIELD=TEXT", help="Only rows with this text in them; several times."),
    ] = None,
    sort: Annotated[str | None, typer.Option(metavar="FIELD", help="Sort by a field. (default: by my account)")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=f"At most so many rows. (screen: {MOST_ROWS})")] = None,
    wide: Annotated[bool, typer.Option("--wide", help="All fields, however wide the table gets.")] = False,
    csv: CsvOption = None,
    xlsx: XlsxOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the accounts that both sides agreed to share: mine beside theirs, each field in the form that came."""
    run = begin(context, home, as_json=as_json)
    if role is not None and user is not None:
        raise InputRefused("say --role or --user, not both")
    with run.agent() as agent:
        opened = open_room(agent, find_id(agent, room))
        viewer = _viewer(agent, role, user)
        found = selected(shared(agent, opened, viewer), filters or (), sort)
        look(agent, opened.id)
    kept = replace(found, rows=found.rows[:limit])
    export(run, shared_table(kept), csv=csv, xlsx=xlsx, title=opened.terms.title)
    screen = shared_screen(
        found,
        viewer,
        title=opened.terms.title,
        now=run.environment.clock(),
        limit=limit or MOST_ROWS,
        width=run.out.width,
        wide=wide,
    )
    document = {"room": opened.id, "title": opened.terms.title, **shared_document(kept, viewer)}
    run.out.result(document, *screen)


def _viewer(agent: Agent, role: Role | None, user: str | None) -> Viewer:
    if user is None:
        return Viewer(role=role or Role.ADMIN)
    found = users.find(agent, user)
    return Viewer(role=found.role, name=found.name, email=found.name if "@" in found.name else "")
