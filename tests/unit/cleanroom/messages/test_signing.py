import json
from typing import Any

import pytest
from golden import DOCUMENTS, TEXTS, TYPES, canonical, key, name, public, signature, signed
from pydantic import ValidationError

from cleanroom.messages.documents import DocumentRefused, signing_input
from cleanroom.messages.rooms import Withdrawal
from cleanroom.messages.signing import Signature, SignedDocument, check_signature, open_document

KIND = "withdrawal/1"
TEXT = TEXTS[KIND]
ONE, TWO = {name(1): public(1)}, {name(1): public(1), name(2): public(2)}


def refused(envelope: SignedDocument, signers: dict[str, bytes]) -> str:
    with pytest.raises(DocumentRefused) as refusal:
        open_document(Withdrawal, envelope, signers)
    message = str(refusal.value)
    assert not any(secret in message for secret in (TEXT, name(1), *(s.signature for s in envelope.signatures)))
    return message


# ---- golden bytes


@pytest.mark.parametrize("case", DOCUMENTS, ids=lambda case: case["type"])
def test_golden_envelopes_open(case: dict[str, Any]) -> None:
    body = {
        "document": case["text"],
        "signatures": [{"signer": s["signer"], "signature": s["signature"]} for s in case["signatures"]],
    }
    envelope = SignedDocument.model_validate_json(json.dumps(body))
    signers = {s["signer"]: bytes.fromhex(s["identity_key"]) for s in case["signatures"]}
    document = open_document(TYPES[case["type"]], envelope, signers)
    assert document.text() == case["text"]
    assert envelope.digest() == document.digest() == case["sha256"]
    assert json.loads(envelope.model_dump_json()) == body


def test_golden_input_of_a_signature() -> None:
    parts = (b"cleanroom/1 document", b"withdrawal/1", TEXT.encode())
    assert signing_input(KIND, TEXT) == b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    assert signing_input("a", "bc") != signing_input("ab", "c")


# ---- who must have signed, and nobody else


def test_all_signers_and_nobody_else() -> None:
    assert open_document(Withdrawal, signed(KIND, TEXT, 1), ONE).text() == TEXT
    for order in ((1, 2), (2, 1)):
        assert open_document(Withdrawal, signed(KIND, TEXT, *order), TWO).text() == TEXT


@pytest.mark.parametrize(
    ("given", "signers"),
    [
        ((1,), TWO),
        ((2,), ONE),
        ((1, 2), ONE),
        ((1, 1), ONE),
        ((1, 1), TWO),
        ((1, 2, 2), TWO),
        ((1, 2, 3), TWO),
        ((3,), ONE),
        ((1,), {"escrow": public(1)}),
    ],
    ids=["missing", "wrong", "extra", "twice", "one twice for two", "second twice", "third", "unknown", "other name"],
)
def test_another_set_of_signers_is_refused(given: tuple[int, ...], signers: dict[str, bytes]) -> None:
    assert "exactly" in refused(signed(KIND, TEXT, *given), signers)


def test_no_known_signer_is_refused() -> None:
    """Empty means refuse: an envelope that nobody has to sign is not one that anybody signed."""
    assert "no signer" in refused(signed(KIND, TEXT, 1), {})


def test_a_signature_by_another_key_is_refused() -> None:
    assert "does not hold" in refused(signed(KIND, TEXT, 1), {name(1): public(2)})
    swapped = {name(1): public(2), name(2): public(1)}
    assert "does not hold" in refused(signed(KIND, TEXT, 1, 2), swapped)


@pytest.mark.parametrize("wrong_key", [b"", bytes(31), bytes(33), b"\xff" * 32])
def test_a_key_that_is_none_is_refused(wrong_key: bytes) -> None:
    assert "does not hold" in refused(signed(KIND, TEXT, 1), {name(1): wrong_key})


def test_one_bad_signature_among_good_ones_is_refused() -> None:
    good, other = signature(KIND, TEXT, 1), signature(KIND, TEXT, 3)
    bad = Signature(signer=name(2), signature=other.signature)
    for signatures in ((good, bad), (bad, good)):
        assert "does not hold" in refused(SignedDocument(document=TEXT, signatures=signatures), TWO)


@pytest.mark.parametrize("bit", range(0, 512, 7))
def test_no_bit_of_a_signature_can_change(bit: int) -> None:
    changed = bytearray.fromhex(signature(KIND, TEXT, 1).signature)
    changed[bit // 8] ^= 1 << bit % 8
    bad = Signature(signer=name(1), signature=changed.hex())
    assert "does not hold" in refused(SignedDocument(document=TEXT, signatures=(bad,)), ONE)


def test_a_signature_has_one_encoding() -> None:
    """S plus the group order verifies where S is not checked to be reduced (RFC 8032 section 5.1.7)."""
    good = bytes.fromhex(signature(KIND, TEXT, 1).signature)
    order = 2**252 + 27742317777372353535851937790883648493
    number = int.from_bytes(good[32:], "little") + order
    malleable = Signature(signer=name(1), signature=(good[:32] + number.to_bytes(32, "little")).hex())
    assert "does not hold" in refused(SignedDocument(document=TEXT, signatures=(malleable,)), ONE)


# ---- what was signed


def test_another_text_under_the_same_signature_is_refused() -> None:
    other = canonical({**json.loads(TEXT), "reason": "declined"})
    moved = SignedDocument(document=other, signatures=(signature(KIND, TEXT, 1),))
    assert "does not hold" in refused(moved, ONE)


@pytest.mark.parametrize("other_type", [kind for kind in TYPES if kind != KIND])
def test_a_signature_over_another_type_is_refused(other_type: str) -> None:
    under_another = SignedDocument(document=TEXT, signatures=(signature(other_type, TEXT, 1),))
    assert "does not hold" in refused(under_another, ONE)
    refused(signed(other_type, TEXTS[other_type], 1), ONE)


def test_a_signature_over_the_bare_text_is_refused() -> None:
    bare = Signature(signer=name(1), signature=key(1).sign(TEXT.encode()).hex())
    assert "does not hold" in refused(SignedDocument(document=TEXT, signatures=(bare,)), ONE)


@pytest.mark.parametrize("text", [TEXT + "\n", " " + TEXT, TEXT[:-1], TEXT.replace(":", ": ", 1), ""])
def test_a_signed_text_that_is_not_canonical_is_refused(text: str) -> None:
    refused(signed(KIND, text, 1), ONE)


def test_check_signature_names_the_type_only() -> None:
    check_signature(KIND, TEXT, signature(KIND, TEXT, 1), public(1))
    with pytest.raises(DocumentRefused) as refusal:
        check_signature(KIND, TEXT + " ", signature(KIND, TEXT, 1), public(1))
    assert str(refusal.value) == "withdrawal/1: a signature does not hold"


# ---- the envelope itself


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"signatures": []},
        {"signatures": None},
        {"signatures": [{"signer": name(1), "signature": "00" * 64}] * 9},
        {"signatures": [{"signer": name(1), "signature": "00" * 63}]},
        {"signatures": [{"signer": name(1), "signature": "AA" * 64}]},
        {"signatures": [{"signer": name(1), "signature": "00" * 64 + "\n"}]},
        {"signatures": [{"signer": name(1) + "\n", "signature": "00" * 64}]},
        {"signatures": [{"signer": "Escrow", "signature": "00" * 64}]},
        {"signatures": [{"signer": "escrow2", "signature": "00" * 64}]},
        {"signatures": [{"signer": "", "signature": "00" * 64}]},
        {"signatures": [{"signature": "00" * 64}]},
        {"signatures": [{"signer": name(1), "signature": "00" * 64, "key": "00" * 32}]},
        {"document": None},
        {"document": {"type": KIND}},
        {"document": "x" * 16_000_001},
    ],
    ids=range(16),
)
def test_envelopes_are_strict(change: dict[str, object]) -> None:
    body = {"document": TEXT, "signatures": [{"signer": name(1), "signature": "00" * 64}]}
    SignedDocument.model_validate_json(json.dumps(body))
    with pytest.raises(ValidationError):
        SignedDocument.model_validate_json(json.dumps({**body, **change}))
