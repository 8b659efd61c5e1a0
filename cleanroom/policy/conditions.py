"""When a rule applies: it covers the field, and every one of its conditions holds.

`failing` names the conditions that do not hold, for explanations; `applies` is the same question answered yes or no.
"""

from collections.abc import Iterator
from enum import StrEnum

from cleanroom.domain.fields import ACCOUNT, Field
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.policy.model import Context, Rule


class Condition(StrEnum):
    """What may keep a rule from applying where it covers the field."""

    RECIPIENT = "recipient"
    SEGMENTS = "segments"
    NOMINATION = "nomination"
    PURPOSE = "purpose"
    ROLE = "role"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    RECIPROCITY = "reciprocity"  # grants only, and judged where both sides are known: `cleanroom.policy.evaluate`


def covers(rule: Rule, entry: Field | None) -> bool:
    """Whether a rule speaks of a field, by name or by class; None is `account`, which no class covers."""
    if entry is None:
        return ACCOUNT in rule.fields
    return entry.name in rule.fields or entry.field_class in rule.classes


def failing(rule: Rule, recipient: PartnerId, context: Context) -> Iterator[Condition]:
    """The conditions of a rule that do not hold, towards that recipient. Reciprocity is not among them."""
    when = rule.when
    if rule.recipient is not None and rule.recipient != recipient:
        yield Condition.RECIPIENT
    if when.segments and (context.mine, context.theirs) not in when.segments:
        yield Condition.SEGMENTS
    if when.nominations and context.nomination not in when.nominations:
        yield Condition.NOMINATION
    if when.purposes and context.purpose not in when.purposes:
        yield Condition.PURPOSE
    if when.roles and context.role not in when.roles:
        yield Condition.ROLE
    if rule.not_before is not None and context.at < rule.not_before:
        yield Condition.NOT_YET
    if rule.expires is not None and context.at >= rule.expires:
        yield Condition.EXPIRED


def applies(rule: Rule, recipient: PartnerId, context: Context) -> bool:
    """Whether every condition of a rule holds, towards that recipient."""
    return next(failing(rule, recipient, context), None) is None
