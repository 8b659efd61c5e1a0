"""How a list will be read, before anything happens: source, columns, segments. Kept per list, and used again."""

from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from cleanroom.agent import lists
from cleanroom.agent.reading import mapping
from cleanroom.agent.reading.cleaning import folded
from cleanroom.agent.reading.files import read_table
from cleanroom.agent.reading.guessing import guess_mapping
from cleanroom.agent.reading.mapping import Mapping
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.agent.reading.table import Table
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused
from cleanroom.messages.documents import Title, Wire

_OWN_COLUMN = "segment"  # read where nobody says which segment the accounts are in


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A list in a file. `sheet` is for XLSX, `encoding` overrides the guess for CSV."""

    path: Path
    sheet: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A list in a database. The URL may hold a password, the query may hold values: neither is rendered."""

    url: str = field(repr=False)
    query: str = field(repr=False)


Source = File | Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user says about a list; what is left out is taken from its last push, or guessed.

    `columns`: target -> header. `fresh` forgets how the list was read before.
    """

    name: str
    columns: ReadOnly[str, str] = field(default_factory=dict)
    segment: str | None = None
    segment_from: SegmentFrom | None = None
    fresh: bool = False


class Origin(StrEnum):
    """Where a plan's mapping comes from."""

    SAVED = "saved"
    GUESSED = "guessed"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """A list that was read, and how its columns and segments will be understood.

    `whole` is False for a delta: what it chooses holds for itself only.
    """

    name: str
    whole: bool
    table: Table = field(repr=False)
    mapping: Mapping
    origin: Origin
    segment: str | None
    segment_from: SegmentFrom | None


class SavedReading(Wire):
    """How a list was read, as the vault keeps it."""

    mapping: str
    segment: Title | None
    segment_from: Title | None
    segment_values: dict[str, str]


def read(agent: Agent, source: Source) -> Table:
    """The raw list.

    Raises:
        InputRefused: if it cannot be read.
    """
    with agent.progress.stage("read"):
        match source:
            case File():
                return read_table(source.path, sheet=source.sheet, encoding=source.encoding)
            case Query():
                # Only who asks a database waits for the library behind it.
                from cleanroom.agent.reading.database import read_query  # noqa: PLC0415 - see above

                return read_query(source.url, source.query)


def plan(agent: Agent, table: Table, choices: Choices) -> Plan:
    """How a whole list will be understood. Nothing is stored.

    Raises:
        InputRefused: if columns cannot be told, if the saved mapping does not fit, or if no segment is given for a list
            that never had one.
    """
    saved = _saved(agent, choices)
    if saved is None:
        return _plan(table, choices, None, guess_mapping(table, given=choices.columns), Origin.GUESSED)
    known = mapping.from_json(saved.mapping)
    if not choices.columns:
        known.check(table)
        return _plan(table, choices, saved, known, Origin.SAVED)
    kept = {target: header for target, header in known.columns.items() if header in table.headers}
    merged = guess_mapping(table, given={**kept, **choices.columns})
    return _plan(table, choices, saved, merged, Origin.GUESSED)


def plan_changes(agent: Agent, table: Table, choices: Choices) -> Plan:
    """How a delta will be understood: as the list was, with other columns where `choices` say so.

    A delta may lack columns (one of deletions needs ids only), so the saved mapping need not fit.
    Raises InputRefused as `plan` does.
    """
    saved = _saved(agent, choices)
    if saved is None:
        guessed = guess_mapping(table, given=choices.columns)
        return replace(_plan(table, choices, None, guessed, Origin.GUESSED), whole=False)
    known = mapping.from_json(saved.mapping)
    columns = Mapping(
        columns={**known.columns, **choices.columns},
        date_orders=known.date_orders,
        decimal_marks=known.decimal_marks,
    )
    return replace(_plan(table, choices, saved, columns, Origin.SAVED), whole=False)


def remember(agent: Agent, planned: Plan) -> None:
    """Keep how the list was read, for its next push. The list must be stored."""
    source = planned.segment_from
    saved = SavedReading(
        mapping=mapping.to_json(planned.mapping),
        segment=planned.segment,
        segment_from=source.column if source else None,
        segment_values=dict(source.values) if source else {},
    )
    agent.save(_address(agent, planned.name), saved)


def require_name(name: str) -> None:
    """Refuse a name that cannot be a list's.

    Raises:
        InputRefused: stating the rule.
    """
    try:
        lists.StoredList(number=0, name=name, rooms=None, accounts=0, pushed="2000-01-01T00:00:00Z")
    except ValidationError:
        raise InputRefused("list name: 1 to 200 characters, none of them a control character") from None


def own_segments(table: Table) -> SegmentFrom | None:
    """The column that is called segment, if there is one such."""
    own = [header for header in table.headers if folded(header) == _OWN_COLUMN]
    return SegmentFrom(column=own[0]) if len(own) == 1 else None


def _plan(table: Table, choices: Choices, saved: SavedReading | None, columns: Mapping, origin: Origin) -> Plan:
    segment, segment_from = _segments(choices, saved, table)
    return Plan(
        name=choices.name,
        whole=True,
        table=table,
        mapping=columns,
        origin=origin,
        segment=segment,
        segment_from=segment_from,
    )


def _segments(
    choices: Choices, saved: SavedReading | None, table: Table
) -> tuple[str, None] | tuple[None, SegmentFrom]:
    if choices.segment is not None and choices.segment_from is not None:
        raise InputRefused("segment: one for the whole list, or from a column, not both")
    if choices.segment is not None:
        return choices.segment, None
    if choices.segment_from is not None:
        return None, choices.segment_from
    if saved is not None and saved.segment is not None:
        return saved.segment, None
    if saved is not None and saved.segment_from is not None:
        return None, SegmentFrom(column=saved.segment_from, values=saved.segment_values)
    if (own := own_segments(table)) is not None:
        return None, own
    raise InputRefused(
        "segment: not given, and no column is called segment. Only accounts in a segment count: "
        "--segment customers, or --segment-from COLUMN"
    )


def _saved(agent: Agent, choices: Choices) -> SavedReading | None:
    require_name(choices.name)
    if choices.fresh or all(item.name != choices.name for item in lists.stored(agent)):
        return None
    return agent.load(SavedReading, _address(agent, choices.name))


def _address(agent: Agent, name: str) -> str:
    number = next(item.number for item in lists.stored(agent) if item.name == name)
    return f"lists/{number}/reading"
