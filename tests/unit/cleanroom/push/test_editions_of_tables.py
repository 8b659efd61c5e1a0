import csv
import json
import shutil
from collections import Counter
from importlib import metadata, resources
from pathlib import Path

import pytest

from cleanroom.agent import tables
from cleanroom.agent.tables import edition_in, load_tables
from matching.normalise.tables import NEED_TABLES, NORMALISERS, current, recipes

SITES = {"domain", "site_name", "name_country"}
NAMES = {"name", "name_outline", "first_word", "site_name", "name_country"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with resources.as_file(resources.files("cleanroom.agent") / "editions") as editions:
        return Path(shutil.copytree(editions, tmp_path / "editions"))


def files_of(folder: Path, which: str = "current") -> dict[str, str]:
    return dict(json.loads((folder / "editions.json").read_text(encoding="utf-8"))[which])


def versions(folder: Path) -> dict[str, str]:
    """Kind -> the version of its tables."""
    return {recipe.kind: recipe.tables for recipe in edition_in(folder, files_of(folder)).recipes}


def changed(folder: Path, table: str, line: str) -> set[str]:
    """The kinds whose version changes when a line is added to a table."""
    before = versions(folder)
    with (folder / files_of(folder)[table]).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    return {kind for kind, version in versions(folder).items() if version != before[kind]}


@pytest.mark.parametrize(
    ("table", "line", "kinds"),
    [
        ("public_suffixes", "made.up", SITES),
        ("shared_hosts", "made.up,directory", SITES),
        ("free_mail", "made.up", SITES),
        ("equivalent_domains", "made.up,made.down", {"domain"}),
        ("legal_forms", "made up", NAMES),
    ],
)
def test_a_table_that_changes_changes_the_versions_of_the_kinds_that_look_at_it(
    folder: Path, table: str, line: str, kinds: set[str]
) -> None:
    assert changed(folder, table, line) == kinds


def test_a_rule_of_the_private_section_counts_too(folder: Path) -> None:
    file = folder / files_of(folder)["public_suffixes"]
    before = versions(folder)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\ngithub.io\n", "\n"), encoding="utf-8")
    assert {kind for kind, version in versions(folder).items() if version != before[kind]} == SITES


def test_another_reason_for_a_shared_host_is_another_table(folder: Path) -> None:
    before = versions(folder)
    file = folder / files_of(folder)["shared_hosts"]
    file.write_text(file.read_text(encoding="utf-8").replace("social network", "site builder"), encoding="utf-8")
    assert {kind for kind, version in versions(folder).items() if version != before[kind]} == SITES


def test_the_names_of_countries_are_a_table(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = versions(folder)
    monkeypatch.setattr(tables, "_ALSO", frozenset({"atlantis"}))
    assert {kind for kind, version in versions(folder).items() if version != before[kind]} == {
        "site_name",
        "name_country",
    }


def test_so_are_the_libraries_that_write_names_in_latin_letters(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = versions(folder)
    monkeypatch.setattr(metadata, "version", lambda _: "0.0")
    assert {kind for kind, version in versions(folder).items() if version != before[kind]} == NAMES
    monkeypatch.undo()
    monkeypatch.setattr("unicodedata.unidata_version", "0.0")
    assert {kind for kind, version in versions(folder).items() if version != before[kind]} == NAMES


def test_what_says_nothing_changes_nothing(folder: Path) -> None:
    """Comments, empty lines, the order of lines, and where the files are."""
    before = versions(folder)
    for name in ("shared_hosts", "equivalent_domains", "free_mail", "legal_forms"):
        file = folder / files_of(folder)[name]
        lines = file.read_text(encoding="utf-8").splitlines()
        comments, others = ([line for line in lines if line.startswith("#") == wanted] for wanted in (True, False))
        head, body = (others[:1], others[1:]) if file.suffix == ".csv" else ([], others)
        file.write_text("\n".join(["# more", *comments, *head, *reversed(body), ""]), encoding="utf-8")
    assert versions(folder) == before


def test_versions_begin_with_the_name_of_the_edition(folder: Path) -> None:
    found = versions(folder)
    assert {kind for kind, version in found.items() if version} == NEED_TABLES
    assert all(found[kind].startswith(files_of(folder)["name"] + "-") for kind in NEED_TABLES)


def test_the_agent_has_two_editions_that_differ() -> None:
    loaded = load_tables()
    assert loaded.previous is not None
    assert loaded.current.name > loaded.previous.name
    assert load_tables() is loaded
    found = recipes(loaded)
    assert [recipe.kind for recipe in current(loaded)] == list(NORMALISERS)
    assert len(found["domain"]) == 2
    assert found["domain"][0].tables != found["domain"][1].tables


def test_every_host_and_domain_stands_once_in_its_table(folder: Path) -> None:
    """With two rows of one host the last would count, and the versions of both orders would differ in silence."""
    for name in ("shared_hosts", "equivalent_domains"):
        with (folder / files_of(folder)[name]).open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
        assert [host for host, count in Counter(row[0] for row in rows).items() if count > 1] == []
        assert {len(row) for row in rows} == {2}
