"""A policy's file: reading it for a room, and what the commands about policies have in common."""

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cleanroom.agent.partners import directory
from cleanroom.agent.rooms import Room, find_id, open_room
from cleanroom.agent.session import Agent
from cleanroom.cli.output import printable
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.policy_chain import ground_of
from cleanroom.messages.policy_text import PolicyTextRefused, read_policy
from cleanroom.messages.strict_yaml import MOST_BYTES
from cleanroom.policy.model import Policy

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A policy as YAML.")]
AtOption = Annotated[str | None, typer.Option("--at", help="A date or a moment. (default: now)", metavar="DATE")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A policy with the words that it was typed in."""

    policy: Policy
    yaml: str


def opened(agent: Agent, room: str) -> Room:
    """The room of that name, checked, with terms that are signed.

    Raises:
        UnknownRoom, RoomNotActive: if there is none, or nobody signed it yet.
    """
    found = open_room(agent, find_id(agent, room))
    found.require_active()
    return found


def partner_names(agent: Agent, room: Room) -> dict[str, PartnerId]:
    """The names by which a policy's rules may call others: the other member, and everybody who was confirmed."""
    confirmed = {partner.name: partner.id for partner in directory(agent) if partner.confirmed}
    return {**confirmed, room.other.name: room.other.partner}


def read_typed(agent: Agent, room: Room, path: Path) -> Typed:
    """This partner's policy in a file, checked against the room's fields and segments.

    Raises:
        PolicyTextRefused: saying line and column of everything that is wrong.
        InputRefused: if the file cannot be read.
    """
    data = read_bytes(path, MOST_BYTES + 1)
    policy = read_policy(data, owner=room.me, partners=partner_names(agent, room), ground=ground_of(room.terms))
    return Typed(policy=policy, yaml=data.decode("utf-8-sig"))


def read_wanted(agent: Agent, room: Room, path: Path) -> Typed:
    """The same for commands that want a policy and no report: the first thing that is wrong, and how many more are.

    Raises:
        PolicyTextRefused, InputRefused: see there.
    """
    try:
        return read_typed(agent, room, path)
    except PolicyTextRefused as refused:
        first, *others = str(refused).splitlines()
        more = f", and {len(others)} more: cleanroom policy check says all" if others else ""
        raise PolicyTextRefused(f"{path.name}: {first}{more}") from None


def read_bytes(path: Path, most: int) -> bytes:
    """The file's first bytes, at most so many.

    Raises:
        InputRefused: if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise InputRefused(f"{path.name}: cannot be read ({error.strerror or type(error).__name__})") from None


def moment_of(text: str) -> datetime:
    """A moment as people write it; a date is its midnight in UTC.

    Raises:
        InputRefused: for anything else.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputRefused("date: such as 2026-12-31, or with a time such as 2026-12-31T17:00:00Z") from None
    return found.astimezone(UTC).replace(microsecond=0) if found.tzinfo else found.replace(tzinfo=UTC, microsecond=0)


def shell_word(text: str) -> str:
    """A name as it is typed in a shell, for commands that are shown."""
    return printable(shlex.quote(text))


def require_segment(room: Room, label: str | None) -> None:
    """Refuse a segment that the room does not have.

    Raises:
        InputRefused: naming those that it has.
    """
    if label is not None and label not in room.terms.segments:
        raise InputRefused(f"segment: one of {', '.join(room.terms.segments)}")
