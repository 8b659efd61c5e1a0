import pytest
from editions_made import name_keys, names, outlines, spelt, with_country
from hypothesis import given
from hypothesis import strategies as st

from matching.normalise.countries import country_of
from matching.normalise.name_outline import RARE, first_words
from matching.refusal import Refusal

# ---- name


@pytest.mark.parametrize(
    "same",
    [
        ("Price Rite, Inc.", "PriceRite", "PRICE RITE LLC", "Price-Rite"),
        ("Johnson & Johnson", "Johnson and Johnson", "JOHNSON AND JOHNSON INC"),
        ("The Coca-Cola Company", "Coca Cola Co", "Coca\u2011Cola"),
        ("M\u00fcller GmbH & Co. KG", "Muller", "MU\u0308LLER"),
        ("McDonald's Corporation", "McDonald\u2019s", "Mcdonalds"),
        ("Home Depot, Inc. (The)", "The Home Depot", "HOME DEPOT INC /DE/"),
    ],
)
def test_ways_to_write_one_name_have_one_key(same: tuple[str, ...]) -> None:
    assert len({name_keys(cell) for cell in same}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Holdings", "Acme"),
        ("Acme International", "Acme"),
        ("Smith Brothers", "Smith Sons"),
        ("REWE", "REWE To Go"),
        ("AT&T", "AT Tea"),
    ],
)
def test_names_of_two_companies_have_two_keys(one: str, other: str) -> None:
    assert name_keys(one) != name_keys(other)


def test_each_name_of_a_cell_has_a_key() -> None:
    assert name_keys("Acme Inc (formerly Ajax)") == ("acme", "ajax")
    assert name_keys("unknown") == ()


# ---- name and country


@pytest.mark.parametrize(
    ("cell", "country", "site", "keys"),
    [
        ("Acme GmbH", "DE", "", {"acme|DE"}),
        ("Acme GmbH", "DE", "acme.com", {"acme|DE"}),
        ("Staples Canada", "CA", "staples.ca", {"staplescanada|CA", "staples|CA"}),
        ("Acme", "", "acme.co.uk", {"acme|GB"}),
        ("Acme", "", "acme.de", {"acme|DE"}),
        ("Acme", "FR", "acme.de", {"acme|FR"}),
        ("Acme (formerly Ajax)", "FR", "", {"acme|FR", "ajax|FR"}),
        ("Acme", "", "acme.com", set()),
        ("Acme", "", "acme.io", set()),  # of companies of any country
        ("Acme", "", "", set()),
        ("", "DE", "", set()),
        ("", "DE", "acme.com", {"acme|DE"}),  # what the website spells
        ("unknown", "DE", "", set()),
    ],
)
def test_name_and_country(cell: str, country: str, site: str, keys: set[str]) -> None:
    assert set(with_country(cell, country, site)) == keys


@pytest.mark.parametrize(
    ("country", "site", "where"),
    [("US", "acme.de", "US"), ("", "acme.de", "DE"), ("", "acme.uk", "GB"), ("", "acme.co", ""), ("", "", "")],
)
def test_the_country_is_the_accounts_or_its_websites(country: str, site: str, where: str) -> None:
    assert country_of(country, site) == where


@pytest.mark.parametrize("country", ["Germany", "de", "D", "DEU", "D\u0415"])
def test_another_form_of_a_country_is_refused(country: str) -> None:
    with pytest.raises(Refusal) as caught:
        with_country("Acme", country)
    assert caught.value.code == "country_invalid"


# ---- outline


@pytest.mark.parametrize(
    ("floor", "company"),
    [
        ("AMERICAN STAT.WTR DL 2,50", "American States Water Company"),
        ("BRAINSTORM CELL THERAP. DL-,00005", "Brainstorm Cell Therapeutics Inc."),
        ("FIRST NATL BK", "First National Bank"),
    ],
)
def test_an_abbreviation_has_the_outline_of_what_it_stands_for(floor: str, company: str) -> None:
    shared = outlines(floor) & outlines(company)
    assert any(not outline.startswith(RARE) for outline in shared)


def test_an_outline_is_the_first_word_and_the_beginning_of_the_others() -> None:
    assert outlines("American States Water Company") == {"american sta wat", "^american s"}
    assert outlines("Amgen Inc") == {"^amgen "}
    assert outlines("Acme Holdings") == outlines("Acme Group") == {"^acme "}
    assert outlines("") == set()


def test_first_words_are_those_of_the_outlines() -> None:
    assert first_words(names("American States Water (formerly The Acme Group)")) == ("american", "acme")


# ---- the name in the website


@pytest.mark.parametrize(
    ("cell", "site", "key"),
    [
        ("Domino's Pizza", "dominos.com.au", "dominos"),
        ("Domino's Pizza", "dominos.com", "dominos"),
        ("Nissan", "nissan-global.com", "nissan"),
        ("Wingstop", "wingstopmexico.com", "wingstop"),
        ("Acme", "myacme.com", "acme"),
        ("Acme", "acme-usa.com", "acme"),
        ("Acme Tools", "acmetoolsonline.com", "acmetools"),
        ("The Acme", "theacme.com", "acme"),
        ("Acme Group", "acmegroup.com", "acmegroup"),  # the name as a whole
        ("Acme", "acmebank.com", "acmebank"),  # a bank is another company
        ("Acme", "other.com", "other"),
        ("", "acme.com", "acme"),
        ("Acme Labs", "", "acmelabs"),  # no website: as one that spells the name
        ("", "", ""),
    ],
)
def test_the_name_that_a_website_spells(cell: str, site: str, key: str) -> None:
    assert spelt(cell, site) == key


def test_a_short_beginning_of_a_name_is_not_taken_for_it() -> None:
    assert spelt("Ab Cd", "abusa.com") == "abusa"
    assert spelt("Ab", "abusa.com") == "ab"


# ---- laws

WORDS = st.lists(st.from_regex(r"[b-df-hj-np-tv-xz]{4,8}", fullmatch=True), min_size=1, max_size=3)
FORMS = st.sampled_from(["", "Inc.", "GmbH", "S.A.", "Oy", "K.K.", "Sp. z o.o.", "Pty Ltd", "d.o.o."])


@given(WORDS, FORMS, st.sampled_from([str.upper, str.lower, str.title]))
def test_case_white_space_accents_and_a_legal_form_make_no_difference(
    words: list[str], form: str, case: object
) -> None:
    assert callable(case)
    written = case("  ".join(words)).replace("c", "\u00e7").replace("n", "\u00f1") + ", " + form
    plain = " ".join(words)
    assert name_keys(written) == name_keys(plain)
    assert outlines(written) == outlines(plain)
    assert with_country(written, "DE") == with_country(plain, "DE")
    assert spelt(written, "acme.com") == spelt(plain, "acme.com")


@given(st.text(max_size=40), st.sampled_from(["", "acme.com", "acme.de", "xn--mller-kva.de"]))
def test_keys_hold_no_white_space_but_in_outlines_and_nothing_that_parts_keys(cell: str, site: str) -> None:
    try:
        keys = [*name_keys(cell), *with_country(cell, "DE", site), spelt(cell, site)]
        found = outlines(cell)
    except Refusal:
        return
    assert all(key.isascii() and key.isprintable() and " " not in key for key in keys)
    assert all(outline.isascii() and outline.isprintable() for outline in found)
    assert all(key.count("|") == 1 for key in with_country(cell, "DE", site))
