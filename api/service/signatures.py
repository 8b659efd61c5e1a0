"""The outermost layer of the service: limits bodies, verifies who signed the request, signs the response.

It runs before any route. A request that gets through is from an enrolled partner (or introduces one: the enrolment PUT
is signed with the key it brings) and was not seen before. Responses to requests without a signature are not signed:
there is nothing that a signature could tie them to.
"""

import time
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.service.desk import Desk
from api.service.problems import MEDIA_TYPE, ProblemResponse, internal_error, problem, problem_of
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.api import EnrolRequest
from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.http_parts import RequestParts, SignatureRefused
from cleanroom.messages.http_signatures import (
    SKEW,
    VerifiedRequest,
    is_signed,
    sign_response,
    verify_request,
)
from cleanroom.messages.identity import partner_id_of
from cleanroom.messages.openings import MOST_PART_BYTES
from cleanroom.messages.releases import MOST_SEALED_BYTES
from cleanroom.messages.rooms import Enrolment
from escrow import partners, requests
from escrow.snapshots import MAX_SEALED_BYTES

OPEN: Final = frozenset({"/v1/escrow", "/openapi.json", "/docs"})
"""What may be read without a signature."""
ENROLMENT: Final = "/v1/partners/"
MAX_SMALL_BYTES: Final = 64 * 1024
MAX_DOCUMENT_BYTES: Final = 24 * 1024 * 1024
FORGET_EVERY: Final = timedelta(minutes=1)
"""How often nonces that no request could use again are looked for."""

log = structlog.get_logger("cleanroom.escrow")

Headers = list[tuple[bytes, bytes]]


class SignedExchange:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        # A partner's id is the hash of its key: what was found once stays true.
        self._keys: dict[PartnerId, bytes] = {}
        self._forgotten: datetime | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arrived, started = self._desk.clock(), time.monotonic()
        state = scope.setdefault("state", {})
        parts = _parts(scope)
        answer = _Answer()
        if parts is None:
            answer.refuse(problem("request_refused", "not valid at the address"), "request_refused")
        else:
            await self._exchange(scope, receive, parts, arrived, answer)
            if is_signed(parts.headers):
                answer.sign(parts, self._desk)
        await answer.send(send)
        log.info(
            "request",
            method=scope["method"],
            route=getattr(scope.get("route"), "path", None),
            status=answer.status,
            code=state.get("code") or answer.code,
            partner=state.get("partner"),
            milliseconds=round((time.monotonic() - started) * 1000),
        )

    async def _exchange(
        self, scope: Scope, receive: Receive, parts: RequestParts, arrived: datetime, answer: "_Answer"
    ) -> None:
        body = await _body(receive, _limit(parts))
        if body is None:
            answer.refuse(problem("body_too_large", "body: larger than anything this address takes"))
            return
        if parts.method not in {"GET", "HEAD"} or parts.path not in OPEN:
            try:
                scope["state"]["partner"] = await run_in_threadpool(self._authenticate, parts, body, arrived)
            except CleanroomError as error:
                answer.refuse(problem_of(error), error.code)
                return
        try:
            await self._app(scope, _replayed(body, receive), answer.take)
        except Exception as error:  # noqa: BLE001 - the last resort: whatever it is becomes a signed problem
            kind, place = type(error).__name__, _place(error)
            log.error("failed", kind=kind, place=place)  # noqa: TRY400 - a traceback's message may hold values
            answer.refuse(internal_error(), "internal_error")

    def _authenticate(self, parts: RequestParts, body: bytes, arrived: datetime) -> PartnerId:
        """Who signed the request. Raises SignatureRefused, RequestReplayed."""
        introduced = _introduced(parts, body)

        def key_of(partner: PartnerId) -> bytes | None:
            if introduced is not None:
                return introduced if partner_id_of(introduced) == partner else None
            return self._key_of(partner)

        verified = verify_request(parts, body, key_lookup=key_of, now=arrived)
        self._desk.database.write(partial(self._note, verified, self._desk.clock()))
        return verified.partner_id

    def _key_of(self, partner: PartnerId) -> bytes | None:
        if partner not in self._keys:
            key = self._desk.read(lambda session: partners.identity_key(session, partner))
            if key is None:
                return None
            self._keys[partner] = key
        return self._keys[partner]

    def _note(self, verified: VerifiedRequest, now: datetime, session: Session) -> None:
        """That this request was here; once in a while, those that are over are forgotten."""
        if self._forgotten is None or abs(now - self._forgotten) >= FORGET_EVERY:
            requests.forget(session, now)
            self._forgotten = now
        requests.remember(
            session, partner=verified.partner_id, nonce=verified.nonce, forget_at=verified.expires + 2 * SKEW
        )


class _Answer:
    """A response, kept until it is whole: what is signed is the whole."""

    def __init__(self) -> None:
        self.status = 500
        self.code: str | None = None
        self._headers: Headers = []
        self._body = bytearray()

    def refuse(self, refusal: ProblemResponse, code: str | None = None) -> None:
        self.status, self.code = refusal.status, code
        self._headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(refusal.body)).encode()),
        ]
        self._body = bytearray(refusal.body)

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self._headers = message["status"], [*message["headers"]]
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")

    def sign(self, parts: RequestParts, desk: Desk) -> None:
        try:
            added = sign_response(self.status, bytes(self._body), request=parts, sign=desk.key.sign, now=desk.clock())
        except SignatureRefused:
            return  # the request's own signature is malformed: there is nothing to tie the answer to
        self._headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in added.items()]

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self._headers})
        await send({"type": "http.response.body", "body": bytes(self._body)})


def _parts(scope: Scope) -> RequestParts | None:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    hosts = [value for name, value in headers if name == "host"]
    try:
        return RequestParts(
            method=scope["method"],
            authority=hosts[0] if len(hosts) == 1 else "",
            path=scope["raw_path"].decode("ascii"),
            query=scope["query_string"].decode("ascii"),
            headers=headers,
        )
    except (SignatureRefused, UnicodeDecodeError):
        return None


def _limit(parts: RequestParts) -> int:
    if parts.method in {"GET", "HEAD"}:
        return 0
    if "/chunks/" in parts.path:
        return MAX_SEALED_BYTES
    if "/parts/" in parts.path:
        return MOST_PART_BYTES + MAX_SMALL_BYTES  # what is a little too large is refused in words of its own
    if "/releases/" in parts.path:
        return MOST_SEALED_BYTES + MAX_SMALL_BYTES
    large = ("/epochs/", "/policies/", "/rosters/", "/rounds/", "/notices/")
    return MAX_DOCUMENT_BYTES if any(part in parts.path for part in large) else MAX_SMALL_BYTES


async def _body(receive: Receive, limit: int) -> bytes | None:
    """The request's body, or None once it is larger than the limit."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        more = message.get("more_body", False)
    return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A channel that gives the body once more, and then what the real one gives."""
    given = False

    async def channel() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return channel


def _introduced(parts: RequestParts, body: bytes) -> bytes | None:
    """The identity key that an enrolment brings with it."""
    if parts.method != "PUT" or not parts.path.startswith(ENROLMENT):
        return None
    try:
        request = EnrolRequest.model_validate_json(body)
        return bytes.fromhex(read_document(Enrolment, request.enrolment.document).identity_key)
    except (ValueError, DocumentRefused):
        return None


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "?"
