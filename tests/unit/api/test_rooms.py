from datetime import timedelta

import pytest
from conftest import Escrow, Setting
from partner import START, Partner, code_of, digest_in, make_terms
from sqlalchemy import func, select

from cleanroom.messages.api import RoomPage
from cleanroom.messages.documents import instant
from cleanroom.messages.rooms import Terms, Withdrawal
from escrow.tables import (
    AnswerRecord,
    Base,
    EpochKeyRecord,
    EvaluatedBatchRecord,
    EvaluatedChunk,
    EvaluationRecord,
    SealedChunk,
    SnapshotRecord,
)

LISTS = (SnapshotRecord, SealedChunk, EvaluationRecord, EvaluatedBatchRecord, EvaluatedChunk)


def count(escrow: Escrow, table: type[Base]) -> int:
    return escrow.desk.read(lambda session: session.scalar(select(func.count()).select_from(table)) or 0)


def renewal(setting: Setting, **changes: object) -> Terms:
    fields = {**dict(setting.terms), "version": 2, "previous": setting.terms.digest(), **changes}
    return Terms.model_validate(fields)


LATER = {"expires": instant(START + timedelta(days=500))}


def test_a_room_is_active_once_both_have_signed(ana: Partner, bo: Partner) -> None:
    terms = make_terms(ana, bo)
    assert digest_in(ana.propose(terms)) == terms.digest()
    assert bo.view(terms.room).state == "proposed"
    assert code_of(ana.publish(ana.epoch_key(terms))) == (409, "room_not_active")
    digest_in(bo.accept(terms))
    view = ana.view(terms.room)
    assert view.state == "active"
    assert {signature.signer for signature in view.terms[0].signatures} == {ana.id, bo.id}


@pytest.mark.parametrize(
    "changes",
    [
        {"escrow_key": "0" * 64},
        {"expires": instant(START), "starts": instant(START - timedelta(days=1))},
        {"version": 2, "previous": "0" * 64},
    ],
    ids=["another escrow", "expired already", "another version than the address"],
)
def test_terms_that_break_a_rule(ana: Partner, bo: Partner, changes: dict[str, object]) -> None:
    terms = make_terms(ana, bo, **changes)
    answer = ana.put(f"/v1/rooms/{terms.room}/terms/1", ana.sign(terms))
    assert code_of(answer) == (422, "terms_refused")
    assert ana.get(f"/v1/rooms/{terms.room}").status_code == 404


def test_members_are_enrolled_with_exactly_these_keys(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    stranger = escrow.stranger("Cy")
    for member in (
        stranger.member,
        bo.member.model_copy(update={"sealing_key": ana.member.sealing_key}),
        bo.member.model_copy(update={"name": "Bo"}),
    ):
        terms = make_terms(ana, bo, members=(ana.member, member))
        assert code_of(ana.propose(terms)) == (422, "terms_refused")


def test_only_a_member_proposes(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    cy = escrow.partner("Cy")
    assert code_of(cy.propose(make_terms(ana, bo))) == (422, "terms_refused")


def test_terms_signed_by_somebody_else_are_refused(ana: Partner, bo: Partner) -> None:
    terms = make_terms(ana, bo)
    answer = ana.put(f"/v1/rooms/{terms.room}/terms/1", bo.sign(terms))
    assert code_of(answer) == (422, "document_refused")


def test_pending_terms_are_not_replaced_and_a_version_is_taken_once(setting: Setting) -> None:
    ana, bo = setting.ana, setting.bo
    assert code_of(ana.propose(make_terms(ana, bo, room=setting.room, title="Other"))) == (409, "conflict")
    digest_in(bo.propose(renewal(setting, **LATER)))
    assert code_of(ana.propose(renewal(setting))) == (409, "terms_pending")
    assert code_of(ana.propose(renewal(setting, version=3))) == (409, "terms_pending")


def test_a_signature_must_hold(ana: Partner, bo: Partner) -> None:
    terms = make_terms(ana, bo)
    digest_in(ana.propose(terms))
    path = f"/v1/rooms/{terms.room}/terms/1/signatures/{bo.id}"
    good = bo.signature(terms.type, terms.text())
    forged = good.model_copy(update={"signature": "00" * 64}).model_dump()
    assert code_of(bo.put(path, {"signature": forged})) == (422, "document_refused")
    other = ana.signature(terms.type, terms.text()).model_dump()
    assert code_of(bo.put(path, {"signature": other})) == (422, "terms_refused")
    digest_in(bo.accept(terms))
    assert code_of(bo.put(path, {"signature": forged})) == (409, "conflict")
    assert code_of(bo.put(path.replace("terms/1", "terms/2"), {"signature": forged})) == (404, "not_found")


def test_a_renewal_is_in_force_once_signed_and_keeps_what_rows_depend_on(setting: Setting) -> None:
    ana, bo = setting.ana, setting.bo
    for change in (
        {"previous": "0" * 64},
        {"version": 3},
        {"segments": ("customers",)},
        {"starts": instant(START + timedelta(days=1))},
        {"epoch_days": 7},
        {"members": (bo.member, ana.member)},
        {"minimum_population": setting.terms.minimum_population + 1},
        {"changes": "batched" if setting.terms.changes == "immediate" else "immediate"},
        {"answer_interval": 61},
    ):
        assert code_of(ana.propose(renewal(setting, **change))) == (422, "terms_refused"), change
    terms = renewal(setting, purpose="another purpose", **LATER)
    digest_in(ana.propose(terms))
    digest_in(bo.accept(terms))
    assert len(ana.view(setting.room).terms) == 2
    assert ana.view(setting.room).epoch == 0


def test_terms_with_other_recipes_begin_an_epoch_once_signed(setting: Setting) -> None:
    ana, bo = setting.ana, setting.bo
    newer = tuple(item.model_copy(update={"tables": "2031-01"}) for item in setting.terms.kinds)
    terms = renewal(setting, kinds=newer)
    digest_in(ana.propose(terms))
    assert ana.view(setting.room).epoch == 0
    digest_in(bo.accept(terms))
    assert [side.view(setting.room).epoch for side in (ana, bo)] == [1, 1]


def test_declining_a_proposal_closes_the_room(ana: Partner, bo: Partner) -> None:
    terms = make_terms(ana, bo)
    digest_in(ana.propose(terms))
    assert code_of(bo.withdraw(terms.room, "left")) == (409, "withdrawal_refused")
    digest_in(bo.withdraw(terms.room, "declined"))
    digest_in(bo.withdraw(terms.room, "declined"))
    view = ana.view(terms.room)
    assert (view.state, len(view.withdrawals)) == ("declined", 1)
    assert code_of(bo.accept(terms)) == (409, "room_closed")
    assert code_of(ana.withdraw(terms.room, "declined")) == (409, "room_closed")


def test_declining_a_renewal_drops_only_that_version(setting: Setting) -> None:
    ana, bo, terms = setting.ana, setting.bo, renewal(setting, **LATER)
    assert code_of(bo.withdraw(setting.room, "declined")) == (409, "withdrawal_refused")
    digest_in(ana.propose(terms))
    digest_in(bo.withdraw(setting.room, "declined"))
    view = ana.view(setting.room)
    assert (view.state, len(view.terms)) == ("active", 1)
    digest_in(ana.propose(renewal(setting, title="Another try", **LATER)))


def test_a_withdrawal_from_the_future_or_of_another_room_is_refused(escrow: Escrow, setting: Setting) -> None:
    path = f"/v1/rooms/{setting.room}/withdrawals/{setting.ana.id}"
    fields = {"room": setting.room, "partner": setting.ana.id, "reason": "left", "created": instant(escrow.clock())}
    for change in ({"room": "b" * 32}, {"created": instant(escrow.clock() + timedelta(hours=1))}):
        document = Withdrawal.model_validate({**fields, **change})
        assert code_of(setting.ana.put(path, setting.ana.sign(document))) == (409, "withdrawal_refused")


def test_leaving_purges_all_that_the_room_holds(escrow: Escrow, setting: Setting) -> None:
    a, b = setting.push_both()
    setting.evaluate_both([a], [b])
    assert all(count(escrow, table) for table in (*LISTS, AnswerRecord))
    digest_in(setting.bo.withdraw(setting.room, "left"))
    assert [count(escrow, table) for table in (*LISTS, AnswerRecord, EpochKeyRecord)] == [0] * 7
    view = setting.ana.view(setting.room)
    assert (view.state, view.answer, view.snapshots) == ("left", None, ())
    assert code_of(setting.ana.publish(setting.ana.epoch_key(setting.terms))) == (409, "room_closed")
    assert code_of(setting.ana.propose(renewal(setting))) == (409, "room_closed")


def test_an_expired_room_can_be_read_renewed_and_left_only(escrow: Escrow, setting: Setting) -> None:
    ana, bo = setting.ana, setting.bo
    a, b = setting.push_both()
    setting.evaluate_both([a], [b])
    escrow.clock.step(days=365)
    view = ana.view(setting.room)
    assert view.state == "expired"
    assert view.answer is not None
    assert view.next_answer is None
    epoch = view.epoch
    assert code_of(ana.publish(ana.epoch_key(setting.terms, epoch))) == (409, "room_expired")
    assert code_of(ana.put(ana.snapshot_path(setting.room, 2, epoch), ana.sign(a))) == (409, "room_expired")
    chunk = f"{ana.snapshot_path(setting.room, 1, epoch)}/chunks/0"
    assert code_of(ana.call("PUT", chunk, b"x", media="application/octet-stream")) == (409, "room_expired")
    terms = renewal(setting, **LATER)
    digest_in(ana.propose(terms))
    digest_in(bo.accept(terms))
    assert ana.view(setting.room).state == "active"


def test_an_expired_room_can_be_left(escrow: Escrow, setting: Setting) -> None:
    escrow.clock.step(days=365)
    digest_in(setting.ana.withdraw(setting.room, "left"))


def test_terms_that_expired_while_pending_cannot_be_signed(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    terms = make_terms(ana, bo)
    digest_in(ana.propose(terms))
    escrow.clock.step(days=365)
    assert code_of(bo.accept(terms)) == (422, "terms_refused")


def test_my_rooms_come_in_pages_and_only_mine(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    mine = [make_terms(ana, bo, title=f"Room {i}") for i in range(3)]
    for terms in mine:
        digest_in(ana.propose(terms))
    cy = escrow.partner("Cy")
    first = RoomPage.model_validate_json(bo.get("/v1/rooms?limit=2").content)
    second = RoomPage.model_validate_json(bo.get(f"/v1/rooms?limit=2&after={first.next}").content)
    assert [room.title for room in (*first.rooms, *second.rooms)] == [terms.title for terms in mine]
    assert second.next is None
    assert RoomPage.model_validate_json(cy.get("/v1/rooms").content).rooms == ()
