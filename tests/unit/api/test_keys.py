from collections.abc import Callable

import pytest
from conftest import Escrow, Setting, open_room
from partner import Partner, code_of, digest_in, make_terms

from matching import group, keyproof
from matching.group import Scalar


@pytest.fixture
def room(ana: Partner, bo: Partner) -> Setting:
    """An active room without keys."""
    terms = make_terms(ana, bo)
    digest_in(ana.propose(terms))
    digest_in(bo.accept(terms))
    return Setting(ana, bo, terms, {}, {})


def test_a_key_is_published_once(room: Setting) -> None:
    key = room.ana.epoch_key(room.terms)
    assert digest_in(room.ana.publish(key)) == key.digest()
    digest_in(room.ana.publish(key))
    assert code_of(room.ana.publish(room.ana.epoch_key(room.terms))) == (409, "conflict")
    assert len(room.bo.view(room.room).keys) == 1


def test_keys_of_nobody_are_refused(room: Setting) -> None:
    one = Scalar((1).to_bytes(32, "little"))
    bound = keyproof.key_statement(bytes.fromhex(room.room), 0, room.ana.key)
    proof = keyproof.prove(one, bound).hex()
    assert keyproof.verify(group.base_multiply(one), bytes.fromhex(proof), bound)
    for key in keyproof.refused_keys():
        document = room.ana.epoch_key(room.terms, key=key.hex(), proof=proof)
        assert code_of(room.ana.publish(document)) == (422, "key_refused")


def test_a_key_that_is_not_canonical_is_refused(room: Setting) -> None:
    good = room.ana.epoch_key(room.terms)
    high = bytearray(bytes.fromhex(good.key))
    high[31] |= 0x80
    bad = room.ana.epoch_key(room.terms, key=high.hex(), proof=good.proof)
    assert code_of(room.ana.publish(bad)) == (422, "key_refused")


def test_a_key_without_proof_is_refused(room: Setting) -> None:
    bad = room.ana.epoch_key(room.terms, proof="00" * 64)
    assert code_of(room.ana.publish(bad)) == (422, "key_refused")


def test_a_proof_is_bound_to_room_epoch_and_partner(room: Setting) -> None:
    scalar = group.random_scalar()
    for other_room, epoch, identity in (
        ("00" * 16, 0, room.ana.key),
        (room.room, 1, room.ana.key),
        (room.room, 0, room.bo.key),
    ):
        bound = keyproof.key_statement(bytes.fromhex(other_room), epoch, identity)
        bad = room.ana.epoch_key(
            room.terms, key=group.base_multiply(scalar).hex(), proof=keyproof.prove(scalar, bound).hex()
        )
        assert code_of(room.ana.publish(bad)) == (422, "key_refused")


def _opposite(scalar: Scalar) -> Scalar:
    return Scalar((group.ORDER - int.from_bytes(scalar.reveal(), "little")).to_bytes(32, "little"))


@pytest.mark.parametrize("transform", [lambda scalar: scalar, _opposite], ids=["equal", "opposite"])
def test_a_key_seen_in_any_room_is_refused(
    escrow: Escrow, ana: Partner, bo: Partner, room: Setting, transform: Callable[[Scalar], Scalar]
) -> None:
    other = open_room(escrow.partner("Cy"), escrow.partner("Di"))
    room.ana.scalars[0] = transform(other.ana.scalars[0])
    assert code_of(ana.publish(ana.epoch_key(room.terms))) == (422, "key_refused")
    digest_in(bo.publish(bo.epoch_key(room.terms)))


def test_keys_outlive_the_room_they_were_seen_in(ana: Partner, bo: Partner, room: Setting) -> None:
    digest_in(ana.publish(ana.epoch_key(room.terms)))
    digest_in(bo.withdraw(room.room, "left"))
    again = make_terms(ana, bo)
    digest_in(ana.propose(again))
    digest_in(bo.accept(again))
    assert code_of(ana.publish(ana.epoch_key(again))) == (422, "key_refused")


def test_only_for_the_current_epoch_and_these_terms(escrow: Escrow, room: Setting) -> None:
    ana, terms = room.ana, room.terms
    assert code_of(ana.publish(ana.epoch_key(terms, 1))) == (409, "epoch_not_current")
    assert code_of(ana.publish(ana.epoch_key(terms, terms="0" * 64))) == (422, "key_refused")
    path = f"/v1/rooms/{terms.room}/epochs/0/keys/{ana.id}"
    assert code_of(ana.put(path, ana.sign(ana.epoch_key(terms, 1)))) == (422, "key_refused")
    assert code_of(ana.put(path, room.bo.sign(ana.epoch_key(terms)))) == (422, "document_refused")
    escrow.clock.step(days=30)
    assert code_of(ana.publish(ana.epoch_key(terms, 0))) == (409, "epoch_not_current")
    digest_in(ana.publish(ana.epoch_key(terms, 1)))
    assert ana.view(terms.room).epoch == 1
