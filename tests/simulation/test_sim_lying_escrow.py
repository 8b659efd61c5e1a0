"""An escrow that shows other keys, terms, lists or answers than the partners signed is noticed by the agent."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from lists_of_accounts import companies
from malice import LyingEscrow, Owner, lied_to, problem_of, shown
from world import World, accounts

from cleanroom.agent import agreements, sync
from cleanroom.agent.agreements import Proposal
from cleanroom.agent.keys import PrivateIdentity
from cleanroom.agent.overlap import overlap
from cleanroom.agent.partners import KeysChanged, NotConfirmed, WordsDiffer, confirm, directory
from cleanroom.agent.problems import EscrowNotAuthentic
from cleanroom.agent.received import BatchOfOtherSideRefused
from cleanroom.agent.rooms import ClocksDiffer, open_room
from cleanroom.agent.session import Agent, sign_document
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.api import RoomView
from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.lists import Answer, ShownCell
from cleanroom.messages.rooms import Enrolment, Terms
from cleanroom.messages.signing import SignedDocument
from escrow.identity import EscrowKey

View = Callable[[RoomView], RoomView]


@pytest.fixture(scope="module")
def mapped(world: World) -> RoomId:
    """A room with two batches of Acme's and an answer."""
    acme, globex = world.agents.values()
    made = world.room(acme, globex)
    world.put_list(acme, made, accounts(companies(0, 6)))
    world.put_list(globex, made, accounts(companies(2, 10)))
    world.settle(acme, globex, room=made)
    world.put_list(acme, made, accounts(companies(0, 7)))
    world.settle(acme, globex, room=made)
    return made


def enrolment_of(agent: Agent, identity: PrivateIdentity, **other: str) -> SignedDocument:
    public = identity.public()
    document = Enrolment(
        **{
            "name": agent.config.name,
            "kind": agent.config.kind,
            "identity_key": public.identity_key.hex(),
            "sealing_key": public.sealing_key.hex(),
            "escrow_key": agent.config.escrow_key,
            "created": "2026-11-02T09:00:00Z",
            **other,
        }
    )
    return sign_document(identity, document)


def enrolment_in(agent: Agent, of: Agent) -> SignedDocument:
    """What the honest escrow shows for a partner."""
    key = of.identity.public().identity_key.hex()
    return next(signed for signed in agent.escrow.partners() if key in signed.document)


class TestDirectory:
    """A man in the middle puts keys of its own in the partner's place."""

    def shows(self, victim: Agent, partner: Agent, instead: SignedDocument) -> Agent:
        escrow = LyingEscrow(victim.escrow)
        escrow.enrolments[enrolment_in(victim, partner).digest()] = instead
        return replace(victim, escrow=escrow)

    def test_the_words_of_a_swapped_identity_differ(self, acme: Agent, globex: Agent) -> None:
        mallory = PrivateIdentity.generate()
        victim = self.shows(globex, acme, enrolment_of(acme, mallory))
        spoken = " ".join(acme.identity.public().fingerprint())
        with pytest.raises(WordsDiffer):
            confirm(victim, "Acme", spoken)
        # And without a comparison there is no room with it.
        with pytest.raises(NotConfirmed):
            agreements.propose(victim, "Acme", Proposal(title="t", purpose="p"))

    def test_a_sealing_key_that_the_partner_did_not_sign_is_refused(self, acme: Agent, globex: Agent) -> None:
        mallory = PrivateIdentity.generate()
        real = enrolment_in(globex, acme)
        enrolment = read_document(Enrolment, real.document)
        other = enrolment.model_copy(update={"sealing_key": mallory.public().sealing_key.hex()})
        with pytest.raises(DocumentRefused, match="does not hold"):
            directory(self.shows(globex, acme, SignedDocument(document=other.text(), signatures=real.signatures)))

    def test_another_sealing_key_of_a_confirmed_partner_is_noticed(self, acme: Agent, globex: Agent) -> None:
        """Signed by the partner itself: its identity key is in other hands."""
        other = PrivateIdentity.generate().public().sealing_key.hex()
        victim = self.shows(globex, acme, enrolment_of(acme, acme.identity, sealing_key=other))
        with pytest.raises(KeysChanged):
            directory(victim)

    def test_an_enrolment_for_another_escrow_is_refused(self, acme: Agent, globex: Agent) -> None:
        victim = self.shows(globex, acme, enrolment_of(acme, acme.identity, escrow_key="ab" * 32))
        with pytest.raises(DocumentRefused, match="another escrow"):
            directory(victim)


def terms_signed_by(agent: Agent, view: RoomView, **changes: object) -> SignedDocument:
    terms = read_document(Terms, view.terms[0].document)
    return agent.sign(terms.model_copy(update=changes))


def with_member(view: RoomView, number: int, **keys: str) -> dict[str, object]:
    members = list(read_document(Terms, view.terms[0].document).members)
    members[number] = members[number].model_copy(update=keys)
    return {"members": tuple(members)}


class TestTerms:
    """Terms that are not those that both signed."""

    def refused(
        self, victim: Agent, room: RoomId, view: View, error: type[Exception], match: str | None = None
    ) -> None:
        with pytest.raises(error, match=match):
            open_room(lied_to(victim, view), room)

    def test_changed_terms_have_no_valid_signature(self, mapped: RoomId, globex: Agent) -> None:
        def view(honest: RoomView) -> RoomView:
            (signed,) = honest.terms
            lax = read_document(Terms, signed.document).model_copy(update={"quota": 99_000_000})
            return honest.model_copy(update={"terms": (signed.model_copy(update={"document": lax.text()}),)})

        self.refused(globex, mapped, view, DocumentRefused, "does not hold")

    def test_terms_that_name_another_sealing_key_of_the_partner_are_noticed(
        self, mapped: RoomId, acme: Agent, globex: Agent
    ) -> None:
        """Acme's signature is true: whoever holds its identity key wants lists sealed to another key."""
        other = PrivateIdentity.generate().public().sealing_key.hex()

        def view(honest: RoomView) -> RoomView:
            signed = terms_signed_by(acme, honest, **with_member(honest, 0, sealing_key=other))
            return honest.model_copy(update={"terms": (signed,)})

        self.refused(globex, mapped, view, KeysChanged)

    def test_terms_that_name_other_keys_of_this_agent_are_refused(
        self, mapped: RoomId, acme: Agent, globex: Agent
    ) -> None:
        other = PrivateIdentity.generate().public().sealing_key.hex()

        def view(honest: RoomView) -> RoomView:
            signed = terms_signed_by(acme, honest, **with_member(honest, 1, sealing_key=other))
            return honest.model_copy(update={"terms": (signed,)})

        self.refused(globex, mapped, view, DocumentRefused, "this agent's own")

    def test_terms_for_another_escrow_are_refused(self, mapped: RoomId, acme: Agent, globex: Agent) -> None:
        def view(honest: RoomView) -> RoomView:
            return honest.model_copy(update={"terms": (terms_signed_by(acme, honest, escrow_key="ab" * 32),)})

        self.refused(globex, mapped, view, DocumentRefused, "another escrow")

    def test_terms_that_one_side_signed_are_not_in_force(self, world: World, acme: Agent, globex: Agent) -> None:
        """The escrow says that the room is active; Globex has not signed these terms, so it commits nothing."""
        room = world.room(acme, globex)
        world.put_list(globex, room, accounts(companies(0, 4)))

        def view(honest: RoomView) -> RoomView:
            return honest.model_copy(update={"terms": (terms_signed_by(acme, honest, quota=7, declared=(7, 7)),)})

        victim = lied_to(globex, view)
        assert not open_room(victim, room).in_force
        assert problem_of(victim, room).code == "room_not_active"
        assert globex.escrow.room(room).snapshots == ()

    def test_a_version_that_does_not_follow_is_refused(self, mapped: RoomId, acme: Agent, globex: Agent) -> None:
        def view(honest: RoomView) -> RoomView:
            second = terms_signed_by(acme, honest, version=2, previous="ab" * 32)
            return honest.model_copy(update={"terms": (*honest.terms, second)})

        self.refused(globex, mapped, view, DocumentRefused, "does not follow")

    def test_no_terms_are_refused(self, mapped: RoomId, globex: Agent) -> None:
        self.refused(globex, mapped, lambda honest: honest.model_copy(update={"terms": ()}), DocumentRefused)

    def test_another_room_is_refused(self, world: World, mapped: RoomId, acme: Agent, globex: Agent) -> None:
        other = world.room(acme, globex)
        elsewhere = globex.escrow.room(other)
        self.refused(globex, mapped, lambda _: elsewhere, DocumentRefused, "another room")
        renamed = elsewhere.model_copy(update={"room": mapped})
        self.refused(globex, mapped, lambda _: renamed, DocumentRefused, "of another room")

    def test_another_epoch_than_by_this_clock_is_refused(self, mapped: RoomId, globex: Agent) -> None:
        self.refused(globex, mapped, lambda honest: honest.model_copy(update={"epoch": 1}), ClocksDiffer)


def test_a_clock_in_another_epoch_is_noticed(world: World, mapped: RoomId, globex: Agent) -> None:
    def ahead() -> datetime:
        return world.clock() + timedelta(days=30)

    with pytest.raises(ClocksDiffer):
        open_room(replace(globex, clock=ahead), mapped)


def chain(view: RoomView, owner: Agent) -> list[SignedDocument]:
    return [signed for signed in view.snapshots if f'"owner":"{owner.me}"' in signed.document]


def without(view: RoomView, *gone: SignedDocument) -> RoomView:
    return view.model_copy(update={"snapshots": tuple(item for item in view.snapshots if item not in gone)})


class TestSnapshots:
    """Rolled back, forked or holed chains."""

    def test_a_rolled_back_chain_of_the_other_side_is_noticed(self, mapped: RoomId, acme: Agent, globex: Agent) -> None:
        victim = lied_to(globex, lambda honest: without(honest, chain(honest, acme)[-1]))
        problem = problem_of(victim, mapped)
        assert isinstance(problem, BatchOfOtherSideRefused)
        assert "no longer shows" in str(problem)

    def test_a_whole_chain_that_is_gone_is_noticed(self, mapped: RoomId, acme: Agent, globex: Agent) -> None:
        victim = lied_to(globex, lambda honest: without(honest, *chain(honest, acme)))
        assert isinstance(problem_of(victim, mapped), BatchOfOtherSideRefused)

    def test_a_hole_in_a_chain_is_refused(self, mapped: RoomId, acme: Agent, globex: Agent) -> None:
        victim = lied_to(globex, lambda honest: without(honest, chain(honest, acme)[0]))
        with pytest.raises(DocumentRefused, match="does not follow"):
            open_room(victim, mapped)

    def test_nothing_is_signed_against_a_rolled_back_own_chain(self, mapped: RoomId, acme: Agent) -> None:
        victim = lied_to(acme, lambda honest: without(honest, chain(honest, acme)[-1]))
        assert sync.sync(victim, mapped)[0].steps == ()

    def test_a_fork_is_noticed(self, world: World, acme: Agent, globex: Agent) -> None:
        """Acme signs two first snapshots; the escrow shows Globex the one and later the other."""
        room = world.room(acme, globex)
        owner = Owner.enter(acme, room)
        one, other = (owner.forge(owner.rows([f"{name}{i}.com" for i in range(3)])) for name in "ab")
        owner.commit(one)
        assert sync.sync(globex, room)[0].problem is None
        problem = problem_of(shown(globex, owner, other), room)
        assert isinstance(problem, BatchOfOtherSideRefused)
        assert "another snapshot" in str(problem)

    def test_a_fork_after_a_kill_is_noticed(
        self, world: World, acme: Agent, globex: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Killed between checking and finishing a batch: what was checked is not taken for another snapshot."""
        room = world.room(acme, globex)
        owner = Owner.enter(acme, room)
        one, other = (owner.forge(owner.rows([f"{name}{i}.com" for i in range(3)])) for name in "ab")
        owner.commit(one)

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("cleanroom.agent.evaluate._tags", killed)
            with pytest.raises(KeyboardInterrupt):
                sync.sync(globex, room)
        problem = problem_of(shown(globex, owner, other), room)
        assert isinstance(problem, BatchOfOtherSideRefused)
        assert "another snapshot" in str(problem)

    def test_a_snapshot_of_another_room_is_refused(
        self, world: World, mapped: RoomId, acme: Agent, globex: Agent
    ) -> None:
        room = world.room(acme, globex)
        foreign = chain(globex.escrow.room(mapped), acme)
        victim = lied_to(globex, lambda honest: honest.model_copy(update={"snapshots": tuple(foreign)}))
        with pytest.raises(DocumentRefused, match="bound to another room"):
            open_room(victim, room)

    def test_a_snapshot_that_the_owner_did_not_sign_is_refused(
        self, mapped: RoomId, acme: Agent, globex: Agent
    ) -> None:
        def view(honest: RoomView) -> RoomView:
            first, *_ = chain(honest, acme)
            forged = first.model_copy(
                update={"signatures": (first.signatures[0].model_copy(update={"signature": "00" * 64}),)}
            )
            kept = tuple(forged if item == first else item for item in honest.snapshots)
            return honest.model_copy(update={"snapshots": kept})

        with pytest.raises(DocumentRefused, match="does not hold"):
            open_room(lied_to(globex, view), mapped)


def test_another_root_for_a_batch_than_before_is_noticed(world: World, acme: Agent, globex: Agent) -> None:
    """Acme has seen Globex's rows, through an escrow in league with it, and now prefers another evaluation."""
    room = world.room(acme, globex)
    world.put_list(acme, room, accounts(companies(0, 6)))
    world.put_list(globex, room, accounts(companies(2, 10)))
    world.settle(acme, globex, room=room)
    world.put_list(globex, room, accounts(companies(2, 11)))
    sync.sync(globex, room)
    sync.sync(acme, room)
    honest = open_room(acme, room).evaluations[acme.me][-1]
    other = honest.batches[0].model_copy(update={"root": "ab" * 32})
    signed = acme.sign(honest.model_copy(update={"batches": (other, *honest.batches[1:])}))

    def view(view: RoomView) -> RoomView:
        mine = tuple(item for item in view.evaluations if f'"evaluator":"{globex.me}"' in item.document)
        return view.model_copy(update={"evaluations": (*mine, signed)})

    problem = problem_of(lied_to(globex, view), room)
    assert isinstance(problem, BatchOfOtherSideRefused)
    assert "another root" in str(problem)


def test_an_answer_that_the_escrow_did_not_sign_is_refused(mapped: RoomId, globex: Agent) -> None:
    stranger = EscrowKey(Secret(secrets.token_bytes(32)))

    def view(honest: RoomView) -> RoomView:
        assert honest.answer is not None
        answer = read_document(Answer, honest.answer.document)
        cell = ShownCell(companies=4711)
        forged = answer.model_copy(update={"cells": tuple((cell,) * 3 for _ in range(3))})
        return honest.model_copy(update={"answer": stranger.signed(forged)})

    with pytest.raises(DocumentRefused):
        open_room(lied_to(globex, view), mapped)


def test_an_answer_of_another_room_is_refused(world: World, mapped: RoomId, acme: Agent, globex: Agent) -> None:
    other = world.room(acme, globex)
    answer = globex.escrow.room(mapped).answer
    with pytest.raises(DocumentRefused, match="not about this room"):
        open_room(lied_to(globex, lambda honest: honest.model_copy(update={"answer": answer})), other)


def test_an_escrow_with_another_key_is_not_believed(world: World, mapped: RoomId, globex: Agent) -> None:
    config = globex.config.model_copy(update={"escrow_key": "ab" * 32})
    pinned = world.key
    try:
        world.key = EscrowKey(Secret(secrets.token_bytes(32)))
        line = world.lines[config.name]
        stranger = world.agent(globex.home, globex.vault, globex.identity, globex.config)
    finally:
        world.key = pinned
        world.lines[config.name] = line
    # The agent was built for the stranger's key and meets it; pinned to the true one, it believes nothing.
    assert stranger.escrow.info().key != globex.config.escrow_key
    stranger.escrow._transport._escrow_key = pinned.public  # noqa: SLF001 - the key that the invite had pinned
    with pytest.raises(EscrowNotAuthentic):
        overlap(stranger, mapped)
