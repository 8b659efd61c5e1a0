"""Rooms from proposal to end: who may be in them, what is the same on both sides, and what is left afterwards."""

from dataclasses import replace
from pathlib import Path

import pytest
from lists_of_accounts import companies
from malice import lied_to
from oracle import check_reports
from other_tables import edition
from sqlalchemy import func, select
from world import World, accounts, new_world

from cleanroom.agent import agreements, commit, lists, sync
from cleanroom.agent.agreements import Proposal
from cleanroom.agent.commit import ListTooSmall, OverQuota
from cleanroom.agent.overlap import overlap
from cleanroom.agent.partners import NotConfirmed, confirm, directory
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.recipes import RecipesDiffer
from cleanroom.agent.rooms import RoomNotActive, open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import ChangeMode, RoomId, RoomState
from cleanroom.messages.api import RoomView
from cleanroom.messages.documents import DocumentRefused
from cleanroom.messages.rooms import Withdrawal
from cleanroom.messages.signing import SignedDocument
from escrow import tables
from escrow.tables import Base
from matching.normalise.tables import Tables

OF_A_ROOM = (
    tables.SealedChunk,
    tables.SnapshotRecord,
    tables.EvaluatedChunk,
    tables.EvaluatedBatchRecord,
    tables.EvaluationRecord,
    tables.EpochKeyRecord,
)


def held(world: World, table: type[Base], room: RoomId, **where: object) -> int:
    query = select(func.count()).select_from(table).where(table.room == room)  # type: ignore[attr-defined]  # all have it
    for column, value in where.items():
        query = query.where(getattr(table, column) == value)
    return world.database.read(lambda session: session.scalar(query) or 0)


def other_tables(agent: Agent) -> Agent:
    """The same partner after an upgrade that brought a newer public suffix list."""
    return replace(agent, tables=Tables(current=edition(agent, "2031-01")))


@pytest.fixture
def room(world: World, acme: Agent, globex: Agent) -> RoomId:
    """A room whose lists have met."""
    return world.once("room", lambda: met(world, acme, globex))


def met(world: World, acme: Agent, globex: Agent) -> RoomId:
    made = world.room(acme, globex)
    world.put_list(acme, made, accounts(companies(0, 8)))
    world.put_list(globex, made, accounts(companies(3, 13)))
    world.settle(acme, globex, room=made)
    return made


def test_there_is_no_room_with_an_unconfirmed_partner(tmp_path: Path) -> None:
    with new_world(tmp_path) as world:
        acme, globex = world.enrol("Acme"), world.enrol("Globex")
        proposal = Proposal(title="t", purpose="p")
        with pytest.raises(NotConfirmed):
            agreements.propose(acme, "Globex", proposal)
        (partner,) = (item for item in directory(acme) if not item.me)
        confirm(acme, partner.id, " ".join(partner.words))
        room = agreements.propose(acme, "Globex", proposal)
        with pytest.raises(NotConfirmed):
            agreements.accept(globex, room)
        assert globex.escrow.room(room).state is RoomState.PROPOSED


def test_a_peer_with_other_tables_is_noticed_when_accepting(acme: Agent, globex: Agent) -> None:
    room = agreements.propose(acme, "Globex", Proposal(title="Other tables", purpose="p"))
    with pytest.raises(RecipesDiffer, match="domain"):
        agreements.accept(other_tables(globex), room)
    assert globex.escrow.room(room).state is RoomState.PROPOSED
    agreements.accept(globex, room)


def test_an_agent_with_other_tables_than_the_terms_commits_nothing(world: World, acme: Agent, globex: Agent) -> None:
    room = world.room(acme, globex)
    world.put_list(globex, room, accounts(companies(0, 4)))
    upgraded = other_tables(globex)
    (result,) = sync.sync(upgraded, room)
    assert isinstance(result.problem, RecipesDiffer)
    assert globex.escrow.room(room).snapshots == ()


def test_nothing_is_done_in_a_room_before_both_have_signed(world: World, acme: Agent) -> None:
    room = agreements.propose(acme, "Globex", Proposal(title="Unsigned", purpose="p", minimum_population=1))
    world.put_list(acme, room, accounts(companies(0, 4)))
    assert sync.sync(acme, room) == []
    with pytest.raises(RoomNotActive):
        commit.commit(acme, open_room(acme, room))


def test_a_declined_room_stays_closed(acme: Agent, globex: Agent) -> None:
    room = agreements.propose(acme, "Globex", Proposal(title="Declined", purpose="p", minimum_population=1))
    agreements.decline(globex, room)
    for agent in (acme, globex):
        assert open_room(agent, room).state is RoomState.DECLINED
        assert sync.sync(agent, room) == []
    with pytest.raises(EscrowProblem) as caught:
        agreements.accept(globex, room)
    assert caught.value.problem == "room_closed"


def test_declining_a_renewal_leaves_the_room_as_it_was(room: RoomId, acme: Agent, globex: Agent) -> None:
    before = open_room(acme, room).terms
    agreements.renew(acme, room, days=100)
    agreements.decline(globex, room)
    after = open_room(acme, room)
    assert after.terms == before
    assert after.pending is None
    assert check_reports(acme, globex, room)[0][0] == 5


def test_leaving_purges_escrow_and_vault(world: World, room: RoomId, acme: Agent, globex: Agent) -> None:
    assert all(held(world, table, room) for table in OF_A_ROOM)
    assert acme.vault.addresses(f"room/{room}/")
    agreements.leave(acme, room)
    assert [held(world, table, room) for table in (*OF_A_ROOM, tables.AnswerRecord)] == [0] * 7
    assert acme.vault.addresses(f"room/{room}/") == []
    assert open_room(globex, room).state is RoomState.LEFT
    assert sync.sync(acme, room) == []
    with pytest.raises(RoomNotActive):
        commit.commit(globex, open_room(globex, room))


def test_when_the_other_side_leaves_the_vault_forgets_the_room(room: RoomId, acme: Agent, globex: Agent) -> None:
    agreements.leave(acme, room)
    (result,) = sync.sync(globex, room)
    assert (result.problem, len(result.steps)) == (None, 1)
    assert globex.vault.addresses(f"room/{room}/") == []
    assert sync.sync(globex, room) == []


def test_an_unsigned_claim_that_a_member_left_deletes_nothing(room: RoomId, globex: Agent) -> None:
    def view(honest: RoomView) -> RoomView:
        return honest.model_copy(update={"state": RoomState.LEFT})

    assert not agreements.forget_left(lied_to(globex, view), room)
    forged = globex.sign(Withdrawal(room=room, partner=globex.me, reason="left", created="2026-11-02T09:00:00Z"))
    other = open_room(globex, room).other.partner
    claimed = forged.model_copy(update={"document": forged.document.replace(globex.me, other)})

    def signed_by_nobody(honest: RoomView) -> RoomView:
        return view(honest).model_copy(update={"withdrawals": (claimed,)})

    with pytest.raises(DocumentRefused):
        agreements.forget_left(lied_to(globex, signed_by_nobody), room)
    assert globex.vault.addresses(f"room/{room}/")


def test_an_expired_room_shows_its_answers_and_takes_nothing_new(world: World, acme: Agent, globex: Agent) -> None:
    room = world.room(acme, globex, days=10)
    world.put_list(acme, room, accounts(companies(0, 8)))
    world.put_list(globex, room, accounts(companies(3, 13)))
    world.settle(acme, globex, room=room)
    world.clock.step(days=10)
    world.put_list(acme, room, accounts(companies(0, 9)))
    assert sync.sync(acme, room) == []
    assert overlap(acme, room).cells[0][0] == 5
    with pytest.raises(RoomNotActive):
        commit.commit(acme, open_room(acme, room))
    # Once renewed, it goes on where it was.
    agreements.renew(globex, room, days=10)
    assert open_room(acme, room).state is RoomState.EXPIRED
    agreements.accept(acme, room)
    renewed = open_room(acme, room)
    assert renewed.state is RoomState.ACTIVE
    assert renewed.terms.version == 2
    world.settle(acme, globex, room=room)
    assert check_reports(acme, globex, room)[0][0] == 6


def test_a_new_epoch_leaves_nothing_of_the_old_one(world: World, room: RoomId, acme: Agent, globex: Agent) -> None:
    old = {agent.me: open_room(agent, room).keys[agent.me].key for agent in (acme, globex)}
    world.clock.step(days=30)
    world.settle(acme, globex, room=room)
    assert check_reports(acme, globex, room)[0][0] == 5
    for agent in (acme, globex):
        current = open_room(agent, room)
        assert current.keys[agent.me].key != old[agent.me]
        assert {address.split("/")[2] for address in agent.vault.addresses(f"room/{room}/")} == {str(current.epoch)}
    assert [held(world, table, room, epoch=0) for table in OF_A_ROOM] == [0] * len(OF_A_ROOM)
    assert all(held(world, table, room) for table in OF_A_ROOM)


def test_a_key_for_an_epoch_that_is_not_now_is_refused(room: RoomId, acme: Agent) -> None:
    current = open_room(acme, room)
    signed = acme.vault.get(f"room/{room}/0/key")
    assert signed is not None
    document = SignedDocument.model_validate_json(signed)
    with pytest.raises(EscrowProblem):
        acme.escrow.put_key(room, current.epoch + 1, acme.me, document)


def test_two_pushes_in_one_second_are_two(world: World, room: RoomId, acme: Agent, globex: Agent) -> None:
    """As many accounts, and the clock has not moved: the second is committed by the next sync all the same."""
    world.put_list(acme, room, accounts(companies(5, 13)))
    world.settle(acme, globex, room=room)
    assert check_reports(acme, globex, room) == ((None,) * 3,) * 3
    world.put_list(acme, room, accounts(companies(0, 8)))
    world.settle(acme, globex, room=room)
    assert check_reports(acme, globex, room)[0][0] == 5


def test_a_list_that_became_empty_is_taken_out(world: World, acme: Agent, globex: Agent) -> None:
    room = world.room(acme, globex, changes=ChangeMode.IMMEDIATE)
    world.put_list(acme, room, accounts(companies(0, 8)))
    world.put_list(globex, room, accounts(companies(3, 13)))
    world.settle(acme, globex, room=room)
    gone = accounts(companies(0, 8))["account_id"]
    lists.store(acme, lists.changed(acme, f"list {room}", accounts([]), gone), (room,))
    world.settle(acme, globex, room=room)
    report = overlap(globex, room)
    assert report.theirs.size == "none"
    assert report.cells == ((None,) * 3,) * 3


def test_a_list_without_enough_of_a_shape_is_not_committed(world: World, acme: Agent, globex: Agent) -> None:
    room = world.room(acme, globex, minimum_population=5)
    world.put_list(acme, room, accounts(companies(0, 4)))
    (result,) = sync.sync(acme, room)
    assert isinstance(result.problem, ListTooSmall)
    assert acme.escrow.room(room).snapshots == ()


def test_a_list_over_the_quota_is_not_committed(world: World, acme: Agent, globex: Agent) -> None:
    room = world.room(acme, globex, quota=5, declared=(5, 5))
    world.put_list(acme, room, accounts(companies(0, 6)))
    (result,) = sync.sync(acme, room)
    assert isinstance(result.problem, OverQuota)
    assert acme.escrow.room(room).snapshots == ()
    world.put_list(acme, room, accounts(companies(0, 5)))
    assert sync.sync(acme, room)[0].problem is None


def test_a_list_that_grew_over_the_quota_does_not_stop_the_other_sides_list(
    world: World, acme: Agent, globex: Agent
) -> None:
    room = world.room(acme, globex, quota=8, declared=(8, 8))
    world.put_list(acme, room, accounts(companies(0, 8)))
    world.put_list(globex, room, accounts(companies(3, 9)))
    world.settle(acme, globex, room=room)
    world.put_list(acme, room, accounts(companies(0, 9)))
    world.put_list(globex, room, accounts(companies(4, 10)))
    world.settle(globex, acme, room=room, strict=False)
    assert isinstance(sync.sync(acme, room)[0].problem, OverQuota)
    assert check_reports(acme, globex, room)[0][0] == 4
