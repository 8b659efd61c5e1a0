"""A mapping from the look of a list: first what was given, then the headers' wording, then the cells."""

import re
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from typing import Final

import pandas as pd

from cleanroom.agent.reading.cleaning import cleaned, folded
from cleanroom.agent.reading.dates import DateOrder, date_orders, has_numeric_dates, usual_order
from cleanroom.agent.reading.headers import TIERS
from cleanroom.agent.reading.mapping import KEY_TARGETS, OTHER_TARGETS, Mapping
from cleanroom.agent.reading.money import Mark, decimal_mark
from cleanroom.agent.reading.table import Table
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.fields import LIST_FIELDS, Field, FieldType

_LOOK: Final = 500  # filled cells of a column that are looked at
_MOSTLY: Final = 0.6
_HOST: Final = re.compile(r"(https?://)?([\w-]{1,63}\.)+[^\W\d_][\w-]{1,62}\.?(:\d+)?([/?#]\S*)?", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"https?://|www\.", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_AMBIGUOUS: Final = frozenset(KEY_TARGETS)  # a wrong guess here spoils the matching: refuse


def guess_mapping(
    table: Table,
    *,
    given: ReadOnly[str, str] | None = None,
    dates: DateOrder | None = None,
    catalogue: Sequence[Field] = LIST_FIELDS,
) -> Mapping:
    """A mapping for `table`: `given` (target -> header) stands, the other targets are guessed.

    `dates` decides numeric dates where no cell does. Raises InputRefused when neither name nor website is found,
    when two columns fit one match key equally well, when `given` names an unknown target or header, and when what
    should be the headers looks like an account.
    """
    _require_headers(table)
    columns = _exact(table, given or {}, catalogue)
    targets = [*KEY_TARGETS, *OTHER_TARGETS, *(item.name for item in catalogue)]
    for target in targets:
        header = None if target in columns else _by_header(table, target, set(columns.values()))
        if header is not None:
            columns[target] = header
    if "website" not in columns and (header := _by_look(table, set(columns.values()))):
        columns["website"] = header
    if "name" not in columns and "website" not in columns:
        looked = "; ".join(f"{name}: {_wording(name)}" for name in ("name", "website"))
        raise InputRefused(f"no column for name or website; looked for {looked} - or map one")
    for alone, other in (("identifier", "identifier_type"), ("identifier_type", "identifier")):
        if other not in columns and alone not in (given or {}):
            columns.pop(alone, None)
    bare = Mapping(columns=columns)
    bare.check(table, catalogue=catalogue)
    marks = _marks(table, bare, catalogue)
    orders = _orders(table, bare, catalogue, dates, comma=Mark.COMMA in marks.values())
    return Mapping(columns=columns, date_orders=orders, decimal_marks=marks)


def _require_headers(table: Table) -> None:
    """Refuse a list whose first row is an account already: it would be lost, and its cells shown as headers."""
    for number, header in enumerate(table.headers):
        if _EMAIL.fullmatch(header) or _ADDRESS.match(header) or _is_host_among_hosts(table, number):
            raise InputRefused(f"header, column {number + 1}: an address, not a name; the list needs a row of headers")


def _is_host_among_hosts(table: Table, number: int) -> bool:
    """Whether a header is a bare host over a column of hosts; a dotted header such as Account.Website is none."""
    header = table.headers[number]
    last = folded(header.rpartition(".")[2])
    words = {folded(word) for tier in TIERS["website"] for word in tier}
    return bool(_HOST.fullmatch(header)) and last not in words and _share(_sample(table, number), _HOST) > _MOSTLY


def _exact(table: Table, given: ReadOnly[str, str], catalogue: Sequence[Field]) -> dict[str, str]:
    known = {*KEY_TARGETS, *OTHER_TARGETS, *(item.name for item in catalogue)}
    columns: dict[str, str] = {}
    for target, wanted in given.items():
        if target not in known:
            raise InputRefused(f"map: unknown target; there are {', '.join(sorted(known))}")
        same = [header for header in table.headers if header == wanted]
        near = [header for header in table.headers if folded(header) == folded(wanted)]
        if len(same or near) != 1:
            found = len(same or near)
            raise InputRefused(f"map {target}: {found} columns have the given header")
        columns[target] = (same or near)[0]
    return columns


def _by_header(table: Table, target: str, taken: set[str]) -> str | None:
    for tier in TIERS.get(target, ((target,),)):
        words = {folded(word) for word in tier}
        found = [
            number
            for number, header in enumerate(table.headers)
            if header not in taken and folded(header) in words and _plausible(table, number, target)
        ]
        usable = [n for n in found if table.headers.count(table.headers[n]) == 1]
        if usable and (len(found) == 1 or _equal(table, found)):
            return table.headers[usable[0]]
        if found and target in _AMBIGUOUS:
            numbers = ", ".join(str(number + 1) for number in found)
            raise InputRefused(f"columns {numbers} all look like {target}; map or rename one")
    return None


def _wording(target: str) -> str:
    return ", ".join(word for tier in TIERS[target] for word in tier[:3])


def _equal(table: Table, found: list[int]) -> bool:
    first = table.frame[found[0]]
    return all(first.equals(table.frame[number]) for number in found[1:])


def _sample(table: Table, number: int) -> "pd.Series[str]":
    column = table.frame[number]
    cells = cleaned(column[column != ""].head(_LOOK).reset_index(drop=True))
    return cells[cells != ""]


def _share(cells: "pd.Series[str]", pattern: re.Pattern[str]) -> float:
    return sum(pattern.fullmatch(cell) is not None for cell in cells) / max(len(cells), 1)


def _plausible(table: Table, number: int, target: str) -> bool:
    """Whether the cells do not contradict the header. A few good cells are enough."""
    cells = _sample(table, number)
    if not len(cells) or target not in ("name", "website", "email"):
        return True
    if target == "email":
        return _share(cells, _EMAIL) > 0 or _share(cells, _HOST) >= _MOSTLY
    if _share(cells, _EMAIL) >= _MOSTLY:
        return False
    if target == "website":
        return _share(cells, _HOST) > 0
    return any(letter.isalpha() for cell in cells for letter in cell)


def _by_look(table: Table, taken: set[str]) -> str | None:
    """The only column, not taken yet, that mostly holds hosts or URLs."""
    found = [
        header
        for number, header in enumerate(table.headers)
        if header and header not in taken and len(cells := _sample(table, number)) and _share(cells, _HOST) > _MOSTLY
    ]
    return found[0] if len(found) == 1 else None


def _typed(mapping: Mapping, catalogue: Sequence[Field], kind: FieldType) -> list[str]:
    return [item.name for item in catalogue if item.type is kind and item.name in mapping.columns]


def _marks(table: Table, mapping: Mapping, catalogue: Sequence[Field]) -> dict[str, Mark]:
    found = {
        name: decimal_mark(cleaned(table.column(mapping.columns[name])))
        for name in _typed(mapping, catalogue, FieldType.MONEY)
    }
    return {name: mark for name, mark in found.items() if mark is not None}


def _orders(
    table: Table,
    mapping: Mapping,
    catalogue: Sequence[Field],
    wanted: DateOrder | None,
    *,
    comma: bool,
) -> dict[str, DateOrder]:
    """Per date column: what its cells prove, else what was wanted, else what the other columns suggest."""
    names = _typed(mapping, catalogue, FieldType.DATE)
    cells = {name: cleaned(table.column(mapping.columns[name])) for name in names}
    proven = {name: date_orders(values) for name, values in cells.items()}
    sure = {name: next(iter(orders)) for name, orders in proven.items() if len(orders) == 1}
    elsewhere = next(iter(sure.values()), DateOrder.DAY_FIRST if comma else DateOrder.MONTH_FIRST)
    orders: dict[str, DateOrder] = {}
    for name, values in cells.items():
        if name in sure:
            orders[name] = sure[name]
        elif not proven[name] and has_numeric_dates(values):
            orders[name] = wanted or usual_order(values) or elsewhere
    return orders
