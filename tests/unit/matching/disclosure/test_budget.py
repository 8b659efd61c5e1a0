import pytest

from matching.disclosure.budget import (
    Gauge,
    Granted,
    Ledger,
    Refill,
    Refused,
    Spend,
    Verdict,
    allowed,
    gauge,
    judge,
    spent,
)
from matching.disclosure.modes import CONFIDENTIAL, CORRECTION_SECONDS, EXACT, MODES, STANDARD, YEAR_SECONDS, Mode
from matching.refusal import Refusal

START = 1_800_000_000
MONTH = STANDARD.interval_seconds
NONE = Ledger()


def spend(at: int, units: int = 1, *, correction: bool = False) -> Spend:
    return Spend(at=at, units=units, mode="standard", correction=correction)


def spends(*ats: int) -> Ledger:
    return Ledger(spends=tuple(spend(at) for at in ats))


def asked(  # noqa: PLR0913 - as `judge`
    now: int,
    pair: Ledger = NONE,
    owner: Ledger = NONE,
    *,
    other: tuple[Ledger, Ledger] = (NONE, NONE),
    mode: Mode = STANDARD,
    cost: int = 1,
    correction: bool = False,
) -> Verdict:
    """The same whichever of the two sides the accounts belong to, but for the position in a refusal."""
    here = judge(mode=mode, now=now, cost=cost, correction=correction, pairs=(pair, other[0]), owners=(owner, other[1]))
    there = judge(
        mode=mode, now=now, cost=cost, correction=correction, pairs=(other[0], pair), owners=(other[1], owner)
    )
    if isinstance(here, Refused) and isinstance(there, Refused):
        assert here.until == there.until
    assert type(here) is type(there)
    return here


def refused(verdict: Verdict) -> tuple[str, int, int, int | None]:
    assert isinstance(verdict, Refused)
    return verdict.rule, verdict.spent, verdict.of, verdict.until


def monthly(answers: int) -> Ledger:
    return spends(*(START + i * MONTH for i in range(answers)))


# ---- what is counted


def test_a_year_leaves_out_the_second_that_lies_exactly_a_year_back() -> None:
    ledger = Ledger(spends=(spend(START, 3), spend(START + 5, 4, correction=True)))
    assert [spent(ledger, START + YEAR_SECONDS + after) for after in (-1, 0, 4, 5)] == [7, 4, 4, 0]
    assert spent(ledger.ordinary(), START) == 3
    assert spent(ledger.corrections(), START) == 4


def test_refills_last_a_year() -> None:
    ledger = Ledger(refills=(Refill(at=START, units=2), Refill(at=START + 5, units=3)))
    assert [allowed(ledger, 12, START + YEAR_SECONDS + after) for after in (-1, 0, 4, 5)] == [17, 15, 15, 12]


def test_what_lies_in_the_future_is_spent() -> None:
    assert spent(spends(START), START - 10 * YEAR_SECONDS) == 1


@pytest.mark.parametrize("units", [0, -1])
def test_units_are_at_least_one(units: int) -> None:
    for call in (lambda: spend(1, units), lambda: Refill(at=1, units=units), lambda: asked(1, cost=units)):
        with pytest.raises(Refusal) as refusal:
            call()
        assert refusal.value.code == "bad_units"


# ---- (a) the interval


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_the_first_answer_is_granted_and_the_next_one_an_interval_later(mode: Mode) -> None:
    assert asked(START, mode=mode) == Granted()
    due = START + mode.interval_seconds
    for now in (START, START + 1, due - 1):
        assert refused(asked(now, spends(START), mode=mode)) == ("too_soon", 1, mode.yearly, due)
    assert asked(due, spends(START), mode=mode) == Granted()
    assert asked(due + 1, spends(START), mode=mode) == Granted()


def test_the_interval_is_that_of_the_later_pair() -> None:
    verdict = asked(START + MONTH, spends(START), other=(spends(START - 7, START + 9), NONE))
    assert refused(verdict) == ("too_soon", 2, 12, START + 9 + MONTH)
    assert isinstance(verdict, Refused)
    assert verdict.account == 1


def test_a_refill_after_the_last_answer_lets_one_more_come_early() -> None:
    early = START + 100
    for at, granted in ((START - 1, False), (START, False), (START + 1, True)):
        ledger = Ledger(spends=(spend(START),), refills=(Refill(at=at, units=1),))
        assert (asked(early, ledger) == Granted()) == granted
    again = Ledger(spends=(spend(START), spend(early)), refills=(Refill(at=START + 1, units=5),))
    assert refused(asked(early + 1, again))[0] == "too_soon"


def test_a_refill_of_one_pair_does_not_hurry_the_other() -> None:
    refilled = Ledger(spends=(spend(START),), refills=(Refill(at=START + 1, units=1),))
    assert asked(START + 2, refilled) == Granted()
    assert refused(asked(START + 2, refilled, other=(spends(START), NONE)))[3] == START + MONTH


def test_a_refill_of_the_owner_hurries_nobody() -> None:
    owner = Ledger(refills=(Refill(at=START + 1, units=5),))
    assert refused(asked(START + 2, spends(START), owner))[0] == "too_soon"


def test_a_correction_does_not_push_the_next_answer_back() -> None:
    ledger = Ledger(spends=(spend(START), spend(START + 1000, correction=True)))
    assert asked(START + MONTH, ledger) == Granted()
    assert refused(asked(START + MONTH - 1, ledger))[3] == START + MONTH


# ---- (b) the pair


@pytest.mark.parametrize(("mode", "before"), [(STANDARD, 11), (CONFIDENTIAL, 11), (EXACT, 51)])
def test_a_pair_gets_its_yearly_answers_and_not_one_more(mode: Mode, before: int) -> None:
    step = mode.interval_seconds
    given = [START + i * step for i in range(mode.yearly)]
    assert asked(given[-1], spends(*given[:before]), mode=mode) == Granted()
    following = given[-1] + step
    verdict = asked(following - 1, spends(*given), mode=mode)
    assert refused(verdict) == ("pair_spent", mode.yearly, mode.yearly, START + YEAR_SECONDS)
    assert asked(START + YEAR_SECONDS, spends(*given), mode=mode) == Granted()


@pytest.mark.parametrize(("units", "granted"), [(4, True), (5, True), (6, False)])
def test_the_units_of_a_pair_on_their_very_edge(units: int, granted: bool) -> None:  # noqa: FBT001 - a table
    ledger = Ledger(spends=(spend(START, 7),))
    assert (asked(START + MONTH, ledger, cost=units) == Granted()) == granted


def test_a_pair_that_is_spent_waits_for_enough_to_fall_out() -> None:
    ledger = Ledger(spends=(spend(START, 5), spend(START + MONTH, 5), spend(START + 2 * MONTH, 2)))
    for cost, until in ((1, START), (5, START), (6, START + MONTH), (11, START + 2 * MONTH)):
        assert refused(asked(START + 4 * MONTH, ledger, cost=cost)) == ("pair_spent", 12, 12, until + YEAR_SECONDS)
    assert refused(asked(START + 4 * MONTH, ledger, cost=13))[3] is None


def test_a_refill_adds_to_the_pair() -> None:
    full = monthly(12).spends
    now = START + 11 * MONTH + 5
    for units, granted in ((1, True), (2, True)):
        ledger = Ledger(spends=full, refills=(Refill(at=now - 1, units=units),))
        assert (asked(now, ledger, cost=units) == Granted()) == granted
        assert refused(asked(now, ledger, cost=units + 1))[:3] == ("pair_spent", 12, 12 + units)


def test_waiting_takes_the_end_of_a_refill_into_account() -> None:
    """The refill ends before what it was spent on leaves the year."""
    refill = Refill(at=START - YEAR_SECONDS + MONTH, units=4)
    ledger = Ledger(spends=(spend(START, 14), spend(START + 5, 1)), refills=(refill,))
    assert asked(START + MONTH - 1, Ledger(spends=(spend(START - MONTH, 14),), refills=(refill,))) == Granted()
    assert refused(asked(START + MONTH, ledger)) == ("pair_spent", 15, 12, START + YEAR_SECONDS)


def test_corrections_are_not_counted_against_the_pair() -> None:
    ledger = Ledger(spends=(*monthly(11).spends, spend(START + 9, correction=True)))
    assert asked(START + 11 * MONTH, ledger) == Granted()


# ---- corrections


def test_a_pair_is_corrected_once_within_thirty_days_of_its_first_answer() -> None:
    last = START + CORRECTION_SECONDS
    both = (spends(START), NONE)
    for now, granted in ((START, True), (START + 1, True), (last, True), (last + 1, False)):
        assert (asked(now, spends(START), other=both, correction=True) == Granted()) == granted
    corrected = Ledger(spends=(spend(START), spend(START + 5, correction=True)))
    assert refused(asked(START + 6, corrected, other=both, correction=True)) == ("no_correction", 1, 1, None)
    assert refused(asked(last + 1, spends(START), other=both, correction=True)) == ("no_correction", 0, 1, None)


def test_there_is_nothing_to_correct_before_the_first_answer() -> None:
    assert refused(asked(START, correction=True)) == ("no_correction", 0, 1, None)
    assert refused(asked(START, spends(START), correction=True)) == ("no_correction", 0, 1, None)


def test_thirty_days_are_counted_from_the_first_answer_ever() -> None:
    ledger = spends(START, START + 2 * YEAR_SECONDS)
    assert refused(asked(START + 2 * YEAR_SECONDS, ledger, other=(ledger, NONE), correction=True))[0] == "no_correction"


def test_a_correction_is_granted_where_the_pair_is_spent_but_not_where_the_owner_is() -> None:
    full = Ledger(spends=(spend(START, 12),))
    both = (full, NONE)
    assert asked(START + 1, full, full, other=both, correction=True) == Granted()
    spent_owner = Ledger(spends=(spend(START, 12), spend(START, 2)))
    verdict = asked(START + 1, full, spent_owner, other=both, correction=True)
    assert refused(verdict) == ("owner_spent", 14, 14, None)


def test_a_correction_may_wait_for_the_owner_within_its_thirty_days() -> None:
    owner = Ledger(spends=(spend(START - YEAR_SECONDS + 100, 2), spend(START, 12)))
    verdict = asked(START + 50, spends(START), owner, other=(spends(START), NONE), correction=True)
    assert refused(verdict) == ("owner_spent", 14, 14, START + 100)


# ---- (c) the owner


@pytest.mark.parametrize(("units", "granted"), [(12, True), (13, True), (14, False)])
@pytest.mark.parametrize("correction", [True, False])
def test_the_owner_counts_everything_on_its_very_edge(*, units: int, granted: bool, correction: bool) -> None:
    owner = Ledger(spends=(spend(START, units - 1), spend(START, correction=correction)))
    verdict = asked(START + MONTH, NONE, owner)
    assert (verdict == Granted()) == granted
    if not granted:
        assert refused(verdict) == ("owner_spent", 14, 14, START + YEAR_SECONDS)
    refilled = Ledger(spends=owner.spends, refills=(Refill(at=START, units=1),))
    assert asked(START + MONTH, NONE, refilled) == Granted()


def test_another_partner_is_not_a_way_around_the_owner() -> None:
    owner = Ledger(spends=tuple(spend(START + i) for i in range(14)))
    assert refused(asked(START + MONTH, NONE, owner)) == ("owner_spent", 14, 14, START + YEAR_SECONDS)


# ---- several rules at once


def test_the_wait_is_for_all_rules_together() -> None:
    full = Ledger(spends=(spend(START, 11), spend(START + YEAR_SECONDS - 10)))
    verdict = asked(START + YEAR_SECONDS - 5, full)
    assert refused(verdict) == ("pair_spent", 12, 12, START + YEAR_SECONDS - 10 + MONTH)


def test_until_is_the_first_moment_that_is_granted() -> None:
    pair = Ledger(spends=tuple(spend(START + i * MONTH) for i in range(12)))
    owner = Ledger(spends=(*pair.spends, spend(START + 3, 2), spend(START + 90, 2)))
    now = START + 11 * MONTH + 7
    verdict = asked(now, pair, owner)
    assert isinstance(verdict, Refused)
    assert verdict.until is not None
    assert asked(verdict.until, pair, owner) == Granted()
    assert asked(verdict.until - 1, pair, owner) != Granted()


def test_a_clock_that_was_put_back_gains_nothing() -> None:
    ahead = Ledger(spends=tuple(spend(START + i * MONTH) for i in range(5)))
    for back in (1, MONTH, YEAR_SECONDS, 10 * YEAR_SECONDS):
        verdict = asked(START - back, ahead)
        assert refused(verdict) == ("too_soon", 5, 12, START + 5 * MONTH)
    corrected_too_late = spends(START, START + 2 * CORRECTION_SECONDS)
    both = (corrected_too_late, NONE)
    assert refused(asked(START + 5, corrected_too_late, other=both, correction=True))[0] == "no_correction"


# ---- the gauge


def test_the_gauge_of_a_new_pair() -> None:
    assert gauge(mode=STANDARD, now=START, pair=NONE, owner=NONE) == Gauge(
        left=12, of=12, spent=0, next_at=START, reason="", falls_out_at=None
    )


def test_the_gauge_between_two_answers() -> None:
    pair = Ledger(spends=(*monthly(2).spends, spend(START + 3, correction=True)))
    assert gauge(mode=STANDARD, now=START + MONTH + 1, pair=pair, owner=pair) == Gauge(
        left=10, of=12, spent=2, next_at=START + 2 * MONTH, reason="too_soon", falls_out_at=START + YEAR_SECONDS
    )


def test_the_gauge_of_a_pair_that_is_spent() -> None:
    pair = monthly(12)
    assert gauge(mode=STANDARD, now=START + 11 * MONTH + 1, pair=pair, owner=pair) == Gauge(
        left=0, of=12, spent=12, next_at=START + YEAR_SECONDS, reason="pair_spent", falls_out_at=START + YEAR_SECONDS
    )


def test_the_gauge_of_a_pair_whose_owner_is_nearly_spent() -> None:
    owner = Ledger(spends=(spend(START, 12),))
    found = gauge(mode=STANDARD, now=START + 5, pair=NONE, owner=owner)
    assert (found.left, found.reason, found.next_at) == (2, "", START + 5)
    owner = Ledger(spends=(spend(START, 14),))
    found = gauge(mode=STANDARD, now=START + 5, pair=NONE, owner=owner)
    assert (found.left, found.reason, found.next_at) == (0, "owner_spent", START + YEAR_SECONDS)


def test_the_gauge_does_not_go_below_nothing() -> None:
    """A refill that has ended leaves more spent than allowed."""
    pair = Ledger(spends=(spend(START, 15),))
    found = gauge(mode=STANDARD, now=START + MONTH, pair=pair, owner=NONE)
    assert (found.left, found.spent, found.of) == (0, 15, 12)
