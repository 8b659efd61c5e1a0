"""P2: finding a room, locking it, and what its state allows. All that happens to a room goes through here.

The locking discipline, in one place:

1. a write finds its room with `locked`: one writer per room at a time, and what it reads is the newest;
2. a repeat of something already there is answered before any rule about the present is applied;
3. `working` gives the terms in force or refuses; only what has them can write lists, keys and evaluations;
4. `touched` moves the counters that members wait for, partners in order of their ids, so that no two writes deadlock;
5. a transaction that only reads asks for each thing once (`asked_once`): nothing that it sees changes before its end.

Somebody who is no member gets `NotFound` from `entered` and `locked`, as for a room that does not exist.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId, RoomState
from cleanroom.messages.api import RoomPage, RoomSummary
from cleanroom.messages.documents import D, moment, read_document
from cleanroom.messages.rooms import Member, Terms
from cleanroom.messages.signing import SignedDocument, open_document
from cleanroom.messages.terms_chain import amended_epochs, of_this_epoch
from escrow.consent_tables import PolicyRecord
from escrow.errors import EscrowError, NotFound, RoomClosed, RoomExpired, RoomNotActive
from escrow.pages import Page, cut
from escrow.tables import Membership, Partner, Room, TermsVersion

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far ahead of the escrow's a partner's clock may run."""

Query = TypeVar("Query", bound=Callable[..., Any])

# Statements that every look at a room needs are built once, not at every look: here, and below in this package.
_OF_MEMBER: Final = (
    select(Room)
    .join(Membership, Membership.room == Room.id)
    .where(Room.id == bindparam("room"), Membership.partner == bindparam("caller"))
)
_LOCKED: Final = _OF_MEMBER.with_for_update(of=Room)
_RESERVED: Final = select(Room).where(Room.id == bindparam("room"))
_VERSIONS: Final = select(TermsVersion).where(TermsVersion.room == bindparam("room")).order_by(TermsVersion.version)
_FRESH_EPOCHS: Final = select(func.count()).where(PolicyRecord.room == bindparam("room"), PolicyRecord.fresh_epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredRoom:
    """A room that the caller is a member of, inside a transaction.

    `known` is what a transaction that only reads was told already; a write has none.
    """

    session: Session
    row: Room
    caller: PartnerId
    now: datetime
    known: dict[Hashable, Any] | None = field(default=None, repr=False)

    @property
    def id(self) -> RoomId:
        """The room's name."""
        return RoomId(self.row.id)

    def versions(self) -> list[TermsVersion]:
        """All versions of the terms, oldest first, the pending one included."""
        return list(_versions(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingRoom(EnteredRoom):
    """A room whose terms are in force. `versions_in_force` are all terms that are or were, oldest first.

    `accepted` are the digests of those that this epoch's documents may name.

    `epoch` is the epoch now, by the escrow's clock, before anything that this transaction writes.
    """

    epoch: int
    terms: Terms
    digest: Digest
    versions_in_force: tuple[Terms, ...]
    accepted: frozenset[str]

    @property
    def me(self) -> Member:
        """The caller, as the terms name it."""
        return self.terms.member(self.caller)

    @property
    def other(self) -> Member:
        """The other member."""
        return self.terms.other(self.caller)

    def opened(self, kind: type[D], signed: SignedDocument) -> D:
        """The document, which the caller and nobody else must have signed. Raises DocumentRefused."""
        return open_document(kind, signed, {self.caller: bytes.fromhex(self.me.identity_key)})


def asked_once(query: Query) -> Query:
    """A query of a room (its first argument) by what can be compared. What it returns is shared: nobody alters it."""

    @wraps(query)
    def asked(room: EnteredRoom, *args: Hashable, **named: Hashable) -> object:
        if room.known is None:
            return query(room, *args, **named)
        question = (query, args, *named.items())
        if question not in room.known:
            room.known[question] = query(room, *args, **named)
        return room.known[question]

    return cast("Query", asked)


def entered(session: Session, room: RoomId, caller: PartnerId, now: datetime) -> EnteredRoom:
    """The room, only to be read. Raises NotFound."""
    return replace(_found(session, _OF_MEMBER, room, caller, now), known={})


def locked(session: Session, room: RoomId, caller: PartnerId, now: datetime) -> EnteredRoom:
    """The room, to be written: nobody else writes to it before this transaction ends. Raises NotFound."""
    return _found(session, _LOCKED, room, caller, now)


def locked_open(session: Session, partner: PartnerId) -> list[RoomId]:
    """All rooms of a partner that are not closed, locked in the order of their ids."""
    query = (
        select(Room.id)
        .join(Membership, Membership.room == Room.id)
        .where(Membership.partner == partner, Room.closed.is_(None))
        .order_by(Room.id)
        .with_for_update(of=Room)
    )
    return [RoomId(room) for room in session.scalars(query)]


def reserved(session: Session, room: RoomId, caller: PartnerId, now: datetime) -> EnteredRoom:
    """The room that this transaction has just made (`escrow.terms.reserve`), before it has members. Raises NotFound."""
    return _found(session, _RESERVED, room, caller, now)


def own(room: EnteredRoom, partner: PartnerId) -> None:
    """Nothing, where an address is the caller's own. Raises NotFound."""
    if partner != room.caller:
        raise NotFound


@asked_once
def in_force(room: EnteredRoom) -> WorkingRoom | None:
    """The room under the terms in force, if there are any: expired or not, closed or not."""
    valid = [version for version in room.versions() if version.in_force_since is not None]
    if not valid:
        return None
    versions = tuple(read_document(Terms, version.document) for version in valid)
    return WorkingRoom(
        session=room.session,
        row=room.row,
        caller=room.caller,
        now=room.now,
        known=room.known,
        epoch=versions[-1].epoch_at(room.now, fresh=_policies_epochs(room) + amended_epochs(versions)),
        terms=versions[-1],
        digest=Digest(valid[-1].digest),
        versions_in_force=versions,
        accepted=frozenset(version.digest for version in valid[-len(of_this_epoch(versions)) :]),
    )


def working(room: EnteredRoom) -> WorkingRoom:
    """The room, open for work.

    Raises:
        RoomClosed, RoomNotActive, RoomExpired: it is not.
    """
    require_open(room)
    current = in_force(room)
    if current is None:
        raise RoomNotActive("room: not every member has signed the terms yet")
    if is_expired(current):
        raise RoomExpired("room: the terms have expired; renew them")
    return current


def require_open(room: EnteredRoom) -> None:
    """Nothing, unless the room was declined or left. Raises RoomClosed."""
    if room.row.closed is not None:
        raise RoomClosed("room: it was declined or left, and stays closed")


def is_expired(room: WorkingRoom) -> bool:
    """Whether the terms in force have expired."""
    return room.now >= moment(room.terms.expires)


def state(room: EnteredRoom) -> RoomState:
    """Where the room is in its life."""
    current = in_force(room)
    return _state(room.row, current.terms if current else None, room.now)


def not_in_the_future(created: str, room: EnteredRoom, refusal: type[EscrowError]) -> None:
    """Nothing, unless a document claims to come from the future: then `refusal` is raised."""
    if moment(created) > room.now + CLOCK_SKEW:
        raise refusal("created: in the future, by the escrow's clock")


def proposed_epoch(room: EnteredRoom) -> int:
    """The epoch that a room will be in whose first terms are only proposed."""
    return read_document(Terms, room.versions()[-1].document).epoch_at(room.now, fresh=0)


def _policies_epochs(room: EnteredRoom) -> int:
    """How many epochs were begun by a policy: one that narrows ends what could be followed until then."""
    return room.session.scalar(_FRESH_EPOCHS, {"room": room.id}) or 0


def touched(room: EnteredRoom) -> None:
    """Tell the members that something they can see has changed."""
    room.session.flush()
    room.session.execute(update(Room).where(Room.seq == room.row.seq).values(change=Room.change + 1))
    members = room.session.scalars(select(Membership.partner).where(Membership.room == room.row.id))
    for partner in sorted(members):
        room.session.execute(update(Partner).where(Partner.id == partner).values(change=Partner.change + 1))


def mine(session: Session, caller: PartnerId, page: Page, now: datetime) -> RoomPage:
    """The caller's rooms, oldest first."""
    query = (
        select(Room)
        .join(Membership, Membership.room == Room.id)
        .where(Membership.partner == caller, Room.seq > page.after)
        .order_by(Room.seq)
        .limit(page.limit + 1)
    )
    found, following = cut(session.scalars(query).all(), page, cursor=lambda row: row.seq)
    versions: dict[str, list[TermsVersion]] = {row.id: [] for row in found}
    for version in session.scalars(
        select(TermsVersion).where(TermsVersion.room.in_(versions)).order_by(TermsVersion.version)
    ):
        versions[version.room].append(version)
    return RoomPage(rooms=tuple(_summary(row, versions[row.id], now) for row in found), next=following)


def _summary(row: Room, versions: list[TermsVersion], now: datetime) -> RoomSummary:
    valid = [version for version in versions if version.in_force_since is not None]
    terms = read_document(Terms, (valid or versions)[-1].document)
    return RoomSummary(
        room=RoomId(row.id),
        state=_state(row, terms if valid else None, now),
        title=terms.title,
        members=tuple(member.partner for member in terms.members),
        change=row.change,
    )


def _state(row: Room, in_force: Terms | None, now: datetime) -> RoomState:
    if row.closed is not None:
        return RoomState(row.closed)
    if in_force is None:
        return RoomState.PROPOSED
    return RoomState.EXPIRED if now >= moment(in_force.expires) else RoomState.ACTIVE


@asked_once
def _versions(room: EnteredRoom) -> tuple[TermsVersion, ...]:
    return tuple(room.session.scalars(_VERSIONS, {"room": room.id}))


def _found(session: Session, query: Select[Room], room: RoomId, caller: PartnerId, now: datetime) -> EnteredRoom:
    row = session.scalar(query, {"room": room, "caller": caller})
    if row is None:
        raise NotFound
    return EnteredRoom(session=session, row=row, caller=caller, now=now)
