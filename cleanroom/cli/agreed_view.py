"""What is agreed in a room, beside the overlap: on the screen, and for scripts. The page's part is in `html.page`."""

from dataclasses import asdict
from datetime import datetime
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.agreed import Agreement, Cell, CellState
from cleanroom.agent.waiting import Waiting
from cleanroom.cli.output import bullets, facts, printable
from cleanroom.cli.words import ago, counted, label_words

_STYLE: Final = {CellState.AGREED: "green", CellState.WAITS_FOR_ME: "yellow", CellState.WAITS_FOR_THEM: "dim"}
_LONGEST_NAME: Final = 12
_MOST_NAMES: Final = 3


def agreement_document(item: Agreement) -> dict[str, object]:
    """What is agreed, for scripts: `cells[i][j]` is my segment i x their segment j."""
    return {**asdict(item), "opened": item.opened}


def agreement_screen(item: Agreement, now: datetime) -> list[RenderableType]:
    """Which cells are agreed, which wait for whom, and what else waits."""
    rows: list[tuple[str, RenderableType]] = [(name, Text(words)) for name, words in agreement_words(item)]
    parts: list[RenderableType] = [Text("\nAgreed to open", style="bold"), facts(rows)]
    if item.waits:
        parts.append(bullets([wait_words(wait, now) for wait in item.waits]))
    return parts


def agreement_words(item: Agreement) -> list[tuple[str, str]]:
    """Headings and sentences: agreed cells with what was opened of them, then those that wait for somebody."""
    agreed, mine, theirs = map(item.of, (CellState.AGREED, CellState.WAITS_FOR_ME, CellState.WAITS_FOR_THEM))
    partner, room = printable(item.partner), item.room[:8]
    found = [("Agreed", _agreed_words(agreed, item) if agreed else "no cell: only counts are shown")]
    if mine:
        how = f"cleanroom policy propose {room} FILE" if item.my_policy else f"cleanroom policy init {room}"
        found.append(("Waits for you", f"{_names(mine, item)}; {partner} would show it, you don't yet: {how}"))
    if theirs:
        how = f"cleanroom policy request {room}"
        found.append((f"Waits for {partner}", f"{_names(theirs, item)}; you would show it, they don't yet: {how}"))
    if not (agreed or mine or theirs):
        found.append(("To go on", f"write a policy: cleanroom policy init {room}"))
    return found


def cell_mark(cell: Cell, partner: str) -> Text:
    """What stands in the matrix below a cell's number; nothing where neither side would show it."""
    words = mark_words(cell, partner)
    return Text(f"\n{words}", style=_STYLE[cell.state]) if words else Text()


def mark_words(cell: Cell, partner: str) -> str:
    """The state of a cell in two or three words."""
    match cell.state:
        case CellState.AGREED:
            return f"agreed, {cell.opened:,} open" if cell.opened else "agreed"
        case CellState.WAITS_FOR_ME:
            return "waits for you"
        case CellState.WAITS_FOR_THEM:
            name = printable(partner)
            return f"waits for {name if len(name) <= _LONGEST_NAME else 'them'}"
        case CellState.WAITS_FOR_BOTH:
            return ""


def wait_words(wait: Waiting, now: datetime) -> str:
    """What is waited for, and since when."""
    return f"{wait.what} ({ago(wait.since, now)})" if wait.since else wait.what


def _agreed_words(cells: tuple[Cell, ...], item: Agreement) -> str:
    opened = [f"{_name(cell)}: {cell.opened:,} opened" for cell in cells if cell.opened]
    if not opened:
        return f"{_names(cells, item)}; nothing opened yet in this epoch"
    rest = len(cells) - len(opened)
    others = [f"{counted(rest, 'other cell')}: none"] if rest else []
    return f"{'; '.join([*opened, *others])}. {counted(item.opened, 'match', 'matches')} verified in this epoch"


def _names(cells: tuple[Cell, ...], item: Agreement) -> str:
    if len(cells) == len(item.segments) ** 2:
        return "every cell"
    names = "; ".join(_name(cell) for cell in cells[:_MOST_NAMES])
    return names if len(cells) <= _MOST_NAMES else f"{names}; {len(cells) - _MOST_NAMES} more"


def _name(cell: Cell) -> str:
    return f"{label_words(cell.mine)} x {label_words(cell.theirs)}"
