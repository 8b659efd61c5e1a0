"""Attacks by an evaluator that does not keep to the protocol, on the real escrow, where nothing is capped.

Both succeed, and are meant to: they say what a promise about one company's influence on a count can rest on.
"""

from pathlib import Path

import numpy as np
import pytest

from cleanroom.agent.probes import EvaluationTorn
from cleanroom.domain.vocabulary import Kind, RoomId
from matching.disclosure.modes import STANDARD
from tests.attacks.asks import MEMBERS, some_members
from tests.attacks.forging import FREE, FreeMatches, SplitEntries, settle_forging
from tests.attacks.real import LABELS, OWN, Ground, Row, capped, new_ground, row
from tests.simulation.world import FEW_KINDS, accounts

PADDING = 19
LEI_KIND = FEW_KINDS.index(Kind.LEI)


@pytest.fixture
def ground(tmp_path: Path):  # noqa: ANN201 - a fixture
    with new_ground(tmp_path, some_members(np.random.default_rng(11))) as made:
        yield made


def first_column(ground: Ground, room: RoomId) -> list[int]:
    return [cells[0] or 0 for cells in ground.answers(room)[-1].cells]


def lei(number: int) -> str:
    """A valid LEI (ISO 17442)."""
    base = f"52990000000000{number:04d}"
    digits = "".join(str(int(letter, 36)) for letter in base + "00")
    return f"{base}{98 - int(digits) % 97:02d}"


def test_an_evaluator_pads_its_counts_with_companies_that_there_are_not(ground: Ground) -> None:
    """The victim shares nothing but its members; the attacker's counts are padded all the same."""
    room = ground.room()
    ground.put_victim(room, known=PADDING)
    targets = np.array_split(np.arange(200), 2)
    rows: list[Row] = []
    for part, label in enumerate(LABELS[:2]):
        rows += [row("attacker", f"target{target}", label) for target in targets[part]]
        rows += [row("attacker", f"{FREE}{at}", label) for at in range(part * PADDING, (part + 1) * PADDING)]
    ground.world.put_list(ground.attacker, room, accounts(rows))
    settle_forging(ground, room, FreeMatches(2 * PADDING))
    counts = first_column(ground, room)
    members = [int(ground.members[part].sum()) for part in targets]
    # A member whose own row was taken for the padding is lost: 38 of 364 rows were.
    assert sum(counts) >= 2 * PADDING + MEMBERS // 2
    assert all(PADDING <= count <= PADDING + inside for count, inside in zip(counts, members, strict=False))


def victims_rows(ground: Ground) -> list[Row]:
    """Members and others, each with a website and an LEI."""
    companies = [f"target{at}" for at in np.flatnonzero(ground.members)] + [f"own{at}" for at in range(OWN)]
    return [row("victim", name, LABELS[0]) | {"lei": lei(_number(name))} for name in companies]


def split_targets(target: int, label: str) -> list[Row]:
    """Two rows for one target: its website, and its LEI."""
    return [
        row("site", f"target{target}", label),
        {"account_id": f"lei\x1f{target}", "lei": lei(target), "segment": label},
    ]


def _number(name: str) -> int:
    return int(name.removeprefix("target")) if name.startswith("target") else 5_000 + int(name.removeprefix("own"))


@pytest.mark.parametrize("forged", [False, True])
def test_an_evaluator_that_splits_entries_makes_a_company_count_once_for_each_key(
    ground: Ground, *, forged: bool
) -> None:
    room = ground.room()
    ground.world.put_list(ground.victim, room, accounts(victims_rows(ground)))
    groups = np.array_split(np.arange(200), len(LABELS))
    rows = [
        line for label, group in zip(LABELS, groups, strict=True) for at in group for line in split_targets(at, label)
    ]
    ground.world.put_list(ground.attacker, room, accounts(rows))
    settle_forging(ground, room, *([SplitEntries(LEI_KIND)] if forged else []))
    members = sum(int(ground.members[group].sum()) for group in groups)
    if forged:
        # Two members that come to share an entry count once; that is rare among sixty.
        assert 1.6 * members <= sum(first_column(ground, room)) <= 2 * members
    else:
        assert sum(first_column(ground, room)) == members


def test_probes_show_the_splitting_before_any_answer_is_given(ground: Ground) -> None:
    room = ground.room(**capped(STANDARD), probes=16)
    ground.world.put_list(ground.victim, room, accounts(victims_rows(ground)))
    guesses = [line for at in range(60) for line in split_targets(at, LABELS[0])]
    ground.world.put_list(ground.attacker, room, accounts(guesses))
    with pytest.raises(EvaluationTorn):
        settle_forging(ground, room, SplitEntries(LEI_KIND))
    assert list(ground.attacker.escrow.answers(room)) == []
