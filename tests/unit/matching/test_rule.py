from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.keys import IDENTIFIER_KINDS, KINDS
from matching.rule import CASES, CERTAIN, EXCLUSIVE, IDENTIFIERS, LIKELY, NONE, VERSION, Case, deciding, tier, tiers

PAIR = st.lists(st.sampled_from(["agree", "differ", "unknown"]), min_size=len(KINDS), max_size=len(KINDS))
SOME = ("lei", "isin", "ticker", "domain", "site_name", "name_country", "name", "name_outline")
Kinds = frozenset[str]


def kinds(text: str) -> Kinds:
    return frozenset(text.split())


def parted(pair: list[str]) -> tuple[Kinds, Kinds]:
    agree, differ = (
        frozenset(kind for kind, state in zip(KINDS, pair, strict=True) if state == wanted)
        for wanted in ("agree", "differ")
    )
    return agree, differ


# ---- the table, read aloud: (kinds that agree, kinds that differ, tier), and which case decides

TABLE = {
    "one number in a register of companies or securities": [
        ("lei", "", CERTAIN),
        ("isin", "lei duns vat register cik domain name name_country", CERTAIN),
        ("duns", "lei", CERTAIN),
        ("cik name", "", CERTAIN),
    ],
    "two numbers in one register: two legal entities": [
        ("domain site_name name_country name name_outline", "vat", NONE),
        ("domain name ticker", "register", NONE),
        ("name", "lei duns", NONE),
    ],
    "one ticker, and a name or website": [
        ("ticker site_name", "domain name", CERTAIN),
        ("ticker domain", "name", CERTAIN),
        ("ticker name_outline", "domain name_country", CERTAIN),
    ],
    "one ticker alone, which may have been given out again": [
        ("ticker", "domain name", LIKELY),
        ("ticker", "", LIKELY),
    ],
    "one website, and the name at least in outline": [
        ("domain site_name name", "name_country", CERTAIN),
        ("domain name_outline", "name site_name", CERTAIN),
    ],
    "one website, which no other account of either list claims": [("domain site_name", "name name_outline", CERTAIN)],
    "one website, and no name to compare": [("domain", "", CERTAIN), ("domain", "name_country", CERTAIN)],
    "one website, other names": [("domain", "name name_country name_outline site_name", LIKELY)],
    "one name in one country, no other website": [("name_country name", "", CERTAIN)],
    "one name in one country, which is rare or in both websites": [
        ("name_country name name_outline", "domain site_name", CERTAIN),
        ("name_country name site_name", "domain", CERTAIN),
    ],
    "one name in one country, of the company or of its website": [
        ("name_country name", "domain site_name", LIKELY),
        ("name_country", "", LIKELY),
        ("name_country site_name name_outline", "name domain", LIKELY),
    ],
    "one name in two countries": [
        ("name name_outline site_name", "name_country domain", NONE),  # coop.ch and coop.dk
        ("name", "name_country", NONE),
    ],
    "one name of several words, or that nobody else begins with": [("name name_outline", "domain", CERTAIN)],
    "one name, and it is in both websites": [("name site_name", "domain", CERTAIN)],  # dominos.com.au and dominos.com
    "one name of one word": [("name", "domain", LIKELY), ("name", "", LIKELY), ("name site_name", "", LIKELY)],
    "websites of one name in two countries, other names": [("site_name", "domain name_country name", NONE)],
    "websites of one name, and the name in outline": [("site_name name_outline", "domain name", CERTAIN)],
    "websites of one name, or a name that is the other's website": [
        ("site_name", "domain name", LIKELY),
        ("site_name", "name", LIKELY),
    ],
    "one name in outline, no other website": [("name_outline", "name name_country", LIKELY)],
    "": [("", "", NONE), ("", "name", NONE), ("name_outline", "domain", NONE)],
}


def examples() -> Iterator[tuple[str, Kinds, Kinds, int]]:
    for why, pairs in TABLE.items():
        yield from ((why, kinds(agree), kinds(differ), expected) for agree, differ, expected in pairs)


@pytest.mark.parametrize(("why", "agree", "differ", "expected"), list(examples()))
def test_the_table(why: str, agree: Kinds, differ: Kinds, expected: int) -> None:
    assert tier(agree, differ) == expected
    case = deciding(agree, differ)
    assert (case.why if case else "") == why


def test_every_case_decides_a_pair_of_the_table() -> None:
    assert [case.why for case in CASES] == [why for why in TABLE if why]


STATES = [dict(zip(SOME, states, strict=True)) for states in product(("agree", "differ", "unknown"), repeat=len(SOME))]
EVERY_PAIR = [
    tuple(frozenset(kind for kind in SOME if states[kind] == wanted) for wanted in ("agree", "differ"))
    for states in STATES
]
"""Whatever two entries may be to each other in these kinds."""


def moved(cases: tuple[Case, ...]) -> int:
    """Pairs that another table gives another tier."""
    return sum(next((case.tier for case in cases if case.fits(*pair)), NONE) != tier(*pair) for pair in EVERY_PAIR)


@pytest.mark.parametrize("at", range(len(CASES)))
def test_no_case_is_idle(at: int) -> None:
    assert moved((*CASES[:at], *CASES[at + 1 :]))


def test_the_order_of_the_table_matters() -> None:
    """These cases do not fit, or fit otherwise, behind the next one."""
    before_next = {
        CASES[at].why
        for at in range(len(CASES) - 1)
        if moved((*CASES[:at], CASES[at + 1], CASES[at], *CASES[at + 2 :]))
    }
    assert before_next == {
        "one number in a register of companies or securities",
        "two numbers in one register: two legal entities",
        "one ticker, and a name or website",
        "one website, and no name to compare",
        "one name in one country, which is rare or in both websites",
        "one name in two countries",
        "one name, and it is in both websites",
        "websites of one name in two countries, other names",
        "websites of one name, and the name in outline",
    }


def test_the_version_is_that_of_this_table() -> None:
    """Who changes the table changes its version: terms name it."""
    assert VERSION == "rule/1"
    named = kinds(" ".join(KINDS))
    for case in CASES:
        assert case.tier in {NONE, LIKELY, CERTAIN}
        for part in (case.agree, case.one_agrees, case.differ, case.one_differs, case.undisputed):
            assert part <= named


# ---- what holds of every pair


def test_identifiers_are_those_of_the_kinds() -> None:
    assert EXCLUSIVE < IDENTIFIERS < IDENTIFIER_KINDS == frozenset(KINDS[:7])


@given(PAIR, st.sampled_from(sorted(IDENTIFIERS)))
def test_an_identifier_that_agrees_is_certain_whatever_differs(pair: list[str], kind: str) -> None:
    agree, differ = parted(pair)
    assert tier(agree | {kind}, differ - {kind}) == CERTAIN


@given(PAIR, st.sampled_from(sorted(EXCLUSIVE)))
def test_a_number_that_differs_vetoes_whatever_else_agrees(pair: list[str], kind: str) -> None:
    agree, differ = parted(pair)
    assert tier(agree - IDENTIFIERS, differ | {kind}) == NONE


@given(PAIR)
def test_other_securities_veto_nothing(pair: list[str]) -> None:
    agree, differ = parted(pair)
    assert tier(agree - {"isin"}, differ | {"isin"}) == tier(agree - {"isin"}, differ - {"isin"})


@given(PAIR)
def test_one_name_in_two_countries_is_no_match_without_a_website_or_a_number(pair: list[str]) -> None:
    agree, differ = parted(pair)
    agree -= IDENTIFIER_KINDS | {"domain", "name_country"}
    assert tier(agree | {"name"}, (differ - {"name"}) | {"name_country"}) == NONE


@given(PAIR)
def test_nothing_that_agrees_is_no_match(pair: list[str]) -> None:
    agree, differ = parted(pair)
    assert tier(frozenset(), agree | differ) == NONE


@given(PAIR, st.sampled_from(KINDS))
def test_a_kind_more_that_agrees_never_unmakes_a_certain_match(pair: list[str], kind: str) -> None:
    """Of kinds of which nothing was known, or which differed."""
    agree, differ = parted(pair)
    before, after = tier(agree, differ), tier(agree | {kind}, differ - {kind})
    if kind in IDENTIFIERS:
        assert after == CERTAIN
    if kind in {"ticker", "domain", "name_outline"}:
        assert after >= before


@given(PAIR, st.sampled_from(sorted(EXCLUSIVE | {"domain", "name_country"})))
def test_a_kind_that_differs_instead_of_being_unknown_never_makes_a_match(pair: list[str], kind: str) -> None:
    agree, differ = parted(pair)
    if kind in agree or agree & {"site_name"}:  # what differs besides one name is what makes it "both websites"
        return
    assert tier(agree, differ | {kind}) <= tier(agree, differ - {kind})


def test_the_rule_is_of_a_few_kinds_so_all_of_it_can_be_looked_at() -> None:
    """Each combination of the five weak kinds and a ticker: only `domain` and names make a certain match."""
    weak = [kind for kind in KINDS if kind not in IDENTIFIERS]
    certain = [
        frozenset(agree)
        for size in range(len(weak) + 1)
        for agree in combinations(weak, size)
        if tier(frozenset(agree), frozenset(weak) - frozenset(agree)) == CERTAIN
    ]
    assert len(certain) > 20
    for agree in certain:
        assert len(agree) >= 2
        assert not agree <= {"name", "name_outline", "site_name"} or agree == {"site_name", "name_outline"}


# ---- by masks


@given(st.lists(PAIR, max_size=30), st.permutations(KINDS), st.integers(1, len(KINDS)))
def test_tiers_of_masks_are_the_tiers_of_pairs(pairs: list[list[str]], order: list[str], count: int) -> None:
    """Terms name the kinds in their own order, and not all of them."""
    chosen = order[:count]
    agree, both, expected = [], [], []
    for pair in pairs:
        state = dict(zip(KINDS, pair, strict=True))
        agree.append(sum(1 << at for at, kind in enumerate(chosen) if state[kind] == "agree"))
        both.append(sum(1 << at for at, kind in enumerate(chosen) if state[kind] != "unknown"))
        one, other = parted(pair)
        expected.append(tier(one & set(chosen), other & set(chosen)))
    found = tiers(np.array(agree, np.uint32), np.array(both, np.uint32), chosen)
    assert found.dtype == np.uint8
    assert found.tolist() == expected


def test_no_pairs_have_no_tiers() -> None:
    assert tiers(np.zeros(0, np.uint32), np.zeros(0, np.uint32), KINDS).shape == (0,)


def test_a_kind_at_the_top_of_the_mask_counts() -> None:
    names = [*(f"other{number}" for number in range(31)), "lei"]
    top = np.array([1 << 31], np.uint32)
    assert tiers(top, top, names).tolist() == [CERTAIN]
    assert tiers(np.zeros(1, np.uint32), top, names).tolist() == [NONE]
