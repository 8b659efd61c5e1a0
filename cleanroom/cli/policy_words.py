"""Contexts and forms as people read them: cells, roles, windows of time. Segments are pairs (mine, theirs)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from rich.text import Text

from cleanroom.cli.words import label_words
from cleanroom.domain.fields import Field, Reduction
from cleanroom.domain.vocabulary import Form, Nomination, Role
from cleanroom.messages.documents import instant
from cleanroom.policy.model import LEVEL
from cleanroom.policy.places import Place, Window

Cell = tuple[str, str]

_FEW: Final = 2
"""So many cells that are left out are said, rather than the others."""

_STYLES: Final = {
    Form.HIDDEN: "dim",
    Form.COUNT: "",
    Form.EXISTS: "bold green",
    Form.REDUCED: "yellow",
    Form.FULL: "bold green",
}
_REDUCED: Final = {
    Reduction.NONE: "reduced",
    Reduction.BANDED: "band",
    Reduction.EMAIL_DOMAIN: "domain",
    Reduction.INITIALS: "initials",
    Reduction.QUARTER: "quarter",
    Reduction.HASHED: "hash",
}
_NOMINATED: Final = {
    Nomination.NONE: "not nominated",
    Nomination.MINE: "nominated by the owner",
    Nomination.THEIRS: "nominated by the recipient",
    Nomination.BOTH: "nominated by both",
}


def form_words(form: Form, entry: Field | None) -> str:
    """A form; a reduced one is named by what is left of the value. `entry` is None for `account`."""
    return _REDUCED[entry.reduced] if entry is not None and form is Form.REDUCED else str(form)


def form_text(form: Form, entry: Field | None) -> Text:
    """The same with its colour, for tables in which most is hidden."""
    return Text("-" if form is Form.HIDDEN else form_words(form, entry), style=_STYLES[form])


def step_texts(before: Form, after: Form, entry: Field | None) -> tuple[Text, Text]:
    """A form and the one that follows it: red where more is shown, green where less is."""
    style = "red" if LEVEL[after] > LEVEL[before] else "green"
    return Text(form_words(before, entry)), Text(form_words(after, entry), style=style)


def cell_words(cell: Cell) -> str:
    """A cell: "customers x prospects"."""
    return f"{label_words(cell[0])} x {label_words(cell[1])}"


def cells_words(cells: Collection[Cell], segments: Sequence[str]) -> str:
    """Several cells, those of a whole row together: "customers x any; prospects x customers"."""
    every = [(mine, theirs) for mine in segments for theirs in segments]
    others = [cell for cell in every if cell not in cells]
    if not others:
        return "every cell"
    if len(others) <= _FEW < len(every) - len(others):
        return f"every cell but {cells_words(others, segments)}"
    parts = []
    for mine in segments:
        row = [theirs for theirs in segments if (mine, theirs) in cells]
        if len(row) == len(segments) > 1:
            parts.append(f"{label_words(mine)} x any")
        elif row:
            parts.append(f"{label_words(mine)} x {', '.join(map(label_words, row))}")
    return "; ".join(parts)


def roles_words(roles: Collection[Role]) -> str:
    """Roles of the other side's users; "" for all of them."""
    if len(roles) == len(Role):
        return ""
    if len(roles) == len(Role) - 1:
        return f"all but {next(label_words(role) for role in Role if role not in roles)}"
    return ", ".join(label_words(role) for role in Role if role in roles)


def place_words(place: Place, segments: Sequence[str], now: datetime) -> str:
    """Where something changes; what holds for everything is not said."""
    parts = [cells_words(place.cells, segments), roles_words(place.roles)]
    if len(place.nominations) < len(Nomination):
        parts.append(" or ".join(_NOMINATED[each] for each in place.nominations))
    windows = [words for window in place.windows if (words := window_words(window, now))]
    parts.append(", ".join(windows))
    return "; ".join(part for part in parts if part)


def window_words(window: Window, now: datetime) -> str:
    """A window of time; "" from now on for good."""
    begins, ends = window
    start = f"from {moment_words(begins)}" if begins > now else ""
    end = f"until {moment_words(ends)}" if ends else ""
    return " ".join(part for part in (start, end) if part)


def moment_words(at: datetime) -> str:
    """A moment in UTC, without what is zero; a midnight is its date alone."""
    date, time = instant(at).removesuffix("Z").split("T")
    return date if time == "00:00:00" else f"{date} {time.removesuffix(':00')} UTC"
