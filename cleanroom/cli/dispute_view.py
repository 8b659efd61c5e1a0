"""The disputes of a room, as people read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent import notices
from cleanroom.agent.account_names import AccountNames, spoken
from cleanroom.agent.disputes import disputes
from cleanroom.agent.kept import accounts_of_match
from cleanroom.agent.notices import Said
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.cli.output import printable, table
from cleanroom.cli.words import ago


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One dispute. `reason` and `resolution` are None where the words cannot be read, or there are none."""

    number: int
    by: str
    mine: bool
    created: str
    open: bool
    reason: str | None
    resolution: str | None
    accounts: tuple[dict[str, str], ...]


def listed(agent: Agent, room: Room) -> list[Listed]:
    """The disputes of both sides, oldest first."""
    said, names = notices.said(agent, room), AccountNames.of(agent)
    return [
        Listed(
            number=item.number,
            by=room.terms.member(item.by).name,
            mine=item.by == room.me,
            created=item.created,
            open=item.is_open,
            reason=item.text,
            resolution=None if item.is_open else _resolution(item, said),
            accounts=tuple({"account": spoken(each), "name": names.name(each)} for each in _about(agent, room, item)),
        )
        for item in said
        if item.kind == "dispute"
    ]


def disputes_screen(found: Sequence[Listed], now: datetime) -> RenderableType:
    """A line for each."""
    shown = table("No", "By", "When", "Your accounts", "Reason", "State", right=(0,))
    for item in found:
        accounts = ", ".join(each["name"] or each["account"] for each in item.accounts)
        settled = f"resolved: {item.resolution}" if item.resolution else "resolved"
        state = Text("open", style="red") if item.open else Text(printable(settled))
        words = map(printable, (item.by, ago(item.created, now), accounts, item.reason or "-"))
        shown.add_row(str(item.number), *words, state)
    return shown


def _resolution(item: Said, said: Sequence[Said]) -> str | None:
    """What the side that disputed said when it was settled: its first resolution after that."""
    later = (each for each in said if each.kind == "resolution" and (each.by, each.match) == (item.by, item.match))
    return next((each.text for each in later if each.number > item.number), None)


def _about(agent: Agent, room: Room, item: Said) -> tuple[str, ...]:
    """My accounts that it is about, as far as this agent remembers."""
    held = [each.accounts for each in disputes(agent, room.id).open if (each.by, each.number) == (item.by, item.number)]
    if held or item.match is None:
        return held[0] if held else ()
    pair = (item.match.epoch, item.match.mine.hex(), item.match.theirs.hex())
    return accounts_of_match(agent, room.id, pair) or ()
