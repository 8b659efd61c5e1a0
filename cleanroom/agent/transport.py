"""One signed conversation with one escrow: what is returned from here was said by the pinned escrow, to this request.

Order of a call:
1. the request is built and signed anew for each attempt (fresh nonce: a retry is no replay);
2. the response is read, up to a limit, undecoded;
3. its signature is verified against the pinned key. Before that nothing of it is believed, whatever the status;
4. only then status and body are looked at: content, a problem (RFC 9457), or "try again".

Redirects are never followed: a redirect target is not the authority that was signed for. The environment is not
consulted (proxies, certificate stores, `.netrc`): a process must not talk through a proxy because a variable was
inherited. Who needs a proxy names it.
"""

import ipaddress
import re
import secrets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

import httpx2

from cleanroom.agent.keys import PrivateIdentity
from cleanroom.agent.problems import (
    BodyTooLarge,
    EscrowNotAuthentic,
    EscrowProblem,
    EscrowUnreachable,
    InsecureAddress,
    problem_from,
)
from cleanroom.domain.clock import Clock
from cleanroom.messages.http_parts import RequestParts, ResponseParts, SignatureRefused
from cleanroom.messages.http_signatures import is_signed, sign_request, verify_response

Method = Literal["GET", "PUT", "DELETE"]
"""Idempotent ones only, because every call may be repeated."""

_TRY_AGAIN = frozenset({429, 502, 503, 504})
_SERVER_ERROR = 500
_PATH_SAFE = "/%:@!$&'()*+,;=~"  # RFC 3986, section 3.3; what is encoded already stays as it is
_USER_AGENT = "cleanroom-agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How long to keep trying, in seconds. The wait before try n is random up to `first * 2**n`, at most `longest`."""

    total: float = 60.0
    first: float = 0.25
    longest: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Largest bodies in bytes, and how long one attempt may stay silent in seconds."""

    request_bytes: int = 64 << 20
    response_bytes: int = 64 << 20
    connect_seconds: float = 10.0
    silence_seconds: float = 60.0


class Transport:
    """Requests to one escrow, signed as one partner. Belongs to one thread; close it, or use it in a `with` block."""

    def __init__(  # noqa: PLR0913 - the composition root's one call; each has a reason to differ
        self,
        base_url: str,
        *,
        identity: PrivateIdentity,
        escrow_key: bytes,
        clock: Clock,
        retries: Retries | None = None,
        limits: Limits | None = None,
        proxy: str | None = None,
        client: httpx2.Client | None = None,
    ) -> None:
        """Opens no connection yet.

        Args:
            base_url: https, or http to a loopback address; a path in front of all paths is allowed.
            identity: signs each request.
            escrow_key: the pinned Ed25519 key of the escrow, 32 bytes.
            clock: for `created` and `expires`; retries are timed by the machine's monotonic clock.
            retries: default: up to a minute.
            limits: default: 64 MiB each way.
            proxy: the URL of a proxy; default none, whatever the environment says.
            client: what carries the requests, in place of one with the settings above (tests talk to an application
                in memory).

        Raises:
            InsecureAddress: the address is not one that may be used.
        """
        self._base = _checked(base_url)
        self._identity = identity
        self._escrow_key = escrow_key
        self._clock = clock
        self._retries = retries or Retries()
        self._limits = limits or Limits()
        self._client = client or httpx2.Client(
            trust_env=False,
            follow_redirects=False,
            proxy=proxy,
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def request(  # noqa: PLR0913 - a request has these parts
        self,
        method: Method,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        content_type: str = "",
        wait: float = 0.0,
    ) -> bytes:
        """The body of the escrow's positive answer, as transferred: no content coding was asked for, none is undone.

        Args:
            method: see `Method`.
            path: from "/"; what is not allowed in a path gets percent-encoded.
            query: parameters, encoded here.
            body: what to send.
            content_type: of the body.
            wait: seconds that the escrow was asked to hold the answer back (long poll): the limits grow by them.

        Raises:
            EscrowProblem: the escrow says no.
            EscrowNotAuthentic: an answer does not verify.
            EscrowUnreachable: no answer in the total time.
            BodyTooLarge: a body is over its limit.
        """
        if len(body) > self._limits.request_bytes:
            raise BodyTooLarge("request: the body is over the limit")
        deadline = time.monotonic() + self._retries.total + wait
        attempt = 0
        while True:
            outcome = self._attempt(self._build(method, path, query, body, content_type, wait))
            if isinstance(outcome, bytes):
                return outcome
            pause = _jitter(min(self._retries.first * 2**attempt, self._retries.longest))
            if time.monotonic() + pause >= deadline:
                raise outcome
            time.sleep(pause)
            attempt += 1

    def _build(  # noqa: PLR0913, PLR0917 - the parts of `request`
        self,
        method: Method,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes,
        content_type: str,
        wait: float,
    ) -> httpx2.Request:
        if not path.startswith("/"):
            raise ValueError('a path starts with "/"')
        full_path = self._base.path.rstrip("/") + quote(path, safe=_PATH_SAFE)
        return self._client.build_request(
            method,
            self._base.copy_with(path=full_path, params=dict(query) if query else None),
            content=body or (None if method == "GET" else b""),
            headers={"Content-Type": content_type} if content_type else None,
            timeout=httpx2.Timeout(self._limits.silence_seconds + wait, connect=self._limits.connect_seconds),
        )

    def _attempt(self, request: httpx2.Request) -> bytes | EscrowProblem | EscrowUnreachable:
        """The answer's body; or the error to raise unless there is time for another try."""
        parts = self._signed(request)
        try:
            response = self._exchange(request)
        except httpx2.TransportError as error:
            if _is_certificate_error(error):
                raise EscrowNotAuthentic("escrow: its TLS certificate is not valid for this address") from error
            return EscrowUnreachable(f"escrow: no answer ({type(error).__name__})")
        if response.status >= _SERVER_ERROR and not is_signed(response.headers):
            return EscrowUnreachable(f"escrow: something in front of it answers {response.status}")
        try:
            verify_response(response, request=parts, escrow_key=self._escrow_key, now=self._clock())
        except SignatureRefused as error:
            raise EscrowNotAuthentic(
                f"escrow: an answer with status {response.status} is not signed by the pinned key for this request"
                f" ({error.fault}); if this machine's clock is off by more than a minute, set it"
            ) from error
        if httpx2.codes.is_success(response.status):
            return response.body
        problem = problem_from(response.status, response.body)
        if response.status in _TRY_AGAIN:
            return problem
        raise problem

    def _signed(self, request: httpx2.Request) -> RequestParts:
        """Adds the signature's headers, and gives the request as it goes out."""
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        unsigned = RequestParts(
            method=request.method, authority=request.url.netloc.decode("ascii"), path=path, query=query
        )
        added = sign_request(
            unsigned,
            request.content,
            key_id=self._identity.public().partner_id,
            sign=self._identity.sign,
            now=self._clock(),
        )
        request.headers.update(added)
        return RequestParts(
            method=unsigned.method,
            authority=unsigned.authority,
            path=path,
            query=query,
            headers=tuple(added.items()),
        )

    def _exchange(self, request: httpx2.Request) -> ResponseParts:
        response = self._client.send(request, stream=True)
        try:
            chunks, size = [], 0
            for chunk in response.iter_raw():
                size += len(chunk)
                if size > self._limits.response_bytes:
                    raise BodyTooLarge("escrow: the body of its answer is over the limit")
                chunks.append(chunk)
        finally:
            response.close()
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
        return ResponseParts(status=response.status_code, headers=headers, body=b"".join(chunks))


def _checked(base_url: str) -> httpx2.URL:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        raise InsecureAddress("escrow address: not a URL") from None
    if not _is_host(url.raw_host.decode("ascii")) or url.userinfo or url.query or url.fragment:
        raise InsecureAddress("escrow address: scheme, host, port and path only")
    if url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host)):
        return url
    raise InsecureAddress("escrow address: https, or http to a loopback address")


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return re.fullmatch(r"[A-Za-z0-9._-]+", host) is not None
    return True


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_certificate_error(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _jitter(limit: float) -> float:
    # "Full jitter": agents that lost the same escrow do not come back together.
    return secrets.SystemRandom().uniform(limit / 4, limit)
