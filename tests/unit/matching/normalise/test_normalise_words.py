import time

import pytest
from editions_made import names
from hypothesis import given
from hypothesis import strategies as st

from matching.normalise.words import LIMIT, core, names_of
from matching.refusal import Refusal


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Acme, Inc.", "acme"),
        ("The Walt Disney Company", "walt disney"),
        ("AT&T Inc.", "at and t"),
        ("Smith & Co", "smith"),
        ("McDonald\u2019s Corp", "mcdonalds"),
        ("O&#8217;Reilly Media, Inc.", "oreilly media"),
        ("J.P. Morgan", "jp morgan"),
        ("Amazon.com, Inc.", "amazon com"),
        ("  A.C.M.E.  ", "acme"),
        ("Acme\nInc", "acme"),
        ("Ac\u200bme", "acme"),  # shows nothing, so it parts nothing
        ("\ufeffAcme\u200e", "acme"),  # what other programs leave around a name
        ("\uff21\uff43\uff4d\uff45 \uff2b\uff2b", "acme"),
        ("\u0141\u00f3d\u017a \u00d8rsted \u00c6ro", "lodz orsted aero"),
        ("Stra\u00dfenbau AG", "strassenbau"),
        ("Soci\u00e9t\u00e9 G\u00e9n\u00e9rale S.A.", "societe generale"),
    ],
)
def test_a_name_becomes_plain_words(value: str, name: str) -> None:
    assert names(value) == (name,)


@pytest.mark.parametrize(
    "form",
    [
        *("Inc.", "Incorporated", "Corp", "Corporation", "Company", "LLC", "L.L.C.", "LLP", "Ltd.", "PLC", "Limited"),
        *("Pty Ltd", "Pvt. Ltd.", "Co., Ltd.", "Private Limited", "LIMITED LIABILITY COMPANY"),  # English-speaking
        *("GmbH", "GmbH & Co. KG", "AG", "AG & Co. KGaA", "KG", "OHG", "e.V.", "SE", "Aktiengesellschaft"),  # German
        *("S.A.", "SAS", "S.A.R.L.", "SNC", "S.p.A.", "S.r.l.", "S.L.", "S.A.B. de C.V.", "S. de R.L. de C.V."),
        *("Ltda.", "Lda", "EIRELI", "Soci\u00e9t\u00e9 anonyme", "Societ\u00e0 per Azioni"),  # Romance
        *("B.V.", "N.V.", "AB", "AB (publ)", "ASA", "AS", "A/S", "ApS", "Oy", "Oyj", "hf", "ehf."),  # Dutch, Nordic
        *("Sp. z o.o.", "Sp\u00f3\u0142ka Akcyjna", "s.r.o.", "Kft.", "Zrt.", "d.o.o.", "d.d.", "OOD", "UAB"),
        *("A.\u015e.", "Anonim Sirketi", "\u041f\u0410\u041e", "\u041e\u041e\u041e", "JSC"),  # Turkish, Russian
        *("K.K.", "G.K.", "Bhd", "Sdn Bhd", "Tbk", "FZE", "WLL"),
    ],
)
def test_legal_forms_of_many_countries_are_out(form: str) -> None:
    assert names(f"Northwind {form}") == ("northwind",)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Co", "co"),
        ("A/S", "a s"),
        ("GmbH & Co. KG", "gmbh and co kg"),
        ("The", "the"),
        ("AG", "ag"),
    ],
)
def test_a_name_of_legal_forms_only_stays(value: str, name: str) -> None:
    assert names(value) == (name,)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("\u0413\u0430\u0437\u043f\u0440\u043e\u043c \u041f\u0410\u041e", "gazprom"),
        ("\u0394\u0395\u0397", "dei"),
        ("\uc0bc\uc131\uc804\uc790 \uc8fc\uc2dd\ud68c\uc0ac", "samseongjeonja"),
        ("\u3231\u30c6\u30b9\u30c8", "tesuto"),
        ("\u30ac\u30b9", "gasu"),  # voicing marks are no accents
        ("\u0926\u093f\u0932\u094d\u0932\u0940", "dilli"),  # vowel signs are read
    ],
)
def test_other_scripts_are_written_in_latin_letters(value: str, name: str) -> None:
    assert names(value) == (name,)


@pytest.mark.parametrize("form", ["\u682a\u5f0f\u4f1a\u793e", "\u6709\u9650\u516c\u53f8", "\u3231"])
def test_forms_of_east_asian_companies_are_out_at_either_end(form: str) -> None:
    toyota = "\u30c8\u30e8\u30bf\u81ea\u52d5\u8eca"
    assert names(toyota + form) == names(form + toyota) == names(toyota)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Acme Inc. (formerly Ajax Corp)", ("acme", "ajax")),
        ("Acme Inc. (formerly known as Ajax Corp.)", ("acme", "ajax")),
        ("Acme Inc. [previously: Ajax]", ("acme", "ajax")),
        ("Acme GmbH (vormals Ajax AG)", ("acme", "ajax")),
        ("Acme (ex Ajax)", ("acme", "ajax")),
        ("Ajax Corp d/b/a Acme", ("ajax", "acme")),
        ("Ajax Corp, doing business as Acme", ("ajax", "acme")),
        ("Ajax Ltd t/a Acme", ("ajax", "acme")),
        ("Ajax Ltd trading as Acme", ("ajax", "acme")),
        ("Ajax f/k/a Acme", ("ajax", "acme")),
        ("Ajax aka Acme", ("ajax", "acme")),
        ("Acme, formerly Ajax", ("acme", "ajax")),
        ("Acme formerly known as Ajax", ("acme", "ajax")),
        ("Acme Inc. (formerly Acme Corp)", ("acme",)),
    ],
)
def test_formerly_and_trading_as_part_a_cell_into_names(value: str, found: tuple[str, ...]) -> None:
    assert names(value) == found


@pytest.mark.parametrize("value", ["Formerly Ltd", "Tata Steel", "Akamai", "Exxon (Mobil)", "Fka Twigs Music"])
def test_a_name_that_begins_like_them_is_one(value: str) -> None:
    assert len(names(value)) == 1


@pytest.mark.parametrize("value", ["", " ", "-", "...", "\u200b", "N/A", "n.a.", "unknown", "(unknown)", "TBD", "test"])
def test_no_name_and_placeholders_have_no_words(value: str) -> None:
    assert names(value) == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("acme holding", ("acme",)),
        ("acme group", ("acme",)),
        ("banco do brasil", ("banco", "brasil")),
        ("group holding", ("group", "holding")),  # nothing else to keep
        ("american stat wtr", ("american", "stat", "water")),
        ("first natl bk", ("first", "national", "bank")),
        ("smith bros", ("smith", "brothers")),
    ],
)
def test_the_core_leaves_out_general_words_and_writes_out_short_ones(name: str, words: tuple[str, ...]) -> None:
    assert core(name) == words


def test_the_legal_forms_are_a_table() -> None:
    assert names_of("Acme Foo Bar", forms={("foo", "bar")}) == ("acme",)
    assert names_of("Acme GmbH", forms=frozenset()) == ("acme gmbh",)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("=cmd|'/c calc'!A1", "cell_formula"),
        ("#REF!", "cell_error"),
        ("Ac\x00me", "cell_control_characters"),
        ("Ac\u202eemca", "cell_control_characters"),
        ("Ac\ud800me", "cell_control_characters"),
        ("x" * 1_001, "cell_too_long"),
        ("\u200e" * 1_001, "cell_too_long"),
    ],
)
def test_what_is_present_and_wrong_is_refused(value: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        names(value)
    assert caught.value.code == code


@pytest.mark.parametrize("filling", ["co ", "\u200e", "a.", " ("])
def test_a_cell_of_ten_megabytes_is_refused_at_once(filling: str) -> None:
    cell = filling * (10_000_000 // len(filling))
    started = time.perf_counter()
    with pytest.raises(Refusal, match="longer than"):
        names(cell)
    assert time.perf_counter() - started < 0.1


@pytest.mark.parametrize(
    "filling",
    [
        *("co ", "a.", "& ", "\u0301", "\ufdfa", " (", "(ex ", "(ex a)", " t/a ", " /a", "A ", "DL-,0", " ADR", ","),
        *(" -", "&#39;", "CL.A ", "- ", "class a "),
    ],
)
def test_no_name_within_the_limit_takes_long(filling: str) -> None:
    started = time.perf_counter()
    names(filling * (LIMIT // len(filling)))
    names((filling * (LIMIT // len(filling))).upper())
    assert time.perf_counter() - started < 0.5


LATIN = st.from_regex(r"[A-Za-z\u00e0-\u00f6\u00f8-\u00ff.&' -]{1,30}", fullmatch=True)


@given(LATIN)
def test_case_and_white_space_make_no_difference(value: str) -> None:
    assert names(value.upper()) == names(value.lower()) == names(f"  {value.lower()}\t".replace(" ", "  "))


@given(st.text(st.characters(categories=["Ll", "Lu", "Nd", "Zs", "Pd"], max_codepoint=0x24F), max_size=30))
def test_words_of_words_are_the_same(value: str) -> None:
    """A cleaned name has the name that it is, unless cleaning it brought a form or an article to its end."""
    for name in names(value):
        again = names(name)
        assert again == () or name.startswith(again[0]) or name.removeprefix("the ").startswith(again[0])
        assert names(again[0] if again else "") in {again, ()} or len(again[0].split()) < len(name.split())


@given(st.text(max_size=60))
def test_any_text_gives_plain_words_or_a_refusal(value: str) -> None:
    try:
        found = names(value)
    except Refusal as refusal:
        assert refusal.__context__ is None  # noqa: PT017 - both outcomes are right
        return
    for name in found:
        assert name
        assert name == " ".join(name.split()) == name.lower()
        assert name.isascii()
        assert core(name)
