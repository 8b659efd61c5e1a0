"""P10 from end to end: a room's whole life, exported by both sides and verified from the file alone."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from consent import put_in_force
from malice_log import rewrite
from sharing import Sharing, deals, grant, opened, policy, with_fields
from world import World

from cleanroom.agent import agreements, notices, sync
from cleanroom.agent.audit_export import NothingWitnessed, export
from cleanroom.agent.erasing import erase_accounts
from cleanroom.agent.notices import Match
from cleanroom.agent.receipts import NoReceipt, Wanted, receipt
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import verified
from cleanroom.audit.bundle import Bundle, read
from cleanroom.audit.result import Audit
from cleanroom.audit.verify import verify
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.inclusion import read_inclusion
from cleanroom.messages.notes import cosigned, open_checkpoint, partner_key, room_origin
from cleanroom.policy.model import Policy

FULL = grant("full", Form.FULL, "stage", "region")
REDUCED = grant("reduced", Form.REDUCED, "amount")


def generous(agent: Agent) -> Policy:
    return policy(agent, FULL, REDUCED)


def plain(agent: Agent) -> Policy:
    return policy(agent, grant("stage", Form.FULL, "stage"))


@pytest.fixture
def lived(world: World) -> Sharing:
    """A room with openings, releases, a narrowing, a new epoch, a dispute and its end. No test changes it."""
    return world.once("lived", lambda: a_life(world))


@pytest.fixture
def fresh(world: World) -> Sharing:
    """A room that both have opened; nothing is released yet."""
    return world.once("fresh", lambda: another(world))


def another(world: World) -> Sharing:
    return opened(world, deals(0, 4, prefix="a"), deals(2, 8, prefix="g"), acme=generous, globex=plain)


def a_life(world: World) -> Sharing:
    room = another(world)
    room.settle()
    world.put_list(room.acme, room.room, with_fields(deals(0, 6, prefix="a")))
    room.settle()
    put_in_force(room.acme, room.room, policy(room.acme, grant("less", Form.FULL, "stage")))
    room.settle()
    match = verified(room.globex, room.view(room.globex))[0]
    about = Match(epoch=match.epoch, mine=match.mine, theirs=match.theirs)
    notices.dispute(room.globex, room.view(room.globex), about, "not ours")
    room.settle()
    notices.resolve(room.globex, room.view(room.globex), about, "settled")
    room.settle()
    return room


def bundle_of(room: Sharing, agent: Agent, folder: Path) -> Bundle:
    path = folder / f"{agent.config.name}.cleanroom-audit"
    assert export(agent, room.room, path).problem is None
    return read(path)


def audit_of(room: Sharing, agent: Agent, folder: Path) -> Audit:
    return verify(bundle_of(room, agent, folder))


def test_both_bundles_of_a_rooms_whole_life_hold(lived: Sharing, tmp_path: Path) -> None:
    mine, theirs = (audit_of(lived, agent, tmp_path) for agent in (lived.acme, lived.globex))
    assert [finding for audit in (mine, theirs) for finding in audit.findings if finding.broken] == []
    assert (mine.root, mine.size) == (theirs.root, theirs.size)
    assert mine.shown == theirs.shown
    assert {member.cosigned_size for member in (*mine.members, *theirs.members)} - {0} <= set(range(mine.size + 1))


def test_the_report_says_who_saw_which_field_of_how_many_accounts(lived: Sharing, tmp_path: Path) -> None:
    audit = audit_of(lived, lived.globex, tmp_path)
    acmes = [item for item in audit.shown if item.sender == lived.acme.me and item.handed_over]
    by_version = {
        version: {(item.field, str(item.form)) for item in acmes if item.sender_version == version}
        for version in {item.sender_version for item in acmes}
    }
    before = {("account", "exists"), ("stage", "full"), ("region", "full"), ("amount", "reduced")}
    assert by_version[1] == before
    assert by_version[2] == {("account", "exists"), ("stage", "full")}
    most = Counter({item.field: item.accounts for item in acmes if item.release == acmes[0].release})
    assert most["account"] == 2


@pytest.mark.soak
def test_a_reviewer_compares_with_the_bundle_before(world: World, fresh: Sharing, tmp_path: Path) -> None:
    room = fresh
    room.settle()
    before = bundle_of(room, room.acme, tmp_path)
    put_in_force(room.acme, room.room, policy(room.acme))
    room.settle()
    after = bundle_of(room, room.acme, tmp_path)
    assert verify(after, previous=before).holds
    assert not verify(before, previous=after).holds
    other = another(world)
    other.settle()
    assert not verify(bundle_of(other, other.acme, tmp_path), previous=before).holds


def test_a_caught_operator_is_in_the_bundle_with_both_checkpoints(world: World, fresh: Sharing, tmp_path: Path) -> None:
    room = fresh
    room.settle()
    rewrite(world, room.room, lambda leaves: leaves[:-2])
    sync.sync(room.acme, room.room)
    path = tmp_path / "caught.cleanroom-audit"
    done = export(room.acme, room.room, path)
    assert done.conflicts == 1
    assert "rolled back" in str(done.problem)
    audit = verify(read(path))
    assert not audit.holds
    assert any("size" in finding.what or "size" in finding.where for finding in audit.findings if finding.broken)


WANTED: dict[str, Callable[[Sharing], Wanted]] = {
    "release": lambda _: Wanted(release=1),
    "policy": lambda _: Wanted(policy=1),
    "answer": lambda _: Wanted(answer=1),
    "narrowing": lambda _: Wanted(policy=2),
}


@pytest.mark.parametrize("what", WANTED)
def test_a_receipt_stands_alone(lived: Sharing, what: str) -> None:
    text = receipt(lived.acme, lived.room, WANTED[what](lived))
    found = read_inclusion(text)
    key = bytes.fromhex(lived.acme.config.escrow_key)
    checkpoint, _ = open_checkpoint(found.checkpoint, room_origin(key, lived.room), key)
    assert found.index < checkpoint.size
    public = lived.acme.identity.public().identity_key
    assert cosigned(found.checkpoint, partner_key(lived.acme.me, public)) or "partners/" in str(found.checkpoint)


def test_a_receipt_of_another_room_is_noticed(lived: Sharing, world: World, tmp_path: Path) -> None:
    other = another(world)
    other.settle()
    bundle = bundle_of(lived, lived.acme, tmp_path)
    assert verify(bundle, receipts=[receipt(lived.acme, lived.room, Wanted(policy=1))]).holds
    assert not verify(bundle, receipts=[receipt(other.acme, other.room, Wanted(policy=1))]).holds


def test_what_is_not_on_record_has_no_receipt(lived: Sharing) -> None:
    with pytest.raises(NoReceipt):
        receipt(lived.acme, lived.room, Wanted(policy=77))


def test_what_was_erased_is_gone_and_everything_else_still_holds(fresh: Sharing, tmp_path: Path) -> None:
    room = fresh
    room.settle()
    whole = audit_of(room, room.acme, tmp_path)
    assert erase_accounts(room.acme, room.room, ["a\x1f00002"]) == 2  # what was released of it, and received for it
    assert erase_accounts(room.acme, room.room, ["a\x1f00002"]) == 0
    erased = audit_of(room, room.acme, tmp_path)
    assert erased.holds
    assert (whole.erased, erased.erased) == (0, 2)
    assert len(erased.touched) == len(whole.touched) - 2
    assert audit_of(room, room.globex, tmp_path).erased == 0


def test_a_room_that_was_left_can_still_be_audited(fresh: Sharing, tmp_path: Path) -> None:
    room = fresh
    room.settle()
    for agent in (room.acme, room.globex, room.acme):
        room.share(agent)
    agreements.leave(room.globex, room.room)
    sync.sync(room.acme, room.room)
    for agent in (room.acme, room.globex):
        path = tmp_path / f"{agent.config.name}.cleanroom-audit"
        export(agent, room.room, path)
        audit = verify(read(path))
        assert [finding for finding in audit.findings if finding.broken] == []
        assert audit.shown


def test_nobody_exports_what_was_never_witnessed(world: World, tmp_path: Path) -> None:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex)
    unreached = replace(acme, clock=lambda: acme.clock() + timedelta(days=3))
    with pytest.raises(NothingWitnessed):
        export(unreached, room, tmp_path / "x")
    assert not (tmp_path / "x").exists()
