"""What one point costs: each kernel that this CPU can run, and libsodium, by operation and number of threads.

    python -m bench.group 20000 [--runs 5] --json

Prints microseconds a point (the best of the runs: other work on the machine only ever adds), libsodium's on as many
threads over it, the seconds of a cold compile, and those until a kept kernel has done its first point in a fresh
process. libsodium is measured on fewer points.

multiply: one secret scalar times each point, bytes to bytes. blind: identifier to token (hash, map, multiply).
combine: points by public weights into one sum, as a proof over many rows needs it. tag: a point's SHA-256.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from cleanroom.kernel.kept import keep
from matching import group, tags
from matching.lanes import chosen
from matching.lanes.machine import VARIANTS, Kernel, runs_here

LIBSODIUM = "libsodium"
MOST_OF_LIBSODIUM = 2 * group.BLOCK
CONTEXT = bytes(100)
"""As long as what a key is bound to (`matching.tokens.key_context`)."""
FIRST_POINT = """
import sys, time
start = time.perf_counter()
from pathlib import Path
from cleanroom.kernel.kept import load
from matching.lanes.machine import best
import numpy as np
load(best(), Path(sys.argv[1])).multiply_hashed(np.ones((1, 64), np.uint8), bytes([1]) + bytes(31))
print(time.perf_counter() - start)
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measured(options.n, options.runs)
    if options.json:
        print(json.dumps(result))
    else:
        Console().print(_table(result))
    return 0


def measured(n: int, runs: int) -> dict[str, Any]:
    """Microseconds a point by backend, operation and threads, and the seconds that a kernel costs at first."""
    result: dict[str, Any] = {
        "n": n,
        "us": {LIBSODIUM: _operations(min(n, MOST_OF_LIBSODIUM), runs, None)},
        "starts": {},
    }
    for variant in filter(runs_here, VARIANTS):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            kernel = keep(variant, Path(folder))
            cold = time.perf_counter() - start
            done = subprocess.run(
                [sys.executable, "-c", FIRST_POINT, folder], stdout=subprocess.PIPE, text=True, check=True
            )
        result["starts"][variant.name] = {"cold_s": round(cold, 2), "warm_s": round(float(done.stdout), 2)}
        result["us"][variant.name] = _operations(n, runs, kernel)
    return result


def _operations(n: int, runs: int, kernel: Kernel | None) -> dict[str, dict[str, float]]:
    chosen.offer((lambda: kernel) if kernel else None)
    chosen.kernel(chosen.WORTH_LOADING)
    scalar = group.random_scalar()
    messages = [CONTEXT + b"company%d.com" % number for number in range(n)]
    points = group.hash_and_multiply(messages, scalar, dst=b"bench")
    weights = [int.from_bytes(row.tobytes(), "little") % group.ORDER for row in points]
    kinds = np.zeros(n, np.uint8)
    operations: dict[str, Callable[[], object]] = {
        "multiply": lambda: group.multiply(points, scalar),
        "blind": lambda: group.hash_and_multiply(messages, scalar, dst=b"bench"),
        "combine": lambda: group.combined(weights, points),
        "tag": lambda: tags.tags(points, kinds, [CONTEXT]),
    }
    return {name: _by_threads(operation, n, runs) for name, operation in operations.items()}


def _by_threads(operation: Callable[[], object], n: int, runs: int) -> dict[str, float]:
    """One thread is this process with a pool of one; two is what the product does on this machine."""
    found = {}
    for threads in (1, 2):
        group.THREADS = threads
        found[str(threads)] = round(min(_seconds(operation) for _ in range(runs)) / n * 1e6, 2)
    group.THREADS = None
    return found


def _seconds(operation: Callable[[], object]) -> float:
    start = time.perf_counter()
    operation()
    return time.perf_counter() - start


def _table(result: dict[str, Any]) -> Table:
    table = Table(title="microseconds a point; in brackets: libsodium's over it", title_justify="left")
    for name in ("operation", "backend", "1 thread", "2 threads"):
        table.add_column(name, justify="right" if "thread" in name else "left")
    for operation, theirs in result["us"][LIBSODIUM].items():
        for backend, operations in result["us"].items():
            own = operations[operation]
            table.add_row(operation, backend, *(f"{own[i]:.2f} ({theirs[i] / own[i]:.1f})" for i in ("1", "2")))
        table.add_section()
    for name, starts in result["starts"].items():
        table.add_row("start", name, f"cold {starts['cold_s']:.1f} s", f"kept {starts['warm_s']:.2f} s")
    return table


if __name__ == "__main__":
    sys.exit(main())
