import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from golden import load
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleanroom.messages import batches
from cleanroom.messages.batches import (
    CHUNK_ROWS,
    MAX_BYTES,
    BatchRefused,
    chunk_count,
    chunk_rows,
    decode,
    encode,
    schema,
)
from matching import rows
from matching.rows import Rows

GOLDEN: dict[str, Any] = load("chunks.json")
CANARY = b"kanarienvogel!!!"


def sample(n: int, width: int = 16, seed: int = 0) -> Rows:
    generator = np.random.default_rng(seed)

    def block(*shape: int) -> np.ndarray:
        return generator.integers(0, 256, shape, np.uint8)

    return Rows(name=block(n, 16), op=block(n), segment=block(n), kind=block(n), value=block(n, width))


def columns(batch: Rows) -> list[pa.Array]:
    width = batch.value.shape[1]

    def binary(block: np.ndarray, size: int) -> pa.Array:
        return pa.array([row.tobytes() for row in block], pa.binary(size))

    small = [pa.array(column, pa.uint8()) for column in (batch.op, batch.segment, batch.kind)]
    return [binary(batch.name, 16), *small, binary(batch.value, width)]


def stream(
    wanted: pa.Schema,
    batch_list: Sequence[pa.RecordBatch],
    options: pa.ipc.IpcWriteOptions | None = None,
    **extra: object,
) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, wanted, options=options) as writer:
        for batch in batch_list:
            writer.write_batch(batch, **extra)
    return bytes(sink.getvalue())


def written(batch: Rows, options: pa.ipc.IpcWriteOptions | None = None, **extra: object) -> bytes:
    """As `encode`, but built by pyarrow from Python objects, with any options."""
    wanted = schema(batch.value.shape[1])
    return stream(wanted, [pa.record_batch(columns(batch), schema=wanted)], options, **extra)


def refused(data: bytes, *, n: int = 5, width: int = 16) -> str:
    with pytest.raises(BatchRefused) as refusal:
        decode(data, value_bytes=width, rows=n)
    message = str(refusal.value)
    assert CANARY.decode() not in message
    assert refusal.value.__cause__ is None
    assert len(message) < 120
    return message


GOOD = encode(sample(5))


# ---- golden bytes and round trips


@pytest.mark.parametrize("case", GOLDEN["chunks"], ids=lambda case: f"values of {case['value_bytes']} bytes")
def test_golden_chunks_are_read(case: dict[str, Any]) -> None:
    assert set(case) == {"value_bytes", "rows", "leaves", "arrow"}
    found = decode(bytes.fromhex(case["arrow"]), value_bytes=case["value_bytes"], rows=case["rows"])
    assert found.leaves().hex() == case["leaves"]
    again = decode(encode(found), value_bytes=case["value_bytes"], rows=case["rows"])
    assert again.leaves() == found.leaves()


@pytest.mark.skipif(
    pa.__version__ != GOLDEN["pyarrow"], reason="the encoder's bytes are pyarrow's, see golden/README.md"
)
@pytest.mark.parametrize("case", GOLDEN["chunks"], ids=lambda case: f"values of {case['value_bytes']} bytes")
def test_golden_chunks_are_written(case: dict[str, Any]) -> None:
    found = rows.from_leaves(bytes.fromhex(case["leaves"]), case["value_bytes"])
    assert encode(found).hex() == case["arrow"]


@pytest.mark.parametrize("width", [16, 32])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 63, 64, 65, CHUNK_ROWS - 1, CHUNK_ROWS])
def test_chunks_and_back(n: int, width: int) -> None:
    batch = sample(n, width)
    data = encode(batch)
    assert len(data) <= MAX_BYTES
    assert decode(data, value_bytes=width, rows=n).leaves() == batch.leaves()
    assert decode(written(batch), value_bytes=width, rows=n).leaves() == batch.leaves()


def test_views_of_larger_arrays_are_written_by_their_own_order() -> None:
    batch = sample(100)
    for which in (slice(None, None, -3), slice(10, 20)):
        part = batch.take(which)
        assert decode(encode(part), value_bytes=16, rows=len(part)).leaves() == part.leaves()


def test_chunks_of_a_list() -> None:
    assert [chunk_count(n) for n in (0, 1, CHUNK_ROWS, CHUNK_ROWS + 1)] == [0, 1, 1, 2]
    assert [chunk_rows(2 * CHUNK_ROWS + 3, i) for i in range(3)] == [CHUNK_ROWS, CHUNK_ROWS, 3]
    for total, index in ((0, 0), (CHUNK_ROWS, 1), (5, -1)):
        with pytest.raises(BatchRefused):
            chunk_rows(total, index)


# ---- refusals


@pytest.mark.parametrize("n", [0, 1, 4, 6, CHUNK_ROWS])
def test_another_number_of_rows_is_refused(n: int) -> None:
    assert "number of rows" in refused(GOOD, n=n)


def test_values_of_another_width_are_refused() -> None:
    assert "columns" in refused(encode(sample(5, 32)), width=16)
    assert "columns" in refused(encode(sample(5, 16)), width=32)


def test_every_truncation_is_refused() -> None:
    for length in range(len(GOOD)):
        refused(GOOD[:length])


@pytest.mark.parametrize("more", [b"\x00", b"\xff\xff\xff\xff\x00\x00\x00\x00", GOOD, CANARY, bytes(8), bytes(100_000)])
def test_trailing_bytes_are_refused(more: bytes) -> None:
    refused(GOOD + more)
    refused(GOOD[:-8] + more + GOOD[-8:])


def test_leading_bytes_are_refused() -> None:
    refused(b"\x00" + GOOD)
    refused(GOOD[8:])


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
@pytest.mark.parametrize("n", [5, CHUNK_ROWS])
def test_compression_is_refused(codec: str, n: int) -> None:
    batch = sample(n)
    batch.value[:] = 7
    assert refused(written(batch, pa.ipc.IpcWriteOptions(compression=codec)), n=n) == "batch: compressed"


@pytest.mark.parametrize("claim", [2**20, 2**40, 2**62])
def test_what_a_compressed_batch_claims_to_become_is_never_allocated(claim: int) -> None:
    data = bytearray(written(sample(64), pa.ipc.IpcWriteOptions(compression="zstd")))
    start = data.index(b"\x28\xb5\x2f\xfd") - 8  # the first zstd frame, behind its uncompressed length
    struct.pack_into("<q", data, start, claim)
    before = pa.default_memory_pool().max_memory()
    assert refused(bytes(data), n=64) == "batch: compressed"
    assert pa.default_memory_pool().max_memory() - before < 2**20


def test_several_batches_or_none_are_refused() -> None:
    wanted = schema(16)
    batch = pa.record_batch(columns(sample(5)), schema=wanted)
    for several in ([], [batch, batch], [batch.slice(0, 2), batch.slice(2)], [batch, batch.slice(0, 0)]):
        refused(stream(wanted, several))


def test_a_slice_of_a_larger_batch_is_read_as_what_it_is() -> None:
    whole = sample(20)
    batch = pa.record_batch(columns(whole), schema=schema(16)).slice(3, 5)
    found = decode(stream(schema(16), [batch]), value_bytes=16, rows=5)
    assert found.leaves() == whole.take(slice(3, 8)).leaves()


def changed_schema(
    change: Callable[[list[pa.Field]], list[pa.Field]], metadata: dict[str, str] | None = None
) -> pa.Schema:
    return pa.schema(change(list(schema(16))), metadata=metadata)


SCHEMAS: dict[str, pa.Schema] = {
    "nullable": changed_schema(lambda fields: [field.with_nullable(nullable=True) for field in fields]),
    "renamed": changed_schema(lambda fields: [fields[0].with_name(CANARY.decode()), *fields[1:]]),
    "field metadata": changed_schema(lambda fields: [fields[0].with_metadata({"a": "b"}), *fields[1:]]),
    "schema metadata": changed_schema(lambda fields: fields, {"a": "b"}),
    "pandas metadata": changed_schema(lambda fields: fields, {"pandas": "{}"}),
    "int8": changed_schema(lambda fields: [fields[0], fields[1].with_type(pa.int8()), *fields[2:]]),
    "bool": changed_schema(lambda fields: [fields[0], fields[1].with_type(pa.bool_()), *fields[2:]]),
    "uint16": changed_schema(lambda fields: [*fields[:3], fields[3].with_type(pa.uint16()), fields[4]]),
    "binary": changed_schema(lambda fields: [fields[0].with_type(pa.binary()), *fields[1:]]),
    "large binary": changed_schema(lambda fields: [fields[0].with_type(pa.large_binary()), *fields[1:]]),
    "another width": changed_schema(lambda fields: [*fields[:4], fields[4].with_type(pa.binary(17))]),
    "dictionary": changed_schema(
        lambda fields: [fields[0], fields[1].with_type(pa.dictionary(pa.int8(), pa.uint8())), *fields[2:]]
    ),
    "dictionary of values": changed_schema(
        lambda fields: [*fields[:4], fields[4].with_type(pa.dictionary(pa.int32(), pa.binary(16)))]
    ),
    "nested": changed_schema(lambda fields: [*fields[:4], fields[4].with_type(pa.list_(pa.uint8(), 16))]),
    "extra": changed_schema(lambda fields: [*fields, pa.field("more", pa.uint8(), nullable=False)]),
    "missing": changed_schema(lambda fields: fields[:4]),
    "order": changed_schema(lambda fields: [fields[0], fields[2], fields[1], *fields[3:]]),
    "none": pa.schema([]),
}


@pytest.mark.parametrize("wanted", SCHEMAS.values(), ids=SCHEMAS)
def test_other_schemas_are_refused(wanted: pa.Schema) -> None:
    assert not wanted.equals(schema(16), check_metadata=True)
    arrays = [pa.nulls(5, field.type).fill_null(_zero(field.type)) for field in wanted]
    refused(stream(wanted, [pa.RecordBatch.from_arrays(arrays, schema=wanted)]))


def _zero(kind: pa.DataType) -> Any:  # noqa: ANN401 - whatever the type holds
    if pa.types.is_dictionary(kind):
        return _zero(kind.value_type)
    if pa.types.is_fixed_size_list(kind):
        return pa.scalar([0] * 16, kind)
    if pa.types.is_fixed_size_binary(kind):
        return pa.scalar(bytes(kind.byte_width), kind)
    return (
        pa.scalar(b"", kind)
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
        else pa.scalar(0, pa.int8()).cast(kind)
    )


@pytest.mark.parametrize("column", range(5))
def test_nulls_are_refused_though_the_schema_excludes_them(column: int) -> None:
    arrays = columns(sample(5))
    arrays[column] = pa.array([*arrays[column].to_pylist()[:4], None], arrays[column].type)
    refused(stream(schema(16), [pa.RecordBatch.from_arrays(arrays, schema=schema(16))]))


def test_metadata_of_the_batch_is_refused() -> None:
    """Else every chunk has room for a message that no signature covers and no reader looks at."""
    assert "metadata" in refused(written(sample(5), custom_metadata={"note": CANARY.decode()}))


def test_older_metadata_versions_are_refused() -> None:
    options = pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4)
    assert "version" in refused(written(sample(5), options))
    refused(written(sample(5), pa.ipc.IpcWriteOptions(use_legacy_format=True)))


def test_the_file_format_is_refused() -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, schema(16)) as writer:
        writer.write_batch(pa.record_batch(columns(sample(5)), schema=schema(16)))
    refused(bytes(sink.getvalue()))


def test_more_than_a_chunk_can_be_is_refused_before_it_is_read() -> None:
    assert "larger" in refused(bytes(MAX_BYTES + 1))
    assert "larger" in refused(CANARY * 655_360)
    big = sample(CHUNK_ROWS * 2)
    assert "larger" in refused(encode(big), n=CHUNK_ROWS * 2)


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\x00", bytes(64), b"\xff" * 64, CANARY * 60_000, json.dumps({"rows": []}).encode(), b"ARROW1\x00\x00" * 9],
)
def test_garbage_is_refused(garbage: bytes) -> None:
    refused(garbage)


# ---- fuzz: nothing but BatchRefused comes out, and what is read is what was announced


def attempt(data: bytes, *, n: int = 5) -> None:
    try:
        found = decode(data, value_bytes=16, rows=n)
    except BatchRefused:
        return
    assert len(found) == n
    assert found.value.shape == (n, 16)
    assert all(getattr(found, column).dtype == np.uint8 for column in ("name", "op", "segment", "kind", "value"))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=600))
def test_fuzz_bytes(data: bytes) -> None:
    attempt(data)
    attempt(GOOD[:8] + data)
    attempt(data + GOOD[-8:])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_fuzz_changed_bytes(changes: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for place, value in changes:
        data[place] = value
    attempt(bytes(data))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, len(GOOD) // 4 - 1),
    st.sampled_from([0, 1, 2, 0x7F, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 64, 4096]),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_fuzz_words_and_lengths(word: int, value: int, cut: int, length: int) -> None:
    """Flatbuffers are little-endian words of lengths and offsets: these are where a reader would run away."""
    data = bytearray(GOOD)
    struct.pack_into("<I", data, 4 * word, value)
    attempt(bytes(data))
    attempt(bytes(data[:cut] + data[cut + length :]))


def test_every_single_byte_at_its_extremes() -> None:
    for place in range(len(GOOD)):
        for value in (0x00, 0x01, 0x7F, 0x80, 0xFF):
            data = bytearray(GOOD)
            data[place] = value
            attempt(bytes(data))


def test_the_code_is_stable() -> None:
    assert (batches.BatchRefused.code, batches.MEDIA_TYPE) == ("batch_refused", "application/vnd.apache.arrow.stream")
