"""P6 between honest partners: a policy's life from draft to revocation, over crashes and on several machines."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from consent import CHEAP, PASSPHRASE, existence, put_in_force, staff
from faults import KilledError
from lists_of_accounts import companies
from malice import lied_to
from world import World, accounts, new_world

from cleanroom.agent import agreements, drafts, exported_drafts, policies, users
from cleanroom.agent.exported_drafts import DraftRefused
from cleanroom.agent.policies import ApproverIsAuthor, Draft, NoDraft, NoPolicy, NotAnApprover
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.room_policies import OwnPolicyDiffers
from cleanroom.agent.rooms import RoomNotActive, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession, unlock_file, write_key_file
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form, Role, RoomId
from cleanroom.messages.api import PolicyView, RoomView
from cleanroom.messages.documents import DocumentRefused, instant
from cleanroom.messages.policy_chain import InForce, PolicyChainRefused
from cleanroom.messages.receipts import Receipt
from cleanroom.policy.model import Effect, Policy, PolicyRefused, Rule

CELL, OTHER_CELL = ("customers", "customers"), ("prospects", "prospects")
CANARY = "# the words of our lawyers: kanarienvogel"


@pytest.fixture
def room(world: World, acme: Agent, globex: Agent) -> RoomId:
    staff(acme)
    staff(globex)
    return world.room(acme, globex)


def versions(agent: Agent, room: RoomId, owner: Agent) -> list[int]:
    return [item.document.version for item in open_room(agent, room).policies[owner.me]]


def newest(agent: Agent, room: RoomId, owner: Agent) -> InForce:
    return open_room(agent, room).policies[owner.me][-1]


def when_put(agent_line: str, moment: str) -> Callable[[str, httpx2.Request], None]:
    """Ends the process at the write of a policy or proposal: before or after the escrow has it."""

    def fault(at: str, request: httpx2.Request) -> None:
        if at == moment and request.method == "PUT" and agent_line in request.url.path:
            raise KilledError

    return fault


# ---- four eyes


def test_a_widening_waits_for_a_second_person(acme: Agent, globex: Agent, room: RoomId) -> None:
    ann, bob = staff(acme)
    draft = policies.propose(acme, room, existence(acme, CELL), ann, yaml=CANARY)
    assert isinstance(draft, Draft)
    assert (draft.change.widens, draft.yaml, draft.document.author) == (True, CANARY, ann.id)
    assert open_room(acme, room).proposals[acme.me].digest == draft.digest
    assert open_room(globex, room).proposals == {}
    assert open_room(globex, room).policy(acme.me) is None
    with pytest.raises(ApproverIsAuthor):
        policies.approve(acme, room, ann)
    with pytest.raises(NoDraft, match="another draft"):
        policies.approve(acme, room, bob, shown="0" * 64)
    item = policies.approve(acme, room, bob, shown=draft.digest)
    assert (item.author, item.approver, item.alone) == (ann.id, bob.id, False)
    for agent in (acme, globex):
        assert newest(agent, room, acme) == item
        assert open_room(agent, room).policy(acme.me) == existence(acme, CELL)
        assert open_room(agent, room).policy_digest(acme.me) == item.digest
        assert open_room(agent, room).epoch == 0
    assert open_room(acme, room).proposals == {}
    with pytest.raises(NoDraft):
        policies.approve(acme, room, bob)


def test_a_cell_is_agreed_once_both_policies_show_it(acme: Agent, globex: Agent, room: RoomId) -> None:
    put_in_force(acme, room, existence(acme, CELL))
    assert open_room(acme, room).sides(acme.me).agreed_cells(acme.clock()) == frozenset()
    put_in_force(globex, room, existence(globex, CELL, OTHER_CELL))
    for agent in (acme, globex):
        assert open_room(agent, room).sides(agent.me).agreed_cells(agent.clock()) == {(0, 0)}


def test_sellers_and_strangers_write_and_approve_nothing(acme: Agent, room: RoomId) -> None:
    ann, _ = staff(acme)
    users.add(acme, "Sam", Role.SELLER, passphrase=PASSPHRASE, by=ann, kdf_cost=CHEAP)
    sam = users.unlock(acme, "Sam", PASSPHRASE)
    with pytest.raises(NotAnApprover):
        policies.propose(acme, room, existence(acme, CELL), sam, yaml="")
    policies.propose(acme, room, existence(acme, CELL), ann, yaml="")
    with pytest.raises(NotAnApprover):
        policies.approve(acme, room, sam)
    users.remove(acme, "Sam", by=ann)
    assert versions(acme, room, acme) == []


def test_a_draft_made_under_an_older_roster_is_proposed_again(acme: Agent, room: RoomId) -> None:
    ann, bob = staff(acme)
    policies.propose(acme, room, existence(acme, CELL), ann, yaml="")
    users.add(acme, "Rita", Role.SECURITY_REVIEWER, passphrase=PASSPHRASE, by=ann, kdf_cost=CHEAP)
    with pytest.raises(NoDraft, match="another roster"):
        policies.approve(acme, room, bob)
    policies.propose(acme, room, existence(acme, CELL), ann, yaml="")
    policies.approve(acme, room, users.unlock(acme, "Rita", PASSPHRASE))
    users.remove(acme, "Rita", by=ann)


def test_a_new_draft_takes_the_place_of_the_old(acme: Agent, room: RoomId) -> None:
    ann, bob = staff(acme)
    for cell in (CELL, OTHER_CELL):
        policies.propose(acme, room, existence(acme, cell), ann, yaml=str(cell))
    policies.approve(acme, room, bob)
    assert open_room(acme, room).policy(acme.me) == existence(acme, OTHER_CELL)
    assert drafts.typed(acme, room, 1) == str(OTHER_CELL)


def test_a_policy_that_cannot_be_is_refused_at_home(acme: Agent, globex: Agent, room: RoomId) -> None:
    ann, _ = staff(acme)
    odd = Rule(id="odd", effect=Effect.DENY, fields=frozenset({"no_such_field"}))
    for policy in (Policy(owner=acme.me, rules=(odd,)), existence(globex, CELL)):
        with pytest.raises(PolicyRefused):
            policies.propose(acme, room, policy, ann, yaml="")
    with pytest.raises(NoPolicy):
        policies.revoke(acme, room, ann)
    with pytest.raises(NoPolicy):
        policies.refresh(acme, room, ann)


# ---- what does not widen


def test_a_narrowing_is_immediate_and_starts_an_epoch(world: World, acme: Agent, globex: Agent, room: RoomId) -> None:
    ann, _ = staff(acme)
    world.put_list(acme, room, accounts(companies(0, 8)))
    world.put_list(globex, room, accounts(companies(3, 13)))
    put_in_force(acme, room, existence(acme, CELL, OTHER_CELL))
    world.settle(acme, globex, room=room)
    keys = {partner: key.key for partner, key in open_room(acme, room).keys.items()}
    item = policies.propose(acme, room, existence(acme, CELL), ann, yaml="")
    assert isinstance(item, InForce)
    assert (item.approver, item.change.narrows, item.document.fresh_epoch) == (None, True, True)
    assert open_room(globex, room).epoch == open_room(acme, room).epoch == 1
    world.settle(acme, globex, room=room)
    fresh = {partner: key.key for partner, key in open_room(acme, room).keys.items()}
    assert set(fresh) == set(keys)
    assert not set(fresh.values()) & set(keys.values())
    assert versions(acme, room, acme) == [1, 2], "the vault's memory survives the epoch"


def test_epochs_of_policies_and_of_time_add_up(world: World, acme: Agent, globex: Agent, room: RoomId) -> None:
    ann, _ = staff(acme)
    put_in_force(acme, room, existence(acme, CELL))
    assert isinstance(policies.refresh(acme, room, ann), InForce)
    put_in_force(globex, room, existence(globex, CELL))
    policies.refresh(globex, room, staff(globex)[0])
    assert open_room(acme, room).epoch == open_room(globex, room).epoch == 2
    world.clock.step(days=31)
    assert open_room(acme, room).epoch == open_room(globex, room).epoch == 3
    assert open_room(acme, room).policy(acme.me) == existence(acme, CELL)


def test_revoking_is_immediate_and_leaves_no_grant(acme: Agent, globex: Agent, room: RoomId) -> None:
    ann, _ = staff(acme)
    put_in_force(acme, room, existence(acme, CELL))
    item = policies.revoke(acme, room, ann)
    assert isinstance(item, InForce)
    assert item.policy == Policy(owner=acme.me)
    assert open_room(globex, room).epoch == 1


def test_revoking_never_widens(acme: Agent, room: RoomId) -> None:
    """Without the deny of `account` its number would be shown again: the deny stays."""
    ann, _ = staff(acme)
    deny = Rule(id="never", effect=Effect.DENY, fields=frozenset({ACCOUNT}))
    policy = Policy(owner=acme.me, rules=(deny,), accepts={ACCOUNT: Form.HIDDEN}, ceilings={ACCOUNT: Form.HIDDEN})
    assert isinstance(policies.propose(acme, room, policy, ann, yaml=""), InForce)
    item = policies.revoke(acme, room, ann)
    assert isinstance(item, InForce)
    assert item.policy == policy
    assert isinstance(policies.propose(acme, room, Policy(owner=acme.me), ann, yaml=""), Draft)


def test_a_revocation_overtakes_a_draft(acme: Agent, room: RoomId) -> None:
    ann, bob = staff(acme)
    put_in_force(acme, room, existence(acme, CELL))
    policies.propose(acme, room, existence(acme, CELL, OTHER_CELL), ann, yaml="")
    policies.revoke(acme, room, bob)
    with pytest.raises(NoDraft):
        policies.approve(acme, room, bob)
    assert open_room(acme, room).proposals == {}


# ---- alone


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[World]:
    """Solo, whose only approver is Ann, in a room with Globex."""
    with new_world(tmp_path) as made:
        solo, globex = made.enrol("Solo"), made.enrol("Globex")
        made.introduce()
        users.add(solo, "Ann", Role.ADMIN, passphrase=PASSPHRASE, kdf_cost=CHEAP)
        made.room(solo, globex)
        yield made


def only_room(agent: Agent) -> RoomId:
    return next(agent.escrow.rooms()).room


def test_the_only_approver_waits_a_day_and_the_other_side_sees_it(lone: World) -> None:
    solo, globex = lone.agents["Solo"], lone.agents["Globex"]
    room, ann = only_room(solo), users.unlock(solo, "Ann", PASSPHRASE)
    draft = policies.propose(solo, room, existence(solo, CELL), ann, yaml="")
    assert isinstance(draft, Draft)
    assert draft.alone_from is not None
    lone.clock.step(hours=23, minutes=59, seconds=59)
    with pytest.raises(EscrowProblem, match="2026-11-03T09:00:00Z") as refusal:
        policies.approve(solo, room, ann)
    assert (refusal.value.problem, refusal.value.status) == ("approval_too_early", 409)
    assert open_room(globex, room).policy(solo.me) is None
    lone.clock.step(seconds=1)
    assert lone.clock() == draft.alone_from
    item = policies.approve(solo, room, ann)
    assert (item.alone, item.approver) == (True, None)
    assert newest(globex, room, solo).alone
    assert isinstance(policies.revoke(solo, room, ann), InForce)


def test_a_proposal_that_never_arrived_is_registered_by_approving(lone: World) -> None:
    solo = lone.agents["Solo"]
    room, ann = only_room(solo), users.unlock(solo, "Ann", PASSPHRASE)
    lone.lines["Solo"].fault = when_put("/proposal", "request")
    with pytest.raises(KilledError):
        policies.propose(solo, room, existence(solo, CELL), ann, yaml="")
    lone.lines["Solo"].fault = None
    lone.clock.step(days=2)
    with pytest.raises(EscrowProblem, match="approval_too_early"):
        policies.approve(solo, room, ann)
    lone.clock.step(days=1)
    assert policies.approve(solo, room, ann).alone


def test_the_escrow_cannot_approve_in_the_only_approvers_place(lone: World) -> None:
    """Proposal and lone approval carry the same signatures: this home knows that it has asked for no approval."""
    solo, globex = lone.agents["Solo"], lone.agents["Globex"]
    room, ann = only_room(solo), users.unlock(solo, "Ann", PASSPHRASE)
    policies.propose(solo, room, existence(solo, CELL), ann, yaml="")
    (proposal,) = solo.escrow.room(room).proposals
    lone.clock.step(days=2)
    receipt = Receipt(room=room, of=proposal.policy.digest(), state="in_force", received=instant(lone.clock()))
    enacted = PolicyView(policy=proposal.policy, receipt=lone.key.signed(receipt), proposed=proposal.receipt)

    def lie(view: RoomView) -> RoomView:
        return view.model_copy(update={"policies": (enacted,), "proposals": ()})

    with pytest.raises(OwnPolicyDiffers):
        open_room(lied_to(solo, lie), room)
    assert open_room(lied_to(globex, lie), room).policies[solo.me][-1].alone
    assert open_room(solo, room).policy(solo.me) is None
    assert policies.approve(solo, room, ann).alone


# ---- crashes


@pytest.mark.parametrize("moment", ["request", "response"])
def test_a_policy_whose_answer_was_lost_is_adopted(world: World, acme: Agent, room: RoomId, moment: str) -> None:
    """The process ends when the policy is sent: the vault finds out at the next look whether it is in force."""
    ann, bob = staff(acme)
    policies.propose(acme, room, existence(acme, CELL), ann, yaml=CANARY)
    world.lines["Acme"].fault = when_put("/policies/", moment)
    with pytest.raises(KilledError):
        policies.approve(acme, room, bob)
    world.lines["Acme"].fault = None
    assert drafts.own(acme, room) is None
    if moment == "request":
        assert versions(acme, room, acme) == []
        policies.approve(acme, room, bob)
    assert versions(acme, room, acme) == [1]
    remembered = drafts.own(acme, room)
    assert remembered is not None
    assert remembered.digest == newest(acme, room, acme).digest
    assert drafts.load(acme, room) is None
    assert drafts.typed(acme, room, 1) == CANARY


@pytest.mark.parametrize("moment", ["request", "response"])
def test_a_narrowing_whose_answer_was_lost_is_adopted(world: World, acme: Agent, room: RoomId, moment: str) -> None:
    ann, _ = staff(acme)
    put_in_force(acme, room, existence(acme, CELL, OTHER_CELL))
    world.lines["Acme"].fault = when_put("/policies/", moment)
    with pytest.raises(KilledError):
        policies.propose(acme, room, existence(acme, CELL), ann, yaml="narrow")
    world.lines["Acme"].fault = None
    expected = [1, 2] if moment == "response" else [1]
    assert versions(acme, room, acme) == expected
    assert isinstance(policies.propose(acme, room, existence(acme, CELL), ann, yaml="again"), InForce)
    assert open_room(acme, room).policy(acme.me) == existence(acme, CELL)


def test_another_process_that_goes_on_meanwhile_is_no_lie(acme: Agent, globex: Agent, room: RoomId) -> None:
    """The view is fetched, then another process of the home puts a policy in force, then the view is compared."""

    def meanwhile(view: RoomView) -> RoomView:
        put_in_force(acme, room, existence(acme, CELL))
        assert len(open_room(globex, room).policies[acme.me]) == 1
        return view

    assert open_room(lied_to(acme, meanwhile), room).policies[acme.me] == ()
    assert versions(acme, room, acme) == [1]

    def later(view: RoomView) -> RoomView:
        put_in_force(acme, room, existence(acme, CELL, OTHER_CELL))
        assert len(open_room(globex, room).policies[acme.me]) == 2
        return view

    assert len(open_room(lied_to(globex, later), room).policies[acme.me]) == 1
    assert versions(globex, room, acme) == [1, 2]


# ---- another machine


@pytest.fixture
def rob(acme: Agent, tmp_path: Path) -> Iterator[UserSession]:
    """A reviewer whose key is in a file on another machine."""
    ann, _ = staff(acme)
    public = write_key_file(tmp_path / "rob.key", "Rob", PASSPHRASE, kdf_cost=CHEAP)
    users.add(acme, "Rob", Role.SECURITY_REVIEWER, public_key=public, by=ann)
    yield unlock_file(tmp_path / "rob.key", PASSPHRASE)
    users.remove(acme, "Rob", by=ann)


def test_a_draft_is_approved_on_another_machine(acme: Agent, globex: Agent, room: RoomId, rob: UserSession) -> None:
    ann, _ = staff(acme)
    put_in_force(acme, room, existence(acme, CELL))
    policies.propose(acme, room, existence(acme, CELL, OTHER_CELL), ann, yaml=CANARY)
    exported = exported_drafts.export_draft(acme, room)
    judged = exported_drafts.read_draft(exported)
    assert judged.proposed.policy == existence(acme, CELL, OTHER_CELL)
    assert (judged.before, judged.yaml) == (existence(acme, CELL), CANARY)
    assert judged.proposed.change.widens
    with pytest.raises(DraftRefused, match="nobody but its author"):
        exported_drafts.import_draft(acme, exported)
    item = exported_drafts.import_draft(acme, exported_drafts.sign_draft(exported, rob))
    assert (item.document.version, item.author, item.approver) == (2, ann.id, rob.id)
    assert newest(globex, room, acme) == item
    with pytest.raises(NoDraft):
        exported_drafts.import_draft(acme, exported_drafts.sign_draft(exported, rob))


def test_only_a_second_person_signs_an_exported_draft(acme: Agent, globex: Agent, room: RoomId) -> None:
    ann, _ = staff(acme)
    policies.propose(acme, room, existence(acme, CELL), ann, yaml="")
    exported = exported_drafts.export_draft(acme, room)
    with pytest.raises(ApproverIsAuthor):
        exported_drafts.sign_draft(exported, ann)
    with pytest.raises(NotAnApprover):
        exported_drafts.sign_draft(exported, staff(globex)[0])


def test_an_exported_draft_that_was_altered_is_signed_by_nobody(acme: Agent, room: RoomId, rob: UserSession) -> None:
    ann, bob = staff(acme)
    policies.propose(acme, room, existence(acme, CELL), ann, yaml="")
    exported = exported_drafts.export_draft(acme, room).decode()
    wider = exported.replace(r"\"customers\"", r"\"prospects\"")
    other_roster = exported.replace(bob.public_key.hex(), ann.public_key.hex())
    for altered, refusal in ((wider, DocumentRefused), (other_roster, (DocumentRefused, DraftRefused))):
        assert altered != exported
        with pytest.raises(refusal):
            exported_drafts.sign_draft(altered.encode(), rob)
    for junk in (b"", b"{}", exported.encode()[:-10]):
        with pytest.raises(DraftRefused):
            exported_drafts.sign_draft(junk, rob)


def test_an_approval_that_does_not_hold_is_not_imported(acme: Agent, room: RoomId, rob: UserSession) -> None:
    ann, _ = staff(acme)
    policies.propose(acme, room, existence(acme, CELL), ann, yaml="")
    signed = exported_drafts.sign_draft(exported_drafts.export_draft(acme, room), rob).decode()
    with pytest.raises(PolicyChainRefused, match="approver"):
        exported_drafts.import_draft(acme, signed.replace(f'"signer": "{rob.id}"', f'"signer": "{"ab" * 16}"').encode())
    head, _, tail = signed.rpartition('"signature": "')
    broken = head + '"signature": "' + ("0" if tail[0] != "0" else "1") + tail[1:]
    with pytest.raises(DocumentRefused, match="does not hold"):
        exported_drafts.import_draft(acme, broken.encode())
    assert versions(acme, room, acme) == []


def test_an_approval_of_a_draft_that_was_replaced_is_not_imported(acme: Agent, room: RoomId, rob: UserSession) -> None:
    ann, _ = staff(acme)
    policies.propose(acme, room, existence(acme, CELL, OTHER_CELL), ann, yaml="")
    signed = exported_drafts.sign_draft(exported_drafts.export_draft(acme, room), rob)
    policies.propose(acme, room, existence(acme, CELL), ann, yaml="")
    with pytest.raises(NoDraft, match="not the draft"):
        exported_drafts.import_draft(acme, signed)


# ---- what is kept, and where


def test_history_tells_both_sides_versions_in_order(world: World, acme: Agent, globex: Agent, room: RoomId) -> None:
    ann, bob = staff(acme)
    put_in_force(acme, room, existence(acme, CELL))
    world.clock.step(hours=1)
    put_in_force(globex, room, existence(globex, CELL))
    world.clock.step(hours=1)
    policies.revoke(acme, room, bob)
    found = policies.history(acme, open_room(acme, room))
    assert [(item.owner, item.in_force.document.version) for item in found] == [
        (acme.me, 1),
        (globex.me, 1),
        (acme.me, 2),
    ]
    first, theirs, revoked = found
    assert (first.until, revoked.until) == (revoked.in_force.since, None)
    assert (first.in_force.author, first.in_force.approver) == (ann.id, bob.id)
    assert (first.in_force.change.widens, revoked.in_force.change.narrows) == (True, True)
    assert (first.yaml, theirs.yaml, revoked.yaml) == ("", None, "rules: []\n")


def test_the_words_as_typed_stay_at_home(world: World, acme: Agent, globex: Agent, room: RoomId) -> None:
    ann, bob = staff(acme)
    policies.propose(acme, room, existence(acme, CELL), ann, yaml=CANARY)
    policies.approve(acme, room, bob)
    assert drafts.typed(acme, room, 1) == CANARY
    assert CANARY not in globex.escrow.room(room).model_dump_json()
    assert not any(b"kanarienvogel" in file.read_bytes() for file in world.folder.glob("escrow.db*"))


def test_leaving_forgets_policies_on_both_sides(acme: Agent, globex: Agent, room: RoomId) -> None:
    put_in_force(acme, room, existence(acme, CELL))
    put_in_force(globex, room, existence(globex, CELL))
    policies.propose(acme, room, existence(acme, CELL, OTHER_CELL), staff(acme)[0], yaml=CANARY)
    open_room(globex, room)
    agreements.leave(acme, room)
    assert agreements.forget_left(globex, room)
    for agent in (acme, globex):
        assert agent.vault.addresses(f"policies/{room}/") == []
        assert open_room(agent, room).policies == {acme.me: (), globex.me: ()}
        with pytest.raises(RoomNotActive):
            policies.propose(agent, room, existence(agent, CELL), staff(agent)[0], yaml="")
