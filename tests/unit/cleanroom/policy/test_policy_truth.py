"""Decisions against an independent reading of the design: a table, every combination of two rules, random policies."""

from dataclasses import replace
from itertools import combinations_with_replacement, product

import pytest
from hypothesis import given, settings
from policy_builders import (
    DAY,
    EVERYTHING,
    GROUND,
    NOW,
    OTHER,
    OURS,
    SECOND,
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
from policy_oracle import oracle_form
from policy_strategies import CONTEXTS, any_sides

from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form, Nomination, Purpose, Reciprocity, Role
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Context, Policy, PolicyRefused, Rule

ACCEPTING = theirs()
SAME, LEAST = Reciprocity.SAME_FORM, Reciprocity.AT_LEAST
REDUCED, FULL, HIDDEN = Form.REDUCED, Form.FULL, Form.HIDDEN


def oracle(where: Sides, field: str, at: Context) -> str:
    return oracle_form(where.owner, where.recipient, (where.owner_id, where.recipient_id), where.ground, field, at)


@pytest.mark.parametrize(
    ("rules", "counterpart", "field", "form"),
    [
        ((), ACCEPTING, "amount", HIDDEN),
        ((grant("g", "amount"),), ACCEPTING, "amount", FULL),
        ((grant("g", "amount", form=REDUCED),), ACCEPTING, "amount", REDUCED),
        ((grant("g", "commercial"),), ACCEPTING, "amount", FULL),
        ((grant("g", "commercial"),), ACCEPTING, "owner_email", HIDDEN),
        ((grant("g", "amount"), deny("d", "commercial")), ACCEPTING, "amount", HIDDEN),
        ((deny("d", "amount"), grant("g", "amount")), ACCEPTING, "amount", HIDDEN),
        ((deny("d", "amount", roles=[Role.SELLER]), grant("g", "amount")), ACCEPTING, "amount", FULL),
        ((grant("g", "amount"),), theirs(accepts={ACCOUNT: Form.EXISTS, "amount": REDUCED}), "amount", REDUCED),
        ((grant("g", "amount"),), theirs(accepts={ACCOUNT: Form.EXISTS}), "amount", HIDDEN),
        ((grant("g", "amount"),), theirs(accepts={**EVERYTHING, "amount": REDUCED}), "amount", REDUCED),
        (
            (grant("g", "amount"),),
            theirs(accepts={**EVERYTHING, "commercial": REDUCED, "amount": FULL}),
            "amount",
            REDUCED,
        ),
        ((grant("g", "owner_email"),), ACCEPTING, "owner_email", REDUCED),
        ((grant("g", "stage", form=REDUCED),), ACCEPTING, "stage", HIDDEN),
        ((grant("g", "stage"),), theirs(accepts={**EVERYTHING, "stage": REDUCED}), "stage", HIDDEN),
        ((grant("g", "amount"),), policy(THEIRS), "amount", HIDDEN),
        ((grant("g", "amount"),), theirs(accepts={**EVERYTHING, ACCOUNT: Form.COUNT}), "amount", HIDDEN),
        ((grant("g", "amount"),), None, "amount", HIDDEN),
        ((grant("g", "amount", reciprocity=SAME),), ACCEPTING, "amount", HIDDEN),
        ((grant("g", "amount", reciprocity=SAME),), theirs(grant("h", "amount")), "amount", FULL),
        ((grant("g", "amount", reciprocity=SAME),), theirs(grant("h", "amount", form=REDUCED)), "amount", HIDDEN),
        ((grant("g", "amount", reciprocity=LEAST),), theirs(grant("h", "amount", form=REDUCED)), "amount", HIDDEN),
        ((grant("g", "amount", form=REDUCED, reciprocity=SAME),), theirs(grant("h", "amount")), "amount", HIDDEN),
        ((grant("g", "amount", form=REDUCED, reciprocity=LEAST),), theirs(grant("h", "amount")), "amount", REDUCED),
        ((grant("g", "amount", reciprocity=SAME),), theirs(grant("h", "amount", reciprocity=SAME)), "amount", FULL),
        ((grant("g", "amount", reciprocity=SAME),), theirs(grant("h", "amount", roles=[Role.SELLER])), "amount", FULL),
        ((grant("g", "amount", reciprocity=SAME), grant("r", "amount", form=REDUCED)), ACCEPTING, "amount", REDUCED),
        ((), ACCEPTING, ACCOUNT, Form.EXISTS),
        ((deny("d", ACCOUNT),), ACCEPTING, ACCOUNT, HIDDEN),
        ((), theirs(accepts={}), ACCOUNT, Form.COUNT),
        ((), None, ACCOUNT, Form.COUNT),
    ],
)
def test_the_table(rules: tuple[Rule, ...], counterpart: Policy | None, field: str, form: Form) -> None:
    assert sides(ours(*rules), counterpart).form(field, context()) is form
    assert oracle(sides(ours(*rules), counterpart), field, context()) == form


def test_without_policies_signing_the_terms_gives_counts_and_nothing_else() -> None:
    where = sides(None, None)
    assert where.account("customers", "prospects", NOW) is Form.COUNT
    assert not where.agreed("customers", "prospects", NOW)
    forms = where.cell_forms("customers", "prospects", NOW, Nomination.NONE)
    assert forms == {ACCOUNT: Form.COUNT, **{entry.name: HIDDEN for entry in GROUND.catalogue}}


def test_a_ceiling_can_take_even_the_count_back() -> None:
    where = sides(policy(OURS, ceilings={ACCOUNT: HIDDEN}), theirs())
    assert where.account("customers", "prospects", NOW) is HIDDEN


@pytest.mark.parametrize(
    ("condition", "met", "missed"),
    [
        ({"segments": [("customers", "prospects")]}, {}, {"mine": "prospects"}),
        ({"segments": [("customers", "prospects")]}, {}, {"mine": "prospects", "theirs": "customers"}),
        ({"nominations": [Nomination.MINE, Nomination.BOTH]}, {"nomination": Nomination.BOTH}, {}),
        ({"nominations": [Nomination.MINE]}, {"nomination": Nomination.MINE}, {"nomination": Nomination.THEIRS}),
        ({"purposes": [Purpose.CO_SELL]}, {}, {"purpose": Purpose.RESELL}),
        ({"roles": [Role.SELLER]}, {"role": Role.SELLER}, {"role": Role.ADMIN}),
        ({"not_before": NOW}, {"at": NOW}, {"at": NOW - SECOND}),
        ({"expires": NOW}, {"at": NOW - SECOND}, {"at": NOW}),
        ({"expires": NOW}, {"at": NOW - SECOND / 1000}, {"at": NOW + SECOND / 1000}),
    ],
)
def test_each_condition_lets_a_rule_apply_exactly_where_it_holds(
    condition: dict[str, object], met: dict[str, object], missed: dict[str, object]
) -> None:
    where = sides(ours(grant("g", "amount", **condition)), theirs())
    assert where.form("amount", context(**met)) is FULL
    assert where.form("amount", context(**missed)) is HIDDEN


def test_a_rule_for_somebody_else_does_not_apply() -> None:
    assert sides(ours(grant("g", "amount", recipient=THEIRS)), theirs()).form("amount", context()) is FULL
    assert sides(ours(grant("g", "amount", recipient=OTHER)), theirs()).form("amount", context()) is HIDDEN
    denied = ours(grant("g", "amount"), deny("d", "amount", recipient=OTHER))
    assert sides(denied, theirs()).form("amount", context()) is FULL


def test_reciprocity_reads_nominations_and_segments_from_the_other_side() -> None:
    mine = ours(grant("g", "amount", reciprocity=SAME))
    nominated = sides(mine, theirs(grant("h", "amount", nominations=[Nomination.THEIRS])))
    assert nominated.form("amount", context(nomination=Nomination.MINE)) is FULL
    assert nominated.form("amount", context(nomination=Nomination.THEIRS)) is HIDDEN
    segmented = sides(mine, theirs(grant("h", "amount", segments=[("prospects", "customers")])))
    assert segmented.form("amount", context()) is FULL
    assert segmented.form("amount", context(mine="prospects", theirs="customers")) is HIDDEN


def test_what_is_sealed_is_the_highest_over_roles() -> None:
    rules = grant("g", "amount", form=REDUCED), grant("s", "amount", roles=[Role.SELLER])
    where = sides(ours(*rules), theirs())
    cell = {"mine": "customers", "theirs": "prospects", "at": NOW, "nomination": Nomination.NONE}
    assert where.sealed("amount", **cell) is FULL
    assert where.form("amount", context(role=Role.ADMIN)) is REDUCED


def test_agreed_cells_are_indices_of_cells_where_both_show_existence() -> None:
    mine = policy(OURS, exists(segments=[("customers", "prospects"), ("prospects", "prospects")]))
    other = policy(THEIRS, exists(segments=[("prospects", "customers"), ("customers", "customers")]))
    assert sides(mine, other).agreed_cells(NOW) == {(0, 1)}
    assert sides(mine, other).turned().agreed_cells(NOW) == {(1, 0)}


def test_turning_twice_changes_nothing() -> None:
    where = sides(ours(), theirs())
    assert where.turned().turned() == where


def test_remembered_decisions_change_exactly_when_a_rule_does() -> None:
    where = sides(ours(grant("g", "amount", not_before=NOW, expires=NOW + DAY)), theirs())

    def shown(at: object) -> Form:
        return where.cell_forms("customers", "prospects", at, Nomination.NONE)["amount"]  # type: ignore[arg-type]  # datetime

    for _ in range(2):
        assert [shown(NOW - SECOND), shown(NOW), shown(NOW + DAY - SECOND), shown(NOW + DAY)] == [
            HIDDEN,
            FULL,
            FULL,
            HIDDEN,
        ]


def test_unknown_fields_segments_and_strangers_are_refused() -> None:
    where = sides(ours(), theirs())
    for wrong in (
        lambda: where.form("nonsense", context()),
        lambda: where.form("amount", context(mine="nonsense")),
        lambda: where.cell_forms("customers", "nonsense", NOW, Nomination.NONE),
        lambda: where.agreed("nonsense", "customers", NOW),
        lambda: sides(theirs(), ours()),
        lambda: replace(where, recipient=None, recipient_id=OURS),
    ):
        with pytest.raises(PolicyRefused):
            wrong()


CONDITIONS: list[dict[str, object]] = [
    {},
    {"roles": [Role.SELLER]},
    {"nominations": [Nomination.MINE]},
    {"segments": [("customers", "prospects")]},
]


def menu(*targets: str) -> list[Rule]:
    """Every rule about these targets with at most one condition, and every form and reciprocity."""
    return [
        rule
        for target in targets
        for condition in CONDITIONS
        for rule in (
            deny("rule", target, **condition),
            *(
                grant("rule", target, form=form, reciprocity=asked, **condition)
                for form in (REDUCED, FULL)
                for asked in Reciprocity
            ),
        )
    ]


TINY = [
    context(mine=mine, theirs=other, role=role, nomination=nomination)
    for mine, other in (("customers", "prospects"), ("prospects", "customers"))
    for role in (Role.ADMIN, Role.SELLER)
    for nomination in (Nomination.NONE, Nomination.MINE, Nomination.THEIRS)
]
LIMITED = {**EVERYTHING, "amount": REDUCED}


@pytest.mark.parametrize("tables", [(EVERYTHING, EVERYTHING), (LIMITED, EVERYTHING), (EVERYTHING, LIMITED)])
def test_every_two_rules_on_two_sides(tables: tuple[dict[str, Form], dict[str, Form]]) -> None:
    for mine, other in product(menu("amount"), menu("commercial")):
        where = sides(ours(mine, accepts=tables[0]), theirs(other, accepts=tables[1]))
        assert all(where.form("amount", each) == oracle(where, "amount", each) for each in TINY), (mine, other)


@pytest.mark.parametrize("returned", [None, REDUCED, FULL])
def test_every_two_rules_on_one_side(returned: Form | None) -> None:
    counterpart = theirs() if returned is None else theirs(grant("h", "amount", form=returned))
    for first, second in combinations_with_replacement(menu("amount", "commercial"), 2):
        where = sides(ours(first, replace(second, id="second")), counterpart)
        assert all(where.form("amount", each) == oracle(where, "amount", each) for each in TINY), (first, second)


@settings(max_examples=40)
@given(any_sides(most=6), CONTEXTS)
def test_random_policies_decide_as_the_design_says(where: Sides, at: Context) -> None:
    for field in (ACCOUNT, *(entry.name for entry in GROUND.catalogue)):
        assert where.form(field, at) == oracle(where, field, at)


@settings(max_examples=30)
@given(any_sides(most=6), CONTEXTS)
def test_cells_decide_as_every_role_together(where: Sides, at: Context) -> None:
    forms = where.cell_forms(at.mine, at.theirs, at.at, at.nomination)
    chain = {form: number for number, form in enumerate((HIDDEN, Form.COUNT, REDUCED, Form.EXISTS, FULL))}
    for field in forms:
        roles = [oracle(where, field, replace(at, role=role, purpose=where.use)) for role in Role]
        assert forms[field] == max(roles, key=lambda form: chain[Form(form)])


def test_remembered_agreements_change_exactly_when_a_rule_does() -> None:
    where = sides(policy(OURS, exists(not_before=NOW, expires=NOW + DAY)), theirs())
    for _ in range(2):
        moments = (NOW - SECOND, NOW, NOW + DAY - SECOND, NOW + DAY)
        assert [where.agreed("customers", "prospects", at) for at in moments] == [False, True, True, False]
