"""P6 against an escrow that lies, and a partner that helps it: older, other, forged and foreign policies."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from consent import existence, put_in_force, staff
from malice import lied_to
from policymakers import Person, envelope, policy_document, roster_of
from world import PASSPHRASE, World

from cleanroom.agent import policies
from cleanroom.agent.room_policies import OwnPolicyDiffers, PolicyRolledBack
from cleanroom.agent.rooms import ClocksDiffer, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.vault import Vault
from cleanroom.domain.vocabulary import Role, RoomId
from cleanroom.messages.api import PolicyView, RoomView
from cleanroom.messages.documents import DocumentRefused, instant
from cleanroom.messages.policies import PolicyDocument
from cleanroom.messages.policy_chain import ApprovedTooEarly, PolicyChainRefused
from cleanroom.messages.receipts import Receipt
from cleanroom.messages.signing import SignedDocument

CELL, OTHER_CELL = ("customers", "customers"), ("prospects", "prospects")
Lie = Callable[[RoomView], RoomView]


@pytest.fixture(scope="module", autouse=True)
def _staffed(world: World) -> None:
    """Both have rosters, whichever test comes first."""
    for agent in world.agents.values():
        staff(agent)


@pytest.fixture
def room(world: World, acme: Agent, globex: Agent) -> RoomId:
    """A room in which Acme's policy has two versions, both of them seen by both sides."""
    made = world.room(acme, globex)
    put_in_force(acme, made, existence(acme, CELL))
    put_in_force(acme, made, existence(acme, CELL, OTHER_CELL))
    for agent in (acme, globex):
        assert len(open_room(agent, made).policies[acme.me]) == 2
    return made


def showing(*policies_shown: PolicyView) -> Lie:
    return lambda view: view.model_copy(update={"policies": policies_shown})


def shown(agent: Agent, room: RoomId) -> tuple[PolicyView, ...]:
    return agent.escrow.room(room).policies


def receipted(world: World, signed: SignedDocument, room: RoomId, **changes: object) -> SignedDocument:
    """What only the escrow can make."""
    members = {
        "room": room,
        "of": signed.digest(),
        "state": "in_force",
        "received": instant(world.clock()),
        **changes,
    }
    return world.key.signed(Receipt.model_validate(members))


def view_of(world: World, signed: SignedDocument, room: RoomId) -> PolicyView:
    return PolicyView(policy=signed, receipt=receipted(world, signed, room), proposed=None)


def another_second_version(acme: Agent, room: RoomId, *cells: tuple[str, str]) -> PolicyDocument:
    """What Acme could have signed in place of its second version."""
    checked, (ann, _) = open_room(acme, room), staff(acme)
    return policy_document(
        existence(acme, *cells),
        terms=checked.terms,
        roster=checked.rosters[acme.me][-1],
        author=ann,
        before=checked.policies[acme.me][0].document,
        fresh_epoch=True,
    )


# ---- what this partner has put in force itself


def test_an_older_policy_of_mine_is_noticed(acme: Agent, room: RoomId) -> None:
    first, _ = shown(acme, room)
    for lie in (showing(first), showing()):
        with pytest.raises(OwnPolicyDiffers):
            open_room(lied_to(acme, lie), room)


def test_a_policy_that_i_signed_elsewhere_is_not_taken_for_mine(world: World, acme: Agent, room: RoomId) -> None:
    """Stolen keys, or a home restored from a copy: the vault's own memory decides."""
    ann, bob = staff(acme)
    first, second = shown(acme, room)
    other = envelope(another_second_version(acme, room, OTHER_CELL), acme, ann, bob)
    with pytest.raises(OwnPolicyDiffers):
        open_room(lied_to(acme, showing(first, view_of(world, other, room))), room)
    third = policy_document(
        existence(acme, CELL),
        terms=open_room(acme, room).terms,
        roster=open_room(acme, room).rosters[acme.me][-1],
        author=ann,
        before=open_room(acme, room).policies[acme.me][1].document,
        fresh_epoch=True,
    )
    with pytest.raises(OwnPolicyDiffers):
        open_room(lied_to(acme, showing(first, second, view_of(world, envelope(third, acme, ann), room))), room)


def test_a_home_restored_from_an_older_copy_notices(world: World, acme: Agent, globex: Agent) -> None:
    made = world.room(acme, globex)
    put_in_force(acme, made, existence(acme, CELL))
    backup = world.folder / f"{made}.backup"
    acme.vault.backup(backup)
    put_in_force(acme, made, existence(acme, CELL, OTHER_CELL))
    Vault.restore(backup, world.folder / made / "vault.db")
    with (
        Vault.open(world.folder / made / "vault.db", PASSPHRASE) as older,
        pytest.raises(OwnPolicyDiffers, match="older copy"),
    ):
        open_room(replace(acme, vault=older), made)


# ---- what the other side has put in force


def test_a_policy_of_the_other_side_is_not_taken_back(acme: Agent, globex: Agent, room: RoomId) -> None:
    first, _ = shown(globex, room)
    for lie in (showing(first), showing()):
        with pytest.raises(PolicyRolledBack):
            open_room(lied_to(globex, lie), room)
    assert len(open_room(globex, room).policies[acme.me]) == 2


def test_a_fork_that_the_other_side_signed_is_noticed(world: World, acme: Agent, globex: Agent, room: RoomId) -> None:
    """Acme helps the escrow: a second version for Globex, in place of the one it was shown before."""
    ann, bob = staff(acme)
    first, _ = shown(globex, room)
    other = envelope(another_second_version(acme, room, OTHER_CELL), acme, ann, bob)
    with pytest.raises(PolicyRolledBack):
        open_room(lied_to(globex, showing(first, view_of(world, other, room))), room)


def test_two_sides_with_different_policies_do_not_name_the_same(world: World, acme: Agent, globex: Agent) -> None:
    """On first sight nobody can tell; what is opened later names both policies, and these differ."""
    made, (ann, bob) = world.room(acme, globex), staff(acme)
    put_in_force(acme, made, existence(acme, CELL))
    checked = open_room(acme, made)
    other = policy_document(
        existence(acme, OTHER_CELL), terms=checked.terms, roster=checked.rosters[acme.me][-1], author=ann
    )
    lie = showing(view_of(world, envelope(other, acme, ann, bob), made))
    believed = open_room(lied_to(globex, lie), made)
    assert believed.policy_digest(acme.me) != checked.policy_digest(acme.me)
    with pytest.raises(PolicyRolledBack):
        open_room(globex, made)


def test_a_policy_of_another_room_is_refused(world: World, acme: Agent, globex: Agent, room: RoomId) -> None:
    elsewhere = world.room(acme, globex)
    first, _ = shown(globex, room)
    with pytest.raises(PolicyChainRefused, match="something else"):
        open_room(lied_to(globex, showing(first)), elsewhere)
    with pytest.raises(PolicyChainRefused, match="another room"):
        open_room(lied_to(globex, showing(view_of(world, first.policy, elsewhere))), elsewhere)


def test_a_policy_of_somebody_who_is_no_member_is_refused(world: World, acme: Agent, globex: Agent) -> None:
    made = world.room(acme, globex)
    checked, (ann, _) = open_room(acme, made), staff(acme)
    stranger = replace_owner(
        policy_document(existence(acme, CELL), terms=checked.terms, roster=checked.rosters[acme.me][-1], author=ann)
    )
    with pytest.raises(DocumentRefused, match="no member"):
        open_room(lied_to(globex, showing(view_of(world, envelope(stranger, acme, ann), made))), made)


def replace_owner(document: PolicyDocument) -> PolicyDocument:
    return document.model_copy(update={"owner": "ab" * 16})


def test_the_escrow_cannot_make_a_policy(world: World, acme: Agent, globex: Agent) -> None:
    """Neither alone nor with the people of the other side's roster that it invents."""
    made = world.room(acme, globex)
    checked, eve, mallory = open_room(acme, made), Person(Role.ADMIN), Person(Role.ADMIN)
    chain = checked.rosters[acme.me]
    forged = roster_of(acme.me, eve, mallory, before=chain[-1])
    document = policy_document(existence(acme, CELL), terms=checked.terms, roster=forged, author=eve)
    signed = envelope(document, eve, mallory)

    def lie(view: RoomView) -> RoomView:
        rosters = (*view.rosters, envelope(forged, eve))
        return view.model_copy(update={"rosters": rosters, "policies": (view_of(world, signed, made),)})

    with pytest.raises(DocumentRefused, match="Roster"):
        open_room(lied_to(globex, lie), made)
    with pytest.raises(PolicyChainRefused, match="roster"):
        open_room(lied_to(globex, showing(view_of(world, signed, made))), made)


def test_a_roster_with_a_forged_admin_is_refused(acme: Agent, globex: Agent, room: RoomId) -> None:
    """The partner's own key, stolen, adds an approver: without an admin's key it does not count."""
    chain, eve = open_room(acme, room).rosters[acme.me], Person(Role.ADMIN)
    forged = roster_of(acme.me, eve, before=chain[-1])
    for signers in ((acme,), (acme, eve)):
        signed = envelope(forged, *signers)

        def lie(view: RoomView, signed: SignedDocument = signed) -> RoomView:
            return view.model_copy(update={"rosters": (*view.rosters, signed)})

        with pytest.raises(DocumentRefused, match="one admin"):
            open_room(lied_to(globex, lie), room)


def test_four_eyes_cannot_be_skipped_with_the_escrows_help(world: World, acme: Agent, globex: Agent) -> None:
    """Ann alone and the escrow: neither without approval, nor with a backdated proposal while Bob is there."""
    made, (ann, _) = world.room(acme, globex), staff(acme)
    checked = open_room(acme, made)
    document = policy_document(
        existence(acme, CELL), terms=checked.terms, roster=checked.rosters[acme.me][-1], author=ann
    )
    signed = envelope(document, acme, ann)
    days_ago = instant(world.clock() - timedelta(days=9))
    backdated = receipted(world, signed, made, state="proposed", received=days_ago)
    for proposed in (None, backdated):
        view = view_of(world, signed, made).model_copy(update={"proposed": proposed})
        with pytest.raises(PolicyChainRefused, match="no second person"):
            open_room(lied_to(globex, showing(view)), made)


def test_an_early_lone_approval_is_refused_by_the_other_agent_too(world: World, acme: Agent, globex: Agent) -> None:
    made, admin = world.room(acme, globex), Person(Role.ADMIN)
    alone = roster_of(acme.me, admin)
    document = policy_document(existence(acme, CELL), terms=open_room(acme, made).terms, roster=alone, author=admin)
    signed = envelope(document, acme, admin)

    def lie(hours: float) -> Lie:
        early = receipted(
            world, signed, made, state="proposed", received=instant(world.clock() - timedelta(hours=hours))
        )
        view = view_of(world, signed, made).model_copy(update={"proposed": early})
        rosters = (envelope(alone, acme),)
        return lambda honest: honest.model_copy(update={"rosters": rosters, "policies": (view,)})

    with pytest.raises(ApprovedTooEarly):
        open_room(lied_to(globex, lie(23.999)), made)
    assert open_room(lied_to(globex, lie(24)), made).policies[acme.me][-1].alone


def test_a_receipt_from_the_future_is_refused(world: World, acme: Agent, globex: Agent) -> None:
    """Else the escrow could claim that a proposal has waited until tomorrow."""
    made = world.room(acme, globex)
    put_in_force(acme, made, existence(acme, CELL))
    (view,) = shown(globex, made)
    for minutes, accepted in ((5, True), (6, False)):
        received = instant(world.clock() + timedelta(minutes=minutes))
        late = view.model_copy(update={"receipt": receipted(world, view.policy, made, received=received)})
        if accepted:
            open_room(lied_to(globex, showing(late)), made)
            continue
        with pytest.raises(PolicyChainRefused, match="from the future"):
            open_room(lied_to(globex, showing(late)), made)


def test_an_epoch_that_the_policies_do_not_give_is_refused(acme: Agent, globex: Agent, room: RoomId) -> None:
    policies.refresh(acme, room, staff(acme)[0])
    assert open_room(globex, room).epoch == 1

    def older(view: RoomView) -> RoomView:
        return view.model_copy(update={"epoch": 0})

    with pytest.raises(ClocksDiffer):
        open_room(lied_to(globex, older), room)
