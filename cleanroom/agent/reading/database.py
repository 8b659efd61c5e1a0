"""The result of an SQL query as a Table: a partner's own warehouse, over the drivers that it has installed."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from cleanroom.agent.reading.footers import without_footers
from cleanroom.agent.reading.table import Table, cell_text, clean_headers, text_frame
from cleanroom.domain.errors import InputRefused

_BATCH: Final = 50_000


def read_query(url: str, query: str) -> Table:
    """The query's rows; row 1 is the first. Nothing is ever committed on that connection.

    Raises InputRefused for a URL without an installed driver, a database or query that fails (only the kind of
    failure is named: URLs hold passwords, queries and driver messages hold values), a result without columns.
    """
    try:
        engine = sa.create_engine(url, poolclass=NullPool, hide_parameters=True)
    except (sa.exc.SQLAlchemyError, ImportError, ValueError) as error:
        raise InputRefused(f"database URL: {type(error).__name__}") from None
    try:
        with engine.connect() as connection:
            result = connection.execution_options(yield_per=_BATCH).execute(sa.text(query))
            if not result.returns_rows:
                raise InputRefused("query: returns no rows; give a SELECT")
            return _table(result)
    except sa.exc.SQLAlchemyError as error:
        raise InputRefused(f"query: failed with {type(error).__name__}") from None
    finally:
        engine.dispose()


def _table(result: "sa.CursorResult[Any]") -> Table:
    headers = clean_headers(str(key) for key in result.keys())  # noqa: SIM118 - a result, not a dict
    parts: list[list[pa.Array]] = [[] for _ in headers]
    count = 0
    for batch in result.partitions(_BATCH):
        count += len(batch)
        for number, cells in enumerate(zip(*batch, strict=True)):
            parts[number].append(_text(cells, number + 1))
    columns = [pa.chunked_array(part, type=pa.large_string()) for part in parts]
    rows = np.arange(1, count + 1, dtype=np.int64)
    return without_footers(Table(headers=headers, frame=text_frame(columns), rows=rows))


def _text(cells: tuple[object, ...], number: int) -> pa.Array:
    try:
        return pa.array([cell_text(cell) for cell in cells], pa.large_string())
    except TypeError:
        rule = "neither text, number, truth value nor date"
        raise InputRefused(f"column {number}: {rule}") from None
