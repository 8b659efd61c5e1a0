"""The cryptography of an overlap alone: identifiers of two lists to tags of both, all four passes.

    python -m bench.crypto 1000000 --json

Each side blinds its own N domains (hash, map, multiply), then the other side multiplies these tokens and makes tags of
them. One process on all cores. The clock starts with the kernel loaded and the identifiers in memory, and stops when
both lists of tags are there. Prints n, count (tags in common), wall_s, cpu_s, peak_mb and the kernel.
"""

import argparse
import json
import resource
import sys
import time
from typing import Any

import numpy as np

from cleanroom import kernel
from matching import tags, tokens
from matching.group import multiply, random_scalar
from matching.lanes import chosen
from matching.rows import as_keys

STEP = 65_536
ROOM, EPOCH = bytes(16), 1


def main() -> int:
    """Run it once. 1 if the count is not what the lists have in common."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measured(options.n)
    print(json.dumps(result) if options.json else "\n".join(f"{key:>8}  {value}" for key, value in result.items()))
    return 0 if result["count"] == options.n // 2 else 1


def measured(n: int) -> dict[str, Any]:
    """One run."""
    kernel.offer(lambda text: print(text, file=sys.stderr))
    loaded = chosen.kernel(chosen.WORTH_LOADING)
    lists = [[f"company{i}.com" for i in range(first, first + n)] for first in (0, n // 2)]
    scalars = [random_scalar(), random_scalar()]
    context = tokens.key_context(ROOM, EPOCH, "domain", "domain/2", "tables")
    tag_context = tags.tag_context(ROOM, EPOCH, "domain")
    cpu, start = time.process_time(), time.perf_counter()
    found = []
    for own, other in ((0, 1), (1, 0)):
        made = []
        for first in range(0, n, STEP):
            keys = lists[own][first : first + STEP]
            blinded = tokens.blind(keys, [context] * len(keys), scalars[own])
            doubled = multiply(blinded, scalars[other])
            made.append(tags.tags(doubled, np.zeros(len(keys), np.uint8), [tag_context]))
        found.append(np.concatenate(made))
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "n": n,
        "count": len(np.intersect1d(as_keys(found[0]), as_keys(found[1]))),
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "kernel": loaded.name if loaded else "libsodium",
    }


if __name__ == "__main__":
    sys.exit(main())
