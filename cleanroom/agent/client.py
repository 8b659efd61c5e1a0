"""The escrow's API, call by call, as the agent uses it. Bytes are checked here for shape; trust is built in `rooms`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from cleanroom.agent.transport import Transport
from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId
from cleanroom.messages.api import (
    Accepted,
    AnswerPage,
    Changes,
    ChunkList,
    EnrolRequest,
    EscrowInfo,
    LogView,
    NoticeBody,
    PartnerPage,
    RoomPage,
    RoomSummary,
    RoomView,
    SignatureBody,
)
from cleanroom.messages.batches import MEDIA_TYPE
from cleanroom.messages.documents import DocumentRefused, Wire
from cleanroom.messages.lists import Evaluation
from cleanroom.messages.signing import Signature, SignedDocument
from matching.tiles import tile_name

W = TypeVar("W", bound=Wire)

JSON = "application/json"
SEALED = "application/octet-stream"
NOTE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch stands: a partner's snapshot, or its evaluation of the other side's, by room, epoch and number."""

    room: RoomId
    epoch: int
    partner: PartnerId
    number: int

    @property
    def snapshot(self) -> str:
        """Path of the partner's own batch."""
        return f"/v1/rooms/{self.room}/epochs/{self.epoch}/snapshots/{self.partner}/{self.number}"

    @property
    def evaluated(self) -> str:
        """Path of the partner's evaluation of the other side's batch."""
        return f"/v1/rooms/{self.room}/epochs/{self.epoch}/evaluations/{self.partner}/batches/{self.number}"


@dataclass(frozen=True, slots=True)
class OpeningPlace:
    """Where a partner's opening of a round stands."""

    room: RoomId
    round: int
    partner: PartnerId

    @property
    def path(self) -> str:
        """Path of the opening."""
        return f"/v1/rooms/{self.room}/rounds/{self.round}/openings/{self.partner}"


@dataclass(frozen=True, slots=True)
class ReleasePlace:
    """Where a partner's release stands."""

    room: RoomId
    epoch: int
    partner: PartnerId
    number: int

    @property
    def path(self) -> str:
        """Path of the release."""
        return f"/v1/rooms/{self.room}/epochs/{self.epoch}/releases/{self.partner}/{self.number}"


def log_of(room: RoomId) -> str:
    """Path of a room's log."""
    return f"/v1/rooms/{room}/log"


OPERATOR_LOG = "/v1/log"
"""Path of the operator's log."""


class EscrowClient:
    """Typed calls to one escrow. Every write may be repeated: the same bytes get the same answer."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def info(self) -> EscrowInfo:
        """What the escrow says of itself."""
        return self._get(EscrowInfo, "/v1/escrow")

    def enrol(self, partner: PartnerId, request: EnrolRequest) -> None:
        """Register this partner's keys with the secret of an invite."""
        self._put(f"/v1/partners/{partner}", request)

    def partners(self) -> Iterator[SignedDocument]:
        """The directory: signed enrolments, in order of enrolment."""
        after: int | None = 0
        while after is not None:
            page = self._get(PartnerPage, "/v1/partners", {"after": str(after)})
            yield from page.partners
            after = page.next

    def rooms(self) -> Iterator[RoomSummary]:
        """My rooms, oldest first."""
        after: int | None = 0
        while after is not None:
            page = self._get(RoomPage, "/v1/rooms", {"after": str(after)})
            yield from page.rooms
            after = page.next

    def room(self, room: RoomId) -> RoomView:
        """All that I may see of a room."""
        return self._get(RoomView, f"/v1/rooms/{room}")

    def put_terms(self, room: RoomId, version: int, signed: SignedDocument) -> None:
        """Propose terms."""
        self._put(f"/v1/rooms/{room}/terms/{version}", signed)

    def put_signature(self, room: RoomId, version: int, partner: PartnerId, signature: Signature) -> None:
        """Accept terms."""
        self._put(f"/v1/rooms/{room}/terms/{version}/signatures/{partner}", SignatureBody(signature=signature))

    def put_withdrawal(self, room: RoomId, partner: PartnerId, signed: SignedDocument) -> None:
        """Decline a proposal, or leave a room."""
        self._put(f"/v1/rooms/{room}/withdrawals/{partner}", signed)

    def put_key(self, room: RoomId, epoch: int, partner: PartnerId, signed: SignedDocument) -> None:
        """Publish the epoch's key."""
        self._put(f"/v1/rooms/{room}/epochs/{epoch}/keys/{partner}", signed)

    def held_chunks(self, place: Place) -> tuple[Digest, ...]:
        """Which chunks of a snapshot in the making the escrow already has."""
        return self._get(ChunkList, f"{place.snapshot}/chunks").held

    def put_sealed_chunk(self, place: Place, index: int, sealed: bytes) -> None:
        """Upload one sealed chunk of a snapshot."""
        self._send(f"{place.snapshot}/chunks/{index}", sealed, SEALED)

    def put_snapshot(self, place: Place, signed: SignedDocument) -> None:
        """Commit a snapshot whose chunks are uploaded."""
        self._put(place.snapshot, signed)

    def sealed_chunk(self, place: Place, index: int) -> bytes:
        """Download one sealed chunk of the other side's snapshot."""
        return self._transport.request("GET", f"{place.snapshot}/chunks/{index}")

    def put_evaluation(self, evaluation: Evaluation, signed: SignedDocument) -> None:
        """Deliver the signed roots of an evaluation."""
        of = f"evaluations/{evaluation.evaluator}/{evaluation.of}/{evaluation.against}"
        self._put(f"/v1/rooms/{evaluation.room}/epochs/{evaluation.epoch}/{of}", signed)

    def put_evaluated_chunk(self, place: Place, index: int, rows: bytes) -> None:
        """Upload one chunk of evaluated rows."""
        self._send(f"{place.evaluated}/chunks/{index}", rows, MEDIA_TYPE)

    def complete_batch(self, place: Place) -> None:
        """Say that all chunks of an evaluated batch are there."""
        self._send(place.evaluated, b"{}", JSON)

    def put_roster(self, partner: PartnerId, version: int, signed: SignedDocument) -> None:
        """Publish a version of this partner's roster of users."""
        self._put(f"/v1/partners/{partner}/rosters/{version}", signed)

    def put_proposal(self, room: RoomId, partner: PartnerId, version: int, signed: SignedDocument) -> None:
        """Register a policy that waits for its approval."""
        self._put(f"/v1/rooms/{room}/policies/{partner}/{version}/proposal", signed)

    def put_policy(self, room: RoomId, partner: PartnerId, version: int, signed: SignedDocument) -> None:
        """Put a policy in force."""
        self._put(f"/v1/rooms/{room}/policies/{partner}/{version}", signed)

    def evidence(self, room: RoomId, number: int, chunk: int) -> bytes:
        """One chunk of the evidence that this agent is shown in a round."""
        return self._transport.request("GET", f"/v1/rooms/{room}/rounds/{number}/evidence/{chunk}")

    def put_opening_part(self, at: OpeningPlace, part: int, rows: bytes) -> None:
        """Upload one part of this agent's opening."""
        self._send(f"{at.path}/parts/{part}", rows, SEALED)

    def put_opening(self, at: OpeningPlace, signed: SignedDocument) -> None:
        """Put an opening on record, before its parts."""
        self._put(at.path, signed)

    def deliver_opening(self, at: OpeningPlace) -> None:
        """Say that all parts of an opening are there."""
        self._send(f"{at.path}/delivery", b"{}", JSON)

    def opening(self, at: OpeningPlace) -> SignedDocument:
        """The other side's opening, once both are there."""
        return self._get(SignedDocument, at.path)

    def opening_part(self, at: OpeningPlace, part: int) -> bytes:
        """One part of the other side's opening, once both are there."""
        return self._transport.request("GET", f"{at.path}/parts/{part}")

    def put_release_batch(self, at: ReleasePlace, batch: int, sealed: bytes) -> None:
        """Upload one sealed batch of a release."""
        self._send(f"{at.path}/batches/{batch}", sealed, SEALED)

    def put_release(self, at: ReleasePlace, signed: SignedDocument) -> None:
        """Put a release on record, before its batches."""
        self._put(at.path, signed)

    def deliver_release(self, at: ReleasePlace) -> None:
        """Say that all batches of a release are there."""
        self._send(f"{at.path}/delivery", b"{}", JSON)

    def release_batch(self, at: ReleasePlace, batch: int) -> bytes:
        """One sealed batch of the other side's release, once it is handed over."""
        return self._transport.request("GET", f"{at.path}/batches/{batch}")

    def put_notice(self, room: RoomId, partner: PartnerId, number: int, body: NoticeBody) -> None:
        """Send words to the other side."""
        self._put(f"/v1/rooms/{room}/notices/{partner}/{number}", body)

    def put_wish(self, room: RoomId, partner: PartnerId, number: int, signed: SignedDocument) -> None:
        """Make counts stricter, from now on."""
        self._put(f"/v1/rooms/{room}/wishes/{partner}/{number}", signed)

    def put_allowance(self, room: RoomId, partner: PartnerId, number: int, signed: SignedDocument) -> None:
        """Put on record what two people of this partner have allowed."""
        self._put(f"/v1/rooms/{room}/allowances/{partner}/{number}", signed)

    def put_correction(self, room: RoomId, partner: PartnerId, signed: SignedDocument) -> None:
        """Ask for one answer more in a list's first month."""
        self._put(f"/v1/rooms/{room}/corrections/{partner}", signed)

    def put_probes(self, room: RoomId, epoch: int, owner: PartnerId, signed: SignedDocument) -> None:
        """Tell the probes of an epoch, once the other member has evaluated them."""
        self._put(f"/v1/rooms/{room}/epochs/{epoch}/probes/{owner}", signed)

    def log(self, room: RoomId, bundle: int) -> LogView:
        """A look at a room's log, with the leaves of one bundle of up to 256."""
        return self._get(LogView, log_of(room), {"bundle": str(bundle)})

    def log_checkpoint(self, log: str) -> str:
        """The newest checkpoint of a log, as a note. `log` is its path."""
        return _text(self._transport.request("GET", f"{log}/checkpoint"))

    def log_bundle(self, log: str, number: int, width: int) -> bytes:
        """A bundle of up to 256 entries (c2sp.org/tlog-tiles)."""
        return self._transport.request("GET", f"{log}/tile/entries/{tile_name(number, width)}")

    def log_tile(self, log: str, level: int, number: int, width: int) -> bytes:
        """A tile of up to 256 hashes."""
        return self._transport.request("GET", f"{log}/tile/{level}/{tile_name(number, width)}")

    def put_cosignature(self, log: str, partner: PartnerId, note: str) -> None:
        """Deliver a checkpoint with this agent's cosignature."""
        self._send(f"{log}/cosignatures/{partner}", note.encode(), NOTE)

    def answers(self, room: RoomId) -> Iterator[SignedDocument]:
        """All answers of a room, oldest first."""
        after: int | None = 0
        while after is not None:
            page = self._get(AnswerPage, f"/v1/rooms/{room}/answers", {"after": str(after)})
            yield from page.answers
            after = page.next

    def wait_for_change(self, after: int, seconds: int) -> int:
        """My change counter, once it is beyond `after` or the time is over (at most 25 s)."""
        query = {"after": str(after), "wait": str(seconds)}
        return _read(Changes, self._transport.request("GET", "/v1/changes", query=query, wait=seconds)).change

    def _get(self, kind: type[W], path: str, query: dict[str, str] | None = None) -> W:
        return _read(kind, self._transport.request("GET", path, query=query or {}))

    def _put(self, path: str, body: Wire) -> None:
        self._send(path, body.model_dump_json().encode(), JSON)

    def _send(self, path: str, body: bytes, content_type: str) -> None:
        _read(Accepted, self._transport.request("PUT", path, body=body, content_type=content_type))


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise DocumentRefused("the escrow's answer is not text") from None


def _read(kind: type[W], body: bytes) -> W:
    try:
        return kind.model_validate_json(body)
    except ValueError:
        raise DocumentRefused(f"the escrow's answer is not a valid {kind.__name__}") from None
