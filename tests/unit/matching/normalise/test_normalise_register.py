import pytest

from matching.normalise import register
from matching.refusal import Refusal


@pytest.mark.parametrize(
    ("value", "country", "key"),
    [
        ("01234567", "GB", "GB:01234567"),
        ("1234567", "GB", "GB:01234567"),  # spreadsheets drop zeros
        ("SC123456", "GB", "GB:SC123456"),
        ("SC 123456", "GB", "GB:SC123456"),  # not of the Seychelles
        ("GB 01234567", "GB", "GB:01234567"),
        ("GB-01234567", "", "GB:01234567"),
        ("GB:SC123456", "FR", "GB:SC123456"),
        ("FN 56247t", "AT", "AT:56247t"),
        ("56247 T", "AT", "AT:56247t"),
        ("AT: FN 56247t", "", "AT:56247t"),
        ("DE: K\u00f6ln HRB 12345", "", "DE:K\u00f6ln HRB 12345"),
        ("HRB 12345 K\u00f6ln", "DE", "DE:K\u00f6ln HRB 12345"),
        ("552 081 317", "FR", "FR:552081317"),
        ("552 081 317 66522", "FR", "FR:552081317"),  # a SIRET
        ("10150817", "DK", "DK:10150817"),
        ("DK 10150817", "", "DK:10150817"),
        ("556036-0793", "SE", "SE:5560360793"),
        ("923 609 016", "NO", "NO:923609016"),
        ("0112038-9", "FI", "FI:01120389"),
        ("CHE-107.787.577", "CH", "CH:CHE107787577"),
        ("7000012050002", "JP", "JP:7000012050002"),
        ("220-81-62517", "KR", "KR:2208162517"),
        ("196800306E", "SG", "SG:196800306E"),
        ("MI-1234567", "IT", "IT:MI1234567"),  # the province of Milan
        ("FI-1234567", "IT", "IT:FI1234567"),  # that of Florence, not Finland
        ("IT:mi1234567", "", "IT:MI1234567"),
        ("  ", "GB", ""),
        ("", "", ""),
    ],
)
def test_a_number_is_typed_by_its_country(value: str, country: str, key: str) -> None:
    assert register.normalise(value, country) == key


def test_numbers_of_two_countries_never_meet() -> None:
    countries = ("IT", "ES", "PT", "LU", "NL", "GB")
    assert len({register.normalise("12345678", country) for country in countries}) == len(countries)


@pytest.mark.parametrize(
    ("value", "country", "code"),
    [
        ("12345678", "", "register_country"),
        ("SC 123456", "", "register_country"),
        ("0000320193", "US", "register_country"),
        ("US: 320193", "DE", "register_country"),
        ("10150818", "DK", "register_invalid"),  # the check digit
        ("556036-0794", "SE", "register_invalid"),
        ("CHE-107.787.578", "CH", "register_invalid"),
        ("552 081 318", "FR", "register_invalid"),
        ("12345", "DE", "register_invalid"),  # no court
        ("GB 01234567", "DE", "register_invalid"),
        ("00000000", "GB", "register_invalid"),
        ("0000", "IT", "register_invalid"),
        ("12", "IT", "register_invalid"),
        ("none", "IT", "register_invalid"),
        ("1" * 21, "IT", "register_invalid"),
        ("1" * 129, "IT", "cell_too_long"),
    ],
)
def test_what_does_not_hold_is_refused(value: str, country: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        register.normalise(value, country)
    assert caught.value.code == code
