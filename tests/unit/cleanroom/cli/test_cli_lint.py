"""`cleanroom lint`: counts first, rows on request, a file to fix; no home, no vault, nothing sent."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commandline import Command

from cleanroom.agent.lint_rules import RULES
from cleanroom.cli.lint_view import MOST_LINES, short_lines
from cleanroom.cli.push_view import DROPPED
from matching.entries import merge

HEAD = "Account ID,Account Name,Website,Country,Contact Email\n"
ROWS = (
    "a,Harbour Light Tools,harbourlighttools.com,GB,\n"
    "b,Harbour Light Tools Ltd,harbourlighttools.com,GB,\n"
    "c,Anna Baker Bread,https://facebook.com/anna,GB,anna.private@gmail.com\n"
    'd,"=HYPERLINK(""http://evil.example"")",moorboats.com,Atlantis,\n'
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(HEAD + ROWS)
    return path


def test_counts_come_without_home_or_passphrase(command: Command, file: Path, tmp_path: Path) -> None:
    ended = command("lint", str(file), given=None)
    assert (ended.code, ended.err) == (0, "")
    assert "4 rows, 4 accounts" in ended.out
    for rule in ("duplicate", "shared_host", "country_unreadable", "name_unreadable"):
        assert rule in ended.out
    assert "facebook.com" in ended.out
    assert not [text for text in ("Anna", "Harbour Light", "private", "Atlantis") if text in ended.out]
    assert [*tmp_path.iterdir()] == [file]


def test_rows_are_shown_on_request_and_only_those(command: Command, file: Path) -> None:
    ended = command("lint", str(file), "--show", "shared_host", "--show", "country_unreadable")
    assert ended.code == 0
    assert "facebook.com/anna" in ended.out
    assert "Atlantis" in ended.out
    assert "private" not in ended.out
    assert "Harbour" not in ended.out


def test_the_document_has_rows_only_if_asked(command: Command, file: Path) -> None:
    counts = json.loads(command("lint", str(file), "--json").out)
    assert (counts["rows"], counts["accounts"], counts["strong_key"]) == (4, 4, 3)
    assert counts["rules"]["shared_host"] == {"accounts": 1, "share": 0.25}
    assert counts["shared_hosts"][0]["host"] == "facebook.com"
    assert "findings" not in counts
    shown = json.loads(command("lint", str(file), "--json", "--show", "duplicate").out)
    (row,) = shown["findings"]
    assert (row["row"], row["account_id"], row["rule"], row["master_account_id"]) == (3, "b", "duplicate", "a")


def test_the_file_to_fix_holds_no_formula_and_is_the_users_alone(command: Command, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "fix.csv"
    ended = command("lint", str(file), "--csv", str(path))
    assert "Written" in ended.err
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [*rows[0]] == [
        *("row", "account_id", "name", "rule", "column", "current", "suggestion", "master_account_id"),
    ]
    assert {row["rule"] for row in rows} >= {"duplicate", "shared_host", "country_unreadable", "name_unreadable"}
    assert not [cell for row in rows for cell in row.values() if cell.startswith("=")]
    assert next(row["current"] for row in rows if row["rule"] == "name_unreadable").startswith("'=HYPERLINK")
    assert "private" not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_the_file_holds_what_is_shown_if_rules_are_named(command: Command, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "fix.csv"
    command("lint", str(file), "--show", "duplicate", "--csv", str(path))
    assert [line.split(",")[3] for line in path.read_text("utf-8-sig").splitlines()] == ['"rule"', '"duplicate"']


def test_strict_ends_with_one_if_anything_is_worth_fixing(command: Command, file: Path, tmp_path: Path) -> None:
    assert command("lint", str(file), "--strict").code == 1
    fine = tmp_path / "fine.csv"
    fine.write_text(HEAD + "a,Harbour Light Tools,harbourlighttools.com,GB,\n")
    ended = command("lint", str(fine), "--strict")
    assert (ended.code, "Nothing is worth fixing" in ended.out) == (0, True)


def test_what_cannot_be_read_is_refused_without_a_value(command: Command, file: Path, tmp_path: Path) -> None:
    ended = command("lint", str(file), "--show", "Zyzzyva")
    assert (ended.code, "Zyzzyva" in ended.err + ended.out) == (1, False)
    assert "duplicate" in ended.err
    assert command("lint", str(tmp_path / "none.csv")).code == 1
    assert command("lint", str(file), "--map", "website=Nowhere").code == 1


def test_options_of_reading_are_those_of_a_push(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Key;Konto;Netz;Art\na;Harbour Light Tools;harbourlighttools.com;Zork\n", encoding="cp1252")
    options = ("--encoding", "cp1252", "--map", "name=Konto", "--map", "website=Netz", "--map", "account_id=Key")
    found = json.loads(command("lint", str(path), *options, "--segment-from", "Art", "--json").out)
    assert found["columns"] == {"name": "Konto", "website": "Netz", "account_id": "Key"}
    assert [*found["rules"]] == ["no_segment", "country_missing"]
    mapped = command("lint", str(path), *options, "--segment-from", "Art", "--segment-map", "Zork=customers", "--json")
    assert [*json.loads(mapped.out)["rules"]] == ["country_missing"]


def test_long_tables_are_cut_on_the_screen_only(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(HEAD + "".join(f"{at},Harbour {at} Moor,facebook.com/x{at},GB,\n" for at in range(9)))
    ended = command("lint", str(path), "--show", "shared_host", "--limit", "4")
    assert "facebook.com/x3" in ended.out
    assert "facebook.com/x4" not in ended.out
    assert "5 others" in ended.out
    assert len(json.loads(command("lint", str(path), "--show", "shared_host", "--json").out)["findings"]) == 9


def test_a_push_says_the_first_six_and_nothing_that_its_own_table_says() -> None:
    rules = dict.fromkeys(RULES, 1_200)
    lines = short_lines(rules)
    assert len(lines) == MOST_LINES == 6
    assert not [line for line in lines if line.startswith("row_left_out")]
    assert lines[0] == f"no_key, 1,200 accounts: {RULES['no_key'].means}"
    assert short_lines({"duplicate": 1}) == [f"duplicate, 1 account: {RULES['duplicate'].means}"]
    assert short_lines({}) == []


def test_a_push_has_words_for_every_reason_to_drop_a_key() -> None:
    keys = pd.DataFrame({"account": np.zeros(1, np.int32), "kind": np.zeros(1, np.uint8), "key": ["a.com"]})
    entries = merge(keys, np.zeros(1, np.uint8), pd.Series(["a"]), ["domain"])
    assert set(entries.dropped) == set(DROPPED)
