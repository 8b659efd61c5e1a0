"""Tables for spreadsheets, made of text that others wrote: nothing in a cell is ever a formula.

A CSV file has no types, so a text that a spreadsheet could take for a formula gets an apostrophe in front (OWASP, "CSV
injection"). An XLSX file has: every text is an inline string, marked as text, whatever it begins with.
"""

import csv
import json
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

_FORMULA: Final = frozenset("=+-@\t\r\n|%")
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0 has no way to write them
_LONGEST_CELL: Final = 32_767  # Excel's limit


def safe_cell(text: str) -> str:
    """The text for a CSV file, an apostrophe before what a spreadsheet could read as a formula.

    Invisible characters and blanks in front are looked through, and so are the wide forms of the signs (U+FF1D ...).
    """
    return f"'{text}" if _is_formula(text) else text


def to_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV (RFC 4180, UTF-8 with a byte order mark for Excel), every cell quoted and safe."""
    with _fresh(path).open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow([safe_cell(str(name)) for name in frame.columns])
        writer.writerows([safe_cell(item) if isinstance(item, str) else item for item in row] for row in _rows(frame))


def to_xlsx(frame: pd.DataFrame, path: Path, *, title: str = "Shared") -> None:
    """Write a table as an XLSX workbook with one sheet: texts as inline strings, numbers as numbers, no formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\\/*?:\[\]']", " ", title)[:31] or "Shared")
    for row in ([str(name) for name in frame.columns], *_rows(frame)):
        cells = []
        for item in row:
            cell = WriteOnlyCell(sheet)
            if isinstance(item, str):
                cell.value = _ILLEGAL.sub("\ufffd", item)[:_LONGEST_CELL]
                cell.data_type = "s"
                cell.quotePrefix = True
            else:
                cell.value = item
            cells.append(cell)
        sheet.append(cells)
    book.save(_fresh(path))


def to_json(frame: pd.DataFrame) -> str:
    """The table as a JSON array of objects; markup and line separators are escaped, so it may stand in a page."""
    text = json.dumps(frame.to_dict("records"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _is_formula(text: str) -> bool:
    for letter in text:
        if unicodedata.normalize("NFKC", letter)[:1] in _FORMULA:
            return True
        if not letter.isspace() and unicodedata.category(letter) not in {"Cf", "Cc"}:
            return False
    return False


def _rows(frame: pd.DataFrame) -> Iterable[tuple[object, ...]]:
    return frame.itertuples(index=False, name=None)


def _fresh(path: Path) -> Path:
    """The path, as a file that only its owner may read: it holds what others have entrusted."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    return path
