import pytest

from matching.keys import KINDS
from matching.normalise import domain
from matching.normalise.tables import Tables, recipe
from matching.refusal import Refusal


def test_recipe_names_the_versions_of_normaliser_and_tables() -> None:
    tables = Tables(registrable_domain=str, versions={"domain": "psl/2026-01-01"})
    assert recipe("domain", tables) == (domain.VERSION, "psl/2026-01-01")
    assert recipe("lei", tables) == ("lei/1", "")


def test_every_kind_has_its_own_version() -> None:
    tables = Tables(registrable_domain=str, versions={"domain": "1"})
    assert [recipe(kind, tables)[0] for kind in KINDS] == [f"{kind}/1" for kind in KINDS]


def test_tables_without_the_version_of_the_suffix_list_are_refused() -> None:
    with pytest.raises(Refusal, match="domain"):
        Tables(registrable_domain=str, versions={})


def test_an_unknown_kind_has_no_recipe() -> None:
    with pytest.raises(Refusal, match="not a kind"):
        recipe("phone", Tables(registrable_domain=str, versions={"domain": "1"}))


def test_versions_cannot_change_behind_the_tables() -> None:
    versions = {"domain": "1"}
    tables = Tables(registrable_domain=str, versions=versions)
    versions["domain"] = "2"
    assert recipe("domain", tables)[1] == "1"
