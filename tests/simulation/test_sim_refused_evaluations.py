"""P4, the escrow's side: evaluations that come too early, change, or do not fit. Acme evaluates, and lies."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from lists_of_accounts import companies
from malice import problem_of
from oracle import check_reports
from sqlalchemy import func, select
from world import World, accounts

from cleanroom.agent import commit, evaluate, sync
from cleanroom.agent.client import Place
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages import batches
from cleanroom.messages.documents import read_document
from cleanroom.messages.lists import Evaluation
from escrow.tables import EvaluatedChunk
from matching.rows import Rows

Lie = Callable[[Rows], Rows]


@pytest.fixture
def room(world: World, acme: Agent, globex: Agent) -> RoomId:
    """Both have committed, Globex has signed its roots; Acme has done nothing yet about Globex's list."""
    return world.once("room", lambda: half_done(world, acme, globex))


def half_done(world: World, acme: Agent, globex: Agent) -> RoomId:
    made = world.room(acme, globex)
    world.put_list(acme, made, accounts(companies(0, 12, prefix="a")))
    world.put_list(globex, made, accounts(companies(4, 20) + companies(40, 44, prefix="z", segment="prospects")))
    lazy = pytest.MonkeyPatch()
    with lazy.context() as patch:
        patch.setattr(evaluate, "evaluate", lambda *_: False)
        sync.sync(acme, made)
    sync.sync(globex, made)
    return made


def chunks_held(world: World, room: RoomId, evaluator: Agent) -> int:
    query = (
        select(func.count())
        .select_from(EvaluatedChunk)
        .where(EvaluatedChunk.room == room, EvaluatedChunk.evaluator == evaluator.me)
    )
    return world.database.read(lambda session: session.scalar(query) or 0)


def lying(monkeypatch: pytest.MonkeyPatch, liar: Agent, lie: Lie) -> None:
    """The liar's evaluated rows, before their root is signed."""
    honest = evaluate._tags  # noqa: SLF001 - the one honest step that is replaced

    def tags(agent: Agent, room: Room, ordered: Rows, prefix: str) -> Rows:
        rows = honest(agent, room, ordered, prefix)
        if agent.me != liar.me:
            return rows
        changed = lie(rows)
        agent.vault.put(prefix + "tags/0", changed.leaves())
        return changed

    monkeypatch.setattr(evaluate, "_tags", tags)


def moved_segment(rows: Rows) -> Rows:
    segment = rows.segment.copy()
    segment[0] = 1 - min(segment[0], 1)
    return replace(rows, segment=segment)


def repeated_tag(rows: Rows) -> Rows:
    value = rows.value.copy()
    value[0] = value[1]
    return replace(rows, value=value)


def unsorted(rows: Rows) -> Rows:
    return rows.take(np.arange(len(rows))[::-1])


def merged(rows: Rows) -> Rows:
    name, segment = rows.name.copy(), rows.segment.copy()
    name[1], segment[1] = name[0], segment[0]
    return replace(rows, name=name, segment=segment)


@pytest.mark.parametrize(
    ("lie", "problem"),
    [
        (moved_segment, "histogram_differs"),
        (merged, "histogram_differs"),
        (repeated_tag, "repeated_tags"),
        (unsorted, "rows_refused"),
    ],
)
def test_an_evaluation_that_does_not_fit_is_refused(  # noqa: PLR0913, PLR0917 - fixtures
    world: World, room: RoomId, acme: Agent, globex: Agent, lie: Lie, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lying(monkeypatch, acme, lie)
    refused = problem_of(acme, room)
    assert isinstance(refused, EscrowProblem)
    assert refused.problem == problem
    assert chunks_held(world, room, acme) == 0
    sync.sync(globex, room)
    assert globex.escrow.room(room).answer is None


def test_rows_other_than_those_whose_root_was_signed_are_refused(
    world: World, room: RoomId, acme: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acme waits for Globex's root, and then sends other tags than it had signed for."""
    honest = evaluate._load_rows  # noqa: SLF001 - the one honest step that is replaced

    def other_tags(agent: Agent, address: str, width: int) -> Rows:
        rows = honest(agent, address, width)
        value = rows.value.copy()
        value[0] ^= 1
        return replace(rows, value=value)

    def upload(agent: Agent, current: Room) -> bool:
        with monkeypatch.context() as patch:
            patch.setattr(evaluate, "_load_rows", other_tags)
            return uploads(agent, current)

    uploads = evaluate.upload_rows
    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "upload_rows", upload)
        refused = problem_of(acme, room)
    assert isinstance(refused, EscrowProblem)
    assert refused.problem == "root_differs"
    assert chunks_held(world, room, acme) == 0
    # The refusal leaves nothing half-done: the honest rows are taken afterwards, and the report is right.
    world.settle(*world.agents.values(), room=room)
    assert check_reports(acme, world.agents["Globex"], room)[0][0] == 8


def test_an_agent_keeps_its_rows_until_it_holds_the_other_sides_root(
    world: World, room: RoomId, acme: Agent, globex: Agent
) -> None:
    (again,) = sync.sync(globex, room)
    assert (again.problem, again.steps) == (None, ())
    assert [item.evaluator for item in open_room(globex, room).evaluations[globex.me]] == [globex.me]
    assert chunks_held(world, room, globex) == 0
    sync.sync(acme, room)
    assert sync.sync(globex, room)[0].steps == ("uploaded the evaluation",)


def test_roots_for_an_older_pair_do_not_count(world: World, room: RoomId, acme: Agent, globex: Agent) -> None:
    """Acme has signed for the pair before, not for the one with its newest batch."""
    world.settle(acme, globex, room=room)
    world.put_list(acme, room, accounts(companies(0, 14, prefix="a")))
    commit.commit(acme, open_room(acme, room))
    (result,) = sync.sync(globex, room)
    assert result.problem is None
    assert result.steps[-1] == "signed the evaluation's roots"
    assert globex.me not in {
        item.evaluator for item in globex.escrow.room(room).progress if item.number > 1 and item.chunks
    }


def test_rows_before_the_other_sides_root_are_refused(room: RoomId, acme: Agent, globex: Agent) -> None:
    """Globex has signed, Acme has not: Globex's rows are refused, and so are Acme's, who signed nothing."""
    current = open_room(globex, room)
    chunk = evaluate._load_rows(globex, evaluate.batch_prefix(current, 1) + "tags/0", 16)  # noqa: SLF001 - what the agent keeps to itself
    place = Place(room, current.epoch, globex.me, 1)
    with pytest.raises(EscrowProblem) as caught:
        globex.escrow.put_evaluated_chunk(place, 0, batches.encode(chunk))
    assert caught.value.problem == "root_of_other_side_missing"
    with pytest.raises(EscrowProblem) as caught:
        acme.escrow.put_evaluated_chunk(Place(room, current.epoch, acme.me, 1), 0, batches.encode(chunk))
    assert caught.value.problem in {"root_of_other_side_missing", "not_found"}


def signed_by_acme(room: RoomId, acme: Agent) -> Evaluation:
    """Acme's honest evaluation, as the escrow holds it."""
    sync.sync(acme, room)
    (found,) = open_room(acme, room).evaluations[acme.me]
    return found


@pytest.mark.parametrize("member", ["of", "against"])
def test_an_evaluation_of_snapshots_that_are_not_there_is_refused(room: RoomId, acme: Agent, member: str) -> None:
    honest = signed_by_acme(room, acme)
    lie = honest.model_copy(update={member: "cd" * 32})
    with pytest.raises(EscrowProblem) as caught:
        acme.escrow.put_evaluation(lie, acme.sign(lie))
    assert caught.value.problem == "evaluation_refused"


def test_an_evaluation_that_exchanges_the_pair_is_refused(room: RoomId, acme: Agent) -> None:
    honest = signed_by_acme(room, acme)
    lie = honest.model_copy(update={"of": honest.against, "against": honest.of})
    with pytest.raises(EscrowProblem) as caught:
        acme.escrow.put_evaluation(lie, acme.sign(lie))
    assert caught.value.problem == "evaluation_refused"


def test_an_evaluation_under_another_key_is_refused(world: World, room: RoomId, acme: Agent, globex: Agent) -> None:
    honest = signed_by_acme(room, acme)
    world.put_list(acme, room, accounts(companies(0, 13, prefix="a")))
    other = open_room(globex, room).keys[globex.me].key
    lie = honest.model_copy(update={"against": _newest_of(acme, room), "key": other})
    with pytest.raises(EscrowProblem) as caught:
        acme.escrow.put_evaluation(lie, acme.sign(lie))
    assert caught.value.problem == "evaluation_refused"


def test_another_root_for_the_same_pair_or_the_next_is_refused(world: World, room: RoomId, acme: Agent) -> None:
    honest = signed_by_acme(room, acme)
    other = honest.batches[0].model_copy(update={"root": "ef" * 32})
    lie = honest.model_copy(update={"batches": (other,)})
    with pytest.raises(EscrowProblem) as caught:
        acme.escrow.put_evaluation(lie, acme.sign(lie))
    assert caught.value.problem in {"conflict", "another_root"}
    # The next pair has another address, but the first batch keeps its root.
    world.put_list(acme, room, accounts(companies(0, 13, prefix="a")))
    head = _newest_of(acme, room)
    lie = lie.model_copy(update={"against": head})
    with pytest.raises(EscrowProblem) as caught:
        acme.escrow.put_evaluation(lie, acme.sign(lie))
    assert caught.value.problem == "another_root"
    assert read_document(Evaluation, acme.sign(honest).document) == honest


def _newest_of(agent: Agent, room: RoomId) -> str:
    """The digest of the agent's newest snapshot, committed now and evaluated by nobody."""
    commit.commit(agent, open_room(agent, room))
    head = open_room(agent, room).head(agent.me)
    assert head is not None
    return head.digest()


def test_nobody_can_read_evaluated_rows(world: World, room: RoomId, acme: Agent, globex: Agent) -> None:
    world.settle(acme, globex, room=room)
    for reader in (acme, globex):
        for evaluator in (acme, globex):
            place = Place(room, 0, evaluator.me, 1)
            for path in (f"{place.evaluated}/chunks/0", place.evaluated):
                with pytest.raises(EscrowProblem) as caught:
                    reader.escrow._transport.request("GET", path)  # noqa: SLF001 - a request that no client has
                assert caught.value.status in {404, 405}
