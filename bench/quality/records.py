"""The files of a slice as columns of text. The standard library only: peers read them in environments of their own.

A slice is a folder with `left.csv` and `right.csv` (account_id, name; website, country, identifier_type and identifier
may be absent) and `truth.csv` (left_id, right_id; the flags regdom_eq and normname_eq may be absent). UTF-8, commas.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Columns = Mapping[str, list[str]]
"""Column -> cells, without white space around them; all of one length."""

NEEDED: Final = ("account_id", "name")
OPTIONAL: Final = ("website", "country", "identifier_type", "identifier")
TRUTH: Final = ("left_id", "right_id")
FLAGS: Final = ("regdom_eq", "normname_eq")


class SliceRefused(ValueError):
    """A folder that is no slice; the text is one line that names file and rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """`left` and `right` have the columns NEEDED and OPTIONAL, `truth` TRUTH, and FLAGS where the file has them."""

    left: Columns
    right: Columns
    truth: Columns


def read(folder: Path) -> Records:
    """The slice in a folder.

    Raises:
        SliceRefused: if a file is missing, is no CSV in UTF-8, or lacks a column.
    """
    if not folder.is_dir():
        raise SliceRefused(f"{folder}: not a folder")
    left, right = (_columns(folder / name, NEEDED, OPTIONAL) for name in ("left.csv", "right.csv"))
    truth = _columns(folder / "truth.csv", TRUTH, ())
    return Records(left=left, right=right, truth=truth)


def _columns(path: Path, needed: Sequence[str], filled: Sequence[str]) -> Columns:
    """The columns of a file; those of `filled` that it lacks are empty."""
    if not path.is_file():
        raise SliceRefused(f"{path}: the file is missing")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header: list[str] | None = [name.strip() for name in next(rows, [])]
            cells = [row for row in rows if row]
    except (UnicodeDecodeError, csv.Error):
        header, cells = None, []
    if header is None:
        # Raised out here: the library's message may hold what is in the file.
        raise SliceRefused(f"{path}: not a CSV file in UTF-8")
    for name in needed:
        if name not in header:
            raise SliceRefused(f"{path}: no column {name}")
    found = {name: [row[at].strip() if at < len(row) else "" for row in cells] for at, name in enumerate(header)}
    return {**{name: [""] * len(cells) for name in filled}, **found}
