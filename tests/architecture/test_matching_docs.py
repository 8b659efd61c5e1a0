"""docs/matching.md says what the code does: every kind of key, and the rule case by case, in its order."""

import re
from typing import Final

from cleanroom.domain.vocabulary import Kind
from matching.keys import KINDS
from matching.rule import CASES, CERTAIN, LIKELY
from tests.architecture.source_trees import ROOT

_TEXT: Final = (ROOT / "docs" / "matching.md").read_text(encoding="utf-8")
_WORDS: Final = {CERTAIN: "certain", LIKELY: "likely"}


def test_every_kind_of_key_is_described() -> None:
    assert tuple(re.findall(r"(?m)^\| `(\w+)` \|", _TEXT)) == KINDS == tuple(Kind)


def test_the_rule_stands_there_case_by_case() -> None:
    rows = re.findall(r"(?m)^\| (\d+) \|.*\| ([a-z ]+) \| ([^|]+) \|$", _TEXT)
    expected = [(str(n), _WORDS.get(case.tier, "no match"), case.why) for n, case in enumerate(CASES, 1)]
    assert rows == expected
