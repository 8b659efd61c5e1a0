"""`cleanroom matches`: which matches were verified, and what a person has to say of the likely ones."""

from typing import Annotated

import typer
from rich.text import Text

from cleanroom.agent import matches, users
from cleanroom.agent.account_names import spoken
from cleanroom.agent.matches import Listed, MatchState
from cleanroom.agent.rooms import find_id, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.cli.exports import CsvOption, export
from cleanroom.cli.invocation import Ask, HomeOption, Invocation, JsonOption, begin
from cleanroom.cli.matches_view import MOST_ROWS, match_document, matches_screen, question_screen
from cleanroom.cli.policy_signer import KeyOption, signer
from cleanroom.cli.room import RoomArgument
from cleanroom.cli.words import counted
from cleanroom.domain.errors import InputRefused

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Verified matches. A likely one is released only after a person of yours has confirmed it.",
)

MatchesArgument = Annotated[
    list[str], typer.Argument(metavar="MATCH...", help="Id of a match, or its beginning, as `matches list` shows it.")
]
ReviewerOption = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="Who says it: an admin or partner manager of yours, if you have any."),
]


@app.command("list", epilog="Example: cleanroom matches list 'Acme x Globex' --state waiting_for_review")
def show_list(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    state: Annotated[MatchState | None, typer.Option(help="Only matches in this state.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=f"At most so many. (screen: {MOST_ROWS})")] = None,
    csv: CsvOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the verified matches of a room: your accounts, how sure each match is and why, and what becomes of it."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        opened = open_room(agent, find_id(agent, room))
        found = [item for item in matches.matches(agent, opened) if state in (None, item.state)]
    frame = matches.frame(found)
    frame = frame.assign(account_id=frame["account_id"].map(spoken).astype("str"))
    export(run, frame, csv=csv, xlsx=None, title=opened.terms.title)
    document = {"room": opened.id, "matches": [match_document(item) for item in found[:limit]]}
    run.out.result(document, *matches_screen(found, opened.id[:8], limit=limit or MOST_ROWS))


@app.command(epilog="Example: cleanroom matches review 'Acme x Globex' --user Ann")
def review(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    user: ReviewerOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the likely matches that wait, one at a time, and say of each whether it is the same company.

    Every answer is kept at once: whoever stops goes on there next time. What is skipped comes again.
    """
    run = begin(context, home, as_json=as_json)
    if run.ask is None:
        raise InputRefused("review asks a person, so it needs a terminal; scripts: matches list, confirm and reject")
    with run.agent() as agent:
        opened = open_room(agent, find_id(agent, room))
        waiting = [item for item in matches.matches(agent, opened) if item.state is MatchState.WAITING]
        by = _reviewer(run, agent, user, key) if waiting else None
        said = {True: 0, False: 0}
        for number, item in enumerate(waiting, 1):
            run.out.show(Text(f"\n{number} of {len(waiting)}", style="bold"))
            for part in question_screen(item):
                run.out.show(part)
            answer = _answer(run.ask)
            if answer == "quit":
                break
            if answer != "skip":
                matches.say(agent, opened, [item], confirmed=answer == "yes", by=by)
                said[answer == "yes"] += 1
    left = len(waiting) - sum(said.values())
    document = {"room": opened.id, "confirmed": said[True], "rejected": said[False], "waiting": left}
    summed = f"Confirmed: {said[True]:,}. Rejected: {said[False]:,}. Waiting: {left:,}."
    run.out.result(document, Text(summed), *([Text("Next: cleanroom sync")] if any(said.values()) else []))


@app.command(epilog="Example: cleanroom matches confirm 'Acme x Globex' 3fa94c1e --user Ann")
def confirm(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    match: MatchesArgument,
    *,
    user: ReviewerOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that matches are the same company: the next sync releases what the policies allow."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        chosen = _said(run, agent, room, match, confirmed=True, user=user, key=key, reason="")
    _tell(run, chosen, "confirmed")


@app.command(epilog="Example: cleanroom matches reject 'Acme x Globex' 3fa94c1e --reason 'a namesake' --user Ann")
def reject(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    match: MatchesArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why; stays in your vault.")] = "",
    user: ReviewerOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that matches are not the same company: nothing is released, and what was released is withdrawn."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        chosen = _said(run, agent, room, match, confirmed=False, user=user, key=key, reason=reason)
    _tell(run, chosen, "rejected")


def _said(  # noqa: PLR0913 - what the command line gave
    run: Invocation,
    agent: Agent,
    room: str,
    texts: list[str],
    *,
    confirmed: bool,
    user: str | None,
    key: KeyOption,
    reason: str,
) -> tuple[Listed, ...]:
    opened = open_room(agent, find_id(agent, room))
    chosen = matches.meant(matches.matches(agent, opened), texts)
    by = _reviewer(run, agent, user, key)
    matches.say(agent, opened, chosen, confirmed=confirmed, by=by, reason=reason)
    return chosen


def _tell(run: Invocation, chosen: tuple[Listed, ...], what: str) -> None:
    words = f"{what.capitalize()}: {counted(len(chosen), 'match', 'matches')}. Next: cleanroom sync"
    run.out.result({what: [item.id for item in chosen]}, Text(words))


def _reviewer(run: Invocation, agent: Agent, user: str | None, key: KeyOption) -> UserSession | None:
    """Who says it, unlocked; nobody by name in a home without users."""
    nobody = users.newest_roster(agent) is None and user is None and key is None
    return None if nobody else signer(run, agent, user, key)


def _answer(ask: Ask) -> str:
    """yes, no, skip or quit; asked again until it is one of them, or begins one."""
    while True:
        given = ask.text("The same company? y(es), n(o), s(kip), q(uit)").strip().casefold()
        for answer in ("yes", "no", "skip", "quit"):
            if given and answer.startswith(given):
                return answer
