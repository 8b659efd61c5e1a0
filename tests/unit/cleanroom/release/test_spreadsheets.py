"""Text of others in spreadsheets: never a formula, always the text."""

import csv
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook

from cleanroom.agent.spreadsheets import safe_cell, to_csv, to_json, to_xlsx

FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\u00a0=1",
    "\ufeff=1",
    "\u200b=1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(A1)",
    "\ufe621",
    "|calc",
    "%0A=1",
]
HARMLESS = [
    "",
    "Acme",
    "a=b",
    "1+1",
    "50,000-250,000",
    "A. E.",
    "o'Neil",
    "'quoted",
    "日本電気",
    "<b>bold</b>",
    '"=1"x',
]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_neutralised(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def frame() -> pd.DataFrame:
    texts = [*FORMULAS, *HARMLESS]
    return pd.DataFrame({"=name": pd.Series(texts, dtype="str"), "number": range(len(texts))})


def test_a_csv_file_reads_back_with_every_formula_defused(tmp_path: Path) -> None:
    path = tmp_path / "shared.csv"
    to_csv(frame(), path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["'=name", "number"]
    assert [row[0] for row in rows] == [safe_cell(text) for text in frame()["=name"]]
    assert [row[1] for row in rows] == [str(number) for number in range(len(rows))]
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_xlsx_file_holds_no_formula_at_all(tmp_path: Path) -> None:
    path = tmp_path / "shared.xlsx"
    to_xlsx(frame(), path, title="A/B: [C]")
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<f " not in sheet
    rows = list(load_workbook(path).active.iter_rows())
    assert [cell.data_type for row in rows for cell in row[:1] if cell.value is not None].count("f") == 0
    values = [row[0].value or "" for row in rows[1:]]
    assert values == [text.replace("\r", "\ufffd") for text in frame()["=name"]]
    assert all(cell.quotePrefix for row in rows for cell in row[:1] if cell.value)
    assert [row[1].value for row in rows[1:]] == list(range(len(frame())))


def test_characters_that_xml_cannot_hold_do_not_stop_an_export(tmp_path: Path) -> None:
    path = tmp_path / "shared.xlsx"
    to_xlsx(pd.DataFrame({"a": pd.Series(["x\x00y\x1b", "z" * 40_000], dtype="str")}), path)
    values = [row[0].value for row in load_workbook(path).active.iter_rows(min_row=2)]
    assert values == ["x\ufffdy\ufffd", "z" * 32_767]


def test_json_can_stand_in_a_page() -> None:
    text = to_json(pd.DataFrame({"a": pd.Series(["</script><b>&\u2028"], dtype="str"), "n": [1]}))
    assert not set("<>&\u2028").intersection(text)
    assert json.loads(text) == [{"a": "</script><b>&\u2028", "n": 1}]
