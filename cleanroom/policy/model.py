"""What a policy says, as data: closed vocabularies, no expressions, no patterns, no code (DESIGN section 4).

Reading, signing and storing policies is done elsewhere; here they only have to be possible. One that cannot be is a
`PolicyRefused`, which names the rule and the place, never a value. `matching`, numpy and pydantic are not imported
here, nor anywhere in this package: agent, escrow and offline verifier run the same lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cleanroom.domain.errors import InputRefused
from cleanroom.domain.fields import ACCOUNT, Field, FieldClass
from cleanroom.domain.vocabulary import Form, Nomination, PartnerId, Purpose, Reciprocity, Role

LEVEL: Final = MappingProxyType({Form.HIDDEN: 0, Form.COUNT: 1, Form.EXISTS: 2, Form.REDUCED: 1, Form.FULL: 2})
"""Forms as levels. Levels of `account` and of other fields are never compared with each other."""

ACCOUNT_FORMS: Final = (Form.HIDDEN, Form.COUNT, Form.EXISTS)
FIELD_FORMS: Final = (Form.HIDDEN, Form.REDUCED, Form.FULL)

MIRRORED: Final = MappingProxyType(
    {
        Nomination.NONE: Nomination.NONE,
        Nomination.MINE: Nomination.THEIRS,
        Nomination.THEIRS: Nomination.MINE,
        Nomination.BOTH: Nomination.BOTH,
    }
)
"""A nomination as the other side sees it."""

MOST_RULES: Final = 1_000
MOST_DATES: Final = 100
"""Different instants at which rules of one policy begin or end: they cut time, and bound the work of a diff."""

LONGEST_ID: Final = 100


class PolicyRefused(InputRefused):
    """A policy breaks a rule of the language."""

    code = "policy_refused"


class Effect(StrEnum):
    """What a rule does where it applies. A deny wins over every grant."""

    GRANT = "grant"
    DENY = "deny"


def forms_of(target: str) -> tuple[Form, Form, Form]:
    """The forms of `account`, or of any other field or class, from hidden to most."""
    return ACCOUNT_FORMS if target == ACCOUNT else FIELD_FORMS


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Where a rule applies. An empty set is no condition; `segments` are pairs (the owner's, the recipient's)."""

    segments: frozenset[tuple[str, str]] = frozenset()
    nominations: frozenset[Nomination] = frozenset()
    purposes: frozenset[Purpose] = frozenset()
    roles: frozenset[Role] = frozenset()
    reciprocity: Reciprocity = Reciprocity.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. It names fields, or classes of fields, or both; `form` is what a grant grants, None for a deny.

    `recipient` is None for everybody. It applies from `not_before` (included) until `expires` (excluded).
    A rule about `account` has no nomination, role or reciprocity: existence is decided for whole cells, and is mutual.
    Times have a zone and are whole seconds, so that every reader cuts time at the same instants.
    """

    id: str
    effect: Effect
    fields: frozenset[str] = frozenset()
    classes: frozenset[FieldClass] = frozenset()
    form: Form | None = None
    recipient: PartnerId | None = None
    when: When = field(default_factory=When)
    not_before: datetime | None = None
    expires: datetime | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not 0 < len(self.id) <= LONGEST_ID or not self.id.isprintable():
            raise PolicyRefused(f"rule: its id is 1 to {LONGEST_ID} printable characters")
        place = f"rule {self.id}"
        if not self.fields and not self.classes:
            raise PolicyRefused(f"{place}: names no field and no class")
        if (self.effect is Effect.GRANT) != (self.form is not None):
            raise PolicyRefused(f"{place}: a grant names a form, a deny does not")
        about_account = ACCOUNT in self.fields
        if about_account and (len(self.fields) > 1 or self.classes):
            raise PolicyRefused(f"{place}: account stands alone; its forms are others than those of fields")
        forms = ACCOUNT_FORMS if about_account else FIELD_FORMS
        if self.form is not None and self.form not in forms[1:]:
            raise PolicyRefused(f"{place}: not a form that this rule's fields can have")
        conditions = self.when.nominations or self.when.roles or self.when.reciprocity is not Reciprocity.NONE
        if about_account and conditions:
            raise PolicyRefused(f"{place}: existence is decided for whole cells: no nomination, role or reciprocity")
        for moment in (self.not_before, self.expires):
            if moment is not None and (moment.utcoffset() is None or moment.microsecond):
                raise PolicyRefused(f"{place}: a time without its zone, or not a whole second")
        if self.not_before is not None and self.expires is not None and self.not_before >= self.expires:
            raise PolicyRefused(f"{place}: expires before it begins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One owner's policy in one room.

    `accepts` is what the owner is willing to receive, `ceilings` what it never exceeds towards others, by field, class
    or `account`; where a field and its class are both named, the stricter counts. No entry in `accepts` is hidden
    (`account`: count), no entry in `ceilings` no ceiling.
    """

    owner: PartnerId
    rules: tuple[Rule, ...] = ()
    accepts: Mapping[str, Form] = field(default_factory=dict)
    ceilings: Mapping[str, Form] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.rules) > MOST_RULES:
            raise PolicyRefused(f"policy: more than {MOST_RULES} rules")
        if len({rule.id for rule in self.rules}) != len(self.rules):
            raise PolicyRefused("policy: two rules have the same id")
        dates = {date for rule in self.rules for date in (rule.not_before, rule.expires)} - {None}
        if len(dates) > MOST_DATES:
            raise PolicyRefused(f"policy: more than {MOST_DATES} different dates")
        for name, table in (("accepts", self.accepts), ("ceilings", self.ceilings)):
            for target, form in table.items():
                if form not in forms_of(target):
                    raise PolicyRefused(f"{name}: not a form that this field or class can have")
            # What was decided under a policy is remembered; nobody may change its tables afterwards.
            object.__setattr__(self, name, MappingProxyType(dict(table)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a decision depends on, seen from the owner: one matched pair of accounts, shown to whom, when."""

    mine: str
    theirs: str
    purpose: Purpose
    role: Role
    at: datetime
    nomination: Nomination = Nomination.NONE

    def __post_init__(self) -> None:
        if self.at.utcoffset() is None:
            raise PolicyRefused("context: a time without its zone")

    def mirrored(self) -> "Context":
        """The same, seen from the recipient."""
        return Context(
            mine=self.theirs,
            theirs=self.mine,
            purpose=self.purpose,
            role=self.role,
            at=self.at,
            nomination=MIRRORED[self.nomination],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What both policies stand on: the room's field catalogue and its segments."""

    catalogue: tuple[Field, ...]
    segments: tuple[str, ...]

    def __post_init__(self) -> None:
        names = [entry.name for entry in self.catalogue]
        if len(set(names)) != len(names) or len(set(self.segments)) != len(self.segments):
            raise PolicyRefused("terms: two fields or two segments have the same name")
        if not {str(entry) for entry in FieldClass}.isdisjoint(names):
            raise PolicyRefused("terms: a field is called like a class, and tables could not tell them apart")

    def field(self, name: str) -> Field | None:
        """The field of that name; None for `account`. Raises PolicyRefused for one that is not in the catalogue."""
        if name == ACCOUNT:
            return None
        for entry in self.catalogue:
            if entry.name == name:
                return entry
        raise PolicyRefused("a field that is not in the room's catalogue")


def require_fits(policy: Policy, ground: Ground) -> None:
    """Refuse a policy that names fields or segments that the room's terms do not have.

    Raises:
        PolicyRefused: naming the rule or table.
    """
    names = {ACCOUNT, *(entry.name for entry in ground.catalogue)}
    targets = names | {str(entry) for entry in FieldClass}
    for rule in policy.rules:
        if not rule.fields <= names:
            raise PolicyRefused(f"rule {rule.id}: names a field that is not in the room's catalogue")
        if any(label not in ground.segments for pair in rule.when.segments for label in pair):
            raise PolicyRefused(f"rule {rule.id}: names a segment that the room does not have")
    for table, entries in (("accepts", policy.accepts), ("ceilings", policy.ceilings)):
        if not set(entries) <= targets:
            raise PolicyRefused(f"{table}: names what is no field, class or account")
