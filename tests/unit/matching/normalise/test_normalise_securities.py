import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.normalise import cik, isin, ticker
from matching.refusal import Refusal


@pytest.mark.parametrize(
    "value", ["320193", "0000320193", "CIK0000320193", "cik 320193", "CIK#: 320193", "00000320193"]
)
def test_a_cik_is_ten_digits(value: str) -> None:
    assert cik.normalise(value) == "0000320193"


@pytest.mark.parametrize("value", ["0", "0000000000", "12345678901", "32O193", "CIK", "320193.0x", "-"])
def test_what_is_no_cik_is_refused(value: str) -> None:
    with pytest.raises(Refusal) as caught:
        cik.normalise(value)
    assert caught.value.code == "cik_invalid"


@pytest.mark.parametrize("value", ["US0378331005", "us 0378331005", "US-037833100-5", " US0378331005\n"])
def test_an_isin_is_twelve_characters(value: str) -> None:
    assert isin.normalise(value) == "US0378331005"


@pytest.mark.parametrize("value", ["US0378331006", "US037833100", "XX0378331005", "0378331005", "US03783310055", "n/a"])
def test_what_is_no_isin_is_refused(value: str) -> None:
    with pytest.raises(Refusal) as caught:
        isin.normalise(value)
    assert caught.value.code == "isin_invalid"


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("NASDAQ:AAPL", "US:AAPL"),
        ("nasdaq: aapl", "US:AAPL"),
        ("XNYS:AAPL", "US:AAPL"),  # it may move between American exchanges
        ("AAPL US", "US:AAPL"),
        ("AAPL US Equity", "US:AAPL"),
        ("XETR:SAP", "DE:SAP"),
        ("SAP GY", "DE:SAP"),
        ("LSE:VOD", "GB:VOD"),
        ("7203 JP", "JP:7203"),
        ("TYO:7203", "JP:7203"),
        ("NYSE:BRK.B", "US:BRK.B"),
        ("NYSE: BRK/B", "US:BRK.B"),
        ("NYSE:BRK B", "US:BRK.B"),
        ("BRK-B US", "US:BRK.B"),
        ("", ""),
    ],
)
def test_a_ticker_is_typed_by_the_country_of_its_market(value: str, key: str) -> None:
    assert ticker.normalise(value) == key


@pytest.mark.parametrize("value", ["T", "SAP", "MOON:X", "T ZZ", ":AAPL", "NYSE:", "NYSE:A_B", "a b c d"])
def test_a_symbol_without_a_market_that_is_known_is_refused(value: str) -> None:
    with pytest.raises(Refusal) as caught:
        ticker.normalise(value)
    assert caught.value.code == "ticker_exchange"


@given(st.integers(1, 10**10 - 1))
def test_a_cik_is_its_own_key(number: int) -> None:
    key = cik.normalise(str(number))
    assert len(key) == 10
    assert int(key) == number
    assert cik.normalise(key) == key
