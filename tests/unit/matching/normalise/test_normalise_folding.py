import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.normalise.folding import folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("S.p.A.", "spa"),
        ("AT&T", "at and t"),
        ("M\u00fcller", "muller"),
        ("\u00c6r\u00f8 \u0153uvre \u00fe\u00f3r", "aero oeuvre thor"),
        ("\u0141\u00f3d\u017a", "lodz"),
        ("\u0130stanbul \u0131\u015f\u0131k", "istanbul isik"),
        ("Stra\u00dfe", "strasse"),
        ("O'Reilly O\u2019Reilly", "oreilly oreilly"),
        ("a--b__c/d", "a b c d"),
        ("x\u00ady", "xy"),  # a soft hyphen
        ("\ufb01ne", "fine"),
        ("\u30ac\u30b9", "\u30ac\u30b9"),
        ("\uac00\ub098", "\uac00\ub098"),
        ("\u3231\u30c6\u30b9\u30c8", "\u30c6\u30b9\u30c8"),
        ("", ""),
    ],
)
def test_text_becomes_words(text: str, words: str) -> None:
    assert folded(text) == words


@given(st.text(st.characters(max_codepoint=0x7F), max_size=40))
def test_the_short_way_for_ascii_is_the_long_one(text: str) -> None:
    assert folded("\u30c6 " + text).removeprefix("\u30c6").strip() == folded(text)


@given(st.text(st.characters(categories=["L", "N", "Z", "P"], max_codepoint=0x24F), max_size=40))
def test_case_and_composition_make_no_difference(text: str) -> None:
    assert folded(unicodedata.normalize("NFD", text)) == folded(unicodedata.normalize("NFC", text))
    assert folded(folded(text)) == folded(text)
