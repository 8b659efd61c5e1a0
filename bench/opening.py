"""From agreement to fields: N matches opened, verified, sealed, handed over and read, on both sides.

    python -m bench.opening 10000 --json

Both lists hold the same N companies with six fields each. Lists are mapped and counted first; the clock starts with the
two policies in force (the preset `co-sell`) and stops when both agents hold the other side's fields of all N matches.
Prints n, shared (rows on each side), wall_s, cpu_s (all three processes), peak_mb, the agents' stages in seconds,
record_s (of these: what each agent spent on seeing its opening and its release on record), and point_us, what a
multiplication of a point took on one core just then: twelve of them a match are half of the time.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.field import Field, escrow_usage, field
from matching.group import base_multiply, multiply, random_scalar

LIMIT_SECONDS = 15


def main() -> int:
    """Run it once. 1 if not all matches are shared on both sides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with field() as ready:
        result = opening(ready, options.n)
    result["point_us"] = round(1e6 * point_seconds(), 1)
    print(json.dumps(result) if options.json else "\n".join(f"{key:>8}  {value}" for key, value in result.items()))
    return 0 if result["shared"] == [options.n, options.n] else 1


def opening(ready: Field, n: int) -> dict[str, Any]:
    """Map both lists, agree, and sync until both sides see all fields."""
    files = [accounts(ready.folder / f"{rank}.csv", n) for rank in range(2)]
    ready.order(*(f"push {path}" for path in files))
    ready.order("until 1", "until 1")
    agreed = ready.order("agree", "agree")
    before = escrow_usage(ready.escrow)[0] + sum(item["cpu_s"] for item in agreed)
    start = time.perf_counter()
    shared = ready.order(f"shared {n}", f"shared {n}")
    wall = time.perf_counter() - start
    after = escrow_usage(ready.escrow)[0] + sum(item["cpu_s"] for item in shared)
    return {
        "n": n,
        "shared": [item["shared"] for item in shared],
        "wall_s": round(wall, 2),
        "cpu_s": round(after - before, 2),
        "peak_mb": round(max(*(item["peak_mb"] for item in shared), escrow_usage(ready.escrow)[1])),
        "record_s": [item["stages"].get("record", 0.0) for item in shared],
        "stages": [item["stages"] for item in shared],
    }


def point_seconds(n: int = 2_000) -> float:
    """Seconds of CPU for one multiplication: what this machine is worth at the moment."""
    point = np.frombuffer(base_multiply(random_scalar()), np.uint8)
    start = time.process_time()
    multiply(np.tile(point, (n, 1)), random_scalar())
    return (time.process_time() - start) / n


def accounts(path: Path, n: int) -> Path:
    """A list of n companies with an owner, an amount and a stage each."""
    header = "Account ID,Website,Owner,Owner Email,Stage,Amount,Currency,Close Date\n"
    rows = (
        f"{i},company{i}.com,Ann Example {i % 97},ann{i % 97}@example.com,Negotiation,{900 + 37 * i},EUR,2026-12-24\n"
        for i in range(n)
    )
    path.write_text(header + "".join(rows), encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
