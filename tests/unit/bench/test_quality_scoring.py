from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from slices_made import TRUE, TRUTH, slice_in

from bench.quality.scoring import FIGURES, counted, curve, intervals, report, score, tiers_of
from bench.quality.slices import Slice, cut, part_of, slices_of, within


@pytest.fixture
def small(tmp_path: Path) -> Slice:
    return slices_of([slice_in(tmp_path / "small")])[0]


def pairs(*named: str) -> pd.DataFrame:
    """`left right tier` or `left right`."""
    rows = [name.split() for name in named]
    return pd.DataFrame(rows, columns=["left", "right", "tier"][: len(rows[0])], dtype="str")


def large(accounts: int = 400) -> tuple[Slice, pd.DataFrame]:
    """A slice with figures between 0 and 1 and several pairs an account, and what was found in it."""
    draws = np.random.default_rng(5)
    left = pd.DataFrame({"account_id": [f"L{at}" for at in range(accounts)]}, dtype="str")
    truth = pd.DataFrame(
        {
            "left_id": [f"L{at}" for at in draws.integers(accounts, size=600)],
            "right_id": [f"R{at}" for at in range(600)],
        },
        dtype="str",
    ).assign(hard=draws.random(600) < 0.2)
    hits = truth[draws.random(600) < 0.7].rename(columns={"left_id": "left", "right_id": "right"})[["left", "right"]]
    misses = pd.DataFrame({"left": [f"L{at}" for at in range(min(accounts, 90))], "right": "R9999"}, dtype="str")
    whole = Slice(name="", folder=Path(), left=left, right=left, truth=truth, hard_known=True)
    return whole, pd.concat([hits, misses], ignore_index=True)


def test_figures_of_a_slice_that_fits_on_a_hand(small: Slice) -> None:
    found = score(pairs("L1 R1", "L2 R2", "L3 R3", "L3 R1"), small)
    assert (found.precision, found.recall, found.f1, found.hard_recall) == (0.5, 2 / 3, 4 / 7, 0.0)
    assert (found.pairs, found.right, found.true, found.hard) == (4, 2, 3, 1)
    assert score(pairs("L4 R4"), small).hard_recall == 1.0


def test_each_tier_counts_alone_and_a_pair_under_its_best_one(small: Slice) -> None:
    found = pairs("L1 R1 likely", "L1 R1 certain", "L2 R2 likely", "L3 R3 likely", "L4 R4 possible")
    tiers = tiers_of(found, small)
    assert {name: (one.pairs, one.right) for name, one in tiers.items()} == {
        "certain": (1, 1),
        "likely": (2, 1),
        "certain+likely": (3, 2),
    }
    assert report(found, small)["precision"] == 2 / 3
    assert len(counted(found[["left", "right"]])) == 4


def test_truth_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    twice = slices_of([slice_in(tmp_path / "twice", truth=(TRUTH, *TRUE, *TRUE))])[0]
    assert score(pairs("L1 R1"), twice).recall == 1 / 3


def test_nothing_found_or_nothing_true_is_zero_and_known_to_be_nothing(tmp_path: Path, small: Slice) -> None:
    nothing = score(pairs("L1 R1").iloc[:0], small)
    assert (nothing.precision, nothing.recall, nothing.f1) == (0.0, 0.0, 0.0)
    assert not nothing.known("precision")
    assert nothing.known("recall")
    untrue = slices_of([slice_in(tmp_path / "untrue", truth=(TRUTH,))])[0]
    assert score(pairs("L1 R1"), untrue).f1 == 0.0
    assert intervals(pairs("L1 R1"), untrue)["precision"] == (0.0, 0.0)


def test_without_flags_no_pair_is_known_to_be_hard(tmp_path: Path) -> None:
    bare = slices_of([slice_in(tmp_path / "bare", truth=("left_id,right_id", "L1,R1"))])[0]
    assert not bare.hard_known
    assert not score(pairs("L1 R1"), bare).known("hard_recall")


def test_an_interval_holds_the_figure_and_is_the_same_each_time() -> None:
    whole, found = large()
    total, around = score(found, whole), intervals(found, whole)
    for figure in FIGURES:
        low, high = around[figure]
        assert low < getattr(total, figure) < high
    assert around == intervals(found, whole)


def test_an_interval_is_that_of_a_bootstrap_over_accounts() -> None:
    """Against drawing the accounts one by one, as the definition says."""
    whole, found = large(200)
    draws = np.random.default_rng(6)
    ids = whole.left["account_id"].to_numpy()
    right = {pair[:2] for pair in whole.truth.itertuples(index=False, name=None)}
    by_left = {one: list(zip(part["left"], part["right"], strict=True)) for one, part in found.groupby("left")}
    precisions = []
    for _ in range(2_000):
        taken = [pair for one in draws.choice(ids, size=len(ids)) for pair in by_left.get(one, [])]
        precisions.append(sum(pair in right for pair in taken) / len(taken))
    low, high = intervals(found, whole)["precision"]
    assert np.percentile(precisions, 2.5) == pytest.approx(low, abs=0.006)
    assert np.percentile(precisions, 97.5) == pytest.approx(high, abs=0.006)


def test_the_parts_are_disjoint_and_cover_everything() -> None:
    whole, found = large()
    looked, confirmed = (cut(whole, part) for part in ("look", "confirm"))
    assert set(looked.left["account_id"]).isdisjoint(confirmed.left["account_id"])
    assert len(looked.left) + len(confirmed.left) == len(whole.left)
    assert len(looked.truth) + len(confirmed.truth) == len(whole.truth)
    assert 0.4 < len(looked.left) / len(whole.left) < 0.6
    scores = [score(within(found, "left", part), cut(whole, part)) for part in ("look", "confirm", "all")]
    assert scores[0].right + scores[1].right == scores[2].right
    assert scores[0].pairs + scores[1].pairs == scores[2].pairs


def test_an_account_stays_in_its_part() -> None:
    ids = pd.Series([f"L{at:05}" for at in range(8)], dtype="str")
    assert part_of(ids).tolist() == [True, False, False, True, True, True, False, False]


def test_a_curve_takes_pairs_of_one_score_together(small: Slice) -> None:
    scored = pairs("L1 R1", "L3 R3", "L2 R2", "L1 R1").assign(score=[0.9, 0.8, 0.8, 0.1])
    line = curve(scored, small)
    assert line is not None
    assert line.threshold.tolist() == [0.9, 0.8]
    assert line.precision.tolist() == [1.0, 2 / 3]
    assert line.recall.tolist() == [1 / 3, 2 / 3]
    assert line.best == 1
    assert curve(scored.iloc[:0], small) is None
