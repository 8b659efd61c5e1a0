"""Which column of a list is what: given, or guessed from headers and the look of the cells. Shown, saved, reused.

A mapping also fixes what can only be decided over a whole column (the order of numeric dates, the decimal
mark), so that a later delta of three rows is read as the full list was.
"""

import json
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from cleanroom.agent.reading.dates import DateOrder
from cleanroom.agent.reading.money import Mark
from cleanroom.agent.reading.table import Table
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.fields import LIST_FIELDS, Field

FORMAT_VERSION: Final = 1
IDENTIFIERS: Final = ("lei", "duns", "vat", "register", "cik", "isin", "ticker")
KEY_TARGETS: Final = ("account_id", "name", "website", "country", *IDENTIFIERS)
OTHER_TARGETS: Final = ("email", "identifier_type", "identifier", "suppressed", "change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Target -> header, and per field the date order and decimal mark; compared by value.

    Raises InputRefused for a mapping that has neither name nor website, uses one column twice, or half of a pair.
    """

    columns: ReadOnly[str, str]
    date_orders: ReadOnly[str, DateOrder] = field(default_factory=dict)
    decimal_marks: ReadOnly[str, Mark] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("columns", "date_orders", "decimal_marks"):
            frozen = MappingProxyType(dict(getattr(self, name)))
            object.__setattr__(self, name, frozen)
        if "name" not in self.columns and "website" not in self.columns:
            raise InputRefused("mapping: needs a column for name or for website")
        if len(set(self.columns.values())) < len(self.columns):
            raise InputRefused("mapping: one column is used for two things")
        if ("identifier" in self.columns) != ("identifier_type" in self.columns):
            raise InputRefused("mapping: identifier and identifier_type go together")

    def check(self, table: Table, *, catalogue: Sequence[Field] = LIST_FIELDS) -> None:
        """Raises InputRefused, naming the targets, unless all are known and each column is in the table, once."""
        known = {*KEY_TARGETS, *OTHER_TARGETS, *(item.name for item in catalogue)}
        if strange := len(set(self.columns) - known):
            raise InputRefused(f"mapping: {strange} targets are no key and not in the catalogue")
        headers = list(table.headers)
        counts = {target: headers.count(header) for target, header in self.columns.items()}
        if missing := sorted(target for target, count in counts.items() if not count):
            raise InputRefused(f"mapping: no such column for {', '.join(missing)}")
        if twice := sorted(target for target, count in counts.items() if count > 1):
            raise InputRefused(f"mapping: several columns with the header of {', '.join(twice)}")


def to_json(mapping: Mapping) -> str:
    """The mapping as text to save; equal mappings give equal text."""
    value = {
        "version": FORMAT_VERSION,
        "columns": dict(mapping.columns),
        "date_orders": dict(mapping.date_orders),
        "decimal_marks": dict(mapping.decimal_marks),
    }
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def from_json(text: str) -> Mapping:
    """The saved mapping. Raises InputRefused for text that `to_json` did not write."""
    refused = InputRefused("saved mapping: damaged, or of another version")
    try:
        value = json.loads(text)
    except ValueError:
        raise refused from None
    keys = {"version", "columns", "date_orders", "decimal_marks"}
    if not isinstance(value, dict) or set(value) != keys or value.pop("version") != FORMAT_VERSION:
        raise refused
    for part in value.values():
        if not isinstance(part, dict) or not all(isinstance(item, str) for item in part.values()):
            raise refused
    try:
        orders = {name: DateOrder(order) for name, order in value["date_orders"].items()}
        marks = {name: Mark(mark) for name, mark in value["decimal_marks"].items()}
    except ValueError:
        raise refused from None
    return Mapping(columns=value["columns"], date_orders=orders, decimal_marks=marks)
