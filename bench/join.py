"""The escrow's join alone, on N x N rows with random tags, half of them common: from evaluated rows to cells.

    python -m bench.join 10000000 --json [--kinds 3] [--segments 4]

Rows are shaped as the escrow holds them: entries of one key of each kind, in the order of their pseudonyms. N counts
rows, so there are N / kinds entries. Prints n, count, wall_s and cpu_s of the join, and peak_mb of the whole process,
the rows included. Exits with 1 if the count is not what the lists have in common.
"""

import argparse
import json
import resource
import sys
import time

import numpy as np
import numpy.typing as npt

from matching.keys import KINDS
from matching.overlap import cell_counts
from matching.rows import ADD, NAME_BYTES, TAG_BYTES, Bytes, Rows, order_of, words_of
from matching.rule import LIKELY


def main() -> int:
    """Run it once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--kinds", type=int, default=1)
    parser.add_argument("--segments", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    draws = np.random.default_rng(options.n)
    entries = options.n // options.kinds
    common = _random(draws, entries // 2 * options.kinds, TAG_BYTES)
    first, second = (_evaluated(draws, common, entries, options.kinds, options.segments) for _ in range(2))
    wall, cpu = time.perf_counter(), time.process_time()
    counts = cell_counts(first, second, segments=options.segments, kinds=KINDS[: options.kinds], least=LIKELY)
    result = {
        "n": len(first),
        "count": int(counts.about_first.sum()),
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }
    print(json.dumps(result) if options.json else "\n".join(f"{key:>8}  {value}" for key, value in result.items()))
    return 0 if result["count"] == entries // 2 else 1


def _evaluated(draws: np.random.Generator, common: Bytes, entries: int, kinds: int, segments: int) -> Rows:
    """A list of `entries`, of which the first ones have the common tags, under pseudonyms of its own."""
    rows = entries * kinds
    entry = np.repeat(np.arange(entries), kinds)
    name = _random(draws, entries, NAME_BYTES)
    order, _ = order_of(*(word[entry] for word in words_of(name)))
    of: npt.NDArray[np.intp] = entry[order]
    return Rows(
        name=name[of],
        op=np.full(rows, ADD, np.uint8),
        segment=draws.integers(segments, size=entries, dtype=np.uint8)[of],
        kind=np.tile(np.arange(kinds, dtype=np.uint8), entries)[order],
        value=np.concatenate([common, _random(draws, rows - len(common), TAG_BYTES)])[order],
    )


def _random(draws: np.random.Generator, rows: int, width: int) -> Bytes:
    return np.frombuffer(draws.bytes(rows * width), np.uint8).reshape(rows, width)


if __name__ == "__main__":
    sys.exit(main())
