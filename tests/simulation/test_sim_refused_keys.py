"""P2: which epoch keys the escrow refuses, and which the agent refuses even if the escrow shows them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from lists_of_accounts import companies
from malice import Owner, epoch_key, lied_to, problem_of
from world import World, accounts

from cleanroom.agent import sync
from cleanroom.agent.epochs import KeyRefused, epoch_secrets
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.api import RoomView
from cleanroom.messages.signing import SignedDocument
from matching.group import ORDER, Scalar, base_multiply, random_scalar
from matching.keyproof import key_statement, prove


def opposite(scalar: Scalar) -> Scalar:
    return Scalar((ORDER - int.from_bytes(scalar.reveal(), "little")).to_bytes(32, "little"))


def number(value: int) -> Scalar:
    return Scalar(value.to_bytes(32, "little"))


@dataclass
class Room:
    """A fresh room of Acme, who lies, and Globex; and an older one of the same two, in which both have keys."""

    acme: Agent
    globex: Agent
    id: RoomId
    older: RoomId

    def scalar(self, agent: Agent, room: RoomId) -> Scalar:
        return epoch_secrets(agent, open_room(agent, room)).scalar

    def key(self, scalar: Scalar, **parts: bytes) -> SignedDocument:
        return epoch_key(self.acme, open_room(self.acme, self.id), scalar, **parts)


@pytest.fixture(scope="module")
def older(world: World) -> RoomId:
    room = world.room(*world.agents.values())
    for agent in world.agents.values():
        Owner.enter(agent, room)
    for agent in world.agents.values():
        sync.sync(agent, room)  # each has now seen the other's key
    return room


@pytest.fixture
def room(world: World, older: RoomId) -> Room:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    fresh = world.room(acme, globex)
    Owner.enter(globex, fresh)
    return Room(acme=acme, globex=globex, id=fresh, older=older)


def unproven(room: Room) -> SignedDocument:
    return room.key(random_scalar(), proof=bytes(64))


def mutated(room: Room) -> SignedDocument:
    scalar = random_scalar()
    current = open_room(room.acme, room.id)
    bound = key_statement(bytes.fromhex(room.id), current.epoch, room.acme.identity.public().identity_key)
    proof = bytearray(prove(scalar, bound))
    proof[40] ^= 4
    return room.key(scalar, proof=bytes(proof))


def proven_for(identity: str, room_of: str, epoch: int) -> Callable[[Room], SignedDocument]:
    """A true proof of another statement: somebody else's, of another room, or another epoch."""

    def make(room: Room) -> SignedDocument:
        scalar = random_scalar()
        signer: Agent = getattr(room, identity)
        place = bytes.fromhex(getattr(room, room_of))
        return room.key(scalar, proof=prove(scalar, key_statement(place, epoch, signer.identity.public().identity_key)))

    return make


def reflected(room: Room) -> SignedDocument:
    theirs = open_room(room.acme, room.id).keys[room.globex.me]
    return room.key(number(1), key=bytes.fromhex(theirs.key), proof=bytes.fromhex(theirs.proof))


REFUSED: dict[str, Callable[[Room], SignedDocument]] = {
    # Even with a proof: as if the partner had learnt the scalar.
    "the victim's own key of this room": lambda room: room.key(room.scalar(room.globex, room.id)),
    "its opposite": lambda room: room.key(opposite(room.scalar(room.globex, room.id))),
    "the victim's key of another room": lambda room: room.key(room.scalar(room.globex, room.older)),
    "the opposite of it": lambda room: room.key(opposite(room.scalar(room.globex, room.older))),
    "the partner's own key of another room": lambda room: room.key(room.scalar(room.acme, room.older)),
    "the opposite of that": lambda room: room.key(opposite(room.scalar(room.acme, room.older))),
    "the identity": lambda room: room.key(number(1), key=bytes(32)),
    "the generator": lambda room: room.key(number(1)),
    "the generator's opposite": lambda room: room.key(number(ORDER - 1)),
    "no point": lambda room: room.key(number(7), key=b"\xff" * 32),
    "bit 255": lambda room: room.key(number(7), key=base_multiply(number(7))[:31] + bytes([0x80])),
    "unproven": unproven,
    "a mutated proof": mutated,
    "the victim's key with the victim's proof": reflected,
    "proven for another room": proven_for("acme", "older", 0),
    "proven for another epoch": proven_for("acme", "id", 1),
    "proven by somebody else": proven_for("globex", "id", 0),
}


def test_an_honest_key_is_taken(room: Room) -> None:
    room.acme.escrow.put_key(room.id, 0, room.acme.me, room.key(random_scalar()))
    assert sync.sync(room.globex, room.id)[0].problem is None


@pytest.mark.parametrize("case", REFUSED)
def test_a_key_that_is_refused(room: Room, case: str) -> None:
    key = REFUSED[case](room)
    with pytest.raises(EscrowProblem) as caught:
        room.acme.escrow.put_key(room.id, 0, room.acme.me, key)
    assert caught.value.problem == "key_refused"

    def view(honest: RoomView) -> RoomView:
        return honest.model_copy(update={"keys": (*honest.keys, key)})

    assert isinstance(problem_of(lied_to(room.globex, view), room.id), KeyRefused)


def test_a_second_key_in_the_same_epoch_is_refused(room: Room) -> None:
    """Acme and the escrow together: a list could carry each company under two tokens."""
    first, second = room.key(random_scalar()), room.key(random_scalar())
    room.acme.escrow.put_key(room.id, 0, room.acme.me, first)
    with pytest.raises(EscrowProblem) as caught:
        room.acme.escrow.put_key(room.id, 0, room.acme.me, second)
    assert caught.value.problem == "conflict"
    assert sync.sync(room.globex, room.id)[0].problem is None

    def view(honest: RoomView) -> RoomView:
        mine = tuple(signed for signed in honest.keys if signed != first)
        return honest.model_copy(update={"keys": (*mine, second)})

    assert isinstance(problem_of(lied_to(room.globex, view), room.id), KeyRefused)


def test_nothing_is_committed_to_a_partner_whose_key_is_refused(world: World, room: Room) -> None:
    key = REFUSED["the generator"](room)
    world.put_list(room.globex, room.id, accounts(companies(0, 3)))

    def view(honest: RoomView) -> RoomView:
        return honest.model_copy(update={"keys": (*honest.keys, key)})

    assert isinstance(problem_of(lied_to(room.globex, view), room.id), KeyRefused)
    assert room.globex.escrow.room(room.id).snapshots == ()
