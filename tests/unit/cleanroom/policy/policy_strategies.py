"""Hypothesis strategies for rules, policies and contexts of the tiny room: small enough to collide all the time."""

from hypothesis import strategies as st
from policy_builders import DAY, EVERYTHING, GROUND, NOW, OTHER, OURS, THEIRS

from cleanroom.domain.fields import ACCOUNT, FieldClass
from cleanroom.domain.vocabulary import Form, Nomination, PartnerId, Purpose, Reciprocity, Role
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import ACCOUNT_FORMS, FIELD_FORMS, Context, Effect, Policy, Rule, When

FIELDS = [entry.name for entry in GROUND.catalogue]
MOSTLY_GRANTS = [Effect.GRANT, Effect.GRANT, Effect.GRANT, Effect.DENY]
INSTANTS = [NOW - DAY, NOW, NOW + DAY, NOW + 2 * DAY]
PURPOSES = [Purpose.CO_SELL, Purpose.RESELL]
SEGMENT_PAIRS = [(mine, theirs) for mine in GROUND.segments for theirs in GROUND.segments]


def rarely(values: list[object] | type, empty: object = frozenset()) -> st.SearchStrategy[object]:
    """Mostly no condition, sometimes a small set."""
    return st.one_of(st.just(empty), st.just(empty), st.frozensets(st.sampled_from(values), max_size=2))  # type: ignore[arg-type]  # any enum


@st.composite
def rules(draw: st.DrawFn, *, effects: list[Effect] = MOSTLY_GRANTS, dated: bool = True) -> Rule:
    """A rule about fields or classes."""
    effect = draw(st.sampled_from(effects))
    by_class = draw(st.integers(0, 3)) == 0
    when = When(
        segments=draw(rarely(SEGMENT_PAIRS)),
        nominations=draw(rarely(Nomination)),
        purposes=draw(st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from(PURPOSES), max_size=1))),
        roles=draw(rarely(Role)),
        reciprocity=draw(st.sampled_from(Reciprocity)),
    )
    begins, ends = draw(windows()) if dated else (None, None)
    return Rule(
        id=f"rule {draw(st.integers(0, 10**9))}",
        effect=effect,
        fields=frozenset() if by_class else draw(st.frozensets(st.sampled_from(FIELDS), min_size=1, max_size=2)),
        classes=draw(st.frozensets(st.sampled_from(FieldClass), min_size=1, max_size=2)) if by_class else frozenset(),
        form=draw(st.sampled_from(FIELD_FORMS[1:])) if effect is Effect.GRANT else None,
        recipient=draw(st.sampled_from([None, None, None, OURS, THEIRS, OTHER])),
        when=when,
        not_before=begins,
        expires=ends,
    )


@st.composite
def account_rules(draw: st.DrawFn, *, dated: bool = True) -> Rule:
    """A rule about existence; mostly a grant of it, so that fields have a chance."""
    effect = draw(st.sampled_from(MOSTLY_GRANTS))
    begins, ends = draw(windows()) if dated else (None, None)
    return Rule(
        id=f"rule {draw(st.integers(0, 10**9))}",
        effect=effect,
        fields=frozenset({ACCOUNT}),
        form=draw(st.sampled_from([Form.EXISTS, Form.EXISTS, Form.COUNT])) if effect is Effect.GRANT else None,
        when=When(segments=draw(rarely(SEGMENT_PAIRS))),
        not_before=begins,
        expires=ends,
    )


@st.composite
def windows(draw: st.DrawFn) -> tuple[object, object]:
    begins, ends = draw(st.sampled_from([None, None, *INSTANTS])), draw(st.sampled_from([None, None, *INSTANTS]))
    return (begins, None) if begins is not None and ends is not None and begins >= ends else (begins, ends)


TABLES = st.builds(
    lambda account, fields: {**account, **fields},
    st.sampled_from([{}, *({ACCOUNT: form} for form in ACCOUNT_FORMS), {ACCOUNT: Form.EXISTS}, {ACCOUNT: Form.EXISTS}]),
    st.dictionaries(
        st.sampled_from([*FIELDS, *map(str, FieldClass)]), st.sampled_from([*FIELD_FORMS, Form.FULL]), max_size=6
    ),
)


FREELY = st.sampled_from([EVERYTHING, EVERYTHING, {**EVERYTHING, "amount": Form.REDUCED}])
"""Tables that let most of it through, so that rules decide."""


@st.composite
def policies(draw: st.DrawFn, owner: PartnerId, *, most: int = 4, dated: bool = True) -> Policy:
    every = draw(st.lists(rules(dated=dated), max_size=most)) + draw(st.lists(account_rules(dated=dated), max_size=2))
    return Policy(
        owner=owner,
        rules=tuple({rule.id: rule for rule in every}.values()),
        accepts=draw(TABLES | FREELY),
        ceilings=draw(st.one_of(st.just({}), TABLES)),
    )


CONTEXTS = st.builds(
    Context,
    mine=st.sampled_from(GROUND.segments),
    theirs=st.sampled_from(GROUND.segments),
    purpose=st.sampled_from(PURPOSES),
    role=st.sampled_from(Role),
    at=st.sampled_from(INSTANTS),
    nomination=st.sampled_from(Nomination),
)


@st.composite
def open_policies(draw: st.DrawFn, owner: PartnerId, *, most: int = 4, dated: bool = True) -> Policy:
    """Policies between which existence is agreed, so that what is tested is fields."""
    base = draw(policies(owner, most=most, dated=dated))
    existence = Rule(id="existence", effect=Effect.GRANT, fields=frozenset({ACCOUNT}), form=Form.EXISTS)
    about_fields = (rule for rule in base.rules if ACCOUNT not in rule.fields)
    ceilings = {target: form for target, form in base.ceilings.items() if target != ACCOUNT}
    return Policy(
        owner=owner,
        rules=(existence, *about_fields),
        accepts={**base.accepts, ACCOUNT: Form.EXISTS},
        ceilings=ceilings,
    )


@st.composite
def any_sides(draw: st.DrawFn, *, most: int = 4, dated: bool = True) -> Sides:
    """Two policies, or none; half of them agree on existence."""
    kind = draw(st.sampled_from([policies, open_policies]))
    owner, recipient = draw(kind(OURS, most=most, dated=dated)), draw(kind(THEIRS, most=most, dated=dated))
    missing = draw(st.integers(0, 12))
    return Sides(
        owner=None if missing == 0 else owner,
        recipient=None if missing == 1 else recipient,
        owner_id=OURS,
        recipient_id=THEIRS,
        ground=GROUND,
        use=Purpose.CO_SELL,
    )
