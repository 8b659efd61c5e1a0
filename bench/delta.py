"""A delta of 1,000 accounts in a list of N: `push --changes` to the new overlap on both sides, agents running.

    python -m bench.delta 100000 --json

Immediate mode, `unsafe_every_push`. The changes are 500 new accounts that the other side has, and 500 that it hasn't.
"""

import argparse
import json
import sys
import time

from bench.field import field
from bench.overlap import overlap

SIZE = 1_000


def main() -> int:
    """Run it once. 1 if the new count is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    n = options.n
    with field("--changes", "immediate") as ready:
        before = overlap(ready, n)
        known = [f"company{i}.com" for i in range(n, n + SIZE // 2)]
        fresh = [f"newcomer{i}.com" for i in range(SIZE // 2)]
        path = ready.folder / "changes.csv"
        path.write_text("Account ID,Website\n" + "".join(f"new{i},{name}\n" for i, name in enumerate(known + fresh)))
        acme, globex = ready.workers
        globex.send("until 2")  # the other agent is running, and waits for a change
        time.sleep(1)
        start = time.perf_counter()
        acme.send(f"changes {path}")
        pushed = acme.result()
        acme.send("until 2")
        after, other = acme.result(), globex.result()
        wall = time.perf_counter() - start
    result = {
        "n": n,
        "changes": SIZE,
        "count_before": before["count"],
        "count": after["count"],
        "wall_s": round(wall, 2),
        "stages": [{**pushed["stages"], **after["stages"]}, other["stages"]],
    }
    print(json.dumps(result) if options.json else "\n".join(f"{key:>12}  {value}" for key, value in result.items()))
    return 0 if after["count"] == other["count"] == before["count"] + SIZE // 2 else 1


if __name__ == "__main__":
    sys.exit(main())
