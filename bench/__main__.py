"""`make bench`: ours and the peers, on the same machine, in the same run, as a table with ratios.

    python -m bench [--sizes 20000 100000] [--runs 3] [--scale FOLDER] [--json FILE]

Each peer runs in an environment of its own (`.venvs/`, from its hash-pinned lock file). Quote ratios of medians:
machines differ and are shared. Longer: `--sizes 1000000 --runs 1`.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.environments import interpreter
from bench.field import machine

HERE = Path(__file__).parent
ROOT = HERE.parent
OURS = "cleanroom"
CRYPTO = "its cryptography alone"
PEERS = {
    "secretflow ECDH": ("secretflow", "secretflow_ecdh.py", 1_000_000),
    "secretflow RR22": ("secretflow", "secretflow_ecdh.py", 1_000_000),
    "openmined": ("openmined", "openmined.py", 100_000),
    "shared-key HMAC": (None, "shared_key_hmac.py", 1_000_000),
}
"""Name -> (environment, script, largest size that is run)."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scale", type=Path, help="folder with the real host lists")
    parser.add_argument("--json", type=Path, help="also write every single figure here")
    options = parser.parse_args()
    console = Console(width=150)
    console.print(f"{machine()}; {options.runs} runs of each, in turn; medians\n")
    runs: list[dict[str, Any]] = []
    for size in options.sizes:
        for number in range(options.runs):
            console.print(f"[dim]{size:,}, run {number + 1}[/]")
            runs += [{"who": name, "n": size, **measure()} for name, measure in _contestants(size)]
    console.print(_table(runs, options.sizes))
    delta = _ours("bench.delta", str(min(max(options.sizes), 100_000)))
    console.print(
        f"\na delta of {delta['changes']:,} in {delta['n']:,}: {delta['wall_s']} s to the new overlap, both sides"
    )
    runs.append({"who": "delta", **delta})
    shared = _ours("bench.opening", "10000")
    console.print(
        f"{shared['n']:,} matches opened, verified, sealed and read on both sides: {shared['wall_s']} s, "
        f"{shared['cpu_s']} CPU seconds"
    )
    runs.append({"who": "opening", **shared})
    if options.scale:
        scale = _ours("bench.scale", str(options.scale))
        console.print(f"real hosts {scale['accounts']}: {scale['count']:,} in common, {scale['wall_s']} s")
        runs.append({"who": "scale", **scale})
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "runs": runs}, indent=1) + "\n")
    return 0 if all(run.get("count", 0) == run["n"] // 2 for run in runs if run["who"] == OURS) else 1


def _contestants(size: int) -> list[tuple[str, Callable[[], dict[str, Any]]]]:
    ours: list[tuple[str, Callable[[], dict[str, Any]]]] = [
        (OURS, lambda: _ours("bench.overlap", str(size))),
        (CRYPTO, lambda: _ours("bench.crypto", str(size))),
    ]
    peers = [(name, lambda name=name: _peer(name, size)) for name, (_, _, largest) in PEERS.items() if size <= largest]
    return ours + peers


def _ours(module: str, argument: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", module, argument, "--json"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _peer(name: str, size: int) -> dict[str, Any]:
    environment, script, _ = PEERS[name]
    extra = ["PROTOCOL_RR22"] if name.endswith("RR22") else []
    python = interpreter(environment) if environment else sys.executable
    command = [python, HERE / "peers" / script, str(size), *extra]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"(wall|common|peak)=([0-9.]+)", printed))
    return {"count": int(found["common"]), "wall_s": float(found["wall"]), "peak_mb": float(found.get("peak", 0))}


def _table(runs: list[dict[str, Any]], sizes: list[int]) -> Table:
    title = "wall seconds, half of each list common; of peers in brackets: times ours, and times our cryptography alone"
    table = Table(title=title, title_justify="left")
    table.add_column("n x n")
    names = [OURS, CRYPTO, *PEERS]
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("our peak MB", justify="right")
    for size in sizes:
        walls = {name: [run["wall_s"] for run in runs if run["who"] == name and run["n"] == size] for name in names}
        medians = {name: statistics.median(values) for name, values in walls.items() if values}
        cells = [f"{medians[OURS]:.2f}", f"{medians[CRYPTO]:.2f}"]
        cells += [_cell(medians[name], medians[OURS], medians[CRYPTO]) if name in medians else "" for name in PEERS]
        peak = max(run["peak_mb"] for run in runs if run["who"] == OURS and run["n"] == size)
        table.add_row(f"{size:,}", *cells, f"{peak:,.0f}")
    return table


def _cell(wall: float, own: float, crypto: float) -> str:
    return f"{wall:.2f} ({wall / own:.2f}, {wall / crypto:.2f})"


if __name__ == "__main__":
    sys.exit(main())
