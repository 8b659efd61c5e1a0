"""P5: when answers are given, from which lists, and that they never change. An answer interval of an hour."""

from dataclasses import replace

import httpx2
import pytest
from lists_of_accounts import companies
from oracle import transposed
from world import PASSPHRASE, World, accounts

from cleanroom.agent import agreements, sync
from cleanroom.agent.overlap import NoAnswerYet, history, overlap
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.vault import Vault
from cleanroom.domain.vocabulary import ChangeMode, RoomId
from cleanroom.messages.documents import instant, moment

HOUR = 3600


@pytest.fixture
def room(world: World, acme: Agent, globex: Agent) -> RoomId:
    """Both lists were committed at e_0, five companies meet, and the first answer is there."""
    made = world.room(acme, globex, answer_interval=HOUR, changes=ChangeMode.IMMEDIATE)
    world.put_list(acme, made, accounts(companies(0, 8)))
    world.put_list(globex, made, accounts(companies(3, 13)))
    world.settle(acme, globex, room=made)
    return made


def shown(agent: Agent, room: RoomId) -> tuple[int | None, str]:
    report = overlap(agent, room)
    return report.cells[0][0], report.edge


def answer_bytes(agent: Agent, room: RoomId) -> list[str]:
    return [signed.model_dump_json() for signed in agent.escrow.answers(room)]


def push(world: World, agent: Agent, room: RoomId, stop: int) -> None:
    world.put_list(agent, room, accounts(companies(0, stop)))
    world.settle(*world.agents.values(), room=room)


def test_no_answer_before_both_lists_are_evaluated(world: World, acme: Agent, globex: Agent) -> None:
    room = world.room(acme, globex, answer_interval=HOUR)
    world.put_list(acme, room, accounts(companies(0, 8)))
    with pytest.raises(NoAnswerYet, match=r"(?i)you have"):
        overlap(acme, room)
    sync.sync(acme, room)
    with pytest.raises(NoAnswerYet, match="Globex has"):
        overlap(acme, room)
    world.put_list(globex, room, accounts(companies(3, 13)))
    sync.sync(globex, room)
    with pytest.raises(NoAnswerYet, match=r"(?i)your agent has not evaluated"):
        overlap(acme, room)
    world.settle(acme, globex, room=room)
    assert overlap(acme, room).cells[0][0] == 5


def test_before_its_interval_is_over_the_answer_stays_whatever_is_pushed(
    world: World, room: RoomId, acme: Agent, globex: Agent
) -> None:
    first, theirs = answer_bytes(acme, room), answer_bytes(globex, room)
    edge = overlap(acme, room).edge
    assert shown(acme, room) == (5, edge)
    for minutes, stop in ((10, 9), (20, 10), (29, 11)):
        world.clock.step(minutes=minutes)
        push(world, acme, room, stop)
        assert (answer_bytes(acme, room), answer_bytes(globex, room)) == (first, theirs)
    world.clock.step(seconds=59)
    assert answer_bytes(globex, room) == theirs
    world.clock.step(seconds=1)
    assert answer_bytes(acme, room) != first
    assert shown(acme, room) == (8, instant(moment(edge).replace(hour=moment(edge).hour + 1)))


def test_an_answer_is_made_of_the_lists_in_force_at_its_edge(
    world: World, room: RoomId, acme: Agent, globex: Agent
) -> None:
    """More is pushed, and evaluated, after the edge and before anybody asks."""
    edge = moment(overlap(acme, room).edge)
    world.clock.step(minutes=30)
    push(world, acme, room, 9)
    world.clock.step(minutes=31)
    world.put_list(acme, room, accounts(companies(0, 12)))
    world.settle(globex, acme, room=room)
    report = overlap(globex, room)
    assert (report.cells[0][0], report.number) == (6, 2)
    assert moment(report.edge) > edge
    # What came after the edge counts in the next answer.
    world.clock.step(minutes=60)
    assert overlap(globex, room).cells[0][0] == 9


def test_a_change_that_was_evaluated_only_after_the_edge_counts_at_that_edge(
    world: World, room: RoomId, acme: Agent, globex: Agent
) -> None:
    world.clock.step(minutes=30)
    world.put_list(acme, room, accounts(companies(0, 9)))
    sync.sync(acme, room)
    world.clock.step(minutes=45)
    assert overlap(acme, room).number == 1
    world.put_list(acme, room, accounts(companies(0, 12)))
    world.settle(acme, globex, room=room)
    report = overlap(acme, room)
    assert (report.number, report.cells[0][0]) == (2, 6)


def test_nothing_changed_gives_no_new_answer(world: World, room: RoomId, acme: Agent) -> None:
    first = answer_bytes(acme, room)
    world.clock.step(hours=30)
    assert answer_bytes(acme, room) == first


def test_both_sides_read_the_same_numbers_and_history_tells_the_difference(
    world: World, room: RoomId, acme: Agent, globex: Agent
) -> None:
    for stop in (9, 7, 11):
        push(world, acme, room, stop)
        world.clock.step(hours=1)
        world.settle(acme, globex, room=room)
    mine, theirs = history(acme, room), history(globex, room)
    assert [report.cells[0][0] for report in mine] == [5, 6, 4, 8]
    assert [report.change[0][0] for report in mine] == [None, 1, -2, 4]
    assert [report.cells for report in theirs] == [transposed(report.cells) for report in mine]
    assert [report.number for report in mine] == [1, 2, 3, 4]


def test_the_next_answer_is_announced_exactly(world: World, room: RoomId, acme: Agent, globex: Agent) -> None:
    edge = moment(overlap(acme, room).edge)
    for _ in range(3):
        report = overlap(acme, room)
        assert report.next_answer is not None
        assert moment(report.next_answer) > world.clock()
        assert (moment(report.next_answer) - edge).total_seconds() % HOUR == 0
        assert (moment(report.next_answer) - world.clock()).total_seconds() <= HOUR
        push(world, acme, room, 9 + report.number)
        world.clock.now = moment(report.next_answer)
        assert overlap(globex, room).number == report.number + 1
        assert overlap(globex, room).edge == report.next_answer


def test_an_answer_survives_the_end_of_both_processes(world: World, room: RoomId, globex: Agent) -> None:
    """Agent and service are built anew over the same files."""
    before = answer_bytes(globex, room)
    copy = globex.home / "copy.db"
    globex.vault.backup(copy)
    line = world.lines["Globex"]
    with Vault.open(copy, PASSPHRASE) as vault:
        again = world.agent(globex.home, vault, globex.identity, globex.config)
        assert answer_bytes(again, room) == before
        assert overlap(again, room) == overlap(globex, room)
        (result,) = sync.sync(again, room)
        assert (result.problem, result.steps) == (None, ())
    world.lines["Globex"] = line
    copy.unlink()


def test_renewed_terms_keep_answers_and_edges(world: World, room: RoomId, acme: Agent, globex: Agent) -> None:
    before, expires = answer_bytes(acme, room), moment(open_room(acme, room).terms.expires)
    agreements.renew(acme, room, days=100)
    assert moment(open_room(acme, room).terms.expires) == expires
    agreements.accept(globex, room)
    renewed = open_room(acme, room)
    assert (moment(renewed.terms.expires) - expires).days == 100
    assert answer_bytes(acme, room) == before
    push(world, acme, room, 9)
    world.clock.step(hours=1)
    world.settle(acme, globex, room=room)
    assert overlap(acme, room).number == 2
    assert overlap(acme, room).cells[0][0] == 6


def test_an_answer_that_is_due_is_given_before_a_new_epoch_begins(world: World, acme: Agent, globex: Agent) -> None:
    """The edge passes between the moment at which Acme looks at the room and its first commit of the epoch."""
    room = world.room(acme, globex, answer_interval=HOUR, changes=ChangeMode.IMMEDIATE, epoch_days=1)
    world.clock.step(minutes=30)
    world.put_list(acme, room, accounts(companies(0, 8)))
    world.put_list(globex, room, accounts(companies(3, 13)))
    world.settle(acme, globex, room=room)
    world.clock.step(hours=23, minutes=15)
    push(world, acme, room, 9)
    world.clock.step(minutes=44, seconds=59)

    def slowly(moment_of: str, request: httpx2.Request) -> None:
        if moment_of == "request" and request.method == "PUT" and request.url.path.endswith(f"snapshots/{acme.me}/1"):
            world.clock.step(seconds=2)

    line = world.lines["Acme"]
    line.fault = slowly
    try:
        sync.sync(acme, room)
    finally:
        line.fault = None
    assert open_room(acme, room).epoch == 1
    assert [report.cells[0][0] for report in history(globex, room)] == [5, 6]
    push(world, acme, room, 12)
    world.clock.step(hours=1)
    assert overlap(globex, room).cells[0][0] == 9
    assert overlap(globex, room).epoch == 1


def test_a_clock_that_lags_cannot_ask_for_more(world: World, room: RoomId, acme: Agent) -> None:
    """Edges are the escrow's business: an agent with a clock of its own moves none."""
    before = answer_bytes(acme, room)
    ahead = replace(acme, clock=lambda: world.clock().replace(minute=59))
    assert answer_bytes(ahead, room) == before
