"""The collusion matrix is whole: each cell rests on a test, or on a limitation, that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHO = ("escrow", "partner", "both", "stolen database", "stolen keys", "network", "insider")
STAGES = ("before agreement", "after agreement", "after a release")
TEST = re.compile(r"`([a-z_/]+\.py)::(test_\w+)`")
LIMITATION = re.compile(r"\]\(limitations\.md(?:#([a-z0-9-]+))?\)")


def text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def anchors(document: str) -> set[str]:
    """The headings of level 2, as links name them."""
    headings = re.findall(r"^## (.+)$", document, flags=re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def matrix() -> tuple[list[str], dict[str, list[str]]]:
    chapter = text_of("threat-model.md").split("\n## The collusion matrix\n")[1].split("\n## ")[0]
    lines = [line for line in chapter.splitlines() if line.startswith("| ")]
    table = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return table[0], {row[0]: row[1:] for row in table[1:]}


HEAD, ROWS = matrix()
CELLS = [pytest.param(cell, id=f"{who}, {stage}") for who in WHO for stage, cell in zip(STAGES, ROWS[who], strict=True)]


def test_the_matrix_has_everybody_and_every_stage() -> None:
    assert tuple(HEAD) == ("who", *STAGES)
    assert tuple(ROWS) == WHO


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_rests_on_a_test_or_a_limitation(cell: str) -> None:
    tests, limitations = TEST.findall(cell), LIMITATION.findall(cell)
    assert tests or limitations
    for file, name in tests:
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), f"{file}::{name}"


@pytest.mark.parametrize("document", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_what_is_said_to_be_a_limitation_is_one(document: str) -> None:
    known = anchors(text_of("limitations.md"))
    assert [anchor for anchor in LIMITATION.findall(text_of(document)) if anchor and anchor not in known] == []
