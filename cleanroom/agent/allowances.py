"""What two people of this partner allow: that counts are shown by a weaker mode, or that more answers are given.

The author's signature is kept here as a draft; it is sent once another person has signed the same words. Nobody allows
anything alone, however long they wait. A draft that terms, roster or another allowance have overtaken is none.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field

from cleanroom.agent import users
from cleanroom.agent.policies import ApproverIsAuthor, NoDraft, NotAnApprover
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.agent.witness import witness
from cleanroom.domain.errors import NotPossibleNow
from cleanroom.domain.vocabulary import Digest, RoomId
from cleanroom.messages.counting import Allowance, is_weaker
from cleanroom.messages.documents import Wire, as_tuple, instant, read_document
from cleanroom.messages.rooms import Terms
from cleanroom.messages.signing import Signature, SignedDocument
from cleanroom.messages.users import APPROVERS, Roster


class NothingToChange(NotPossibleNow):
    """No terms wait for signatures that would count by a weaker mode, or there is no budget to refill."""

    code = "nothing_to_change"


class DraftAllowance(Wire):
    """An allowance that its author has signed, and nobody else yet."""

    document: str
    signatures: Annotated[tuple[Signature, ...], BeforeValidator(as_tuple), Field(min_length=1)]


def allowances_prefix(room: RoomId) -> str:
    """Where the vault keeps the draft of a room."""
    return f"allowances/{room}/"


def refill(agent: Agent, room_id: RoomId, author: UserSession, *, answers: int) -> Allowance:
    """Write down that so many more answers about this partner's list may be given; it waits for a second person.

    Raises:
        RoomNotActive: the room is not in force.
        NothingToChange: its terms have no budget.
        NotAnApprover: the author may not allow anything.
    """
    with agent.locked("allowances"):
        users.publish(agent)
        room = open_room(agent, room_id)
        room.require_active()
        if room.terms.counting.caps != "budget":
            raise NothingToChange(f"room {room.terms.title}: its terms have no budget of answers to refill")
        return _begin(agent, room, author, act="refill", terms=room.terms.digest(), units=answers)


def allow_weaker(agent: Agent, room_id: RoomId, author: UserSession) -> Allowance:
    """Write down that the terms that wait for signatures may weaken how counts are shown.

    Raises:
        NothingToChange: no such terms wait.
        NotAnApprover: the author may not allow anything.
    """
    with agent.locked("allowances"):
        users.publish(agent)
        room = open_room(agent, room_id)
        terms = weaker_terms(room)
        if terms is None:
            raise NothingToChange(f"room {room.terms.title}: no terms wait that would weaken how counts are shown")
        return _begin(agent, room, author, act="weaker_counting", terms=terms.digest(), units=0)


def approve(agent: Agent, room_id: RoomId, approver: UserSession, *, shown: Digest | None = None) -> Allowance:
    """Sign the draft as a second person, and put it on record. `shown`: the digest of what the person has seen.

    Raises:
        NoDraft: nothing waits, or something else than was shown.
        NotAnApprover, ApproverIsAuthor: the user may not approve, or not this.
        NotOnRecord: the escrow has not put it into the log.
    """
    with agent.locked("allowances"):
        users.publish(agent)
        room = open_room(agent, room_id)
        allowance = pending(agent, room)
        record = agent.load(DraftAllowance, _draft(room_id))
        if allowance is None or record is None or shown not in (None, allowance.digest()):
            raise NoDraft("allowance: nothing waits for an approval, or something else than was shown")
        _require_approver(approver, _roster(agent))
        if approver.id == allowance.author:
            raise ApproverIsAuthor("allowance: it takes two people; its author cannot be the second one")
        signature = approver.signature(allowance.type, record.document)
        signed = SignedDocument(document=record.document, signatures=(*record.signatures, signature))
        agent.escrow.put_allowance(room_id, agent.me, allowance.number, signed)
        agent.vault.delete(_draft(room_id))
        witness(agent, open_room(agent, room_id))
        return allowance


def pending(agent: Agent, room: Room) -> Allowance | None:
    """The allowance that waits for a second person, if there is one that could still be put on record."""
    record = agent.load(DraftAllowance, _draft(room.id))
    if record is None:
        return None
    allowance, roster = read_document(Allowance, record.document), users.newest_roster(agent)
    weaker = weaker_terms(room)
    about = room.terms if allowance.act == "refill" else weaker
    follows = allowance.number == _next(agent, room) and about is not None and allowance.terms == about.digest()
    return allowance if follows and roster is not None and allowance.roster == roster.digest() else None


def weaker_terms(room: Room) -> Terms | None:
    """The terms that wait for signatures and would weaken how counts are shown.

    Of the first terms of a room it is not known here: it depends on what was answered in other rooms of the two.
    """
    if not room.in_force:
        return room.terms
    rule = room.counting.rule
    return room.pending if room.pending and rule and is_weaker(room.pending.counting, rule) else None


def _begin(  # noqa: PLR0913 - what, about what, by whom
    agent: Agent, room: Room, author: UserSession, *, act: str, terms: Digest, units: int
) -> Allowance:
    roster = _roster(agent)
    _require_approver(author, roster)
    if len(roster.approvers()) < 2:  # noqa: PLR2004 - two people
        raise NotAnApprover("allowance: it takes two people, and this partner has only one who may sign it")
    allowance = Allowance.model_validate(
        {
            "room": room.id,
            "partner": agent.me,
            "number": _next(agent, room),
            "act": act,
            "terms": terms,
            "units": units,
            "roster": roster.digest(),
            "author": author.id,
            "created": instant(agent.clock()),
        }
    )
    text = allowance.text()
    signatures = (agent.signature(allowance.type, text), author.signature(allowance.type, text))
    agent.save(_draft(room.id), DraftAllowance(document=text, signatures=signatures))
    return allowance


def _next(agent: Agent, room: Room) -> int:
    return len(room.counting.allowances[agent.me]) + 1


def _roster(agent: Agent) -> Roster:
    roster = users.newest_roster(agent)
    if roster is None:
        raise NotAnApprover("allowance: this partner has no users yet; add an admin first")
    return roster


def _require_approver(user: UserSession, roster: Roster) -> None:
    entry = roster.user(user.id)
    if entry is None or entry.role not in APPROVERS:
        raise NotAnApprover("allowance: this user is not in the roster in a role that may write and approve policies")


def _draft(room: RoomId) -> str:
    return allowances_prefix(room) + "draft"
