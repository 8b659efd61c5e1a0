"""Masks against single decisions, diffs against brute force, a change by itself against every counterpart."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import (
    AMOUNT,
    DAY,
    EMAIL,
    EVERYTHING,
    GROUND,
    NOW,
    OTHER,
    OURS,
    STAGE,
    THEIRS,
    USE,
    deny,
    exists,
    grant,
    ours,
    policy,
    sides,
    theirs,
)
from policy_strategies import FIELDS, any_sides, open_policies, policies

from cleanroom.domain.fields import ACCOUNT, FieldClass
from cleanroom.domain.vocabulary import Form, Nomination, Purpose, Reciprocity, Role
from cleanroom.policy.diff import Diff, diff
from cleanroom.policy.evaluate import Sides, cuts
from cleanroom.policy.levels import final_levels
from cleanroom.policy.model import LEVEL, Context, Ground, Policy, PolicyRefused
from cleanroom.policy.own_change import OwnChange, own_change
from cleanroom.policy.places import places
from cleanroom.policy.space import BLOCK, Space

EVERY_FIELD = (ACCOUNT, *FIELDS)


def space_of(*every: Sides) -> Space:
    moments = [cut for each in every for cut in cuts(each.owner, each.recipient)]
    return Space.of(GROUND.segments, USE, at=NOW, cuts=moments)


def expanded(result: Diff) -> dict[tuple[str, Context], tuple[Form, Form]]:
    """Every context of every place; a place's windows stand for their first instants."""
    return {
        (change.field, Context(mine=mine, theirs=other, purpose=USE, role=role, at=window[0], nomination=nomination)): (
            change.before,
            change.after,
        )
        for change in result.changes
        for place in change.places
        for mine, other in place.cells
        for nomination in place.nominations
        for role in place.roles
        for window in place.windows
    }


@settings(max_examples=30)
@given(any_sides(most=5))
def test_masks_are_the_decisions_of_every_context(where: Sides) -> None:
    space = space_of(where)
    levels = final_levels(where, space)
    for bit, at in enumerate(space.contexts()):
        for field in EVERY_FIELD:
            shown = levels[field].shown >> bit & 1, levels[field].most >> bit & 1
            assert sum(shown) == LEVEL[where.form(field, at)], (field, at)


LEAST = Reciprocity.AT_LEAST


@pytest.mark.parametrize(
    "where",
    [
        sides(ours(grant("g", "amount")), policy(THEIRS, exists(segments=[("prospects", "customers")]))),
        sides(policy(OURS, exists(segments=[("customers", "prospects")]), grant("g", "amount")), theirs()),
        sides(ours(grant("g", "amount", reciprocity=LEAST)), theirs(grant("h", "amount", roles=[Role.SELLER]))),
        sides(
            ours(grant("g", "amount", reciprocity=LEAST)), theirs(grant("h", "amount", nominations=[Nomination.MINE]))
        ),
        sides(
            ours(grant("g", "amount", form=Form.REDUCED, reciprocity=Reciprocity.SAME_FORM)),
            theirs(
                grant("h", "amount", form=Form.REDUCED), grant("i", "amount", roles=[Role.ADMIN], expires=NOW + DAY)
            ),
        ),
        sides(ours(grant("g", "amount"), deny("d", "amount", not_before=NOW + DAY, roles=[Role.SELLER])), theirs()),
    ],
)
def test_masks_are_the_decisions_where_the_other_side_matters(where: Sides) -> None:
    space = space_of(where)
    levels = final_levels(where, space)["amount"]
    decided = [LEVEL[where.form("amount", at)] for at in space.contexts()]
    assert decided == [(levels.shown >> bit & 1) + (levels.most >> bit & 1) for bit in range(space.size)]
    assert max(decided) > 0


def test_the_space_is_ordered_and_complete() -> None:
    space = Space.of(GROUND.segments, USE, at=NOW, cuts=[NOW + DAY, NOW - DAY, NOW, NOW + DAY])
    every = list(space.contexts())
    assert space.slices == (NOW, NOW + DAY)
    assert len(every) == len(set(every)) == space.size == 2 * 4 * BLOCK
    assert [each.role for each in every[: len(Role)]] == list(Role)
    assert every[-1].at == NOW + DAY


@settings(max_examples=30)
@given(st.data())
def test_places_are_the_mask_without_overlap(data: st.DataObject) -> None:
    space = Space.of(GROUND.segments, USE, at=NOW, cuts=[NOW + DAY, NOW + 2 * DAY])
    mask = data.draw(st.integers(0, space.everywhere) | st.integers(0, 2**30))
    starts = dict(zip(space.slices, [*space.slices[1:], None], strict=True))
    found: Counter[Context] = Counter()
    for place in places(mask, space):
        for begins, ends in place.windows:
            inside = [s for s in space.slices if begins <= s and (ends is None or s < ends)]
            assert starts[inside[-1]] == ends
            found.update(
                Context(mine=mine, theirs=other, purpose=USE, role=role, at=at, nomination=nomination)
                for mine, other in place.cells
                for nomination in place.nominations
                for role in place.roles
                for at in inside
            )
    assert set(found.values()) <= {1}
    assert set(found) == {space.context(bit) for bit in range(space.size) if mask >> bit & 1}


@settings(max_examples=30)
@given(any_sides(most=4), any_sides(most=4))
def test_a_diff_is_brute_force(old: Sides, new: Sides) -> None:
    result = diff(old, new, at=NOW)
    brute = {}
    for at in space_of(old, new).contexts():
        for field in EVERY_FIELD:
            before, after = old.form(field, at), new.form(field, at)
            if before is not after:
                brute[field, at] = before, after
    counted = sum(change.contexts for change in result.changes)
    assert counted == len(brute)
    found = expanded(result)
    assert found.items() <= brute.items()
    assert {field for field, _ in found} == {field for field, _ in brute}
    assert result.widens is any(LEVEL[after] > LEVEL[before] for before, after in brute.values())
    assert result.narrows is any(LEVEL[after] < LEVEL[before] for before, after in brute.values())
    order = [change.widens for change in result.changes]
    assert order == sorted(order, reverse=True)


def test_a_diff_reads_like_the_change() -> None:
    old = sides(ours(grant("g", "amount", form=Form.REDUCED)), theirs())
    new = replace(
        old,
        owner=ours(
            grant("g", "amount", form=Form.REDUCED),
            grant("h", "amount", segments=[("customers", "customers"), ("prospects", "customers")], expires=NOW + DAY),
            deny("d", "amount", roles=[Role.SELLER], nominations=[Nomination.MINE]),
        ),
    )
    widening, narrowing = diff(old, new, at=NOW).changes
    assert (widening.field, widening.before, widening.after) == ("amount", Form.REDUCED, Form.FULL)
    assert {place.windows for place in widening.places} == {((NOW, NOW + DAY),)}
    assert {cell for place in widening.places for cell in place.cells} == {
        ("customers", "customers"),
        ("prospects", "customers"),
    }
    assert (narrowing.before, narrowing.after) == (Form.REDUCED, Form.HIDDEN)
    (place,) = narrowing.places
    assert (place.roles, place.nominations) == ((Role.SELLER,), (Nomination.MINE,))
    assert place.windows == ((NOW, None),)


def test_that_time_passes_is_no_change() -> None:
    where = sides(ours(grant("g", "amount", expires=NOW + DAY)), theirs())
    for at in (NOW, NOW + DAY, NOW + 2 * DAY):
        assert diff(where, replace(where), at=at).changes == ()


def test_what_lies_in_the_past_is_no_change() -> None:
    where = sides(ours(grant("g", "amount", expires=NOW)), theirs())
    assert diff(where, replace(where, owner=ours()), at=NOW).changes == ()


def test_a_catalogue_that_gains_a_field_shows_what_its_class_rule_does() -> None:
    smaller = Ground(catalogue=(AMOUNT,), segments=GROUND.segments)
    old = sides(ours(grant("g", "commercial")), theirs(), ground=smaller)
    gained = diff(old, replace(old, ground=Ground(catalogue=(AMOUNT, STAGE), segments=GROUND.segments)), at=NOW)
    assert [(change.field, change.after) for change in gained.changes] == [("stage", Form.FULL)]
    lost = diff(replace(old, ground=GROUND), old, at=NOW)
    assert [(change.field, change.after) for change in lost.changes] == [("stage", Form.HIDDEN)]


def test_a_segment_that_is_new_is_hidden_before() -> None:
    old = sides(ours(), theirs(), ground=Ground(catalogue=(AMOUNT,), segments=("customers",)))
    new = replace(old, ground=Ground(catalogue=(AMOUNT,), segments=("customers", "prospects")))
    (change,) = diff(old, new, at=NOW).changes
    assert (change.field, change.before, change.after) == (ACCOUNT, Form.HIDDEN, Form.EXISTS)
    assert ("customers", "customers") not in {cell for place in change.places for cell in place.cells}


def test_a_room_with_another_purpose_is_compared_at_its_own() -> None:
    old = sides(ours(grant("g", "amount", purposes=[Purpose.RESELL])), theirs())
    (change,) = diff(old, replace(old, use=Purpose.RESELL), at=NOW).changes
    assert change.after is Form.FULL


def test_two_rooms_are_not_compared() -> None:
    where = sides(ours(), theirs())
    with pytest.raises(PolicyRefused):
        diff(where, where.turned(), at=NOW)


def own(old: Policy | None, new: Policy | None) -> OwnChange:
    return own_change(old, new, recipient=THEIRS, ground=GROUND, use=USE, at=NOW)


def counterparts() -> list[Policy]:
    """Every counterpart that matters: what it accepts and what it shows of a field, existence always."""
    forms = (Form.HIDDEN, Form.REDUCED, Form.FULL)
    return [
        policy(
            THEIRS,
            exists(),
            *([] if shows is Form.HIDDEN else [grant("shows", *map(str, FieldClass), form=shows)]),
            accepts={ACCOUNT: Form.EXISTS, **{str(each): accepts for each in FieldClass}},
        )
        for accepts in forms
        for shows in forms
    ]


@settings(max_examples=30)
@given(open_policies(OURS, most=3), open_policies(OURS, most=3))
def test_a_policy_widens_by_itself_if_some_counterpart_would_be_shown_more(old: Policy, new: Policy) -> None:
    results = [diff(sides(old, other), sides(new, other), at=NOW) for other in counterparts()]
    assert own(old, new) == OwnChange(
        widens=any(result.widens for result in results), narrows=any(result.narrows for result in results)
    )


@settings(max_examples=30)
@given(policies(OURS, most=3), policies(OURS, most=3), policies(THEIRS, most=3))
def test_no_real_counterpart_is_shown_more_by_a_policy_that_does_not_widen(
    old: Policy, new: Policy, other: Policy
) -> None:
    change = own(old, new)
    shown = diff(sides(old, other), sides(new, other), at=NOW)
    assert change.widens or not shown.widens
    assert change.narrows or not shown.narrows


FULL, SAME = grant("g", "amount"), Reciprocity.SAME_FORM
WIDER: dict[str, tuple[Policy | None, Policy]] = {
    "a grant": (ours(), ours(FULL)),
    "a first policy that grants": (None, ours()),
    "a higher form": (ours(grant("g", "amount", form=Form.REDUCED)), ours(FULL)),
    "a deny less": (ours(FULL, deny("d", "amount")), ours(FULL)),
    "a deny with an end": (ours(FULL, deny("d", "amount")), ours(FULL, deny("d", "amount", expires=NOW + DAY))),
    "a later expiry": (
        ours(grant("g", "amount", expires=NOW + DAY)),
        ours(grant("g", "amount", expires=NOW + 2 * DAY)),
    ),
    "a higher ceiling": (ours(FULL, ceilings={"amount": Form.REDUCED}), ours(FULL)),
    "existence": (policy(OURS), ours()),
    "existence accepted": (ours(accepts={}), ours(accepts={ACCOUNT: Form.EXISTS})),
    "a role more": (ours(grant("g", "amount", roles=[Role.ADMIN])), ours(FULL)),
    "less asked in return": (ours(grant("g", "amount", reciprocity=LEAST)), ours(FULL)),
    "at least instead of the same": (
        ours(grant("g", "amount", form=Form.REDUCED, reciprocity=SAME)),
        ours(grant("g", "amount", form=Form.REDUCED, reciprocity=LEAST)),
    ),
    "at least instead of the same, where only the counterpart's accepts make it reduced": (
        ours(grant("g", "amount", reciprocity=SAME)),
        ours(grant("g", "amount", reciprocity=LEAST)),
    ),
    "a return accepted": (
        ours(grant("g", "amount", reciprocity=LEAST), accepts={ACCOUNT: Form.EXISTS}),
        ours(grant("g", "amount", reciprocity=LEAST), accepts={ACCOUNT: Form.EXISTS, "amount": Form.FULL}),
    ),
}


@pytest.mark.parametrize("case", WIDER)
def test_widenings_by_themselves(case: str) -> None:
    old, new = WIDER[case]
    assert own(old, new) == OwnChange(widens=True, narrows=False)
    assert own(new, old) == OwnChange(widens=False, narrows=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (ours(FULL), ours(grant("other", "amount"))),
        (ours(accepts={ACCOUNT: Form.EXISTS}), ours(accepts=EVERYTHING)),
        (ours(grant("g", "amount", recipient=OTHER)), ours()),
        (ours(grant("g", "amount", expires=NOW)), ours()),
        (ours(grant("g", "owner_email", form=Form.REDUCED)), ours(grant("g", "owner_email"))),
        (ours(grant("g", "stage", form=Form.REDUCED)), ours()),
        (ours(FULL), ours(FULL, grant("h", "amount", form=Form.REDUCED))),
        (None, policy(OURS, accepts={})),
    ],
)
def test_changes_that_can_show_nothing_else(old: Policy | None, new: Policy) -> None:
    assert EMAIL.ceiling is Form.REDUCED
    assert own(old, new) == OwnChange(widens=False, narrows=False)


def test_a_change_may_widen_and_narrow() -> None:
    assert own(ours(FULL), ours(grant("g", "stage"))) == OwnChange(widens=True, narrows=True)


def test_two_windows_with_a_gap_stay_two() -> None:
    first = grant("g", "amount", expires=NOW + DAY)
    second = grant("h", "amount", not_before=NOW + 2 * DAY, expires=NOW + 3 * DAY)
    (change,) = diff(sides(ours(), theirs()), sides(ours(first, second), theirs()), at=NOW).changes
    (place,) = change.places
    assert place.windows == ((NOW, NOW + DAY), (NOW + 2 * DAY, NOW + 3 * DAY))
