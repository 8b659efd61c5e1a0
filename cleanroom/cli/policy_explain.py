"""`cleanroom policy explain`: why a field is shown as it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from cleanroom.agent.rooms import Room
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.output import bullets, printable
from cleanroom.cli.policy_file import AtOption, moment_of, opened, require_segment
from cleanroom.cli.policy_words import Cell, cells_words, roles_words
from cleanroom.cli.room import RoomArgument
from cleanroom.domain.vocabulary import Nomination, Role
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.explain import Explanation, explain
from cleanroom.policy.model import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One explanation, and the cells (mine, theirs) and roles that it holds for."""

    explanation: Explanation
    cells: tuple[Cell, ...]
    roles: tuple[Role, ...]


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    example = "Example: cleanroom policy explain 'Acme x Globex' amount --mine customers --theirs prospects"
    app.command("explain", epilog=example)(why)


def why(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    field: Annotated[str, typer.Argument(metavar="FIELD", help="A field of the room's catalogue, or account.")],
    *,
    mine: Annotated[str | None, typer.Option(help="Your segment. (default: every one)")] = None,
    theirs: Annotated[str | None, typer.Option(help="Their segment. (default: every one)")] = None,
    role: Annotated[Role | None, typer.Option(help="Who looks. (default: every role)")] = None,
    at: AtOption = None,
    nomination: Annotated[
        Nomination, typer.Option(help="For accounts nominated by: none, mine (you), theirs, both.")
    ] = Nomination.NONE,
    theirs_to_me: Annotated[
        bool, typer.Option("--theirs-to-me", help="What the other side shows to you, not what you show.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain why a field is shown as it is: the rules that force it, or what limits it, and what came nearest to more.

    Places with the same answer are explained together.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = opened(agent, room)
    require_segment(found, mine)
    require_segment(found, theirs)
    sides = found.sides(found.other.partner if theirs_to_me else found.me)
    here = Context(
        mine="",
        theirs="",
        purpose=sides.use,
        role=Role.ADMIN,
        at=moment_of(at) if at else run.environment.clock(),
        nomination=nomination,
    )
    cells = [
        (row, column)
        for row in ([mine] if mine else found.terms.segments)
        for column in ([theirs] if theirs else found.terms.segments)
    ]
    answers = tuple(_answers(sides, field, cells, [role] if role else list(Role), here, turned=theirs_to_me))
    run.out.result(
        {"room": found.id, "field": field, "explanations": [_document(each) for each in answers]},
        _heading(found, sides),
        *(part for each in answers for part in _screen(each, found)),
    )


def _answers(  # noqa: PLR0913 - the field, and what its contexts vary in
    sides: Sides, field: str, cells: list[Cell], roles: list[Role], here: Context, *, turned: bool
) -> Iterator[Explained]:
    alike: dict[object, tuple[Explanation, dict[Cell, list[Role]]]] = {}
    for cell in cells:
        for role in roles:
            seen = replace(here, mine=cell[0], theirs=cell[1], role=role)
            found = explain(sides, field, seen.mirrored() if turned else seen)
            key = (found.form, found.decider, found.limits, found.rules, found.missed)
            alike.setdefault(key, (found, {}))[1].setdefault(cell, []).append(role)
    for found, where in alike.values():
        for together in dict.fromkeys(map(tuple, where.values())):
            same = tuple(cell for cell, each in where.items() if tuple(each) == together)
            yield Explained(explanation=found, cells=same, roles=together)


def _heading(room: Room, sides: Sides) -> Text:
    names = {member.partner: printable(member.name) for member in room.terms.members}
    owner, recipient = names[sides.owner_id], names[sides.recipient_id]
    return Text(f"{owner} (the owner) to {recipient} (the recipient)", style="bold")


def _screen(each: Explained, room: Room) -> list[RenderableType]:
    roles = roles_words(each.roles)
    place = cells_words(each.cells, room.terms.segments) + (f"; for {roles}" if roles else "")
    first, *others = each.explanation.lines()
    lines = bullets(others) if others else Text("")
    return [Text(f"\n{place}"), _indented(Text(printable(first), style="bold")), _indented(lines)]


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 2), expand=False)


def _document(each: Explained) -> dict[str, object]:
    found = each.explanation
    missed = found.missed
    return {
        "cells": [list(cell) for cell in each.cells],
        "roles": [role.value for role in each.roles],
        "form": found.form.value,
        "decided_by": found.decider.value,
        "limits": [limit.value for limit in found.limits],
        "rules": [{"partner": name.partner, "rule": name.rule} for name in found.rules],
        "missed": missed
        and {
            "partner": missed.name.partner,
            "rule": missed.name.rule,
            "conditions": [condition.value for condition in missed.conditions],
        },
        "lines": list(found.lines()),
    }
