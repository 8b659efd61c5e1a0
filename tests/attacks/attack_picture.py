"""Precision of the strongest attack by number of answers, as SVG: one line for each mode, its ceiling and its limit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.attacks.catalogue import LIMITS, OWNER_YEAR, PAIR_YEAR
from tests.attacks.model import Measured

WIDTH, HEIGHT = 860, 520
LEFT, RIGHT, TOP, BOTTOM = 78, 190, 84, 66
LOWEST, HIGHEST, MOST = 0.08, 0.32, 26
LINE = 20
STYLE: Final = """
    .page { fill: #ffffff; }
    .head { font-size: 19px; font-weight: 600; fill: #1d2229; }
    .text { font-size: 13.5px; fill: #1d2229; }
    .soft { font-size: 12.5px; fill: #59616c; }
    .grid { stroke: #d8dce1; stroke-width: 1; }
    .guide { stroke: #8a8f98; stroke-width: 1.5; stroke-dasharray: 5 5; }
    .line { fill: none; stroke-width: 2.5; }
    .ceiling { fill: none; stroke-width: 1.5; stroke-dasharray: 2 4; }
    .limit { stroke-width: 1.5; stroke-dasharray: 9 4; }
    .standard { stroke: #b26a00; } .standard-dot { fill: #b26a00; }
    .confidential { stroke: #2f7d57; } .confidential-dot { fill: #2f7d57; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; }
      .head, .text { fill: #e6edf3; }
      .soft { fill: #a3adb8; }
      .grid { stroke: #2b323b; }
      .guide { stroke: #767e89; }
      .standard { stroke: #e0a14a; } .standard-dot { fill: #e0a14a; }
      .confidential { stroke: #4fb286; } .confidential-dot { fill: #4fb286; }
    }
"""

Curves = Mapping[str, Mapping[int, Measured]]
"""Mode -> number of answers -> what the strongest attack reached."""
Ceilings = Mapping[str, Mapping[int, float]]


def picture(curves: Curves, ceilings: Ceilings) -> str:
    """SVG text."""
    told = "; ".join(
        f"{mode}: " + ", ".join(f"{found.mean:.3f} after {answers}" for answers, found in curve.items())
        for mode, curve in curves.items()
    )
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" aria-labelledby="title desc" font-family="system-ui, -apple-system, \'Segoe UI\', Helvetica, '
        'Arial, sans-serif">'
    )
    below = "Of the tenth of 200 targets that is guessed first, the share that is in the list; blind guessing: 0.10."
    return "\n".join(
        [
            opening,
            '  <title id="title">What answers tell an attacker about single companies</title>',
            f'  <desc id="desc">Precision by number of answers. {told}.</desc>',
            f"  <style>{STYLE}  </style>",
            f'  <rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
            f'  <text class="head" x="{LEFT}" y="34">What answers tell an attacker about single companies</text>',
            f'  <text class="soft" x="{LEFT}" y="56">{below}</text>',
            *_grid(),
            *_years(),
            *(line for mode in curves for line in _mode(mode, curves[mode], ceilings[mode])),
            "</svg>\n",
        ]
    )


def _at(answers: float, precision: float) -> tuple[float, float]:
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return LEFT + answers / MOST * wide, HEIGHT - BOTTOM - (precision - LOWEST) / (HIGHEST - LOWEST) * high


def _grid() -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for answers in range(0, MOST + 1, 2):
        x, _ = _at(answers, LOWEST)
        yield f'  <text class="soft" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{answers}</text>'
    for step in range(round(LOWEST * 50), round(HIGHEST * 50) + 1):
        _, y = _at(0, step / 50)
        yield f'  <line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield f'  <text class="soft" x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{step / 50:.2f}</text>'
    yield f'  <text class="text" x="{(LEFT + right) / 2}" y="{HEIGHT - 18}" text-anchor="middle">answers</text>'
    middle = (TOP + bottom) / 2
    yield (
        f'  <text class="text" x="20" y="{middle}" text-anchor="middle" transform="rotate(-90 20 {middle})">'
        "precision</text>"
    )


def _years() -> Iterator[str]:
    """How many answers there are: of one pair, and of one owner to all partners together."""
    for answers, label, anchor in ((PAIR_YEAR, "a pair's year ", "end"), (OWNER_YEAR, " an owner's year", "start")):
        x, _ = _at(answers, LOWEST)
        yield f'  <line class="guide" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}"/>'
        yield f'  <text class="soft" x="{x:.1f}" y="{TOP - 6}" text-anchor="{anchor}">{label}</text>'


def _mode(mode: str, curve: Mapping[int, Measured], ceiling: Mapping[int, float]) -> Iterator[str]:
    right = WIDTH - RIGHT
    _, limit = _at(0, LIMITS[mode])
    yield f'  <line class="limit {mode}" x1="{LEFT}" y1="{limit:.1f}" x2="{right}" y2="{limit:.1f}"/>'
    yield f'  <text class="soft" x="{right + 8}" y="{limit + 4:.1f}">limit, {mode}: {LIMITS[mode]:.2f}</text>'
    yield f'  <polyline class="ceiling {mode}" points="{_points([_at(*place) for place in ceiling.items()])}"/>'
    places = {answers: _at(answers, found.mean) for answers, found in curve.items()}
    yield f'  <polyline class="line {mode}" points="{_points(list(places.values()))}"/>'
    for answers, (x, y) in places.items():
        _, low = _at(answers, curve[answers].low)
        _, high = _at(answers, curve[answers].high)
        yield f'  <line class="line {mode}" x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}"/>'
        yield f'  <circle class="{mode}-dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    x, y = list(places.values())[-1]
    below = limit + LINE if abs(y - limit) < LINE else y + 8
    yield f'  <text class="text" x="{x + 10:.1f}" y="{below:.1f}">{mode}</text>'
    x, y = _at(*list(ceiling.items())[-1])
    yield f'  <text class="soft" x="{x + 10:.1f}" y="{y - 2:.1f}">its ceiling</text>'


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
