"""A delta of a list: rows to add or replace, and ids to delete."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from cleanroom.agent.reading.accounts import SEPARATOR, ListTerms, ReadResult, accounts_of
from cleanroom.agent.reading.cleaning import by_value, first_of, folded
from cleanroom.agent.reading.headers import TIERS
from cleanroom.agent.reading.mapping import Mapping
from cleanroom.agent.reading.rows import Rows, clean_rows, mapped_columns, with_ids, with_keys
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.agent.reading.table import Table
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.fields import LIST_FIELDS, Field

_OPERATIONS: Final = first_of(
    {
        "upsert": ("upsert", "insert", "update", "add", "create", "u", "i", "new", "changed"),
        "delete": ("delete", "remove", "d", "deleted", "removed"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChangeResult:
    """What a delta says.

    `upserts` is like a list's result; its `refused` and `notes` are those of the whole delta. `deletes` are full
    account ids (list name, U+001F, id) in the order of the file.
    """

    upserts: ReadResult
    deletes: tuple[str, ...]


def read_changes(  # noqa: PLR0913 - each is a choice that the person who pushes makes
    table: Table,
    mapping: Mapping,
    *,
    segment: str | None,
    segment_from: SegmentFrom | None,
    list_name: str,
    catalogue: Sequence[Field] = LIST_FIELDS,
) -> ChangeResult:
    """The delta in `table`. Without a mapped column `change`, and where its cell is empty, a row is an upsert.

    Raises InputRefused as `read_accounts` does, and for a mapping without account_id: a delta cannot tell rows
    without ids apart.
    """
    terms = ListTerms(list_name=list_name, segment=segment, segment_from=segment_from, catalogue=catalogue)
    mapping = _with_change(mapping, table)
    raw = mapped_columns(table, mapping, segment_from)
    if "account_id" not in raw:
        raise InputRefused("changes: need a column for account_id")
    rows, deleted = _by_operation(with_ids(clean_rows(table, raw)))
    missing = sorted({*mapping.columns, *(("segment",) if segment_from else ())} - raw.keys())
    if len(rows.rows) and missing:
        raise InputRefused(f"changes: rows to upsert need columns for {', '.join(missing)}")
    upserts = accounts_of(with_keys(rows), mapping, terms)
    deletes = tuple(f"{list_name}{SEPARATOR}{own}" for own in deleted)
    if not len(upserts.accounts) and not deletes:
        raise InputRefused(f"the changes have no usable row ({len(upserts.refused)} refused)")
    return ChangeResult(upserts=upserts, deletes=deletes)


def _with_change(mapping: Mapping, table: Table) -> Mapping:
    """The mapping of the full list, which has no column for changes, with the delta's."""
    if "change" in mapping.columns:
        return mapping
    used = set(mapping.columns.values())
    words = {folded(word) for tier in TIERS["change"] for word in tier}
    found = [one for one in table.headers if one not in used and folded(one) in words]
    if len(found) > 1:
        raise InputRefused(f"changes: {len(found)} columns look like change")
    return replace(mapping, columns={**mapping.columns, "change": found[0]}) if found else mapping


def _by_operation(rows: Rows) -> tuple[Rows, list[str]]:
    """The rows to upsert, and the ids to delete; rows with another word refused."""
    if "change" not in rows.cells:
        return rows, []
    words, strange = by_value(rows.cells["change"], lambda cell: _OPERATIONS.get(folded(cell)))
    deleted = (words == "delete").to_numpy()
    ids = rows.only(deleted).cells["account_id"].tolist()
    upserts = rows.without(strange, "change", "neither upsert nor delete")
    return upserts.only(~deleted[~strange]), ids
