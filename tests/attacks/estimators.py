"""How an attacker weighs what it was shown: the strongest estimators that we know, with everything public known.

`likelihoods` is the exact distribution of the shown value for every possible true count, with noise, threshold and
rounding in it. `beliefs` is loopy belief propagation on the graph of targets and shown counts: each count is explained
by the target in question and the others of its segment, whose own odds come from all the other counts. It is exact
Bayes where no two targets share two segments, and nearly so elsewhere. `least_squares` is what an attacker does who
takes the numbers for what they seem.
"""

from collections.abc import Sequence

import numpy as np

from matching.disclosure.modes import Mode
from tests.attacks.asks import MEMBERS, TARGETS, Ask, Floats, Ints, Release, Seen

PRIOR = float(np.log(MEMBERS / (TARGETS - MEMBERS)))
SURE = 12.0
"""Where log odds end: what is certain in exact mode must not become infinite."""
NEVER = 1e-9


def likelihoods(mode: Mode, seen: Seen, ask: Ask, most: int) -> Floats:
    """(segments, most + 1): how likely the shown value is if so many of the segment's targets are members."""
    counts = np.array(ask.known)[:, None] + ask.weight * np.arange(most + 1)[None, :]
    low, high = np.array([_range(mode, value) for value in seen]).T[:, :, None]
    return np.maximum(_below(high - counts + 1, mode.scale) - _below(low - counts, mode.scale), NEVER)


def beliefs(mode: Mode, releases: Sequence[Release], *, sweeps: int = 2) -> Floats:
    """(targets,): the log likelihood ratio that a target is a member, from all releases together."""
    messages = np.zeros((len(releases), TARGETS))
    prepared = [_prepared(mode, release) for release in releases]
    for sweep in range(sweeps):
        for at, (places, tables, weights) in enumerate(prepared):
            others = np.clip(PRIOR + messages.sum(axis=0) - messages[at], -SURE, SURE)
            odds = _told(1 / (1 + np.exp(-others)), places, tables, weights)
            held = places < TARGETS
            # Half of the way at a time: counts without noise make messages swing otherwise.
            step = 0.5 if mode.scale == 0 and sweep else 1.0
            old = messages[at, places[held]]
            messages[at, places[held]] = old + step * (np.clip(odds[held], -SURE, SURE) - old)
    return messages.sum(axis=0)


def after_each(mode: Mode, releases: Sequence[Release]) -> Floats:
    """(releases, targets): what an attacker believes after the first, the second ..., each weighed once as it came."""
    odds, found = np.zeros(TARGETS + 1), np.zeros((len(releases), TARGETS))
    for at, release in enumerate(releases):
        places, without, with_it = _prepared(mode, release)
        member = 1 / (1 + np.exp(-np.clip(PRIOR + odds[:TARGETS], -SURE, SURE)))
        np.add.at(odds, places, np.clip(_told(member, places, without, with_it), -SURE, SURE))
        found[at] = odds[:TARGETS]
    return found


def least_squares(mode: Mode, releases: Sequence[Release]) -> Floats:
    """(targets,): by how much each target seems to move the counts that it was in (ridge regression)."""
    rows, values, weights = [], [], []
    for release in releases:
        for group, known, seen in zip(release.ask.groups, release.ask.known, release.seen, strict=True):
            row = np.zeros(TARGETS)
            row[group] = release.ask.weight
            rows.append(row)
            values.append((mode.threshold - mode.scale if seen is None else seen) - known)
            weights.append(1.0)
    design, found = np.array(rows), np.array(values, float)
    rate = MEMBERS / TARGETS
    ridge = (2 * mode.scale**2 + 0.01) / (rate * (1 - rate))
    centred = found - design.sum(axis=1) * rate
    return np.linalg.solve(design.T @ design + ridge * np.eye(TARGETS), design.T @ centred)


def _range(mode: Mode, value: int | None) -> tuple[int, int]:
    """Which noisy numbers are shown as this value: from the first to the last."""
    if value is None:
        return -(10**6), max(mode.threshold, 1) - 1
    low = value - mode.step // 2
    return max(low, mode.threshold), low + mode.step - 1


def _below(number: Ints, scale: int) -> Floats:
    """The probability that the noise is below a number."""
    if scale == 0:
        return (number > 0).astype(float)
    ratio = np.exp(-1 / scale)
    tail = ratio ** np.abs(np.where(number > 0, number, 1 - number))
    return np.where(number > 0, 1 - tail / (1 + ratio), tail / (1 + ratio))


def _prepared(mode: Mode, release: Release) -> tuple[Ints, Floats, Floats]:
    """Targets by segment, filled up with `TARGETS`; likelihoods of each segment with one member less, and one more."""
    widest = max(1, *(len(group) for group in release.ask.groups))
    places = np.full((len(release.ask.groups), widest), TARGETS, np.int64)
    for at, group in enumerate(release.ask.groups):
        places[at, : len(group)] = group
    table = likelihoods(mode, release.seen, release.ask, widest)
    return places, table[:, :-1], table[:, 1:]


def _told(member: Floats, places: Ints, without: Floats, with_it: Floats) -> Floats:
    """(segments, widest): the log likelihood ratio of each target by its segment's count alone."""
    chance = np.append(member, 0.0)[places]
    segments, widest = places.shape
    # others[s, j, n]: the probability that n of the targets of segment s other than the j-th are members.
    others = np.zeros((segments, widest, widest))
    others[:, :, 0] = 1.0
    for at in range(widest):
        one = np.repeat(chance[:, at, None], widest, axis=1)
        one[:, at] = 0.0
        moved = others * one[:, :, None]
        others -= moved
        others[:, :, 1:] += moved[:, :, :-1]
    yes = np.einsum("sjn,sn->sj", others, with_it)
    no = np.einsum("sjn,sn->sj", others, without)
    return np.log(np.maximum(yes, NEVER) / np.maximum(no, NEVER))
