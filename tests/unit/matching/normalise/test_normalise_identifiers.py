from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.normalise import duns, lei, vat
from matching.refusal import Refusal


def refusal_of(normaliser: Callable[..., str], *values: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        normaliser(*values)
    return caught.value


@pytest.mark.parametrize("value", ["213800KUD8LAJWSQ9D15", " 2138 00kud8-lajwsq9d15 ", "213800KUD8LAJWSQ9D15\n"])
def test_lei_is_compact_and_upper_case(value: str) -> None:
    assert lei.normalise(value) == "213800KUD8LAJWSQ9D15"


@pytest.mark.parametrize(
    "value",
    [
        "213800KUD8LXJWSQ9D15",  # a wrong character
        "213800KUD8LAJWSQ9D51",  # check digits swapped
        "98",  # holds as check digits, but is no LEI
        "213800KUD8LAJWSQ9D1",
        "213800KUD8LAJWSQ9D150",
        "213800KUD8L\u0410JWSQ9D15",  # a Cyrillic A
    ],
)
def test_lei_that_does_not_hold_is_refused(value: str) -> None:
    assert refusal_of(lei.normalise, value).code == "lei_invalid"


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("15-048-3782", "150483782"),
        ("00-136-8083", "001368083"),
        ("1368083", "001368083"),
        ("15 048 3782", "150483782"),
    ],
)
def test_duns_is_nine_digits_with_the_zeros_that_spreadsheets_drop(value: str, key: str) -> None:
    assert duns.normalise(value) == key


@pytest.mark.parametrize("value", ["123456789", "000000000", "0000000", "999-999-999"])
def test_duns_placeholders_are_refused(value: str) -> None:
    assert refusal_of(duns.normalise, value).rule == "a placeholder, not a number"


@pytest.mark.parametrize("value", ["12345678.0", "136808", "1504837820", "15048378X", "n/a"])
def test_duns_of_another_form_is_refused(value: str) -> None:
    assert refusal_of(duns.normalise, value).code == "duns_invalid"


@pytest.mark.parametrize(
    ("value", "country", "key"),
    [
        ("DE 136.695.976", "", "DE136695976"),
        ("136695976", "DE", "DE136695976"),
        ("de136695976", "FR", "DE136695976"),
        ("GR 094259216", "", "EL094259216"),
        ("094259216", "GR", "EL094259216"),
        ("XI980780684", "", "GB980780684"),
        ("GB 980 7806 84", "", "GB980780684"),
        ("GB 980 7806 84 001", "", "GB980780684"),
        ("CHE-107.787.577 IVA", "", "CHE107787577"),
        ("CHE-107.787.577 MWST", "CH", "CHE107787577"),
        ("107.787.577", "CH", "CHE107787577"),
        ("NO 995 525 828 MVA", "", "NO995525828"),
        ("995525828", "NO", "NO995525828"),
        ("40 303 265 045", "FR", "FR40303265045"),
        ("40303265045", "MC", "FR40303265045"),
        ("BE 428.759.497", "", "BE0428759497"),
        ("ATU13585627", "AT", "ATU13585627"),
        ("B58378431", "ES", "ESB58378431"),
        ("4495445B01", "NL", "NL004495445B01"),
        ("IE6433435F", "", "IE6433435F"),
    ],
)
def test_vat_is_prefix_and_compact_number(value: str, country: str, key: str) -> None:
    assert vat.normalise(value, country) == key


@pytest.mark.parametrize(("value", "country"), [("12-3456789", "US"), ("136695976", ""), ("EU372022452", "")])
def test_vat_without_a_supported_country_is_refused(value: str, country: str) -> None:
    assert refusal_of(vat.normalise, value, country).code == "vat_country"


@pytest.mark.parametrize(
    ("value", "country"),
    [("DE136695977", ""), ("136695977", "DE"), ("00000000", "DK"), ("CHE107787578", ""), ("=1", "DE"), ("GB1", "GB")],
)
def test_vat_that_does_not_hold_is_refused(value: str, country: str) -> None:
    assert refusal_of(vat.normalise, value, country).code in {"vat_invalid", "cell_formula"}


def test_an_empty_cell_gives_no_key() -> None:
    assert (lei.normalise(""), duns.normalise("  "), vat.normalise("\t", "DE")) == ("", "", "")


@given(
    st.one_of(
        st.from_regex(r"[A-Z]{2}[0-9A-Z+*]{2,14}", fullmatch=True),
        st.from_regex(r"(DE|FR|ES|IT|IE|NL|LT|GB|XI|CHE|NO|CZ|BG|RO|EL)[0-9]{5,13}[A-Z]{0,3}", fullmatch=True),
    ),
    st.sampled_from(["", "DE", "ES", "GB", "US", "NL", "IE"]),
)
def test_a_vat_number_of_any_form_is_its_own_key_or_refused(value: str, country: str) -> None:
    try:
        key = vat.normalise(value, country)
    except Refusal:
        return
    assert vat.normalise(key, country) == key
    assert vat.normalise(key, "") == key
