"""The transport against a small real server that signs, or does not, as each test scripts it."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cleanroom.agent.keys import PrivateIdentity
from cleanroom.agent.problems import (
    BodyTooLarge,
    EscrowNotAuthentic,
    EscrowProblem,
    EscrowUnreachable,
    InsecureAddress,
)
from cleanroom.agent.transport import Limits, Retries, Transport
from cleanroom.domain.clock import system_clock
from cleanroom.messages.http_parts import RequestParts
from cleanroom.messages.http_signatures import VerifiedRequest, sign_response, verify_request

IDENTITY = PrivateIdentity.generate()
ESCROW = Ed25519PrivateKey.generate()
QUICK = Retries(total=2.0, first=0.01, longest=0.02)

Answer = Callable[["_Handler", RequestParts], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Answer] = []
        self.seen: list[tuple[VerifiedRequest, RequestParts, bytes]] = []
        self.headers_sent: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _handle(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = RequestParts(
            method=self.command,
            authority=self.headers["Host"],
            path=path,
            query=query,
            headers=tuple(self.headers.items()),
        )
        partner = IDENTITY.public()
        verified = verify_request(
            request, body, key_lookup={partner.partner_id: partner.identity_key}.get, now=system_clock()
        )
        self.server.seen.append((verified, request, body))
        answer = self.server.script.pop(0) if self.server.script else ok()
        answer(self, request)

    do_GET = do_PUT = do_DELETE = _handle  # noqa: N815 - the library's names

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def signed(status: int, body: bytes, *, key: Ed25519PrivateKey = ESCROW, extra: dict[str, str] | None = None) -> Answer:
    def answer(handler: _Handler, request: RequestParts) -> None:
        headers = sign_response(status, body, request=request, sign=key.sign, now=system_clock())
        handler.server.headers_sent = headers
        handler.send(status, body, headers | (extra or {}))

    return answer


def ok() -> Answer:
    return signed(200, b"fine")


def unsigned(status: int, body: bytes = b"<html>", headers: dict[str, str] | None = None) -> Answer:
    return lambda handler, _: handler.send(status, body, headers or {})


def problem(status: int, **members: object) -> Answer:
    return signed(status, json.dumps(members).encode())


def drop(handler: _Handler, _: RequestParts) -> None:
    handler.close_connection = True


@pytest.fixture
def server() -> Iterator[_Server]:
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def connect(server: _Server, *, retries: Retries = QUICK, limits: Limits | None = None, url: str = "") -> Transport:
    return Transport(
        url or server.url,
        identity=IDENTITY,
        escrow_key=ESCROW.public_key().public_bytes_raw(),
        clock=system_clock,
        retries=retries,
        limits=limits,
    )


@pytest.fixture
def transport(server: _Server) -> Iterator[Transport]:
    with connect(server) as transport:
        yield transport


def test_a_call_and_its_answer(server: _Server, transport: Transport) -> None:
    answer = transport.request(
        "PUT", "/v1/a b/ü", query={"after": "x&y=1"}, body=b"{}", content_type="application/json"
    )
    assert answer == b"fine"
    ((verified, request, body),) = server.seen
    assert verified.partner_id == IDENTITY.public().partner_id
    assert (request.method, request.path, request.query) == ("PUT", "/v1/a%20b/%C3%BC", "after=x%26y%3D1")
    assert body == b"{}"
    headers = {name.lower(): value for name, value in request.headers}
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("path", ["/", "/a?b=c", "/a#b", "/%2e%2e/a", "/a%2Fb", "/a//b"])
def test_whatever_the_path_the_server_sees_what_was_signed(server: _Server, transport: Transport, path: str) -> None:
    assert transport.request("GET", path) == b"fine"
    assert len(server.seen) == 1  # the server's own verification passed
    assert server.seen[0][1].query == ""


def test_a_path_in_front(server: _Server) -> None:
    with connect(server, url=f"{server.url}/cleanroom/") as transport:
        assert transport.request("GET", "/v1/x") == b"fine"
    assert server.seen[0][1].path == "/cleanroom/v1/x"


def test_each_try_has_a_fresh_nonce(server: _Server, transport: Transport) -> None:
    server.script = [
        drop,
        unsigned(502),
        unsigned(500),
        problem(503, code="busy", title="busy"),
        problem(429, code="x"),
    ]
    assert transport.request("GET", "/v1/x") == b"fine"
    assert len({verified.nonce for verified, _, _ in server.seen}) == 6


def test_tries_end_with_the_last_error(server: _Server) -> None:
    endings: list[tuple[Answer, type[Exception]]] = [
        (drop, EscrowUnreachable),
        (unsigned(503), EscrowUnreachable),
        (problem(503, code="busy", title="busy"), EscrowProblem),
    ]
    for answer, error in endings:
        server.script = [answer] * 1000
        server.seen.clear()
        begin = time.monotonic()
        with connect(server, retries=Retries(total=0.2, first=0.01, longest=0.02)) as transport, pytest.raises(error):
            transport.request("GET", "/v1/x")
        assert time.monotonic() - begin < 1.5
        assert len(server.seen) > 3


def test_nobody_listens(server: _Server) -> None:
    free = _Server()
    url = free.url
    free.server_close()
    with (
        connect(server, url=url, retries=Retries(total=0.1, first=0.01)) as transport,
        pytest.raises(EscrowUnreachable),
    ):
        transport.request("GET", "/v1/x")


@pytest.mark.parametrize("status", [200, 204, 302, 304, 401, 404, 429])
def test_an_unsigned_answer_is_refused_at_once(server: _Server, transport: Transport, status: int) -> None:
    server.script = [unsigned(status, b"")]
    with pytest.raises(EscrowNotAuthentic):
        transport.request("GET", "/v1/x")
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [200, 404, 503])
def test_an_answer_signed_by_another_key_is_refused(server: _Server, transport: Transport, status: int) -> None:
    server.script = [signed(status, b'{"code": "x"}', key=Ed25519PrivateKey.generate())]
    with pytest.raises(EscrowNotAuthentic):
        transport.request("GET", "/v1/x")
    assert len(server.seen) == 1


def test_a_changed_answer_is_refused(server: _Server, transport: Transport) -> None:
    def tampered(handler: _Handler, request: RequestParts) -> None:
        headers = sign_response(200, b"count: 10", request=request, sign=ESCROW.sign, now=system_clock())
        handler.send(200, b"count: 99", headers)

    server.script = [tampered]
    with pytest.raises(EscrowNotAuthentic):
        transport.request("GET", "/v1/x")


def test_an_answer_to_an_earlier_request_is_refused(server: _Server, transport: Transport) -> None:
    assert transport.request("GET", "/v1/x") == b"fine"
    old = dict(server.headers_sent)
    server.script = [lambda handler, _: handler.send(200, b"fine", old)]
    with pytest.raises(EscrowNotAuthentic):
        transport.request("GET", "/v1/x")


def test_another_clock_is_told(server: _Server) -> None:
    def yesterday() -> datetime:
        return datetime.now(UTC) - timedelta(days=1)  # noqa: TID251 - a clock that is wrong

    def answer(handler: _Handler, request: RequestParts) -> None:
        headers = sign_response(200, b"", request=request, sign=ESCROW.sign, now=yesterday())
        handler.send(200, b"", headers)

    server.script = [answer]
    with connect(server) as transport, pytest.raises(EscrowNotAuthentic, match="clock"):
        transport.request("GET", "/v1/x")


def test_problems(server: _Server, transport: Transport) -> None:
    server.script = [problem(409, code="room_expired", title="The room has expired", detail="at \x1b[31mnoon")]
    with pytest.raises(EscrowProblem) as refused:
        transport.request("PUT", "/v1/x")
    error = refused.value
    assert (error.problem, error.title, error.status) == ("room_expired", "The room has expired", 409)
    assert error.detail == "at [31mnoon"
    assert len(server.seen) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"code": 5}', b'"text"'])
def test_a_refusal_without_a_problem_document(server: _Server, transport: Transport, body: bytes) -> None:
    server.script = [signed(400, body)]
    with pytest.raises(EscrowProblem) as refused:
        transport.request("PUT", "/v1/x")
    assert refused.value.problem == "unexpected_answer"


@pytest.mark.parametrize("answer", [unsigned, lambda status, body, headers: signed(status, body, extra=headers)])
def test_redirects_are_not_followed(server: _Server, transport: Transport, answer: Callable[..., Answer]) -> None:
    server.script = [answer(307, b"", {"Location": f"{server.url}/elsewhere"})]
    with pytest.raises((EscrowNotAuthentic, EscrowProblem)):
        transport.request("GET", "/v1/x")
    assert [request.path for _, request, _ in server.seen] == ["/v1/x"]


def test_bodies_have_limits(server: _Server) -> None:
    with connect(server, limits=Limits(request_bytes=10, response_bytes=10)) as transport:
        server.script = [signed(200, bytes(11)), signed(200, bytes(10))]
        with pytest.raises(BodyTooLarge):
            transport.request("GET", "/v1/x")
        assert transport.request("PUT", "/v1/x", body=bytes(10)) == bytes(10)
        with pytest.raises(BodyTooLarge):
            transport.request("PUT", "/v1/x", body=bytes(11))
    assert len(server.seen) == 2


def test_encoded_content_is_not_decoded(server: _Server, transport: Transport) -> None:
    server.script = [signed(200, b"not gzip", extra={"Content-Encoding": "gzip"})]
    assert transport.request("GET", "/v1/x") == b"not gzip"


def test_waiting_lengthens_the_silence_that_is_borne(server: _Server) -> None:
    def slow(handler: _Handler, request: RequestParts) -> None:
        time.sleep(0.4)
        ok()(handler, request)

    with connect(server, limits=Limits(silence_seconds=0.15), retries=Retries(total=0.1, first=0.01)) as transport:
        server.script = [slow]
        assert transport.request("GET", "/v1/x", wait=1.0) == b"fine"
        assert len(server.seen) == 1  # not by a retry
        server.script = [slow]
        with pytest.raises(EscrowUnreachable):
            transport.request("GET", "/v1/x")


def test_the_environment_is_not_consulted(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with connect(server) as transport:
        assert transport.request("GET", "/v1/x") == b"fine"


@pytest.mark.parametrize(
    "url",
    [
        "http://escrow.example",
        "http://10.0.0.1",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "ftp://127.0.0.1",
        "https://",
        "escrow.example",
        "",
        "https://user:secret@escrow.example",
        "https://escrow.example?x=1",
        "https://escrow.example#x",
        "https://[",
    ],
)
def test_addresses_in_the_clear_or_none_are_refused(server: _Server, url: str) -> None:
    with pytest.raises(InsecureAddress) as refused:
        Transport(
            url,
            identity=IDENTITY,
            escrow_key=ESCROW.public_key().public_bytes_raw(),
            clock=system_clock,
        )
    assert "secret" not in str(refused.value)
    assert server.seen == []


@pytest.mark.parametrize(
    "url", ["https://escrow.example", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"]
)
def test_safe_addresses(server: _Server, url: str) -> None:
    connect(server, url=url).close()


def test_a_certificate_that_is_not_valid_ends_the_call_at_once(server: _Server, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path / "certificate.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = server.url.replace("http", "https")
    begin = time.monotonic()
    with (
        connect(server, url=url, retries=Retries(total=30)) as transport,
        pytest.raises(EscrowNotAuthentic, match="certificate"),
    ):
        transport.request("GET", "/v1/x")
    assert time.monotonic() - begin < 10
    assert server.seen == []


def _self_signed(file: Path) -> Path:
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(system_clock() - timedelta(days=1))
        .not_valid_after(system_clock() + timedelta(days=1))
        .sign(key, None)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file


def test_a_path_must_be_one(transport: Transport) -> None:
    with pytest.raises(ValueError, match="starts with"):
        transport.request("GET", "v1/x")
