"""docs/privacy.md says of each counting mode, and of probes and limits, what the code does."""

import re
from pathlib import Path

from cleanroom.agent.agreements import LIMITS, NEW_TOKENS, Proposal
from matching.disclosure.meaning import spread
from matching.disclosure.modes import CONFIDENTIAL, EXACT, MODES, STANDARD

PRIVACY = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
PROTOCOL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
COLUMNS = (STANDARD, CONFIDENTIAL, EXACT)


def row(name: str) -> list[str]:
    (line,) = [line for line in PRIVACY.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")[1:]]


def numbers(name: str) -> list[list[int]]:
    return [[int(number) for number in re.findall(r"\d+", cell)] for cell in row(name)]


def test_the_table_of_modes_is_that_of_the_code() -> None:
    assert [cell[-1] if cell else 0 for cell in numbers("noise")] == [mode.scale for mode in COLUMNS]
    assert [cell[-1] if cell else 0 for cell in numbers("shown when")] == [mode.threshold for mode in COLUMNS]
    assert [cell[0] for cell in numbers("rounded to")] == [mode.step for mode in COLUMNS]
    assert [cell[0] if cell else 0 for cell in numbers("a number means")] == [spread(mode) for mode in COLUMNS]
    assert [cell[0] for cell in numbers("a new answer, per pair of partners")] == [mode.yearly for mode in COLUMNS]
    assert [cell[0] for cell in numbers("a list to all partners together")] == [mode.owner_yearly for mode in COLUMNS]


def test_the_protocol_has_the_same_numbers() -> None:
    for name, mode in MODES.items():
        (line,) = [line for line in PROTOCOL.splitlines() if line.startswith(f"| `{name}` |")]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert [int(cell) for cell in (cells[3], *cells[5:])] == [mode.step, mode.yearly, mode.owner_yearly]


def test_limits_and_probes_are_the_recommended_ones() -> None:
    assert re.search(rf"at most {LIMITS.distinct_percent / 100} . the declared size", PRIVACY)
    assert f"{LIMITS.growth_entries} entries or {LIMITS.growth_percent} %" in PRIVACY
    assert f"above {LIMITS.churn_percent} % in 30 days" in PRIVACY
    assert (NEW_TOKENS.open_after_hours, NEW_TOKENS.open_after_snapshots) == (72, 2)
    assert f"({Proposal(title='-', purpose='-').probes} probes)" in PRIVACY
