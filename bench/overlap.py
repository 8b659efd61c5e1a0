"""The whole path at N x N accounts, half of them common: lists in files to the overlap on both sides.

    python -m bench.overlap 100000 --json

One domain key an account, `exact` mode, SQLite, both agents and the escrow on this machine. The clock starts when the
processes are up and the files are written, and stops when both agents hold the answer. Prints n, count (companies
found), wall_s, cpu_s (all three processes), peak_mb (the largest of them) and the agents' stages in seconds.
"""

import argparse
import json
import sys
import time
from typing import Any

from bench.field import Field, escrow_usage, field, websites


def main() -> int:
    """Run it once. 1 if the count is not what the lists have in common."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with field() as ready:
        result = overlap(ready, options.n)
    print(json.dumps(result) if options.json else "\n".join(f"{key:>8}  {value}" for key, value in result.items()))
    return 0 if result["count"] == options.n // 2 else 1


def overlap(ready: Field, n: int) -> dict[str, Any]:
    """Push both lists, sync until both sides have the answer."""
    files = [
        websites(ready.folder / f"{rank}.csv", (f"company{i}.com" for i in range(first, first + n)))
        for rank, first in enumerate((0, n // 2))
    ]
    cpu_before = _cpu(ready, [{"cpu_s": 0.0}] * 2)
    start = time.perf_counter()
    pushed = ready.order(*(f"push {path}" for path in files))
    synced = ready.order("until 1", "until 1")
    wall = time.perf_counter() - start
    first, second = synced
    if first["count"] != second["count"] or first["withheld"] != second["withheld"]:
        raise RuntimeError("the two sides do not see the same")
    return {
        "n": n,
        "count": first["count"],
        "wall_s": round(wall, 2),
        "cpu_s": round(_cpu(ready, synced) - cpu_before, 2),
        "peak_mb": round(max(first["peak_mb"], second["peak_mb"], escrow_usage(ready.escrow)[1])),
        "escrow_peak_mb": round(escrow_usage(ready.escrow)[1]),
        "stages": [{**push["stages"], **sync["stages"]} for push, sync in zip(pushed, synced, strict=True)],
    }


def _cpu(ready: Field, states: list[dict[str, Any]]) -> float:
    return escrow_usage(ready.escrow)[0] + sum(float(state["cpu_s"]) for state in states)


if __name__ == "__main__":
    sys.exit(main())
