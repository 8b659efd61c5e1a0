"""Requests, disputes and their resolution: words from people of one side to people of the other, sealed.

A dispute freezes its match on both sides at once: here before it is sent, there with the next sync. Only the side that
disputed can resolve. A notice is kept, sealed and signed, before it is sent, and sent again byte for byte after a
crash.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ValidationError

from cleanroom.agent.disputes import Dispute, Disputes, address, disputes
from cleanroom.agent.epochs import OUTDATED, HomeOutdated
from cleanroom.agent.kept import accounts_of_match
from cleanroom.agent.own_accounts import accounts_of, own_accounts
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import verified
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId
from cleanroom.messages.api import NoticeBody
from cleanroom.messages.documents import Count, Wire, instant, read_document
from cleanroom.messages.notices import (
    DisputedMatch,
    Notice,
    NoticeRefused,
    Wish,
    Words,
    notice_info,
    pad_words,
    unpad_words,
)
from cleanroom.messages.sealing import UnsealRefused, seal, unseal

Kind = Literal["request", "dispute", "resolution"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A match by its handles (16 bytes each) in one epoch."""

    epoch: int
    mine: bytes
    theirs: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One notice for people. `text` is None where the words cannot be unsealed or read; `is_open` is for disputes."""

    by: PartnerId
    number: int
    kind: Kind
    created: str
    match: Match | None
    text: str | None = field(repr=False)
    wishes: tuple[Wish, ...]
    is_open: bool


class Sent(Wire):
    """My own words: what is sealed to the other side nobody here can read again."""

    words: Words


class Waiting(Wire):
    """A notice that is signed and perhaps not delivered."""

    body: NoticeBody
    words: Words


class Numbers(Wire):
    """How many notices this agent has sent, as its vault knows."""

    sent: Count


def request(agent: Agent, room: Room, wishes: Sequence[Wish], text: str) -> int:
    """Ask the other side for forms of fields, or for cells. Gives the notice's number.

    Raises:
        InputRefused: if a wish names what the room does not have, or there are too many words.
    """
    known = {"account", *(entry.name for entry in room.terms.fields)}
    for wish in wishes:
        if wish.field not in known:
            raise InputRefused("request: a field that is not in the room's catalogue")
        if wish.segments is not None and not set(wish.segments) <= set(room.terms.segments):
            raise InputRefused("request: a segment that the room does not have")
    return _say(agent, room, "request", None, _spoken(text, wishes))


def dispute(agent: Agent, room: Room, match: Match, reason: str) -> int:
    """Say that a match is wrong: both sides release nothing more for it. Gives the notice's number.

    Raises:
        InputRefused: if this agent knows no such match, or disputes it already.
    """
    if any(item.by == agent.me for item in _about(agent, room.id, match)):
        raise InputRefused("dispute: this match is disputed already")
    if match not in _known(agent, room) and _kept_accounts(agent, room, match) is None:
        raise InputRefused("dispute: no match of this room has these handles")
    return _say(agent, room, "dispute", match, _spoken(reason))


def resolve(agent: Agent, room: Room, match: Match, text: str) -> int:
    """Say that a dispute of this partner's is settled. Gives the notice's number.

    Raises:
        InputRefused: if this partner has no open dispute about the match.
    """
    if not any(item.by == agent.me for item in _about(agent, room.id, match)):
        raise InputRefused("resolve: this partner has no open dispute about this match")
    return _say(agent, room, "resolution", match, _spoken(text))


def learn(agent: Agent, room: Room) -> int:
    """Finish what was not delivered, and take note of the other side's disputes. Says how many notices were new."""
    with agent.locked(f"notices-{room.id}"):
        _finish(agent, room)
        other = room.other.partner
        found = disputes(agent, room.id)
        fresh = room.notices[other][found.seen.get(other, 0) :]
        for item in fresh:
            found = _noted(agent, room, found, item.notice)
        if fresh:
            seen = {**found.seen, other: len(room.notices[other])}
            agent.save(address(room.id), found.model_copy(update={"seen": seen}))
        return len(fresh)


def said(agent: Agent, room: Room) -> tuple[Said, ...]:
    """All notices of a room that are delivered, oldest first."""
    found = disputes(agent, room.id)
    opened = {(item.by, item.number) for item in found.open}
    every = [item for chain in room.notices.values() for item in chain]
    every.sort(key=lambda item: (item.notice.created, item.notice.sender, item.notice.number))
    spoken = []
    for item in every:
        notice, words = item.notice, _words(agent, room, item.notice, item.words)
        spoken.append(
            Said(
                by=notice.sender,
                number=notice.number,
                kind=notice.kind,
                created=notice.created,
                match=_match(room, notice.match) if notice.match else None,
                text=words.text if words else None,
                wishes=words.wishes if words else (),
                is_open=(notice.sender, notice.number) in opened,
            )
        )
    return tuple(spoken)


def _spoken(text: str, wishes: Sequence[Wish] = ()) -> Words:
    try:
        return Words(text=text, wishes=tuple(wishes))
    except ValidationError:
        raise InputRefused("notice: more words, or more wishes, than one can carry") from None


def _say(agent: Agent, room: Room, kind: Kind, match: Match | None, words: Words) -> int:
    room.require_active()
    with agent.locked(f"notices-{room.id}"):
        _finish(agent, room)
        number = _sent(agent, room) + 1
        padded, info = pad_words(words), notice_info(room.id, agent.me, room.other.partner, number)
        sealed = seal(padded, bytes.fromhex(room.other.sealing_key), info)
        notice = Notice(
            room=room.id,
            sender=agent.me,
            recipient=room.other.partner,
            number=number,
            kind=kind,
            match=_named(room, match) if match else None,
            sealed=Digest(hashlib.sha256(sealed).hexdigest()),
            created=instant(agent.clock()),
        )
        body = NoticeBody(notice=agent.sign(notice), words=sealed.hex())
        with agent.vault.transaction():
            agent.save(address(room.id), _noted(agent, room, disputes(agent, room.id), notice))
            agent.save(_prefix(room.id) + "out", Waiting(body=body, words=words))
        _finish(agent, room)
        return number


def _finish(agent: Agent, room: Room) -> None:
    """Deliver the notice that waits, if one does."""
    waiting = agent.load(Waiting, _prefix(room.id) + "out")
    if waiting is None:
        return
    notice = read_document(Notice, waiting.body.notice.document)
    agent.escrow.put_notice(room.id, agent.me, notice.number, waiting.body)
    with agent.vault.transaction():
        agent.save(f"{_prefix(room.id)}sent/{notice.number}", Sent(words=waiting.words))
        agent.save(_prefix(room.id) + "numbers", Numbers(sent=notice.number))
        agent.vault.delete(_prefix(room.id) + "out")


def _sent(agent: Agent, room: Room) -> int:
    known = (agent.load(Numbers, _prefix(room.id) + "numbers") or Numbers(sent=0)).sent
    if len(room.notices[agent.me]) > known:
        raise HomeOutdated(OUTDATED)
    return known


def _noted(agent: Agent, room: Room, found: Disputes, notice: Notice) -> Disputes:
    """The open disputes after a notice; only who disputed can resolve."""
    if notice.match is None:
        return found
    match = _match(room, notice.match)
    others = tuple(item for item in found.open if not (item.by == notice.sender and _match_of(item) == match))
    if notice.kind == "resolution":
        return found.model_copy(update={"open": others})
    opened = Dispute(
        by=notice.sender,
        number=notice.number,
        epoch=match.epoch,
        mine=match.mine.hex(),
        theirs=match.theirs.hex(),
        accounts=_accounts(agent, room, match),
    )
    return found.model_copy(update={"open": (*others, opened)})


def _accounts(agent: Agent, room: Room, match: Match) -> tuple[str, ...]:
    """My accounts that a match is about: those that hold its keys, or held them when something was received."""
    for item in verified(agent, room):
        if Match(epoch=item.epoch, mine=item.mine, theirs=item.theirs) == match:
            holders = own_accounts(agent, room, item.keys)
            return tuple(account.id for account in accounts_of(item, holders, room.judge))
    return _kept_accounts(agent, room, match) or ()


def _kept_accounts(agent: Agent, room: Room, match: Match) -> tuple[str, ...] | None:
    return accounts_of_match(agent, room.id, (match.epoch, match.mine.hex(), match.theirs.hex()))


def _known(agent: Agent, room: Room) -> list[Match]:
    return [Match(epoch=item.epoch, mine=item.mine, theirs=item.theirs) for item in verified(agent, room)]


def _about(agent: Agent, room: RoomId, match: Match) -> tuple[Dispute, ...]:
    return tuple(item for item in disputes(agent, room).open if _match_of(item) == match)


def _words(agent: Agent, room: Room, notice: Notice, sealed: bytes) -> Words | None:
    if notice.sender == agent.me:
        mine = agent.load(Sent, f"{_prefix(room.id)}sent/{notice.number}")
        return mine.words if mine else None
    try:
        return unpad_words(unseal(sealed, agent.identity.sealing_key, notice.info()))
    except (UnsealRefused, NoticeRefused):
        return None  # what it says about a match counts all the same: it is signed


def _named(room: Room, match: Match) -> DisputedMatch:
    first, second = match.mine.hex(), match.theirs.hex()
    if room.terms.members[0].partner != room.me:
        first, second = second, first
    return DisputedMatch(epoch=match.epoch, first=first, second=second)


def _match(room: Room, named: DisputedMatch) -> Match:
    mine, theirs = bytes.fromhex(named.first), bytes.fromhex(named.second)
    if room.terms.members[0].partner != room.me:
        mine, theirs = theirs, mine
    return Match(epoch=named.epoch, mine=mine, theirs=theirs)


def _match_of(item: Dispute) -> Match:
    return Match(epoch=item.epoch, mine=bytes.fromhex(item.mine), theirs=bytes.fromhex(item.theirs))


def _prefix(room: RoomId) -> str:
    return f"notices/{room}/"
