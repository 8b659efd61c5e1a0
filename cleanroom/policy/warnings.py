"""What a reviewer would raise about a policy before signing it. A warning refuses nothing.

Read is the policy alone, under the room's terms, from an instant on: what the counterpart does is not known. Rules
that can never do anything are found with masks over every context, so that several that hide one together are found.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cleanroom.domain.fields import ACCOUNT, Field, FieldClass
from cleanroom.domain.vocabulary import Form, PartnerId, Purpose, Reciprocity, Role
from cleanroom.policy.conditions import covers
from cleanroom.policy.evaluate import cuts
from cleanroom.policy.limits import accepted, name_of, own_ceiling, possible, system_ceiling, terms_ceiling
from cleanroom.policy.model import LEVEL, Effect, Ground, Policy, Rule, When
from cleanroom.policy.space import Space

_EXISTS: Final = LEVEL[Form.EXISTS]


class Code(StrEnum):
    """What is wrong, or worth a second look."""

    FREE_TEXT_IN_FULL = "free_text_in_full"
    NO_EXPIRY = "no_expiry"
    CONTACT_TO_SELLERS = "contact_to_sellers"
    CLASS_RULE = "class_rule"
    EXPIRED = "expired"
    SEGMENT_UNKNOWN = "segment_unknown"
    NOTHING_COVERED = "nothing_covered"
    RECIPIENT_NOBODY = "recipient_nobody"
    HIDDEN_BY_DENY = "hidden_by_deny"
    HIDDEN_BY_GRANT = "hidden_by_grant"
    CAPPED_BY_CEILING = "capped_by_ceiling"
    CAPPED_BY_TERMS = "capped_by_terms"
    NO_REDUCED_FORM = "no_reduced_form"
    NEVER_RETURNED = "never_returned"
    NO_EXISTENCE = "no_existence"


_WORDS: Final[Mapping[Code, str]] = {
    Code.FREE_TEXT_IN_FULL: "shows free text in full; people write anything into it",
    Code.NO_EXPIRY: "grants for good; give it an expiry",
    Code.CONTACT_TO_SELLERS: "shows contact data to the other side's sellers",
    Code.CLASS_RULE: "grants a class, and so fields that the catalogue may gain later",
    Code.EXPIRED: "has expired already",
    Code.SEGMENT_UNKNOWN: "names a segment that the room does not have",
    Code.NOTHING_COVERED: "covers no field of the room's catalogue",
    Code.RECIPIENT_NOBODY: "is for a recipient that is not in the room",
    Code.HIDDEN_BY_DENY: "grants nothing: wherever it applies, a deny does too",
    Code.HIDDEN_BY_GRANT: "adds nothing: wherever it applies, other grants show as much",
    Code.CAPPED_BY_CEILING: "grants more than the policy's own ceiling allows",
    Code.CAPPED_BY_TERMS: "grants more than the room's terms allow",
    Code.NO_REDUCED_FORM: "grants a field reduced that has no reduced form; it stays hidden",
    Code.NEVER_RETURNED: "asks in return for what the policy itself does not accept",
    Code.NO_EXISTENCE: "grants fields where the policy does not let anybody know which accounts match",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyWarning:
    """One remark about one rule. `fields` are those it is about, `by` the rules that hide this one."""

    code: Code
    rule: str
    fields: tuple[str, ...] = ()
    by: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The remark in plain words."""
        about = f" ({', '.join(self.fields)})" if self.fields else ""
        by = f": {', '.join(self.by)}" if self.by else ""
        return f"rule {self.rule} {_WORDS[self.code]}{about}{by}"


def warnings(
    policy: Policy, ground: Ground, at: datetime, *, recipient: PartnerId | None = None
) -> tuple[PolicyWarning, ...]:
    """All remarks, by rule in the policy's order. `recipient` is the other side, if it is known."""
    review = _Review.of(policy, ground, at, recipient)
    return tuple(remark for rule in policy.rules for remark in review.remarks(rule))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Review:
    """A policy with the mask of every rule: all contexts from an instant on, for every purpose that matters."""

    policy: Policy
    ground: Ground
    at: datetime
    recipient: PartnerId | None
    masks: Mapping[str, int]
    order: Mapping[str, int]
    about: Mapping[str, tuple[Rule, ...]]
    sellers: int

    @classmethod
    def of(cls, policy: Policy, ground: Ground, at: datetime, recipient: PartnerId | None) -> "_Review":
        # Purposes that no rule names are all alike: one stands for them.
        named = {purpose for rule in policy.rules for purpose in rule.when.purposes}
        others = [purpose for purpose in Purpose if purpose not in named]
        spaces = [Space.of(ground.segments, each, at=at, cuts=cuts(policy)) for each in (*named, *others[:1])]

        def mask(rule: Rule) -> int:
            joined = 0
            for space in spaces:
                joined = joined << space.size | space.mask(rule, rule.recipient or policy.owner)
            return joined

        sellers = When(roles=frozenset({Role.SELLER}))
        return cls(
            policy=policy,
            ground=ground,
            at=at,
            recipient=recipient,
            masks={rule.id: mask(rule) for rule in policy.rules},
            order={rule.id: number for number, rule in enumerate(policy.rules)},
            about={
                name_of(entry): tuple(rule for rule in policy.rules if covers(rule, entry))
                for entry in (None, *ground.catalogue)
            },
            sellers=mask(Rule(id="sellers", effect=Effect.DENY, classes=frozenset({FieldClass.CONTACT}), when=sellers)),
        )

    def remarks(self, rule: Rule) -> Iterator[PolicyWarning]:
        """Why it can never apply; and if it can, and grants, what is wrong with that."""
        dead = list(self._never(rule))
        yield from dead
        segments = self.ground.segments
        if any(label not in segments for pair in rule.when.segments for label in pair):
            yield PolicyWarning(code=Code.SEGMENT_UNKNOWN, rule=rule.id)
        if rule.effect is Effect.GRANT and not dead and self.masks[rule.id]:
            yield from self._shape(rule)
            yield from self._shown(rule)
            yield from self._limited(rule)
            yield from self._hidden(rule)

    def _never(self, rule: Rule) -> Iterator[PolicyWarning]:
        if rule.expires is not None and rule.expires <= self.at:
            yield PolicyWarning(code=Code.EXPIRED, rule=rule.id)
        if not self._covered(rule):
            yield PolicyWarning(code=Code.NOTHING_COVERED, rule=rule.id)
        elsewhere = self.recipient is not None and rule.recipient not in {None, self.recipient}
        if elsewhere or rule.recipient == self.policy.owner:
            yield PolicyWarning(code=Code.RECIPIENT_NOBODY, rule=rule.id)

    def _shape(self, rule: Rule) -> Iterator[PolicyWarning]:
        if rule.expires is None:
            yield PolicyWarning(code=Code.NO_EXPIRY, rule=rule.id)
        if rule.classes:
            yield PolicyWarning(code=Code.CLASS_RULE, rule=rule.id)

    def _shown(self, rule: Rule) -> Iterator[PolicyWarning]:
        """Delicate fields that it does show somewhere."""
        shown = [(entry, self._level(rule, entry)) for entry in self._covered(rule) if self._live(rule, entry)]
        text = [e for e, level in shown if e and e.field_class is FieldClass.FREE_TEXT and level == LEVEL[Form.FULL]]
        if text:
            yield self._about(Code.FREE_TEXT_IN_FULL, rule, text)
        contact = [
            entry
            for entry, level in shown
            if entry and entry.field_class is FieldClass.CONTACT and level and self._live(rule, entry) & self.sellers
        ]
        if contact:
            yield self._about(Code.CONTACT_TO_SELLERS, rule, contact)

    def _limited(self, rule: Rule) -> Iterator[PolicyWarning]:
        """Fields of which it grants more than there can be."""
        granted = _granted(rule)
        covered = self._covered(rule)
        for code, limited in (
            (Code.CAPPED_BY_CEILING, [e for e in covered if LEVEL[own_ceiling(self.policy, e)] < granted]),
            (Code.CAPPED_BY_TERMS, [e for e in covered if LEVEL[terms_ceiling(e)] < granted]),
            (Code.NO_REDUCED_FORM, [e for e in covered if possible(granted, e) < granted]),
            (Code.NEVER_RETURNED, [e for e in covered if e is not None and self._unreturnable(rule, e)]),
        ):
            if limited:
                yield self._about(code, rule, limited)

    def _hidden(self, rule: Rule) -> Iterator[PolicyWarning]:
        """Whether others leave nothing of it."""
        covered = self._covered(rule)
        denies = {other.id for entry in covered for other in self._denies(rule, entry)}
        if not any(self._live(rule, entry) for entry in covered):
            yield PolicyWarning(code=Code.HIDDEN_BY_DENY, rule=rule.id, by=self._in_order(denies))
            return
        higher = {entry: self._as_much(rule, entry) for entry in covered}
        if not any(self._live(rule, entry) & ~self._union(others) for entry, others in higher.items()):
            by = {other.id for others in higher.values() for other in others} | denies
            yield PolicyWarning(code=Code.HIDDEN_BY_GRANT, rule=rule.id, by=self._in_order(by))
        if ACCOUNT not in rule.fields and not self.masks[rule.id] & self._existence(rule):
            yield PolicyWarning(code=Code.NO_EXISTENCE, rule=rule.id)

    def _covered(self, rule: Rule) -> list[Field | None]:
        entries: tuple[Field | None, ...] = (None, *self.ground.catalogue)
        return [entry for entry in entries if covers(rule, entry)]

    def _level(self, rule: Rule, entry: Field | None) -> int:
        """What is left of a grant under the policy's own ceilings, the terms and the system."""
        limits = (own_ceiling(self.policy, entry), terms_ceiling(entry), system_ceiling(entry))
        return possible(min(_granted(rule), *(LEVEL[form] for form in limits)), entry)

    def _denies(self, rule: Rule, entry: Field | None) -> list[Rule]:
        """The denies that hide a part of it, towards every recipient that it is for."""
        return [other for other in self._others(rule, entry, Effect.DENY) if other.recipient in {None, rule.recipient}]

    def _live(self, rule: Rule, entry: Field | None) -> int:
        return self.masks[rule.id] & ~self._union(self._denies(rule, entry))

    def _as_much(self, rule: Rule, entry: Field | None) -> list[Rule]:
        """The grants that surely show as much where they apply. Of two that are equal, the first counts."""
        level, mask = self._level(rule, entry), self.masks[rule.id]
        found = []
        for other in self._others(rule, entry, Effect.GRANT):
            if other.when.reciprocity is not Reciprocity.NONE or other.recipient not in {None, rule.recipient}:
                continue
            first = self.order[other.id] < self.order[rule.id]
            more = mask | self.masks[other.id] == self.masks[other.id] != mask
            preferred = first or more or rule.when.reciprocity is not Reciprocity.NONE
            if self._level(other, entry) > level or (self._level(other, entry) == level and preferred):
                found.append(other)
        return found

    def _others(self, rule: Rule, entry: Field | None, effect: Effect) -> list[Rule]:
        """The other rules with that effect about a field that apply somewhere where this one does."""
        return [
            other
            for other in self.about[name_of(entry)]
            if other.id != rule.id and other.effect is effect and self.masks[other.id] & self.masks[rule.id]
        ]

    def _existence(self, rule: Rule) -> int:
        """Where the policy could let the rule's recipient know which accounts match."""
        if min(LEVEL[own_ceiling(self.policy, None)], LEVEL[accepted(self.policy, None)]) < _EXISTS:
            return 0
        about = self._others(rule, None, Effect.GRANT)
        grants = [
            other
            for other in about
            if _granted(other) == _EXISTS and (rule.recipient is None or other.recipient in {None, rule.recipient})
        ]
        return self._union(grants) & ~self._union(self._denies(rule, None))

    def _unreturnable(self, rule: Rule, entry: Field) -> bool:
        if rule.when.reciprocity is Reciprocity.NONE:
            return False
        most = min(LEVEL[accepted(self.policy, entry)], LEVEL[terms_ceiling(entry)])
        return possible(most, entry) < self._level(rule, entry)

    def _union(self, rules: list[Rule]) -> int:
        joined = 0
        for rule in rules:
            joined |= self.masks[rule.id]
        return joined

    def _in_order(self, ids: set[str]) -> tuple[str, ...]:
        return tuple(rule.id for rule in self.policy.rules if rule.id in ids)

    @staticmethod
    def _about(code: Code, rule: Rule, entries: Sequence[Field | None]) -> PolicyWarning:
        return PolicyWarning(code=code, rule=rule.id, fields=tuple(name_of(entry) for entry in entries))


def _granted(rule: Rule) -> int:
    return 0 if rule.form is None else LEVEL[rule.form]
