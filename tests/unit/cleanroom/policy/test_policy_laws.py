"""Laws that hold for every two policies: what may never happen, and what may only go one way."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import DAY, GROUND, NOW, OURS, SECOND, THEIRS, context, deny, exists, grant, ours, sides, theirs
from policy_strategies import CONTEXTS, FIELDS, any_sides, open_policies, policies, rules

from cleanroom.domain.fields import ACCOUNT, Field, FieldClass
from cleanroom.domain.vocabulary import Form, Nomination, Reciprocity, Role
from cleanroom.policy.conditions import applies, covers
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.limits import accepted, own_ceiling
from cleanroom.policy.model import LEVEL, Context, Effect, Policy, Rule

EVERY_FIELD = (ACCOUNT, *FIELDS)
NONE = Reciprocity.NONE


def level(where: Sides, field: str, at: Context) -> int:
    return LEVEL[where.form(field, at)]


def entry_of(field: str) -> Field | None:
    return GROUND.field(field)


def with_rule(policy: Policy | None, rule: Rule) -> Policy:
    base = policy or Policy(owner=OURS)
    return replace(base, rules=(*base.rules, replace(rule, id="added")))


def unasking(policy: Policy | None) -> Policy | None:
    """The same policy, and no rule asks for anything."""
    if policy is None:
        return None
    return replace(policy, rules=tuple(replace(r, when=replace(r.when, reciprocity=NONE)) for r in policy.rules))


@settings(max_examples=40)
@given(any_sides(), CONTEXTS)
def test_what_no_grant_covers_is_hidden(where: Sides, at: Context) -> None:
    granted = [rule for rule in (where.owner.rules if where.owner else ()) if rule.effect is Effect.GRANT]
    for field in FIELDS:
        if not any(covers(rule, entry_of(field)) and applies(rule, THEIRS, at) for rule in granted):
            assert where.form(field, at) is Form.HIDDEN


@settings(max_examples=40)
@given(any_sides(), CONTEXTS)
def test_a_deny_that_applies_hides_whatever_else_is_said(where: Sides, at: Context) -> None:
    denies = [rule for rule in (where.owner.rules if where.owner else ()) if rule.effect is Effect.DENY]
    for field in EVERY_FIELD:
        if any(covers(rule, entry_of(field)) and applies(rule, THEIRS, at) for rule in denies):
            assert where.form(field, at) is Form.HIDDEN


@settings(max_examples=40)
@given(any_sides(), rules(effects=[Effect.GRANT]), CONTEXTS)
def test_a_further_grant_takes_nothing_away(where: Sides, rule: Rule, at: Context) -> None:
    more = replace(where, owner=with_rule(where.owner, rule))
    assert all(level(more, field, at) >= level(where, field, at) for field in EVERY_FIELD)


@settings(max_examples=40)
@given(any_sides(), rules(effects=[Effect.DENY]), CONTEXTS)
def test_a_further_deny_shows_nothing_more(where: Sides, rule: Rule, at: Context) -> None:
    fewer = replace(where, owner=with_rule(where.owner, rule))
    assert all(level(fewer, field, at) <= level(where, field, at) for field in EVERY_FIELD)


@settings(max_examples=40)
@given(any_sides(), CONTEXTS)
def test_never_above_either_sides_limit_nor_the_terms(where: Sides, at: Context) -> None:
    for field in EVERY_FIELD:
        entry = entry_of(field)
        shown = level(where, field, at)
        assert shown <= LEVEL[own_ceiling(where.owner, entry)]
        assert shown <= LEVEL[accepted(where.recipient, entry)]
        assert entry is None or shown <= LEVEL[entry.ceiling]


@settings(max_examples=40)
@given(any_sides(), CONTEXTS, st.sampled_from([ACCOUNT, *FIELDS, *map(str, FieldClass)]))
def test_accepting_more_hides_nothing_where_nothing_is_asked_in_return(where: Sides, at: Context, target: str) -> None:
    recipient = where.recipient or Policy(owner=THEIRS)
    where = replace(where, owner=unasking(where.owner), recipient=recipient)
    highest = Form.EXISTS if target == ACCOUNT else Form.FULL
    more = replace(where, recipient=replace(recipient, accepts={**recipient.accepts, target: highest}))
    assert all(level(more, field, at) >= level(where, field, at) for field in EVERY_FIELD)


def test_accepting_more_can_hide_where_a_rule_asks_for_as_much_in_return() -> None:
    mine = ours(grant("g", "amount", reciprocity=Reciprocity.AT_LEAST))
    reduced, full = (
        theirs(grant("h", "amount", form=Form.REDUCED), accepts={ACCOUNT: Form.EXISTS, "amount": accepts})
        for accepts in (Form.REDUCED, Form.FULL)
    )
    assert sides(mine, reduced).form("amount", context()) is Form.REDUCED
    assert sides(mine, full).form("amount", context()) is Form.HIDDEN


@settings(max_examples=40)
@given(any_sides(), CONTEXTS)
def test_existence_is_mutual(where: Sides, at: Context) -> None:
    turned = where.turned()
    there = at.mirrored()
    agreed = where.form(ACCOUNT, at) is Form.EXISTS and turned.form(ACCOUNT, there) is Form.EXISTS
    if not agreed:
        assert all(where.form(field, at) is Form.HIDDEN for field in FIELDS)
        assert all(turned.form(field, there) is Form.HIDDEN for field in FIELDS)
    at = replace(at, purpose=where.use)
    assert where.agreed(at.mine, at.theirs, at.at) is turned.agreed(at.theirs, at.mine, at.at)


@settings(max_examples=40)
@given(any_sides(), CONTEXTS)
def test_existence_knows_neither_role_nor_nomination(where: Sides, at: Context) -> None:
    others = [replace(at, nomination=nomination, role=role) for nomination in Nomination for role in Role]
    assert len({where.form(ACCOUNT, each) for each in others}) == 1


@settings(max_examples=40)
@given(policies(OURS), open_policies(THEIRS), CONTEXTS)
def test_signing_gives_count_to_all_who_do_not_take_it_back(owner: Policy, recipient: Policy, at: Context) -> None:
    denied = any(r.effect is Effect.DENY and ACCOUNT in r.fields for r in owner.rules)
    if not denied and owner.ceilings.get(ACCOUNT) is not Form.HIDDEN:
        assert sides(owner, recipient).form(ACCOUNT, at) in {Form.COUNT, Form.EXISTS}


@settings(max_examples=40)
@given(st.integers(0, 10**9), st.integers(1, 10**7))
def test_a_window_is_exact_to_the_second(start: int, length: int) -> None:
    begins = NOW + start * SECOND
    ends = begins + length * SECOND
    where = sides(ours(grant("g", "amount", not_before=begins, expires=ends)), theirs())
    shown = [where.form("amount", context(at=at)) for at in (begins - SECOND, begins, ends - SECOND, ends)]
    assert shown == [Form.HIDDEN, Form.FULL, Form.FULL, Form.HIDDEN]


def test_an_expired_deny_no_longer_hides() -> None:
    where = sides(ours(grant("g", "amount"), deny("d", "amount", expires=NOW)), theirs())
    assert where.form("amount", context(at=NOW - SECOND)) is Form.HIDDEN
    assert where.form("amount", context(at=NOW)) is Form.FULL


def test_existence_that_expires_takes_all_fields_with_it() -> None:
    owner = Policy(owner=OURS, rules=(exists(expires=NOW + DAY), grant("g", "amount")), accepts={ACCOUNT: Form.EXISTS})
    assert sides(owner, theirs()).form("amount", context(at=NOW + DAY - SECOND)) is Form.FULL
    assert sides(owner, theirs()).form("amount", context(at=NOW + DAY)) is Form.HIDDEN
