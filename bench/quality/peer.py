"""One peer on one slice, in the peer's own environment.

    .venvs/linkers/bin/python -m bench.quality.peer fuzzy FOLDER

Prints one JSON object: `seconds` (without starting Python and reading files), `found`: a list of `variant`, `left`,
`right` and `score`, the last three of one length.
"""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Final

from bench.quality.records import read

PEERS: Final = ("simple", "fuzzy", "linker", "bloom")
"""Modules of `bench.quality.peers`, each with a function of its own name."""


def main() -> int:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    records = read(options.folder)
    # By name, because an environment has the libraries of its own peers only.
    run = getattr(importlib.import_module(f"bench.quality.peers.{options.peer}"), options.peer)
    start = time.perf_counter()
    found = run(records)
    seconds = time.perf_counter() - start
    columns = [
        {
            "variant": one.variant,
            "left": [left for left, _ in one.pairs],
            "right": [right for _, right in one.pairs],
            "score": list(one.pairs.values()),
        }
        for one in found
    ]
    json.dump({"seconds": round(seconds, 2), "found": columns}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
