"""Records of releases and journals that are not what they must be: the audit says what and where."""

import json
from collections.abc import Callable

import pytest
from lies import broken, requires
from log_made import Twist
from partners_made import ANA, BO
from room_made import Life, lived

from cleanroom.domain.vocabulary import Form
from cleanroom.messages.records import Record


@pytest.fixture(scope="module")
def life() -> Life:
    return lived()


def recorded(change: Callable[[Record], Record]) -> Twist:
    """The last record of each release is another one, and signed so."""
    return Twist(records=lambda records: [*records[:-1], change(records[-1])])


def test_a_form_above_the_decision_is_named() -> None:
    twist = recorded(lambda record: record.model_copy(update={"accounts": ({"amount": Form.FULL},)}))
    found = broken(lived(twist).bundle())
    requires(found, f"release 1 of {ANA.id} in epoch 0, record 2", "(full) above the one that both policies give")


def test_a_field_that_no_catalogue_has_is_named() -> None:
    twist = recorded(lambda record: record.model_copy(update={"accounts": ({"secret": Form.REDUCED},)}))
    requires(broken(lived(twist).bundle()), "record 2", "above the one that both policies give")


def test_an_account_in_a_cell_that_is_not_agreed_is_named() -> None:
    twist = recorded(lambda record: record.model_copy(update={"cell": (1, 1)}))
    requires(broken(lived(twist).bundle()), "record 2", "in a cell that is not agreed")


def test_a_withdrawal_in_a_cell_that_the_terms_do_not_have_is_named() -> None:
    twist = recorded(lambda record: record.model_copy(update={"accounts": (), "cell": (3, 0)}))
    requires(broken(lived(twist).bundle()), "record 2", "a cell that the terms do not have")


def test_a_match_that_repeats_is_named() -> None:
    found = broken(lived(Twist(records=lambda records: [*records, records[0]])).bundle())
    requires(found, "record 3", "a match repeats")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda lines: lines[:-1], "2 records of 3 matches"),
        (lambda lines: lines[::-1], "its records have another root"),
        (lambda lines: (*lines[:-1], lines[-1].replace(b"reduced", b"full")), "its records have another root"),
        (lambda lines: (*lines[:-1], lines[-1] + b" "), "not in canonical form"),
        (lambda lines: (*lines[:-1], lines[-1].replace(b'"accounts"', b'"accounts":[],"accounts"')), "canonical form"),
        (lambda lines: (*lines[:-1], b'{"erased":"zz"}'), "not valid"),
    ],
    ids=["dropped", "reordered", "altered", "spaced", "repeating", "erased"],
)
def test_records_that_are_not_those_of_the_release_are_named(
    life: Life, change: Callable[[tuple[bytes, ...]], tuple[bytes, ...]], what: str
) -> None:
    release, lines = next(iter(life.records.items()))
    found = broken(life.bundle(records={**life.records, release: change(lines)}))
    requires(found, f"release 1 of {ANA.id} in epoch 0", what)


def test_a_journal_that_is_missing_is_told(life: Life) -> None:
    found = broken(life.bundle(journal={}))
    requires(found, f"journal of {ANA.id}", "entry 19 was handed over, and is not in it")
    requires(found, f"journal of {ANA.id}", "entry 22 was handed over, and is not in it")


def test_an_item_that_was_dropped_is_told(life: Life) -> None:
    found = broken(life.bundle(journal={ANA.id: tuple(life.journal[ANA.id][1:])}))
    requires(found, f"journal of {ANA.id}, item 1", "does not follow the item before")
    requires(found, f"journal of {ANA.id}", "entry 19 was handed over, and is not in it")


def test_a_journal_of_somebody_else_is_refused(life: Life) -> None:
    found = broken(life.bundle(journal={ANA.id: tuple(life.journal[BO.id])}))
    requires(found, f"journal of {ANA.id}, item 1", "not signed by exactly whom")


def test_a_journal_of_another_log_is_told() -> None:
    later = lived()
    later.leaves, whole = later.leaves[:-1], later.leaves
    later.noted(ANA, list(later.documents.values())[-2], 23)
    later.leaves = whole
    requires(broken(later.bundle()), f"journal of {ANA.id}, item 3", "is not what entry 23 puts on record")


def test_a_root_that_a_journal_names_must_be_the_logs() -> None:
    later = lived()
    later.leaves, whole = [*later.leaves[:-1], b"another"], later.leaves
    later.noted(ANA, later.documents[json.loads(whole[22])["document"]], 22)
    later.leaves = whole
    found = broken(later.bundle())
    assert set(found) == {f"journal of {ANA.id}, item 3"}
    requires(found, f"journal of {ANA.id}, item 3", "its partner has witnessed size 27")
