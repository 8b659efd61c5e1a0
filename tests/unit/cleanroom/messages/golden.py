"""The golden documents, and keys to sign others with."""

import json
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cleanroom.messages.counting import Allowance, Correction, CountingWish
from cleanroom.messages.documents import Document, signing_input
from cleanroom.messages.lists import Answer, Evaluation, Snapshot
from cleanroom.messages.notices import Notice
from cleanroom.messages.openings import Opening
from cleanroom.messages.policies import PolicyDocument
from cleanroom.messages.probes import Probes
from cleanroom.messages.receipts import Receipt
from cleanroom.messages.records import HandedOver
from cleanroom.messages.releases import Release
from cleanroom.messages.rooms import Enrolment, EpochKey, Terms, Withdrawal
from cleanroom.messages.signing import Signature, SignedDocument
from cleanroom.messages.users import Roster

GOLDEN: Final = Path(__file__).parents[3] / "vectors" / "golden"
TYPES: Final[dict[str, type[Document]]] = {
    "enrolment/1": Enrolment,
    "terms/4": Terms,
    "withdrawal/1": Withdrawal,
    "epoch-key/1": EpochKey,
    "snapshot/2": Snapshot,
    "evaluation/1": Evaluation,
    "probes/1": Probes,
    "answer/2": Answer,
    "counting-wish/1": CountingWish,
    "correction/1": Correction,
    "allowance/1": Allowance,
    "policy/1": PolicyDocument,
    "roster/1": Roster,
    "receipt/1": Receipt,
    "opening/2": Opening,
    "release/2": Release,
    "notice/1": Notice,
    "handed-over/1": HandedOver,
}


def load(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


DOCUMENTS: Final[list[dict[str, Any]]] = load("documents.json")["documents"]
RETIRED: Final[dict[str, str]] = {case["type"]: case["text"] for case in load("documents.json")["retired"]}
TEXTS: Final[dict[str, str]] = {case["type"]: case["text"] for case in DOCUMENTS}


def key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def public(number: int) -> bytes:
    return key(number).public_key().public_bytes_raw()


def name(number: int) -> str:
    return f"{number:032x}"


def signature(document_type: str, text: str, number: int) -> Signature:
    return Signature(signer=name(number), signature=key(number).sign(signing_input(document_type, text)).hex())


def signed(document_type: str, text: str, *numbers: int) -> SignedDocument:
    return SignedDocument(document=text, signatures=tuple(signature(document_type, text, number) for number in numbers))


def canonical(value: object) -> str:
    """RFC 8785 for what these documents hold: no floats, ASCII member names."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
