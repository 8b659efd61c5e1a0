"""A field's cells to canonical values, by the field's type; what cannot be read becomes "" and is told."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cleanroom.agent.reading.cleaning import by_value, folded
from cleanroom.agent.reading.countries import country_code
from cleanroom.agent.reading.dates import date_orders, iso_date, usual_order
from cleanroom.agent.reading.mapping import Mapping
from cleanroom.agent.reading.money import (
    amount,
    currency_code,
    currency_of,
    decimal_mark,
    is_torn,
)
from cleanroom.domain.fields import Field, FieldType

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_AFTER_AT: Final = re.compile(r"@((?:[\w-]+\.)+[\w-]+)")
_HOST: Final = re.compile(r"(?:[\w-]+\.)+[\w-]+")
_NO_COUNTRY: Final = frozenset(("", "n a", "none", "unknown", "unbekannt", "not specified", "other"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """Canonical values (dtype `str`), which of them could not be read (shape (n,)), and the rule these broke."""

    texts: "pd.Series[str]"
    bad: npt.NDArray[np.bool_]
    rule: str


def read_country(cells: "pd.Series[str]") -> Read:
    """ISO 3166 alpha-2 codes."""
    return _read(cells, _country, "not a country")


def read_email_domain(cells: "pd.Series[str]") -> Read:
    """What follows the last "@" of an address, lower case; of several addresses in a cell, the last one's.

    Nothing before it stays. A cell without "@" is taken for a domain only if the whole column has none: beside
    addresses it may as well be the part of one that names a person.
    """
    addresses = bool(pc.any(pc.match_substring(pa.array(cells), "@")).as_py())

    def known(cell: str) -> str | None:
        if addresses:
            found = _AFTER_AT.findall(cell)
            return found[-1].lower() if found else None
        return cell.lower() if _HOST.fullmatch(cell) else None

    return _read(cells, known, "not an e-mail address")


def read_field(field: Field, cells: "pd.Series[str]", mapping: Mapping) -> Read:
    """The field's values from its clean `cells`, read as `mapping` says, or by what the whole column proves."""
    match field.type:
        case FieldType.TEXT | FieldType.EVIDENCE:  # evidence is in no list's columns
            return Read(texts=cells, bad=np.zeros(len(cells), dtype=np.bool_), rule="")
        case FieldType.EMAIL:
            return _read(cells, _email, "not an e-mail address")
        case FieldType.CURRENCY:
            return _read(cells, currency_code, "not a currency (ISO 4217)")
        case FieldType.COUNTRY:
            return read_country(cells)
        case FieldType.MONEY:
            return _money(field.name, cells, mapping)
        case FieldType.DATE:
            return _dates(field.name, cells, mapping)
        case _:
            assert_never(field.type)


def beside_amounts(cells: "pd.Series[str]") -> "pd.Series[str] | None":
    """The currencies written beside amounts, "" where none is; None if the column has none at all."""
    if not pc.any(pc.match_substring_regex(pa.array(cells), r"[^\d.,\s()'+\-]")).as_py():
        return None
    return by_value(cells, currency_of)[0]


def _money(name: str, cells: "pd.Series[str]", mapping: Mapping) -> Read:
    mark = mapping.decimal_marks.get(name) or decimal_mark(cells)
    torn = mark is None and is_torn(cells)
    rule = "not an amount of money"
    if torn:
        rule += ", or readable in two ways in a column that mixes decimal marks"
    return _read(cells, lambda cell: amount(cell, mark=mark, torn=torn), rule)


def _dates(name: str, cells: "pd.Series[str]", mapping: Mapping) -> Read:
    order = mapping.date_orders.get(name)
    if order is None:
        proven = date_orders(cells)
        order = next(iter(proven)) if len(proven) == 1 else None
        if not proven:
            order = usual_order(cells)
    rule = "not a date" if order else "not a date, or day and month cannot be told apart"
    return _read(cells, lambda cell: iso_date(cell, order=order), rule)


def _read(cells: "pd.Series[str]", known: Callable[[str], str | None], rule: str) -> Read:
    texts, bad = by_value(cells, known)
    return Read(texts=texts, bad=bad, rule=rule)


def _email(cell: str) -> str | None:
    lower = cell.lower()
    return lower if _EMAIL.fullmatch(lower) else None


def _country(cell: str) -> str | None:
    return "" if folded(cell) in _NO_COUNTRY else country_code(cell)
