"""How the time grows with the lists, as a picture with two logarithmic axes: `bench/growth.svg`.

    python -m bench.growth --sizes 10000 100000 1000000 --join 10000 100000 1000000 10000000
    python -m bench.growth

`--sizes` measures the whole path (`bench.overlap`), `--join` the escrow's join alone (`bench.join`), each in processes
of its own. What is measured goes into `bench/growth.json`, in place of what is there for the same size; without
arguments the picture is drawn again from that file.
"""

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from bench.field import machine

HERE: Final = Path(__file__).parent
SERIES: Final = {
    "overlap": "files on both sides to the answer on both",
    "join": "of this, the escrow's join alone",
}
"""Name, which is also the bench's, -> what the line in the picture is."""

WIDTH, HEIGHT = 820, 560
LEFT, RIGHT, TOP, BOTTOM = 92, 48, 72, 70
STYLE: Final = """
    .page { fill: #ffffff; }
    .head { font-size: 19px; font-weight: 600; fill: #1d2229; }
    .text { font-size: 13.5px; fill: #1d2229; }
    .soft { font-size: 12.5px; fill: #59616c; }
    .grid { stroke: #d8dce1; stroke-width: 1; }
    .guide { stroke: #8a8f98; stroke-width: 1.5; stroke-dasharray: 5 5; }
    .line { fill: none; stroke-width: 2.5; }
    .overlap { stroke: #2f7d57; }
    .join { stroke: #5b5b8c; }
    .overlap-dot { fill: #2f7d57; }
    .join-dot { fill: #5b5b8c; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; }
      .head, .text { fill: #e6edf3; }
      .soft { fill: #a3adb8; }
      .grid { stroke: #2b323b; }
      .guide { stroke: #767e89; }
      .overlap { stroke: #4fb286; }
      .join { stroke: #9a9ad6; }
      .overlap-dot { fill: #4fb286; }
      .join-dot { fill: #9a9ad6; }
    }
"""

Points = Sequence[tuple[int, float]]
"""(n, seconds), in the order of n."""


def main() -> int:
    """Measure what is asked for, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[], help="of the whole path")
    parser.add_argument("--join", type=int, nargs="+", default=[], help="of the join alone")
    parser.add_argument("--folder", type=Path, default=HERE, help="where growth.json and growth.svg are")
    options = parser.parse_args()
    kept = options.folder / "growth.json"
    measured: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for name, sizes in (("overlap", options.sizes), ("join", options.join)):
        for size in sizes:
            known = {point["n"]: point for point in measured.get(name, [])}
            known[size] = _measured(name, size)
            measured |= {"machine": machine(), name: [known[n] for n in sorted(known)]}
            kept.write_text(json.dumps(measured, indent=1) + "\n")
    lines = {name: [(point["n"], point["wall_s"]) for point in measured.get(name, [])] for name in SERIES}
    (options.folder / "growth.svg").write_text(picture(lines, measured.get("machine", "")))
    return 0


def _measured(name: str, size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", f"bench.{name}", str(size), "--json"]
    done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True)
    result = json.loads(done.stdout)
    print(json.dumps({"bench": name, **result}), flush=True)
    return {"n": size, **{column: result[column] for column in ("wall_s", "cpu_s", "peak_mb")}}


@dataclass(frozen=True, slots=True)
class _Axis:
    """Powers of ten from `low` to `high` (exponents) along `start` to `end` (pixels)."""

    low: int
    high: int
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def powers(self) -> range:
        return range(self.low, self.high + 1)


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return _Axis(low, max(high, low + 1), start, end)


def picture(lines: Mapping[str, Points], where: str) -> str:
    """The picture as SVG text: a line for each series that has points, and one that shows proportional growth.

    Raises:
        ValueError: if there is no point at all.
    """
    points = [point for line in lines.values() for point in line]
    if not points:
        raise ValueError("nothing is measured yet: name sizes")
    x = _axis([n for n, _ in points], LEFT, WIDTH - RIGHT)
    y = _axis([seconds for _, seconds in points], HEIGHT - BOTTOM, TOP)
    parts = [*_grid(x, y), *_guide(x, y, points)]
    for name, line in lines.items():
        parts += _line(name, [(x.at(n), y.at(seconds)) for n, seconds in line])
    told = "; ".join(
        f"{SERIES[name]}: " + ", ".join(f"{n:,} in {seconds:g} s" for n, seconds in line)
        for name, line in lines.items()
        if line
    )
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" aria-labelledby="title desc" font-family="system-ui, -apple-system, \'Segoe UI\', Helvetica, '
        'Arial, sans-serif">'
    )
    return "\n".join(
        [
            opening,
            '  <title id="title">Seconds by the size of the lists, both axes logarithmic</title>',
            f'  <desc id="desc">{escape(told)}.</desc>',
            f"  <style>{STYLE}  </style>",
            f'  <rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
            f'  <text class="head" x="{LEFT}" y="32">Seconds, by accounts on each side</text>',
            f'  <text class="soft" x="{LEFT}" y="53">{escape(where)}</text>',
            *parts,
            "</svg>\n",
        ]
    )


def _grid(x: _Axis, y: _Axis) -> list[str]:
    top, bottom, left, right = TOP, HEIGHT - BOTTOM, LEFT, WIDTH - RIGHT
    parts = []
    for power in x.powers():
        at = f"{x.at(10.0**power):.1f}"
        parts += [
            f'  <line class="grid" x1="{at}" y1="{top}" x2="{at}" y2="{bottom}"/>',
            f'  <text class="soft" x="{at}" y="{bottom + 20}" text-anchor="middle">{10**power:,}</text>',
        ]
    for power in y.powers():
        at = f"{y.at(10.0**power):.1f}"
        parts += [
            f'  <line class="grid" x1="{left}" y1="{at}" x2="{right}" y2="{at}"/>',
            f'  <text class="soft" x="{left - 10}" y="{float(at) + 4:.1f}" text-anchor="end">{10.0**power:,g} s</text>',
        ]
    middle = (left + right) / 2
    return [
        *parts,
        f'  <text class="text" x="{middle}" y="{HEIGHT - 20}" text-anchor="middle">accounts on each side</text>',
    ]


def _guide(x: _Axis, y: _Axis, points: Points) -> list[str]:
    """Through the first point of all, where twice the rows take twice the time; cut where the picture ends."""
    n, seconds = min(points)
    decades = min(x.high - math.log10(n), y.high - math.log10(seconds))
    far = (n * 10**decades, seconds * 10**decades)
    ends = f'x1="{x.at(n):.1f}" y1="{y.at(seconds):.1f}" x2="{x.at(far[0]):.1f}" y2="{y.at(far[1]):.1f}"'
    label = (n * 10 ** (0.7 * decades), seconds * 10 ** (0.7 * decades))
    place = f'x="{x.at(label[0]) - 8:.1f}" y="{y.at(label[1]) - 8:.1f}" text-anchor="end"'
    return [
        f'  <line class="guide" {ends}/>',
        f'  <text class="soft" {place}>twice the accounts, twice the time</text>',
    ]


def _line(name: str, places: Sequence[tuple[float, float]]) -> list[str]:
    if not places:
        return []
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    # Right of a point and below it a rising line leaves room.
    a, b = places[len(places) // 2]
    return [
        f'  <polyline class="line {name}" points="{path}"/>',
        *(f'  <circle class="{name}-dot" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="4.5"/>' for at in places),
        f'  <text class="text" x="{a + 12:.1f}" y="{b + 20:.1f}">{SERIES[name]}</text>',
    ]


if __name__ == "__main__":
    sys.exit(main())
