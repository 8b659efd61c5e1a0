"""A room moves to newer tables by terms that both sign: a new epoch begins, and open work of the old one is over."""

from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from consent import put_in_force
from faults import KilledError
from lists_of_accounts import companies
from malice import lied_to
from other_tables import SHOPS, edition, release, tenants
from sharing import deals, policy, with_fields
from world import World, accounts

from cleanroom.agent import agreements, opening, outbox, sync
from cleanroom.agent.agreements import NothingToUpgrade
from cleanroom.agent.audit_export import export
from cleanroom.agent.overlap import overlap
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.recipes import RecipesDiffer, room_tables, upgrade_waits
from cleanroom.agent.rooms import RoomNotActive, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.shared import shared
from cleanroom.agent.verified import verified
from cleanroom.agent.viewing import Viewer
from cleanroom.agent.waiting import next_epoch
from cleanroom.audit.bundle import read
from cleanroom.audit.verify import verify
from cleanroom.domain.vocabulary import Role, RoomId
from cleanroom.messages.api import RoomView
from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.rooms import EpochKey
from cleanroom.messages.signing import SignedDocument
from escrow import tables

MINE = [*companies(0, 8), *tenants("alder", 0, 6)]
THEIRS = [*companies(3, 13), *tenants("birch", 4, 9)]
BY_COMPANY, BY_TENANT = 5, 2


def older(agent: Agent) -> Agent:
    return release(agent, edition(agent, "2026-05"))


def newer(agent: Agent) -> Agent:
    return release(agent, edition(agent, "2026-11", below=SHOPS), edition(agent, "2026-05"))


@dataclass
class Mapped:
    """Acme and Globex, both able to make the newer keys, in a room that pins the older ones."""

    world: World
    acme: Agent
    globex: Agent
    room: RoomId

    def settle(self) -> None:
        self.world.settle(self.acme, self.globex, room=self.room)

    def upgrade(self) -> None:
        agreements.upgrade(self.globex, self.room)
        agreements.accept(self.acme, self.room)

    @property
    def agents(self) -> tuple[Agent, Agent]:
        return self.acme, self.globex

    def counts(self) -> list[int | None]:
        return [overlap(agent, self.room).cells[0][0] for agent in self.agents]


def mapped(world: World, acme: Agent, globex: Agent, **terms: object) -> Mapped:
    room = world.room(older(acme), older(globex), **terms)
    found = Mapped(world, newer(acme), newer(globex), room)
    world.put_list(found.acme, room, accounts(MINE))
    world.put_list(found.globex, room, accounts(THEIRS))
    return found


def test_an_upgrade_begins_an_epoch_in_which_both_commit_again_by_themselves(
    world: World, acme: Agent, globex: Agent
) -> None:
    made = mapped(world, acme, globex)
    made.settle()
    assert made.counts() == [BY_COMPANY] * 2
    before = open_room(made.acme, made.room)
    agreements.upgrade(made.globex, made.room)
    pending = open_room(made.acme, made.room)
    assert (pending.epoch, pending.terms) == (before.epoch, before.terms)
    assert room_tables(made.acme, pending).proposed == "2026-11"
    agreements.accept(made.acme, made.room)
    for agent in made.agents:
        assert open_room(agent, made.room).epoch == before.epoch + 1
        assert open_room(agent, made.room).keys == {}
    made.settle()
    assert made.counts() == [BY_COMPANY + BY_TENANT] * 2
    for agent in made.agents:
        room = open_room(agent, made.room)
        assert [room.snapshots[partner][-1].number for partner in room.snapshots] == [1, 1]
        assert room.keys[agent.me].key != before.keys[agent.me].key
        assert {address.split("/")[2] for address in agent.vault.addresses(f"room/{made.room}/")} == {str(room.epoch)}
        assert upgrade_waits(agent, room) is None
    old = world.database.read(
        lambda session: session.query(tables.SnapshotRecord).filter_by(room=made.room, epoch=before.epoch).count()
    )
    assert old == 0


def test_the_next_period_is_counted_from_periods_and_an_upgrade_in_it_counts_on(
    world: World, acme: Agent, globex: Agent
) -> None:
    made = mapped(world, acme, globex)
    begins = next_epoch(open_room(made.acme, made.room))
    made.upgrade()
    assert next_epoch(open_room(made.acme, made.room)) == begins
    world.clock.step(days=30)
    assert open_room(made.acme, made.room).epoch == 2
    made.settle()
    assert made.counts() == [BY_COMPANY + BY_TENANT] * 2


def test_renewing_begins_no_epoch(world: World, acme: Agent, globex: Agent) -> None:
    made = mapped(world, acme, globex)
    made.settle()
    before = open_room(made.acme, made.room)
    agreements.renew(made.globex, made.room, days=100)
    agreements.accept(made.acme, made.room)
    after = open_room(made.acme, made.room)
    assert (after.terms.version, after.epoch, after.snapshots) == (2, before.epoch, before.snapshots)


def test_a_side_that_is_too_old_is_told_and_nothing_changes(world: World, acme: Agent, globex: Agent) -> None:
    made = mapped(world, acme, globex)
    made.settle()
    behind, before = older(acme), open_room(made.acme, made.room)
    agreements.upgrade(made.globex, made.room)
    with pytest.raises(RecipesDiffer, match="This agent has to be upgraded"):
        agreements.accept(behind, made.room)
    room = open_room(behind, made.room)
    assert (room.terms, room.epoch, room.snapshots) == (before.terms, before.epoch, before.snapshots)
    mine, theirs = (upgrade_waits(agent, open_room(agent, made.room)) for agent in (behind, made.globex))
    assert mine.mine
    assert "This agent has to be upgraded" in mine.what
    assert not theirs.mine
    assert "Acme has not accepted the upgrade to the tables of 2026-11" in theirs.what
    world.put_list(behind, made.room, accounts([*companies(0, 9), *MINE[8:]]))
    world.settle(behind, made.globex, room=made.room)
    assert made.counts() == [BY_COMPANY + 1] * 2
    agreements.accept(made.acme, made.room)  # once its agent was upgraded
    made.settle()
    assert made.counts() == [BY_COMPANY + 1 + BY_TENANT] * 2


def test_there_is_one_upgrade_at_a_time_and_none_to_what_is_there(world: World, acme: Agent, globex: Agent) -> None:
    made = mapped(world, acme, globex)
    with pytest.raises(NothingToUpgrade):
        agreements.upgrade(older(acme), made.room)
    agreements.upgrade(made.globex, made.room)
    with pytest.raises(RoomNotActive):
        agreements.upgrade(made.acme, made.room)
    agreements.decline(made.acme, made.room)
    assert open_room(made.globex, made.room).pending is None
    made.upgrade()
    with pytest.raises(NothingToUpgrade):
        agreements.upgrade(made.acme, made.room)


@pytest.mark.parametrize("moment", ["request", "response"])
@pytest.mark.parametrize("what", ["/chunks/0", "/2"])
def test_a_batch_that_was_under_way_is_dropped(
    world: World, acme: Agent, globex: Agent, what: str, moment: str
) -> None:
    made = mapped(world, acme, globex, changes="immediate")
    made.settle()
    world.put_list(made.globex, made.room, accounts([*companies(0, 13), *THEIRS[10:]]))
    line = world.lines["Globex"]

    def killed(now: str, request: httpx2.Request) -> None:
        path = request.url.path
        if (now, request.method) == (moment, "PUT") and "/snapshots/" in path and path.endswith(what):
            raise KilledError

    line.fault = killed
    with pytest.raises(KilledError):
        sync.sync(made.globex, made.room)
    line.fault = None
    assert outbox.unfinished(made.globex, open_room(made.globex, made.room)) is not None
    made.upgrade()
    made.settle()
    assert made.counts() == [BY_COMPANY + 3 + BY_TENANT] * 2
    room = open_room(made.globex, made.room)
    assert outbox.unfinished(made.globex, room) is None
    assert room.head(made.globex.me).number == 1


def test_an_answer_is_not_given_across_an_upgrade(world: World, acme: Agent, globex: Agent) -> None:
    made = mapped(world, acme, globex, answer_interval=3600, changes="immediate")
    made.settle()
    first = open_room(made.acme, made.room).answer
    world.put_list(made.globex, made.room, accounts([*companies(0, 13), *THEIRS[10:]]))
    made.settle()  # evaluated, and waits for its edge
    made.upgrade()
    world.clock.step(hours=1)
    assert open_room(made.acme, made.room).answer == first
    made.settle()
    world.clock.step(hours=1)
    assert made.counts() == [BY_COMPANY + 3 + BY_TENANT] * 2
    assert open_room(made.acme, made.room).answer.number == first.number + 1


@dataclass
class Opened(Mapped):
    """In a room of which both let all matches exist."""

    def open(self, agent: Agent) -> None:
        opening.open_round(agent, open_room(agent, self.room))


@pytest.fixture
def opened(world: World, acme: Agent, globex: Agent) -> Opened:
    return world.once("agreed", lambda: agreed(world, acme, globex))


def agreed(world: World, acme: Agent, globex: Agent) -> Opened:
    room = world.room(older(acme), older(globex))
    made = Opened(world, newer(acme), newer(globex), room)
    world.put_list(made.acme, room, with_fields(deals(0, 4, prefix="a") + tenants("alder", 0, 4)))
    world.put_list(made.globex, room, with_fields(deals(2, 8, prefix="g") + tenants("birch", 3, 6)))
    made.settle()
    for agent in made.agents:
        put_in_force(agent, room, policy(agent))
    return made


def test_accounts_are_released_by_the_keys_that_the_terms_pin(world: World, acme: Agent, globex: Agent) -> None:
    """By the older tables two are on one website; by the newer ones they have one word for a name, and no more."""
    room = world.room(older(acme), older(globex))
    made = Opened(world, newer(acme), newer(globex), room)
    namesake = {**tenants("alder", 3, 4)[0], "account_id": "x", "name": "alder3 Trading", "website": "elsewhere.com"}
    world.put_list(made.acme, room, with_fields([*deals(0, 4, prefix="a"), *tenants("alder", 3, 4), namesake]))
    theirs = [{**row, "website": f"another.{SHOPS}"} for row in tenants("alder", 3, 4)]
    world.put_list(made.globex, room, with_fields(deals(2, 8, prefix="g") + theirs))
    made.settle()
    for agent in made.agents:
        put_in_force(agent, room, policy(agent))
    made.settle()
    for agent in made.agents:
        rows = shared(agent, open_room(agent, room), Viewer(role=Role.ADMIN)).rows
        assert sorted(row.tier for row in rows) == ["certain"] * 3


def test_what_names_the_terms_before_an_upgrade_is_not_of_the_epoch(world: World, acme: Agent, globex: Agent) -> None:
    made = mapped(world, acme, globex)
    before = open_room(made.acme, made.room)
    made.upgrade()
    sync.sync(made.acme, made.room)
    honest = made.acme.vault.get(f"room/{made.room}/1/key")
    key = read_document(EpochKey, SignedDocument.model_validate_json(honest).document)
    stale = made.acme.sign(key.model_copy(update={"terms": before.terms.digest()}))

    def view(shown: RoomView) -> RoomView:
        return shown.model_copy(update={"keys": (stale,)})

    with pytest.raises(DocumentRefused, match="bound to another room, epoch or terms"):
        open_room(lied_to(made.globex, view), made.room)
    late = made.globex.sign(key.model_copy(update={"terms": before.terms.digest(), "partner": made.globex.me}))
    with pytest.raises(EscrowProblem) as caught:
        made.globex.escrow.put_key(made.room, 1, made.globex.me, late)
    assert "made under other terms" in str(caught.value)


def test_a_round_that_was_open_is_over_and_holds_nothing_up(opened: Opened, tmp_path: Path) -> None:
    opened.open(opened.acme)
    assert open_room(opened.globex, opened.room).round.opened == (opened.acme.me,)
    opened.upgrade()
    assert open_room(opened.globex, opened.room).round is None
    opened.world.clock.step(hours=80)  # longer than an answer may take
    opened.settle()
    for agent in opened.agents:
        room = open_room(agent, opened.room)
        assert not room.openings_lapsed
        assert room.round.state == "exchanged"
        assert len(verified(agent, room)) == 3
        assert len(shared(agent, room, Viewer(role=Role.ADMIN)).rows) == 3
    for agent in opened.agents:
        path = tmp_path / f"{agent.config.name}.cleanroom-audit"
        assert export(agent, opened.room, path).problem is None
        audit = verify(read(path))
        assert [finding for finding in audit.findings if finding.broken] == []


def test_what_was_released_before_an_upgrade_is_released_again_under_the_new_one(
    opened: Opened, tmp_path: Path
) -> None:
    opened.settle()
    assert [len(shared(agent, open_room(agent, opened.room), Viewer(role=Role.ADMIN)).rows) for agent in opened.agents]
    agent = opened.acme
    assert len(verified(agent, open_room(agent, opened.room))) == 2
    opened.upgrade()
    opened.settle()
    assert len(verified(agent, open_room(agent, opened.room))) == 3
    path = tmp_path / "x.cleanroom-audit"
    assert export(agent, opened.room, path).problem is None
    audit = verify(read(path))
    assert audit.holds
    assert [finding for finding in audit.findings if finding.broken] == []
