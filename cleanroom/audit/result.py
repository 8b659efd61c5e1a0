"""What an audit found: plain values for screens, reports and scripts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cleanroom.domain.fields import Field
from cleanroom.domain.vocabulary import CountingMode, Form
from cleanroom.messages.entries import AnyEntry
from cleanroom.messages.policy_chain import InForce


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a reviewer must know. `broken`: a check failed. Else it could not be made, or shows the unusual.

    `where` names the place (an entry by its index, a document by type and digest, a release by number), `what` the
    rule.
    """

    broken: bool
    where: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An entry of the log, and where it stands."""

    index: int
    entry: AnyEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How many accounts of one cell a release showed with a field in a form. `field` "account": their existence.

    `cell` has the names of the sender's segment and the recipient's. Versions are those of the two policies.
    """

    index: int
    release: str
    number: int
    sender: str
    recipient: str
    cell: tuple[str, str]
    field: str
    form: Form
    accounts: int
    sender_version: int
    recipient_version: int
    handed_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A match that a release speaks of: handles of both entries in that epoch, and the forms of each account it showed.

    `index` is that of the release's entry; `cell` has the names of the sender's segment and the recipient's.
    """

    index: int
    sender: str
    recipient: str
    cell: tuple[str, str]
    accounts: tuple[Mapping[str, Form], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """An answer, and what it took from the budget of each member's list towards the other."""

    number: int
    at: str
    edge: str
    mode: CountingMode
    caps: str
    cost: int
    correction: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refilled:
    """Answers that two people of `owner` have given on top, about its list, to the other member."""

    at: str
    owner: str
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """The first terms of a room: when they came into force, by which mode they count, and who has allowed that."""

    at: str
    mode: CountingMode
    allowed_by: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSeen:
    """A member as the bundle knows it. `words` is the fingerprint that a reviewer compares out of band."""

    partner: str
    name: str
    words: tuple[str, ...]
    cosigned_at: str
    cosigned_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The result of an audit. It holds if no finding is `broken`.

    `segments` and `catalogue` are those of the newest terms in force; `erased` counts records of which only the hash is
    left. `charges` are the answers with their costs, `began` None for a room of before there were budgets.
    """

    room: str
    title: str
    escrow_words: tuple[str, ...]
    members: tuple[MemberSeen, ...]
    size: int
    root: str
    at: str
    findings: tuple[Finding, ...]
    events: tuple[Event, ...] = field(repr=False)
    policies: Mapping[str, tuple[InForce, ...]] = field(repr=False)
    shown: tuple[Shown, ...] = field(repr=False)
    touched: tuple[Touched, ...] = field(repr=False)
    segments: tuple[str, ...] = ()
    catalogue: tuple[Field, ...] = ()
    checked: Mapping[str, int] = field(default_factory=dict)
    erased: int = 0
    escrow: str = ""
    charges: tuple[Charge, ...] = ()
    refills: tuple[Refilled, ...] = ()
    began: Began | None = None

    @property
    def holds(self) -> bool:
        """Whether every check that could be made was passed."""
        return not any(finding.broken for finding in self.findings)
