"""CSV as exports write it (any usual delimiter, quoted line breaks, preamble, foot) into a Table, at column speed."""

import csv
import io
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from cleanroom.agent.reading.encoding import as_utf8
from cleanroom.agent.reading.footers import without_footers
from cleanroom.agent.reading.table import Table, clean_headers, text_frame
from cleanroom.domain.errors import InputRefused

_SAMPLE: Final = 1 << 16  # characters; below the csv module's limit for one cell
_RECORDS: Final = 50
_BLOCK: Final = 1 << 26  # bytes; a longer row is refused
_MOST_ODD: Final = 200
_DELIMITERS: Final = (",", ";", "\t", "|")
_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_EXCEL_HINT: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    delimiter: str
    headers: tuple[str, ...]
    row: int  # of the header, 1-based
    size: int  # bytes up to the first record


def read_delimited(data: bytes, *, encoding: str | None = None) -> Table:
    """The table in `data`. The notes name encoding and delimiter.

    Raises InputRefused for bytes that are no text, an empty file, rows that do not fit the header, an open quote.
    """
    text, found = as_utf8(data, encoding=encoding)
    sample = text[: 4 * _SAMPLE].decode(errors="ignore")[:_SAMPLE]
    if not sample.strip():
        raise InputRefused("the file is empty")
    head = _head(sample, whole=len(sample.encode()) == len(text))
    odd: list[tuple[int, tuple[str, ...]]] = []
    columns = _columns(memoryview(text)[head.size :], head, odd)
    total = len(columns[0]) + len(odd)
    numbers = np.arange(head.row + 1, head.row + 1 + total, dtype=np.int64)
    if odd:
        numbers = np.delete(numbers, [number - head.row - 1 for number, _ in odd])
    frame = text_frame(columns)
    if len(frame) and frame.iloc[-1].str.contains("\n").any() and text.count(b'"') % 2:
        raise InputRefused(f"row {numbers[-1]}: a quote is opened and never closed")
    notes = (f"read as {found}, {_NAMES.get(head.delimiter, 'other')}-separated",)
    table = Table(headers=head.headers, frame=frame, rows=numbers, notes=notes)
    return without_footers(table, odd_rows=odd)


def _columns(body: memoryview, head: _Head, odd: list[tuple[int, tuple[str, ...]]]) -> list[pa.ChunkedArray]:
    names = [str(number) for number in range(len(head.headers))]
    if not bytes(body[:1]):
        return [pa.chunked_array([[]], type=pa.large_string()) for _ in names]

    def unfit(row: pacsv.InvalidRow) -> str:
        cells = _split(row.text, head.delimiter, row.actual_columns)
        odd.append((row.number + head.row, cells))
        return "error" if len(odd) > _MOST_ODD else "skip"

    try:
        table = pacsv.read_csv(
            pa.py_buffer(body),
            # One thread: only then are the numbers of rows that do not fit known.
            read_options=pacsv.ReadOptions(use_threads=False, column_names=names, block_size=_BLOCK),
            parse_options=pacsv.ParseOptions(
                delimiter=head.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=unfit,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        if odd:
            number, cells = odd[0]
            raise InputRefused(f"row {number}: {len(cells)} cells, where the header has {len(names)}") from None
        raise InputRefused("a row is longer than 64 MB, or a quote is never closed") from None
    return [table.column(name) for name in names]


def _split(text: str, delimiter: str, count: int) -> tuple[str, ...]:
    if "\n" in text.strip("\r\n") or len(text) > _SAMPLE:  # an open quote, no footer
        return ("?",) * count
    return tuple(next(csv.reader([text], delimiter=delimiter), ()))


def _head(sample: str, *, whole: bool) -> _Head:
    hint = _EXCEL_HINT.match(sample)
    skipped = len(hint.group()) if hint else 0
    options = (hint.group(1),) if hint else _DELIMITERS
    delimiter = max(options, key=lambda one: _evenness(sample[skipped:], one, whole=whole))
    records = _records(sample[skipped:], delimiter, whole=whole)
    widest = max((_filled(cells) for cells, _ in records), default=0)
    for number, (cells, size) in enumerate(records):
        if _filled(cells) >= min(2, widest) > 0:
            return _Head(
                delimiter=delimiter,
                headers=clean_headers(cells),
                row=number + 1 + bool(hint),
                size=skipped + size,
            )
    raise InputRefused("header: not found in the first 64 KB")


def _records(sample: str, delimiter: str, *, whole: bool) -> list[tuple[list[str], int]]:
    """The first records, each with the number of bytes up to its end; the last may be cut, and is left out then."""
    lines = list(io.StringIO(sample, newline=""))
    ends = np.cumsum([len(line.encode()) for line in lines]).tolist()
    reader = csv.reader(lines, delimiter=delimiter)
    records: list[tuple[list[str], int]] = []
    for cells in reader:
        records.append((cells, ends[reader.line_num - 1]))
        if len(records) == _RECORDS:
            return records
    return records if whole else records[:-1]


def _evenness(sample: str, delimiter: str, *, whole: bool) -> float:
    """How well a delimiter cuts the sample into rows of one width: 0 for one column."""
    widths = [len(cells) for cells, _ in _records(sample, delimiter, whole=whole) if cells]
    wide = [width for width in widths if width > 1]
    if not wide:
        return 0.0
    usual = max(set(wide), key=lambda width: (wide.count(width), width))
    return wide.count(usual) / len(widths) + min(usual, 100) / 1000


def _filled(cells: list[str]) -> int:
    return sum(1 for cell in cells if cell.strip())
