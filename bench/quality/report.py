"""`make bench-quality`: ours and the peers on labelled slices, as `bench/quality.md` and a picture of each slice.

    python -m bench.quality.report FOLDER [FOLDER ...] [--into bench] [--peers simple fuzzy linker bloom]

Peers run in environments of their own, which are made on first use. Exits with 1 if a simple recipe does not come to
the figures that were published with a public slice, and with 2 and one line for a folder that is no slice.
"""

import argparse
import sys
from pathlib import Path

from bench.environments import ROOT
from bench.field import machine
from bench.quality import tables
from bench.quality.contest import PEERS, best_of, contest, unlike_published
from bench.quality.ours import ours
from bench.quality.picture import picture
from bench.quality.records import SliceRefused
from bench.quality.scoring import tiers_of
from bench.quality.slices import Slice, slices_of

REFUSED = 2
_HEAD = """# Match quality

Written by `make bench-quality`; `bench/README.md` says what is measured. {machine}.

Scored are pairs of accounts, all that the rule matches; every pair outside the truth is wrong. *Hard* pairs agree
neither in registrable domain nor in cleaned name. In brackets: 95 % intervals from 1,000 resamples of left accounts.
"""


def main() -> int:
    """Measure everything and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--into", type=Path, default=ROOT / "bench", help="folder for quality.md and its pictures")
    names = [peer.module for peer in PEERS]
    parser.add_argument(
        "--peers", nargs="*", choices=names, default=names, help="which to run; the others are left out"
    )
    options = parser.parse_args()
    try:
        slices = slices_of(options.folders)
    except SliceRefused as refused:
        print(refused, file=sys.stderr)
        return REFUSED
    parts, unlike = [_HEAD.format(machine=machine())], []
    for slice_ in slices:
        text, wrong = _section(slice_, options.peers, options.into)
        parts.append(text)
        unlike += wrong
    parts += [tables.cases(slices), tables.ablation(slices), tables.identifiers(slices), tables.notes()]
    (options.into / "quality.md").write_text("\n".join(parts), encoding="utf-8")
    for line in unlike:
        print(f"{line}: not the published figures", file=sys.stderr)
    return 1 if unlike else 0


def _section(slice_: Slice, peers: list[str], into: Path) -> tuple[str, list[str]]:
    """(what the document says of a slice, the recipes that do not come to their published figures)."""
    print(f"{slice_.name}: ours", flush=True)
    found, seconds = tables.timed(ours, slice_)
    print(f"{slice_.name}: {', '.join(peers)}", flush=True)
    results = contest(slice_, [peer for peer in PEERS if peer.module in peers])
    file = f"quality-{slice_.name.replace('/', '-')}.svg"
    (into / file).write_text(picture(slice_.name, tiers_of(found, slice_), best_of(results)), encoding="utf-8")
    text = "\n".join(
        [
            f"## {slice_.name}\n",
            f"{len(slice_.left):,} and {len(slice_.right):,} accounts, {len(slice_.truth):,} true pairs, "
            + (
                f"{int(slice_.truth['hard'].sum()):,} of them hard.\n"
                if slice_.hard_known
                else "no flags of hard pairs.\n"
            ),
            tables.own(found, slice_),
            tables.beside(found, seconds, slice_, best_of(results)),
            f"![Precision against recall on {slice_.name}]({file})\n",
            tables.tried(results),
        ]
    )
    return text, unlike_published(slice_, results)


if __name__ == "__main__":
    sys.exit(main())
