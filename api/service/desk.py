"""What every route works with: the database, the escrow's key, the clock. One request, one transaction, here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeVar

from fastapi import Body, Depends, Path, Query, Request
from sqlalchemy.orm import Session

from api.service import examples
from api.service.bell import Bell
from cleanroom.domain.clock import Clock
from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId
from cleanroom.messages.api import Accepted
from cleanroom.messages.documents import DigestText, PartnerName, RoomName, Wire
from escrow import rooms
from escrow.database import Database
from escrow.errors import EscrowError
from escrow.identity import EscrowKey
from escrow.pages import MOST_ON_A_PAGE, Page
from escrow.rooms import EnteredRoom

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The parts of one running service. `host` is the partner that operates it, if one does."""

    database: Database
    key: EscrowKey
    clock: Clock
    host: PartnerId | Literal[""] = ""
    bell: Bell = field(default_factory=Bell)

    def read(self, work: Callable[[Session], T]) -> T:
        """What `work` makes of one consistent state of the database."""
        return self.database.read(work)

    def write(self, work: Callable[[Session], Digest | EscrowError]) -> Accepted:
        """Do one write and wake whoever waits. A refusal that `work` returns is raised once all is durable."""
        result = self.database.write(work)
        self.bell.ring()
        if isinstance(result, EscrowError):
            raise result
        return Accepted(digest=result)

    def write_room(
        self, room: RoomId, caller: PartnerId, work: Callable[[EnteredRoom], Digest | EscrowError]
    ) -> Accepted:
        """Do one write to a room of the caller's, alone in it."""
        return self.write(lambda session: work(rooms.locked(session, room, caller, self.clock())))

    def read_room(self, room: RoomId, caller: PartnerId, work: Callable[[EnteredRoom], T]) -> T:
        """What `work` makes of a room of the caller's."""
        return self.read(lambda session: work(rooms.entered(session, room, caller, self.clock())))


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _caller(request: Request) -> PartnerId:
    partner: PartnerId = request.state.partner
    return partner


def _page(
    after: Annotated[int, Query(ge=0, le=2**53 - 1, description="cursor: `next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE, description="how many")] = 50,
) -> Page:
    return Page(after=after, limit=limit)


TheDesk = Annotated[Desk, Depends(_desk)]
Caller = Annotated[PartnerId, Depends(_caller)]
"""Who signed the request, as `api.service.signatures` has verified."""
ThePage = Annotated[Page, Depends(_page)]

PartnerPath = Annotated[PartnerName, Path(description="partner id", examples=["0f" * 16])]
RoomPath = Annotated[RoomName, Path(description="room id", examples=["a1" * 16])]
DigestPath = Annotated[DigestText, Path(description="SHA-256 of a snapshot document", examples=["c3" * 32])]
EpochPath = Annotated[int, Path(ge=0, le=2**31 - 1, description="epoch, from 0")]
NumberPath = Annotated[int, Path(ge=1, le=2**31 - 1, description="batch number, from 1")]
VersionPath = Annotated[int, Path(ge=1, le=2**31 - 1, description="version of the terms, from 1")]
IndexPath = Annotated[int, Path(ge=0, le=99_999, description="chunk, from 0")]


class EmptyBody(Wire):
    """An empty JSON object."""


Nothing = Annotated[EmptyBody, Body(openapi_examples=examples.NOTHING)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochAddress:
    """Where something of one partner is, in one epoch of one room."""

    room: RoomPath
    epoch: EpochPath
    partner: PartnerPath


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAddress:
    """Where one batch of one partner is, committed or evaluated."""

    room: RoomPath
    epoch: EpochPath
    partner: PartnerPath
    number: NumberPath


AtEpoch = Annotated[EpochAddress, Depends()]
AtBatch = Annotated[BatchAddress, Depends()]
