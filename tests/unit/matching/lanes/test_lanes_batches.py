"""Batches of every size, over any number of threads: the same rows and the same refusals as libsodium's."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from known_rows import digests, encoded, rows_of, sodium, sodium_hashed, some_points

from matching import group
from matching.group import IDENTITY, Points, Scalar
from matching.lanes import chosen, machine
from matching.lanes.batch import BLOCKS
from matching.lanes.machine import Kernel
from matching.refusal import Refusal

FACTOR = 2**251 + 12345
SCALAR = Scalar(encoded(FACTOR))
HALF = group._half(SCALAR)  # noqa: SLF001
LARGEST = group.BLOCK + 1
DIGESTS = digests(LARGEST)
POINTS = some_points(LARGEST)
SIZES = [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 255, 256, 257, 511, 512, 513, 2047, 2048, LARGEST]


@pytest.fixture(scope="module")
def expected() -> tuple[Points, Points]:
    """By libsodium, row by row: products of the points, and of the digests."""
    points = rows_of([row for point in POINTS if (row := sodium(point, FACTOR))])
    hashed = rows_of([row for digest in DIGESTS if (row := sodium_hashed(digest, FACTOR))])
    assert points.tobytes() == hashed.tobytes()
    return points, hashed


def test_every_size_gives_the_rows_of_one_by_one(kernel: Kernel, expected: tuple[Points, Points]) -> None:
    assert {kernel.lanes * BLOCKS} <= {256, 512}, "sizes beside a call's limit are among SIZES"
    for n in SIZES:
        for made, good, rows in (
            (*kernel.multiply(rows_of(POINTS[:n]), HALF), expected[0]),
            (*kernel.multiply_hashed(rows_of(DIGESTS[:n], 64), HALF), expected[1]),
        ):
            assert (made.shape, made.dtype, good.shape, good.dtype) == ((n, 32), np.uint8, (n,), np.bool_)
            assert good.all()
            assert made.tobytes() == rows[:n].tobytes()


def test_one_by_one(kernel: Kernel, expected: tuple[Points, Points]) -> None:
    for i in range(64):
        made, good = kernel.multiply(rows_of(POINTS[i : i + 1]), HALF)
        assert good.tolist() == [True]
        assert made.tobytes() == expected[0][i].tobytes()


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_any_number_of_threads(
    offered: Kernel, expected: tuple[Points, Points], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "ThreadPoolExecutor", partial(ThreadPoolExecutor, threads))
    monkeypatch.setattr(group, "BLOCK", 300)
    assert chosen.kernel(chosen.WORTH_CALLING) is offered
    assert group.multiply(rows_of(POINTS), SCALAR).tobytes() == expected[0].tobytes()
    messages = [bytes([i % 256, i // 256]) * (i % 150) for i in range(600)]
    found = group.hash_and_multiply(messages, SCALAR, dst=b"threads")
    chosen.offer(None)
    assert found.tobytes() == group.hash_and_multiply(messages, SCALAR, dst=b"threads").tobytes()


BAD = {
    "identity": IDENTITY,
    "bit 255": bytes(31) + b"\x80",
    "negative": encoded(1),
    "no square": bytes.fromhex("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
    "not below p": encoded(2**255 - 19 + 2),
    "xy negative": bytes.fromhex("3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e"),
    "y zero": encoded(2**255 - 20),
}


def outcome(points: Points) -> bytes | tuple[str, str]:
    try:
        return group.multiply(points, SCALAR).tobytes()
    except Refusal as refusal:
        return str(refusal), str(refusal.place)


@pytest.mark.parametrize("bad", BAD)
def test_the_same_refusals_as_libsodium(offered: Kernel, bad: str) -> None:
    blocks = []
    for rows in ((0,), (15,), (16,), (31,), (32,), (40, 3, 8)):
        block = rows_of(POINTS[: max(16, rows[0] + 1 + rows[0] % 3)]).copy()
        block[list(rows)] = np.frombuffer(BAD[bad], np.uint8)
        blocks.append(block)
    assert offered.lanes
    found = [outcome(block) for block in blocks]
    chosen.offer(None)
    assert found == [outcome(block) for block in blocks]
    assert [place for _, place in found] == ["row 0", "row 15", "row 16", "row 31", "row 32", "row 3"]


def test_the_row_at_fault_is_named_in_every_block(offered: Kernel) -> None:
    assert offered.lanes
    for number, row in enumerate((511, 512, 513, 2047, 2048)):
        block = rows_of(POINTS[: row + 1]).copy()
        block[row] = np.frombuffer(list(BAD.values())[number + 1], np.uint8)
        assert outcome(block)[1] == f"row {row}"


def test_the_first_of_several_bad_rows_is_named_alike(offered: Kernel) -> None:
    """Rows that can be seen to be bad come first, in both ways; the others in their order."""
    block = rows_of(POINTS[:64]).copy()
    found = []
    for one, two in ((5, 9), (9, 5)):
        mixed = block.copy()
        mixed[one], mixed[two] = (np.frombuffer(BAD[bad], np.uint8) for bad in ("negative", "bit 255"))
        found.append((mixed, outcome(mixed)))
        mixed = block.copy()
        mixed[one], mixed[two] = (np.frombuffer(BAD[bad], np.uint8) for bad in ("no square", "y zero"))
        found.append((mixed, outcome(mixed)))
    assert offered.lanes
    chosen.offer(None)
    assert [outcome(mixed) for mixed, _ in found] == [before for _, before in found]
    assert [place for _, (_, place) in found] == ["row 9", "row 5", "row 5", "row 5"]


@pytest.mark.parametrize("fails", [False, True])
def test_scratch_memory_is_wiped(kernel: Kernel, monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> None:
    lent: list[machine.Words] = []
    used: list[bool] = []

    def aligned(words: int) -> machine.Words:
        lent.append(real(words))
        return lent[-1]

    def works(*arguments: int) -> None:
        function(*arguments)
        used.extend(bool(memory.any()) for memory in lent)
        if fails:
            raise RuntimeError

    real, function = machine._aligned, kernel._points  # noqa: SLF001
    monkeypatch.setattr(machine, "_aligned", aligned)
    monkeypatch.setattr(kernel, "_points", works)
    with pytest.raises(RuntimeError) if fails else contextlib.nullcontext():
        kernel.multiply(rows_of(POINTS[:1]), HALF)
    assert used == [True, True]
    assert [bool(memory.any()) for memory in lent] == [False, False]
