"""Precision against recall of one slice as SVG: a dot for each recipe, a curve for each threshold, ours in colour."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

import numpy as np

from bench.quality.contest import SIMPLE, Failed, Placed
from bench.quality.scoring import Curve, Score

WIDTH, HEIGHT = 900, 560
LEFT, RIGHT, TOP, BOTTOM = 72, 300, 74, 66
LOWEST: Final = 0.75
"""Where the axis of precision begins; what is below is named, not drawn."""
STYLE: Final = """
    .page { fill: #ffffff; }
    .head { font-size: 19px; font-weight: 600; fill: #1d2229; }
    .text { font-size: 13.5px; fill: #1d2229; }
    .soft { font-size: 12.5px; fill: #59616c; }
    .on { font-size: 10.5px; font-weight: 600; fill: #ffffff; }
    .grid { stroke: #d8dce1; stroke-width: 1; }
    .guide { fill: none; stroke: #8a8f98; stroke-width: 1.2; stroke-dasharray: 4 5; }
    .ours { fill: #2f7d57; }
    .recipe { fill: #767e89; }
    .curve { fill: none; stroke-width: 2.2; }
    .peer-0 { stroke: #b26a00; } .dot-0 { fill: #b26a00; }
    .peer-1 { stroke: #5b5b8c; } .dot-1 { fill: #5b5b8c; }
    .peer-2 { stroke: #a23b5a; } .dot-2 { fill: #a23b5a; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; }
      .head, .text { fill: #e6edf3; }
      .soft { fill: #a3adb8; }
      .on { fill: #0d1117; }
      .grid { stroke: #2b323b; }
      .guide { stroke: #767e89; }
      .ours { fill: #4fb286; }
      .recipe { fill: #a3adb8; }
      .peer-0 { stroke: #e0a14a; } .dot-0 { fill: #e0a14a; }
      .peer-1 { stroke: #9a9ad6; } .dot-1 { fill: #9a9ad6; }
      .peer-2 { stroke: #e0839f; } .dot-2 { fill: #e0839f; }
    }
"""

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Mark:
    """A symbol with its line in the legend."""

    symbol: str
    label: str
    score: Score

    def legend(self) -> str:
        below = "" if self.score.precision >= LOWEST else ", below the picture"
        return f"{self.label}: F1 {self.score.f1:.3f}{below}"


def picture(name: str, tiers: Mapping[str, Score], results: Sequence[Placed | Failed]) -> str:
    """SVG text. `results` are one per peer and recipe (`contest.best_of`)."""
    placed = [one for one in results if isinstance(one, Placed)]
    recipes = [one for one in placed if one.peer == SIMPLE]
    peers = [one for one in placed if one.peer != SIMPLE]
    marks = [_Mark(f"tier {tier}", f"ours, {tier}", score) for tier, score in tiers.items() if score.pairs]
    marks += [_Mark(str(at + 1), one.variant, one.score) for at, one in enumerate(recipes)]
    marks += [_Mark(f"peer {at}", one.peer.name, one.score) for at, one in enumerate(peers)]
    told = "; ".join(f"{one.label}: {one.score.precision:.3f} at {one.score.recall:.3f}" for one in marks)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" aria-labelledby="title desc" font-family="system-ui, -apple-system, \'Segoe UI\', Helvetica, '
        'Arial, sans-serif">'
    )
    field = f'x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"'
    below = "Right and up is better. Dashed: equal F1. Peers at every threshold; the dot is their best."
    return "\n".join(
        [
            opening,
            f'  <title id="title">Precision against recall on {escape(name)}</title>',
            f'  <desc id="desc">Precision at recall. {escape(told)}.</desc>',
            f"  <style>{STYLE}  </style>",
            f'  <clipPath id="field"><rect {field}/></clipPath>',
            f'  <rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
            f'  <text class="head" x="{LEFT}" y="32">{escape(name)}: precision against recall</text>',
            f'  <text class="soft" x="{LEFT}" y="53">{below}</text>',
            *_grid(),
            *(line for f1 in (0.7, 0.8, 0.9, 0.95) for line in _contour(f1)),
            *(line for at, one in enumerate(peers) if one.curve for line in _curve(at, one.curve)),
            # Ours last, above all others.
            *(line for mark in reversed(marks) if mark.score.precision >= LOWEST for line in _symbol(mark)),
            *(line for at, mark in enumerate(marks) for line in _legend(at, mark)),
            "</svg>\n",
        ]
    )


def _at(recall: float, precision: float) -> Place:
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return LEFT + recall * wide, HEIGHT - BOTTOM - (precision - LOWEST) / (1 - LOWEST) * high


def _grid() -> Iterator[str]:
    top, bottom, left, right = TOP, HEIGHT - BOTTOM, LEFT, WIDTH - RIGHT
    for step in range(0, 11, 2):
        x, _ = _at(step / 10, LOWEST)
        yield f'  <line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
        yield f'  <text class="soft" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{step / 10:.1f}</text>'
    for step in range(round(LOWEST * 20), 21):
        _, y = _at(0, step / 20)
        yield f'  <line class="grid" x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield f'  <text class="soft" x="{left - 10}" y="{y + 4:.1f}" text-anchor="end">{step / 20:.2f}</text>'
    yield f'  <text class="text" x="{(left + right) / 2}" y="{HEIGHT - 18}" text-anchor="middle">recall</text>'
    middle = (top + bottom) / 2
    yield (
        f'  <text class="text" x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">'
        "precision</text>"
    )


def _contour(f1: float) -> Iterator[str]:
    """Where precision and recall come to this F1."""
    precisions = np.linspace(max(LOWEST, f1 / (2 - f1)), 1, 40)
    line = [_at(f1 * value / (2 * value - f1), value) for value in precisions]
    yield f'  <polyline class="guide" points="{_points(line)}"/>'
    x, _ = line[-1]
    yield f'  <text class="soft" x="{x:.1f}" y="{TOP - 6}" text-anchor="middle">{f1:g}</text>'


def _curve(number: int, line: Curve) -> Iterator[str]:
    # A few hundred points look like thousands.
    chosen = np.unique(np.linspace(0, len(line.recall) - 1, 300).astype(int))
    places = [_at(float(line.recall[at]), float(line.precision[at])) for at in chosen]
    yield f'  <polyline class="curve peer-{number}" clip-path="url(#field)" points="{_points(places)}"/>'


def _symbol(mark: _Mark, at: Place | None = None) -> Iterator[str]:
    x, y = at or _at(mark.score.recall, mark.score.precision)
    kind, _, rest = mark.symbol.partition(" ")
    if kind == "tier":
        size = 9 if "+" in rest else 7
        yield f'  <path class="ours" d="M{x:.1f} {y - size:.1f}l{size} {size}l-{size} {size}l-{size} -{size}z"/>'
        letter = "+" if "+" in rest else rest[0]
        yield f'  <text class="on" x="{x:.1f}" y="{y + 3.6:.1f}" text-anchor="middle">{letter}</text>'
    elif kind == "peer":
        yield f'  <circle class="dot-{rest}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
    else:
        yield f'  <circle class="recipe" cx="{x:.1f}" cy="{y:.1f}" r="8"/>'
        yield f'  <text class="on" x="{x:.1f}" y="{y + 3.6:.1f}" text-anchor="middle">{kind}</text>'


def _legend(number: int, mark: _Mark) -> Iterator[str]:
    x, y = WIDTH - RIGHT + 28, TOP + 12 + 26 * number
    yield from _symbol(mark, (x, y))
    yield f'  <text class="soft" x="{x + 16}" y="{y + 4}">{escape(mark.legend())}</text>'


def _points(places: Sequence[Place]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
