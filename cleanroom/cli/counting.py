"""`cleanroom counting`: how counts are shown in a room, what is left of the answers, and who may change that."""

from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent import agreements, allowances
from cleanroom.agent import counting as acts
from cleanroom.agent.allowances import pending
from cleanroom.agent.policies import NoDraft
from cleanroom.agent.rooms import find_id, open_room
from cleanroom.cli.counting_view import (
    allowance_words,
    counting_document,
    counting_screen,
    rule_words,
    two_people_words,
)
from cleanroom.cli.invocation import HomeOption, JsonOption, YesOption, begin
from cleanroom.cli.output import printable
from cleanroom.cli.policy_signer import KeyOption, SignerOption, signer
from cleanroom.cli.room import RoomArgument
from cleanroom.cli.words import counted
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import CountingMode
from cleanroom.messages.counting import MOST_UNITS
from cleanroom.messages.rooms import CappedCounting

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="How counts are shown in a room, and how many answers are left. Why: docs/privacy.md.",
)

ModeArgument = Annotated[CountingMode, typer.Argument(metavar="MODE", help="standard or confidential.")]


@app.command(epilog="Example: cleanroom counting show 'Acme x Globex' --reviewer")
def show(
    context: typer.Context,
    room: RoomArgument,
    *,
    reviewer: Annotated[
        bool, typer.Option("--reviewer", help="Also what all answers so far can tell about one company.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how numbers are made, how many answers are left for each direction, and what the next one waits for."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = acts.look(agent, find_id(agent, room))
    run.out.result(counting_document(found), *counting_screen(found, run.environment.clock(), reviewer=reviewer))


@app.command(epilog="Example: cleanroom counting tighten 'Acme x Globex' confidential")
def tighten(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    mode: ModeArgument,
    *,
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have counts shown by no weaker mode than this from now on, for both sides. No consent is needed for that.

    Back again takes new terms, and two people of each side.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        if run.ask is not None:
            run.require_yes("Make it stricter for both sides? Back again takes two people of each side.", yes=yes)
        acts.tighten(agent, room_id, mode)
        found = acts.look(agent, room_id)
    rule = rule_words(found.rule) if found.rule else "-"
    run.out.result(counting_document(found), Text(f"In force for the answers from now on: {rule}."))


@app.command(epilog="Example: cleanroom counting correct 'Acme x Globex'")
def correct(
    context: typer.Context, room: RoomArgument, *, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Ask for one answer more because a list was wrong: once, in the month after the first answer.

    Push the right list before. It is given as soon as both agents have evaluated the lists as they are now.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        acts.correct(agent, room_id)
        found = acts.look(agent, room_id)
    run.out.result(
        counting_document(found),
        Text("Asked for, and on record. The answer comes once both agents have evaluated the lists: cleanroom sync"),
    )


@app.command(epilog="Example: cleanroom counting change 'Acme x Globex' --mode exact --floor 10")
def change(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    mode: Annotated[CountingMode, typer.Option(help="How counts are shown: exact, standard, confidential.")],
    floor: Annotated[
        int | None, typer.Option(min=1, help="Smaller numbers are withheld, in exact mode. (default: as now)")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose the same terms with another way of counting. They count once the other side accepts.

    If it is weaker than now, two people of each side have to allow it before: `counting allow-weaker`, `approve`.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        rule = _rule(mode, floor or open_room(agent, room_id).terms.counting.floor)
        agreements.recount(agent, room_id, rule)
        found = acts.look(agent, room_id)
    words = [Text(f"Proposed: {rule_words(rule)}.")]
    if found.weaker:
        words.append(Text(two_people_words(found)))
    other = printable(found.room.other.name)
    words.append(Text(f"{other} accepts with: cleanroom room accept {found.room.id[:8]}"))
    run.out.result(counting_document(found), *words)


@app.command(epilog="Example: cleanroom counting refill 'Acme x Globex' --answers 2 --user Ann")
def refill(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    answers: Annotated[int, typer.Option(min=1, max=MOST_UNITS, help="How many answers more.")],
    user: SignerOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write down that your list may give the other side more answers this year. It takes a second person of yours."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        allowances.refill(agent, room_id, signer(run, agent, user, key), answers=answers)
        found = acts.look(agent, room_id)
    run.out.result(counting_document(found), *_waits(found))


@app.command("allow-weaker", epilog="Example: cleanroom counting allow-weaker 'Acme x Globex' --user Ann")
def allow_weaker(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    user: SignerOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write down that the terms that wait may weaken how counts are shown. It takes a second person of yours."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        allowances.allow_weaker(agent, room_id, signer(run, agent, user, key))
        found = acts.look(agent, room_id)
    run.out.result(counting_document(found), *_waits(found))


@app.command(epilog="Example: cleanroom counting approve 'Acme x Globex' --user Bob")
def approve(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    user: SignerOption = None,
    key: KeyOption = None,
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign what waits (a refill, or a weaker way of counting) as a second person, and put it on record."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        opened = open_room(agent, find_id(agent, room))
        waits = pending(agent, opened)
        if waits is None:
            raise NoDraft(f"room {opened.terms.title}: nothing waits for a second person")
        if run.ask is not None and not yes:
            run.out.show(Text(allowance_words(waits, opened)))
            run.require_yes("Sign this as the second person?", yes=False)
        allowances.approve(agent, opened.id, signer(run, agent, user, key), shown=waits.digest())
        found = acts.look(agent, opened.id)
    run.out.result(counting_document(found), Text(f"On record: {allowance_words(waits, opened)}"))


def _waits(found: acts.Look) -> list[RenderableType]:
    if found.draft is None:
        return []
    words = f"Written down: {allowance_words(found.draft, found.room)}"
    how = f"It counts once a second person has signed: cleanroom counting approve {found.room.id[:8]} --user NAME"
    return [Text(words), Text(how)]


def _rule(mode: CountingMode, floor: int) -> CappedCounting:
    try:
        return CappedCounting(mode=mode, floor=floor, caps="budget")
    except ValidationError:
        raise InputRefused(f"mode, floor: terms cannot say this ({counted(floor, 'company', 'companies')})") from None
