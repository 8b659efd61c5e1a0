"""P9 at the escrow: releases in order, on what is in force, handed over together or not at all."""

import hashlib
from typing import Any

import pytest
from conftest import Escrow, Setting
from partner import Partner, code_of, digest_in
from sharing_rooms import (
    deliver,
    digest_text,
    put_batch,
    put_policy,
    put_release,
    put_round,
    release,
    release_path,
    sealed_bytes,
)
from sqlalchemy import func, select

from cleanroom.domain.vocabulary import RoomId, RoundState
from cleanroom.messages.releases import MOST_SEALED_BYTES, SEALED_OVERHEAD, STEP, Release
from cleanroom.messages.signing import SignedDocument
from escrow import releases, rooms
from escrow.consent_tables import ReleaseBatch, ReleaseRecord
from escrow.rooms import EnteredRoom


@pytest.fixture
def agreed(escrow: Escrow, setting: Setting) -> Setting:
    """Both have policies, and both have opened round 1."""
    for partner in (setting.ana, setting.bo):
        put_policy(escrow.desk.database, setting, partner)
    put_round(escrow.desk.database, setting, 1)
    return setting


def released(setting: Setting, sender: Partner, *names: str, **changes: Any) -> Release:  # noqa: ANN401 - any field
    """A release of these batches, delivered."""
    sealed = [sealed_bytes(name) for name in names]
    document = release(setting, sender, *sealed, **changes)
    digest_in(put_release(sender, document))
    for index, data in enumerate(sealed):
        digest_in(put_batch(sender, setting.terms.room, document.number, index, data))
    assert digest_in(deliver(sender, setting.terms.room, document.number)) == document.digest()
    return document


def batches_here(escrow: Escrow) -> list[tuple[int, int]]:
    """(number, batch) of all that is here."""
    query = select(ReleaseBatch.number, ReleaseBatch.batch).order_by(ReleaseBatch.number, ReleaseBatch.batch)
    return escrow.desk.read(lambda session: [(row.number, row.batch) for row in session.execute(query)])


def seen(escrow: Escrow, partner: Partner, room: RoomId) -> set[str]:
    """What the view would show of releases. (The view needs whole policies; simulations have them.)"""

    def visible(entered: EnteredRoom) -> tuple[SignedDocument, ...]:
        current = rooms.in_force(entered)
        assert current is not None
        return releases.visible(current)

    return {signed.digest() for signed in escrow.desk.read_room(room, partner.id, visible)}


def test_neither_side_reads_before_both_have_released(escrow: Escrow, agreed: Setting) -> None:
    ana, bo, room = agreed.ana, agreed.bo, agreed.terms.room
    first = released(agreed, ana, "a")
    path = f"{release_path(ana, room, 1)}/batches/0"
    assert seen(escrow, ana, room) == {first.digest()}
    assert seen(escrow, bo, room) == set()
    assert code_of(bo.get(path)) == (404, "not_found")
    second = released(agreed, bo, "b")
    assert seen(escrow, ana, room) == seen(escrow, bo, room) == {first.digest(), second.digest()}
    assert bo.get(path).content == sealed_bytes("a")
    assert ana.get(f"{release_path(bo, room, 1)}/batches/0").content == sealed_bytes("b")


def test_a_release_of_a_later_round_waits_for_one_of_the_other_side(escrow: Escrow, agreed: Setting) -> None:
    ana, bo, room = agreed.ana, agreed.bo, agreed.terms.room
    first, theirs = released(agreed, ana, "a"), released(agreed, bo, "b")
    put_round(escrow.desk.database, agreed, 2)
    later = released(agreed, ana, "c", previous=first, round=2)
    assert seen(escrow, bo, room) == {first.digest(), theirs.digest()}
    assert code_of(bo.get(f"{release_path(ana, room, 2)}/batches/0")) == (404, "not_found")
    # A release without a batch says: nothing has changed here.
    empty = released(agreed, bo, previous=theirs, round=2)
    assert seen(escrow, bo, room) == {item.digest() for item in (first, theirs, later, empty)}


def test_what_was_made_under_a_former_policy_is_withheld_for_ever(escrow: Escrow, agreed: Setting) -> None:
    ana, bo, room = agreed.ana, agreed.bo, agreed.terms.room
    old = released(agreed, ana, "a")
    mine = put_policy(escrow.desk.database, agreed, bo, version=2)
    assert code_of(put_release(bo, release(agreed, bo))) == (409, "out_of_order")
    given = released(agreed, bo, "b", sender_policy=mine)
    assert seen(escrow, bo, room) == {given.digest()}
    assert code_of(bo.get(f"{release_path(ana, room, 1)}/batches/0")) == (404, "not_found")
    # Neither does it count as Ana's half of the exchange.
    assert seen(escrow, ana, room) == {old.digest()}
    again = released(agreed, ana, "a2", previous=old, recipient_policy=mine)
    assert seen(escrow, bo, room) == {given.digest(), again.digest()}
    assert seen(escrow, ana, room) == {old.digest(), given.digest(), again.digest()}


def test_what_was_handed_over_is_withheld_once_its_policy_is_no_more(escrow: Escrow, agreed: Setting) -> None:
    ana, bo, room = agreed.ana, agreed.bo, agreed.terms.room
    released(agreed, ana, "a"), released(agreed, bo, "b")
    put_policy(escrow.desk.database, agreed, ana, version=2)
    assert code_of(bo.get(f"{release_path(ana, room, 1)}/batches/0")) == (404, "not_found")


def test_repeats_are_answered_and_others_are_conflicts(agreed: Setting) -> None:
    ana, room = agreed.ana, agreed.terms.room
    document = released(agreed, ana, "a")
    assert digest_in(put_batch(ana, room, 1, 0, sealed_bytes("a"))) == hashlib.sha256(sealed_bytes("a")).hexdigest()
    assert digest_in(put_release(ana, document)) == document.digest()
    assert digest_in(deliver(ana, room, 1)) == document.digest()
    assert code_of(put_batch(ana, room, 1, 0, sealed_bytes("x"))) == (409, "conflict")
    assert code_of(put_release(ana, release(agreed, ana, sealed_bytes("x")))) == (409, "conflict")


def test_nothing_of_a_release_is_taken_before_it_is_on_record(escrow: Escrow, agreed: Setting) -> None:
    ana, room, data = agreed.ana, agreed.terms.room, sealed_bytes("a")
    assert code_of(put_batch(ana, room, 1, 0, data)) == (409, "out_of_order")
    assert code_of(deliver(ana, room, 1)) == (404, "not_found")
    digest_in(put_release(ana, release(agreed, ana, data)))
    assert code_of(put_batch(ana, room, 2, 0, data)) == (409, "out_of_order")
    assert batches_here(escrow) == []


def test_only_batches_that_are_on_record_are_taken(escrow: Escrow, agreed: Setting) -> None:
    ana, room, (one, two) = agreed.ana, agreed.terms.room, (sealed_bytes("one"), sealed_bytes("two"))
    digest_in(put_release(ana, release(agreed, ana, one, two)))
    for index, data in ((0, two), (1, one), (2, two), (0, b""), (0, one + b"x")):
        assert code_of(put_batch(ana, room, 1, index, data)) == (422, "release_refused")
    digest_in(put_batch(ana, room, 1, 1, two))
    assert code_of(put_batch(ana, room, 1, 1, one)) == (409, "conflict")
    assert batches_here(escrow) == [(1, 1)]


def test_a_batch_of_another_size_than_on_record_is_refused(agreed: Setting) -> None:
    data = sealed_bytes("a")
    item = {"sealed": hashlib.sha256(data).hexdigest(), "size": len(data) + STEP, "handles": digest_text("handles")}
    digest_in(put_release(agreed.ana, release(agreed, agreed.ana, batches=[item])))
    assert code_of(put_batch(agreed.ana, agreed.terms.room, 1, 0, data)) == (422, "release_refused")


def test_the_largest_batch_is_accepted(agreed: Setting) -> None:
    data = sealed_bytes("large", (MOST_SEALED_BYTES - SEALED_OVERHEAD) // STEP)
    digest_in(put_release(agreed.ana, release(agreed, agreed.ana, data)))
    digest_in(put_batch(agreed.ana, agreed.terms.room, 1, 0, data))


def test_batches_are_taken_for_a_release_of_this_epoch_only(agreed: Setting) -> None:
    ana, room, data = agreed.ana, agreed.terms.room, sealed_bytes("a")
    later = f"{release_path(ana, room, 1, epoch=1)}/batches/0"
    assert code_of(ana.call("PUT", later, data, media="application/octet-stream")) == (409, "epoch_not_current")
    too_many = f"{release_path(ana, room, 1)}/batches/5000"
    assert code_of(ana.call("PUT", too_many, data, media="application/octet-stream")) == (422, "request_refused")


def test_a_release_that_is_not_delivered_is_seen_by_nobody(escrow: Escrow, agreed: Setting) -> None:
    ana, bo, room = agreed.ana, agreed.bo, agreed.terms.room
    given = released(agreed, bo, "b")
    digest_in(put_release(ana, release(agreed, ana, sealed_bytes("a"))))
    digest_in(put_batch(ana, room, 1, 0, sealed_bytes("a")))
    assert seen(escrow, ana, room) == set()
    assert seen(escrow, bo, room) == {given.digest()}
    assert code_of(bo.get(f"{release_path(ana, room, 1)}/batches/0")) == (404, "not_found")
    digest_in(deliver(ana, room, 1))
    assert len(seen(escrow, ana, room)) == len(seen(escrow, bo, room)) == 2


def test_a_release_that_is_not_delivered_may_be_replaced_and_its_batches_go(escrow: Escrow, agreed: Setting) -> None:
    ana, room = agreed.ana, agreed.terms.room
    before = released(agreed, ana, "first")
    old = [sealed_bytes(f"old {index}") for index in range(3)]
    digest_in(put_release(ana, release(agreed, ana, *old, previous=before)))
    for index, data in enumerate(old):
        digest_in(put_batch(ana, room, 2, index, data))
    after = released(agreed, ana, "new", previous=before)
    assert batches_here(escrow) == [(1, 0), (2, 0)]
    assert seen(escrow, ana, room) == {before.digest(), after.digest()}
    third = release(agreed, ana, previous=after)
    digest_in(put_release(ana, third))


def test_grounds_are_checked_again_at_delivery(escrow: Escrow, agreed: Setting) -> None:
    ana, room = agreed.ana, agreed.terms.room
    digest_in(put_release(ana, release(agreed, ana)))
    mine = put_policy(escrow.desk.database, agreed, ana, version=2)
    assert code_of(deliver(ana, room, 1)) == (409, "out_of_order")
    digest_in(put_release(ana, release(agreed, ana, sender_policy=mine)))
    digest_in(deliver(ana, room, 1))
    digest_in(
        put_release(ana, release(agreed, ana, sender_policy=mine, previous=release(agreed, ana, sender_policy=mine)))
    )
    put_round(escrow.desk.database, agreed, 2)
    assert code_of(deliver(ana, room, 2)) == (409, "out_of_order")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"epoch": 1}, (422, "release_refused")),
        ({"terms": digest_text("other terms")}, (422, "release_refused")),
        ({"created": "2027-01-01T00:00:00Z"}, (422, "release_refused")),
        ({"round": 2}, (409, "out_of_order")),
        ({"sender_policy": digest_text("another")}, (409, "out_of_order")),
        ({"recipient_policy": digest_text("another")}, (409, "out_of_order")),
    ],
)
def test_a_release_that_does_not_fit_is_refused(
    escrow: Escrow, agreed: Setting, changes: dict[str, Any], problem: tuple[int, str]
) -> None:
    document = release(agreed, agreed.ana, sealed_bytes("a"), **changes)
    assert code_of(put_release(agreed.ana, document, number=1)) == problem
    assert escrow.desk.read(lambda session: session.scalar(select(func.count()).select_from(ReleaseRecord))) == 0


def test_a_release_to_somebody_else_or_of_somebody_else_is_refused(agreed: Setting) -> None:
    ana, bo, room = agreed.ana, agreed.bo, agreed.terms.room
    assert code_of(put_release(ana, release(agreed, bo))) == (422, "release_refused")
    assert code_of(bo.put(release_path(ana, room, 1), bo.sign(release(agreed, ana)))) == (404, "not_found")
    path = f"{release_path(ana, room, 1)}/batches/0"
    answer = bo.call("PUT", path, sealed_bytes("a"), media="application/octet-stream")
    assert code_of(answer) == (404, "not_found")
    assert code_of(bo.put(f"{release_path(ana, room, 1)}/delivery", {})) == (404, "not_found")
    elsewhere = release(agreed, ana).model_copy(update={"number": 2, "previous": digest_text("another")})
    assert code_of(put_release(ana, elsewhere, number=1)) == (422, "release_refused")
    forged = ana.sign(release(agreed, ana)).model_copy(update={"signatures": bo.sign(release(agreed, ana)).signatures})
    assert code_of(ana.put(release_path(ana, room, 1), forged)) == (422, "document_refused")


def test_a_chain_that_does_not_follow_is_refused(agreed: Setting) -> None:
    first = released(agreed, agreed.ana, "a")
    wrong = release(agreed, agreed.ana, previous=first).model_copy(update={"previous": digest_text("another")})
    assert code_of(put_release(agreed.ana, wrong)) == (409, "out_of_order")


def test_a_release_without_all_its_batches_is_not_delivered(agreed: Setting) -> None:
    ana, room = agreed.ana, agreed.terms.room
    one, two = sealed_bytes("one"), sealed_bytes("two")
    digest_in(put_release(ana, release(agreed, ana, one, two)))
    assert code_of(deliver(ana, room, 1)) == (409, "chunks_missing")
    digest_in(put_batch(ana, room, 1, 1, two))
    assert code_of(deliver(ana, room, 1)) == (409, "chunks_missing")
    digest_in(put_batch(ana, room, 1, 0, one))
    digest_in(deliver(ana, room, 1))


@pytest.mark.parametrize("state", [RoundState.OPEN, RoundState.LAPSED, RoundState.VOID])
def test_a_round_that_not_both_have_opened_gives_no_release(
    escrow: Escrow, setting: Setting, state: RoundState
) -> None:
    for partner in (setting.ana, setting.bo):
        put_policy(escrow.desk.database, setting, partner)
    put_round(escrow.desk.database, setting, 1, state)
    assert code_of(put_release(setting.ana, release(setting, setting.ana))) == (409, "out_of_order")


def test_without_policies_nothing_is_released(escrow: Escrow, setting: Setting) -> None:
    put_round(escrow.desk.database, setting, 1)
    assert code_of(put_release(setting.ana, release(setting, setting.ana))) == (409, "out_of_order")


def test_releases_of_another_room_are_nobodys_business(escrow: Escrow, agreed: Setting) -> None:
    released(agreed, agreed.ana, "a"), released(agreed, agreed.bo, "b")
    stranger = escrow.partner("Cy")
    path = f"{release_path(agreed.ana, agreed.terms.room, 1)}/batches/0"
    assert code_of(stranger.get(path)) == (404, "not_found")
    # The sender's own bytes are not read back either; an address without a batch looks the same.
    assert code_of(agreed.ana.get(path)) == (404, "not_found")
    assert code_of(agreed.bo.get(f"{release_path(agreed.ana, agreed.terms.room, 1)}/batches/7")) == (404, "not_found")


def test_leaving_deletes_releases(escrow: Escrow, agreed: Setting) -> None:
    released(agreed, agreed.ana, "a"), released(agreed, agreed.bo, "b")
    digest_in(agreed.ana.withdraw(agreed.terms.room, "left"))
    for table in (ReleaseRecord, ReleaseBatch):
        query = select(func.count()).select_from(table)
        assert escrow.desk.read(lambda session, query=query: session.scalar(query)) == 0


def test_an_epoch_that_is_over_hands_nothing_over(escrow: Escrow, agreed: Setting) -> None:
    released(agreed, agreed.ana, "a"), released(agreed, agreed.bo, "b")
    escrow.clock.step(days=31)
    assert seen(escrow, agreed.bo, agreed.terms.room) == set()
    assert code_of(agreed.bo.get(f"{release_path(agreed.ana, agreed.terms.room, 1)}/batches/0")) == (404, "not_found")
