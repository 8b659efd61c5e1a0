"""`cleanroom policy view-as`: the table that the other side would see, made from this partner's own accounts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.rooms import Room
from cleanroom.agent.supposed import most_open, supposed
from cleanroom.agent.view_as import View, Viewer, view_as
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.output import printable
from cleanroom.cli.policy_file import AtOption, moment_of, opened, read_wanted, require_segment
from cleanroom.cli.room import RoomArgument
from cleanroom.cli.wide_table import WideTable
from cleanroom.cli.words import counted, label_words
from cleanroom.domain.vocabulary import Form, Role

_OF_SELLERS = (
    "Sellers see only what stands beside accounts of their own, or what a rule shows to sellers by name; "
    "their own agent sees to that."
)
_NOT_REAL = "As if these accounts matched: which ones do is not known here. Values are made as they would be sent."


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    example = "Example: cleanroom policy view-as 'Acme x Globex' --role seller --theirs prospects"
    app.command("view-as", epilog=example)(show)


def show(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    role: Annotated[Role, typer.Option(help="The role of the other side's user who looks.")],
    mine: Annotated[str | None, typer.Option(help="Your segment. (default: every one)")] = None,
    theirs: Annotated[str | None, typer.Option(help="Their segment. (default: every one)")] = None,
    file: Annotated[
        Path | None, typer.Option(help="As if this policy were in force, and the other side agreed.")
    ] = None,
    at: AtOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The most accounts of a table.")] = 10,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the table that a user of the other side would see, made from your own accounts. Nothing is sent.

    It is made as if your accounts matched theirs. Suppressed accounts are never in it.
    """
    run = begin(context, home, as_json=as_json)
    when = moment_of(at) if at else run.environment.clock()
    with run.agent() as agent:
        found = opened(agent, room)
        require_segment(found, mine)
        require_segment(found, theirs)
        sides = found.sides(found.me)
        if file is not None:
            policy, other = read_wanted(agent, found, file).policy, found.policy(found.other.partner)
            sides = supposed(found, mine=policy, theirs=other or most_open(found.other.partner))
        views = [
            view_as(
                agent,
                found.id,
                sides,
                Viewer(role=role, mine=(mine,) if mine else found.terms.segments, theirs=label, at=when),
                most=limit,
            )
            for label in ([theirs] if theirs else found.terms.segments)
        ]
    groups = _alike(views)
    document = {"room": found.id, "role": role.value, "as_if_matched": True, "views": [*map(_document, views)]}
    heading = Text(
        f"What {printable(found.other.name)}'s users in the role {label_words(role)} would see", style="bold"
    )
    screens = [part for labels, view in groups.items() for part in _screen(labels, view, found)]
    notes = [_NOT_REAL, *([_OF_SELLERS] if role is Role.SELLER else [])]
    run.out.result(document, heading, *(Text(note, style="dim") for note in notes), *screens)


def _alike(views: list[View]) -> Mapping[tuple[str, ...], View]:
    """Segments of theirs in which all is shown alike, together: one table is enough for them."""
    found: dict[str, list[View]] = {}
    for view in views:
        found.setdefault(repr(view.forms), []).append(view)
    return {tuple(view.viewer.theirs for view in same): same[0] for same in found.values()}


def _screen(labels: tuple[str, ...], view: View, room: Room) -> list[RenderableType]:
    other = printable(room.other.name)
    every = len(labels) == len(room.terms.segments) > 1
    words = (
        f"In whatever segment {other} has them"
        if every
        else f"If {other} has them as {' or '.join(map(label_words, labels))}"
    )
    heading = Text(f"\n{words}", style="bold")
    if not view.forms:
        return [heading, Text("Nothing, not even which accounts match: no such cell is agreed.")]
    if not view.total:
        return [heading, Text("No account of yours is in these segments, or none was pushed.")]
    if not view.fields:
        return [heading, Text(f"That they match, and nothing about them: {counted(view.total, 'account')} at most.")]
    rows = [
        (label_words(account.segment), *(printable(account.values.get(name, "")) for name in view.fields))
        for account in view.accounts
    ]
    headers = ("Yours", *(name + _mark(view, name) for name in view.fields))
    parts: list[RenderableType] = [heading, WideTable(headers, rows)]
    if any(header.endswith("*") for header in headers):
        parts.append(Text("* reduced", style="dim"))
    if view.total > len(view.accounts):
        parts.append(Text(f"{len(view.accounts):,} of {counted(view.total, 'account')} (--limit)."))
    return parts


def _mark(view: View, name: str) -> str:
    """A star for a field that is reduced somewhere."""
    return "*" if any(forms[name] is Form.REDUCED for forms in view.forms.values()) else ""


def _document(view: View) -> dict[str, object]:
    return {
        "theirs": view.viewer.theirs,
        "forms": {mine: {name: form.value for name, form in forms.items()} for mine, forms in view.forms.items()},
        "total": view.total,
        "accounts": [{"mine": each.segment, "values": dict(each.values)} for each in view.accounts],
    }
