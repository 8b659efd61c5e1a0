"""A table and its mapping to the accounts frame that the agent works on.

Order: clean the cells, refuse rows that cannot be used, give every row an id, read the values. A value that
cannot be read empties its cell and is reported; it never costs the account its place in the matching.
Match keys are not judged here: that is `matching.normalise`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cleanroom.agent.reading.cleaning import by_value, first_of, folded
from cleanroom.agent.reading.field_values import (
    Read,
    beside_amounts,
    read_country,
    read_email_domain,
    read_field,
)
from cleanroom.agent.reading.mapping import IDENTIFIERS, Mapping
from cleanroom.agent.reading.refusals import Refused, refused_frame
from cleanroom.agent.reading.rows import Cells, Rows, clean_rows, content_ids, mapped_columns, with_ids, with_keys
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.agent.reading.table import Table, text_column
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.fields import LIST_FIELDS, Field, FieldType

SEPARATOR: Final = "\x1f"  # between the list's name and the row's id; cleaning leaves none in an id
_KINDS: Final = first_of(
    {
        "lei": ("lei", "lei code", "legal entity identifier"),
        "duns": ("duns", "d-u-n-s", "duns number", "d-u-n-s number"),
        "vat": ("vat", "vat id", "vat number", "vat no", "ust-idnr", "ust-id", "tva", "iva", "btw"),
        "register": (
            *("register", "register number", "company number", "company no", "company registration number"),
            *("registration number", "companies house", "companies house number", "crn", "handelsregister"),
            *("handelsregisternummer", "hrb", "hra", "firmenbuch", "firmenbuchnummer", "siren", "rcs", "kvk"),
        ),
        "cik": ("cik", "cik code", "cik number", "central index key", "sec cik"),
        "isin": ("isin", "isin code", "isin number"),
        "ticker": ("ticker", "ticker symbol", "stock ticker", "stock symbol", "symbol"),
    }
)
_ALWAYS: Final = ("lei", "duns", "vat")  # columns of every accounts frame; the other identifiers' are there if mapped
_NO_SIGNS: Final = frozenset(("", "-", "--", "\u2013", "\u2014", "\u2717", "\u2718", "\u2610"))
_NO: Final = frozenset(
    (
        *("0", "no", "n", "false", "f", "off", "none", "n a", "null"),
        *("nein", "falsch", "non", "faux", "nee", "falso", "nao", "nie"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadResult:
    """What a list gave.

    `accounts`: RangeIndex; account_id, name, website, country, lei, duns, vat, where the list has them register, cik,
    isin, ticker and email (the domain alone: what is before it is a person), segment (`str`), suppressed (bool), then
    one `str` column per mapped field, canonical. `rows`: int64, shape (len(accounts),), the source row of each.
    `refused`: row (int64), column, rule (`str`), left_out (bool). `notes`: sentences for a person, without values.
    """

    accounts: pd.DataFrame
    rows: npt.NDArray[np.int64]
    refused: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTerms:
    """How a list is read beside its mapping. Raises InputRefused for two sources of segments or an unusable name."""

    list_name: str
    segment: str | None
    segment_from: SegmentFrom | None
    catalogue: Sequence[Field]

    def __post_init__(self) -> None:
        if self.segment is not None and self.segment_from is not None:
            raise InputRefused("segment: one for the whole list, or from a column, not both")
        if self.segment is not None and not self.segment.strip():
            raise InputRefused("segment: empty")
        if not self.list_name.strip() or not self.list_name.isprintable():
            raise InputRefused("list name: empty, or with control characters")


def read_accounts(  # noqa: PLR0913 - each is a choice that the person who pushes makes
    table: Table,
    mapping: Mapping,
    *,
    segment: str | None,
    segment_from: SegmentFrom | None,
    list_name: str,
    catalogue: Sequence[Field] = LIST_FIELDS,
) -> ReadResult:
    """The accounts of a whole list.

    Raises InputRefused for a column that the table does not have, for both `segment` and `segment_from`, for an
    unusable `list_name`, and for a list without one usable row.
    """
    terms = ListTerms(list_name=list_name, segment=segment, segment_from=segment_from, catalogue=catalogue)
    mapping.check(table, catalogue=catalogue)
    raw = mapped_columns(table, mapping, segment_from)
    if segment_from is not None and "segment" not in raw:
        raise InputRefused("segment: no column has the given header")
    rows = clean_rows(table, raw)
    result = accounts_of(with_ids(with_keys(rows)), mapping, terms)
    if not len(result.accounts):
        left = len(result.refused)
        raise InputRefused(f"the list has no usable row ({left} refused)")
    return result


def accounts_of(rows: Rows, mapping: Mapping, terms: ListTerms) -> ReadResult:
    """The accounts of rows that are usable and have distinct ids; possibly none."""
    cells, count = rows.cells, len(rows.rows)
    empty = _same("", count)
    problems: list[Refused] = []
    notes = list(rows.notes)

    def told(column: str, read: Read) -> "pd.Series[str]":
        if read.bad.any():
            problems.append(Refused(rows=rows.rows[read.bad], column=column, rule=read.rule, left_out=False))
        return read.texts

    country = told("country", read_country(cells["country"])) if "country" in cells else empty
    ids = cells["account_id"] if "account_id" in cells else _series(content_ids(cells, country))
    columns: Cells = {
        "account_id": _prefixed(terms.list_name, ids),
        "name": cells.get("name", empty),
        "website": cells.get("website", empty),
        "country": country,
        **_identifiers(cells, empty, notes),
        **({"email": told("email", read_email_domain(cells["email"]))} if "email" in cells else {}),
        "segment": _segments(cells, terms, count, notes),
    }
    suppressed = _suppressed(cells, count, notes)
    fields = {
        item.name: told(item.name, read_field(item, cells[item.name], mapping))
        for item in terms.catalogue
        if item.name in cells
    }
    _complete_currency(cells, fields, terms.catalogue)
    return ReadResult(
        accounts=pd.DataFrame({**columns, "suppressed": suppressed, **fields}),
        rows=rows.rows,
        refused=refused_frame((*rows.refused, *problems)),
        notes=tuple(notes),
    )


def _series(texts: Sequence[str]) -> "pd.Series[str]":
    return text_column(pa.array(texts, pa.large_string()))


def _same(text: str, count: int) -> "pd.Series[str]":
    return text_column(pa.repeat(pa.scalar(text, pa.large_string()), count))


def _prefixed(list_name: str, ids: "pd.Series[str]") -> "pd.Series[str]":
    prefix = pa.scalar(list_name, pa.large_string())
    separator = pa.scalar(SEPARATOR, pa.large_string())
    return text_column(pc.binary_join_element_wise(prefix, pa.array(ids), separator))


def _identifiers(cells: Cells, empty: "pd.Series[str]", notes: list[str]) -> Cells:
    """Identifiers from columns of their own; a pair (type, identifier) fills what these leave empty."""
    columns: Cells = {kind: cells.get(kind, empty) for kind in IDENTIFIERS if kind in _ALWAYS or kind in cells}
    if "identifier" not in cells:
        return columns
    values = cells["identifier"]
    kinds, strange = by_value(cells["identifier_type"], lambda cell: _KINDS.get(folded(cell)))
    for kind in IDENTIFIERS:
        own = columns.get(kind, empty)
        use = ((kinds == kind) & (own == "")).to_numpy()
        if use.any():
            columns[kind] = own.where(~use, values)
    if unused := int((strange & (values != "").to_numpy()).sum()):
        notes.append(f"not used: {unused} identifiers of a type that is none of {', '.join(IDENTIFIERS)}")
    return columns


def _segments(cells: Cells, terms: ListTerms, count: int, notes: list[str]) -> "pd.Series[str]":
    if terms.segment_from is None:
        return _same((terms.segment or "").strip(), count)
    if "segment" not in cells:
        return _same("", count)  # a delta of deletions, which has ids only
    segments, strange = by_value(cells["segment"], terms.segment_from.segment_of)
    if strange.any():
        notes.append(f"without a segment: {int(strange.sum())} rows whose value names none")
    return segments


def _suppressed(cells: Cells, count: int, notes: list[str]) -> npt.NDArray[np.bool_]:
    """Anything but a clear no suppresses: the stricter reading of a word, or a tick, that nobody foresaw."""
    if "suppressed" not in cells:
        return np.zeros(count, dtype=np.bool_)
    words, _ = by_value(cells["suppressed"], lambda cell: "" if _is_no(cell) else "yes")
    suppressed = np.asarray((words == "yes").to_numpy(), dtype=np.bool_)
    if suppressed.any():
        notes.append(f"suppressed: {int(suppressed.sum())} accounts")
    return suppressed


def _is_no(cell: str) -> bool:
    # A cell of signs only folds to nothing: a dash is a no, a tick is not.
    return folded(cell) in _NO if folded(cell) else cell in _NO_SIGNS


def _complete_currency(cells: Cells, fields: Cells, catalogue: Sequence[Field]) -> None:
    """Where no currency is given, the one that is written beside the first kind of amount."""
    wanted = {item.type: item.name for item in reversed(catalogue)}
    money, currency = wanted.get(FieldType.MONEY), wanted.get(FieldType.CURRENCY)
    if money not in cells or currency is None:
        return
    beside = beside_amounts(cells[money])
    if beside is None:
        return
    own = fields.get(currency)
    fields[currency] = beside if own is None else own.where(own != "", beside)
