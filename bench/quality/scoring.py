"""From pairs and truth to precision, recall and F1, with bootstrap intervals.

A pair of accounts counts once, however often it is named. All pairs outside the truth are wrong. Pairs of a tier that
does not count are nowhere. Where there is nothing to divide by (no pairs, no hard truth) a figure is 0.0; `Score` tells
these cases by its counts.

Intervals: 95 %, percentiles of 1,000 resamples of *left accounts* with all their pairs and all their truth, because
the pairs of one account are right and wrong together. Accounts with equal counts are interchangeable, so one
multinomial draw over the distinct counts is the same as drawing accounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.quality.slices import Slice

TIERS: Final = ("certain", "likely")
"""The tiers that count, the better one first."""
SETS: Final = {**{tier: (tier,) for tier in TIERS}, "+".join(TIERS): TIERS}
FIGURES: Final = ("precision", "recall", "f1", "hard_recall")
RESAMPLES: Final = 1_000
_SEED: Final = 20_261_122

_Counts = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Figures of a set of pairs against the truth, and the counts behind them."""

    precision: float
    recall: float
    f1: float
    hard_recall: float
    pairs: int
    right: int
    true: int
    hard: int

    def figures(self) -> dict[str, float | int]:
        """What `python -m bench.quality --json` prints of it."""
        return {**{name: getattr(self, name) for name in FIGURES}, "pairs": self.pairs}

    def known(self, figure: str) -> bool:
        """Whether there was anything to divide by."""
        over = {"precision": self.pairs, "recall": self.true, "f1": self.pairs + self.true, "hard_recall": self.hard}
        return over[figure] > 0


def counted(found: pd.DataFrame, tiers: Sequence[str] = TIERS) -> pd.DataFrame:
    """The distinct pairs of these tiers, each under the best tier that it was found in.

    `found`: left, right and, if it has tiers, tier. A frame without tiers counts whole.
    """
    if "tier" not in found:
        return found[["left", "right"]].drop_duplicates(ignore_index=True)
    best = found.assign(rank=found["tier"].map({tier: rank for rank, tier in enumerate(TIERS)}))
    best = best.dropna(subset=["rank"]).sort_values("rank", kind="stable").drop_duplicates(["left", "right"])
    return best.loc[best["tier"].isin(tiers), ["left", "right"]].reset_index(drop=True)


def score(pairs: pd.DataFrame, slice_: Slice) -> Score:
    """The score of distinct pairs (left, right)."""
    return _score(_counts(pairs, slice_).sum(axis=0))


def intervals(pairs: pd.DataFrame, slice_: Slice, *, resamples: int = RESAMPLES) -> dict[str, Interval]:
    """Figure -> where 95 % of the resamples are; the same numbers on every run."""
    counts = _counts(pairs, slice_)
    if not len(counts):
        return dict.fromkeys(FIGURES, (0.0, 0.0))
    kinds, often = np.unique(counts, axis=0, return_counts=True)
    draws = np.random.default_rng(_SEED).multinomial(len(counts), often / len(counts), size=resamples)
    columns = _figures((draws @ kinds).astype(np.float64))
    bounds = {name: np.percentile(values, [2.5, 97.5]) for name, values in columns.items()}
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def tiers_of(found: pd.DataFrame, slice_: Slice) -> dict[str, Score]:
    """`certain`, `likely` and `certain+likely`, each on its own against the whole truth."""
    return {name: score(counted(found, tiers), slice_) for name, tiers in SETS.items()}


def report(found: pd.DataFrame, slice_: Slice) -> dict[str, object]:
    """The value of one slice in the JSON: figures of all tiers that count, and of each under `tiers`."""
    tiers = {name: one.figures() for name, one in tiers_of(found, slice_).items()}
    return {**tiers["+".join(TIERS)], "tiers": tiers}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Precision and recall at every threshold, from the highest; `best` is the position of the highest F1."""

    threshold: _Floats
    precision: _Floats
    recall: _Floats
    best: int


def curve(scored: pd.DataFrame, slice_: Slice) -> Curve | None:
    """What taking the pairs (left, right, score) from a threshold on comes to; None if there are no pairs.

    A pair that is named more than once counts with its highest score.
    """
    ordered = scored.sort_values("score", ascending=False, kind="stable").drop_duplicates(["left", "right"])
    if not len(ordered):
        return None
    right = _true_among(ordered, slice_.truth).cumsum()
    threshold = ordered["score"].to_numpy(dtype=np.float64)
    ends = np.append(np.flatnonzero(threshold[1:] != threshold[:-1]), len(threshold) - 1)
    hits, taken, true = right[ends], ends + 1, len(slice_.truth)
    return Curve(
        threshold=threshold[ends],
        precision=hits / taken,
        recall=hits / max(true, 1),
        best=int(np.argmax(2 * hits / (taken + true))),
    )


def _true_among(pairs: pd.DataFrame, truth: pd.DataFrame) -> npt.NDArray[np.bool_]:
    known = pd.MultiIndex.from_frame(truth[["left_id", "right_id"]])
    return np.asarray(pd.MultiIndex.from_frame(pairs[["left", "right"]]).isin(known), dtype=np.bool_)


def _counts(pairs: pd.DataFrame, slice_: Slice) -> _Counts:
    """Per left account: pairs, right pairs, true pairs, hard true pairs, hard right pairs.

    Left accounts that only truth or only pairs name have rows, too.
    """
    truth = slice_.truth
    hits = pairs[_true_among(pairs, truth)]
    hard = truth[truth["hard"]]
    hard_hits = hits[_true_among(hits, hard)]
    lefts = [pairs["left"], hits["left"], truth["left_id"], hard["left_id"], hard_hits["left"]]
    accounts = pd.Index(pd.concat([slice_.left["account_id"], *lefts], ignore_index=True).unique())
    at = [accounts.get_indexer(pd.Index(ids)) for ids in lefts]
    return np.stack([np.bincount(places, minlength=len(accounts)) for places in at], axis=1).astype(np.int64)


def _figures(sums: _Floats) -> dict[str, _Floats]:
    """Figures of rows of summed counts (n, 5)."""
    pairs, right, true, hard, hard_right = sums.T

    def over(part: _Floats, whole: _Floats) -> _Floats:
        return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

    return {
        "precision": over(right, pairs),
        "recall": over(right, true),
        "f1": over(2 * right, pairs + true),
        "hard_recall": over(hard_right, hard),
    }


def _score(sums: _Counts) -> Score:
    figures = {name: float(values[0]) for name, values in _figures(sums[None, :].astype(np.float64)).items()}
    pairs, right, true, hard, _ = sums.tolist()
    return Score(**figures, pairs=pairs, right=right, true=true, hard=hard)
