"""P7 at the escrow: an opening is on record before its parts, and counts once it is delivered."""

from typing import Any

import pytest
from conftest import Escrow, Setting
from opening_rooms import Opener, begin_round, round_state
from partner import code_of, digest_in
from sqlalchemy import func, select

from cleanroom.domain.vocabulary import RoomId
from escrow import openings
from escrow.consent_tables import OpeningPart
from escrow.errors import OutOfOrder

Both = tuple[Opener, Opener]


@pytest.fixture
def both(setting: Setting) -> Both:
    return begin_round(setting)


def parts_here(escrow: Escrow) -> int:
    query = select(func.count()).select_from(OpeningPart)
    return escrow.desk.read(lambda session: session.scalar(query)) or 0


def test_two_openings_are_exchanged_and_one_is_seen_by_nobody(setting: Setting, both: Both) -> None:
    ana, bo = both
    first, first_data = ana.opening()
    digest_in(ana.record(first))
    digest_in(ana.put_part(first_data))
    assert round_state(setting) == ("open", ())
    digest_in(ana.deliver())
    assert round_state(setting) == ("open", (ana.me.id,))
    assert code_of(bo.me.get(ana.path)) == (404, "not_found")
    bo.deliver_all()
    assert round_state(setting)[0] == "exchanged"
    assert bo.me.get(ana.path).json()["document"] == first.text()
    assert bo.me.get(f"{ana.path}/parts/0").content == first_data


def test_nothing_of_an_opening_is_taken_before_it_is_on_record(escrow: Escrow, both: Both) -> None:
    ana, _ = both
    _, data = ana.opening()
    assert code_of(ana.put_part(data)) == (409, "out_of_order")
    assert code_of(ana.deliver()) == (404, "not_found")
    assert parts_here(escrow) == 0


def test_only_parts_that_are_on_record_are_taken(escrow: Escrow, both: Both) -> None:
    ana, _ = both
    opening, data = ana.opening()
    digest_in(ana.record(opening))
    assert code_of(ana.put_part(data + b"x")) == (422, "opening_refused")
    assert code_of(ana.put_part(data, index=1)) == (422, "opening_refused")
    assert code_of(ana.deliver()) == (409, "chunks_missing")
    assert parts_here(escrow) == 0
    digest_in(ana.put_part(data))
    assert code_of(ana.put_part(data + b"x")) == (422, "opening_refused")
    digest_in(ana.deliver())


def test_an_opening_that_is_not_delivered_may_be_replaced_and_its_parts_go(escrow: Escrow, both: Both) -> None:
    ana, _ = both
    old, data = ana.opening()
    new, _ = ana.opening()
    assert old.digest() != new.digest()
    digest_in(ana.record(old))
    digest_in(ana.put_part(data))
    digest_in(ana.record(new))
    assert parts_here(escrow) == 0
    digest_in(ana.put_part(data))
    assert digest_in(ana.deliver()) == new.digest()
    assert code_of(ana.record(old)) == (409, "conflict")


def test_every_write_of_an_opening_may_be_repeated(both: Both) -> None:
    ana, _ = both
    opening, data = ana.opening()
    for _ in range(2):
        digest_in(ana.record(opening))
    for _ in range(2):
        digest_in(ana.put_part(data))
    for _ in range(2):
        assert digest_in(ana.deliver()) == opening.digest()
    digest_in(ana.record(opening))
    digest_in(ana.put_part(data))


@pytest.mark.parametrize(
    "changes", [{"rows": 1}, {"round": 2}, {"epoch": 1}, {"own": "ab" * 32}, {"prover": "ab" * 16}]
)
def test_a_claim_that_speaks_of_something_else_is_not_put_on_record(both: Both, changes: dict[str, Any]) -> None:
    ana, _ = both
    opening, _ = ana.opening(**changes)
    assert code_of(ana.record(opening)) == (422, "opening_refused")
    assert code_of(ana.deliver()) == (404, "not_found")


def test_a_proof_that_does_not_hold_is_refused_at_delivery(both: Both) -> None:
    ana, _ = both
    opening, data = ana.opening()
    forged = opening.model_copy(update={"proofs": ("01" * 64,)})
    digest_in(ana.record(forged))
    digest_in(ana.put_part(data))
    assert code_of(ana.deliver()) == (422, "opening_refused")
    digest_in(ana.record(opening))
    digest_in(ana.put_part(data))
    digest_in(ana.deliver())


def test_the_others_address_is_nobodys(both: Both) -> None:
    ana, bo = both
    opening, data = ana.opening()
    digest_in(ana.record(opening))
    assert code_of(bo.me.put(ana.path, ana.me.sign(opening))) == (404, "not_found")
    assert code_of(bo.me.put(f"{ana.path}/delivery", {})) == (404, "not_found")
    answer = bo.me.call("PUT", f"{ana.path}/parts/0", data, media="application/octet-stream")
    assert code_of(answer) == (404, "not_found")


def test_the_clock_of_an_answer_starts_at_delivery(escrow: Escrow, setting: Setting, both: Both) -> None:
    ana, _ = both
    opening, data = ana.opening()
    digest_in(ana.record(opening))
    escrow.clock.step(hours=80)
    assert round_state(setting) == ("open", ())
    digest_in(ana.put_part(data))
    digest_in(ana.deliver())
    escrow.clock.step(hours=71)
    assert round_state(setting)[0] == "open"
    escrow.clock.step(hours=1)
    assert round_state(setting) == ("lapsed", ())
    assert code_of(ana.record(opening)) == (409, "round_over")


def test_what_was_checked_is_what_is_delivered(escrow: Escrow, setting: Setting, both: Both) -> None:
    ana, _ = both
    desk, room = escrow.desk, RoomId(setting.room)
    old, data = ana.opening()
    digest_in(ana.record(old))
    digest_in(ana.put_part(data))
    checked = desk.read_room(room, ana.me.id, lambda entered: openings.check(entered, 1, ana.me.id))
    new, _ = ana.opening()
    digest_in(ana.record(new))
    digest_in(ana.put_part(data))
    with pytest.raises(OutOfOrder):
        desk.write_room(room, ana.me.id, lambda entered: openings.deliver(entered, checked))
    assert round_state(setting) == ("open", ())
