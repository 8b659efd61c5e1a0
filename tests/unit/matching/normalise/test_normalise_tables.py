from dataclasses import replace

import pytest
from editions_made import edition_of

from matching.keys import KINDS
from matching.normalise import recipes as makings
from matching.normalise.tables import FIRST_WORD, NEED_TABLES, NORMALISERS, Recipe, Tables, current, recipes
from matching.refusal import Refusal

NEW, OLD = edition_of("new"), edition_of("old")


def code_of(refusal: pytest.ExceptionInfo[Refusal]) -> str:
    return refusal.value.code


def test_the_current_recipes_are_one_a_kind_in_order() -> None:
    found = current(Tables(current=NEW, previous=OLD))
    assert [recipe.kind for recipe in found] == [*KINDS, FIRST_WORD]
    assert {recipe.tables for recipe in found} == {"", "new"}
    assert {recipe.kind for recipe in found if recipe.tables} == NEED_TABLES


def test_every_recipe_can_be_made() -> None:
    assert {recipe.normaliser for recipe in NEW.recipes} == set(makings.MAKINGS)
    assert all(version.startswith(f"{kind}/") for kind, version in NORMALISERS.items())


def test_two_editions_are_two_recipes_where_the_tables_count_and_one_where_they_do_not() -> None:
    found = recipes(Tables(current=NEW, previous=OLD))
    assert [recipe.tables for recipe in found["domain"]] == ["new", "old"]
    assert [recipe.tables for recipe in found["lei"]] == [""]
    assert all(1 <= len(of_kind) <= 2 for of_kind in found.values())
    assert set(found) == set(NORMALISERS)


def test_without_an_edition_before_there_is_one_recipe_a_kind() -> None:
    assert all(len(of_kind) == 1 for of_kind in recipes(Tables(current=NEW)).values())


def test_equal_versions_are_one_recipe() -> None:
    assert all(len(found) == 1 for found in recipes(Tables(current=NEW, previous=NEW)).values())


def test_an_edition_before_may_lack_a_kind() -> None:
    before = replace(OLD, recipes=tuple(recipe for recipe in OLD.recipes if recipe.kind != "site_name"))
    found = recipes(Tables(current=NEW, previous=before))
    assert [recipe.tables for recipe in found["site_name"]] == ["new"]
    assert [recipe.tables for recipe in found["name"]] == ["new", "old"]


def test_a_recipe_finds_its_edition() -> None:
    tables = Tables(current=NEW, previous=OLD)
    assert tables.edition(Recipe(kind="domain", normaliser=NORMALISERS["domain"], tables="new")) is NEW
    assert tables.edition(Recipe(kind="domain", normaliser=NORMALISERS["domain"], tables="old")) is OLD
    assert tables.edition(Recipe(kind="lei", normaliser=NORMALISERS["lei"], tables="")) is NEW


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(kind="domain", normaliser=NORMALISERS["domain"], tables="older"),
        Recipe(kind="domain", normaliser="domain/1", tables="new"),
        Recipe(kind="lei", normaliser=NORMALISERS["lei"], tables="new"),
        Recipe(kind="phone", normaliser="phone/1", tables=""),
    ],
)
def test_a_recipe_that_cannot_be_made_is_refused(recipe: Recipe) -> None:
    with pytest.raises(Refusal) as caught:
        Tables(current=NEW, previous=OLD).edition(recipe)
    assert code_of(caught) == "recipe_unknown"


def test_the_current_edition_has_a_recipe_of_every_kind() -> None:
    lacking = replace(NEW, recipes=NEW.recipes[1:])
    with pytest.raises(Refusal, match="lei") as caught:
        Tables(current=lacking)
    assert code_of(caught) == "recipe_unknown"
    assert Tables(current=NEW, previous=lacking).previous is lacking


def test_two_recipes_of_a_kind_are_refused() -> None:
    with pytest.raises(Refusal) as caught:
        replace(NEW, recipes=(*NEW.recipes, NEW.recipes[0]))
    assert code_of(caught) == "kind_repeated"


@pytest.mark.parametrize("kind", sorted(NEED_TABLES))
def test_a_kind_that_depends_on_tables_names_their_version(kind: str) -> None:
    unnamed = tuple(replace(recipe, tables="") if recipe.kind == kind else recipe for recipe in NEW.recipes)
    with pytest.raises(Refusal, match=kind) as caught:
        replace(NEW, recipes=unnamed)
    assert code_of(caught) == "tables_version"


@pytest.mark.parametrize("column", ["shared_hosts", "equivalent"])
def test_a_table_cannot_change_behind_its_edition(column: str) -> None:
    table = {"a.com": "b.com"}
    edition = edition_of("new", **{column: table})
    table["c.com"] = "d.com"
    assert dict(getattr(edition, column)) == {"a.com": "b.com"}
    with pytest.raises(TypeError):
        getattr(edition, column)["c.com"] = "d.com"
