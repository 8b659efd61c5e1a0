"""A small partner for tests of the API: real keys, real tokens, valid documents, and ways to break each of them."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx2 import Client, Response

from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId
from cleanroom.messages.api import EnrolRequest, RoomView, SignatureBody
from cleanroom.messages.batches import CHUNK_ROWS, chunk_count, decode, encode
from cleanroom.messages.documents import Document, instant, read_document, signing_input
from cleanroom.messages.http_parts import RequestParts, ResponseParts
from cleanroom.messages.http_signatures import sign_request, verify_response
from cleanroom.messages.identity import partner_id_of
from cleanroom.messages.lists import EvaluatedBatch, Evaluation, ShapeCount, Snapshot
from cleanroom.messages.rooms import Enrolment, EpochKey, KindRecipe, ListLimits, Member, Terms, Withdrawal
from cleanroom.messages.sealing import SealingKey, seal, unseal
from cleanroom.messages.signing import Signature, SignedDocument
from matching import group, keyproof, merkle, tokens
from matching import tags as tagging
from matching.histogram import histogram
from matching.rows import ADD, TAG_BYTES, TOKEN_BYTES, Rows, applied, concatenated, empty, removals

AUTHORITY = "escrow.test"
SEALING_CONTEXT = b"test"
START = datetime(2026, 3, 1, 9, tzinfo=UTC)
KINDS = ("lei", "domain")
SEGMENTS = ("customers", "prospects")
DAY = 86_400

Company = tuple[int, dict[str, str]]
"""(segment, key of each kind)."""
Companies = dict[str, Company]


class StepClock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def step(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class Partner:
    """One enrolled, or not yet enrolled, partner talking to one escrow."""

    http: Client
    clock: StepClock
    escrow_key: bytes
    name: str
    identity: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    sealing: SealingKey = field(default_factory=SealingKey.generate)
    scalars: dict[int, group.Scalar] = field(default_factory=dict)
    renaming: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handles: dict[str, bytes] = field(default_factory=dict)
    states: dict[int, Rows] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        return self.identity.public_key().public_bytes_raw()

    @property
    def id(self) -> PartnerId:
        return partner_id_of(self.key)

    @property
    def member(self) -> Member:
        return Member(
            partner=self.id,
            name=self.name,
            identity_key=self.key.hex(),
            sealing_key=self.sealing.public_bytes().hex(),
        )

    # HTTP

    def call(self, method: str, path: str, body: bytes = b"", *, media: str = "application/json") -> Response:
        """Send a signed request; the response's signature must hold, whatever it says."""
        headers = self.signed_headers(method, path, body)
        return self.send(method, path, body, {**headers, "Content-Type": media} if body else headers)

    def signed_headers(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        target, _, query = path.partition("?")
        parts = RequestParts(method=method, authority=AUTHORITY, path=target, query=query)
        return sign_request(parts, body, key_id=self.id, sign=self.identity.sign, now=self.clock())

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Response:
        target, _, query = path.partition("?")
        response = self.http.request(method, path, content=body or None, headers=headers)
        verify_response(
            ResponseParts(
                status=response.status_code, headers=tuple(response.headers.multi_items()), body=response.content
            ),
            request=RequestParts(
                method=method, authority=AUTHORITY, path=target, query=query, headers=tuple(headers.items())
            ),
            escrow_key=self.escrow_key,
            now=self.clock(),
        )
        return response

    def get(self, path: str) -> Response:
        return self.call("GET", path)

    def put(self, path: str, body: Any) -> Response:  # noqa: ANN401 - a message, or any JSON to break it
        text = body.model_dump_json() if hasattr(body, "model_dump_json") else json.dumps(body)
        return self.call("PUT", path, text.encode())

    # documents

    def sign(self, document: Document) -> SignedDocument:
        text = document.text()
        return SignedDocument(document=text, signatures=(self.signature(document.type, text),))

    def signature(self, document_type: str, text: str) -> Signature:
        signature = self.identity.sign(signing_input(document_type, text))
        return Signature(signer=self.id, signature=signature.hex())

    def enrolment(self, **changes: Any) -> Enrolment:  # noqa: ANN401 - any field
        fields = {
            "name": self.name,
            "kind": "isv",
            "identity_key": self.key.hex(),
            "sealing_key": self.sealing.public_bytes().hex(),
            "escrow_key": self.escrow_key.hex(),
            "created": instant(self.clock()),
        }
        return Enrolment.model_validate({**fields, **changes})

    def enrol(self, invite: str, document: Enrolment | None = None) -> Response:
        signed = self.sign(document or self.enrolment())
        return self.put(f"/v1/partners/{self.id}", EnrolRequest(invite=invite, enrolment=signed))

    def propose(self, terms: Terms) -> Response:
        return self.put(f"/v1/rooms/{terms.room}/terms/{terms.version}", self.sign(terms))

    def accept(self, terms: Terms) -> Response:
        body = SignatureBody(signature=self.signature(terms.type, terms.text()))
        return self.put(f"/v1/rooms/{terms.room}/terms/{terms.version}/signatures/{self.id}", body)

    def withdraw(self, room: RoomId, reason: str) -> Response:
        document = Withdrawal.model_validate(
            {"room": room, "partner": self.id, "reason": reason, "created": instant(self.clock())}
        )
        return self.put(f"/v1/rooms/{room}/withdrawals/{self.id}", self.sign(document))

    def epoch_key(self, terms: Terms, epoch: int = 0, /, **changes: Any) -> EpochKey:  # noqa: ANN401 - any field
        scalar = self.scalars.setdefault(epoch, group.random_scalar())
        bound = keyproof.key_statement(bytes.fromhex(terms.room), epoch, self.key)
        fields = {
            "room": terms.room,
            "terms": terms.digest(),
            "epoch": epoch,
            "partner": self.id,
            "key": group.base_multiply(scalar).hex(),
            "proof": keyproof.prove(scalar, bound).hex(),
        }
        return EpochKey.model_validate({**fields, **changes})

    def publish(self, document: EpochKey) -> Response:
        return self.put(f"/v1/rooms/{document.room}/epochs/{document.epoch}/keys/{self.id}", self.sign(document))

    # lists

    def rows(self, terms: Terms, companies: Companies, epoch: int = 0) -> Rows:
        """Blinded rows of these companies, all of them additions."""
        found = [
            (self.handles.setdefault(f"{epoch}/{name}", secrets.token_bytes(16)), segment, KINDS.index(kind), key)
            for name, (segment, keys) in companies.items()
            for kind, key in keys.items()
        ]
        if not found:
            return empty(TOKEN_BYTES)
        contexts = [tokens.key_context(bytes.fromhex(terms.room), epoch, kind, "1", "1") for kind in KINDS]
        points = tokens.blind([row[3] for row in found], [contexts[row[2]] for row in found], self.scalars[epoch])
        return Rows(
            name=np.frombuffer(b"".join(row[0] for row in found), np.uint8).reshape(-1, 16),
            op=np.full(len(found), ADD, np.uint8),
            segment=np.array([row[1] for row in found], np.uint8),
            kind=np.array([row[2] for row in found], np.uint8),
            value=points,
        )

    def gone(self, names: list[str], epoch: int = 0) -> Rows:
        handles = b"".join(self.handles[f"{epoch}/{name}"] for name in names)
        return removals(np.frombuffer(handles, np.uint8).reshape(-1, 16), TOKEN_BYTES)

    def snapshot(
        self,
        terms: Terms,
        rows: Rows,
        sealed: list[bytes],
        *,
        previous: Snapshot | None = None,
        epoch: int = 0,
        **changes: Any,  # noqa: ANN401 - any field
    ) -> Snapshot:
        state = applied(self.states[epoch] if previous else empty(TOKEN_BYTES), rows)
        shapes = [
            ShapeCount(segment=segment, keys=keys, entries=entries)
            for (segment, keys), entries in histogram(state, len(KINDS)).items()
        ]
        fields = {
            "room": terms.room,
            "terms": terms.digest(),
            "epoch": epoch,
            "owner": self.id,
            "number": previous.number + 1 if previous else 1,
            "previous": previous.digest() if previous else "",
            "key": group.base_multiply(self.scalars[epoch]).hex(),
            "rows": len(rows),
            "root": merkle.root(rows.leaves(), rows.leaf_width).hex(),
            "shapes": shapes,
            "chunks": [hashlib.sha256(data).hexdigest() for data in sealed],
            "sources": [],
            "created": instant(self.clock()),
        }
        return Snapshot.model_validate({**fields, **changes})

    def seal_rows(self, rows: Rows, to: "Partner") -> list[bytes]:
        parts = [rows.take(slice(i * CHUNK_ROWS, (i + 1) * CHUNK_ROWS)) for i in range(chunk_count(len(rows)))]
        return [seal(encode(part), to.sealing.public_bytes(), SEALING_CONTEXT) for part in parts]

    def snapshot_path(self, room: str, number: int, epoch: int = 0) -> str:
        return f"/v1/rooms/{room}/epochs/{epoch}/snapshots/{self.id}/{number}"

    def put_sealed(self, room: str, number: int, sealed: list[bytes], epoch: int = 0) -> None:
        for index, data in enumerate(sealed):
            path = f"{self.snapshot_path(room, number, epoch)}/chunks/{index}"
            assert self.call("PUT", path, data, media="application/octet-stream").status_code == 200

    def commit(self, document: Snapshot) -> Response:
        return self.put(self.snapshot_path(document.room, document.number, document.epoch), self.sign(document))

    def push(
        self, terms: Terms, rows: Rows, other: "Partner", *, previous: Snapshot | None = None, epoch: int = 0
    ) -> Snapshot:
        sealed = self.seal_rows(rows, other)
        document = self.snapshot(terms, rows, sealed, previous=previous, epoch=epoch)
        self.put_sealed(terms.room, document.number, sealed, epoch)
        answer = self.commit(document)
        assert answer.status_code == 200, answer.text
        self.states[epoch] = applied(
            self.states.get(epoch, empty(TOKEN_BYTES)) if previous else empty(TOKEN_BYTES), rows
        )
        return document

    # evaluation

    def evaluated(self, terms: Terms, owner: "Partner", snapshot: Snapshot) -> Rows:
        """The other side's batch, fetched, unsealed, renamed, sorted and double-blinded."""
        parts = []
        for index in range(len(snapshot.chunks)):
            answer = self.get(f"{owner.snapshot_path(terms.room, snapshot.number, snapshot.epoch)}/chunks/{index}")
            assert answer.status_code == 200, answer.text
            plain = unseal(answer.content, self.sealing, SEALING_CONTEXT)
            size = min(CHUNK_ROWS, snapshot.rows - index * CHUNK_ROWS)
            parts.append(decode(plain, value_bytes=TOKEN_BYTES, rows=size))
        rows = concatenated(parts) if parts else empty(TOKEN_BYTES)
        return self.double_blinded(terms, rows, snapshot.epoch)

    def double_blinded(self, terms: Terms, rows: Rows, epoch: int = 0) -> Rows:
        contexts = [tagging.tag_context(bytes.fromhex(terms.room), epoch, kind) for kind in KINDS]
        value = np.zeros((len(rows), TAG_BYTES), np.uint8)
        adds = rows.op == ADD
        points = group.multiply(rows.value[adds], self.scalars[epoch])
        value[adds] = tagging.tags(points, rows.kind[adds], contexts)
        name = tokens.renamed(rows.name, self.renaming)
        unsorted = Rows(name=name, op=rows.op, segment=rows.segment, kind=rows.kind, value=value)
        order = sorted(range(len(rows)), key=lambda i: (name[i].tobytes(), int(rows.op[i])))
        return unsorted.take(np.array(order, np.intp))

    def evaluation(
        self,
        terms: Terms,
        owner: "Partner",
        of: Snapshot,
        against: Snapshot,
        batches: list[Rows],
        /,
        **changes: Any,  # noqa: ANN401 - any field
    ) -> Evaluation:
        signed = [
            EvaluatedBatch(number=i, rows=len(rows), root=merkle.root(rows.leaves(), rows.leaf_width).hex())
            for i, rows in enumerate(batches, 1)
        ]
        fields = {
            "room": terms.room,
            "terms": terms.digest(),
            "epoch": of.epoch,
            "evaluator": self.id,
            "owner": owner.id,
            "of": of.digest(),
            "against": against.digest(),
            "key": group.base_multiply(self.scalars[of.epoch]).hex(),
            "batches": signed,
            "created": instant(self.clock()),
        }
        return Evaluation.model_validate({**fields, **changes})

    def evaluation_path(self, room: str, epoch: int = 0) -> str:
        return f"/v1/rooms/{room}/epochs/{epoch}/evaluations/{self.id}"

    def put_evaluation(self, document: Evaluation) -> Response:
        path = f"{self.evaluation_path(document.room, document.epoch)}/{document.of}/{document.against}"
        return self.put(path, self.sign(document))

    def put_tags(self, room: str, number: int, index: int, data: bytes, epoch: int = 0) -> Response:
        path = f"{self.evaluation_path(room, epoch)}/batches/{number}/chunks/{index}"
        return self.call("PUT", path, data, media="application/vnd.apache.arrow.stream")

    def complete(self, room: str, number: int, epoch: int = 0) -> Response:
        return self.put(f"{self.evaluation_path(room, epoch)}/batches/{number}", {})

    def upload(self, room: str, number: int, rows: Rows, epoch: int = 0) -> Response:
        """All chunks of a batch, and its completion."""
        for index in range(chunk_count(len(rows))):
            part = rows.take(slice(index * CHUNK_ROWS, (index + 1) * CHUNK_ROWS))
            answer = self.put_tags(room, number, index, encode(part), epoch)
            assert answer.status_code == 200, answer.text
        return self.complete(room, number, epoch)

    def view(self, room: str) -> RoomView:
        answer = self.get(f"/v1/rooms/{room}")
        assert answer.status_code == 200, answer.text
        return RoomView.model_validate_json(answer.content)


def make_terms(first: Partner, second: Partner, **changes: Any) -> Terms:  # noqa: ANN401 - any field
    """Terms for small lists; days are answer intervals."""
    fields = {
        "room": secrets.token_hex(16),
        "version": 1,
        "previous": "",
        "escrow_key": first.escrow_key.hex(),
        "title": "Joint accounts",
        "purpose": "account mapping",
        "use": "co_sell",
        "members": (first.member, second.member),
        "kinds": tuple(KindRecipe.model_validate({"kind": kind, "normaliser": "1", "tables": "1"}) for kind in KINDS),
        "rule": "rule/1",
        "tiers": ("certain", "likely"),
        "segments": SEGMENTS,
        "counting": {"mode": "exact", "floor": 2, "caps": "unsafe_none"},
        "declared": (1000, 1000),
        "limits": dict.fromkeys(ListLimits.model_fields, 1_000_000),
        "new_tokens": {"count_from": "next_answer", "open_after_hours": 0, "open_after_snapshots": 1},
        "host": "",
        "probes": 0,
        "minimum_population": 2,
        "fields": (),
        "epoch_days": 30,
        "answer_interval": DAY,
        "changes": "batched",
        "quota": 1000,
        "starts": instant(START),
        "expires": instant(START + timedelta(days=365)),
    }
    return Terms.model_validate({**fields, **changes})


def companies(numbers: range, *, split: int) -> Companies:
    """One domain each; every `split`-th is a customer, the others are prospects."""
    return {f"c{i}": (0 if i % split == 0 else 1, {"domain": f"company{i}.example"}) for i in numbers}


def code_of(response: Response) -> tuple[int, str]:
    """Status and code of a problem."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


def digest_in(response: Response) -> Digest:
    """The digest of an accepted write."""
    assert response.status_code == 200, response.text
    digest: Digest = response.json()["digest"]
    return digest


def opened(signed: SignedDocument, kind: type[Document]) -> Any:  # noqa: ANN401 - the type given
    return read_document(kind, signed.document)
