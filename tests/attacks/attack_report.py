"""`make attacks`: every attack in every mode, many redraws, as a table and as docs/pictures/attacks.svg.

    python -m tests.attacks.attack_report [--redraws 2000] [--without-years]

It ends with 1 if the mean of an attack and two standard errors exceed its mode's limit, or if it fails where it must
succeed.
"""

import argparse
import logging
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import structlog

from matching.disclosure.modes import EXACT, MODES
from tests.attacks.asks import Floats, precision, some_members
from tests.attacks.attack_picture import Ceilings, picture
from tests.attacks.catalogue import ATTACKS, FORGED, LIMITS, PAIR_YEAR, SUCCESS
from tests.attacks.ceiling import ceiling
from tests.attacks.model import Measured, measured, precisions
from tests.attacks.plans import random_designs
from tests.attacks.real import capped_year, new_ground, uncapped_year

PICTURE: Final = Path(__file__).parents[2] / "docs" / "pictures" / "attacks.svg"
CURVE: Final = (1, 2, 4, 6, 8, 10, 12, 13, 14, 20, 26)
EXACT_CURVE: Final = (1, 2, 3, 4, 5, 6, 7, 8)
EXACT_REDRAWS: Final = 50
CLOSE: Final = 2
"""How many times as many years are drawn for the strongest attack, whose figures come close to the limits."""
ALL: Final = ATTACKS | FORGED

Curve = Mapping[int, Measured]


@dataclass(frozen=True, slots=True)
class Task:
    """One cell of the table, for a worker."""

    attack: str
    mode: str
    redraws: int

    def __call__(self) -> Measured:
        """Play it on the model."""
        found = ALL[self.attack]
        return measured(MODES[self.mode], found.plan, found.guess, answers=found.answers, redraws=self.redraws)


@dataclass(frozen=True, slots=True)
class Years:
    """A share of the years of the strongest attack, for a worker."""

    mode: str
    years: range

    def __call__(self) -> Floats:
        """Precisions by year and number of answers."""
        most = max(EXACT_CURVE if self.mode == "exact" else CURVE)
        return precisions(MODES[self.mode], random_designs, most, self.years)


@dataclass(frozen=True, slots=True)
class RealYear:
    """One year on the real escrow, for a worker."""

    attack: str
    mode: str

    def __call__(self) -> float:
        """Drive it; the precision of its guesses."""
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        rng = np.random.default_rng(len(self.attack))
        mode, attack = MODES[self.mode], ALL[self.attack]
        year = uncapped_year if mode is EXACT else capped_year
        with TemporaryDirectory() as folder, new_ground(Path(folder), some_members(rng)) as ground:
            releases = year(ground, mode, attack.plan, PAIR_YEAR, rng)
            return precision(attack.guess(mode, releases), ground.members, rng)


def main() -> int:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redraws", type=int, default=2_000, help="simulated years for each figure")
    parser.add_argument("--without-years", action="store_true", help="leave out the years on the real escrow")
    options = parser.parse_args()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        curves = {mode: _curve(workers, mode, options.redraws) for mode in MODES}
        _show_curves(curves)
        bad = _table(workers, options.redraws, curves)
        if not options.without_years:
            bad += _real_years(workers)
    print(f"\n{bad} of the figures are not as promised" if bad else "\nall attacks stay within the limits")
    return 1 if bad else 0


def _curve(workers: ProcessPoolExecutor, mode: str, redraws: int) -> Curve:
    """What the strongest attack reaches after each number of answers."""
    total = EXACT_REDRAWS if mode == "exact" else redraws * CLOSE
    shares = [range(first, min(first + 100, total)) for first in range(0, total, 100)]
    found = np.concatenate(list(workers.map(_play, [Years(mode, share) for share in shares])))
    return {at + 1: Measured.of(column) for at, column in enumerate(found.T)}


def _show_curves(curves: Mapping[str, Curve]) -> None:
    ceilings: Ceilings = {mode: {n: ceiling(MODES[mode].scale, n) for n in CURVE} for mode in LIMITS}
    print("| answers | standard | its ceiling | confidential | its ceiling |\n|---|---|---|---|---|")
    for answers in CURVE:
        cells = [f"{_cell(curves[mode][answers])} | {ceilings[mode][answers]:.3f}" for mode in LIMITS]
        print(f"| {answers} | {' | '.join(cells)} |")
    print("\n| answers | exact, uncapped |\n|---|---|")
    for answers in EXACT_CURVE:
        print(f"| {answers} | {_cell(curves['exact'][answers])} |", flush=True)
    drawn = {mode: {answers: curves[mode][answers] for answers in CURVE} for mode in LIMITS}
    PICTURE.write_text(picture(drawn, ceilings), encoding="utf-8")


def _table(workers: ProcessPoolExecutor, redraws: int, curves: Mapping[str, Curve]) -> int:
    """Print what each attack reaches in a year; how many figures are not as promised."""
    found = {
        (name, mode): curves[mode][attack.answers]
        for name, attack in ATTACKS.items()
        for mode in LIMITS
        if attack.is_strongest
    }
    left = [(name, mode) for name in ALL for mode in MODES if (name, mode) not in found]
    tasks = [Task(name, mode, EXACT_REDRAWS if mode == "exact" else redraws) for name, mode in left]
    found |= dict(zip(left, workers.map(_measure, tasks), strict=True))
    print("\n| attack | answers | exact, uncapped | standard | confidential |\n|---|---|---|---|---|")
    for name, attack in ALL.items():
        print(f"| {name} | {attack.answers} | {' | '.join(_cell(found[name, mode]) for mode in MODES)} |")
    bad = sum(
        found[name, mode].mean + 2 * found[name, mode].error > limit
        for name in ATTACKS
        for mode, limit in LIMITS.items()
    )
    return int(bad) + sum(found[name, "exact"].mean < SUCCESS for name, attack in ATTACKS.items() if attack.decides)


def _real_years(workers: ProcessPoolExecutor) -> int:
    """Print what each attack reached in one year on the real escrow; how many failed where they must succeed."""
    driven = [RealYear(name, mode) for name in ATTACKS for mode in MODES]
    found = dict(zip([(one.attack, one.mode) for one in driven], workers.map(_drive, driven), strict=True))
    print("\n| one real year | exact, uncapped | standard | confidential |\n|---|---|---|---|")
    for name in ATTACKS:
        print(f"| {name} | {' | '.join(f'{found[name, mode]:.2f}' for mode in MODES)} |")
    return sum(found[name, "exact"] < SUCCESS for name, attack in ATTACKS.items() if attack.decides)


def _cell(found: Measured) -> str:
    return f"{found.mean:.3f} ± {1.96 * found.error:.3f}"


def _play(years: Years) -> Floats:
    return years()


def _measure(task: Task) -> Measured:
    return task()


def _drive(year: RealYear) -> float:
    return year()


if __name__ == "__main__":
    raise SystemExit(main())
