"""`cleanroom policy request`: ask the other side for a cell or a field. It decides; nothing changes by asking."""

from typing import Annotated

import typer
from rich.text import Text

from cleanroom.agent import notices
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.output import printable
from cleanroom.cli.policy_file import opened, require_segment
from cleanroom.cli.policy_request_view import wish_words
from cleanroom.cli.room import RoomArgument
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.notices import Wish
from cleanroom.policy.model import forms_of


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    example = (
        "Example: cleanroom policy request 'Acme x Globex' --field amount --form reduced --note 'for the renewals'"
    )
    app.command("request", epilog=example)(request)


def request(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    field: Annotated[str, typer.Option(help="A field of the room's catalogue, or account for which ones match.")] = (
        ACCOUNT
    ),
    form: Annotated[Form | None, typer.Option(help="How much of it. (default: the most)")] = None,
    mine: Annotated[str | None, typer.Option(help="Your segment. (default: every one)")] = None,
    theirs: Annotated[str | None, typer.Option(help="Their segment. (default: every one)")] = None,
    note: Annotated[str, typer.Option(help="What it is for; sealed to the other side.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the other side to show a field, or which accounts match, in a cell or in all. It reads this when it syncs.

    Requests of both sides are at the end of: cleanroom policy history
    """
    run = begin(context, home, as_json=as_json)
    wanted = form or forms_of(field)[-1]
    if wanted not in forms_of(field)[1:]:
        raise InputRefused(f"form: one of {', '.join(forms_of(field)[1:])} for this field")
    with run.agent() as agent:
        found = opened(agent, room)
        require_segment(found, mine)
        require_segment(found, theirs)
        wishes = [Wish(field=field, form=wanted, segments=cell) for cell in _cells(mine, theirs, found.terms.segments)]
        number = notices.request(agent, found, wishes, note)
    run.out.result(
        {"room": found.id, "request": number, "wishes": [wish.model_dump(mode="json") for wish in wishes]},
        Text(f"Asked {printable(found.other.name)}, number {number}: {wish_words(wishes, found, by=found.me)}"),
    )


def _cells(mine: str | None, theirs: str | None, segments: tuple[str, ...]) -> list[tuple[str, str] | None]:
    """Pairs (the recipient's, the sender's) as a wish names them; None for every cell."""
    if mine is None and theirs is None:
        return [None]
    return [(their, my) for their in ([theirs] if theirs else segments) for my in ([mine] if mine else segments)]
