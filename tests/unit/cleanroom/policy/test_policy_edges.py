"""Edges of the evaluator that random policies seldom meet: orders of ids, order of limits, what is remembered."""

from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import pytest
from policy_builders import (
    DAY,
    EMAIL,
    EVERYTHING,
    GROUND,
    NOW,
    OTHER,
    OURS,
    STAGE,
    THEIRS,
    context,
    exists,
    grant,
    ours,
    policy,
    sides,
    theirs,
)

from cleanroom.domain.fields import ACCOUNT, Reduction
from cleanroom.domain.vocabulary import Form, Nomination, PartnerId, Reciprocity
from cleanroom.policy.conditions import Condition, failing
from cleanroom.policy.evaluate import Offer, Sides, cuts
from cleanroom.policy.limits import Limit, limits, possible
from cleanroom.policy.model import LEVEL, PolicyRefused

BEFORE, AFTER = PartnerId("0" * 32), PartnerId("f" * 32)


@pytest.mark.parametrize("stranger", [BEFORE, OTHER, AFTER])
def test_a_policy_of_anybody_else_is_refused_on_either_side(stranger: PartnerId) -> None:
    with pytest.raises(PolicyRefused, match="somebody else"):
        sides(policy(stranger), None)
    with pytest.raises(PolicyRefused, match="somebody else"):
        sides(None, policy(stranger))


@pytest.mark.parametrize("owner", [BEFORE, AFTER])
def test_ids_decide_by_being_equal_not_by_being_the_same_object(owner: PartnerId) -> None:
    def again(partner: PartnerId) -> PartnerId:
        return PartnerId("".join(partner))

    with pytest.raises(PolicyRefused, match="to itself"):
        _sides(owner, again(owner))
    for recipient, form in ((again(THEIRS), Form.FULL), (BEFORE if owner == AFTER else AFTER, Form.HIDDEN)):
        mine = policy(again(owner), exists(), grant("g", "amount", recipient=recipient))
        where = Sides(
            owner=mine, recipient=theirs(), owner_id=owner, recipient_id=THEIRS, ground=GROUND, use=context().purpose
        )
        assert where.form("amount", context()) is form


def _sides(owner: PartnerId, recipient: PartnerId) -> Sides:
    return Sides(
        owner=None, recipient=None, owner_id=owner, recipient_id=recipient, ground=GROUND, use=context().purpose
    )


@pytest.mark.parametrize("recipient", [BEFORE, AFTER])
def test_a_rule_for_another_recipient_fails_by_that(recipient: PartnerId) -> None:
    found = failing(grant("g", "amount", recipient=recipient), THEIRS, context())
    assert list(found) == [Condition.RECIPIENT]


def test_every_limit_is_named_with_its_form() -> None:
    found = limits(ours(ceilings={"contact": Form.FULL, "owner_email": Form.HIDDEN}), theirs(accepts={}), EMAIL)
    assert found == (
        (Limit.CEILING, Form.HIDDEN),
        (Limit.ACCEPTS, Form.HIDDEN),
        (Limit.TERMS, Form.REDUCED),
        (Limit.SYSTEM, Form.FULL),
    )
    assert dict(limits(None, None, None)) == {
        Limit.CEILING: Form.EXISTS,
        Limit.ACCEPTS: Form.COUNT,
        Limit.TERMS: Form.EXISTS,
        Limit.SYSTEM: Form.EXISTS,
    }
    assert (
        dict(limits(ours(), theirs(accepts={**EVERYTHING, ACCOUNT: Form.HIDDEN}), None))[Limit.ACCEPTS] is Form.HIDDEN
    )


def test_moments_of_all_rules_cut_time_once_each_and_in_order() -> None:
    mine = ours(grant("g", "amount", not_before=NOW, expires=NOW + 2 * DAY), grant("h", "stage", expires=NOW + DAY))
    assert cuts(mine, None, theirs(grant("k", "amount", not_before=NOW))) == (NOW, NOW + DAY, NOW + 2 * DAY)
    assert cuts(None, None) == ()


def test_a_cell_is_decided_once_for_a_slice_of_time() -> None:
    where = sides(ours(grant("g", "amount", expires=NOW + DAY)), theirs())
    forms = [where.cell_forms("customers", "prospects", at, Nomination.NONE) for at in (NOW, NOW + DAY / 2, NOW + DAY)]
    assert forms[0] is forms[1]
    assert forms[0] != forms[2]
    with pytest.raises(TypeError):
        forms[0]["amount"] = Form.FULL  # type: ignore[index]  # nobody may change what is remembered


def test_what_is_remembered_is_no_part_of_what_is_equal_or_shown() -> None:
    fresh, used = sides(ours(), theirs()), sides(ours(), theirs())
    assert used.agreed("customers", "prospects", NOW)
    used.cell_forms("customers", "prospects", NOW, Nomination.NONE)
    assert fresh == used
    assert not any(name in repr(used) for name in ("_cuts", "_agreed", "_cells"))


@pytest.mark.parametrize(("mine", "other"), [("nonsense", "customers"), ("customers", "nonsense")])
def test_a_segment_that_is_unknown_on_either_side_is_refused_everywhere(mine: str, other: str) -> None:
    where = sides(ours(), theirs())
    for ask in (
        lambda: where.form("amount", context(mine=mine, theirs=other)),
        lambda: where.form(ACCOUNT, context(mine=mine, theirs=other)),
        lambda: where.account(mine, other, NOW),
        lambda: where.agreed(mine, other, NOW),
        lambda: where.sealed("amount", mine=mine, theirs=other, at=NOW, nomination=Nomination.NONE),
    ):
        with pytest.raises(PolicyRefused, match="segment"):
            ask()


def test_sealing_an_unknown_field_is_refused() -> None:
    with pytest.raises(PolicyRefused):
        sides(ours(), theirs()).sealed(
            "nonsense", mine="customers", theirs="prospects", at=NOW, nomination=Nomination.NONE
        )


def test_a_rule_goes_on_applying_after_it_has_begun() -> None:
    where = sides(ours(grant("g", "amount", not_before=NOW)), theirs())
    assert [where.form("amount", context(at=at)) for at in (NOW - DAY, NOW, NOW + DAY)] == [
        Form.HIDDEN,
        Form.FULL,
        Form.FULL,
    ]


def test_a_field_without_a_reduced_form_is_still_shown_in_full() -> None:
    assert sides(ours(grant("g", "stage")), theirs()).form("stage", context()) is Form.FULL
    assert [possible(level, STAGE) for level in sorted(LEVEL.values())] == [
        0 if level == LEVEL[Form.REDUCED] else level for level in sorted(LEVEL.values())
    ]


def test_the_grant_by_the_terms_asks_nothing_in_return() -> None:
    assert not Offer(None, LEVEL[Form.COUNT]).asks
    assert Offer(None, LEVEL[Form.COUNT]).holds(0)


def test_sides_and_offers_are_frozen_and_named() -> None:
    where = sides(ours(), theirs())
    with pytest.raises(FrozenInstanceError):
        where.owner = None  # type: ignore[misc]  # frozen
    with pytest.raises(FrozenInstanceError):
        Offer(None, 0).level = 4  # type: ignore[misc]  # frozen
    with pytest.raises(TypeError):
        Sides(None, None, OURS, THEIRS, GROUND, context().purpose)  # type: ignore[misc]  # by name only
    members = {"owner": None, "recipient": None, "owner_id": OURS, "recipient_id": THEIRS, "ground": GROUND}
    for name in ("_cuts", "_agreed", "_cells"):
        with pytest.raises(TypeError):
            Sides(**members, use=context().purpose, **{name: {}})  # type: ignore[arg-type]  # not to be given
    assert not any(hasattr(each, "__dict__") for each in (where, Offer(None, 0)))  # nothing else can be remembered
    with pytest.raises(TypeError):  # two segments by place could be swapped unseen
        where.sealed("stage", "customers", "prospects", NOW, Nomination.NONE)  # type: ignore[misc]  # by name only


@pytest.mark.parametrize("asked", [Reciprocity.SAME_FORM, Reciprocity.AT_LEAST])
def test_as_much_in_return_is_enough(asked: Reciprocity) -> None:
    where = sides(ours(grant("g", "amount", reciprocity=asked)), theirs(grant("h", "amount")))
    assert where.form("amount", context()) is Form.FULL


@pytest.mark.parametrize("reduced", Reduction)
def test_only_a_field_without_a_reduced_form_loses_it(reduced: Reduction) -> None:
    entry = SimpleNamespace(reduced=reduced)
    shown = possible(LEVEL[Form.REDUCED], entry)  # type: ignore[arg-type]  # all that it looks at
    assert (shown == 0) is (reduced is Reduction.NONE)
