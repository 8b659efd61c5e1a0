"""Raw HTTP at a running escrow: whatever comes in, a problem (RFC 9457) goes out, and nothing is half-done."""

import hashlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pandas as pd
import pytest
from ground import Ground, in_a_room, opened, running
from witness import visible

from api.service.signatures import MAX_DOCUMENT_BYTES, MAX_SMALL_BYTES
from cleanroom.agent import commit, lists, outbox
from cleanroom.agent.epochs import publish_key
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.clock import system_clock
from cleanroom.messages.http_parts import RequestParts, ResponseParts
from cleanroom.messages.http_signatures import sign_request, verify_response
from escrow.snapshots import MAX_SEALED_BYTES

JSON = "application/json"
CANARY = "zq5canary5acme.example"


@dataclass
class Wire:
    """Signed requests as bytes, sent as they are or spoiled."""

    ground: Ground
    agent: Agent
    http: httpx2.Client

    @property
    def authority(self) -> str:
        return self.ground.escrow.url.partition("://")[2]

    def signed(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        target, _, query = path.partition("?")
        parts = RequestParts(method=method, authority=self.authority, path=target, query=query)
        identity = self.agent.identity
        return sign_request(parts, body, key_id=self.agent.me, sign=identity.sign, now=system_clock())

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, media: str = JSON
    ) -> httpx2.Response:
        """Whatever is answered to a signed request is signed by the escrow, for this very request."""
        added = self.signed(method, path, body) if headers is None else headers
        typed = {**added, "Content-Type": media} if body else added
        answer = self.http.request(method, path, content=body or None, headers=typed)
        if added:
            target, _, query = path.partition("?")
            verify_response(
                ResponseParts(
                    status=answer.status_code, headers=tuple(answer.headers.multi_items()), body=answer.content
                ),
                request=RequestParts(
                    method=method, authority=self.authority, path=target, query=query, headers=tuple(added.items())
                ),
                escrow_key=bytes.fromhex(self.agent.config.escrow_key),
                now=system_clock(),
            )
        return answer

    def raw(self, data: bytes, *, then_close: bool = False) -> bytes:
        """Bytes on a connection; everything that comes back until the other side closes, or has answered."""
        host, _, port = self.authority.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(data)
            if then_close:
                line.shutdown(socket.SHUT_WR)
            return line.recv(65_536)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    folder = tmp_path_factory.mktemp("bad-requests")
    with running(folder / "escrow") as escrow:
        ground = in_a_room(folder, escrow)
        with opened(ground.acme) as agent, httpx2.Client(base_url=escrow.url, trust_env=False) as http:
            publish_key(agent, open_room(agent, ground.room))
            yield Wire(ground, agent, http)


@pytest.fixture(autouse=True)
def _nothing_half_done(wire: Wire) -> Iterator[None]:
    """Each test leaves the escrow up, the room as it was, and a log without tracebacks, canaries or failures."""
    before = wire.agent.escrow.room(wire.ground.room)
    known = len(log_text(wire))
    yield
    assert wire.agent.escrow.room(wire.ground.room) == before
    new = log_text(wire)[known:]
    assert {json.loads(line)["event"] for line in new.splitlines()} <= {"request", "Invalid HTTP request received."}
    assert CANARY not in new


def log_text(wire: Wire) -> str:
    return wire.ground.escrow.log.read_text(encoding="utf-8")


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code, once it is a whole problem that repeats nothing of the request."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert {"type", "title", "status", "code", "detail"} == set(document)
    assert document["status"] == answer.status_code
    assert document["type"] == f"urn:cleanroom:problem:{document['code']}"
    assert CANARY not in answer.text
    return answer.status_code, document["code"]


def _accounts(count: int) -> pd.DataFrame:
    columns = ("name", "country", "lei", "duns", "vat")
    ids = pd.Series([f"big\x1f{i}" for i in range(count)], dtype="str")
    frame = pd.DataFrame(
        {"account_id": ids, "website": [f"company{i}.com" for i in range(count)], "segment": "customers"}
    )
    return frame.assign(**dict.fromkeys(columns, "")).astype("str").assign(suppressed=False)


def terms_path(wire: Wire) -> str:
    return f"/v1/rooms/{wire.ground.room}/terms/2"


def chunk_path(wire: Wire, index: int = 0) -> str:
    return f"/v1/rooms/{wire.ground.room}/epochs/0/snapshots/{wire.agent.me}/1/chunks/{index}"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/v1/rooms", f"/v1/rooms/{CANARY}", "/v1/partners", "/"])
def test_unsigned_requests_are_refused(wire: Wire, method: str, path: str) -> None:
    answer = wire.send(method, path, headers={})
    if method == "HEAD":
        assert answer.status_code == 401
    else:
        assert problem(answer) == (401, "signature_refused")


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_unknown_methods_are_refused(wire: Wire, method: str) -> None:
    assert problem(wire.send(method, "/v1/rooms")) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/{CANARY}",
        f"/v1/rooms/{CANARY}",
        "/v1/rooms/%00%ff%2e%2e%2f",
        "/v1/rooms/../../etc/passwd",
        "//v1/rooms",
        "/v1/rooms/" + "a" * 4_000,
        "/v1/rooms/" + "0" * 32 + "/epochs/-1/snapshots/x/0/chunks",
        "/v1/rooms/" + "0" * 32 + "/epochs/99999999999999999999999/keys/x",
        "/v1/changes?after=" + CANARY,
        "/v1/changes?after=-1&wait=1e9",
        "/v1/rooms?after=0&limit=99999999",
    ],
)
def test_garbage_addresses_are_refused(wire: Wire, path: str) -> None:
    url = httpx2.URL(wire.ground.escrow.url).copy_with(raw_path=path.encode())
    target, _, query = url.raw_path.decode().partition("?")
    headers = wire.signed("GET", f"{target}?{query}" if query else target)
    assert problem(wire.http.get(url, headers=headers))[0] in {401, 404, 405, 422}


def test_a_repeated_request_is_refused(wire: Wire) -> None:
    path, body = chunk_path(wire, index=7), b"sealed"
    headers = wire.signed("PUT", path, body)
    first = wire.send("PUT", path, body, headers, media="application/octet-stream")
    assert first.status_code == 200
    again = wire.send("PUT", path, body, headers, media="application/octet-stream")
    assert problem(again) == (401, "request_replayed")


@pytest.mark.parametrize("what", ["method", "path", "query", "body", "digest", "authority", "nonce"])
def test_a_tampered_request_is_refused(wire: Wire, what: str) -> None:
    path, body = terms_path(wire), json.dumps({"document": "{}", "signatures": []}).encode()
    method, headers = "PUT", wire.signed("PUT", path, body)
    if what == "method":
        method = "POST"
    elif what == "path":
        path = path.replace("terms/2", "terms/3")
    elif what == "query":
        path += "?x=1"
    elif what == "body":
        body += b" "
    elif what == "digest":
        headers = {name: value for name, value in headers.items() if name.lower() != "content-digest"}
    elif what == "authority":
        headers["Host"] = "escrow.example"
    else:
        headers["Signature-Input"] = headers["Signature-Input"].replace('nonce="', 'nonce="A')
    answer = wire.http.request(method, path, content=body, headers={**headers, "Content-Type": JSON})
    assert problem(answer) == (401, "signature_refused")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b'{"document":' + b"[" * 10_000,
        json.dumps({"document": CANARY, "signatures": [{"signer": CANARY, "signature": CANARY}]}).encode(),
        json.dumps({CANARY: CANARY}).encode(),
        b'{"document":"{}","document":"{}","signatures":[]}',
    ],
)
@pytest.mark.parametrize("place", ["terms/2", "terms/1/signatures/{me}", "withdrawals/{me}", "epochs/0/keys/{me}"])
def test_malformed_bodies_are_refused(wire: Wire, place: str, body: bytes) -> None:
    path = f"/v1/rooms/{wire.ground.room}/{place.format(me=wire.agent.me)}"
    assert problem(wire.send("PUT", path, body))[0] in {409, 422}


@pytest.mark.parametrize("media", ["text/plain", "multipart/form-data; boundary=x", "application/xml", CANARY, ""])
def test_another_content_type_changes_nothing(wire: Wire, media: str) -> None:
    body = json.dumps({"document": "{}", "signatures": []}).encode()
    assert problem(wire.send("PUT", terms_path(wire), body, media=media))[0] in {415, 422}


@pytest.mark.parametrize(
    ("place", "limit"),
    [("terms/2", MAX_SMALL_BYTES), ("epochs/0/keys/x", MAX_DOCUMENT_BYTES), ("chunks", MAX_SEALED_BYTES)],
)
def test_huge_bodies_are_refused(wire: Wire, place: str, limit: int) -> None:
    path = chunk_path(wire) if place == "chunks" else f"/v1/rooms/{wire.ground.room}/{place}"
    answer = wire.send("PUT", path, bytes(limit + 1), media="application/octet-stream")
    assert problem(answer) == (413, "body_too_large")


def test_a_body_that_never_ends_is_cut_off(wire: Wire) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(10_000):
            yield bytes(65_536)

    headers = {**wire.signed("PUT", terms_path(wire), b"x"), "Content-Type": JSON}
    try:
        answer = wire.http.put(terms_path(wire), content=endless(), headers=headers)
    except (httpx2.WriteError, httpx2.RemoteProtocolError, httpx2.ReadError):
        return  # it was cut off before the client had read why
    assert problem(answer) == (413, "body_too_large")


def test_a_truncated_upload_leaves_nothing(wire: Wire) -> None:
    path, body = chunk_path(wire, index=9), bytes(100_000)
    headers = wire.signed("PUT", path, body)
    lines = [f"PUT {path} HTTP/1.1", f"Host: {wire.authority}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    start = "\r\n".join(lines).encode() + b"\r\n\r\n" + body[:1_000]
    assert b" 200 " not in wire.raw(start, then_close=True).partition(b"\r\n")[0]
    held = wire.send("GET", path.rpartition("/")[0]).json()["held"]
    assert hashlib.sha256(body).hexdigest() not in held
    assert wire.send("PUT", path, body, media="application/octet-stream").status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"GET /v1/rooms HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /v1/rooms HTTP/1.1\r\n\r\n",
        b"PUT /v1/rooms HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"PUT /v1/rooms HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /v1/rooms HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v1/rooms#x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://other.example/v1/rooms HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_hardly_http_is_refused(wire: Wire, data: bytes) -> None:
    status = wire.raw(data, then_close=True).partition(b"\r\n")[0]
    assert not status or status.split(b" ")[1] in {b"400", b"401", b"404", b"405", b"422"}


def test_a_client_that_goes_away_in_the_middle_is_no_failure(wire: Wire) -> None:
    host, _, port = wire.authority.rpartition(":")
    for start in (
        b"",
        b"G",
        b"GET /v1/rooms HTTP/1.1\r\nHost: a\r\n",
        b"PUT /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab",
    ):
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(start)
    waiting = wire.signed("GET", "/v1/changes?after=99999&wait=20")
    lines = ["GET /v1/changes?after=99999&wait=20 HTTP/1.1", f"Host: {wire.authority}"]
    lines += [f"{name}: {value}" for name, value in waiting.items()]
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
    assert wire.agent.escrow.info().protocol == "cleanroom/1"


def test_chunks_in_another_order_are_not_what_was_signed(wire: Wire) -> None:
    """Chunks swapped under a signed snapshot: it does not commit, and the other side sees none of it."""
    agent, ground = wire.agent, wire.ground
    store = outbox.Memory()
    room = open_room(agent, ground.room)
    accounts = lists.keyed(agent, "big", _accounts(8_500))  # two keys each: a domain, and the name in it
    wanted = commit.wanted_rows(agent, room, instead=accounts)
    first = commit.changes.Changes(removed=wanted.rows["handle"].to_numpy()[:0], added=wanted.rows, waiting=0)
    batch = outbox.planned(agent, room, store, first, 0)
    signed = outbox.signed_snapshot(agent, room, batch, outbox.blinded(agent, room, batch))
    document = signed.model_dump_json().encode()
    sealed = [batch.sealed(index) for index in batch.chunks()]
    assert len(sealed) == 2
    path = chunk_path(wire).rpartition("/chunks")[0]
    for index, data in enumerate(reversed(sealed)):
        assert wire.send("PUT", f"{path}/chunks/{index}", data, media="application/octet-stream").status_code == 200
    assert problem(wire.send("PUT", path, document)) == (409, "chunks_missing")
    # What is at an address stays: the right chunk does not replace it.
    right = wire.send("PUT", f"{path}/chunks/0", sealed[0], media="application/octet-stream")
    assert problem(right) == (409, "conflict")
    with opened(ground.globex) as other:
        assert visible(other, ground, agent.me) == []
