"""Any sequence of requests, refills and clocks: what was granted never exceeds what was allowed."""

from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.disclosure.budget import Granted, Ledger, Refill, Refused, Spend, allowed, gauge, judge, spent
from matching.disclosure.modes import CORRECTION_SECONDS, MODES, YEAR_SECONDS, Mode

MODE = st.sampled_from(list(MODES.values()))
DAY = 86_400
STEPS = st.one_of(
    st.integers(0, 40 * DAY),
    st.sampled_from([mode.interval_seconds + off for mode in MODES.values() for off in (-1, 0, 1)]),
    st.sampled_from([YEAR_SECONDS + off for off in (-1, 0, 1)]),
)
BACK = st.integers(-400 * DAY, 0)


@dataclass(frozen=True)
class Request:
    step: int
    cost: int
    correction: bool
    refill_pair: int
    refill_owner: int


def requests(steps: st.SearchStrategy[int]) -> st.SearchStrategy[list[Request]]:
    few = st.sampled_from([0, 0, 0, 0, 0, 1, 3])
    one = st.builds(
        Request,
        step=steps,
        cost=st.sampled_from([1, 1, 1, 2, 5]),
        correction=st.booleans(),
        refill_pair=few,
        refill_owner=few,
    )
    return st.lists(one, max_size=40)


def played(mode: Mode, asked: list[Request], *, now: int = 1_800_000_000) -> list[tuple[int, Spend, Ledger, Ledger]]:
    """(moment, what was granted, the pair and the owner after it), with another partner's pair beside it."""
    pair, other, owner = Ledger(), Ledger(), Ledger()
    granted = []
    for request in asked:
        now += request.step
        if request.refill_pair:
            pair = replace(pair, refills=(*pair.refills, Refill(at=now, units=request.refill_pair)))
        if request.refill_owner:
            owner = replace(owner, refills=(*owner.refills, Refill(at=now, units=request.refill_owner)))
        given = Spend(at=now, units=request.cost, mode=mode.name, correction=request.correction)
        verdict = judge(
            mode=mode,
            now=now,
            cost=request.cost,
            correction=request.correction,
            pairs=(pair, other),
            owners=(owner, Ledger()),
        )
        if isinstance(verdict, Granted):
            pair, other, owner = (replace(ledger, spends=(*ledger.spends, given)) for ledger in (pair, other, owner))
            granted.append((now, given, pair, owner))
    return granted


def in_window(spends: list[Spend], end: int) -> int:
    return sum(spend.units for spend in spends if end - YEAR_SECONDS < spend.at <= end)


@settings(max_examples=40, deadline=None)
@given(MODE, requests(st.one_of(STEPS, BACK)))
def test_no_year_holds_more_than_was_allowed_whatever_the_clock(mode: Mode, asked: list[Request]) -> None:
    given = played(mode, asked)
    for i, (now, _, pair, owner) in enumerate(given):
        so_far = [spend for _, spend, _, _ in given[: i + 1]]
        ordinary = [spend for spend in so_far if not spend.correction]
        assert in_window(ordinary, now) <= allowed(pair, mode.yearly, now)
        assert in_window(so_far, now) <= allowed(owner, mode.owner_yearly, now)
    everything = [spend for _, spend, _, _ in given]
    for spend in everything:
        corrections = [other.at for other in everything if other.correction and abs(other.at - spend.at) < YEAR_SECONDS]
        assert len(corrections) <= 2
        assert not spend.correction or [at for at in corrections if at >= spend.at] == [spend.at]


@settings(max_examples=40, deadline=None)
@given(MODE, requests(st.one_of(STEPS, BACK)))
def test_without_refills_no_year_anywhere_holds_more_than_the_mode_gives(mode: Mode, asked: list[Request]) -> None:
    """Every window of 365 days, wherever it ends, and whenever what lies in it was granted."""
    given = [spend for _, spend, _, _ in played(mode, [replace(r, refill_pair=0, refill_owner=0) for r in asked])]
    ordinary = [spend for spend in given if not spend.correction]
    for end in {spend.at + off for spend in given for off in (0, 1, YEAR_SECONDS - 1)}:
        assert in_window(ordinary, end) <= mode.yearly
        assert in_window(given, end) <= mode.owner_yearly
    assert all(later.at - one.at >= mode.interval_seconds for one, later in pairwise(ordinary))
    assert sum(spend.correction for spend in given) <= 1
    assert all(spend.at - given[0].at <= CORRECTION_SECONDS for spend in given if spend.correction)


@settings(max_examples=40, deadline=None)
@given(MODE, requests(STEPS), st.integers(0, 400 * DAY), st.integers(1, 14), st.booleans())
def test_until_is_the_earliest_moment_at_which_it_is_granted(
    mode: Mode,
    asked: list[Request],
    after: int,
    cost: int,
    correction: bool,  # noqa: FBT001 - drawn
) -> None:
    given = played(mode, asked)
    if not given:
        return
    last, _, pair, owner = given[-1]
    now = last + after

    def verdict(at: int) -> Granted | Refused:
        return judge(mode=mode, now=at, cost=cost, correction=correction, pairs=(pair, pair), owners=(owner, owner))

    found = verdict(now)
    if isinstance(found, Granted):
        return
    end = found.until if found.until is not None else now + 3 * YEAR_SECONDS
    moments = {now, end - 1, *range(now, end, max(1, (end - now) // 50))}
    moments |= {spend.at + YEAR_SECONDS for spend in owner.spends} | {
        refill.at + YEAR_SECONDS for refill in owner.refills
    }
    moments |= {spend.at + mode.interval_seconds for spend in pair.spends}
    assert all(isinstance(verdict(at), Refused) for at in moments if now <= at < end)
    if found.until is not None:
        assert found.until > now
        assert verdict(found.until) == Granted()


@settings(max_examples=40, deadline=None)
@given(MODE, requests(STEPS), st.integers(0, 400 * DAY))
def test_the_gauge_says_what_the_judge_does(mode: Mode, asked: list[Request], after: int) -> None:
    given = played(mode, asked)
    if not given:
        return
    last, _, pair, owner = given[-1]
    now = last + after
    found = gauge(mode=mode, now=now, pair=pair, owner=owner)
    verdict = judge(mode=mode, now=now, cost=1, correction=False, pairs=(pair, pair), owners=(owner, owner))
    assert (found.reason == "") == (verdict == Granted())
    assert found.spent == spent(pair.ordinary(), now)
    if isinstance(verdict, Refused):
        assert (found.reason, found.next_at) == (verdict.rule, verdict.until)
    else:
        assert found.next_at == now
        assert found.left > 0
    if found.left:
        later = judge(
            mode=mode, now=now, cost=found.left + 1, correction=False, pairs=(pair, pair), owners=(owner, owner)
        )
        assert isinstance(later, Refused)


@settings(max_examples=40, deadline=None)
@given(MODE, requests(STEPS), st.integers(1, 400 * DAY))
def test_an_earlier_clock_grants_nothing_that_the_true_one_refuses_for_an_interval(
    mode: Mode, asked: list[Request], back: int
) -> None:
    given = played(mode, [replace(request, refill_pair=0) for request in asked])
    if not given:
        return
    _, _, pair, owner = given[-1]
    ordinary = pair.ordinary().spends
    if ordinary:
        now = ordinary[-1].at + mode.interval_seconds - back
        verdict = judge(mode=mode, now=now, cost=1, correction=False, pairs=(pair, pair), owners=(owner, owner))
        assert isinstance(verdict, Refused)
