"""Match quality of ours against labelled slices.

    python -m bench.quality FOLDER [FOLDER ...] [--json] [--part look|confirm|all]

A folder holds left.csv, right.csv and truth.csv (bench/quality/records.py). `--json` prints one object: the folder's
name -> precision, recall, f1, hard_recall, pairs, and the same for each tier below `tiers`; a figure without anything
to divide by is 0.0. Needs no peers and no network. Exits with 2 and one line for a folder that is no slice.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from bench.quality.ours import ours
from bench.quality.records import SliceRefused
from bench.quality.scoring import FIGURES, SETS, counted, intervals, report, score
from bench.quality.slices import PARTS, Slice, cut, slices_of, within

REFUSED = 2


def main() -> int:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", choices=PARTS, default="all", help="of the left accounts, by a hash of their ids")
    options = parser.parse_args()
    try:
        slices = slices_of(options.folders)
    except SliceRefused as refused:
        print(refused, file=sys.stderr)
        return REFUSED
    found = [(cut(one, options.part), within(ours(one), "left", options.part)) for one in slices]
    if options.json:
        print(json.dumps({one.name: report(pairs, one) for one, pairs in found}, indent=1))
    else:
        for one, pairs in found:
            Console(width=130).print(_table(one, pairs))
    return 0


def _table(slice_: Slice, found: pd.DataFrame) -> Table:
    title = f"{slice_.name}: {len(slice_.left):,} and {len(slice_.right):,} accounts, {len(slice_.truth):,} true pairs"
    table = Table(title=title, caption="in brackets: 95 % intervals", title_justify="left")
    table.add_column("tier")
    for name in (*FIGURES, "pairs"):
        table.add_column(name.replace("_", " ").replace("f1", "F1"), justify="right")
    for name, tiers in SETS.items():
        pairs = counted(found, tiers)
        total, around = score(pairs, slice_), intervals(pairs, slice_)
        cells = [
            f"{getattr(total, figure):.3f} ({around[figure][0]:.3f}-{around[figure][1]:.3f})"
            if total.known(figure)
            else "-"
            for figure in FIGURES
        ]
        table.add_row(name, *cells, f"{total.pairs:,}")
    return table


if __name__ == "__main__":
    sys.exit(main())
