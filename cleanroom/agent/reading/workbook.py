"""XLSX into a Table. Shown values are read, formulas are not: a formula that was never calculated is an empty cell."""

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import numpy as np
import openpyxl
import pyarrow as pa

from cleanroom.agent.reading.footers import without_footers
from cleanroom.agent.reading.table import Table, cell_text, clean_headers, text_frame
from cleanroom.domain.errors import InputRefused

_MAX_UNPACKED: Final = 4 << 30
_PREAMBLE: Final = 20
# What openpyxl lets through for a truncated or forged package.
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, ParseError, EOFError, OSError, NotImplementedError),
    *(KeyError, ValueError, TypeError, AttributeError, IndexError),
)


def read_workbook(data: bytes, *, sheet: str | None = None) -> Table:
    """The table on `sheet` (default: the first). Empty cells are "", dates ISO, numbers plain.

    Raises InputRefused for a damaged or too large file, a sheet that is not there, rows that do not fit the header.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and validations, which are of no interest here
        return _read(data, sheet)


def _read(data: bytes, sheet: str | None) -> Table:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if sum(entry.file_size for entry in package.infolist()) > _MAX_UNPACKED:
                raise InputRefused("the workbook unpacks to more than 4 GB")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except _BROKEN:
        raise InputRefused("the workbook is damaged, truncated or not XLSX") from None
    try:
        return _table(_sheet(book, sheet))
    except _BROKEN:
        raise InputRefused("the sheet is damaged or truncated") from None
    finally:
        book.close()


def _sheet(book: Any, name: str | None) -> Any:  # noqa: ANN401 - openpyxl has no types
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets:
        raise InputRefused("the workbook has no sheet")
    if name is not None and name not in sheets:
        raise InputRefused(f"sheet: not in the workbook, which has {len(sheets)}")
    sheet = sheets[name] if name is not None else book.worksheets[0]
    sheet.reset_dimensions()  # exporters write wrong ones
    return sheet


def _rows(sheet: Any) -> Iterator[list[str]]:  # noqa: ANN401 - openpyxl has no types
    for values in sheet.iter_rows(values_only=True):
        cells = [cell_text(value) for value in values]
        while cells and not cells[-1].strip():
            cells.pop()
        yield cells


def _table(sheet: Any) -> Table:  # noqa: ANN401 - openpyxl has no types
    rows = _rows(sheet)
    top: list[list[str]] = []
    for cells in rows:
        top.append(cells)
        if len(top) == _PREAMBLE:
            break
    widest = max((_filled(cells) for cells in top), default=0)
    if not widest:
        raise InputRefused("the sheet is empty")
    start = next(n for n, cells in enumerate(top) if _filled(cells) >= min(2, widest))
    headers = clean_headers(top[start])
    columns: list[list[str]] = [[] for _ in headers]
    kept: list[int] = []
    odd: list[tuple[int, tuple[str, ...]]] = []

    def take(number: int, cells: list[str]) -> None:
        if len(cells) > len(headers):
            odd.append((number, tuple(cells)))
            return
        kept.append(number)
        for place, column in enumerate(columns):
            column.append(cells[place] if place < len(cells) else "")

    for number, cells in enumerate(top[start + 1 :], start + 2):
        take(number, cells)
    for number, cells in enumerate(rows, len(top) + 1):
        take(number, cells)
    frame = text_frame([pa.array(column, pa.large_string()) for column in columns])
    table = Table(headers=headers, frame=frame, rows=np.array(kept, dtype=np.int64))
    return without_footers(table, odd_rows=odd)


def _filled(cells: list[str]) -> int:
    return sum(1 for cell in cells if cell.strip())
