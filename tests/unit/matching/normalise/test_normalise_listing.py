import pytest

from matching.normalise.listing import without_listing


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("ACME CORP /DE/", "ACME CORP"),
        ("ACME INC /NV", "ACME INC"),
        ("Acme Corp \\DE\\", "Acme Corp"),
        ("Acme Corp /new/", "Acme Corp"),
        ("Acme (publisher)", "Acme"),
        ("Home Depot, Inc. (The)", "Home Depot, Inc."),
    ],
)
def test_states_and_notes_of_registers_are_off(value: str, name: str) -> None:
    assert without_listing(value) == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Alphabet Inc. Class A Common Stock", "Alphabet Inc."),
        ("Alphabet Inc. - Class C Capital Stock", "Alphabet Inc."),
        ("Acme Inc. Series B", "Acme Inc."),
        ("Acme plc Sponsored ADR", "Acme plc"),
        ("Acme plc Unsponsored ADR", "Acme plc"),
        ("Acme plc American Depositary Shares, each representing two", "Acme plc"),
        ("Acme Ltd Ordinary Shares", "Acme Ltd"),
        ("Acme Inc Common Stock", "Acme Inc"),
        ("Acme Inc, ADR", "Acme Inc"),
    ],
)
def test_kinds_of_securities_are_off(value: str, name: str) -> None:
    assert without_listing(value) == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("ACME THERAP. DL-,001", "ACME THERAP."),
        ("ACME AG O.N.", "ACME AG"),
        ("ACME HLDG -,01", "ACME HLDG"),
        ("AMERICAN STAT.WTR DL 2,50", "AMERICAN STAT.WTR"),
        ("ALPHABET INC.CL.A DL-,001", "ALPHABET INC"),
        ("ACME INC. NEW DL-,01", "ACME INC."),
        ("ACME SP.ADR/2", "ACME"),
        ("ACME A DL 1", "ACME"),
    ],
)
def test_what_floors_put_behind_a_name_is_off(value: str, name: str) -> None:
    assert without_listing(value).rstrip(".") == name.rstrip(".")


@pytest.mark.parametrize(
    "value",
    ["Acme", "Class Action Inc", "Series Labs", "Adr Limited", "A/S Acme", "(The)", "Class A", "DL Foods", "Dl 2 Go"],
)
def test_what_is_part_of_the_name_or_all_of_it_stays(value: str) -> None:
    assert without_listing(value) == value
