"""`cleanroom policy show` and `history`: what is in force, as a picture or as YAML, and what was."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent import drafts
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.cli.invocation import HomeOption, JsonOption, begin, write_file
from cleanroom.cli.output import facts, printable
from cleanroom.cli.policy_file import AtOption, moment_of, opened, partner_names
from cleanroom.cli.policy_picture import columns, picture, picture_document, swapped
from cleanroom.cli.policy_words import moment_words
from cleanroom.cli.room import RoomArgument
from cleanroom.domain.vocabulary import Nomination, PartnerId
from cleanroom.messages.policy_text import write_policy
from cleanroom.policy.model import MIRRORED


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("show", epilog="Example: cleanroom policy show 'Acme x Globex' --theirs")(show)


def show(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    theirs: Annotated[bool, typer.Option("--theirs", help="What the other side shows to you.")] = False,
    yaml: Annotated[Path | None, typer.Option(help="Write the policy as text into this file too.")] = None,
    at: AtOption = None,
    nomination: Annotated[
        Nomination, typer.Option(help="For accounts nominated by: none, mine (you), theirs, both.")
    ] = Nomination.NONE,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the policy in force, and as a picture what it and the other side's policy let through.

    Each column is a group of cells, your segment x theirs, that are shown alike.
    """
    run = begin(context, home, as_json=as_json)
    when = moment_of(at) if at else run.environment.clock()
    with run.agent() as agent:
        found = opened(agent, room)
        owner = found.other.partner if theirs else found.me
        text = policy_text(agent, found, owner)
    if yaml is not None:
        write_file(yaml, (text or "# No policy yet: nothing leaves but counts.\n").encode())
    sides = found.sides(owner)
    parts = columns(sides, when, MIRRORED[nomination] if theirs else nomination)
    parts = swapped(parts) if theirs else parts
    run.out.result(
        {
            "room": found.id,
            "owner": owner,
            "at": when.isoformat(),
            "nomination": nomination.value,
            "version": found.policies[owner][-1].document.version if found.policies.get(owner) else 0,
            "digest": found.policy_digest(owner),
            "yaml": text,
            "shown": picture_document(parts),
        },
        *_heading(found, owner, when if at else None),
        *picture(parts, sides),
    )


def policy_text(agent: Agent, room: Room, owner: PartnerId) -> str | None:
    """A policy in force as YAML: mine as it was typed, the other side's as written from its document."""
    policy = room.policy(owner)
    if policy is None:
        return None
    typed = drafts.typed(agent, room.id, room.policies[owner][-1].document.version) if owner == room.me else None
    return typed or write_policy(policy, partners=partner_names(agent, room))


def _heading(room: Room, owner: PartnerId, when: datetime | None) -> list[RenderableType]:
    names = {member.partner: printable(member.name) for member in room.terms.members}
    other = next(name for partner, name in names.items() if partner != owner)
    rows: list[tuple[str, RenderableType]] = [(names[partner], _state(room, partner)) for partner in names]
    on = f", on {moment_words(when)}" if when else ""
    title = f"{printable(room.terms.title)}: what {names[owner]} shows to {other}{on}"
    return [Text(title, style="bold"), facts(rows)]


def _state(room: Room, partner: PartnerId) -> str:
    chain = room.policies.get(partner)
    waiting = "; a change waits for its approval" if partner in room.proposals else ""
    if not chain:
        return f"no policy yet: nothing but counts{waiting}"
    newest = chain[-1]
    return f"policy version {newest.document.version}, in force since {moment_words(newest.since)}{waiting}"
