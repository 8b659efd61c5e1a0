"""Promise 3 over time: one side that opens and one that does not, and openings that a crash interrupts."""

from collections.abc import Iterator

import pytest
from consent import staff
from faults import KilledError
from malice_openings import OpeningsLiar, Rehearsal, Stage, mapped_stage
from world import World

import matching.proof
from cleanroom.agent import opening, policies
from cleanroom.agent.client import OpeningPlace
from cleanroom.agent.epochs import epoch_secrets
from cleanroom.agent.opening import OpeningUnanswered, open_round
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.rooms import open_room
from cleanroom.agent.vault import Vault
from cleanroom.domain.vocabulary import RoundState
from cleanroom.messages.documents import read_document
from cleanroom.messages.openings import Opening
from escrow import openings
from escrow.consent_tables import OpeningPart
from matching.group import ORDER, Scalar

HOURS_72 = 72 * 3600


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    return mapped_stage(world)


def half_opened(world: World) -> Stage:
    """Acme has opened for real, and Globex does not answer."""
    made = mapped_stage(world)
    assert open_round(made.acme, open_room(made.acme, made.room))
    return made


@pytest.fixture(scope="module")
def one_sided(world: World) -> Stage:
    """One for the tests that leave it as it is."""
    return half_opened(world)


@pytest.fixture
def later(world: World) -> Iterator[World]:
    """The clock may be moved; it goes back."""
    now = world.clock.now
    yield world
    world.clock.now = now


# ---- one side only


@pytest.mark.parametrize("removed", [False, True])
def test_one_opening_is_not_handed_over(one_sided: Stage, monkeypatch: pytest.MonkeyPatch, *, removed: bool) -> None:
    """Stopped by the escrow: Globex asks for what Acme opened before it has opened itself."""
    at = OpeningPlace(one_sided.room, one_sided.round().number, one_sided.acme.me)
    escrow = one_sided.globex.escrow
    if removed:
        monkeypatch.setattr(openings, "_require_exchanged", lambda *_: None)
        assert read_document(Opening, escrow.opening(at).document).claim.rows == 4
        assert escrow.opening_part(at, 0)
        return
    for ask in (lambda: escrow.opening(at), lambda: escrow.opening_part(at, 0)):
        with pytest.raises(EscrowProblem) as hidden:
            ask()
        assert hidden.value.problem == "not_found"


def waiting(stage: Stage) -> Rehearsal:
    """Acme, to which the escrow says that the round is open and that nothing has lapsed; it may open it once more."""
    victim = stage.rehearsal(stage.acme)
    room = victim.view()
    assert room.round is not None
    victim.liar.items = stage.honest_evidence(stage.acme)
    victim.liar.round = {"number": room.round.number + 1, "opened": ()}
    return victim


@pytest.mark.parametrize("removed", [False, True])
def test_an_agent_remembers_that_its_opening_was_not_answered(
    one_sided: Stage, later: World, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """72 hours to the second, by the agent's own vault, whatever the escrow says of the round."""
    victim = waiting(one_sided)
    later.clock.step(seconds=HOURS_72 - 1)
    assert waiting(one_sided).opens()
    shown = victim.view()
    later.clock.step(seconds=1)
    if removed:
        monkeypatch.setattr(opening, "_require_answered", lambda *_: None)
        assert open_round(victim.agent, shown)
        assert len(victim.liar.sent) == 1
        return
    with pytest.raises(OpeningUnanswered):
        open_round(victim.agent, shown)
    assert victim.liar.sent == []


def test_a_new_epoch_does_not_undo_that_an_opening_was_not_answered(
    world: World, later: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped by the agent: what it remembers is not of the epoch. New terms, signed by both, begin again."""
    stage = mapped_stage(world)
    assert open_round(stage.acme, open_room(stage.acme, stage.room))
    later.clock.step(seconds=HOURS_72 - 7200)
    policies.refresh(stage.globex, stage.room, staff(stage.globex)[0])
    with monkeypatch.context() as patch:
        patch.setattr("cleanroom.agent.sync._opened", lambda *_: ([], None))
        world.settle(stage.acme, stage.globex, room=stage.room)
    assert open_room(stage.acme, stage.room).epoch == 1
    early, late = stage.rehearsal(stage.acme), stage.rehearsal(stage.acme)
    assert early.view().round is not None
    assert early.opens()
    later.clock.step(seconds=7200)
    with pytest.raises(OpeningUnanswered):
        late.opens()


def test_the_escrow_ends_openings_to_the_second(later: World) -> None:
    one_sided = half_opened(later)
    """Stopped by the escrow: an answer is taken a second before, and none afterwards. The first opening is deleted."""
    globex = one_sided.rehearsal(one_sided.globex)
    later.clock.step(seconds=HOURS_72 - 1)
    assert globex.opens()
    (signed,), number = globex.liar.sent, one_sided.round().number
    assert one_sided.round().state is RoundState.OPEN
    later.clock.step(seconds=1)
    room = open_room(one_sided.acme, one_sided.room)
    assert room.round is not None
    assert (room.round.state, room.openings_lapsed) == (RoundState.LAPSED, True)
    at = OpeningPlace(one_sided.room, number, one_sided.globex.me)
    for ask in (
        lambda: one_sided.globex.escrow.put_opening_part(at, 0, globex.liar.parts[0]),
        lambda: one_sided.globex.escrow.put_opening(at, signed),
    ):
        with pytest.raises(EscrowProblem) as over:
            ask()
        assert over.value.problem == "round_over"
    for agent in (one_sided.acme, one_sided.globex):
        with pytest.raises(EscrowProblem) as gone:
            agent.escrow.evidence(one_sided.room, number, 0)
        assert gone.value.problem == "not_found"
        assert not open_round(agent, open_room(agent, one_sided.room))


def test_a_part_that_is_replaced_after_it_was_checked_is_not_handed_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen to hold is what is taken: between the check and the write stands the parts' digests."""
    stage = mapped_stage(world)
    check, at = openings.check, (stage.room, stage.round().number, stage.acme.me, 0)

    def too_quick(*args: object) -> openings.Checked:
        checked = check(*args)  # type: ignore[arg-type]  # as it comes
        world.database.write(lambda session: setattr(session.get(OpeningPart, at), "digest", "0" * 64))
        return checked

    with monkeypatch.context() as patch:
        patch.setattr(openings, "check", too_quick)
        with pytest.raises(EscrowProblem) as refused:
            open_round(stage.acme, open_room(stage.acme, stage.room))
    assert refused.value.problem == "chunks_missing"
    assert stage.round().opened == ()


# ---- crashes


def proof_of(victim: Rehearsal) -> bytes:
    (signed,) = victim.liar.sent
    return bytes.fromhex(read_document(Opening, signed.document).proofs[0])


def killed_before_storing(victim: Rehearsal, patch: pytest.MonkeyPatch) -> bytes:
    """The agent dies before its opening is in the vault. Returns the proof that nobody has seen."""
    made: list[bytes] = []
    prove, put = opening.proof.prove, Vault.put

    def noted(*args: object, **kwargs: object) -> bytes:
        made.append(prove(*args, **kwargs))  # type: ignore[arg-type]  # as it comes
        return made[-1]

    def dying(vault: Vault, address: str, value: bytes) -> None:
        if "/opening/" in address:
            raise KilledError
        put(vault, address, value)

    with patch.context() as inside:
        inside.setattr(opening.proof, "prove", noted)
        inside.setattr(Vault, "put", dying)
        with pytest.raises(KilledError):
            victim.opens()
    (proof,) = made
    return proof


def test_what_is_stored_is_sent_as_it_is(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between storing and sending: the retry sends the same bytes, and no nonce is used again."""
    victim = stage.rehearsal(stage.acme)

    def dying(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(OpeningsLiar, "put_opening_part", dying)
        with pytest.raises(KilledError):
            victim.opens()
    prefix = f"room/{stage.room}/0/opening/{stage.round().number}/"
    stored = {address: victim.agent.vault.get(address) for address in victim.agent.vault.addresses(prefix)}
    assert victim.opens()
    assert victim.liar.parts[0] == stored[prefix + "parts/0"]
    assert victim.liar.sent[0].model_dump_json().encode() == stored[prefix + "opening"]
    assert victim.opens()
    assert victim.liar.sent[0] == victim.liar.sent[1]


def test_what_was_not_stored_is_proven_anew(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before storing: another nonce, so another challenge and another response."""
    victim = stage.rehearsal(stage.acme)
    first = killed_before_storing(victim, monkeypatch)
    assert victim.opens()
    second = proof_of(victim)
    assert first[:32] != second[:32]
    assert first[32:] != second[32:]


@pytest.mark.parametrize("removed", [False, True])
def test_two_proofs_over_a_crash_do_not_give_the_scalar_away(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """Stopped by the hedged nonce. With one nonce for both, k = (s1 - s2) / (c2 - c1)."""
    victim = stage.rehearsal(stage.acme)
    if removed:
        fixed = Scalar((5).to_bytes(32, "little"))
        monkeypatch.setattr(matching.proof, "hash_to_scalar", lambda *_, **__: fixed)
    victim.liar.items = stage.honest_evidence(stage.acme)[:3]
    first = killed_before_storing(victim, monkeypatch)
    victim.liar.items = None
    assert victim.opens()
    (c1, s1), (c2, s2) = (halves(proof) for proof in (first, proof_of(victim)))
    found = (s1 - s2) * pow(c2 - c1, -1, ORDER) % ORDER
    secret = int.from_bytes(epoch_secrets(victim.agent, victim.view()).scalar.reveal(), "little")
    assert (found == secret) is removed


def halves(proof: bytes) -> tuple[int, int]:
    return int.from_bytes(proof[:32], "little"), int.from_bytes(proof[32:], "little")
