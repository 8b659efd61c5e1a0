"""`make fuzz`: random and mutated rows through the fast kernel, which must say of each what libsodium says.

    .venvs/fuzz/bin/python -m bench.fuzz_group [--seconds S]

Atheris mutates inputs and keeps those that reach new Python code: here one branch for each kind of verdict. An input is
a scalar and up to 48 rows, encodings of 32 bytes or uniform bytes of 64. Ends with 0 after so many seconds, or with the
input that the two disagree on, in hexadecimal.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-untyped]  # in .venvs/fuzz
import numpy as np
import rbcl

from matching.group import IDENTITY, ONE_HALF, ORDER
from matching.lanes.field import P
from matching.lanes.machine import GENERATOR, VARIANTS, Kernel, compiled, runs_here

SECONDS = 60
SCALAR, ROWS = 32, 48
HEADER = 1 + SCALAR


def main() -> None:
    """Fuzz until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    seconds = parser.parse_args().seconds
    kernels = [Kernel(variant, compiled(variant)) for variant in VARIANTS if runs_here(variant)]
    if not kernels:
        raise SystemExit("no fast kernel runs on this CPU")
    print(f"{', '.join(kernel.name for kernel in kernels)} beside libsodium, {seconds} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / f"seed{number}").write_bytes(seed)
        options = [f"-max_total_time={seconds}", f"-max_len={HEADER + 64 * ROWS}", f"-artifact_prefix={folder}/"]
        atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", folder], target(kernels))
        atheris.Fuzz()


def target(kernels: list[Kernel]) -> Callable[[bytes], None]:
    """What is run on each input: all kernels, and libsodium row by row."""

    def both(given: bytes) -> None:
        if len(given) < HEADER:
            return
        width = 64 if given[0] & 1 else 32
        factor = int.from_bytes(given[1:HEADER], "little") % ORDER
        rows = [given[at : at + width] for at in range(HEADER, len(given) - width + 1, width)][:ROWS]
        expected = [verdict(row, factor) for row in rows]
        array = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, width)
        half = (factor * int.from_bytes(ONE_HALF, "little") % ORDER).to_bytes(32, "little")
        for kernel in kernels:
            multiply: Any = kernel.multiply if width == SCALAR else kernel.multiply_hashed
            made, good = multiply(array, half)
            found = [row.tobytes() if valid else None for row, valid in zip(made, good, strict=True)]
            if found != expected:
                raise AssertionError(f"{kernel.name} and libsodium disagree on {given.hex()}")

    return both


@atheris.instrument_func  # type: ignore[untyped-decorator]
def verdict(row: bytes, factor: int) -> bytes | None:
    """The product by libsodium; None for what is no point, or a product that is the identity."""
    if len(row) == 2 * SCALAR:
        row = rbcl.crypto_core_ristretto255_from_hash(row)
    if row[31] >= 0x80:  # noqa: PLR2004 - bit 255, see `matching.group`
        return None
    if row == IDENTITY:
        return None
    if not rbcl.crypto_core_ristretto255_is_valid_point(row):
        return None
    if not factor:
        return None
    product: bytes = rbcl.crypto_scalarmult_ristretto255(factor.to_bytes(SCALAR, "little"), row)
    return product


def seeds() -> Iterator[bytes]:
    """Inputs to begin with: points, numbers at the borders, scalars of each sort."""
    points = [rbcl.crypto_scalarmult_ristretto255_base(n.to_bytes(SCALAR, "little")) for n in range(1, 17)]
    near = [(base + n).to_bytes(SCALAR, "little") for base in (P, 2**255) for n in range(-19, 19)]
    powers = [(2**at - n).to_bytes(SCALAR, "little") for at in range(0, 256, 17) for n in (0, 1)]
    for factor in (1, 2, ORDER - 1, 2**252 - 1, int("8" * 62, 16), int("7" * 62, 16)):
        for rows in (points, near, powers, [GENERATOR]):
            for width in (0, 1):
                yield bytes([width]) + factor.to_bytes(SCALAR, "little") + b"".join(rows * (1 + width))


if __name__ == "__main__":
    main()
