"""What is agreed, on the screen and on the page."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

from rich.console import Console, RenderableType

from cleanroom.agent.agreed import Agreement, Cell, CellState
from cleanroom.agent.overlap import Overlap, Side
from cleanroom.agent.waiting import Waiting
from cleanroom.cli.agreed_view import agreement_document, agreement_words, mark_words
from cleanroom.cli.html.page import page
from cleanroom.cli.overlap_view import overlap_screen
from cleanroom.domain.vocabulary import RoomId

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ROOM = RoomId("ab" * 16)
HOSTILE = "<script>\u202e\x1b[31m[bold]Globex"
SEGMENTS = ("customers", "prospects")


def cell(mine: str, theirs: str, state: CellState, opened: int = 0) -> Cell:
    return Cell(mine=mine, theirs=theirs, state=state, opened=opened)


AGREED = Agreement(
    room=ROOM,
    title="Acme x Globex",
    partner="Globex",
    epoch=0,
    segments=SEGMENTS,
    my_policy=2,
    their_policy=1,
    cells=(
        (
            cell("customers", "customers", CellState.AGREED, 7),
            cell("customers", "prospects", CellState.WAITS_FOR_ME),
        ),
        (
            cell("prospects", "customers", CellState.WAITS_FOR_THEM),
            cell("prospects", "prospects", CellState.WAITS_FOR_BOTH),
        ),
    ),
    waits=(Waiting(what="Globex asks for amount.", mine=True, since="2026-07-01T10:00:00Z"),),
)


def side(name: str) -> Side:
    return Side(name=name, committed="2026-07-01T11:58:00Z", size="100 to 200", segments=("50 to 100", "50 to 100"))


OVERLAP = Overlap(
    room=ROOM,
    title="Acme x Globex",
    number=2,
    epoch=0,
    edge="2026-07-01T11:00:00Z",
    floor=10,
    segments=SEGMENTS,
    cells=((1_234, None), (None, 12)),
    change=((12, None), (None, None)),
    mine=side("Acme"),
    theirs=side("Globex"),
    next_answer=None,
    by_policy=((1, 0),),
)


def shown(parts: list[RenderableType], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_picture_marks_cells_and_the_words_say_what_to_do() -> None:
    text = " ".join(shown(overlap_screen(OVERLAP, NOW, AGREED)).replace("│", " ").split())
    assert "agreed, 7 open" in text
    assert "customers x customers: 7 opened" in text
    assert "Waits for you customers x prospects; Globex would show it, you don't yet: cleanroom policy propose" in text
    assert "Waits for Globex prospects x customers; you would show it, they don't yet: cleanroom policy req" in text
    assert "Globex asks for amount. (2 hours ago)" in text


def test_who_has_no_policy_is_told_to_begin_one() -> None:
    words = dict(agreement_words(replace(AGREED, my_policy=None)))
    assert "cleanroom policy init" in words["Waits for you"]


def test_a_cell_that_a_policy_withholds_says_so() -> None:
    text = shown(overlap_screen(OVERLAP, NOW))
    assert text.count("by policy") == 1
    assert "By policy: a policy of one side shows no number in this cell." in text
    only_policy = replace(OVERLAP, cells=((1, 2), (None, 3)))
    assert "fewer than" not in shown(overlap_screen(only_policy, NOW))


def test_marks_are_of_now_and_not_of_an_answer_under_other_terms() -> None:
    other = replace(AGREED, segments=("customers", "others"))
    assert "7 open" not in shown(overlap_screen(OVERLAP, NOW, other)[:2])


def test_many_cells_are_counted_not_listed() -> None:
    names = tuple(f"segment_{i}" for i in range(4))
    mixed = [[CellState.WAITS_FOR_ME] * 4 for _ in range(4)]
    mixed[0][0] = CellState.WAITS_FOR_BOTH
    cells = tuple(tuple(cell(a, b, mixed[i][j]) for j, b in enumerate(names)) for i, a in enumerate(names))
    words = dict(agreement_words(replace(AGREED, segments=names, cells=cells)))
    assert "; 12 more; Globex would" in words["Waits for you"]


def test_a_long_name_of_a_partner_does_not_widen_the_picture() -> None:
    assert mark_words(AGREED.cells[1][0], "A very long name of a company") == "waits for them"


def test_names_of_others_are_harmless_on_screen_and_page() -> None:
    hostile = replace(AGREED, partner=HOSTILE, waits=(Waiting(what=HOSTILE, mine=False, since=None),))
    text = shown(overlap_screen(OVERLAP, NOW, hostile))
    html = page([OVERLAP], [], NOW, {ROOM: hostile})
    seen: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, _: seen.append(tag)  # type: ignore[method-assign,assignment]  # what it is for
    parser.feed(html)
    assert "script" not in seen
    for made in (text, html):
        assert not {"\x1b", "\u202e"} & set(made)
        assert "Globex" in made


def test_the_page_has_the_marks_only_beside_the_newest_answer() -> None:
    older = replace(OVERLAP, number=1)
    html = page([older, OVERLAP], [], NOW, {ROOM: AGREED})
    assert html.count("Agreed to open") == 1
    assert html.count('class="mark agreed"') == 1
    assert html.index("Agreed to open") < html.index("Answer 1,")


def test_scripts_get_the_state_of_every_cell() -> None:
    found = agreement_document(AGREED)
    assert found["opened"] == 7
    cells = found["cells"]
    assert isinstance(cells, tuple)
    assert [[item["state"] for item in row] for row in cells] == [
        ["agreed", "waits_for_me"],
        ["waits_for_them", "waits_for_both"],
    ]
