"""What is kept of the other side's accounts, release after release and over epochs; and what is read of a chain."""

import json
from dataclasses import replace
from typing import Any

import pytest
from release_ground import document, expected, match, payload, released, sides

from cleanroom.agent.kept import FIELDS, MATCHES, Kept, Labels, _frame, after
from cleanroom.agent.release_checks import checked
from cleanroom.domain.vocabulary import Form

OPEN = sides(stage=Form.FULL, region=Form.FULL)
LABELS = Labels(
    segments=("customers", "prospects"),
    kinds=("lei", "duns", "vat", "domain"),
    accounts={
        (item.mine.hex(), item.theirs.hex()): (f"my {number}",) for number, item in enumerate(map(match, (1, 2, 3)), 1)
    },
)
NOTHING = Kept(matches=_frame([], MATCHES), fields=_frame([], FIELDS))


def step(before: Kept, number: int, *matches: dict[str, Any], epoch: int = 0, labels: Labels = LABELS) -> Kept:
    release = document(number=number, previous="" if number == 1 else "1" * 64, epoch=epoch)
    found = checked([payload(*matches)], expected(OPEN, 1, 2, 3))
    return after(before, release, found, labels, f"2026-03-0{number + epoch}T09:00:00Z")


def stage(value: str) -> dict[str, tuple[str, str]]:
    return {"stage": ("full", value)}


def shown(what: Kept) -> list[tuple[Any, ...]]:
    columns = ["mine", "account", "field", "value", "withdrawn"]
    rows = what.fields[columns].sort_values(columns).itertuples(index=False, name=None)
    return [(int(mine[:2], 16) - 100, *rest) for mine, *rest in rows]


def test_an_update_replaces_its_matches_and_no_others() -> None:
    first = step(NOTHING, 1, released(1, stage("a")), released(2, stage("b")))
    second = step(first, 2, released(1, stage("c")))
    assert shown(second) == [(1, 0, "stage", "c", ""), (2, 0, "stage", "b", "")]
    assert json.loads(second.matches["accounts"][0]) == ["my 2"]
    assert len(second.matches) == 2


def test_what_is_not_shown_any_more_is_noted_without_its_value() -> None:
    both = {**stage("a"), "region": ("full", "north")}
    first = step(NOTHING, 1, released(1, both, stage("b")))
    second = step(first, 2, released(1, stage("a")))
    at = "2026-03-02T09:00:00Z"
    expected_rows = [(1, 0, "region", "", at), (1, 0, "stage", "a", ""), (1, 1, "stage", "", at)]
    assert shown(second) == expected_rows
    third = step(second, 3, released(1))
    assert {(row[3], bool(row[4])) for row in shown(third)} == {("", True)}
    assert shown(third)[0] == expected_rows[0]  # since when it is gone does not change
    assert third.matches["withdrawn"].tolist() == ["2026-03-03T09:00:00Z"]


def test_a_field_that_comes_back_is_shown_again() -> None:
    gone = step(step(NOTHING, 1, released(1, stage("a"))), 2, released(1, {}))
    assert shown(step(gone, 3, released(1, stage("b")))) == [(1, 0, "stage", "b", "")]


def test_a_later_epoch_replaces_all_and_keeps_the_notes_by_my_accounts() -> None:
    both = {**stage("a"), "region": ("full", "north")}
    first = step(NOTHING, 1, released(1, both), released(2, stage("b")))
    second = step(first, 1, released(1, stage("c")), epoch=1)
    assert shown(second) == [(1, 0, "region", "", "2026-03-02T09:00:00Z"), (1, 0, "stage", "c", "")]
    assert second.matches["epoch"].tolist() == [1]


def test_an_account_beside_two_of_theirs_keeps_what_either_shows_over_epochs() -> None:
    """Which of the two was which is not known any more."""
    twice = replace(LABELS, accounts=dict.fromkeys(LABELS.accounts, ("mine",)))
    both = {**stage("a"), "region": ("full", "north")}
    first = step(NOTHING, 1, released(1, stage("a")), released(2, both), labels=twice)
    second = step(first, 1, released(1, both), released(2, stage("b")), epoch=1, labels=twice)
    assert not (second.fields["withdrawn"] != "").any()
    third = step(second, 1, released(1, stage("a")), released(2, stage("b")), epoch=2, labels=twice)
    gone = third.fields[third.fields["withdrawn"] != ""]
    assert gone[["field", "value"]].to_numpy().tolist() == [["region", ""]] * 2
    assert gone["mine"].tolist() == third.matches["mine"].tolist()


@pytest.mark.parametrize("rows", [[], [released(1)]])
def test_frames_keep_their_types_when_they_are_empty(rows: list[dict[str, Any]]) -> None:
    found = step(NOTHING, 1, *rows) if rows else NOTHING
    assert found.fields["epoch"].dtype == "int64"
    assert str(found.fields["value"].dtype) == "str"
