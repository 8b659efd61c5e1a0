"""What P6 to P9 wait for in a room: approvals, openings, releases; who has to do what, and since when."""

from collections.abc import Iterator

from cleanroom.agent import suppress, users
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import is_verified
from cleanroom.agent.waiting import Waiting, next_epoch
from cleanroom.domain.vocabulary import PartnerId, RoomState, RoundState
from cleanroom.messages.documents import instant
from cleanroom.messages.policy_chain import ALONE_AFTER


def consent_waits(agent: Agent, room: Room) -> tuple[Waiting, ...]:
    """Everything of that kind, in the order of the protocol; nothing in a room that is not in force."""
    if room.state is not RoomState.ACTIVE or not room.in_force:
        return ()
    return (*_policies(room), *_proposals(agent, room), *_openings(agent, room), *_releases(room))


def _policies(room: Room) -> Iterator[Waiting]:
    mine, theirs = room.policies.get(room.me), room.policies.get(room.other.partner)
    if theirs and not mine:
        what = f"{room.other.name} has a policy, you have none: cleanroom policy init {_name(room)}"
        yield Waiting(what=what, mine=True, since=instant(theirs[0].since))
    if mine and not theirs:
        what = f"{room.other.name} has no policy yet."
        yield Waiting(what=what, mine=False, since=instant(mine[0].since))


def _proposals(agent: Agent, room: Room) -> Iterator[Waiting]:
    mine, theirs = room.proposals.get(room.me), room.proposals.get(room.other.partner)
    if mine is not None:
        approvers = _approvers(agent, mine.document.author)
        if approvers:
            how = f"{' or '.join(approvers)} may approve: cleanroom policy approve {_name(room)} --user NAME"
        else:
            how = f"its author may approve alone from {instant(mine.received + ALONE_AFTER)} on"
        what = f"Your policy, version {mine.document.version}, waits for its approval; {how}"
        yield Waiting(what=what, mine=True, since=instant(mine.received))
    if theirs is not None:
        what = f"{room.other.name}'s policy, version {theirs.document.version}, waits for its approval there."
        yield Waiting(what=what, mine=False, since=instant(theirs.received))


def _approvers(agent: Agent, author: str) -> list[str]:
    roster = users.newest_roster(agent)
    may = {entry.user for entry in roster.approvers()} - {author} if roster else set()
    return [user.name for user in users.users(agent) if user.id in may]


def _openings(agent: Agent, room: Room) -> Iterator[Waiting]:
    if room.openings_lapsed:
        what = (
            "Openings have ended: one was not answered in 72 hours. New terms begin them again: "
            f"cleanroom room renew {_name(room)}"
        )
        yield Waiting(what=what, mine=True, since=None)
        return
    if not room.sides(room.me).agreed_cells(agent.clock()):
        return
    yield from _round(agent, room)
    if suppress.must_wait(agent, room):
        what = (
            "An account that you suppressed was committed in this epoch: nothing more is opened before the next one, "
            f"{_next(room)}"
        )
        yield Waiting(what=what, mine=True, since=None)
    elif any(chain and chain[-1].number > 1 for chain in room.snapshots.values()):
        what = f"Matches that came by a later change on one side only are opened in the next epoch, {_next(room)}"
        yield Waiting(what=what, mine=False, since=None)


def _round(agent: Agent, room: Room) -> Iterator[Waiting]:
    round_ = room.round
    if round_ is None or not round_.rows:
        return
    if round_.state is RoundState.EXCHANGED and not is_verified(agent, room, round_.number):
        what = "The other side's opening is here and not verified yet: cleanroom sync"
        yield Waiting(what=what, mine=True, since=None)
    if round_.state is not RoundState.OPEN:
        return
    until = f" It must be answered until {round_.until}." if round_.until else ""
    if room.me not in round_.opened:
        what = f"Your agent has not opened the matches of agreed cells: cleanroom sync.{until}"
        yield Waiting(what=what, mine=True, since=None)
    if room.other.partner not in round_.opened:
        what = f"{room.other.name}'s agent has not opened the matches of agreed cells.{until}"
        yield Waiting(what=what, mine=False, since=None)


def _releases(room: Room) -> Iterator[Waiting]:
    round_ = room.round
    if round_ is None or round_.state is not RoundState.EXCHANGED:
        return
    if _released(room, room.me) < round_.number:
        what = "Your agent has not released the fields of the opened matches: cleanroom sync"
        yield Waiting(what=what, mine=True, since=None)
    elif _released(room, room.other.partner) < round_.number:
        # Only now: the escrow shows a release of theirs not before mine.
        what = f"{room.other.name}'s agent has not released the fields of the opened matches."
        yield Waiting(what=what, mine=False, since=None)


def _released(room: Room, partner: PartnerId) -> int:
    """The newest round that a member has released for; 0 if none."""
    chain = room.releases.get(partner, ())
    return chain[-1].round if chain else 0


def _next(room: Room) -> str:
    begins = next_epoch(room)
    return f"{begins} (at once: cleanroom policy refresh {_name(room)})" if begins else "which these terms do not reach"


def _name(room: Room) -> str:
    return room.id[:8]
