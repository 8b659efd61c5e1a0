"""Real hosts at scale: two lists of public host names, each reduced to one account per registrable domain.

    python -m bench.scale FOLDER --json

FOLDER holds `partner_a_hosts.txt.gz` and `partner_b_hosts.txt.gz` (one host a line). With the Public Suffix List of
tldextract 5.4.0 (ICANN section) they have 278,951 and 730,573 registrable domains, and 59,508 in common.
"""

import argparse
import gzip
import json
import sys
import time
from pathlib import Path

from bench.field import Field, escrow_usage, field, websites
from cleanroom.agent.tables import load_tables

EXPECTED = 59_508


def main() -> int:
    """Run it once. 1 if the two sides do not meet in the expected number."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    names = [registrable(options.folder / f"partner_{side}_hosts.txt.gz") for side in ("a", "b")]
    with field() as ready:
        result = meet(ready, names)
    print(json.dumps(result) if options.json else "\n".join(f"{key:>8}  {value}" for key, value in result.items()))
    return 0 if result["count"] == EXPECTED else 1


def registrable(path: Path) -> list[str]:
    """The registrable domains of the hosts in a file, sorted."""
    domain = load_tables().current.registrable_domain
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return sorted({found for line in lines if (found := domain(line.strip()))})


def meet(ready: Field, names: list[list[str]]) -> dict[str, object]:
    """Push both, sync, and see how many both have."""
    paths = [websites(ready.folder / f"{index}.csv", side) for index, side in enumerate(names)]
    start = time.perf_counter()
    ready.order(*(f"push {path}" for path in paths))
    first, second = ready.order("until 1", "until 1")
    return {
        "accounts": [len(side) for side in names],
        "count": first["count"],
        "same": first["count"] == second["count"],
        "wall_s": round(time.perf_counter() - start, 2),
        "peak_mb": round(max(first["peak_mb"], second["peak_mb"], escrow_usage(ready.escrow)[1])),
    }


if __name__ == "__main__":
    sys.exit(main())
