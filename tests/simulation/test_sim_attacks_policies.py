"""Promise 5 where an escrow says what the consent is: each side opens under its own policy and the newest it knows.

That an agent believes no policy that two people did not sign, or older than it knows, is in `test_sim_lied_policies`.
Here is what an escrow gains that shows the two sides different ones: nothing.
"""

from dataclasses import replace

import pytest
from consent import existence, put_in_force, staff
from malice_openings import CELL, OpeningsLiar, mapped_stage
from malice_scene import Scene, without
from policymakers import envelope, policy_document
from world import World

from cleanroom.agent import room_policies
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.room_policies import OwnPolicyDiffers, PolicyRolledBack
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages import policy_chain
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


def test_consent_that_was_taken_back_is_not_used_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped by both vaults: an escrow shows the old policies, the old round and the old epoch once more."""
    stage = mapped_stage(world)
    old, items = stage.acme.escrow.room(stage.room), stage.honest_evidence(stage.acme)
    before = {agent.me: agent.escrow.room(stage.room) for agent in (stage.acme, stage.globex)}
    put_in_force(stage.acme, stage.room, replace(existence(stage.acme, CELL), rules=()))
    for agent, error in ((stage.acme, OwnPolicyDiffers), (stage.globex, PolicyRolledBack)):
        assert open_room(agent, stage.room).epoch == 1
        told = stage.rehearsal(agent)
        with monkeypatch.context() as patch:
            patch.setattr(OpeningsLiar, "room", lambda self, _: before[self.me])
            told.liar.me = agent.me
            with pytest.raises(error):
                told.opens()
    told = stage.rehearsal(stage.acme)
    told.liar.items = items
    monkeypatch.setattr(OpeningsLiar, "room", lambda *_: old)
    monkeypatch.setattr(room_policies, "_require_remembered", lambda *_: None)
    assert told.opens(), "without the vault's memory, consent that was taken back is used"


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
