"""P10: what was shown of one match, without any value: the details behind a release, for whoever audits it.

A release names the Merkle root over its records, in its order. Both sides hold the records (each makes them of what is
sealed), the escrow does not. Each is salted, so that its leaf's hash tells nothing once record and salt are erased:
then the hash stands in its place, and the tree still holds.
"""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.documents import (
    Bytes16,
    Bytes32,
    Count,
    DigestText,
    Document,
    Instant,
    Label,
    Number,
    PartnerName,
    RoomName,
    Wire,
    as_tuple,
)
from cleanroom.messages.entries import Cell
from cleanroom.messages.releases import ReleasedMatch
from matching import merkle
from matching.packing import packed

SALT_BYTES: Final = 16


class RecordRefused(VerificationFailed):
    """The record of what was shown of a match is not what it must be."""

    code = "record_refused"


FieldForms = Annotated[
    dict[Label, Literal[Form.REDUCED, Form.FULL]],
    Field(max_length=200),
    AfterValidator(lambda forms: dict(sorted(forms.items()))),
]


class Record(Wire):
    """Of one match: the accounts that were shown, each with the form of every field. No account is a withdrawal.

    `cell` is (sender's segment, recipient's), by index in the terms. Members are in canonical order.
    """

    accounts: Annotated[tuple[FieldForms, ...], BeforeValidator(as_tuple), Field(max_length=100)]
    cell: Cell
    recipient: Bytes16
    salt: Bytes16
    sender: Bytes16

    def leaf(self) -> bytes:
        """Canonical JSON (RFC 8785)."""
        return self.model_dump_json().encode()


def record_of(match: ReleasedMatch, cell: tuple[int, int], salt: bytes) -> Record:
    """The record of what a release shows of a match, salted by what is made of the payload's salt (32 bytes).

    The match is one of the sender's own, or has passed `cleanroom.agent.release_checks`: nothing is checked again.
    """
    own = hashlib.sha256(packed(b"cleanroom/1 record salt", salt, bytes.fromhex(match.sender + match.recipient)))
    return Record.model_construct(
        accounts=tuple({name: shown.form for name, shown in account.fields.items()} for account in match.accounts),
        cell=cell,
        recipient=match.recipient,
        salt=own.digest()[:SALT_BYTES].hex(),
        sender=match.sender,
    )


def read_record(data: bytes) -> Record:
    """The record in a leaf. Raises RecordRefused."""
    try:
        record = Record.model_validate_json(data)
    except ValidationError:
        raise RecordRefused("record: not valid") from None
    if record.leaf() != data:
        raise RecordRefused("record: not in canonical form (RFC 8785)")
    return record


def records_root(hashes: Iterable[bytes]) -> str:
    """The root over the hashes (32 bytes each) of a release's records, in hex."""
    return merkle.head(b"".join(hashes)).hex()


class HandedOver(Document):
    """One line of a partner's own journal: a document that it was about to upload, and where that is on record.

    Signed before anything of it leaves. `index` is the entry's place in the room's log, which at `log_size` had the
    root `log_root`.
    """

    type: Literal["handed-over/1"] = "handed-over/1"
    room: RoomName
    partner: PartnerName
    number: Number
    previous: DigestText | Literal[""]
    document: DigestText
    index: Count
    log_size: Number
    log_root: Bytes32
    created: Instant
