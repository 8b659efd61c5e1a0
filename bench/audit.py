"""How long the offline audit of a room's ledger takes: `python -m bench.audit 1000000 --json`.

The room is the one that the tests of the audit make (`tests/unit/cleanroom/audit/room_made.py`), and lives on: of 255
entries one is an answer, one a notice, three are a round of openings, four a release in each direction, and the others
are batches of lists and what is made of them. All documents but those of lists are carried, with three records a
release. Making the room takes about as long, and is not in the time. Prints entries, documents, wall_s and cpu_s of
`verify`, peak_mb of the whole process, and whether the audit holds.
"""

import argparse
import hashlib
import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from cleanroom.audit.verify import verify
from cleanroom.domain.collector import collect_rarely
from cleanroom.messages.entries import EvaluationDelivered, EvaluationSigned, SnapshotCommitted
from matching.merkle import leaf_hash, node_hash

LIMIT_SECONDS = 60
CYCLE = 256
TESTS = Path(__file__).parents[1] / "tests"


def main() -> int:
    """Run it once. 1 if the audit does not hold, or takes longer than it may at a million."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bundle = lived(options.n)
    collect_rarely()  # as the command does
    wall, cpu = time.perf_counter(), time.process_time()
    audit = verify(bundle)
    result = {
        "entries": audit.size,
        "documents": len(bundle.documents),
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "holds": audit.holds,
    }
    print(json.dumps(result) if options.json else "\n".join(f"{key:>9}  {value}" for key, value in result.items()))
    return 0 if audit.holds and result["cpu_s"] <= LIMIT_SECONDS else 1


def lived(entries: int) -> Any:  # noqa: ANN401 - a bundle, made by a module of the tests
    """A bundle of at least so many entries."""
    sys.path[:0] = [str(TESTS), str(TESTS / "unit" / "cleanroom" / "audit")]
    made, partners = (importlib.import_module(name) for name in ("room_made", "partners_made"))
    life = made.lived()
    _grow(life)
    number, previous = 1, tuple(life.records)
    while len(life.leaves) < entries:
        number += 1
        for step in range((CYCLE - 9) // 5):
            _push(life, partners.PARTNERS, f"{number}/{step}")
        life.answered(number)
        life.opened(number)
        previous = life.released(number, number, previous)
        life.told(number)
    return life.bundle()


def _push(life: Any, partners: Any, name: str) -> None:  # noqa: ANN401 - of the tests
    """A batch of the first list, and both evaluations of it."""
    snapshot, number = _digest(name), 1 + len(life.leaves)
    life.add(
        SnapshotCommitted, document=snapshot, entries="1,000 to 2,000", epoch=0, number=number, owner=partners[0].id
    )
    for partner in partners:
        named = {"against": snapshot, "document": _digest(name, partner.id), "of": snapshot}
        life.add(EvaluationSigned, epoch=0, evaluator=partner.id, **named)
        life.add(EvaluationDelivered, epoch=0, evaluator=partner.id, number=number, root=snapshot)


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def _grow(life: Any) -> None:  # noqa: ANN401 - of the tests
    """From here on the room's root is kept as the log grows, not made anew each time."""
    peaks: list[tuple[int, bytes]] = []
    made_anew, known = life.root, [0]

    def root(size: int | None = None) -> bytes:
        if size not in {None, len(life.leaves)}:
            return bytes(made_anew(size))
        for leaf in life.leaves[known[0] :]:
            peaks.append((1, leaf_hash(leaf)))
            while len(peaks) > 1 and peaks[-2][0] == peaks[-1][0]:
                (half, left), (_, right) = peaks[-2:]
                peaks[-2:] = [(2 * half, node_hash(left, right))]
        known[0] = len(life.leaves)
        found = peaks[-1][1]
        for _, peak in reversed(peaks[:-1]):
            found = node_hash(peak, found)
        return found

    life.root = root


if __name__ == "__main__":
    sys.exit(main())
