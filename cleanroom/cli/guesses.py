"""`cleanroom guesses`: what of partners' lists was evaluated, what is held back, and how people lift the limits."""

from typing import Annotated

import typer
from rich.text import Text

from cleanroom.agent import guesses, users
from cleanroom.agent.agreements import rooms
from cleanroom.agent.guess_view import GuessesOfRoom, guesses_of
from cleanroom.agent.partners import find
from cleanroom.agent.rooms import find_id, open_room
from cleanroom.cli.guesses_view import document, screen
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.output import printable
from cleanroom.cli.policy_signer import KeyOption, signer
from cleanroom.cli.room import RoomArgument
from cleanroom.domain.vocabulary import RoomState

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Limits to what a partner learns by guessing: what was evaluated of its lists, and what is held back.",
)

ApproverOption = Annotated[
    str | None, typer.Option("--user", metavar="NAME", help="Who says it: an approver of yours, by name or id.")
]
ReasonOption = Annotated[str, typer.Option(help="Why; stays in your vault.")]


@app.command(epilog="Example: cleanroom guesses show 'Acme x Globex'")
def show(
    context: typer.Context,
    room: Annotated[str | None, typer.Argument(metavar="[ROOM]", help="Title or id. (default: all in force)")] = None,
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how many new keys of each partner were evaluated in 30 days, how many may be, and what people lifted."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        every = [item.room for item in rooms(agent) if item.state is RoomState.ACTIVE]
        wanted = [find_id(agent, room)] if room else every
        found: list[GuessesOfRoom] = [guesses_of(agent, open_room(agent, item)) for item in wanted]
        names = {user.id: user.name for user in users.users(agent)}
    nothing = Text("No room is in force: nothing was evaluated.")
    parts = [part for item in found for part in screen(item, names, run.environment.clock())]
    run.out.result({"rooms": [document(item, names) for item in found]}, *(parts or [nothing]))


@app.command(epilog="Example: cleanroom guesses accept 'Acme x Globex' --batch 3 --user Bob --reason 'they merged'")
def accept(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    batch: Annotated[int, typer.Option(min=1, help="Number of the batch that is held back.")],
    reason: ReasonOption,
    user: ApproverOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accept that the other side's list grew or churned as it did: the next sync evaluates the batch."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        opened = open_room(agent, find_id(agent, room))
        guesses.accept(agent, opened, batch, by=signer(run, agent, user, key), reason=reason)
        left = guesses.held_back(agent, opened)
    still = [Text(f"Held back still: {printable(str(left.why))}", style="yellow")] if left else []
    run.out.result(
        {"room": opened.id, "accepted": batch, "still": str(left.why) if left else None},
        Text(f"Accepted: batch {batch}. Next: cleanroom sync"),
        *still,
    )


@app.command(epilog="Example: cleanroom guesses allow Globex --keys 2000 --user Bob --reason 'a second room'")
def allow(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    partner: Annotated[str, typer.Argument(help="Name, id, or the beginning of the id.")],
    *,
    keys: Annotated[int, typer.Option(min=1, help="So many new keys of each kind more.")],
    reason: ReasonOption,
    user: ApproverOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Allow that more new keys of a partner's lists are evaluated, for 30 days."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        name = find(agent, partner).name
        which = guesses.allow(agent, partner, keys, by=signer(run, agent, user, key), reason=reason)
    words = f"Allowed: {keys:,} new keys of each kind more of {printable(name)}, for 30 days. Next: cleanroom sync"
    run.out.result({"partner": which, "keys": keys}, Text(words))
