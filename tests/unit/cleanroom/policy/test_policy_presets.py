"""The four presets between two partners, in the default catalogue and in catalogues that lack most of it."""

from dataclasses import replace
from itertools import combinations

import pytest
from policy_builders import DAY, GROUND, NOW, OURS, THEIRS, USE, sides

from cleanroom.domain.fields import ACCOUNT, DEFAULT_CATALOGUE, FieldClass
from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS, Form, Nomination, Role
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Context, Effect, Ground, require_fits
from cleanroom.policy.presets import Preset, preset
from cleanroom.policy.warnings import Code, warnings

EXPIRES = NOW + 90 * DAY
DEFAULT = Ground(catalogue=DEFAULT_CATALOGUE, segments=DEFAULT_SEGMENTS)
IDENTITY = {entry.name for entry in DEFAULT_CATALOGUE if entry.field_class is FieldClass.IDENTITY}
PIPELINE = ("open_opportunities", "customers")


def both(name: Preset, *, ground: Ground = DEFAULT) -> Sides:
    mine, other = (preset(name, owner=owner, ground=ground, expires=EXPIRES) for owner in (OURS, THEIRS))
    return sides(mine, other, ground=ground)


def shown(where: Sides, cell: tuple[str, str], role: Role) -> dict[str, Form]:
    at = Context(mine=cell[0], theirs=cell[1], purpose=USE, role=role, at=NOW)
    every = {field: where.form(field, at) for field in (ACCOUNT, *(entry.name for entry in where.ground.catalogue))}
    return {field: form for field, form in every.items() if form is not Form.HIDDEN}


def test_counts_only_shows_counts() -> None:
    assert shown(both(Preset.COUNTS_ONLY), PIPELINE, Role.ADMIN) == {ACCOUNT: Form.COUNT}


def test_names_shows_existence_and_identity() -> None:
    expected = {ACCOUNT: Form.EXISTS, **dict.fromkeys(IDENTITY, Form.FULL)}
    assert shown(both(Preset.NAMES), ("customers", "prospects"), Role.SELLER) == expected


def test_co_sell_shows_the_deal_and_contacts_only_to_others_than_sellers() -> None:
    names = shown(both(Preset.NAMES), PIPELINE, Role.SELLER)
    deal = {"stage": Form.FULL, "currency": Form.FULL, "amount": Form.REDUCED, "close_date": Form.REDUCED}
    contact = {"owner": Form.REDUCED, "owner_email": Form.REDUCED}
    where = both(Preset.CO_SELL)
    assert shown(where, PIPELINE, Role.SELLER) == names | deal
    for role in set(Role) - {Role.SELLER}:
        assert shown(where, PIPELINE, role) == names | deal | contact


def test_full_team_shows_all_but_notes_in_cells_of_the_pipeline() -> None:
    where = both(Preset.FULL_TEAM)
    everything = {entry.name: Form.FULL for entry in DEFAULT_CATALOGUE if entry.name != "notes"}
    for cell in (PIPELINE, PIPELINE[::-1], ("open_opportunities", "open_opportunities")):
        assert shown(where, cell, Role.SELLER) == {ACCOUNT: Form.EXISTS, **everything}
    assert shown(where, ("customers", "prospects"), Role.SELLER) == shown(
        both(Preset.NAMES), ("customers", "prospects"), Role.SELLER
    )


def test_full_team_without_a_pipeline_is_names() -> None:
    ground = Ground(catalogue=DEFAULT_CATALOGUE, segments=("customers", "prospects"))
    where, names = both(Preset.FULL_TEAM, ground=ground), both(Preset.NAMES, ground=ground)
    assert shown(where, ("customers", "prospects"), Role.ADMIN) == shown(names, ("customers", "prospects"), Role.ADMIN)


@pytest.mark.parametrize("name", Preset)
def test_after_its_expiry_a_preset_shows_counts(name: Preset) -> None:
    where = both(name)
    forms = where.cell_forms(*PIPELINE, EXPIRES, Nomination.BOTH)
    assert {field for field, form in forms.items() if form is not Form.HIDDEN} == {ACCOUNT}
    assert all(rule.expires == EXPIRES for rule in where.owner.rules if rule.effect is Effect.GRANT)  # type: ignore[union-attr]  # both() has policies


@pytest.mark.parametrize("name", Preset)
def test_every_preset_fits_every_catalogue(name: Preset) -> None:
    catalogues = [some for size in range(3) for some in combinations(DEFAULT_CATALOGUE, size)]
    lowered = tuple(replace(entry, ceiling=Form.REDUCED) for entry in DEFAULT_CATALOGUE)
    for catalogue in [*catalogues, DEFAULT_CATALOGUE, GROUND.catalogue, lowered]:
        ground = Ground(catalogue=catalogue, segments=DEFAULT_SEGMENTS)
        made = preset(name, owner=OURS, ground=ground, expires=EXPIRES)
        require_fits(made, ground)
        found = {each.code for each in warnings(made, ground, NOW)}
        assert found <= {Code.CLASS_RULE, Code.CONTACT_TO_SELLERS, Code.CAPPED_BY_TERMS}
        assert Code.CONTACT_TO_SELLERS not in found or name is Preset.FULL_TEAM


@pytest.mark.parametrize("name", Preset)
def test_a_preset_accepts_what_it_shows(name: Preset) -> None:
    where = both(name)
    open_handed = replace(
        where.recipient, accepts={ACCOUNT: Form.EXISTS, **{str(each): Form.FULL for each in FieldClass}}
    )  # type: ignore[type-var]  # both() has policies
    generous = replace(where, recipient=open_handed)
    for cell in (PIPELINE, ("customers", "prospects")):
        for role in Role:
            assert shown(where, cell, role) == shown(generous, cell, role)
