"""Requests of both sides, on the screen and for scripts. Their words are people's, and some are the other side's."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.notices import Said
from cleanroom.agent.rooms import Room
from cleanroom.cli.output import printable, table
from cleanroom.cli.policy_words import Cell, cells_words, moment_words
from cleanroom.domain.vocabulary import Form, PartnerId
from cleanroom.messages.documents import moment
from cleanroom.messages.notices import Wish


def wish_words(wishes: Sequence[Wish], room: Room, *, by: PartnerId) -> str:
    """What is asked for by that partner; cells as this one says them, (mine, theirs)."""
    segments = room.terms.segments
    asked: dict[tuple[str, Form], list[Cell]] = {}
    for wish in wishes:
        every = [(mine, theirs) for mine in segments for theirs in segments]
        cells = [wish.segments if by != room.me else wish.segments[::-1]] if wish.segments else every
        asked.setdefault((wish.field, wish.form), []).extend((mine, theirs) for mine, theirs in cells)
    return "\n".join(
        printable(f"{field} {form}: {cells_words(set(cells), segments)}") for (field, form), cells in asked.items()
    )


def requests_screen(found: Sequence[Said], room: Room) -> list[RenderableType]:
    """A line for each request; nothing where there is none."""
    if not found:
        return []
    shown = table("Asked by", "At", "For", "Note")
    for item in found:
        name = printable(room.terms.member(item.by).name)
        note = "(cannot be read)" if item.text is None else printable(item.text)
        wishes = wish_words(item.wishes, room, by=item.by)
        shown.add_row(name, moment_words(moment(item.created)), wishes, note)
    return [Text("\nRequests", style="bold"), shown]


def request_document(item: Said) -> dict[str, object]:
    """A request for scripts. `segments` of a wish: of whom it asks, then of who asks."""
    return {
        "by": item.by,
        "number": item.number,
        "created": item.created,
        "text": item.text,
        "wishes": [wish.model_dump(mode="json") for wish in item.wishes],
    }
