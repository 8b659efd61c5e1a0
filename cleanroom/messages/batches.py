"""Rows on the wire: one Arrow IPC stream holding one record batch, with exactly the schema below.

| column  | type                  | in a snapshot | in an evaluation |
|---------|-----------------------|---------------|------------------|
| name    | fixed_size_binary[16] | handle        | pseudonym        |
| op      | uint8                 | 0 removes the entry, 1 adds a key | the same |
| segment | uint8                 | index in the terms' segments      | the same |
| kind    | uint8                 | index in the terms' kinds         | the same |
| value   | fixed_size_binary[32 or 16] | token   | tag              |

Rows travel in chunks of CHUNK_ROWS; every chunk but the last is full.
"""

import struct

import numpy as np
import pyarrow as pa

from cleanroom.domain.errors import VerificationFailed
from matching.refusal import Refusal
from matching.rows import NAME_BYTES, Rows

CHUNK_ROWS = 16_384
MEDIA_TYPE = "application/vnd.apache.arrow.stream"
MAX_BYTES = CHUNK_ROWS * 64 + 65_536
"""An encoded chunk is never larger."""
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class BatchRefused(VerificationFailed):
    """Bytes are not a batch of rows as this module's docstring describes."""

    code = "batch_refused"


def schema(value_bytes: int) -> pa.Schema:
    """The one schema for rows with values of 32 (tokens) or 16 bytes (tags)."""
    return pa.schema(
        [
            pa.field("name", pa.binary(NAME_BYTES), nullable=False),
            pa.field("op", pa.uint8(), nullable=False),
            pa.field("segment", pa.uint8(), nullable=False),
            pa.field("kind", pa.uint8(), nullable=False),
            pa.field("value", pa.binary(value_bytes), nullable=False),
        ]
    )


def chunk_count(rows: int) -> int:
    """How many chunks `rows` rows travel in."""
    return -(-rows // CHUNK_ROWS)


def chunk_rows(rows: int, index: int) -> int:
    """How many rows chunk `index` of `rows` rows holds.

    Raises:
        BatchRefused: if there is no such chunk.
    """
    if not 0 <= index < chunk_count(rows):
        raise BatchRefused(f"chunk {index}: there is no such chunk")
    return min(CHUNK_ROWS, rows - index * CHUNK_ROWS)


def encode(rows: Rows) -> bytes:
    """The rows as an Arrow IPC stream."""
    width = rows.value.shape[1]
    columns = [
        _binary(rows.name, NAME_BYTES),
        pa.array(rows.op),
        pa.array(rows.segment),
        pa.array(rows.kind),
        _binary(rows.value, width),
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema(width)) as writer:
        writer.write_batch(pa.record_batch(columns, schema=schema(width)))
    return bytes(sink.getvalue())


def decode(data: bytes, *, value_bytes: int, rows: int) -> Rows:
    """The `rows` rows in `data`.

    Raises:
        BatchRefused: on any other schema, number of rows or of batches, nulls, compression, or trailing bytes.
    """
    if len(data) > MAX_BYTES:
        raise BatchRefused("batch: larger than a chunk can be")
    source = pa.BufferReader(data)
    try:
        _check_messages(data)
        with pa.ipc.open_stream(source) as reader:
            if not reader.schema.equals(schema(value_bytes), check_metadata=True):
                raise BatchRefused("batch: not the columns of this protocol")
            batch = reader.read_next_batch()
            trailing = _has_more(reader)
        batch.validate(full=True)
    except (pa.ArrowException, StopIteration, OSError, EOFError, MemoryError, struct.error):
        raise BatchRefused("batch: not an Arrow stream") from None
    if trailing or source.tell() != len(data):
        raise BatchRefused("batch: bytes after the last row")
    if batch.num_rows != rows or any(column.null_count for column in batch.columns):
        raise BatchRefused("batch: not the announced number of rows, or nulls in them")
    name, op, segment, kind, value = batch.columns
    try:
        return Rows(
            name=_matrix(name, NAME_BYTES),
            op=op.to_numpy(zero_copy_only=False),
            segment=segment.to_numpy(zero_copy_only=False),
            kind=kind.to_numpy(zero_copy_only=False),
            value=_matrix(value, value_bytes),
        )
    except Refusal as refusal:
        raise BatchRefused(f"batch: {refusal.rule}") from None


def _check_messages(data: bytes) -> None:
    """Refuse what pyarrow would read without a word: compression, metadata of the batch, a missing end.

    This comes before pyarrow reads the batch: a compressed one says itself how large it wants to become.
    """
    stream = pa.BufferReader(data)
    messages = [pa.ipc.read_message(stream), pa.ipc.read_message(stream)]
    if [message.type for message in messages] != ["schema", "record batch"] or not data.endswith(END_OF_STREAM):
        raise BatchRefused("batch: not one schema, one record batch and the end")
    if any(message.metadata_version != pa.ipc.MetadataVersion.V5 for message in messages):
        raise BatchRefused("batch: not Arrow metadata version 5")
    # Message.fbs: field 2 is the header, 4 the custom metadata; in a RecordBatch, field 3 is the compression.
    headers = [_header(message.metadata.to_pybytes()) for message in messages]
    if _field(messages[1].metadata.to_pybytes(), headers[1], 3) is not None:
        raise BatchRefused("batch: compressed")


def _header(metadata: bytes) -> int:
    """Where the header's table stands in a message that has no metadata of its own."""
    (root,) = struct.unpack_from("<I", metadata, 0)
    header = _field(metadata, root, 2)
    if header is None or _field(metadata, root, 4) is not None:
        raise BatchRefused("batch: no header, or metadata that this protocol does not have")
    return header + int(struct.unpack_from("<I", metadata, header)[0])


def _field(metadata: bytes, table: int, index: int) -> int | None:
    """Where field `index` of a FlatBuffers table stands; None if it is absent."""
    (back,) = struct.unpack_from("<i", metadata, table)
    if back > table:
        raise BatchRefused("batch: not an Arrow stream")
    (size,) = struct.unpack_from("<H", metadata, table - back)
    if 4 + 2 * index >= size:
        return None
    (offset,) = struct.unpack_from("<H", metadata, table - back + 4 + 2 * index)
    return table + offset if offset else None


def _has_more(reader: pa.ipc.RecordBatchStreamReader) -> bool:
    try:
        reader.read_next_batch()
    except StopIteration:
        return False
    return True


def _binary(block: np.ndarray, width: int) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(width), len(block), [None, pa.py_buffer(np.ascontiguousarray(block))])


def _matrix(column: pa.Array, width: int) -> np.ndarray:
    flat = np.frombuffer(column.buffers()[1], np.uint8)
    start = column.offset * width
    return flat[start : start + len(column) * width].reshape(len(column), width)
