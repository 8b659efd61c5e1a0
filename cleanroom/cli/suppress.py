"""`cleanroom suppress`: accounts that are never committed, so never counted, matched or shared."""

from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent import suppress, suppressions
from cleanroom.agent.account_names import AccountNames, in_list, spoken
from cleanroom.agent.agreements import rooms
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.suppressions import Suppression
from cleanroom.agent.waiting import next_epoch
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.output import bullets, printable, table
from cleanroom.cli.words import ago, counted
from cleanroom.domain.vocabulary import RoomState

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Accounts that are never committed, so never counted, matched or shared, whatever a policy says.",
)

AccountsArgument = Annotated[
    list[str], typer.Argument(metavar="ACCOUNT...", help="Id in your list, LIST/ID, or name; all that have it.")
]


@app.command(epilog="Example: cleanroom suppress add A-1042 'Acme Defence' --reason 'asked by legal'")
def add(
    context: typer.Context,
    account: AccountsArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why; stays in your vault.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Suppress accounts. What was committed of them already is taken out by the next batch of changes.

    Until the next epoch nothing more is opened in rooms where they were committed.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        known = AccountNames.of(agent)
        ids = suppress.suppress(agent, known.find_all(account), reason)
        waits = _rooms_that_wait(agent)
    run.out.result(
        {"suppressed": [_names(known, item) for item in ids], "rooms_that_wait": waits},
        Text(f"Suppressed: {counted(len(ids), 'account')}.", style="bold"),
        bullets([_line(known, item) for item in ids]),
        *_waiting(waits),
        Text("Next: cleanroom sync"),
    )


@app.command(epilog="Example: cleanroom suppress remove A-1042")
def remove(
    context: typer.Context, account: AccountsArgument, *, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Take suppressions back. What a list's own column suppresses stays suppressed."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        known = AccountNames.of(agent)
        held = suppressions.suppressed_ids(agent)
        meant = known.find_all(account, also=held)
        # A name may be that of other accounts too, which are not suppressed.
        gone = suppress.unsuppress(agent, [item for item in meant if item in held] or meant)
    run.out.result(
        {"removed": [_names(known, item) for item in gone]},
        Text(f"No longer suppressed: {counted(len(gone), 'account')}. They go out with the next batch."),
    )


@app.command("list", epilog="Example: cleanroom suppress list")
def show_list(context: typer.Context, *, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show what is suppressed by hand, since when and why."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        known, found = AccountNames.of(agent), suppressions.suppressed(agent)
    now = run.environment.clock()
    shown = table("Account", "Name", "Since", "Reason")
    for item in found:
        shown.add_row(
            printable(in_list(item.account)),
            printable(known.name(item.account)),
            ago(item.since, now),
            printable(item.reason),
        )
    nothing = Text("Nothing is suppressed by hand. A column `suppressed` of a list suppresses its rows as well.")
    run.out.result({"suppressed": [_document(known, item) for item in found]}, shown if found else nothing)


def _rooms_that_wait(agent: Agent) -> list[dict[str, object]]:
    """Rooms in which nothing more is opened before the next epoch."""
    active = [room.room for room in rooms(agent) if room.state is RoomState.ACTIVE]
    opened = [open_room(agent, room) for room in active]
    return [
        {"room": room.id, "title": room.terms.title, "next_epoch": next_epoch(room)}
        for room in opened
        if suppress.must_wait(agent, room)
    ]


def _waiting(waits: list[dict[str, object]]) -> list[RenderableType]:
    if not waits:
        return [Text("They were committed in no room of this epoch: nothing has to wait.")]
    lines = [
        f"{item['title']}: what is opened already stays known there; nothing more is opened before the next epoch, "
        f"{item['next_epoch'] or 'which its terms do not reach'} (at once: cleanroom policy refresh)"
        for item in waits
    ]
    return [Text("They were committed before, and leave with the next batch. Until then:"), bullets(lines)]


def _names(known: AccountNames, account: str) -> dict[str, object]:
    return {"account": spoken(account), "name": known.name(account)}


def _document(known: AccountNames, item: Suppression) -> dict[str, object]:
    return {**_names(known, item.account), "since": item.since, "reason": item.reason}


def _line(known: AccountNames, account: str) -> str:
    name = known.name(account)
    return f"{spoken(account)}: {name}" if name else spoken(account)
