"""Four policies to start from. Each grants with an expiry, and accepts what it shows.

They fit any catalogue: fields that it lacks are left out, and a reduced form is granted only where the field has one
and the terms allow it. Segments other than the pipeline's mean nothing to them.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from cleanroom.domain.fields import ACCOUNT, Field, FieldClass
from cleanroom.domain.vocabulary import Form, PartnerId, Role
from cleanroom.policy.limits import possible
from cleanroom.policy.model import LEVEL, Effect, Ground, Policy, Rule, When, forms_of

PIPELINE_SEGMENT: Final = "open_opportunities"
"""A cell is of the pipeline if one of its segments is this one."""

_NOT_SELLERS: Final = frozenset(Role) - {Role.SELLER}
_CO_SELL: Final[Mapping[str, Form]] = {
    "stage": Form.FULL,
    "currency": Form.FULL,
    "amount": Form.REDUCED,
    "close_date": Form.REDUCED,
}
_CO_SELL_CONTACT: Final[Mapping[str, Form]] = {"owner": Form.REDUCED, "owner_email": Form.REDUCED}


class Preset(StrEnum):
    """The names of the policies, from least to most."""

    COUNTS_ONLY = "counts-only"
    NAMES = "names"
    CO_SELL = "co-sell"
    FULL_TEAM = "full-team"


def preset(name: Preset, *, owner: PartnerId, ground: Ground, expires: datetime) -> Policy:
    """A whole policy.

    Args:
        name: counts-only shows no account; names shows which accounts match, and their identity; co-sell adds the deal,
            mostly reduced, and contacts to all but sellers; full-team shows deals and contacts in full, to everybody,
            in cells of the pipeline, and never notes.
        owner: Whose policy.
        ground: The room's catalogue and segments.
        expires: When every grant ends. What is accepted does not end.
    """
    match name:
        case Preset.COUNTS_ONLY:
            return Policy(owner=owner, accepts={ACCOUNT: Form.COUNT})
        case Preset.NAMES:
            return _policy(owner, ground, expires, ())
        case Preset.CO_SELL:
            contact = When(roles=_NOT_SELLERS)
            return _policy(
                owner,
                ground,
                expires,
                (
                    *_field_rules("deal", _CO_SELL, When(), ground, expires),
                    *_field_rules("contact", _CO_SELL_CONTACT, contact, ground, expires),
                ),
            )
        case Preset.FULL_TEAM:
            return _full_team(owner, ground, expires)


def _full_team(owner: PartnerId, ground: Ground, expires: datetime) -> Policy:
    pipeline = frozenset(
        (mine, theirs) for mine in ground.segments for theirs in ground.segments if PIPELINE_SEGMENT in {mine, theirs}
    )
    # An empty set of segments would be no condition at all: without a pipeline nothing is granted for it.
    rules = [
        _class_rule(str(each), each, expires, When(segments=pipeline))
        for each in (FieldClass.COMMERCIAL, FieldClass.CONTACT)
        if pipeline and _fields(ground, each)
    ]
    return _policy(owner, ground, expires, tuple(rules), ceilings={str(FieldClass.FREE_TEXT): Form.HIDDEN})


def _policy(
    owner: PartnerId,
    ground: Ground,
    expires: datetime,
    rules: tuple[Rule, ...],
    *,
    ceilings: Mapping[str, Form] | None = None,
) -> Policy:
    """Existence and identity, and these rules; accepted is what the rules show."""
    existence = Rule(
        id="existence", effect=Effect.GRANT, fields=frozenset({ACCOUNT}), form=Form.EXISTS, expires=expires
    )
    identity = [_class_rule("identity", FieldClass.IDENTITY, expires)] if _fields(ground, FieldClass.IDENTITY) else []
    every = (existence, *identity, *rules)
    accepts = {
        target: rule.form
        for rule in every
        if rule.form is not None
        for target in (*rule.fields, *map(str, rule.classes))
    }
    return Policy(owner=owner, rules=every, accepts=accepts, ceilings=ceilings or {})


def _field_rules(name: str, forms: Mapping[str, Form], when: When, ground: Ground, expires: datetime) -> list[Rule]:
    """One rule for each form that is granted to some of the fields, for those that the catalogue has."""
    found: dict[Form, set[str]] = {}
    for entry in ground.catalogue:
        form = _allowed(entry, forms.get(entry.name, Form.HIDDEN))
        if form is not Form.HIDDEN:
            found.setdefault(form, set()).add(entry.name)
    return [
        Rule(
            id=f"{name}-{form}",
            effect=Effect.GRANT,
            fields=frozenset(fields),
            form=form,
            when=when,
            expires=expires,
        )
        for form, fields in found.items()
    ]


def _class_rule(name: str, field_class: FieldClass, expires: datetime, when: When | None = None) -> Rule:
    return Rule(
        id=name,
        effect=Effect.GRANT,
        classes=frozenset({field_class}),
        form=Form.FULL,
        when=when or When(),
        expires=expires,
    )


def _fields(ground: Ground, field_class: FieldClass) -> list[Field]:
    return [entry for entry in ground.catalogue if entry.field_class is field_class]


def _allowed(entry: Field, form: Form) -> Form:
    """The form as far as the field has it, and the terms allow it."""
    return forms_of(entry.name)[possible(min(LEVEL[form], LEVEL[entry.ceiling]), entry)]
