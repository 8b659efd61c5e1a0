"""New rows of the other side's list are opened after the terms' hours and snapshots, by what the agent knows itself."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from consent import agree
from guessing import Guessing
from lists_of_accounts import companies
from world import World, accounts, new_world

from cleanroom.agent import ledger, maturity, sync
from cleanroom.agent.ledger import Ledger
from cleanroom.agent.maturity import RowsNotMature, mature_at, require_mature
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import verified
from cleanroom.domain.vocabulary import ChangeMode, RoomId
from cleanroom.messages.documents import instant
from cleanroom.messages.rooms import NewTokens
from escrow import rounds

LATER = NewTokens(count_from="next_answer", open_after_hours=72, open_after_snapshots=2)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with new_world(tmp_path) as made:
        made.enrol("Acme")
        made.enrol("Globex")
        made.introduce()
        yield made


@pytest.fixture
def guessing(world: World, acme: Agent, globex: Agent) -> Guessing:
    return Guessing(world, acme, globex)


def fresh_room(guessing: Guessing, **terms: object) -> RoomId:
    return guessing.room(declared=100, new_tokens=LATER, epoch_days=30, changes=ChangeMode.IMMEDIATE, **terms)


def test_an_escrow_shows_nothing_before_the_hours_are_over(guessing: Guessing) -> None:
    room = fresh_room(guessing)
    guessing.push(room, range(2, 8))
    agree(room, guessing.acme, guessing.globex)
    guessing.world.clock.step(hours=71, minutes=59)
    guessing.settle(room)
    assert open_room(guessing.acme, room).round is None
    guessing.world.clock.step(minutes=1)
    guessing.settle(room)
    assert len(verified(guessing.acme, open_room(guessing.acme, room))) == 2


def test_nothing_is_opened_before_the_hours_are_over_whatever_an_escrow_shows(
    guessing: Guessing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "_mature", lambda _, head: head.number)
    room = fresh_room(guessing)
    guessing.push(room, range(2, 8))
    agree(room, guessing.acme, guessing.globex)
    problem = guessing.problem(room)
    assert isinstance(problem, RowsNotMature)
    until = instant(guessing.world.clock() + timedelta(hours=72))
    assert (
        f"nothing more of this round is opened before {until}: batch 1 of Globex's list is new, and the terms let 72 "
        in (str(problem))
    )
    guessing.world.clock.step(hours=71, minutes=59)
    assert isinstance(guessing.problem(room), RowsNotMature)
    guessing.world.clock.step(minutes=1)
    guessing.settle(room)
    assert len(verified(guessing.acme, open_room(guessing.acme, room))) == 2


def test_a_later_batch_needs_the_list_to_be_committed_again(guessing: Guessing) -> None:
    room = fresh_room(guessing)
    guessing.push(room, range(2, 8))
    guessing.push(room, range(2, 9))
    guessing.world.clock.step(days=4)
    view = open_room(guessing.acme, room)
    require_mature(guessing.acme, view, [1])
    with pytest.raises(
        RowsNotMature, match=r"batch 2 of Globex's list is new, .* committed 2 times with it, so 1 more"
    ):
        require_mature(guessing.acme, view, [1, 2])
    guessing.push(room, range(2, 10))
    require_mature(guessing.acme, open_room(guessing.acme, room), [1, 2])
    with pytest.raises(RowsNotMature, match="batch 3"):
        require_mature(guessing.acme, open_room(guessing.acme, room), [3])


def test_it_counts_from_the_entry_in_the_log_and_not_from_when_i_look(guessing: Guessing) -> None:
    room = fresh_room(guessing)
    sync.sync(guessing.acme, room)
    guessing.world.clock.step(hours=5)
    committed = guessing.world.clock()
    guessing.world.put_list(guessing.globex, room, accounts(companies(2, 8)))
    sync.sync(guessing.globex, room)
    guessing.world.clock.step(hours=10)
    guessing.settle(room)
    assert mature_at(guessing.acme, open_room(guessing.acme, room), 1) == committed + timedelta(hours=72)


def test_an_entry_that_the_escrow_dates_back_counts_from_my_last_look_without_it(
    guessing: Guessing, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = fresh_room(guessing)
    guessing.world.clock.step(days=5)
    sync.sync(guessing.acme, room)
    looked = guessing.world.clock()
    guessing.world.clock.step(hours=1)
    guessing.push(room, range(2, 8))

    def dated_back(agent: Agent, which: RoomId) -> Ledger:
        return _DatedBack(honest(agent, which).leaves)

    honest = ledger.load
    monkeypatch.setattr(maturity.ledger, "load", dated_back)
    assert mature_at(guessing.acme, open_room(guessing.acme, room), 1) == looked + timedelta(hours=72)


class _DatedBack(Ledger):
    """The same entries, all from long ago."""

    @property
    def entries(self):  # noqa: ANN202 - as the honest one
        return tuple(entry.model_copy(update={"at": "2026-01-01T00:00:00Z"}) for entry in Ledger(self.leaves).entries)


def test_terms_without_hours_let_everything_be_opened(guessing: Guessing) -> None:
    room = guessing.room(declared=100)
    guessing.push(room, range(2, 8))
    guessing.push(room, range(2, 9))
    require_mature(guessing.acme, open_room(guessing.acme, room), [1, 2])
    view = open_room(guessing.acme, room)
    strict = replace(view, terms=view.terms.model_copy(update={"new_tokens": LATER}))
    with pytest.raises(RowsNotMature):
        require_mature(guessing.acme, strict, [1])
