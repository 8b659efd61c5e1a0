"""Signed requests and responses (RFC 9421, Ed25519), as both sides of the wire use them. No framework, no socket.

A request's signature covers method, authority, path, query and, when there is a body, its digest (RFC 9530). A
response's covers status, digest, and the request it answers, by that request's method, path and signature; the
request's nonce is under that signature, so an old response does not fit a new request. The scheme is not covered:
TLS may end at a proxy. Neither is Content-Type: each path takes one.

Not done here: refusing a nonce seen before (the caller keeps nonces until `VerifiedRequest.expires` plus `SKEW`), and
deciding whether the authority is this server's.
"""

import hmac
import re
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import exceptions
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    VerifyResult,
)
from http_message_signatures.algorithms import ED25519

from cleanroom.domain.clock import in_utc
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.http_parts import (
    Fault,
    HeaderLines,
    RequestParts,
    RequestView,
    ResponseParts,
    ResponseView,
    SignatureRefused,
)

REQUEST_TAG = "cleanroom-request"
RESPONSE_TAG = "cleanroom-response"
ESCROW_KEY_ID = "escrow"
LIFETIME = timedelta(seconds=120)
SKEW = timedelta(seconds=60)

_LABEL = "cleanroom"
_NONCE_BYTES = 16
_NONCE = re.compile(r"[A-Za-z0-9_-]{22}")
_DIGEST = '"content-digest"'
_REQUEST_COMPONENTS = ('"@method"', '"@authority"', '"@path"', '"@query"')
_RESPONSE_COMPONENTS = ('"@status"', _DIGEST, '"@method";req', '"@path";req', '"signature";req')

Sign = Callable[[bytes], bytes]
"""Ed25519 over the bytes given, 64 bytes: `PrivateIdentity.sign`."""

KeyLookup = Callable[[PartnerId], bytes | None]
"""A partner's Ed25519 key (32 bytes), or None where there is no such partner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRequest:
    """Who signed a request, and what its replay must be recognised by."""

    partner_id: PartnerId
    nonce: str
    expires: datetime


def sign_request(request: RequestParts, body: bytes, *, key_id: PartnerId, sign: Sign, now: datetime) -> dict[str, str]:
    """The headers to add: Signature-Input, Signature and, when there is a body, Content-Digest.

    Valid for 120 s from `now`, under a fresh nonce: sign each attempt anew.
    """
    nonce = urlsafe_b64encode(secrets.token_bytes(_NONCE_BYTES)).rstrip(b"=").decode()
    plan = _Plan(key_id=key_id, tag=REQUEST_TAG, nonce=nonce, components=_REQUEST_COMPONENTS, now=in_utc(now))
    return _sign(RequestView(request), body or None, plan, sign)


def verify_request(request: RequestParts, body: bytes, *, key_lookup: KeyLookup, now: datetime) -> VerifiedRequest:
    """Who sent the request. `now` is when its headers arrived: a long upload must not outlive its signature.

    Raises:
        SignatureRefused: unless exactly one signature is there, covers all it must, is in time and holds.
    """
    required = (*_REQUEST_COMPONENTS, _DIGEST) if body else _REQUEST_COMPONENTS
    rules = _Rules(tag=REQUEST_TAG, components=required, needs_nonce=True, now=in_utc(now))
    result = _verify(RequestView(request), body, rules, lambda key_id: key_lookup(PartnerId(key_id)))
    return VerifiedRequest(
        partner_id=PartnerId(str(result.parameters["keyid"])),
        nonce=str(result.parameters["nonce"]),
        expires=datetime.fromtimestamp(int(result.parameters["expires"]), UTC),
    )


def sign_response(status: int, body: bytes, *, request: RequestParts, sign: Sign, now: datetime) -> dict[str, str]:
    """The headers to add: Signature-Input, Signature, Content-Digest (also of an empty body).

    Raises:
        SignatureRefused: the request carries no signature to answer to.
    """
    plan = _Plan(key_id=ESCROW_KEY_ID, tag=RESPONSE_TAG, nonce=None, components=_RESPONSE_COMPONENTS, now=in_utc(now))
    return _sign(ResponseView(status, (), request), body, plan, sign)


def verify_response(response: ResponseParts, *, request: RequestParts, escrow_key: bytes, now: datetime) -> None:
    """Nothing, where the escrow signed this status and body as its answer to this very request.

    `request` is as sent, with its signature headers; `escrow_key` is the pinned Ed25519 key, 32 bytes.

    Raises:
        SignatureRefused: otherwise.
    """
    rules = _Rules(tag=RESPONSE_TAG, components=_RESPONSE_COMPONENTS, needs_nonce=False, now=in_utc(now))
    message = ResponseView(response.status, response.headers, request)
    _verify(message, response.body, rules, lambda key_id: escrow_key if key_id == ESCROW_KEY_ID else None)


def is_signed(headers: HeaderLines) -> bool:
    """Whether a message claims a signature at all; says nothing about its worth."""
    return any(name.lower() in {"signature", "signature-input"} for name, _ in headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    key_id: str
    tag: str
    nonce: str | None
    components: tuple[str, ...]
    now: datetime


def _sign(message: RequestView | ResponseView, body: bytes | None, plan: _Plan, sign: Sign) -> dict[str, str]:
    signer = HTTPMessageSigner(signature_algorithm=ED25519)
    try:
        prepared = signer.prepare(
            message,
            key_id=plan.key_id,
            created=plan.now,
            expires=plan.now + LIFETIME,
            nonce=plan.nonce,
            label=_LABEL,
            tag=plan.tag,
            include_alg=False,  # the protocol fixes it
            covered_component_ids=plan.components,
            body=body,
        )
    except HTTPMessageSignaturesException as error:
        raise SignatureRefused(Fault.MALFORMED) from error
    # RFC 9421, sections 4.1 and 4.2. The library's `apply` would first make the base once more, to compare the two.
    message.headers["Signature-Input"] = f"{_LABEL}={prepared.signature_params}"
    message.headers["Signature"] = f"{_LABEL}=:{b64encode(sign(prepared.signature_base)).decode()}:"
    return message.headers.added


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    tag: str
    components: tuple[str, ...]
    needs_nonce: bool
    now: datetime

    def check(self, components: frozenset[str], parameters: Mapping[str, int | str]) -> None:
        """What must hold before a key is looked up. The library has checked the parameters' types."""
        if parameters.get("tag") != self.tag:
            raise SignatureRefused(Fault.OTHER_TAG)
        if not components.issuperset(self.components):
            raise SignatureRefused(Fault.COMPONENT_MISSING)
        created, expires = parameters.get("created"), parameters.get("expires")
        if not isinstance(created, int) or not isinstance(expires, int) or "keyid" not in parameters:
            raise SignatureRefused(Fault.PARAMETER_MISSING)
        if self.needs_nonce and not _NONCE.fullmatch(str(parameters.get("nonce", ""))):
            raise SignatureRefused(Fault.PARAMETER_MISSING)
        now, skew = self.now.timestamp(), SKEW.total_seconds()
        if created > now + skew:
            raise SignatureRefused(Fault.FUTURE)
        if expires < now - skew:
            raise SignatureRefused(Fault.EXPIRED)
        if not 0 < expires - created <= LIFETIME.total_seconds():
            raise SignatureRefused(Fault.LIFETIME)


class _Verifier(HTTPMessageVerifier):
    """The library's verifier, with our rules in the place where it would ask the machine's clock.

    The library calls this hook once per signature, before it resolves the key, and lets what it raises pass.
    """

    def __init__(self, rules: _Rules, lookup: Callable[[str], bytes | None]) -> None:
        super().__init__(signature_algorithm=ED25519, key_resolver=_FoundKey())
        self._rules = rules
        self._lookup = lookup

    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:  # noqa: ANN401, ARG002 - the library's signature
        self._rules.check(frozenset(str(component) for component in sig_input), dict(sig_input.params))
        raw = self._lookup(str(sig_input.params["keyid"]))
        if raw is None:
            raise SignatureRefused(Fault.UNKNOWN_KEY)
        self.key_resolver = _FoundKey(Ed25519PublicKey.from_public_bytes(raw))


class _FoundKey(HTTPSignatureKeyResolver):
    def __init__(self, key: Ed25519PublicKey | None = None) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:  # noqa: ARG002 - the library's signature
        return self._key


def _verify(
    message: RequestView | ResponseView, body: bytes, rules: _Rules, lookup: Callable[[str], bytes | None]
) -> VerifyResult:
    if not is_signed(tuple(message.headers.items())):
        raise SignatureRefused(Fault.MISSING)
    try:
        # Without a tag to select by, the library refuses more than one signature.
        (result,) = _Verifier(rules, lookup).verify(message, max_age=None)
    except InvalidSignature as error:
        mismatch = isinstance(error.__cause__, exceptions.InvalidSignature)
        raise SignatureRefused(Fault.MISMATCH if mismatch else Fault.MALFORMED) from error
    except HTTPMessageSignaturesException as error:
        raise SignatureRefused(Fault.MALFORMED) from error
    digest = result.covered_components.get(_DIGEST)
    # Exactly one digest, SHA-256: a second one would have to be checked too.
    if digest is not None and not hmac.compare_digest(digest, ContentDigest.create(body)):
        raise SignatureRefused(Fault.MISMATCH)
    return result
