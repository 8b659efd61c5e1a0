"""Overlaps as one page: nothing in it is loaded from anywhere, and everything that others wrote is escaped.

The frame is `page.html`; the parts are put together here. Text passes `safe`; no other way leads into the page.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cleanroom.agent.agreed import Agreement, Cell
from cleanroom.agent.overlap import Overlap, Side
from cleanroom.cli.agreed_view import agreement_words, mark_words, wait_words
from cleanroom.cli.html.frame import framed, safe
from cleanroom.cli.numbers import (
    cell_words,
    change_words,
    detail_words,
    meaning_words,
    mode_words,
    sum_words,
    total_words,
    withheld_cell_words,
)
from cleanroom.cli.overlap_view import SIZES, Unanswered, next_words, withheld_words
from cleanroom.cli.words import ago, label_words
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import instant


def page(
    found: Sequence[Overlap],
    waiting: Sequence[Unanswered],
    now: datetime,
    agreed: Mapping[RoomId, Agreement] | None = None,
) -> str:
    """The page's text (UTF-8 when written). `agreed`: what is agreed in the rooms now, beside their newest answers."""
    one = found[0] if len({item.room for item in found}) == 1 else None
    title = f"Overlap: {one.mine.name} and {one.theirs.name}" if one else "Overlap report"
    newest = {item.room: item.number for item in found}
    reports = [
        _report(item, now, (agreed or {}).get(item.room) if item.number == newest[item.room] else None)
        for item in reversed(found)
    ] + [_waiting(item) for item in waiting]
    return framed("page.html", title=safe(title), made=safe(instant(now)), reports="\n".join(reports))


def _report(item: Overlap, now: datetime, agreed: Agreement | None) -> str:
    notes = (*withheld_words(item), *meaning_words(item))
    said = "".join(f'<p class="soft">{safe(words)}</p>' for words in notes)
    return f"""<section>
<h2>{safe(item.title)}</h2>
<p class="soft">Answer {item.number}, computed {safe(ago(item.edge, now))} ({safe(item.edge)}).
Next answer: {safe(next_words(item, now))}.</p>
<p class="sum">Sum: <strong>{safe(sum_words(item))}</strong></p>
<p class="soft">Counting: {safe(mode_words(item))}.</p>
<div class="wide">{_matrix(item, agreed)}</div>
{said}
{_agreed(agreed, now) if agreed else ""}
{_lists(item, now)}
</section>"""


def _agreed(item: Agreement, now: datetime) -> str:
    facts = "".join(f"<li><strong>{safe(name)}:</strong> {safe(words)}</li>" for name, words in agreement_words(item))
    waits = "".join(f"<li>{safe(wait_words(wait, now))}</li>" for wait in item.waits)
    return f"<h3>Agreed to open</h3><ul>{facts}{waits}</ul>"


def _matrix(item: Overlap, agreed: Agreement | None) -> str:
    largest = max((cell for row in item.cells for cell in row if cell is not None), default=0)
    columns = "".join(
        f'<th scope="col">{safe(label_words(segment))}<small>theirs</small></th>' for segment in item.segments
    )
    lines = []
    # Terms may have changed since the answer; then its cells are not those that are agreed now.
    marked = agreed if agreed and agreed.segments == item.segments else None
    for i, segment in enumerate(item.segments):
        made = "".join(
            _cell(item, (i, j), largest, _mark(marked.cells[i][j], marked) if marked else "")
            for j in range(len(item.segments))
        )
        total = f'<td class="total">{safe(total_words(item, item.total(row=i)))}</td>'
        lines.append(f'<tr><th scope="row">{safe(label_words(segment))}<small>yours</small></th>{made}{total}</tr>')
    sums = "".join(
        f'<td class="total">{safe(total_words(item, item.total(column=j)))}</td>' for j in range(len(item.segments))
    )
    whole = f'<td class="total">{safe(total_words(item, item.total()))}</td>'
    lines.append(f'<tr><th scope="row">sum</th>{sums}{whole}</tr>')
    caption = f"Companies by segment: {item.mine.name} in rows, {item.theirs.name} in columns"
    return (
        f'<table class="heat"><caption>{safe(caption)}</caption>'
        f'<thead><tr><td class="corner"></td>{columns}<th scope="col">sum</th></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _cell(item: Overlap, at: tuple[int, int], largest: int, mark: str) -> str:
    number, change = item.cells[at[0]][at[1]], item.change[at[0]][at[1]]
    if number is None:
        return f'<td class="withheld"><span>{safe(withheld_cell_words(item, *at))}</span>{mark}</td>'
    heat = round(100 * number / largest) if largest else 0
    words = change_words(item, *at)
    direction = "soft" if not change else "more" if change > 0 else "less"
    since = "" if at in item.within_noise else " since last answer"
    changed = f'<span class="{direction}">{safe(words)}{since}</span>' if words else ""
    means = f'<small class="means">{safe(detail_words(item, *at))}</small>' if item.rule.scale else ""
    return f'<td class="shown" style="--heat:{heat}%"><b>{safe(cell_words(item, *at))}</b>{means}{changed}{mark}</td>'


def _mark(cell: Cell, item: Agreement) -> str:
    words = mark_words(cell, item.partner)
    return f'<span class="mark {cell.state.value}">{safe(words)}</span>' if words else ""


def _lists(item: Overlap, now: datetime) -> str:
    segments = "".join(f'<th scope="col">{safe(label_words(segment))}</th>' for segment in item.segments)
    return (
        '<div class="wide"><table class="lists"><caption>The lists behind it</caption><thead><tr>'
        f'<th scope="col">List</th><th scope="col">Pushed</th><th scope="col">Entries</th>{segments}</tr></thead>'
        f"<tbody>{_list(item.mine, now)}{_list(item.theirs, now)}</tbody></table></div>"
        f'<p class="soft">{safe(SIZES)}</p>'
    )


def _list(side: Side, now: datetime) -> str:
    bands = "".join(f"<td>{safe(band)}</td>" for band in side.segments)
    return (
        f'<tr><th scope="row">{safe(side.name)}</th><td>{safe(ago(side.committed, now))}<br>'
        f'<span class="soft">{safe(side.committed)}</span></td><td>{safe(side.size)}</td>{bands}</tr>'
    )


def _waiting(item: Unanswered) -> str:
    return f"<section><h2>{safe(item.title)}</h2><p>{safe(str(item.problem))}</p></section>"
