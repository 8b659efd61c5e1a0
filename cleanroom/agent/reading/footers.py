"""What exports write under a list (and is no account): totals, notices, generated-by lines, blank tails.

Only the end of a table is looked at, upwards until the first row that is something else, so an account
whose name merely sounds like a footer stays.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cleanroom.agent.reading.table import Table
from cleanroom.domain.errors import InputRefused

_NUMBERS: Final = re.compile(r"[\s\d.,:()%€$£+\-\u2013'A-Z]{0,40}")
# A total or a count: nothing beside it but numbers.
_COUNTED: Final = r"(records?|rows?|accounts?|companies|entries|datens[äa]tze|zeilen)"
_TOTAL: Final = re.compile(
    r"(grand\s+totals?|sub-?totals?|totals?|gesamt(summe|ergebnis)?|summe|total\s+g[ée]n[ée]ral|totale|suma)"
    rf"(\s+({_COUNTED}|count|general))?\s*[:(]?\s*[\d.,\s]*{_COUNTED}?\s*\)?"
    rf"|\(?\s*[\d.,]+\s+{_COUNTED}(\s+(selected|affected|exported|returned))?\s*\)?\.?",
    re.IGNORECASE,
)
_NOTICE: Final = re.compile(
    r"(strictly\s+)?confidential\b.{0,40}\b(information|distribute|internal|only|proprietary)\b"
    r"|(copyright|©|\(c\))\s*(©|\(c\))?\s*(19|20)\d\d"
    r"|(report\s+)?(generated|exported|downloaded|created|printed)\s+(by|on|at|from|with|:)\s*.*(\d|hubspot|salesforce|dynamics|crm)"
    r"|(erstellt|exportiert|generiert)\s+(am|von|mit|aus)\s.*(\d|hubspot|salesforce|dynamics|crm)"
    r"|page\s+\d+\s+(of|/)\s+\d+|seite\s+\d+\s+von\s+\d+|end\s+of\s+(report|file|list)\b|[-=_*]{3,}$",
    re.IGNORECASE,
)


def is_footer(cells: Sequence[str]) -> bool:
    """Whether a row is blank or reads like the foot of an export."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return True
    if _TOTAL.fullmatch(filled[0]):
        return all(_NUMBERS.fullmatch(cell) or _TOTAL.fullmatch(cell) for cell in filled[1:])
    return _NOTICE.match(filled[0]) is not None


def without_footers(table: Table, *, odd_rows: Sequence[tuple[int, tuple[str, ...]]] = ()) -> Table:
    """The table without its foot, and a note of what was left out.

    `odd_rows` are rows (number, cells) that did not fit the header and are not in the frame, ascending. Raises
    InputRefused for the first of them that is neither blank nor part of the foot.
    """
    blank = np.ones(len(table.frame), dtype=np.bool_)
    for column in table.frame.columns:
        blank &= (table.frame[column] == "").to_numpy()
    odd = list(odd_rows)
    end, notices = _end_of_list(table, blank, odd)
    for number, cells in odd:
        if any(cell.strip() for cell in cells):
            raise InputRefused(f"row {number}: {len(cells)} cells, where the header has {len(table.headers)}")
    kept = np.flatnonzero(~blank[:end])
    notes = [*table.notes]
    if notices:
        notes.append(f"left out: {notices} footer rows")
    if blanks := len(table.frame) + len(odd_rows) - len(kept) - notices:
        notes.append(f"left out: {blanks} blank rows")
    frame = table.frame if len(kept) == len(table.frame) else table.frame.iloc[kept].reset_index(drop=True)
    return Table(headers=table.headers, frame=frame, rows=table.rows[kept], notes=tuple(notes))


def _end_of_list(table: Table, blank: npt.NDArray[np.bool_], odd: list[tuple[int, tuple[str, ...]]]) -> tuple[int, int]:
    """How many rows of the frame precede the foot, and how many notices the foot has; its odd rows are taken away."""
    end, notices = len(table.frame), 0
    while end or odd:
        if odd and (not end or odd[-1][0] > table.rows[end - 1]):
            if not is_footer(odd[-1][1]):
                break
            notices += any(cell.strip() for cell in odd.pop()[1])
            continue
        if not blank[end - 1]:
            cells = table.frame.iloc[end - 1].tolist()
            if not is_footer(cells):
                break
            notices += any(cell.strip() for cell in cells)
        end -= 1
    return end, notices
