"""A tiny room, and short ways to write rules and policies in it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cleanroom.domain.fields import ACCOUNT, DEFAULT_BANDS, Field, FieldClass, FieldType, Reduction
from cleanroom.domain.vocabulary import Form, PartnerId, Purpose, Reciprocity, Role
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Context, Effect, Ground, Policy, Rule, When

OURS, THEIRS, OTHER = PartnerId("a" * 32), PartnerId("b" * 32), PartnerId("c" * 32)
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
USE = Purpose.CO_SELL

AMOUNT = Field(
    name="amount",
    type=FieldType.MONEY,
    field_class=FieldClass.COMMERCIAL,
    reduced=Reduction.BANDED,
    bands=DEFAULT_BANDS,
)
STAGE = Field(name="stage", type=FieldType.TEXT, field_class=FieldClass.COMMERCIAL, reduced=Reduction.NONE)
EMAIL = Field(
    name="owner_email",
    type=FieldType.EMAIL,
    field_class=FieldClass.CONTACT,
    reduced=Reduction.EMAIL_DOMAIN,
    ceiling=Form.REDUCED,
)
NOTES = Field(name="notes", type=FieldType.TEXT, field_class=FieldClass.FREE_TEXT, reduced=Reduction.NONE)
GROUND = Ground(catalogue=(AMOUNT, STAGE, EMAIL, NOTES), segments=("customers", "prospects"))

EVERYTHING = {ACCOUNT: Form.EXISTS, **{str(each): Form.FULL for each in FieldClass}}
"""Accepts that accept all there is."""


def grant(name: str, *targets: str, form: Form = Form.FULL, **more: object) -> Rule:
    """A grant of fields or classes. `more`: conditions of `When`, or members of `Rule`."""
    return _rule(name, targets, Effect.GRANT, form, more)


def deny(name: str, *targets: str, **more: object) -> Rule:
    return _rule(name, targets, Effect.DENY, None, more)


def exists(name: str = "existence", **more: object) -> Rule:
    return grant(name, ACCOUNT, form=Form.EXISTS, **more)


def policy(
    owner: PartnerId,
    *rules: Rule,
    accepts: Mapping[str, Form] = EVERYTHING,
    ceilings: Mapping[str, Form] | None = None,
) -> Policy:
    return Policy(owner=owner, rules=rules, accepts=accepts, ceilings=ceilings or {})


def ours(*rules: Rule, **tables: Mapping[str, Form]) -> Policy:
    """Our policy, with existence granted."""
    return policy(OURS, exists(), *rules, **tables)


def theirs(*rules: Rule, **tables: Mapping[str, Form]) -> Policy:
    """Their policy, with existence granted."""
    return policy(THEIRS, exists(), *rules, **tables)


def sides(owner: Policy | None, recipient: Policy | None, *, ground: Ground = GROUND, use: Purpose = USE) -> Sides:
    return Sides(owner=owner, recipient=recipient, owner_id=OURS, recipient_id=THEIRS, ground=ground, use=use)


def context(**changed: object) -> Context:
    plain = Context(mine="customers", theirs="prospects", purpose=USE, role=Role.ADMIN, at=NOW)
    return replace(plain, **changed)  # type: ignore[arg-type]  # as a test says


def _rule(name: str, targets: Iterable[str], effect: Effect, form: Form | None, more: dict[str, object]) -> Rule:
    names = set(targets)
    classes = {each for each in FieldClass if str(each) in names}
    sets = {
        member: frozenset(more.pop(member))  # type: ignore[call-overload]  # a collection each
        for member in ("segments", "nominations", "purposes", "roles")
        if member in more
    }
    asked = more.pop("reciprocity", Reciprocity.NONE)
    return Rule(
        id=name,
        effect=effect,
        fields=frozenset(names - {str(each) for each in classes}),
        classes=frozenset(classes),
        form=form,
        when=When(**sets, reciprocity=asked),  # type: ignore[arg-type]  # as a test says
        **more,  # type: ignore[arg-type]  # as a test says
    )
