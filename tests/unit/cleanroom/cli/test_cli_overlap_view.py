"""The overlap on the screen, as a page, as a table and for scripts: exact numbers, and those that carry noise."""

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

from rich.console import Console, RenderableType

from cleanroom.agent.overlap import NoAnswerYet, Overlap, Side
from cleanroom.cli.html.page import page
from cleanroom.cli.overlap_view import Unanswered, csv_text, document, history_screen, overlap_screen
from cleanroom.domain.vocabulary import CountingMode, RoomId

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> \u202eevil\x1b[31m & \"co\" 'x'"


def side(name: str) -> Side:
    return Side(name=name, committed="2026-07-01T11:58:00Z", size="100 to 200", segments=("50 to 100", "50 to 100"))


OVERLAP = Overlap(
    room=RoomId("ab" * 16),
    title="Acme x Globex",
    number=2,
    epoch=0,
    edge="2026-07-01T11:00:00Z",
    floor=10,
    segments=("customers", "open_opportunities"),
    cells=((1_234, None), (40, 12)),
    change=((12, None), (None, -3)),
    mine=side("Acme"),
    theirs=side("Globex"),
    next_answer="2026-07-02T11:00:00Z",
)


def shown(parts: list[RenderableType]) -> str:
    console = Console(file=io.StringIO(), width=100, markup=False, emoji=False, highlight=False)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_screen_says_what_is_shown_what_is_withheld_and_how_fresh_it_is() -> None:
    text = " ".join(shown(overlap_screen(OVERLAP, NOW)).split())
    assert "1,234 (+12)" in text
    assert "12 (-3)" in text
    assert "1,286 in the cells that are shown; 1 cell withheld" in text
    assert text.count("withheld") == 2
    assert "Withheld: fewer than 10 companies are in the cell, or fewer than 10 of a segment are outside it" in text
    assert "pushed 2 minutes ago" in text
    assert "in 23 hours" in text


def test_nothing_withheld_is_not_mentioned() -> None:
    text = shown(overlap_screen(replace(OVERLAP, cells=((1, 2), (3, 4))), NOW))
    assert "10 in the cells that are shown" in text
    assert "ithheld" not in text


def test_the_document_says_null_for_what_is_withheld() -> None:
    found = document([OVERLAP], [])
    assert found["overlaps"][0]["cells"] == ((1_234, None), (40, 12))  # type: ignore[index]  # a JSON document
    assert found["overlaps"][0]["withheld"] == 1  # type: ignore[index]  # a JSON document


def test_history_is_a_line_for_each_answer() -> None:
    text = shown(history_screen([replace(OVERLAP, number=1), OVERLAP]))
    assert text.count("1,234") == 2


def test_text_of_others_is_no_formula_in_a_spreadsheet() -> None:
    hostile = replace(OVERLAP, title="=HYPERLINK(1)", theirs=side("@SUM(A1)"))
    rows = list(csv.DictReader(io.StringIO(csv_text([hostile]))))
    assert len(rows) == 4
    assert {row["title"] for row in rows} == {"'=HYPERLINK(1)"}
    assert {row["partner"] for row in rows} == {"'@SUM(A1)"}
    assert [(row["companies"], row["withheld"], row["change"]) for row in rows[:2]] == [
        ("1234", "no", "12"),
        ("", "yes", ""),
    ]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_the_page_lets_nothing_that_others_wrote_become_markup() -> None:
    hostile = replace(OVERLAP, title=HOSTILE, theirs=side(HOSTILE), mine=side(HOSTILE))
    waits = Unanswered(room=RoomId("cd" * 16), title=HOSTILE, problem=NoAnswerYet(HOSTILE))
    text = page([hostile], [waits], NOW)
    tags = Tags()
    tags.feed(text)
    assert {"script", "link", "img", "iframe", "a"}.isdisjoint(tag for tag, _ in tags.seen)
    assert not any(name.startswith("on") or name in ("src", "href") for _, found in tags.seen for name in found)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;" in text


def test_the_page_needs_nothing_else() -> None:
    text = page([OVERLAP], [], NOW)
    assert not re.search(r"https?:|url\(|@import|//[a-z]", text)
    assert "default-src 'none'" in text


def test_the_page_is_a_table_that_a_screen_reader_can_read() -> None:
    tags = Tags()
    tags.feed(page([OVERLAP], [], NOW))
    scopes = [found.get("scope") for tag, found in tags.seen if tag == "th"]
    assert scopes.count("row") == 3 + 2
    assert None not in scopes
    assert [tag for tag, _ in tags.seen].count("caption") == 2


def test_the_pages_heat_is_the_share_of_the_largest_cell_and_none_where_withheld() -> None:
    tags = Tags()
    tags.feed(page([OVERLAP], [], NOW))
    cells = [found for tag, found in tags.seen if tag == "td" and found.get("class") in ("shown", "withheld")]
    assert [found.get("style") for found in cells] == ["--heat:100%", None, "--heat:3%", "--heat:1%"]


# ---- numbers with noise

NOISY = replace(
    OVERLAP,
    cells=((497, None), (40, 125)),
    opened=((412, 7), (0, 0)),
    change=((None, None), (30, None)),
    within_noise=((0, 0),),
    mode=CountingMode.STANDARD,
    caps="budget",
)


def test_a_noisy_number_says_what_it_means() -> None:
    text = " ".join(shown(overlap_screen(NOISY, NOW)).split())
    assert "412 opened + ~85 (within noise)" in text
    assert "~40 (+30)" in text
    assert "7 opened + below 20" in text
    assert "- customers x customers: 412 opened + about 85 (95 % between 67 and 103)" in text
    assert "- open opportunities x customers: about 40 (95 % between 22 and 58)" in text
    assert "Below 20: with its noise, the number is below what the mode shows. It may be 0." in text
    assert "standard: noise is added to each number (scale 6), which is shown from 20 on, in steps of 5" in text
    assert "The other side's agent knows the exact size of yours" in text
    assert "Thursday 2 July 2026, in 23 hours" in text


def test_sums_are_of_the_numbers_as_shown_with_a_width_of_their_own() -> None:
    total, column = NOISY.total(), NOISY.total(column=0)
    assert (total.number, total.opened, total.cells, total.withheld) == (412 + 85 + 7 + 40 + 125, 419, 3, 1)
    assert (total.low, total.high) == (total.number - 32, total.number + 32)  # sqrt(3) times 18, rounded up
    assert (column.number, column.low, column.high) == (537, 511, 563)
    text = " ".join(shown(overlap_screen(NOISY, NOW)).split())
    assert "419 opened + about 250 (95 % between 218 and 282) in the cells that are shown; 1 cell withheld" in text
    assert "412 opened + ~125" in text


def test_no_sum_is_less_than_what_was_opened() -> None:
    few = replace(NOISY, cells=((432, None), (None, None)))
    assert (few.total().low, few.between(0, 0)) == (421, (414, 450))
    assert replace(few, cells=((417, None), (None, None))).total().low == 419


def test_an_exact_number_beside_what_was_opened() -> None:
    exact = replace(NOISY, mode=CountingMode.EXACT, within_noise=())
    text = " ".join(shown(overlap_screen(exact, NOW)).split())
    assert "412 opened + 85" in text
    assert "~" not in text
    assert "7 opened + withheld" in text
    assert "669 in the cells that are shown, 419 of them opened; 1 cell withheld" in text


def test_the_table_has_the_range_and_the_mode() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text([NOISY]))))
    assert [(row["companies"], row["opened"], row["low"], row["high"], row["mode"]) for row in rows] == [
        ("497", "412", "479", "515", "standard"),
        ("", "7", "", "", "standard"),
        ("40", "0", "22", "58", "standard"),
        ("125", "0", "107", "143", "standard"),
    ]
    assert [row["change_within_noise"] for row in rows] == ["yes", "no", "no", "no"]


def test_the_document_has_ranges_and_margins() -> None:
    found = document([NOISY], [])["overlaps"][0]  # type: ignore[index]  # a JSON document
    assert found["between"] == [[(479, 515), None], [(22, 58), (107, 143)]]
    assert [row["number"] for row in found["rows"]] == [504, 165]
    assert (found["mode"], found["total"]["opened"]) == ("standard", 419)


def test_the_page_says_what_a_noisy_number_means() -> None:
    text = page([NOISY], [], NOW)
    assert "412 opened + about 85 (95 % between 67 and 103)" in text
    assert "within noise" in text
    assert "within noise since" not in text
    assert "7 opened + below 20" in text
    assert '<td class="total">412 opened + ~125</td>' in text


def test_a_budget_that_is_spent_says_where_to_look() -> None:
    text = shown(overlap_screen(replace(NOISY, next_answer=None), NOW))
    assert "none is in sight: cleanroom counting show" in text
