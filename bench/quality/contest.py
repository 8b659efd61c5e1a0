"""The peers on a slice: each run in its environment, each at its best, with what it was when it failed."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from bench.environments import ROOT, interpreter
from bench.quality.scoring import Curve, Interval, Score, curve, intervals, score
from bench.quality.slices import Slice

_LONGEST: Final = 1_800
"""Seconds after which a peer is given up."""

PUBLISHED: Final[Mapping[str, Mapping[str, tuple[float, float, float]]]] = {
    "brands": {
        "equal host": (0.963, 0.424, 0.589),
        "equal name": (0.944, 0.780, 0.854),
        "registrable domain": (0.954, 0.600, 0.737),
        "cleaned name": (0.935, 0.806, 0.866),
        "domain or cleaned name": (0.914, 0.913, 0.914),
        "domain and cleaned name": (1.000, 0.494, 0.661),
    },
    "listed": {
        "equal host": (0.985, 0.068, 0.127),
        "equal name": (0.998, 0.303, 0.465),
        "registrable domain": (0.993, 0.198, 0.331),
        "cleaned name": (0.998, 0.679, 0.808),
        "domain or cleaned name": (0.996, 0.712, 0.830),
        "domain and cleaned name": (0.998, 0.165, 0.284),
    },
}
"""Slice -> recipe -> precision, recall, F1, as published with the slices."""
TOLERANCE: Final = 0.003


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A peer: what the tables call it, its module in `bench.quality.peers`, its environment, whether it is private."""

    name: str
    module: str
    environment: str
    private: bool


SIMPLE: Final = Peer(name="", module="simple", environment="linkers", private=False)
FUZZY: Final = Peer(name="rapidfuzz", module="fuzzy", environment="linkers", private=False)
LINKER: Final = Peer(name="splink", module="linker", environment="linkers", private=False)
BLOOM: Final = Peer(name="clkhash + anonlink", module="bloom", environment="anonlink", private=True)
PEERS: Final = (SIMPLE, FUZZY, LINKER, BLOOM)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """One variant of a peer at its best threshold, chosen on the truth. `curve` is None for what has no threshold."""

    peer: Peer
    variant: str
    score: Score
    around: Mapping[str, Interval]
    curve: Curve | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A peer that could not be set up or did not finish, and why in a few words."""

    peer: Peer
    why: str


def contest(slice_: Slice, peers: Sequence[Peer] = PEERS) -> list[Placed | Failed]:
    """Every variant of every peer. `seconds` are those of all variants of the peer together."""
    results: list[Placed | Failed] = []
    for peer in peers:
        answer = _answer(peer, slice_.folder)
        if isinstance(answer, Failed):
            results.append(answer)
        else:
            results += [_placed(peer, one, slice_, float(answer["seconds"])) for one in answer["found"]]
    return results


def best_of(results: Sequence[Placed | Failed]) -> list[Placed | Failed]:
    """All simple recipes, and of every other peer the variant with the highest F1."""
    kept: list[Placed | Failed] = []
    for peer in PEERS:
        own = [one for one in results if one.peer == peer]
        placed = [one for one in own if isinstance(one, Placed)]
        if peer == SIMPLE or not placed:
            kept += own
        else:
            kept.append(max(placed, key=lambda one: one.score.f1))
    return kept


def unlike_published(slice_: Slice, results: Sequence[Placed | Failed]) -> list[str]:
    """The recipes whose figures on a public slice are not the published ones (within .003)."""
    wanted = PUBLISHED.get(slice_.name, {})
    return [
        f"{slice_.name}: {one.variant}"
        for one in results
        if isinstance(one, Placed) and one.peer == SIMPLE and one.variant in wanted
        for found in [(one.score.precision, one.score.recall, one.score.f1)]
        if any(abs(a - b) > TOLERANCE for a, b in zip(found, wanted[one.variant], strict=True))
    ]


def _answer(peer: Peer, folder: Path) -> dict[str, Any] | Failed:
    try:
        python = interpreter(peer.environment)
    except (subprocess.CalledProcessError, OSError):
        return Failed(peer=peer, why=f"the environment {peer.environment} could not be made")
    try:
        done = subprocess.run(
            [python, "-m", "bench.quality.peer", peer.module, folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST,
        )
    except subprocess.TimeoutExpired:
        return Failed(peer=peer, why=f"not done after {_LONGEST:,} s")
    if done.returncode:
        # The kind of error only: a library's message may hold what was in the files.
        kinds = re.findall(r"^([\w.]+)(?=:|$)", done.stderr, flags=re.MULTILINE)
        return Failed(peer=peer, why=", ".join([f"ended with {done.returncode}", *kinds[-1:]]))
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _placed(peer: Peer, one: Mapping[str, Any], slice_: Slice, seconds: float) -> Placed:
    scored = pd.DataFrame(
        {
            "left": pd.Series(one["left"], dtype="str"),
            "right": pd.Series(one["right"], dtype="str"),
            "score": pd.Series(one["score"], dtype="float64"),
        }
    )
    line = curve(scored, slice_)
    taken = scored if line is None else scored[scored["score"] >= line.threshold[line.best]]
    pairs = taken[["left", "right"]].drop_duplicates(ignore_index=True)
    return Placed(
        peer=peer,
        variant=one["variant"],
        score=score(pairs, slice_),
        around=intervals(pairs, slice_),
        curve=None if peer == SIMPLE else line,
        seconds=seconds,
    )
