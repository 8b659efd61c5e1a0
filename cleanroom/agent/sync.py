"""What a room needs of this agent, done: from the epoch's key to the exchange of fields. Then again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cleanroom.agent import (
    agreements,
    commit,
    disclosed,
    evaluate,
    guesses,
    maturity,
    notices,
    opening,
    openings_received,
    probes,
    receive,
    release,
)
from cleanroom.agent.archive import archive
from cleanroom.agent.committed import head
from cleanroom.agent.decoy_hits import PartnerFrozen
from cleanroom.agent.epochs import HomeOutdated, accepted_key, publish_key
from cleanroom.agent.guess_rules import GuessesWait
from cleanroom.agent.lists import stored
from cleanroom.agent.opening_waits import OpeningsWait, RoundNotReady
from cleanroom.agent.operator_log import was_just_witnessed, witness_operator
from cleanroom.agent.recipes import require_rule, upgrade_waits
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.waiting import Waiting
from cleanroom.agent.witness import tell, witness
from cleanroom.domain.errors import CleanroomError, InputRefused
from cleanroom.domain.vocabulary import RoomId, RoomState
from cleanroom.messages.api import RoomSummary
from matching.refusal import Refusal

Problem = CleanroomError | Refusal

POLL_SECONDS = 20
"""How long one long poll may take. Answers that fall due by time alone are seen at the next one."""


MOST_PASSES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What one pass did in one room: the steps taken, and - if it stopped at one - why.

    `upgrade`: what has to be upgraded before long, the room or an agent, if anything has.
    """

    room: RoomId
    title: str
    steps: tuple[str, ...]
    problem: Problem | None = None
    upgrade: Waiting | None = None


def sync(agent: Agent, only: RoomId | None = None) -> list[Synced]:
    """Do everything that active rooms need of this agent now, until nothing is left that it could do alone.

    One room's problem does not stop the others; it is in the result. What is kept of rooms that a member has left is
    deleted.
    """
    mine = [room for room in list(agent.escrow.rooms()) if only is None or room.room == only]
    refused = _operator_log(agent)
    done = [_synced(agent, room, refused) for room in mine if room.state is RoomState.ACTIVE]
    left = [_forgotten(agent, room) for room in mine if room.state is RoomState.LEFT]
    return done + [item for item in left if item.steps or item.problem]


def watch(
    agent: Agent, only: RoomId | None = None, *, stop: Callable[[], bool] = lambda: False
) -> Iterator[list[Synced]]:
    """Sync, wait until something of mine changes, and again, until `stop` says so. Yields each pass's result."""
    change, patience = 0, 0
    while not stop():
        # The counter is read before the work: what changes while we work wakes the next pass at once.
        seen = agent.escrow.wait_for_change(change, patience)
        yield sync(agent, only)
        change, patience = seen, POLL_SECONDS


def _operator_log(agent: Agent) -> Problem | None:
    """Why nothing may be done at this escrow, if the operator's log does not hold."""
    try:
        if not was_just_witnessed(agent):
            witness_operator(agent)
    except CleanroomError as error:
        return error
    return None


def _forgotten(agent: Agent, room: RoomSummary) -> Synced:
    steps: tuple[str, ...] = ()
    problem: Problem | None = None
    try:
        if agreements.forget_left(agent, room.room):
            steps = ("deleted what was kept of it: a member has left",)
    except CleanroomError as error:
        problem = error
    return Synced(room=room.room, title=room.title, steps=steps, problem=problem)


def _synced(agent: Agent, room: RoomSummary, refused: Problem | None) -> Synced:
    steps: list[str] = []
    problem: Problem | None = None
    upgrade: Waiting | None = None
    if refused is not None:
        return Synced(room=room.room, title=room.title, steps=(), problem=refused)
    try:
        with agent.locked(f"sync-{room.room}"):
            # Bounded, so that an escrow that hides what it was given cannot keep this agent busy for ever.
            for _ in range(MOST_PASSES):
                found = open_room(agent, room.room)
                upgrade = upgrade_waits(agent, found)
                work, problem = _pass(agent, found)
                steps += work
                if not work:
                    break
            tell(agent, room.room)
    except HomeOutdated as error:
        guesses.note_outdated(agent)
        problem = error
    except (CleanroomError, Refusal) as error:
        problem = error
    return Synced(room=room.room, title=room.title, steps=tuple(steps), problem=problem, upgrade=upgrade)


def _pass(agent: Agent, room: Room) -> tuple[list[str], Problem | None]:
    """One look at the room, and every step that is possible now, in the order of the protocol.

    A list of this agent's that cannot go as it is stops nothing else: the other side's is evaluated all the same.
    """
    steps: list[str] = []
    problem: Problem | None = None
    # The escrow says that it is active; the signatures may say otherwise.
    room.require_active()
    require_rule(room.terms)
    archive(agent, room.id, room.documents)
    witness(agent, room)
    if publish_key(agent, room):
        steps.append("published the epoch's key")
        room = open_room(agent, room.id)
    accepted_key(agent, room)
    maturity.look(agent, room)
    if (_has_list(agent, room) or head(agent, room)) and commit.commit_due(agent, room):
        before = head(agent, room)
        try:
            commit.commit(agent, room)
        except (InputRefused, Refusal) as error:
            problem = error
        # Not the report's number: it may be an interrupted batch that was brought to its end.
        newest = head(agent, room)
        if newest is not None and newest != before:
            steps.append(f"committed batch {newest.number}")
            room = open_room(agent, room.id)
    evaluated, held = _evaluated(agent, room)
    steps += evaluated
    for step, words in (
        (evaluate.sign_roots, "signed the evaluation's roots"),
        (evaluate.upload_rows, "uploaded the evaluation"),
        (probes.tell, "told which entries of the list were probes"),
    ):
        if step(agent, room):
            steps.append(words)
            room = open_room(agent, room.id)
    opened, waits = _opened(agent, room)
    if opened:
        room = open_room(agent, room.id)
    # Whoever opens second finds the round exchanged at once; what is released names it, so it is verified first.
    if openings_received.verify_round(agent, room):
        opened.append("verified the other side's opening")
    exchanged, stopped = _exchanged(agent, room)
    return steps + opened + exchanged, problem or held or waits or stopped


def _evaluated(agent: Agent, room: Room) -> tuple[list[str], Problem | None]:
    """P4, steps 1 to 4. A batch beyond a limit to guessing waits for a person, and stops nothing else."""
    try:
        return ["evaluated the other side's list"] if evaluate.evaluate(agent, room) else [], None
    except GuessesWait as error:
        return [], error


def _opened(agent: Agent, room: Room) -> tuple[list[str], Problem | None]:
    """P7, if it can be now."""
    try:
        return ["opened the matches of agreed cells"] if opening.open_round(agent, room) else [], None
    except RoundNotReady:
        return [], None  # a list, an evaluation or a policy is on its way; the next pass sees
    except OpeningsWait as error:
        return [], error


def _exchanged(agent: Agent, room: Room) -> tuple[list[str], Problem | None]:
    """P9, both directions: what the policies no longer give goes first, and nothing of a disputed match moves."""
    steps = []
    if learned := notices.learn(agent, room):
        steps.append(f"read {learned} notice{'s' if learned > 1 else ''}")
    if dropped := receive.withdraw(agent, room):
        steps.append(f"dropped {dropped} value{'s' if dropped > 1 else ''} that {room.other.name} has withdrawn")
    stopped: Problem | None = None
    try:
        if release.release(agent, room):
            steps.append("released what may be shared")
            room = open_room(agent, room.id)
    except PartnerFrozen as error:
        stopped = error
    # Before what came is read: a release that is refused does not hide that mine was handed over.
    disclosed.note_handed_over(agent, room)
    disclosed.note_withdrawn(agent, room)
    if receive.receive(agent, room):
        steps.append("received what the other side shares")
    return steps, stopped


def _has_list(agent: Agent, room: Room) -> bool:
    return any(item.rooms is None or room.id in item.rooms for item in stored(agent))
