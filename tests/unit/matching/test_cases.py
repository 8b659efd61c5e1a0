"""`matching.cases`: the rule asked about one pair, in the terms' own numbering of kinds."""

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.cases import Judge, most
from matching.rule import CASES, CERTAIN, LIKELY, NONE, deciding, tier

KINDS = ("lei", "ticker", "domain", "site_name", "name_country", "name", "name_outline")
LEI, TICKER, DOMAIN, SITE, COUNTRY, NAME, OUTLINE = range(len(KINDS))
kinds = st.frozensets(st.sampled_from(KINDS))


def judge(least: int) -> Judge:
    return Judge(kinds=KINDS, least=least)


@pytest.mark.parametrize(
    ("agree", "differ", "expected"),
    [
        ({LEI}, {DOMAIN, NAME}, CERTAIN),
        ({DOMAIN, NAME}, {LEI}, NONE),
        ({DOMAIN}, {NAME}, LIKELY),
        ({DOMAIN, COUNTRY}, set(), CERTAIN),
        ({NAME}, {COUNTRY}, NONE),
        (set(), {NAME}, NONE),
    ],
)
def test_a_tier_that_does_not_count_is_none(agree: set[int], differ: set[int], expected: int) -> None:
    assert judge(LIKELY).tier(agree, differ) == expected
    assert judge(CERTAIN).tier(agree, differ) == (expected if expected == CERTAIN else NONE)


@given(agree=kinds, differ=kinds)
def test_why_is_the_words_of_the_case_that_decides(agree: frozenset[str], differ: frozenset[str]) -> None:
    differ -= agree
    case = deciding(agree, differ)
    assert (case.tier if case else NONE) == tier(agree, differ)
    numbers = (map(KINDS.index, agree), map(KINDS.index, differ))
    assert judge(LIKELY).why(*numbers) == (case.why if case else "")
    assert case is None or case in CASES


@given(agree=kinds, others=kinds)
def test_the_most_is_over_all_that_may_differ(agree: frozenset[str], others: frozenset[str]) -> None:
    """Against every subset, one by one."""
    free = sorted(others - agree)
    subsets = chain.from_iterable(combinations(free, size) for size in range(len(free) + 1))
    assert most(agree, others) == max(tier(agree, frozenset(subset)) for subset in subsets)


def test_to_differ_may_say_more_than_nothing() -> None:
    """Two websites that bear one name are more than one name: so what hides the other kinds must not decide."""
    agree = {NAME, SITE}
    assert judge(CERTAIN).tier(agree, set()) == NONE
    assert judge(CERTAIN).tier(agree, {DOMAIN}) == CERTAIN
    assert judge(CERTAIN).could_count(agree, {DOMAIN})
    assert not judge(CERTAIN).could_count(agree, set())
    assert not judge(CERTAIN).could_count({OUTLINE}, {DOMAIN, NAME, COUNTRY})
