from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from hypothesis import given, settings
from hypothesis import strategies as st

from cleanroom.domain.clock import NaiveTime
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.http_parts import Fault, RequestParts, RequestView, ResponseParts, SignatureRefused
from cleanroom.messages.http_signatures import (
    LIFETIME,
    SKEW,
    sign_request,
    sign_response,
    verify_request,
    verify_response,
)

PARTNER = PartnerId("95bcccb201530a46384d3ff9d3c9a0c4")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ESCROW_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = b'{"rows": 3}'
REQUEST = RequestParts(method="PUT", authority="escrow.example:8443", path="/v1/rooms/a%20b", query="page=2&x=%2F")


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _lookup(partner: PartnerId) -> bytes | None:
    return _public(KEY) if partner == PARTNER else None


def _signed(request: RequestParts = REQUEST, body: bytes = BODY, key: Ed25519PrivateKey = KEY) -> RequestParts:
    added = sign_request(request, body, key_id=PARTNER, sign=key.sign, now=NOW)
    return replace(request, headers=(("Host", request.authority), *added.items()))


def _header(request: RequestParts, name: str, change: Callable[[str], str]) -> RequestParts:
    assert any(line == name for line, _ in request.headers)
    return replace(request, headers=tuple((n, change(v) if n == name else v) for n, v in request.headers))


def _fault(request: RequestParts, body: bytes = BODY, now: datetime = NOW) -> Fault:
    with pytest.raises(SignatureRefused) as refused:
        verify_request(request, body, key_lookup=_lookup, now=now)
    return refused.value.fault


def _crafted(parameters: str, *, components: str = '"@method" "@authority" "@path" "@query"') -> RequestParts:
    """A request without body and with any parameters, validly signed over whatever they say."""
    values = {
        '"@method"': "PUT",
        '"@authority"': REQUEST.authority,
        '"@path"': REQUEST.path,
        '"@query"': f"?{REQUEST.query}",
    }
    base = "".join(f"{component}: {values[component]}\n" for component in components.split())
    base += f'"@signature-params": ({components}){parameters}'
    signature = b64encode(KEY.sign(base.encode())).decode()
    headers = (("Signature-Input", f"cleanroom=({components}){parameters}"), ("Signature", f"cleanroom=:{signature}:"))
    return replace(REQUEST, headers=headers)


T = int(NOW.timestamp())
GOOD = f';created={T};keyid="{PARTNER}";expires={T + 120};nonce="AAAAAAAAAAAAAAAAAAAAAA";tag="cleanroom-request"'


def test_rfc_9421_appendix_b_2_6() -> None:
    # Key of appendix B.1.4, message and signature of B.2.6.
    public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs="))
    covered = '"date" "@method" "@path" "@authority" "content-type" "content-length"'
    signature = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    request = RequestParts(
        method="POST",
        authority="example.com",
        path="/foo",
        query="param=Value&Pet=dog",
        headers=(
            ("Host", "example.com"),
            ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("Content-Type", "application/json"),
            ("Content-Length", "18"),
            ("Signature-Input", f'sig-b26=({covered});created=1618884473;keyid="test-key-ed25519"'),
            ("Signature", f"sig-b26=:{signature}:"),
        ),
    )
    keys = MappingKeyResolver(public_keys={"test-key-ed25519": public}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=keys)
    (result,) = verifier.verify(RequestView(request), max_age=None)
    assert '"content-length"' in result.covered_components
    other_day = _header(request, "Date", lambda _: "Tue, 20 Apr 2021 02:07:56 GMT")
    with pytest.raises(InvalidSignature):
        verifier.verify(RequestView(other_day), max_age=None)


def test_a_signed_request_verifies() -> None:
    request = _signed()
    verified = verify_request(request, BODY, key_lookup=_lookup, now=NOW)
    assert verified.partner_id == PARTNER
    assert verified.expires == NOW + LIFETIME
    assert len(urlsafe_b64decode(verified.nonce + "==")) == 16
    again = verify_request(_signed(), BODY, key_lookup=_lookup, now=NOW)
    assert again.nonce != verified.nonce


def test_golden_headers() -> None:
    # What is on the wire, except for the nonce (and with it the signature).
    headers = dict(_signed().headers)
    assert headers["Content-Digest"] == "sha-256=:MqRhYT+IlxVEGTjqtO6HzWoka7thOaIkl1e3DtivNmU=:"
    before, nonce = headers["Signature-Input"].split(';nonce="')
    assert before == (
        'cleanroom=("@method" "@authority" "@path" "@query" "content-digest")'
        f';created=1772366400;keyid="{PARTNER}";expires=1772366520'
    )
    assert nonce[22:] == '";tag="cleanroom-request"'


@pytest.mark.parametrize("query", ["", "a=b"])
def test_a_request_without_body(query: str) -> None:
    request = _signed(replace(REQUEST, method="GET", query=query), b"")
    assert "Content-Digest" not in dict(request.headers)
    assert verify_request(request, b"", key_lookup=_lookup, now=NOW).partner_id == PARTNER
    assert _fault(request, b"smuggled") == Fault.COMPONENT_MISSING


def test_header_names_in_any_case() -> None:
    request = _signed()
    lower = replace(request, headers=tuple((name.lower(), value) for name, value in request.headers))
    assert verify_request(lower, BODY, key_lookup=_lookup, now=NOW).partner_id == PARTNER


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"authority": "escrow.example"},
        {"authority": "evil.example:8443"},
        {"path": "/v1/rooms/a%20c"},
        {"path": "/v1/rooms/a%20b/"},
        {"query": "page=3&x=%2F"},
        {"query": ""},
    ],
)
def test_changed_parts_are_refused(change: dict[str, str]) -> None:
    assert _fault(replace(_signed(), **change)) == Fault.MISMATCH


def test_changed_body_or_digest_is_refused() -> None:
    assert _fault(_signed(), BODY + b" ") == Fault.MISMATCH
    assert _fault(_signed(), b"") == Fault.MISMATCH
    other = dict(_signed(body=b"other").headers)["Content-Digest"]
    assert _fault(_header(_signed(), "Content-Digest", lambda _: other), b"other") == Fault.MISMATCH


def test_a_second_digest_is_refused() -> None:
    request = replace(_signed(), headers=(*_signed().headers, ("Content-Digest", "sha-512=:AAAA:")))
    assert _fault(request) == Fault.MISMATCH


def test_wrong_and_unknown_keys_are_refused() -> None:
    assert _fault(_signed(key=ESCROW_KEY)) == Fault.MISMATCH
    unknown = sign_request(REQUEST, b"", key_id=PartnerId("0" * 32), sign=KEY.sign, now=NOW)
    assert _fault(replace(REQUEST, headers=tuple(unknown.items())), b"") == Fault.UNKNOWN_KEY


def test_what_the_key_lookup_raises_is_not_taken_for_a_bad_signature() -> None:
    def broken(_: PartnerId) -> bytes | None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        verify_request(_signed(), BODY, key_lookup=broken, now=NOW)


def test_time_is_checked_to_the_second() -> None:
    request, second = _signed(), timedelta(seconds=1)
    for moment in (NOW - SKEW, NOW, NOW + LIFETIME + SKEW):
        assert verify_request(request, BODY, key_lookup=_lookup, now=moment).partner_id == PARTNER
    assert _fault(request, now=NOW - SKEW - second) == Fault.FUTURE
    assert _fault(request, now=NOW + LIFETIME + SKEW + second) == Fault.EXPIRED
    with pytest.raises(NaiveTime):
        verify_request(request, BODY, key_lookup=_lookup, now=NOW.replace(tzinfo=None))
    with pytest.raises(NaiveTime):
        _ = sign_request(REQUEST, BODY, key_id=PARTNER, sign=KEY.sign, now=NOW.replace(tzinfo=None))


def test_the_crafted_form_is_accepted_when_it_is_right() -> None:
    assert verify_request(_crafted(GOOD), b"", key_lookup=_lookup, now=NOW).nonce == "A" * 22


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        (GOOD.replace("cleanroom-request", "cleanroom-response"), Fault.OTHER_TAG),
        (GOOD.replace(';tag="cleanroom-request"', ""), Fault.OTHER_TAG),
        (GOOD.replace(f"created={T};", ""), Fault.PARAMETER_MISSING),
        (GOOD.replace(f";expires={T + 120}", ""), Fault.PARAMETER_MISSING),
        (GOOD.replace(f';keyid="{PARTNER}"', ""), Fault.PARAMETER_MISSING),
        (GOOD.replace(f';nonce="{"A" * 22}"', ""), Fault.PARAMETER_MISSING),
        (GOOD.replace("A" * 22, "A" * 21), Fault.PARAMETER_MISSING),
        (GOOD.replace("A" * 22, "A" * 21 + "="), Fault.PARAMETER_MISSING),
        (GOOD.replace(f"expires={T + 120}", f"expires={T + 121}"), Fault.LIFETIME),
        (GOOD.replace(f"expires={T + 120}", f"expires={T}"), Fault.LIFETIME),
        (GOOD.replace(f"expires={T + 120}", "expires=999999999999999"), Fault.LIFETIME),
        (GOOD.replace(f"created={T}", "created=-999999999999999"), Fault.LIFETIME),
        (GOOD + ';alg="hmac-sha256"', Fault.MALFORMED),
        (GOOD + ";extra", Fault.MALFORMED),
        (GOOD.replace(f"created={T}", f'created="{T}"'), Fault.MALFORMED),
        (GOOD.replace(f"created={T}", "created=1.5"), Fault.MALFORMED),
    ],
)
def test_parameters_are_as_they_must_be(parameters: str, fault: Fault) -> None:
    assert _fault(_crafted(parameters), b"") == fault


@pytest.mark.parametrize("left_out", ["@method", "@authority", "@path", "@query"])
def test_every_component_is_needed(left_out: str) -> None:
    names = [name for name in ("@method", "@authority", "@path", "@query") if name != left_out]
    request = _crafted(GOOD, components=" ".join(f'"{name}"' for name in names))
    assert _fault(request, b"") == Fault.COMPONENT_MISSING


def test_exactly_one_signature() -> None:
    request = _signed()
    assert _fault(REQUEST, b"") == Fault.MISSING
    bare = tuple(line for line in request.headers if line[0] != "Signature")
    assert _fault(replace(request, headers=bare)) == Fault.MALFORMED
    twice = _header(request, "Signature-Input", lambda v: f"{v}, b{v.removeprefix('cleanroom')}")
    twice = _header(twice, "Signature", lambda v: f"{v}, b{v.removeprefix('cleanroom')}")
    assert _fault(twice) == Fault.MALFORMED
    foreign = _header(request, "Signature-Input", lambda v: f'{v}, proxy=("@method");created={T};keyid="p"')
    foreign = _header(foreign, "Signature", lambda v: f"{v}, proxy=:AAAA:")
    assert _fault(foreign) == Fault.MALFORMED
    assert _fault(replace(request, headers=request.headers * 2)) == Fault.MALFORMED


@pytest.mark.parametrize(
    "parts",
    [
        {"path": "/a?b"},
        {"path": "a"},
        {"path": "/a#b"},
        {"query": "a#b"},
        {"authority": "user@host"},
        {"authority": "host/path"},
        {"authority": ""},
    ],
)
def test_parts_that_could_pass_for_others_are_refused(parts: dict[str, str]) -> None:
    with pytest.raises(SignatureRefused):
        replace(REQUEST, **parts)


@pytest.mark.parametrize("parts", [{"path": "/a b"}, {"path": "/ä"}, {"query": "a b"}, {"method": "put"}])
def test_parts_that_are_not_encoded_are_refused(parts: dict[str, str]) -> None:
    with pytest.raises(SignatureRefused) as refused:
        sign_request(replace(REQUEST, **parts), BODY, key_id=PARTNER, sign=KEY.sign, now=NOW)
    assert refused.value.fault == Fault.MALFORMED
    with pytest.raises(SignatureRefused):
        verify_request(replace(_signed(), **parts), BODY, key_lookup=_lookup, now=NOW)


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(codec="latin-1"), max_size=80)
    | st.sampled_from(["cleanroom=(1 2)", "cleanroom=()", "a=:AA:"]),
    st.text(st.characters(codec="latin-1"), max_size=80) | st.just("cleanroom=:AAAA:"),
)
def test_any_header_is_refused_in_one_way(signature_input: str, signature: str) -> None:
    headers = (("Signature-Input", signature_input), ("Signature", signature))
    with pytest.raises(SignatureRefused):
        verify_request(replace(REQUEST, headers=headers), b"", key_lookup=_lookup, now=NOW)


def _answer(status: int = 200, body: bytes = b"answer", request: RequestParts | None = None) -> ResponseParts:
    added = sign_response(status, body, request=request or SENT, sign=ESCROW_KEY.sign, now=NOW)
    return ResponseParts(status=status, headers=(("Content-Type", "text/plain"), *added.items()), body=body)


SENT = _signed()


def _response_fault(response: ResponseParts, request: RequestParts = SENT, **given_: object) -> Fault:
    arguments = {"escrow_key": _public(ESCROW_KEY), "now": NOW} | given_
    with pytest.raises(SignatureRefused) as refused:
        verify_response(response, request=request, **arguments)  # type: ignore[arg-type]  # both have the right type
    return refused.value.fault


@pytest.mark.parametrize("body", [b"answer", b""])
def test_a_signed_response_verifies(body: bytes) -> None:
    verify_response(_answer(body=body), request=SENT, escrow_key=_public(ESCROW_KEY), now=NOW)


def test_golden_response_headers() -> None:
    headers = dict(_answer(404).headers)
    assert headers["Signature-Input"] == (
        'cleanroom=("@status" "content-digest" "@method";req "@path";req "signature";req)'
        ';created=1772366400;keyid="escrow";expires=1772366520;tag="cleanroom-response"'
    )


def test_changed_responses_are_refused() -> None:
    assert _response_fault(replace(_answer(404), status=200)) == Fault.MISMATCH
    assert _response_fault(replace(_answer(), body=b"answes")) == Fault.MISMATCH
    assert _response_fault(replace(_answer(), body=b"")) == Fault.MISMATCH
    assert _response_fault(replace(_answer(), headers=())) == Fault.MISSING
    no_digest = tuple(line for line in _answer().headers if line[0] != "Content-Digest")
    assert _response_fault(replace(_answer(), headers=no_digest)) == Fault.MALFORMED
    assert _response_fault(_answer(), escrow_key=_public(KEY)) == Fault.MISMATCH
    assert _response_fault(_answer(), now=NOW - SKEW - timedelta(seconds=1)) == Fault.FUTURE
    assert _response_fault(_answer(), now=NOW + LIFETIME + SKEW + timedelta(seconds=1)) == Fault.EXPIRED


def test_a_response_answers_one_request() -> None:
    same_again = _signed()
    assert _response_fault(_answer(), request=same_again) == Fault.MISMATCH
    assert _response_fault(_answer(), request=replace(SENT, path="/v1/other")) == Fault.MISMATCH
    assert _response_fault(_answer(), request=replace(SENT, method="GET")) == Fault.MISMATCH
    with pytest.raises(SignatureRefused):
        sign_response(200, b"", request=REQUEST, sign=ESCROW_KEY.sign, now=NOW)


def test_a_request_cannot_pass_for_a_response() -> None:
    request = _signed()
    assert _response_fault(ResponseParts(status=200, headers=request.headers, body=BODY)) == Fault.OTHER_TAG
