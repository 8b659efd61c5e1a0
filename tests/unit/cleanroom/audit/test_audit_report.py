from dataclasses import replace

from audits import ACME, AUDIT, CUSTOMERS, GLOBEX, LOG, PROSPECTS

from cleanroom.audit.report import Matrix, Seen, report
from cleanroom.audit.result import Audit
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.entries import OpeningsExchanged, ReleaseHandedOver


def matrix(audit: Audit, sender: str) -> Matrix:
    return next(item for item in report(audit).matrices if item.direction[0] == sender)


def without(audit: Audit, *indexes: int) -> Audit:
    return replace(audit, events=tuple(event for event in audit.events if event.index not in indexes))


def test_numbers_are_distinct_accounts_now_and_over_all_epochs() -> None:
    found = matrix(AUDIT, ACME).seen
    assert found == {
        ("account", CUSTOMERS): (Seen(form=Form.EXISTS, now=2, fewest=3, most=5),),
        ("stage", CUSTOMERS): (Seen(form=Form.FULL, now=2, fewest=3, most=5),),
        ("amount", CUSTOMERS): (Seen(form=Form.REDUCED, now=0, fewest=2, most=2),),
    }


def test_within_an_epoch_what_was_sent_again_counts_once_and_what_was_withdrawn_is_not_now() -> None:
    first = replace(AUDIT, touched=tuple(item for item in AUDIT.touched if item.index <= 14))
    found = matrix(first, ACME).seen
    assert found["stage", CUSTOMERS] == (Seen(form=Form.FULL, now=1, fewest=3, most=3),)
    assert found["amount", CUSTOMERS] == (Seen(form=Form.REDUCED, now=0, fewest=2, most=2),)


def test_a_release_counts_only_once_it_is_handed_over() -> None:
    handed = {event.index for event in AUDIT.events if isinstance(event.entry, ReleaseHandedOver)}
    assert report(without(AUDIT, *handed)).matrices == ()
    assert matrix(AUDIT, ACME).seen["account", CUSTOMERS][0].most == 5, "the 9 accounts of entry 19 are not there"


def test_the_order_in_which_matches_are_listed_does_not_matter() -> None:
    assert report(replace(AUDIT, touched=AUDIT.touched[::-1])).matrices == report(AUDIT).matrices


def test_a_match_counts_in_the_cell_in_which_it_was_shown() -> None:
    moved = tuple(replace(item, cell=PROSPECTS) if item.sender[:2] == "bb" else item for item in AUDIT.touched)
    found = matrix(replace(AUDIT, touched=moved), ACME)
    assert found.cells == (CUSTOMERS, PROSPECTS)
    assert found.seen["account", PROSPECTS] == (Seen(form=Form.EXISTS, now=1, fewest=1, most=1),)
    assert found.seen["account", CUSTOMERS] == (Seen(form=Form.EXISTS, now=1, fewest=3, most=4),)


def test_a_side_that_only_withdrew_has_shown_nothing() -> None:
    gone = tuple(replace(item, accounts=()) if item.index == 11 else item for item in AUDIT.touched)
    assert [item.direction for item in report(replace(AUDIT, touched=gone)).matrices] == [(ACME, GLOBEX)]


def test_policies_are_those_under_which_a_field_was_handed_over() -> None:
    found = matrix(AUDIT, ACME).versions
    assert found["stage", CUSTOMERS] == ((1, 1), (2, 1))
    assert found["amount", CUSTOMERS] == ((1, 1),)
    assert matrix(AUDIT, GLOBEX).versions == {("account", PROSPECTS): ((1, 1),)}


def test_fields_stand_in_the_order_of_the_catalogue_and_the_account_first() -> None:
    assert matrix(AUDIT, ACME).fields == ("account", "stage", "amount")
    assert matrix(replace(AUDIT, catalogue=()), ACME).fields == ("account", "amount", "stage")


def test_widenings_and_narrowings_are_entries_of_the_log() -> None:
    found = report(AUDIT)
    assert [step.index for step in found.widenings] == [5, 6]
    assert [step.index for step in found.narrowings] == [16]


def test_a_round_has_its_openings_and_the_moment_of_exchange() -> None:
    (item,) = report(AUDIT).rounds
    assert (item.epoch, item.number, [each.prover for each in item.openings]) == (0, 1, [ACME, GLOBEX])
    exchange = LOG[9]
    assert isinstance(exchange, OpeningsExchanged)
    assert item.exchanged == exchange.at
    assert report(without(AUDIT, 9)).rounds[0].exchanged == ""
