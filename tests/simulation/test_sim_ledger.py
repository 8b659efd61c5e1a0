"""P10 against an operator that rewrites, cuts, forks or hides the log: both agents notice, and nothing moves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from consent import agree, put_in_force
from malice_log import Leaves, edit_row, entries_of, rewrite, signed_operator, with_second_log
from sharing import ADMIN, Sharing, deals, grant, opened, policy, with_fields
from world import World

from cleanroom.agent import ledger, notices, sync
from cleanroom.agent.client import EscrowClient
from cleanroom.agent.operator_log import witness_operator
from cleanroom.agent.session import Agent
from cleanroom.agent.witness import CheckpointStale, LogInconsistent, NotOnRecord, witness
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Form, RoomId
from cleanroom.messages.api import LogView, RoomView
from cleanroom.messages.entries import DOCUMENTS, Entry, KeyPublished, NoticeSent, PolicyActivated, leaf, read_entry
from cleanroom.messages.notes import CheckpointRefused
from cleanroom.messages.notices import Wish
from cleanroom.policy.model import Policy
from escrow.identity import EscrowKey

STAGE = grant("stage", Form.FULL, "stage")


def showing(agent: Agent) -> Policy:
    return policy(agent, STAGE)


@pytest.fixture
def room(world: World) -> Sharing:
    """Opened; nothing is released yet. What a test does to a room's log is undone before the next one."""
    return world.once("witnessed", lambda: witnessed(world))


def witnessed(world: World) -> Sharing:
    made = opened(world, deals(0, 4, prefix="a"), deals(2, 8, prefix="g"), acme=showing, globex=showing)
    for agent in (made.acme, made.globex):
        witness(agent, made.view(agent))
    return made


def refusal(agent: Agent, room: Sharing) -> CleanroomError:
    """Why a sync stopped, with no step taken."""
    (result,) = sync.sync(agent, room.room)
    assert isinstance(result.problem, CleanroomError)
    assert result.steps == ()
    return result.problem


def released(room: Sharing) -> bool:
    return any(entry.type == "release-recorded/1" for entry in entries_of(room.world, room.room))


def test_both_keep_the_same_log_and_confirm_it_to_each_other(room: Sharing) -> None:
    room.settle()
    for agent in (room.acme, room.globex, room.acme):
        room.share(agent)
    mine, theirs = ledger.load(room.acme, room.room), ledger.load(room.globex, room.room)
    assert mine.leaves == theirs.leaves == [leaf(entry) for entry in entries_of(room.world, room.room)]
    assert mine.checkpoint == theirs.checkpoint
    assert ledger.Notes(newest=mine.notes.other).newest.count("\n— cleanroom/1/partners/") >= 1
    assert mine.checkpoint is not None
    assert mine.root(mine.checkpoint.size) == mine.checkpoint.root


def test_one_edited_row_stops_both_sides(room: Sharing) -> None:
    number, entry = next(
        (i, entry) for i, entry in enumerate(entries_of(room.world, room.room)) if isinstance(entry, KeyPublished)
    )
    edit_row(room.world, room.room, number, entry.model_copy(update={"document": "ab" * 32}))
    for agent in (room.acme, room.globex):
        problem = refusal(agent, room)
        assert isinstance(problem, LogInconsistent)
        assert f"entry {number} was rewritten" in str(problem)
        notes = ledger.load(agent, room.room).notes
        assert notes.conflicts == ()  # the checkpoint itself is the one that was witnessed
        assert f"entry {number} was rewritten" in notes.alarms[0]
    assert not released(room)


def without_last(leaves: Leaves) -> Leaves:
    return leaves[:-1]


def swapped(leaves: Leaves) -> Leaves:
    return [*leaves[:-2], leaves[-1], leaves[-2]]


def inserted(leaves: Leaves) -> Leaves:
    last = read_entry(leaves[-1])
    notice = NoticeSent(at=last.at, document="cd" * 32, kind="request", number=9, sender="ab" * 16)
    return [*leaves[:5], leaf(notice.model_copy(update={"at": read_entry(leaves[4]).at})), *leaves[5:]]


def softened(leaves: Leaves) -> Leaves:
    """A widening is no widening any more."""
    entries = [read_entry(data) for data in leaves]
    return [
        leaf(entry.model_copy(update={"widens": False}) if isinstance(entry, PolicyActivated) else entry)
        for entry in entries
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(without_last, "it was rolled back", id="cut by one"),
        pytest.param(softened, "was rewritten", id="softened"),
        pytest.param(inserted, "entry 5 was rewritten", id="inserted", marks=pytest.mark.soak),
        pytest.param(lambda leaves: leaves[:3], "it was rolled back", id="rolled back", marks=pytest.mark.soak),
        pytest.param(swapped, "was rewritten", id="swapped", marks=pytest.mark.soak),
        pytest.param(
            lambda leaves: [*leaves[:4], *leaves[5:], leaves[-1]],
            "entry 4 was rewritten",
            id="dropped",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_a_log_that_was_rewritten_stops_both_sides(
    room: Sharing, change: Callable[[Leaves], Leaves], said: str
) -> None:
    """Tree, checkpoint and signatures are all made anew: nothing but what the agents kept tells."""
    before = ledger.load(room.acme, room.room).checkpoint
    rewrite(room.world, room.room, change)
    for agent in (room.acme, room.globex):
        problem = refusal(agent, room)
        assert isinstance(problem, LogInconsistent)
        assert said in str(problem)
        assert f"Witnessed: {before}" in str(problem)
        assert "Shown: size" in str(problem)
        for _ in range(2):
            notes = ledger.load(agent, room.room).notes
            assert (len(notes.conflicts), len(notes.alarms)) == (1, 1)
            refusal(agent, room)
    assert not released(room)


def test_after_a_rewriting_nothing_is_believed_until_the_log_is_back(room: Sharing) -> None:
    kept: list[Leaves] = []
    rewrite(room.world, room.room, lambda leaves: kept.append(leaves) or leaves[:-1])
    assert isinstance(refusal(room.acme, room), LogInconsistent)
    rewrite(room.world, room.room, lambda _: kept[0])
    room.settle()
    assert len(room.table(room.globex)) == 2
    assert "rolled back" in ledger.load(room.acme, room.room).notes.alarms[0]


def test_a_checkpoint_of_another_key_is_refused(room: Sharing) -> None:
    forger = EscrowKey(Secret(bytes(range(32))))
    victim = with_second_log(room.acme, room.world)
    victim.escrow.key = forger
    assert isinstance(refusal(victim, room), CheckpointRefused)


def test_an_old_checkpoint_is_no_news(room: Sharing) -> None:
    old = room.acme.escrow.log(room.room, 0)

    class Frozen(EscrowClient):
        def log(self, _room: RoomId, _bundle: int) -> LogView:
            return old

    victim = replace(room.acme, escrow=Frozen(room.acme.escrow._transport))  # noqa: SLF001 - the same line
    room.world.clock.step(minutes=7)
    try:
        assert isinstance(refusal(victim, room), CheckpointStale)
    finally:
        room.world.clock.now -= timedelta(minutes=7)


def renamed(leaves: Leaves) -> Leaves:
    """A log of its own, which differs where the victim has not looked yet."""
    return [*leaves[:-1], leaf(read_entry(leaves[-1]).model_copy(update={"at": "2031-01-01T00:00:00Z"}))]


def test_what_the_other_side_cosigned_must_be_the_same_log(world: World) -> None:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex)
    world.put_list(acme, room, with_fields(deals(0, 6)))
    world.settle(acme, room=room)
    victim = with_second_log(globex, world, change=renamed)
    (result,) = sync.sync(victim, room)
    assert isinstance(result.problem, LogInconsistent)
    assert "Acme has cosigned another one" in str(result.problem)
    assert ledger.load(globex, room).leaves == []  # nothing of it is kept but the evidence
    assert len(ledger.load(globex, room).notes.conflicts) == 1


@pytest.mark.parametrize("who", ["opening", "release"])
def test_a_split_view_is_refused_at_the_first_exchange(world: World, who: str) -> None:
    """The escrow shows Globex another log from the start, and hides what Acme has cosigned."""
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    if who == "opening":
        room = world.room(acme, globex)
        victim = with_second_log(globex, world, change=forked_at(6), cosignatures=False)
    else:
        made = opened(world, deals(0, 4, prefix="a"), deals(2, 8, prefix="g"), acme=showing, globex=showing)
        room, size = made.room, len(entries_of(world, made.room))
        wish = Wish(field="notes", form=Form.FULL, segments=None)
        notices.request(acme, made.view(acme), [wish], "")  # the first entry that Globex is shown another one for
        victim = with_second_log(globex, world, change=forked_at(size), cosignatures=False)
    if who == "opening":
        for agent in (acme, globex):
            world.put_list(agent, room, with_fields(deals(0, 6)))
        world.settle(acme, victim, room=room, strict=False)
        agree(room, acme, globex)
    for _ in range(4):
        for agent in (acme, victim):
            sync.sync(agent, room)
    problems = [sync.sync(agent, room)[0].problem for agent in (acme, victim)]
    assert any(isinstance(problem, LogInconsistent) and f"{who}" in str(problem) for problem in problems), problems
    assert Sharing(world, acme, globex, room).table(globex, ADMIN).empty


def forked_at(size: int) -> Callable[[Leaves], Leaves]:
    """From entry `size` on each entry is a second later than in the real log."""

    def change(leaves: Leaves) -> Leaves:
        return [*leaves[:size], *(leaf(later(data)) for data in leaves[size:])]

    return change


def later(data: bytes) -> Entry:
    entry = read_entry(data)
    return entry.model_copy(update={"at": entry.at.replace("2026", "2027")})


def test_a_document_that_is_not_on_record_is_not_believed(room: Sharing) -> None:
    put_in_force(room.globex, room.room, policy(room.globex, STAGE, grant("more", Form.FULL, "notes")))
    real = entries_of(room.world, room.room)
    hidden = max(i for i, entry in enumerate(real) if isinstance(entry, PolicyActivated))
    victim = with_second_log(
        room.acme, room.world, change=lambda leaves: [*leaves[: hidden - 1], *leaves[hidden + 1 :]], cosignatures=False
    )
    problem = refusal(victim, room)
    assert isinstance(problem, NotOnRecord)
    assert "policy/1" in str(problem)


def test_the_operators_log_is_witnessed_by_a_consistency_proof(world: World) -> None:
    acme = world.agents["Acme"]
    first = witness_operator(acme)
    for number in range(3):
        world.enrol(f"Newcomer {number} {first.size}")
    second = witness_operator(acme)
    assert second.size > first.size

    class Shorter(EscrowClient):
        def log_checkpoint(self, log: str) -> str:
            assert log == "/v1/log"
            return signed_operator(world, first.size)

    liar = replace(acme, escrow=Shorter(acme.escrow._transport))  # noqa: SLF001 - the same line
    with pytest.raises(LogInconsistent, match=f"Witnessed: {second}"):
        witness_operator(liar)


def test_nothing_is_hidden_from_a_room_view(room: Sharing) -> None:
    """Every document of a view has its entry, receipts included."""
    view: RoomView = room.acme.escrow.room(room.room)
    room.settle()
    shown = {signed.digest() for signed in room.view(room.acme).documents}
    logged = {getattr(entry, name, None) for entry in entries_of(room.world, room.room) for name in DOCUMENTS}
    assert shown <= logged
    assert view.room == room.room
