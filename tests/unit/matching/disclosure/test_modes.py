import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.disclosure.modes import (
    CONFIDENTIAL,
    CORRECTION_SECONDS,
    EXACT,
    MODES,
    STANDARD,
    YEAR_SECONDS,
    Mode,
    mode_named,
    strictest,
)
from matching.refusal import Refusal


def test_the_modes_are_these() -> None:
    """Their numbers are promises in documents that partners sign; changing one is a decision."""
    names = [field.name for field in dataclasses.fields(Mode)]
    assert [[getattr(mode, name) for name in names] for mode in MODES.values()] == [
        ["exact", 0, 0, 1, 604_800, 52, 208, 0],
        ["standard", 6, 20, 5, 2_628_000, 12, 14, 1],
        ["confidential", 16, 50, 10, 2_628_000, 12, 14, 2],
    ]
    assert list(MODES) == [EXACT.name, STANDARD.name, CONFIDENTIAL.name]
    assert (YEAR_SECONDS, CORRECTION_SECONDS) == (31_536_000, 2_592_000)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_year_of_intervals_holds_the_yearly_answers(mode: Mode) -> None:
    assert YEAR_SECONDS // mode.interval_seconds == mode.yearly
    assert mode.owner_yearly > mode.yearly


@pytest.mark.parametrize("mode", [STANDARD, CONFIDENTIAL], ids=lambda mode: mode.name)
def test_a_threshold_is_a_number_that_can_be_shown(mode: Mode) -> None:
    """Rounding after it cannot show less than it."""
    assert mode.threshold % mode.step == 0
    assert mode.threshold > mode.scale


@given(st.lists(st.sampled_from(list(MODES)), min_size=1, max_size=5))
def test_the_strictest_tells_least(names: list[str]) -> None:
    found = strictest(*names)
    assert found in names
    assert all(MODES[name].scale <= MODES[found].scale for name in names)
    assert all(MODES[name].threshold <= MODES[found].threshold for name in names)


@pytest.mark.parametrize("names", [(), ("",), ("Exact",), ("exact", "confidental")])
def test_no_mode_and_unknown_modes_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refusal:
        strictest(*names)
    assert refusal.value.code == "mode_unknown"
    assert "confidental" not in str(refusal.value)


def test_a_mode_is_found_by_its_name() -> None:
    assert all(mode_named(name) is mode for name, mode in MODES.items())
    with pytest.raises(Refusal):
        mode_named("none")
