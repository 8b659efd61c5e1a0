"""Frames and rows as bytes, for the vault."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa


def to_bytes(frame: pd.DataFrame) -> bytes:
    """The frame without its index, as an Arrow IPC stream."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def from_bytes(data: bytes) -> pd.DataFrame:
    """The frame that `to_bytes` wrote, with a fresh index."""
    with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
        frame: pd.DataFrame = reader.read_all().to_pandas()
    return frame


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries of Python values: `DataFrame.to_dict("records")`, many times faster for texts."""
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in tuples(frame, names)]


def tuples(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of some columns as tuples of Python values; iterating over a column of texts is many times slower."""
    return zip(*(frame[name].to_numpy(dtype=object).tolist() for name in columns), strict=True)
