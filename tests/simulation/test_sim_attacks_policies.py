"""Promise 5 where consent is what an escrow says that it is: each side opens under its own policy and the newest it knows.

That an agent believes no policy that two people did not sign, or older than it knows, is in `test_sim_lied_policies`.
Here is what an escrow gains that shows the two sides different ones: nothing.
"""

from dataclasses import replace

import pytest
from consent import existence, put_in_force, staff
from malice_openings import CELL, Stage, mapped_stage
from malice_scene import Scene, without
from policymakers import envelope, policy_document
from world import World

from cleanroom.agent import evidence, rooms
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.room_policies import OwnPolicyDiffers, PolicyRolledBack
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages import policy_chain
from cleanroom.messages.api import RoomView
from cleanroom.messages.openings import OpeningRefused

OTHER = ("prospects", "customers")


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    return Scene.of(mapped_stage(world))


@pytest.mark.parametrize("removed", [False, True])
def test_two_sides_that_opened_under_different_policies_do_not_believe_each_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """Stopped by P8, step 1: the opening names the policies that its maker stood on."""
    made = scene.prover.made(scene.prover.rows, prover_policy="cd" * 32, verifier_policy="ab" * 32)
    victim = scene.victim()
    if removed:
        without("_check_claim")(monkeypatch)
        assert victim.hears(made)
        return
    with pytest.raises(OpeningRefused, match="prover_policy"):
        victim.hears(made)


def withdrawn(stage: Stage, agent: Agent) -> RoomView:
    """What the escrow had shown before this partner took its consent back."""
    old = agent.escrow.room(stage.room)
    put_in_force(agent, stage.room, replace(existence(agent, CELL), rules=()))
    return old


def test_consent_that_was_taken_back_is_not_used_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped by both vaults: an escrow shows the old policies, the old round and the old epoch once more."""
    stage = mapped_stage(world)
    victim, other = stage.rehearsal(stage.acme), stage.rehearsal(stage.globex)
    old = withdrawn(stage, stage.acme)
    open_room(stage.acme, stage.room)
    open_room(stage.globex, stage.room)
    for agent, error in ((stage.acme, OwnPolicyDiffers), (stage.globex, PolicyRolledBack)):
        told = stage.rehearsal(agent)
        told.liar.view = lambda _: old
        with monkeypatch.context() as patch:
            patch.setattr(type(told.liar), "room", lambda *_: old)
            with pytest.raises(error):
                told.opens()
    # A vault that has not seen the newer policy does open: what it knows is all that it can go by.
    with monkeypatch.context() as patch:
        patch.setattr(type(other.liar), "room", lambda *_: old)
        assert other.opens()
        patch.setattr(rooms, "read_consent", without_memory)
        assert victim.opens(), "with the vault's memory taken out, consent that was taken back is used"


def without_memory(agent: Agent, view: RoomView, in_force: list, memory: object) -> object:
    del memory
    blank = rooms.Memory.of(agent, view.room)
    return rooms_read(agent, view, in_force, blank)


rooms_read = rooms.read_consent


@pytest.mark.parametrize("removed", [False, True])
def test_one_person_alone_widens_nothing(
    world: World, acme: Agent, globex: Agent, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """Stopped by the escrow's check and, behind it, by the same check of the other agent: four eyes."""
    room = world.room(acme, globex)
    ann, _ = staff(acme)
    if removed:
        monkeypatch.setattr(policy_chain, "_require_lone", lambda *_: None)
        send(acme, room, ann)
        assert open_room(globex, room).policy(acme.me) is not None
        return
    with pytest.raises(EscrowProblem) as refused:
        send(acme, room, ann)
    assert refused.value.problem == "policy_chain_refused"
    assert open_room(globex, room).policy(acme.me) is None


def send(acme: Agent, room: RoomId, *people: object) -> None:
    """A first policy of Acme's, signed by Acme and these."""
    checked = open_room(acme, room)
    document = policy_document(
        existence(acme, CELL, OTHER), terms=checked.terms, roster=checked.rosters[acme.me][-1], author=people[0]
    )
    acme.escrow.put_policy(room, acme.me, 1, envelope(document, acme, *people))


def test_what_a_member_says_of_the_time_counts_for_nothing(world: World, acme: Agent, globex: Agent) -> None:
    """A document that is backdated by its author is in force since the escrow's receipt, and no earlier."""
    room = world.room(acme, globex)
    ann, bob = staff(acme)
    send(acme, room, ann, bob)
    (item,) = open_room(globex, room).policies[acme.me]
    assert item.document.created < "2026-11-01"
    assert item.since == world.clock()
    assert evidence.OpeningsWait.code == "openings_wait"
