"""The overlap report on the screen, for scripts, and as a table for spreadsheets."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cleanroom.agent.agreed import Agreement
from cleanroom.agent.overlap import Overlap, Side
from cleanroom.cli.agreed_view import agreement_document, agreement_screen, cell_mark
from cleanroom.cli.numbers import (
    below_words,
    cell_words,
    change_words,
    detail_words,
    meaning_words,
    mode_words,
    sum_words,
    total_words,
    withheld_cell_words,
)
from cleanroom.cli.output import bullets, error_document, facts, printable, table
from cleanroom.cli.words import ago, day, label_words, until
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.vocabulary import RoomId

CSV_COLUMNS = (
    *("room", "title", "answer", "edge", "partner", "my_segment", "their_segment", "companies", "withheld", "change"),
    *("mode", "opened", "low", "high", "change_within_noise"),
)
"""`companies` with those opened among them, truly from `low` to `high` 95 times of 100."""

SIZES = "Sizes of lists are bands here. The other side's agent knows the exact size of yours, as yours knows theirs."

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A room without an overlap to show, and why."""

    room: RoomId
    title: str
    problem: CleanroomError


def document(
    found: Sequence[Overlap], waiting: Sequence[Unanswered], agreements: Sequence[Agreement] = ()
) -> dict[str, object]:
    """The reports for scripts: `cells[i][j]` is my segment i x their segment j, null where withheld.

    `between[i][j]` are the lowest and highest number that it stands for. `agreements`: for each room, what is agreed
    in it now.
    """
    return {
        "overlaps": [_overlap_document(item) for item in found],
        "agreements": [agreement_document(item) for item in agreements],
        "waiting": [
            {"room": item.room, "title": item.title, "problem": error_document(item.problem)} for item in waiting
        ],
    }


def _overlap_document(item: Overlap) -> dict[str, object]:
    size = range(len(item.segments))
    return {
        **asdict(item),
        "between": [[item.between(i, j) for j in size] for i in size],
        "rows": [asdict(item.total(row=i)) for i in size],
        "columns": [asdict(item.total(column=j)) for j in size],
        "total": asdict(item.total()),
        "shown": item.shown,
        "withheld": item.withheld,
    }


def withheld_words(item: Overlap) -> list[str]:
    """Why cells are withheld. Of those that the rule of the terms withholds it is not said which half of it did."""
    floor, words = item.floor, []
    if item.withheld > len(item.by_policy) and item.rule.scale:
        words.append(
            f"{below_words(item).capitalize()}: with its noise, the number is below what the mode shows. It may be 0."
        )
    elif item.withheld > len(item.by_policy):
        words.append(
            f"Withheld: fewer than {floor} companies are in the cell, or fewer than {floor} of a segment are outside "
            "it. Which of the two is not said."
        )
    if item.by_policy:
        words.append("By policy: a policy of one side shows no number in this cell.")
    return words


def overlap_screen(item: Overlap, now: datetime, agreed: Agreement | None = None) -> list[RenderableType]:
    """One report: the matrix and what it needs to be understood; `agreed` is what is agreed in the room now."""
    mine, theirs = printable(item.mine.name), printable(item.theirs.name)
    heading = f"\n{printable(item.title)}: {mine} (rows) x {theirs} (columns)"
    parts: list[RenderableType] = [Text(heading, style="bold"), _matrix(item, agreed)]
    rows: list[tuple[str, RenderableType]] = [
        ("Sum", sum_words(item)),
        ("Counting", mode_words(item)),
        (mine, side_words(item.mine, item, now)),
        (theirs, side_words(item.theirs, item, now)),
        ("Answer", f"number {item.number}{_why(item)}, {ago(item.edge, now)} ({item.edge})"),
        ("Next answer", next_words(item, now)),
    ]
    parts += [facts(rows), *_details(item)]
    notes = [*withheld_words(item), *meaning_words(item), SIZES]
    parts += [Text(words, style="dim") for words in notes]
    return parts + (agreement_screen(agreed, now) if agreed else [])


def side_words(side: Side, item: Overlap, now: datetime) -> str:
    """A list's size and freshness in words."""
    segments = ", ".join(
        f"{label_words(segment)} {size}" for segment, size in zip(item.segments, side.segments, strict=True)
    )
    return f"{side.size} entries ({segments}); pushed {ago(side.committed, now)}"


def history_screen(found: Sequence[Overlap]) -> list[RenderableType]:
    """All answers, oldest first, a line for each, a table for each room."""
    parts: list[RenderableType] = []
    for room in dict.fromkeys(item.room for item in found):
        answers = [item for item in found if item.room == room]
        segments = answers[-1].segments
        pairs = [(i, j) for i in range(len(segments)) for j in range(len(segments))]
        headers = [f"{label_words(segments[i])}\nx {label_words(segments[j])}" for i, j in pairs]
        newest = answers[-1]
        shown = table(
            "Answer",
            "At",
            *headers,
            "Shown",
            right=range(2, len(pairs) + 3),
        )
        for item in answers:
            cells = [_cell(item, i, j, changed=False) for i, j in pairs]
            shown.add_row(str(item.number), item.edge, *cells, total_words(item, item.total()))
        title = f"\n{printable(newest.title)}: mine x {printable(newest.theirs.name)}'s"
        parts += [Text(title, style="bold"), shown]
    return parts


def unanswered_line(item: Unanswered) -> RenderableType:
    """A room that has no overlap yet."""
    return Text(f"\n{printable(item.title)}: {printable(str(item.problem))}")


def csv_text(found: Sequence[Overlap]) -> str:
    """A line for each cell. Text that a spreadsheet would take for a formula gets an apostrophe in front."""
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(CSV_COLUMNS)
    for item in found:
        for i, mine in enumerate(item.segments):
            for j, theirs in enumerate(item.segments):
                number, change, between = item.cells[i][j], item.change[i][j], item.between(i, j)
                low, high = between or ("", "")
                writer.writerow(
                    (
                        *(item.room, _neutral(item.title), item.number, item.edge, _neutral(item.theirs.name)),
                        *(mine, theirs, "" if number is None else number, "yes" if number is None else "no"),
                        "" if change is None else change,
                        *(item.mode, item.opened_in(i, j), low, high),
                        "yes" if (i, j) in item.within_noise else "no",
                    )
                )
    return sink.getvalue()


def next_words(item: Overlap, now: datetime) -> str:
    """When the next answer comes."""
    if item.next_answer is None and item.caps == "budget":
        return "none is in sight: cleanroom counting show says what it waits for"
    if item.next_answer is None:
        return "after the next push of either side"
    return f"{day(item.next_answer)}, {until(item.next_answer, now)} ({item.next_answer}), if either list changes"


def _why(item: Overlap) -> str:
    return ", a correction" if item.correction else ""


def _matrix(item: Overlap, agreed: Agreement | None) -> Table:
    size = range(len(item.segments))
    shown = table("mine \\ theirs", *map(label_words, item.segments), "sum", right=range(1, len(size) + 2))
    # Terms may have changed since the answer; then its cells are not those that are agreed now.
    marked = agreed if agreed and agreed.segments == item.segments else None
    for i in size:
        cells = [_cell(item, i, j, changed=True) for j in size]
        if marked:
            cells = [cell + cell_mark(marked.cells[i][j], marked.partner) for j, cell in zip(size, cells, strict=True)]
        shown.add_row(label_words(item.segments[i]), *cells, total_words(item, item.total(row=i)))
    sums = [total_words(item, item.total(column=j)) for j in size]
    shown.add_section()
    shown.add_row("sum", *sums, total_words(item, item.total()))
    return shown


def _cell(item: Overlap, i: int, j: int, *, changed: bool) -> Text:
    words = cell_words(item, i, j)
    if not words:
        return Text(withheld_cell_words(item, i, j), style="dim")
    text = Text(words, style="bold")
    if changed and (moved := change_words(item, i, j)):
        change = item.change[i][j]
        text += Text(f" ({moved})", style="dim" if not change else "green" if change > 0 else "red")
    return text


def _details(item: Overlap) -> list[RenderableType]:
    """What each noisy number means; exact ones mean what they say."""
    size = range(len(item.segments))
    lines = [
        f"{label_words(item.segments[i])} x {label_words(item.segments[j])}: {detail_words(item, i, j)}"
        for i in size
        for j in size
        if item.rule.scale and item.cells[i][j] is not None
    ]
    return [bullets(lines)] if lines else []


def _neutral(text: str) -> str:
    shown = printable(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
