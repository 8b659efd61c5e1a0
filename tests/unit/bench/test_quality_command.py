import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from slices_made import ACCOUNTS, LEFT, RIGHT, TRUE, TRUTH, slice_in

from bench.quality.__main__ import main

Run = Callable[..., tuple[int, str, str]]
"""Arguments -> exit code, what was printed, what was printed as an error."""

FIGURES = {"precision", "recall", "f1", "hard_recall", "pairs"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bench.quality", *map(str, arguments)])
        code = main()
        return code, *capsys.readouterr()

    return command


def test_prints_one_object_with_a_key_for_each_slice(run: Run, tmp_path: Path) -> None:
    folders = [slice_in(tmp_path / name) for name in ("one", "two")]
    code, printed, _ = run(*folders, "--json")
    told = json.loads(printed)
    assert code == 0
    assert list(told) == ["one", "two"]
    for value in told.values():
        assert set(value) == FIGURES | {"tiers"}
        assert set(value["tiers"]) == {"certain", "likely", "certain+likely"}
        assert all(set(tier) == FIGURES for tier in value["tiers"].values())
        assert {name: value[name] for name in FIGURES} == value["tiers"]["certain+likely"]
        assert value["precision"] == 2 / 3
        assert value["recall"] == 2 / 3
        assert value["tiers"]["certain"]["pairs"] == 3


def test_folders_of_one_name_are_told_apart(run: Run, tmp_path: Path) -> None:
    folders = [slice_in(tmp_path / name / "same") for name in ("a", "b")]
    assert list(json.loads(run(*folders, "--json")[1])) == ["a/same", "b/same"]


def test_the_table_names_tiers_and_intervals(run: Run, tmp_path: Path) -> None:
    code, printed, _ = run(slice_in(tmp_path / "one"))
    assert code == 0
    assert "certain+likely" in printed
    assert "0.667 (" in printed


def test_the_parts_make_up_the_whole(run: Run, tmp_path: Path) -> None:
    folder = slice_in(tmp_path / "one")
    pairs = [
        json.loads(run(folder, "--json", "--part", part)[1])["one"]["pairs"] for part in ("look", "confirm", "all")
    ]
    assert pairs[0] + pairs[1] == pairs[2] == 3
    assert 0 < pairs[0] < 3


def test_columns_that_may_be_absent_are_empty(run: Run, tmp_path: Path) -> None:
    folder = slice_in(
        tmp_path / "bare",
        left=("website,name,account_id", "acme.com,Acme,L1"),
        right=("account_id,name,website", "R1,Somebody,acme.com"),
        truth=("right_id,left_id", "R1,L1"),
    )
    told = json.loads(run(folder, "--json")[1])["bare"]
    assert (told["f1"], told["hard_recall"]) == (1.0, 0.0)


def test_slices_without_accounts_or_truth_are_scored(run: Run, tmp_path: Path) -> None:
    folders = [
        slice_in(tmp_path / "nobody", left=(ACCOUNTS,)),
        slice_in(tmp_path / "nothing", left=(ACCOUNTS,), right=(ACCOUNTS,), truth=(TRUTH,)),
    ]
    told = json.loads(run(*folders, "--json")[1])
    assert [value["f1"] for value in told.values()] == [0.0, 0.0]


def test_an_account_id_that_is_named_twice_is_one_account(run: Run, tmp_path: Path) -> None:
    folder = slice_in(tmp_path / "twice", left=(ACCOUNTS, *LEFT, LEFT[0]))
    assert json.loads(run(folder, "--json")[1])["twice"]["pairs"] == 3


@pytest.mark.parametrize("name", ["left.csv", "right.csv", "truth.csv"])
def test_a_missing_file_is_named(run: Run, tmp_path: Path, name: str) -> None:
    folder = slice_in(tmp_path / "one")
    (folder / name).unlink()
    assert run(folder, "--json") == (2, "", f"{folder / name}: the file is missing\n")


def test_what_is_no_folder_is_named(run: Run, tmp_path: Path) -> None:
    assert run(tmp_path / "none") == (2, "", f"{tmp_path / 'none'}: not a folder\n")
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty")[2] == f"{tmp_path / 'empty' / 'left.csv'}: the file is missing\n"


@pytest.mark.parametrize(
    ("side", "lines", "column"),
    [
        ("left", ("account,name", "L1,Acme"), "account_id"),
        ("right", ("account_id,title", "R1,Acme"), "name"),
        ("truth", ("left_id,other", "L1,R1"), "right_id"),
        ("truth", (), "left_id"),
    ],
)
def test_a_missing_column_is_named(run: Run, tmp_path: Path, side: str, lines: tuple[str, ...], column: str) -> None:
    folder = slice_in(tmp_path / "one", **{side: lines})
    assert run(folder) == (2, "", f"{folder / side}.csv: no column {column}\n")


def test_what_is_no_text_is_refused_without_a_word_of_it(run: Run, tmp_path: Path) -> None:
    folder = slice_in(tmp_path / "one")
    (folder / "right.csv").write_bytes(b"account_id,name\nR1,Caf\xe9 Secret\n")
    code, printed, told = run(folder, "--json")
    assert (code, printed, told) == (2, "", f"{folder / 'right.csv'}: not a CSV file in UTF-8\n")


def test_truth_of_accounts_that_no_list_has_is_missed(run: Run, tmp_path: Path) -> None:
    folder = slice_in(tmp_path / "one", truth=(TRUTH, *TRUE, "L77,R77,x,0,0,0,1"), right=(ACCOUNTS, *RIGHT))
    assert json.loads(run(folder, "--json")[1])["one"]["recall"] == 0.5
