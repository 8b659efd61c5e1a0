"""What P6 to P9 wait for in a room: approvals, openings, releases, words of the other side; whose turn it is."""

from collections.abc import Iterator

from cleanroom.agent import notices, reviews, suppress, users
from cleanroom.agent.decoy_hits import PartnerFrozen, require_not_frozen
from cleanroom.agent.disputes import disputes
from cleanroom.agent.looked import withdrawn_since
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import is_verified
from cleanroom.agent.waiting import Waiting, next_epoch
from cleanroom.domain.vocabulary import PartnerId, RoomState, RoundState
from cleanroom.messages.documents import instant
from cleanroom.messages.notices import Wish
from cleanroom.messages.policy_chain import ALONE_AFTER


def consent_waits(agent: Agent, room: Room) -> tuple[Waiting, ...]:
    """Everything of that kind, in the order of the protocol; nothing in a room that is not in force."""
    if room.state is not RoomState.ACTIVE or not room.in_force:
        return ()
    return (
        *_frozen(agent, room),
        *_policies(room),
        *_proposals(agent, room),
        *_openings(agent, room),
        *_reviews(agent, room),
        *_releases(room),
        *_disputes(agent, room),
        *_requests(agent, room),
        *_withdrawn(agent, room),
    )


def _frozen(agent: Agent, room: Room) -> Iterator[Waiting]:
    try:
        require_not_frozen(agent, room)
    except PartnerFrozen as error:
        yield Waiting(what=str(error), mine=True, since=None)


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
    if room.me not in round_.opened:
        answer = f"; {room.other.name}'s opening waits for yours until {round_.until}" if round_.until else ""
        what = f"Your agent has not opened the matches of agreed cells: cleanroom sync{answer}"
        yield Waiting(what=what, mine=True, since=None)
    if room.other.partner not in round_.opened:
        answer = f"; yours waits for theirs until {round_.until}, then openings end" if round_.until else ""
        what = f"{room.other.name}'s agent has not opened the matches of agreed cells{answer}."
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


def _reviews(agent: Agent, room: Room) -> Iterator[Waiting]:
    if number := reviews.waiting(agent, room):
        they = "it is" if number == 1 else "each is"
        what = (
            f"{_matches(number)} likely, not certain: nothing of yours is released before a person has said whether "
            f"{they} the same company: cleanroom matches review {_name(room)}"
        )
        yield Waiting(what=what, mine=True, since=None)


def _disputes(agent: Agent, room: Room) -> Iterator[Waiting]:
    opened = [item.by for item in disputes(agent, room.id).open]
    theirs, mine = opened.count(room.other.partner), opened.count(room.me)
    how = f"cleanroom dispute list {_name(room)}"
    if theirs:
        yield Waiting(what=f"{room.other.name} disputes {_matches(theirs)}: {how}", mine=False, since=None)
    if mine:
        yield Waiting(what=f"You dispute {_matches(mine)}: {how}", mine=True, since=None)


def _matches(number: int) -> str:
    return f"{number:,} match" + ("es" if number > 1 else "")


def _requests(agent: Agent, room: Room) -> Iterator[Waiting]:
    """What the other side has asked for since my policy was last changed: whatever came before is answered by it."""
    mine = room.policies.get(room.me)
    since = instant(mine[-1].since) if mine else ""
    for item in notices.said(agent, room):
        if item.kind == "request" and item.by != room.me and item.created > since:
            asked = "; ".join(_wish(wish) for wish in item.wishes) or "something"
            words = f' "{item.text}"' if item.text else ""
            yield Waiting(what=f"{room.other.name} asks for {asked}.{words}", mine=True, since=item.created)


def _wish(wish: Wish) -> str:
    where = f" in {wish.segments[0]} x {wish.segments[1]}" if wish.segments else ""
    return f"{wish.field} ({wish.form}){where}".replace("_", " ")


def _withdrawn(agent: Agent, room: Room) -> Iterator[Waiting]:
    number = withdrawn_since(agent, room.id)
    if number:
        fields = "field was" if number == 1 else "fields were"
        what = (
            f"{number:,} {fields} withdrawn by {room.other.name} since you last looked: "
            f"cleanroom shared --room {_name(room)}"
        )
        yield Waiting(what=what, mine=False, since=None)


def _next(room: Room) -> str:
    begins = next_epoch(room)
    return f"{begins} (at once: cleanroom policy refresh {_name(room)})" if begins else "which these terms do not reach"


def _name(room: Room) -> str:
    return room.id[:8]
