"""The binary forms of P6 to P10: golden bytes, read with our own code and made again from docs/protocol.md alone."""

import hashlib
import hmac
import json
import struct
import unicodedata
from typing import Any, Final

import numpy as np
import pytest
from golden import TEXTS, canonical, load

from cleanroom.agent.reduce import hashed
from cleanroom.messages.notices import notice_info, pad_words, unpad_words
from cleanroom.messages.openings import (
    Claim,
    Opening,
    OpeningRefused,
    decode_evidence,
    decode_rows,
    encode_evidence,
    encode_rows,
    points_of,
)
from cleanroom.messages.records import read_record, record_of, records_root
from cleanroom.messages.releases import Release, handles_digest, pad, release_info, unpad
from cleanroom.messages.users import user_id_of
from matching import merkle, proof
from matching.tags import tag_context, tags

GOLDEN: Final[dict[str, dict[str, Any]]] = load("consent.json")
KERNEL: Final = load("kernel.json")
MEMBERS: Final = {
    "user": {"key", "id"},
    "opening": {"claim", "part", "snapshot_rows", "snapshot_root", "statement", "proof"},
    "evidence": {"chunk", "evaluation_rows", "evaluation_root"},
    "release": {
        *("room", "sender", "recipient", "epoch", "number", "batch", "sender_policy", "recipient_policy"),
        *("payload", "padded_size", "padded_sha256", "handles", "info"),
    },
    "records": {"cells", "leaves", "root"},
    "notice": {"room", "sender", "recipient", "number", "words", "padded_size", "padded_sha256", "info"},
    "hashed": {"key", "field", "value", "hash"},
}
ROW: Final = struct.Struct(">16s32sII51sB")
EVIDENCE: Final = struct.Struct(">IIII35sB")


def prefixed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def unhex(case: str, member: str) -> bytes:
    return bytes.fromhex(GOLDEN[case][member])


def framed(text: str, step: int) -> bytes:
    data = text.encode()
    whole = len(data).to_bytes(4, "big") + data
    return whole + bytes(-len(whole) % step)


def claim() -> Claim:
    return Claim.model_validate_json(GOLDEN["opening"]["claim"])


def climbed(leaf: bytes, *steps: tuple[bytes, bool]) -> bytes:
    """The root over a leaf; each step is a sibling, and whether it stands on the left."""
    node = hashlib.sha256(b"\x00" + leaf).digest()
    for sibling, left in steps:
        node = hashlib.sha256(b"\x01" + (sibling + node if left else node + sibling)).digest()
    return node


def test_the_file_holds_what_is_tested_here() -> None:
    assert {case: set(members) for case, members in GOLDEN.items()} == MEMBERS


# ---- P6


def test_golden_user() -> None:
    key, name = unhex("user", "key"), GOLDEN["user"]["id"]
    assert user_id_of(key) == name
    assert hashlib.sha256(prefixed(b"cleanroom/1 user", key)).hexdigest()[:32] == name


# ---- P7


def test_golden_claim_and_statement() -> None:
    text = GOLDEN["opening"]["claim"]
    assert canonical(json.loads(text)) == text
    assert claim().statement(0) == unhex("opening", "statement")
    by_hand = hashlib.sha512(prefixed(b"cleanroom/1 opening", text.encode(), bytes(4), b"\x00\x00\x00\x01"))
    assert by_hand.digest() == unhex("opening", "statement")
    assert Opening.model_validate_json(TEXTS["opening/2"]).claim == claim()


def test_golden_part_of_an_opening() -> None:
    part = unhex("opening", "part")
    rows = decode_rows(part, rows=2)
    assert encode_rows(rows) == part
    assert [hashlib.sha256(part).hexdigest()] == list(claim().parts)
    doubles = {case["token"]: case["double"] for case in KERNEL["keys"]}
    assert [doubles[row.token.hex()] for row in rows] == [row.point.hex() for row in rows]
    size, root = GOLDEN["opening"]["snapshot_rows"], unhex("opening", "snapshot_root")
    assert [merkle.root_from_path(row.leaf, row.index, size, row.path) for row in rows] == [root, root]


def test_golden_part_is_what_the_documents_say() -> None:
    part, root = unhex("opening", "part"), unhex("opening", "snapshot_root")
    pseudonym, point, batch, index, leaf, nodes = ROW.unpack_from(part)
    first = part[ROW.size : ROW.size + 64]
    assert (batch, index, nodes) == (1, 0, 2)
    assert climbed(leaf, (first[:32], False), (first[32:], False)) == root
    assert pseudonym.hex() == KERNEL["rows"]["pseudonyms"][:32]
    assert leaf[:16].hex() == KERNEL["rows"]["handles"][:32]
    assert leaf[16:19] == bytes([1, 0, 0])
    case = KERNEL["keys"][0]
    assert (leaf[19:].hex(), point.hex()) == (case["token"], case["double"])
    at = ROW.size + 64
    *_, index, leaf, nodes = ROW.unpack_from(part, at)
    assert (index, nodes, len(part)) == (2, 1, at + ROW.size + 32)
    assert climbed(leaf, (part[-32:], True)) == root


def test_golden_proof_holds_for_this_claim_only() -> None:
    rows = points_of(decode_rows(unhex("opening", "part"), rows=2))
    key, made = bytes.fromhex(claim().prover_key), unhex("opening", "proof")
    assert proof.verify(key, *rows, made, statement=unhex("opening", "statement"))
    for other in (
        *({"round": 4}, {"epoch": 8}, {"verifier_policy": "aa" * 32}, {"prover": claim().verifier}),
        *({"log_size": 13}, {"log_root": "5c" * 32}),
    ):
        changed = claim().model_copy(update=other)
        assert not proof.verify(key, *rows, made, statement=changed.statement(0))
    assert not proof.verify(key, *rows, made, statement=claim().statement(1))


def test_golden_evidence() -> None:
    chunk, root = unhex("evidence", "chunk"), unhex("evidence", "evaluation_root")
    items = decode_evidence(chunk)
    assert encode_evidence(items) == chunk
    size = GOLDEN["evidence"]["evaluation_rows"]
    assert [merkle.root_from_path(item.leaf, item.their_index, size, item.path) for item in items] == [root, root]
    batch, index, their_batch, their_index, leaf, nodes = EVIDENCE.unpack_from(chunk)
    assert (batch, index, their_batch, their_index, nodes) == (1, 4, 1, 0, 1)
    assert climbed(leaf, (chunk[EVIDENCE.size : EVIDENCE.size + 32], False)) == root


def test_golden_evidence_shows_the_tags_of_the_golden_opening() -> None:
    rows = decode_rows(unhex("opening", "part"), rows=2)
    items = decode_evidence(unhex("evidence", "chunk"))
    contexts = [tag_context(bytes.fromhex(claim().room), claim().epoch, case["kind"]) for case in KERNEL["keys"]]
    found = tags(points_of(rows)[1], np.array([row.kind for row in rows], np.uint8), contexts)
    assert [item.leaf[19:] for item in items] == [tag.tobytes() for tag in found]
    assert [item.leaf[18] for item in items] == [row.kind for row in rows]


def test_parts_and_evidence_that_are_cut_or_longer_are_refused() -> None:
    part, chunk = unhex("opening", "part"), unhex("evidence", "chunk")
    for wrong in (part[:-1], part + b"\x00"):
        with pytest.raises(OpeningRefused):
            decode_rows(wrong, rows=2)
    for rows in (1, 3):
        with pytest.raises(OpeningRefused):
            decode_rows(part, rows=rows)
    for wrong in (chunk[:-1], chunk + b"\x00"):
        with pytest.raises(OpeningRefused):
            decode_evidence(wrong)


# ---- P9


def test_golden_payload() -> None:
    case = GOLDEN["release"]
    made = framed(case["payload"], 16_384)
    assert (len(made), hashlib.sha256(made).hexdigest()) == (case["padded_size"], case["padded_sha256"])
    payload = unpad(made)
    assert pad(payload) == made
    assert payload.handles() == case["handles"]
    pairs = [match[who] for match in json.loads(case["payload"])["matches"] for who in ("sender", "recipient")]
    assert handles_digest(pairs) == hashlib.sha256(bytes.fromhex("".join(pairs))).hexdigest() == case["handles"]


def test_golden_info_of_a_release() -> None:
    case = GOLDEN["release"]
    named = {name: case[name] for name in ("room", "sender", "recipient", "epoch", "number")}
    policies = {name: case[name] for name in ("sender_policy", "recipient_policy")}
    release = Release.model_validate(
        {**json.loads(TEXTS["release/2"]), **named, **policies, "previous": "a2" * 32},
    )
    assert release_info(release, case["batch"], case["handles"]).hex() == case["info"]
    by_hand = prefixed(
        b"cleanroom/1 release",
        *(bytes.fromhex(case[name]) for name in ("room", "sender", "recipient")),
        case["epoch"].to_bytes(8, "big"),
        case["number"].to_bytes(4, "big"),
        case["batch"].to_bytes(4, "big"),
        *(bytes.fromhex(case[name]) for name in ("sender_policy", "recipient_policy", "handles")),
    )
    assert by_hand.hex() == case["info"]


def test_golden_records_of_the_golden_payload() -> None:
    case, payload = GOLDEN["records"], unpad(framed(GOLDEN["release"]["payload"], 16_384))
    places = [(mine, theirs) for mine, theirs in case["cells"]]
    made = [
        record_of(match, cell, bytes.fromhex(payload.salt)) for match, cell in zip(payload.matches, places, strict=True)
    ]
    assert [record.leaf().decode() for record in made] == case["leaves"]
    assert [read_record(text.encode()) for text in case["leaves"]] == made
    assert records_root(merkle.leaf_hash(record.leaf()) for record in made) == case["root"]


def test_golden_records_are_what_the_documents_say() -> None:
    case, payload = GOLDEN["records"], json.loads(GOLDEN["release"]["payload"])
    leaves = []
    for match, cell in zip(payload["matches"], case["cells"], strict=True):
        handles = bytes.fromhex(match["sender"] + match["recipient"])
        salt = hashlib.sha256(prefixed(b"cleanroom/1 record salt", bytes.fromhex(payload["salt"]), handles)).digest()
        accounts = [{name: shown["form"] for name, shown in account["fields"].items()} for account in match["accounts"]]
        named = {"sender": match["sender"], "recipient": match["recipient"]}
        leaves.append(canonical({"accounts": accounts, "cell": cell, "salt": salt[:16].hex(), **named}))
    assert leaves == case["leaves"]
    second = hashlib.sha256(b"\x00" + leaves[1].encode()).digest()
    assert climbed(leaves[0].encode(), (second, False)).hex() == case["root"]


def test_golden_words_and_info_of_a_notice() -> None:
    case = GOLDEN["notice"]
    made = framed(case["words"], 2_048)
    assert (len(made), hashlib.sha256(made).hexdigest()) == (case["padded_size"], case["padded_sha256"])
    assert pad_words(unpad_words(made)) == made
    assert notice_info(case["room"], case["sender"], case["recipient"], case["number"]).hex() == case["info"]
    parties = (bytes.fromhex(case[name]) for name in ("room", "sender", "recipient"))
    assert prefixed(b"cleanroom/1 notice", *parties, case["number"].to_bytes(4, "big")).hex() == case["info"]


def test_golden_hashed_field() -> None:
    case = GOLDEN["hashed"]
    assert hashed(case["field"], case["value"], bytes.fromhex(case["key"])) == case["hash"]
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", case["value"]).casefold())
    said = prefixed(b"cleanroom/1 hashed field", case["field"].encode(), folded.encode())
    assert hmac.digest(bytes.fromhex(case["key"]), said, "sha256").hex()[:32] == case["hash"]
