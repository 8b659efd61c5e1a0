"""P10: the leaves of a log. One tagged type for each thing that is agreed, handed over or done by the operator.

A leaf is the canonical JSON (RFC 8785) of one of these. It names documents by digest, partners and people by id, and
what was decided; never a name, a value or an exact size. Types are append-only: none is ever changed or removed.
`at` is the escrow's clock; within one log it never goes back.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.vocabulary import CountingMode, Form
from cleanroom.messages.documents import (
    Bytes16,
    Bytes32,
    Count,
    DigestText,
    Instant,
    Label,
    Number,
    PartnerName,
    Version,
    Wire,
    as_tuple,
)

LENGTH_BYTES: Final = 2
MOST_LEAF_BYTES: Final = 65_535
"""An entry's longest leaf: C2SP's entry bundles count in 16 bits."""

Band = Annotated[str, Field(pattern=r"^(none|[1-9][0-9,]{0,20} to [1-9][0-9,]{0,20})$")]
"""A size, as `matching.disclosure.bands` says it."""

Place = Annotated[int, Field(ge=0, le=15)]
Cell = Annotated[tuple[Place, Place], BeforeValidator(as_tuple)]
Cells = Annotated[tuple[Cell, ...], BeforeValidator(as_tuple), Field(max_length=256)]
PolicyOrNone = DigestText | Literal[""]
Forms = Annotated[dict[Label, Annotated[Form, Field(strict=False)]], Field(max_length=201)]


DOCUMENTS: Final = ("document", "receipt", "first_document", "second_document")
"""Members of entries that name a document by its digest."""


class EntryRefused(VerificationFailed):
    """A leaf of a log is not what it must be."""

    code = "entry_refused"


class Entry(Wire):
    """Base of all leaves."""

    type: str
    at: Instant


class MemberNamed(Entry):
    """A partner is named as a member of the room that this log is of; `document` is its enrolment."""

    type: Literal["member-named/1"] = "member-named/1"
    document: DigestText
    partner: PartnerName


class TermsProposed(Entry):
    """A version of the terms waits for signatures. `partner` has proposed it, and signed."""

    type: Literal["terms-proposed/1"] = "terms-proposed/1"
    document: DigestText
    partner: PartnerName
    version: Number


class TermsSigned(Entry):
    """Another member has signed a version of the terms; `in_force` once all have."""

    type: Literal["terms-signed/1"] = "terms-signed/1"
    document: DigestText
    in_force: bool
    partner: PartnerName
    version: Number


class PartnerWithdrew(Entry):
    """A partner has declined terms, or left the room; then what the escrow held of it was deleted."""

    type: Literal["partner-withdrew/1"] = "partner-withdrew/1"
    document: DigestText
    partner: PartnerName
    reason: Literal["declined", "left"]


class RosterPublished(Entry):
    """A partner has changed who its people are: their keys and roles."""

    type: Literal["roster-published/1"] = "roster-published/1"
    document: DigestText
    partner: PartnerName
    version: Number


class KeyPublished(Entry):
    """A partner's public key of an epoch."""

    type: Literal["key-published/1"] = "key-published/1"
    document: DigestText
    epoch: Count
    partner: PartnerName


class SnapshotCommitted(Entry):
    """A batch of a partner's list is committed; `entries` is the list's size after it."""

    type: Literal["snapshot-committed/1"] = "snapshot-committed/1"
    document: DigestText
    entries: Band
    epoch: Count
    number: Number
    owner: PartnerName


class EvaluationSigned(Entry):
    """A partner has signed the roots of its evaluation of the other side's list."""

    type: Literal["evaluation-signed/1"] = "evaluation-signed/1"
    against: DigestText
    document: DigestText
    epoch: Count
    evaluator: PartnerName
    of: DigestText


class EvaluationDelivered(Entry):
    """All rows of one evaluated batch are here, and have the signed root."""

    type: Literal["evaluation-delivered/1"] = "evaluation-delivered/1"
    epoch: Count
    evaluator: PartnerName
    number: Number
    root: Bytes32


class ProbesChecked(Entry):
    """A member has told its probes; `holds`: the other one's evaluation has the rows of each of them together."""

    type: Literal["probes-checked/1"] = "probes-checked/1"
    document: DigestText
    epoch: Count
    holds: bool
    owner: PartnerName


class AnswerGiven(Entry):
    """Of before there were budgets: the same counts were released to both members.

    `forbidden` are the cells whose number a policy withheld at `edge`.
    Policies and cells are in the order of the terms' members; `rules` is the evaluator's version.
    """

    type: Literal["answer-given/1"] = "answer-given/1"
    document: DigestText
    edge: Instant
    epoch: Count
    first_policy: PolicyOrNone
    forbidden: Cells
    number: Number
    rules: Version
    second_policy: PolicyOrNone


class DrawsCommitted(Entry):
    """The noise of the answer that follows: `commitment` is SHA-256 over a secret salt and all of its draws."""

    type: Literal["draws-committed/1"] = "draws-committed/1"
    commitment: Bytes32
    edge: Instant
    epoch: Count
    number: Number


class CountsReleased(Entry):
    """Each member was given an answer. It took `cost` from the budget of each member's list towards the other.

    `forbidden` are the cells whose number a policy withheld at `edge`. Policies, documents and cells are in the order
    of the terms' members; `rules` is the evaluator's version.
    """

    type: Literal["counts-released/1"] = "counts-released/1"
    caps: Literal["budget", "unsafe_none"]
    correction: bool
    cost: Count
    edge: Instant
    epoch: Count
    first_document: DigestText
    first_policy: PolicyOrNone
    forbidden: Cells
    mode: Annotated[CountingMode, Field(strict=False)]
    number: Number
    rules: Version
    second_document: DigestText
    second_policy: PolicyOrNone


class CountingTightened(Entry):
    """A member wants counts shown by no weaker mode than this; `document` is its wish."""

    type: Literal["counting-tightened/1"] = "counting-tightened/1"
    document: DigestText
    mode: Annotated[CountingMode, Field(strict=False)]
    partner: PartnerName


class AllowanceGiven(Entry):
    """Two people of a member have allowed a weaker mode of counting, or more answers: `document` says which."""

    type: Literal["allowance-given/1"] = "allowance-given/1"
    act: Literal["weaker_counting", "refill"]
    approver: Bytes16
    author: Bytes16
    document: DigestText
    partner: PartnerName
    units: Count


class CorrectionAsked(Entry):
    """A member has asked for one answer more, because a list was wrong."""

    type: Literal["correction-asked/1"] = "correction-asked/1"
    document: DigestText
    partner: PartnerName


class PolicyProposed(Entry):
    """A version of a policy waits for its approval; `receipt` is the escrow's."""

    type: Literal["policy-proposed/1"] = "policy-proposed/1"
    author: Bytes16
    document: DigestText
    owner: PartnerName
    receipt: DigestText
    version: Number


class PolicyActivated(Entry):
    """A version of a policy is in force. `approver` is empty where nobody else signed; `revokes`: it grants nothing."""

    type: Literal["policy-activated/1"] = "policy-activated/1"
    approver: Bytes16 | Literal[""]
    author: Bytes16
    document: DigestText
    fresh_epoch: bool
    narrows: bool
    owner: PartnerName
    receipt: DigestText
    revokes: bool
    version: Number
    widens: bool


class OpeningRecorded(Entry):
    """A partner has signed an opening, and may now upload it. `cells` are those that the round opens."""

    type: Literal["opening-recorded/1"] = "opening-recorded/1"
    cells: Cells
    created: Instant
    document: DigestText
    epoch: Count
    prover: PartnerName
    prover_policy: DigestText
    round: Number
    rows: Band
    rules: Version
    verifier: PartnerName
    verifier_policy: DigestText


class OpeningsExchanged(Entry):
    """Both openings of a round were checked, and handed over. In the order of the terms' members."""

    type: Literal["openings-exchanged/1"] = "openings-exchanged/1"
    epoch: Count
    openings: Annotated[tuple[DigestText, DigestText], BeforeValidator(as_tuple)]
    round: Number


class RoundLapsed(Entry):
    """An opening was not answered in time: nothing more is opened under these terms."""

    type: Literal["round-lapsed/1"] = "round-lapsed/1"
    epoch: Count
    round: Number


class ReleaseRecorded(Entry):
    """A partner has signed a release, and may now upload it.

    The decision: `forms` is the highest form of each field over the agreed cells at `created`, `table` the digest of
    all of them, cell by cell (`cleanroom.policy.decision`); both follow from the two policies and `rules`.
    """

    type: Literal["release-recorded/1"] = "release-recorded/1"
    created: Instant
    document: DigestText
    epoch: Count
    forms: Forms
    matches: Band
    number: Number
    recipient: PartnerName
    recipient_policy: DigestText
    round: Number
    rules: Version
    sender: PartnerName
    sender_policy: DigestText
    table: DigestText


class ReleaseHandedOver(Entry):
    """From now on the recipient can read a release."""

    type: Literal["release-handed-over/1"] = "release-handed-over/1"
    document: DigestText
    epoch: Count
    number: Number
    recipient: PartnerName
    sender: PartnerName


class NoticeSent(Entry):
    """Words from one member to the other: a request, a dispute, or its resolution."""

    type: Literal["notice-sent/1"] = "notice-sent/1"
    document: DigestText
    kind: Literal["request", "dispute", "resolution"]
    number: Number
    sender: PartnerName


class PartnerEnrolled(Entry):
    """The operator's log: a partner's keys are in the directory, by the invite with this hash."""

    type: Literal["partner-enrolled/1"] = "partner-enrolled/1"
    document: DigestText
    invite: Bytes32
    partner: PartnerName


class InviteMade(Entry):
    """The operator's log: somebody may enrol until `expires`. `invite` is SHA-256 of the invite's secret."""

    type: Literal["invite-made/1"] = "invite-made/1"
    expires: Instant
    invite: Bytes32


class OperatorActed(Entry):
    """The operator's log: the service was started, or its tables were brought to a version."""

    type: Literal["operator-acted/1"] = "operator-acted/1"
    action: Literal["started", "migrated"]
    version: Version


AnyEntry = Annotated[
    MemberNamed
    | TermsProposed
    | TermsSigned
    | PartnerWithdrew
    | RosterPublished
    | KeyPublished
    | SnapshotCommitted
    | EvaluationSigned
    | EvaluationDelivered
    | ProbesChecked
    | AnswerGiven
    | DrawsCommitted
    | CountsReleased
    | CountingTightened
    | AllowanceGiven
    | CorrectionAsked
    | PolicyProposed
    | PolicyActivated
    | OpeningRecorded
    | OpeningsExchanged
    | RoundLapsed
    | ReleaseRecorded
    | ReleaseHandedOver
    | NoticeSent
    | PartnerEnrolled
    | InviteMade
    | OperatorActed,
    Field(discriminator="type"),
]
_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_READER: Final[TypeAdapter[AnyEntry]] = TypeAdapter(AnyEntry)


def leaf(entry: Entry) -> bytes:
    """The entry's canonical JSON (RFC 8785): all its texts are ASCII and all its numbers integers."""
    return _encode(entry.model_dump(mode="json")).encode()


def read_entry(data: bytes) -> AnyEntry:
    """The entry in a leaf.

    Raises:
        EntryRefused: it is of no known type, not valid, or not in canonical form.
    """
    try:
        entry = _READER.validate_json(data)
    except ValidationError:
        raise EntryRefused("not an entry of a known type") from None
    if leaf(entry) != data:
        raise EntryRefused("not in canonical form (RFC 8785)")
    return entry


def bundled(leaves: Iterable[bytes]) -> bytes:
    """An entry bundle (c2sp.org/tlog-tiles): each leaf behind its length in 2 bytes."""
    return b"".join(len(data).to_bytes(LENGTH_BYTES, "big") + data for data in leaves)


def unbundled(data: bytes) -> Iterator[bytes]:
    """The leaves of a bundle. Raises EntryRefused where one is cut short."""
    at = 0
    while at < len(data):
        start = at + LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data) or start > len(data):
            raise EntryRefused("a bundle of entries is cut short")
        yield data[start:at]
