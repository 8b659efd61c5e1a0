"""The tables of `bench/quality.md`, as Markdown text."""

import time
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from bench.quality import identifiers as made_up
from bench.quality.ablation import variants
from bench.quality.contest import SIMPLE, Failed, Placed
from bench.quality.ours import ours
from bench.quality.scoring import FIGURES, SETS, TIERS, Interval, Score, counted, intervals, score
from bench.quality.slices import PARTS, Slice, cut, within
from matching.rule import CASES, CERTAIN, LIKELY

_TIER_NAMES = {LIKELY: "likely", CERTAIN: "certain"}
_TITLES = [name.replace("_", " ").replace("f1", "F1") for name in FIGURES]
_NOTES = """## How to read the peers

- *At its best* means at the threshold, and with the variant, that has the highest F1 **on the truth itself**. Nobody
  has that truth in practice, so peers with a threshold stand better here than they would in use. Ours and the simple
  recipes have no threshold.
- The simple recipes must come to the figures that were published with the public slices, within .003, or the command
  fails.
- rapidfuzz and splink see both lists in plain text. clkhash + anonlink does not, but whoever compares the Bloom filters
  must be trusted not to attack them: n-grams in a filter can be guessed from how often they occur (Kuzu et al. 2011,
  Christen et al. 2018). Ours compares keys for equality only.
- Seconds of a peer are those of all its variants together, without starting Python and reading the files; ours are
  those of keys, entries, join and rule in one process, without cryptography.
"""
_SYNTHETIC = """**Synthetic.** No slice has an identifier scheme that both lists use. Here a random part of the accounts
on both sides has a LEI or a D-U-N-S number, made of the truth's key and so always right; accounts outside the truth
have ones of their own. Real identifiers are wrong at times, and missing where they would help most. *New* are pairs
that were not found without them, *gone* are pairs that a veto, or the merging of accounts, took out.
"""


def timed(run: Callable[[Slice], pd.DataFrame], slice_: Slice) -> tuple[pd.DataFrame, float]:
    """What was found, and the seconds it took."""
    start = time.perf_counter()
    found = run(slice_)
    return found, time.perf_counter() - start


def own(found: pd.DataFrame, slice_: Slice) -> str:
    """Ours by tier: with intervals, then the part that was looked at beside the part to confirm on."""
    rows = []
    for name, tiers in SETS.items():
        pairs = counted(found, tiers)
        total, around = score(pairs, slice_), intervals(pairs, slice_)
        rows.append([name, *_figures(total, around)])
    parted = []
    for name, tiers in SETS.items():
        cells = [name]
        for part in PARTS[1:]:
            pairs, one = within(counted(found, tiers), "left", part), cut(slice_, part)
            cells += [_cell(score(pairs, one), figure) for figure in FIGURES]
        parted.append(cells)
    head = ["tier", *(f"{part}: {title}" for part in PARTS[1:] for title in _TITLES)]
    return _table(["tier", *_TITLES, "pairs"], rows) + "\n" + _table(head, parted)


def beside(found: pd.DataFrame, seconds: float, slice_: Slice, results: Sequence[Placed | Failed]) -> str:
    """Ours, the recipes and every peer at its best, the highest F1 first; what failed at the end."""
    rows: list[tuple[float, list[str]]] = []
    for name, tiers in SETS.items():
        pairs = counted(found, tiers)
        total, around = score(pairs, slice_), intervals(pairs, slice_)
        named = [f"**ours, {name}**", "yes", ""]
        rows.append((total.f1, [*named, *_figures(total, around), f"{seconds:.1f}"]))
    for one in results:
        if isinstance(one, Placed):
            private = "yes" if one.peer.private else "no"
            threshold = f"{one.curve.threshold[one.curve.best]:.3f}" if one.curve else ""
            figures = _figures(one.score, one.around)
            rows.append((one.score.f1, [_named(one), private, threshold, *figures, f"{one.seconds:.1f}"]))
    ordered = [cells for _, cells in sorted(rows, key=lambda row: -row[0])]
    failed = [
        [one.peer.name or "simple recipes", "", f"not measured: {one.why}"]
        for one in results
        if isinstance(one, Failed)
    ]
    head = ["", "private", "threshold", *_TITLES, "pairs", "seconds"]
    return _table(head, [*ordered, *([*row, *[""] * (len(head) - len(row))] for row in failed)])


def tried(results: Sequence[Placed | Failed]) -> str:
    """Every variant of every peer that has several, folded away."""
    rows = [
        [_named(one), f"{one.curve.threshold[one.curve.best]:.3f}", *(_cell(one.score, figure) for figure in FIGURES)]
        for one in results
        if isinstance(one, Placed) and one.curve
    ]
    table = _table(["variant", "threshold", *_TITLES], rows)
    return f"<details><summary>All variants of the peers, each at its best</summary>\n\n{table}\n</details>\n"


def ablation(slices: Sequence[Slice]) -> str:
    """What each kind of key and each rule brings, slice by slice."""
    text = [
        "## What each part brings\n",
        "The same slices with one thing changed; in brackets the difference to the whole.\n",
    ]
    for slice_ in slices:
        rows: list[list[str]] = []
        whole: dict[str, Score] = {}
        for variant in variants():
            found = variant.run(slice_)
            scores = {"all": score(counted(found), slice_), TIERS[0]: score(counted(found, TIERS[:1]), slice_)}
            whole = whole or scores
            cells = [_moved(one, whole[name], figure) for name, one in scores.items() for figure in FIGURES]
            rows.append([variant.name, variant.change, *cells])
        head = ["", "change", *_TITLES, *(f"{TIERS[0]}: {title}" for title in _TITLES)]
        text.append(f"### {slice_.name}: one change each\n\n" + _table(head, rows))
    return "\n".join(text)


def cases(slices: Sequence[Slice]) -> str:
    """What each row of the rule decides, and how often it is right."""
    text = ["## The rule, case by case\n", "Pairs that each case decides, and how many of them are right.\n"]
    rows: dict[str, list[str]] = {case.why: [_TIER_NAMES[case.tier]] for case in CASES if case.tier}
    for slice_ in slices:
        found = ours(slice_)
        for why in rows:
            total = score(counted(found[found["case"] == why]), slice_)
            rows[why] += [f"{total.pairs:,}", _cell(total, "precision")] if total.pairs else ["0", "-"]
    head = ["case", "tier", *(cell for slice_ in slices for cell in (slice_.name, "precision"))]
    return "\n".join(text) + "\n" + _table(head, [[why, *cells] for why, cells in rows.items()])


def identifiers(slices: Sequence[Slice]) -> str:
    """What identifiers would bring if both lists had them for some accounts."""
    text = ["## Identifiers, made up\n", _SYNTHETIC]
    head = ["scheme", "accounts with one", *_TITLES, "new (right)", "gone (right)"]
    for slice_ in slices:
        before = counted(ours(slice_))
        rows = [["none", "0%", *(_cell(score(before, slice_), figure) for figure in FIGURES), "", ""]]
        for trial in made_up.trials(slice_):
            after = counted(ours(trial.slice))
            cells = [_cell(score(after, slice_), figure) for figure in FIGURES]
            moved = [_with_right(_less(after, before), slice_), _with_right(_less(before, after), slice_)]
            rows.append([trial.scheme, f"{trial.share:.0%}", *cells, *moved])
        found = _table(head, rows) if len(rows) > 1 else "The truth has no keys to make identifiers of.\n"
        text.append(f"### {slice_.name}: with identifiers\n\n{found}")
    return "\n".join(text)


def notes() -> str:
    """How to read the peers."""
    return _NOTES


def _less(pairs: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    among = pd.MultiIndex.from_frame(others)
    return pairs[~pd.MultiIndex.from_frame(pairs).isin(among)].reset_index(drop=True)


def _with_right(pairs: pd.DataFrame, slice_: Slice) -> str:
    return f"{len(pairs):,} ({score(pairs, slice_).right:,})"


def _named(one: Placed) -> str:
    return one.variant if one.peer == SIMPLE else f"{one.peer.name}: {one.variant}"


def _figures(total: Score, around: Mapping[str, Interval]) -> list[str]:
    return [*(_cell(total, figure, around[figure]) for figure in FIGURES), f"{total.pairs:,}"]


def _cell(total: Score, figure: str, around: Interval | None = None) -> str:
    if not total.known(figure):
        return "-"
    return f"{getattr(total, figure):.3f}" + (f" ({around[0]:.3f}-{around[1]:.3f})" if around else "")


def _moved(total: Score, whole: Score, figure: str) -> str:
    text = _cell(total, figure)
    if text == "-" or total is whole or not whole.known(figure):
        return text
    difference = getattr(total, figure) - getattr(whole, figure)
    return f"{text} ({difference:+.3f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:], ""])
