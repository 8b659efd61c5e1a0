"""One release number: in both wheels, in the changelog, in the README, and in what is supported."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_place_names_the_same_release() -> None:
    partner, operator = (
        tomllib.loads(text_of(name))["project"] for name in ("pyproject.toml", "packaging/escrow/pyproject.toml")
    )
    version = partner["version"]
    assert operator["version"] == version
    assert f"cleanroom=={version}" in operator["dependencies"]
    newest = re.search(r"^## \[(.+?)\]", text_of("CHANGELOG.md"), flags=re.MULTILINE)
    assert newest is not None
    assert newest[1] == version
    assert f"Release {version}," in text_of("README.md")
    assert f"| {version.rpartition('.')[0]}.x " in text_of("SECURITY.md")


def test_no_decision_is_of_a_release_that_the_changelog_does_not_know() -> None:
    known = set(re.findall(r"^## \[(.+?)\]", text_of("CHANGELOG.md"), flags=re.MULTILINE))
    named = {
        release
        for path in (ROOT / "docs" / "adr").glob("*.md")
        for release in re.findall(r"^Status: accepted, release ([0-9.]+[0-9])", path.read_text("utf-8"), re.MULTILINE)
    }
    assert named
    assert named <= known
