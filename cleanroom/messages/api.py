"""Bodies of the escrow's HTTP API that are not signed documents themselves. See docs/protocol.md, "The API"."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from cleanroom.domain.vocabulary import CountingMode, RoomState, RoundState
from cleanroom.messages.documents import (
    Bytes32,
    Count,
    DigestText,
    Instant,
    Number,
    PartnerName,
    RoomName,
    Title,
    Wire,
    as_tuple,
)
from cleanroom.messages.signing import Signature, SignedDocument

Documents = Annotated[tuple[SignedDocument, ...], BeforeValidator(as_tuple)]
Numbers = Annotated[tuple[Count, ...], BeforeValidator(as_tuple)]


class EscrowInfo(Wire):
    """What the escrow says of itself. Trust comes from the invite's pinned key, not from here.

    `host` is the partner that operates it, if one does.
    """

    host: PartnerName | Literal[""]
    key: Bytes32
    protocol: Literal["cleanroom/1"] = "cleanroom/1"
    now: Instant


class EnrolRequest(Wire):
    """An enrolment with the secret of the invite that allows it."""

    invite: Bytes32
    enrolment: SignedDocument


class PartnerPage(Wire):
    """A page of the directory, in order of enrolment; `next` is the cursor of the page after it."""

    partners: Documents
    next: Count | None


class RoomSummary(Wire):
    """One room of mine."""

    room: RoomName
    state: RoomState = Field(strict=False)
    title: Title
    members: Annotated[tuple[PartnerName, ...], BeforeValidator(as_tuple)]
    change: Count


class RoomPage(Wire):
    """A page of my rooms, oldest first."""

    rooms: Annotated[tuple[RoomSummary, ...], BeforeValidator(as_tuple)]
    next: Count | None


class BatchProgress(Wire):
    """How much of one evaluated batch the escrow holds. `complete` batches count in answers."""

    evaluator: PartnerName
    number: Number
    chunks: Numbers
    complete: bool


class PolicyView(Wire):
    """A policy that is or was in force: the escrow's receipt says since when, `proposed` when its proposal came."""

    policy: SignedDocument
    receipt: SignedDocument
    proposed: SignedDocument | None


class ProposalView(Wire):
    """A policy that its author has signed and nobody approved yet, and when it came."""

    policy: SignedDocument
    receipt: SignedDocument


class RoundView(Wire):
    """The newest round of opening of the epoch. Snapshots and policies are in the order of the terms' members.

    `rows` and `chunks` are how much evidence there is for me. A round that lapsed was answered by one side only.
    """

    number: Number
    snapshots: Annotated[tuple[DigestText, DigestText], BeforeValidator(as_tuple)]
    policies: Annotated[tuple[DigestText, DigestText], BeforeValidator(as_tuple)]
    rows: Count
    chunks: Count
    opened: Annotated[tuple[PartnerName, ...], BeforeValidator(as_tuple)]
    state: RoundState = Field(strict=False)
    until: Instant | None


class NoticeBody(Wire):
    """A notice with its sealed words, as hex."""

    notice: SignedDocument
    words: Annotated[str, Field(max_length=64_000, pattern=r"^([0-9a-f]{2})+$")]


class GaugeView(Wire):
    """The budget of answers about the list of `owner` to the other member, over all rooms of the two.

    `left` of the `of` answers of a year can still be given. `next_answer` is the first edge from now on at which this
    list's budgets give one; None where that is not in sight, or is not the caller's business. `reason` says what the
    next edge is too early for: `too_soon` (the mode's interval), `pair_spent` (this budget), `owner_spent` (what the
    caller's own list may give to all partners), `their_list_spent` (what the other's may), or nothing.

    `owner_left` of `owner_of` is what the caller's own list may still give to all partners; nobody else is told.
    """

    owner: PartnerName
    left: Count
    of: Count
    next_answer: Instant | None
    reason: Literal["", "too_soon", "pair_spent", "owner_spent", "their_list_spent"]
    owner_left: Count | None
    owner_of: Count | None


class ProbesView(Wire):
    """A member has told its probes; `holds`: the other one has evaluated its entries whole."""

    owner: PartnerName
    holds: bool


class RoomView(Wire):
    """All that a member may see of a room; everything that matters in it is signed by a partner or the escrow.

    `counting` is the mode in force, by terms and wishes. There are two gauges, in the order of the terms' members,
    where the terms in force have budgets, and else none.
    """

    room: RoomName
    state: RoomState = Field(strict=False)
    change: Count
    terms: Documents
    withdrawals: Documents
    epoch: Count
    keys: Documents
    snapshots: Documents
    evaluations: Documents
    progress: Annotated[tuple[BatchProgress, ...], BeforeValidator(as_tuple)]
    rosters: Documents
    policies: Annotated[tuple[PolicyView, ...], BeforeValidator(as_tuple)]
    proposals: Annotated[tuple[ProposalView, ...], BeforeValidator(as_tuple)]
    round: RoundView | None
    openings_lapsed: bool
    releases: Documents
    notices: Annotated[tuple[NoticeBody, ...], BeforeValidator(as_tuple)]
    wishes: Documents
    allowances: Documents
    corrections: Documents
    counting: Annotated[CountingMode, Field(strict=False)] | None
    gauges: Annotated[tuple[GaugeView, ...], BeforeValidator(as_tuple)]
    probes: Annotated[tuple[ProbesView, ...], BeforeValidator(as_tuple)]
    answer: SignedDocument | None
    next_answer: Instant | None


class LogView(Wire):
    """A room's log at one moment, and the leaves of one bundle of it. `cosigned` is by the other member, if any is."""

    checkpoint: str
    cosigned: str | None
    leaves: Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


class AnswerPage(Wire):
    """A page of a room's answers, oldest first."""

    answers: Documents
    next: Count | None


class ChunkList(Wire):
    """Which sealed chunks of an uncommitted snapshot the escrow already holds, by SHA-256."""

    held: Annotated[tuple[DigestText, ...], BeforeValidator(as_tuple)]


class Changes(Wire):
    """A counter that moves whenever anything of mine changes: what long-polling waits for."""

    change: Count


class Accepted(Wire):
    """A write is durable. The same request again gets the same answer."""

    digest: DigestText


class SignatureBody(Wire):
    """A signature under a document that the escrow already holds."""

    signature: Signature


class Problem(Wire):
    """RFC 9457 problem details with a stable `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
