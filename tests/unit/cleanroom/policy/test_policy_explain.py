"""Explanations: what decides, and rules that really force it, none of them superfluous."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from policy_builders import (
    DAY,
    EVERYTHING,
    NOW,
    OTHER,
    OURS,
    THEIRS,
    context,
    deny,
    exists,
    grant,
    ours,
    policy,
    sides,
    theirs,
)
from policy_strategies import CONTEXTS, FIELDS, any_sides

from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form, Nomination, Purpose, Reciprocity, Role
from cleanroom.policy.conditions import Condition
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.explain import Decider, explain
from cleanroom.policy.forcing import RuleName
from cleanroom.policy.limits import Limit
from cleanroom.policy.model import Context, Policy, Rule

SAME, LEAST = Reciprocity.SAME_FORM, Reciprocity.AT_LEAST
BOTH_EXIST = {(OURS, "existence"), (THEIRS, "existence")}


def only(policy: Policy | None, names: frozenset[RuleName]) -> Policy | None:
    if policy is None:
        return None
    return replace(policy, rules=tuple(r for r in policy.rules if RuleName(policy.owner, r.id) in names))


def restricted(where: Sides, names: frozenset[RuleName]) -> Sides:
    return replace(where, owner=only(where.owner, names), recipient=only(where.recipient, names))


def all_names(where: Sides) -> list[RuleName]:
    return [RuleName(p.owner, rule.id) for p in (where.owner, where.recipient) if p is not None for rule in p.rules]


@settings(max_examples=30)
@given(any_sides(most=2, dated=False), CONTEXTS)
def test_the_rules_force_the_form_against_every_selection_and_none_is_superfluous(where: Sides, at: Context) -> None:
    names = all_names(where)
    selections = [frozenset(some) for size in range(len(names) + 1) for some in combinations(names, size)]
    forms = {some: restricted(where, some) for some in selections}
    for field in (ACCOUNT, "amount", "owner_email"):
        decided = {some: each.form(field, at) for some, each in forms.items()}
        explanation = explain(where, field, at)
        rules = frozenset(explanation.rules)

        def forced(kept: frozenset[RuleName], shown: dict[frozenset[RuleName], Form], form: Form) -> bool:
            return all(found is form for some, found in shown.items() if kept <= some)

        assert decided[rules] is explanation.form
        assert forced(rules, decided, explanation.form)
        for rule in rules:
            assert not forced(rules - {rule}, decided, explanation.form), rule


@settings(max_examples=40)
@given(any_sides(), CONTEXTS)
def test_what_is_shown_falls_without_any_one_of_its_rules(where: Sides, at: Context) -> None:
    for field in (ACCOUNT, *FIELDS):
        explanation = explain(where, field, at)
        rules = frozenset(explanation.rules)
        assert restricted(where, rules).form(field, at) is explanation.form
        asks = any(r.when.reciprocity is SAME for p in (where.owner,) if p for r in p.rules)
        if explanation.form is not Form.HIDDEN and not asks:
            for rule in rules:
                assert restricted(where, rules - {rule}).form(field, at) is not explanation.form


@settings(max_examples=40)
@given(any_sides(), CONTEXTS)
def test_what_decides_and_the_rules_tell_the_same_story(where: Sides, at: Context) -> None:
    for field in (ACCOUNT, *FIELDS):
        explanation = explain(where, field, at)
        owners = {rule.id: rule for rule in (where.owner.rules if where.owner else ())}
        match explanation.decider:
            case Decider.DENIED:
                (name,) = explanation.rules
                assert owners[name.rule].form is None
            case Decider.NOT_GRANTED | Decider.SIGNED:
                assert explanation.rules == ()
            case Decider.LIMITED:
                assert explanation.limits
                assert explanation.form is not Form.HIDDEN or explanation.rules == ()
            case Decider.GRANTED:
                assert explanation.form is not Form.HIDDEN
                assert explanation.rules
            case Decider.OWNER_EXISTENCE | Decider.RECIPIENT_EXISTENCE:
                assert explanation.form is Form.HIDDEN
                assert not where.agreed(at.mine, at.theirs, at.at) or at.purpose is not where.use
            case Decider.RECIPROCITY:
                assert any(rule.when.reciprocity is not Reciprocity.NONE for rule in owners.values())
        assert len(explanation.lines()) >= 1


@pytest.mark.parametrize(
    ("owner", "recipient", "decider", "limits", "rules"),
    [
        (ours(), theirs(), Decider.NOT_GRANTED, (), set()),
        (ours(grant("g", "amount")), theirs(), Decider.GRANTED, (), {(OURS, "g"), *BOTH_EXIST}),
        (ours(grant("g", "amount"), deny("d", "amount")), theirs(), Decider.DENIED, (), {(OURS, "d")}),
        (
            ours(grant("g", "amount")),
            theirs(accepts={**EVERYTHING, "amount": Form.REDUCED}),
            Decider.LIMITED,
            (Limit.ACCEPTS,),
            {(OURS, "g"), *BOTH_EXIST},
        ),
        (
            ours(grant("g", "amount"), ceilings={"amount": Form.HIDDEN}),
            theirs(accepts={ACCOUNT: Form.EXISTS}),
            Decider.LIMITED,
            (Limit.CEILING, Limit.ACCEPTS),
            set(),
        ),
        (policy(OURS, grant("g", "amount")), theirs(), Decider.OWNER_EXISTENCE, (), set()),
        (ours(grant("g", "amount")), policy(THEIRS), Decider.RECIPIENT_EXISTENCE, (), set()),
        (
            ours(grant("g", "amount"), accepts={}),
            theirs(),
            Decider.RECIPIENT_EXISTENCE,
            (Limit.ACCEPTS,),
            set(),
        ),
        (
            ours(grant("g", "amount"), deny("d", ACCOUNT)),
            theirs(),
            Decider.OWNER_EXISTENCE,
            (),
            {(OURS, "d")},
        ),
        (ours(grant("g", "amount", reciprocity=LEAST)), theirs(), Decider.RECIPROCITY, (), set()),
        (ours(grant("g", "amount", reciprocity=LEAST), deny("d", "amount")), theirs(), Decider.RECIPROCITY, (), set()),
        (
            ours(grant("g", "amount", form=Form.REDUCED, reciprocity=SAME)),
            theirs(grant("h", "amount"), grant("i", "amount", form=Form.REDUCED)),
            Decider.RECIPROCITY,
            (),
            {(THEIRS, "h")},
        ),
        (
            ours(grant("g", "amount", reciprocity=SAME)),
            theirs(grant("h", "amount"), grant("i", "amount", form=Form.REDUCED)),
            Decider.GRANTED,
            (),
            {(OURS, "g"), (THEIRS, "h"), *BOTH_EXIST},
        ),
        (
            ours(grant("g", "amount", reciprocity=LEAST)),
            theirs(
                grant("shut", "amount", roles=[Role.ADMIN]),
                grant("open", "amount"),
                deny("d", "amount", roles=[Role.ADMIN]),
            ),
            Decider.GRANTED,
            (),
            {(OURS, "g"), (THEIRS, "open"), *BOTH_EXIST},
        ),
        (
            ours(grant("asks", "amount", reciprocity=LEAST), grant("plain", "amount")),
            theirs(grant("h", "amount")),
            Decider.GRANTED,
            (),
            {(OURS, "plain"), *BOTH_EXIST},
        ),
    ],
)
def test_what_decides(
    owner: Policy, recipient: Policy, decider: Decider, limits: tuple[Limit, ...], rules: set[tuple[str, str]]
) -> None:
    explanation = explain(sides(owner, recipient), "amount", context())
    assert explanation.decider is decider
    assert explanation.limits == limits
    assert {(name.partner, name.rule) for name in explanation.rules} == rules


def test_a_field_without_a_reduced_form_says_so() -> None:
    explanation = explain(sides(ours(grant("g", "stage", form=Form.REDUCED)), theirs()), "stage", context())
    assert (explanation.decider, explanation.limits) == (Decider.LIMITED, (Limit.NO_REDUCED_FORM,))


def test_the_terms_are_named_where_they_limit() -> None:
    explanation = explain(sides(ours(grant("g", "owner_email")), theirs()), "owner_email", context())
    assert (explanation.form, explanation.limits) == (Form.REDUCED, (Limit.TERMS,))


@pytest.mark.parametrize(
    ("where", "form", "decider"),
    [
        (sides(None, None), Form.COUNT, Decider.SIGNED),
        (sides(ours(), theirs()), Form.EXISTS, Decider.GRANTED),
        (sides(ours(), None), Form.COUNT, Decider.LIMITED),
        (sides(ours(deny("d", ACCOUNT)), theirs()), Form.HIDDEN, Decider.DENIED),
        (sides(ours(ceilings={ACCOUNT: Form.HIDDEN}), theirs()), Form.HIDDEN, Decider.LIMITED),
    ],
)
def test_what_decides_about_existence(where: Sides, form: Form, decider: Decider) -> None:
    explanation = explain(where, ACCOUNT, context())
    assert (explanation.form, explanation.decider) == (form, decider)


@pytest.mark.parametrize(
    ("rule", "conditions"),
    [
        (grant("g", "amount", recipient=OTHER), {Condition.RECIPIENT}),
        (grant("g", "amount", segments=[("prospects", "customers")]), {Condition.SEGMENTS}),
        (grant("g", "amount", nominations=[Nomination.MINE]), {Condition.NOMINATION}),
        (grant("g", "amount", purposes=[Purpose.RESELL]), {Condition.PURPOSE}),
        (grant("g", "amount", roles=[Role.SELLER]), {Condition.ROLE}),
        (grant("g", "amount", not_before=NOW + DAY), {Condition.NOT_YET}),
        (grant("g", "amount", expires=NOW), {Condition.EXPIRED}),
        (grant("g", "amount", reciprocity=SAME), {Condition.RECIPROCITY}),
        (grant("g", "amount", roles=[Role.SELLER], expires=NOW), {Condition.ROLE, Condition.EXPIRED}),
    ],
)
def test_the_nearest_rule_says_why_it_did_not_apply(rule: Rule, conditions: set[Condition]) -> None:
    far = grant("far", "amount", roles=[Role.SELLER], expires=NOW, nominations=[Nomination.BOTH])
    explanation = explain(sides(ours(far, rule), theirs()), "amount", context())
    assert explanation.missed is not None
    assert explanation.missed.name == RuleName(OURS, "g")
    assert set(explanation.missed.conditions) == conditions


def test_the_nearest_rule_may_be_the_other_sides() -> None:
    recipient = policy(THEIRS, exists("later", not_before=NOW + DAY))
    explanation = explain(sides(ours(grant("g", "amount")), recipient), "amount", context())
    assert explanation.missed is not None
    assert (explanation.missed.name, explanation.missed.conditions) == (
        RuleName(THEIRS, "later"),
        (Condition.NOT_YET,),
    )


def test_no_rule_came_near_where_none_would_show_more() -> None:
    full = explain(sides(ours(grant("g", "amount"), grant("h", "amount", expires=NOW)), theirs()), "amount", context())
    assert full.missed is None
    denied = explain(sides(ours(deny("d", "amount"), grant("h", "amount", expires=NOW)), theirs()), "amount", context())
    assert denied.missed is None
    capped = ours(grant("g", "amount", expires=NOW), ceilings={"amount": Form.HIDDEN})
    assert explain(sides(capped, theirs()), "amount", context()).missed is None


def test_an_explanation_in_words() -> None:
    owner = ours(grant("bands", "amount", form=Form.REDUCED), grant("deals", "amount", roles=[Role.SELLER]))
    assert explain(sides(owner, theirs()), "amount", context()).lines() == (
        "amount is reduced: a rule grants it.",
        "Forced by the owner's rule bands.",
        "Forced by the owner's rule existence.",
        "Forced by the recipient's rule existence.",
        "The owner's rule deals would show more, but it is for other roles.",
    )
