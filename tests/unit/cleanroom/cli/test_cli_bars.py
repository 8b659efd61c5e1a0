import io

from rich.console import Console

from cleanroom.cli.bars import Bars

ROWS = 1_000_000


def drawn(bars: Bars) -> str:
    out = io.StringIO()
    shown = bars._shown  # noqa: SLF001 - the live display draws at moments of its own
    assert shown is not None
    Console(file=out, width=80, no_color=True).print(shown.get_renderable())
    return out.getvalue().rstrip()


def test_a_stage_says_how_long_it_took_and_how_long_it_takes_still() -> None:
    now = [0.0]
    bars = Bars(Console(file=io.StringIO(), force_terminal=True, get_time=lambda: now[0]))
    for batch in (1, 2):  # the second of the same name starts over
        start = now[0]
        bars.show("blind", 0, ROWS)
        for tenth in (1, 2):
            now[0] = start + 30 * batch * tenth
            bars.show("blind", tenth * ROWS // 10, ROWS)
        line = drawn(bars)
        assert "200,000/1,000,000" in line
        took, left = line.split()[-2:]
        assert took == f"0:0{batch}:00"
        assert left == f"0:0{4 * batch}:00"
        bars.show("blind", ROWS, ROWS)
    bars.clear()


def test_nothing_is_drawn_where_nobody_looks() -> None:
    out = io.StringIO()
    bars = Bars(Console(file=out, force_terminal=False))
    bars.show("blind", 1, 2)
    bars.clear()
    assert not out.getvalue()
