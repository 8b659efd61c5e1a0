"""A room's log as a timeline: when, who, what; all of it, or what somebody asks for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from cleanroom.audit.result import Audit, Event, Shown, Touched
from cleanroom.audit.words import SHORT, actor, forms_words, names_of, spoken, words
from cleanroom.messages.entries import AnyEntry, PolicyActivated, PolicyProposed, ReleaseHandedOver, ReleaseRecorded
from cleanroom.messages.policy_chain import InForce
from cleanroom.policy.model import Policy

_POLICIES: Final = ("first_policy", "second_policy", "prover_policy", "verifier_policy", "sender_policy")
_LONGEST_VERSION: Final = 5

TYPES: Final[tuple[str, ...]] = tuple(kind.model_fields["type"].default for kind in get_args(get_args(AnyEntry)[0]))
"""All types of entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a timeline is wanted; all must hold, and None asks for nothing.

    `partner` is an id, or `words.ESCROW`: whose act it was. `account` begins a handle, `person` a user's id. `field`:
    releases that may show it, and policies that speak of it. `policy` is a version, or begins a digest. `since` and
    `until` (included) are instants as documents write them. `type` begins an entry's type.
    """

    partner: str | None = None
    account: str | None = None
    field: str | None = None
    person: str | None = None
    policy: str | None = None
    since: str | None = None
    until: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry: its index, the moment, whose act (a name), what in words; `details` are of what was asked for."""

    index: int
    at: str
    type: str
    who: str
    what: str
    details: tuple[str, ...] = ()


def timeline(audit: Audit, asked: Asked) -> list[Line]:
    """What is asked for, oldest first."""
    names, known = names_of(audit), _Known.of(audit)
    tests = _tests(audit, asked, known)
    return [
        Line(
            index=event.index,
            at=event.entry.at,
            type=event.entry.type,
            who=names.partner(actor(event.entry)),
            what=words(event.entry, names),
            details=_details(event, asked, known),
        )
        for event in audit.events
        if all(test(event) for test in tests)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Releases by what was recorded of them: the entry's index by digest, and what each showed."""

    recorded: Mapping[str, int]
    touched: Mapping[int, list[Touched]]
    shown: Mapping[int, list[Shown]]

    @classmethod
    def of(cls, audit: Audit) -> "_Known":
        touched: dict[int, list[Touched]] = {}
        shown: dict[int, list[Shown]] = {}
        for match in audit.touched:
            touched.setdefault(match.index, []).append(match)
        for row in audit.shown:
            shown.setdefault(row.index, []).append(row)
        recorded: dict[str, int] = {
            event.entry.document: event.index for event in audit.events if isinstance(event.entry, ReleaseRecorded)
        }
        return cls(recorded=recorded, touched=touched, shown=shown)

    def release(self, event: Event) -> int | None:
        """The index of the recorded release that an entry is about."""
        if isinstance(event.entry, ReleaseRecorded):
            return event.index
        return self.recorded.get(event.entry.document) if isinstance(event.entry, ReleaseHandedOver) else None

    def matches(self, event: Event, account: str) -> list[Touched]:
        """The matches that an entry's release speaks of, with a handle that begins so."""
        index = self.release(event)
        found = self.touched.get(index, []) if index is not None else []
        return [match for match in found if match.sender.startswith(account) or match.recipient.startswith(account)]


def _tests(audit: Audit, asked: Asked, known: _Known) -> list[Callable[[Event], bool]]:
    tests: list[Callable[[Event], bool]] = []
    if (partner := asked.partner) is not None:
        tests.append(lambda event: actor(event.entry) == partner)
    if (account := asked.account) is not None:
        tests.append(lambda event: bool(known.matches(event, account)))
    if (field := asked.field) is not None:
        concerned = _concerned(audit, field)
        tests.append(lambda event: event.index in concerned)
    if (person := asked.person) is not None:
        tests.append(lambda event: any(name.startswith(person) for name in _people(event)))
    if (policy := asked.policy) is not None:
        digests = _digests(audit, policy)
        tests.append(lambda event: not digests.isdisjoint(_policies(event)))
    if (since := asked.since) is not None:
        tests.append(lambda event: event.entry.at >= since)
    if (until := asked.until) is not None:
        tests.append(lambda event: event.entry.at <= until)
    if (kind := asked.type) is not None:
        tests.append(lambda event: event.entry.type.startswith(kind))
    return tests


def _people(event: Event) -> tuple[str, ...]:
    entry = event.entry
    if isinstance(entry, PolicyActivated):
        return (entry.author, entry.approver)
    return (entry.author,) if isinstance(entry, PolicyProposed) else ()


def _digests(audit: Audit, policy: str) -> set[str]:
    """The digests of the policies that a version or the beginning of a digest names."""
    versions = names_of(audit).versions
    if policy.isdecimal() and len(policy) <= _LONGEST_VERSION:
        return {digest for digest, version in versions.items() if version == int(policy)}
    return {digest for digest in versions if digest.startswith(policy)}


def _policies(event: Event) -> Iterable[str]:
    """The digests of the policies that an entry is about, or was decided under."""
    if isinstance(event.entry, (PolicyActivated, PolicyProposed)):
        return (event.entry.document,)
    return (getattr(event.entry, name) for name in (*_POLICIES, "recipient_policy") if hasattr(event.entry, name))


def _concerned(audit: Audit, field: str) -> set[int]:
    """The entries that concern a field: releases that may show it, policies in force that speak of it."""
    targets = {field, *(str(entry.field_class) for entry in audit.catalogue if entry.name == field)}
    speaking = {item.digest for chain in audit.policies.values() for item in chain if _speaks(item, targets)}
    releases = {
        event.entry.document
        for event in audit.events
        if isinstance(event.entry, ReleaseRecorded) and field in event.entry.forms
    }
    kinds = (PolicyActivated, PolicyProposed, ReleaseRecorded, ReleaseHandedOver)
    documents = speaking | releases
    return {
        event.index for event in audit.events if isinstance(event.entry, kinds) and event.entry.document in documents
    }


def _speaks(item: InForce, targets: set[str]) -> bool:
    policy: Policy = item.policy
    named = {name for rule in policy.rules for name in (*rule.fields, *map(str, rule.classes))}
    return not targets.isdisjoint(named | set(policy.accepts) | set(policy.ceilings))


def _details(event: Event, asked: Asked, known: _Known) -> tuple[str, ...]:
    """What a release showed of the account or field that was asked for."""
    found: list[str] = []
    if not isinstance(event.entry, ReleaseRecorded):
        return ()
    if asked.account is not None:
        found += [_match_words(match) for match in known.matches(event, asked.account)]
    if asked.field is not None:
        rows = [row for row in known.shown.get(event.index, []) if row.field == asked.field]
        found += [_shown_words(row) for row in rows]
    return tuple(found)


def _match_words(match: Touched) -> str:
    handles = f"{match.sender[:SHORT]} x {match.recipient[:SHORT]}"
    if not match.accounts:
        return f"{handles}: withdrawn"
    return f"{handles}: " + " | ".join(map(forms_words, match.accounts))


def _shown_words(row: Shown) -> str:
    cell = " x ".join(map(spoken, row.cell))
    return f"{cell}: {row.form} of {row.accounts:,} {'account' if row.accounts == 1 else 'accounts'}"
