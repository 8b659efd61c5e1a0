"""Documents of DESIGN section 4: what a partner lets leave, rule by rule, and who wrote it.

A policy has one text: rules keep their order, what is a set stands in ascending order without repeats. A document that
says what the language does not allow is refused when it is read. Notes of rules are people's words and are never on the
wire. Not done here: whether the policy fits the terms and follows from the one before, whether its author may write it,
whether a widening was approved (`policy_chain`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from cleanroom.domain.fields import FieldClass
from cleanroom.domain.vocabulary import Digest, Form, Nomination, PartnerId, Purpose, Reciprocity, Role
from cleanroom.messages.documents import (
    Bytes16,
    DigestText,
    Document,
    Instant,
    Label,
    Number,
    PartnerName,
    RoomName,
    Wire,
    as_tuple,
    digest_of,
    instant,
    moment,
    read_document,
)
from cleanroom.policy.model import MOST_RULES, Effect, Policy, PolicyRefused, Rule, When

RULE_ID = r"^[a-z][a-z0-9_-]{0,39}$"
FIRST_YEAR = 2000
T = TypeVar("T")


def _ascending(values: tuple[T, ...]) -> tuple[T, ...]:
    if list(values) != sorted(set(values)):  # type: ignore[type-var]  # texts, enums of texts and pairs of texts
        raise ValueError("not in ascending order, or repeated")
    return values


_SET = (BeforeValidator(as_tuple), AfterValidator(_ascending))

RuleId = Annotated[str, StringConstraints(pattern=RULE_ID)]
SegmentPair = Annotated[tuple[Label, Label], BeforeValidator(as_tuple)]
Fields = Annotated[tuple[Label, ...], *_SET, Field(max_length=200)]
Classes = Annotated[tuple[Annotated[FieldClass, Field(strict=False)], ...], *_SET]
SegmentPairs = Annotated[tuple[SegmentPair, ...], *_SET, Field(max_length=256)]
Nominations = Annotated[tuple[Annotated[Nomination, Field(strict=False)], ...], *_SET]
Purposes = Annotated[tuple[Annotated[Purpose, Field(strict=False)], ...], *_SET]
Roles = Annotated[tuple[Annotated[Role, Field(strict=False)], ...], *_SET]
GrantedForm = Annotated[Form, Field(strict=False)] | Literal[""]


class WireWhen(Wire):
    """Where a rule applies; an empty set is no condition. Segments are pairs (the owner's, the recipient's)."""

    segments: SegmentPairs
    nominations: Nominations
    purposes: Purposes
    roles: Roles
    reciprocity: Reciprocity = Field(strict=False)

    def when(self) -> When:
        """The conditions as the evaluator knows them."""
        return When(
            segments=frozenset(self.segments),
            nominations=frozenset(self.nominations),
            purposes=frozenset(self.purposes),
            roles=frozenset(self.roles),
            reciprocity=self.reciprocity,
        )

    @classmethod
    def of(cls, when: When) -> Self:
        """The conditions as the document writes them."""
        return cls(
            segments=tuple(sorted(when.segments)),
            nominations=tuple(sorted(when.nominations)),
            purposes=tuple(sorted(when.purposes)),
            roles=tuple(sorted(when.roles)),
            reciprocity=when.reciprocity,
        )


class WireRule(Wire):
    """One rule. `form` is empty for a deny, `recipient` for everybody, a moment for no limit in time."""

    id: RuleId
    effect: Effect = Field(strict=False)
    fields: Fields
    classes: Classes
    form: GrantedForm
    recipient: PartnerName | Literal[""]
    when: WireWhen
    not_before: Instant | Literal[""]
    expires: Instant | Literal[""]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            rule = self.rule()
        except PolicyRefused:
            raise ValueError("the policy language does not allow this rule") from None
        if any(at is not None and at.year < FIRST_YEAR for at in (rule.not_before, rule.expires)):
            raise ValueError("a moment before the year 2000")
        return self

    def rule(self) -> Rule:
        """The rule as the evaluator knows it, without a note. Raises PolicyRefused for one that cannot be."""
        return Rule(
            id=self.id,
            effect=self.effect,
            fields=frozenset(self.fields),
            classes=frozenset(self.classes),
            form=self.form or None,
            recipient=self.recipient or None,
            when=self.when.when(),
            not_before=moment(self.not_before) if self.not_before else None,
            expires=moment(self.expires) if self.expires else None,
        )

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """The rule as the document writes it: without its note."""
        return cls(
            id=rule.id,
            effect=rule.effect,
            fields=tuple(sorted(rule.fields)),
            classes=tuple(sorted(rule.classes)),
            form=rule.form or "",
            recipient=rule.recipient or "",
            when=WireWhen.of(rule.when),
            not_before=_instant(rule.not_before),
            expires=_instant(rule.expires),
        )


def _instant(at: datetime | None) -> str:
    return "" if at is None else instant(at)


class TargetForm(Wire):
    """The form that `accepts` or `ceilings` names for a field, a class or `account`."""

    target: Label
    form: Form = Field(strict=False)


def _targets_ascending(table: tuple[TargetForm, ...]) -> tuple[TargetForm, ...]:
    _ascending(tuple(entry.target for entry in table))
    return table


TargetForms = Annotated[
    tuple[TargetForm, ...], BeforeValidator(as_tuple), AfterValidator(_targets_ascending), Field(max_length=205)
]


class PolicyBody(Wire):
    """What the policy says, whoever's it is."""

    rules: Annotated[tuple[WireRule, ...], BeforeValidator(as_tuple), Field(max_length=MOST_RULES)]
    accepts: TargetForms
    ceilings: TargetForms

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            self.policy(PartnerId(""))
        except PolicyRefused:
            raise ValueError("the policy language does not allow this") from None
        return self

    def policy(self, owner: PartnerId) -> Policy:
        """The policy of `owner` as the evaluator knows it, without notes. Raises PolicyRefused where it cannot be."""
        return Policy(
            owner=owner,
            rules=tuple(rule.rule() for rule in self.rules),
            accepts={entry.target: entry.form for entry in self.accepts},
            ceilings={entry.target: entry.form for entry in self.ceilings},
        )


class PolicyDocument(Document):
    """One version of one owner's policy in one room. The escrow and the other partner read it, to check it.

    `terms` are those that it was written under; `roster` is the one that `author` (the id of a user) is in. Who
    approved it is not in the text: that is who else signed. Signers are the owner, the author and, if there is one, the
    approver. `fresh_epoch` starts a new epoch, so that older matches cannot be shown any more: every narrowing does.
    """

    type: Literal["policy/1"] = "policy/1"
    room: RoomName
    terms: DigestText
    owner: PartnerName
    version: Number
    previous: DigestText | Literal[""]
    fresh_epoch: bool
    roster: DigestText
    author: Bytes16
    body: PolicyBody
    created: Instant

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.version == 1) != (self.previous == ""):
            raise ValueError("only the first version has no previous one")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPolicy:
    """A version that was read: the document, its digest, and the policy as the evaluator knows it."""

    document: PolicyDocument
    digest: Digest
    policy: Policy


@lru_cache(maxsize=64)
def read_policy(text: str) -> ReadPolicy:
    """The version in a text. Remembered, because a room's view is read often and long policies take a while.

    Raises:
        DocumentRefused: naming the members at fault, never their values.
    """
    document = read_document(PolicyDocument, text)
    return ReadPolicy(document=document, digest=digest_of(text), policy=policy_of(document))


def policy_of(document: PolicyDocument) -> Policy:
    """What the document says, as the evaluator knows it."""
    return document.body.policy(document.owner)


def body_of(policy: Policy) -> PolicyBody:
    """What a document says for this policy; notes stay at home. `policy_of` gives the rest back exactly.

    Raises:
        PolicyRefused: an id, name or moment cannot be written in a document; the place is named, never the value.
    """
    try:
        rules = tuple(_written(number, rule) for number, rule in enumerate(policy.rules, start=1))
        return PolicyBody(rules=rules, accepts=_table(policy.accepts), ceilings=_table(policy.ceilings))
    except ValidationError as error:
        raise PolicyRefused(f"policy: cannot be written in a document: {_places(error)}") from None


def _written(number: int, rule: Rule) -> WireRule:
    try:
        return WireRule.of(rule)
    except ValidationError as error:
        raise PolicyRefused(f"rule number {number}: cannot be written in a document: {_places(error)}") from None


def _places(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(sorted({".".join(map(str, item["loc"])) or "as a whole" for item in found}))


def _table(entries: Mapping[str, Form]) -> tuple[TargetForm, ...]:
    return tuple(TargetForm(target=target, form=form) for target, form in sorted(entries.items()))
