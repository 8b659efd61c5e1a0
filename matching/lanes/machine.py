"""From written code to functions that run: the variants, the compiler, and a kernel loaded into this process.

A variant is a form of multiplication on so many lanes. `best` picks one by what the CPU says of itself; a kernel that
does not give the known answers when it is loaded is refused. Compiling takes a few seconds and gives bytes, which the
caller may keep: nothing here reads or writes a file.
"""

import ctypes
import sys
from dataclasses import dataclass
from typing import Final

import llvmlite
import llvmlite.binding as llvm
import numpy as np
import numpy.typing as npt
from llvmlite import ir

from matching.lanes import combine, sha2
from matching.lanes.batch import BLOCKS, ROOM, Batch
from matching.lanes.combine import Combine
from matching.lanes.field import Field
from matching.lanes.fips180 import SHA256, SHA512
from matching.lanes.fma import Fma
from matching.lanes.ifma import Ifma
from matching.lanes.known import self_test
from matching.lanes.point import MASKS, WINDOWS
from matching.lanes.powers import TOGETHER
from matching.lanes.recode import recode

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

GENERATOR: Final = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
"""RFC 9496 appendix A.1, the first multiple: what rows are filled up with."""


@dataclass(frozen=True)
class Variant:
    """A form of multiplication, its lanes, and the CPU features that it needs (as LLVM names them)."""

    name: str
    field: type[Field]
    lanes: int
    needs: frozenset[str]


VARIANTS: Final = (
    Variant("ifma-8", Ifma, 8, frozenset({"avx512f", "avx512dq", "avx512vl", "avx512bw", "avx512ifma"})),
    Variant("ifma-4", Ifma, 4, frozenset({"avx512f", "avx512vl", "avx512ifma"})),
    Variant("fma-4", Fma, 4, frozenset({"avx2", "fma"})),
)
"""Best first. 256-bit IFMA outside AVX-512 (AVX-IFMA) is never chosen: it could not be tested."""


def best() -> Variant | None:
    """The first variant that this machine can run; None where libsodium is all there is."""
    return next((variant for variant in VARIANTS if runs_here(variant)), None)


def runs_here(variant: Variant) -> bool:
    """Whether the CPU has what the variant needs. Tried on Linux only."""
    features = llvm.get_host_cpu_features()
    return sys.platform == "linux" and all(features.get(need, False) for need in variant.needs)


def cpu() -> tuple[str, str]:
    """LLVM's name and features of this CPU; whole 512-bit vectors where it has them."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten() + ",-prefer-256-bit"


def versions() -> str:
    """Of what compiles: part of the name under which compiled code may be kept."""
    return f"llvmlite {llvmlite.__version__}, LLVM {'.'.join(map(str, llvm.llvm_version_info))}"


def written(variant: Variant) -> str:
    """The variant's module, in LLVM's intermediate representation."""
    module = ir.Module(variant.name)
    module.triple = llvm.get_process_triple()
    Combine(Batch(module, variant.field, lanes=variant.lanes))
    recode(module)
    sha2.write(module, SHA512, lanes=variant.lanes)
    sha2.write(module, SHA256, lanes=2 * variant.lanes)
    return str(module)


def compiled(variant: Variant, *, cpu_name: str = "", features: str = "", assembly: bool = False) -> bytes:
    """Machine code as an object file (or as assembly text), for this CPU unless another is named."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = _machine(cpu_name, features) if cpu_name else _machine(*cpu())
    module = llvm.parse_assembly(written(variant))
    module.verify()
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    made: bytes = machine.emit_assembly(module).encode() if assembly else machine.emit_object(module)
    return made


def _machine(cpu_name: str, features: str) -> llvm.TargetMachine:
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(cpu=cpu_name, features=features, opt=3, jit=True)


class Kernel:
    """Compiled code in this process. Safe to call from several threads, which then run side by side."""

    def __init__(self, variant: Variant, machine_code: bytes) -> None:
        """Load it and put it to the test.

        Raises:
            ValueError: if it does not give the known answers, or is not for this CPU.
        """
        if not runs_here(variant):
            raise ValueError(f"this CPU cannot run {variant.name}")
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.name, self.lanes = variant.name, variant.lanes
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(*cpu()))
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(machine_code))
        self._engine.finalize_object()
        place, count = ctypes.c_void_p, ctypes.c_int64
        self._points = self._function("multiply_points", place, place, place, place, count, place)
        self._hashed = self._function("multiply_hashed", place, place, place, place, count, place)
        self._combine = self._function("combine", place, place, place, place, count, place)
        self._recode = self._function("recode", place, place)
        self._sha512 = self._function("sha512", place, place, count, count)
        self._sha256 = self._function("sha256", place, place, count, count)
        self_test(self)

    def _function(self, name: str, *arguments: type) -> "ctypes._FuncPointer":
        address = self._engine.get_function_address(name)
        if not address:
            raise ValueError(f"the compiled code has no {name}")
        return ctypes.CFUNCTYPE(None, *arguments)(address)

    def multiply(self, points: Bytes, half: bytes) -> tuple[Bytes, npt.NDArray[np.bool_]]:
        """Twice `half` times each point.

        Args:
            points: (n, 32) uint8 encodings.
            half: a scalar below the group order, 32 bytes, little-endian: half of what is multiplied by.

        Returns:
            (n, 32) uint8 encodings, and (n,) bool: False where a row is no canonical encoding, or the product is the
            identity. Such rows are zero.
        """
        filling = np.frombuffer(GENERATOR, np.uint8)
        return self._batch(self._points, points, half, filling)

    def multiply_hashed(self, uniform: Bytes, half: bytes) -> tuple[Bytes, npt.NDArray[np.bool_]]:
        """As `multiply`, of the points that (n, 64) uint8 uniform bytes map to (RFC 9496 section 4.3.4)."""
        return self._batch(self._hashed, uniform, half, np.ones(64, np.uint8))

    def _batch(
        self, function: "ctypes._FuncPointer", rows: Bytes, half: bytes, filling: Bytes
    ) -> tuple[Bytes, npt.NDArray[np.bool_]]:
        n = len(rows)
        given, full = self._filled(rows, filling)
        out, valid = np.empty((full, 32), np.uint8), np.empty(full, np.uint64)
        room, masks = _aligned(ROOM * 5 * self.lanes), _aligned(WINDOWS * MASKS)
        try:
            self._recode(masks.ctypes.data, half)
            for start in range(0, full, BLOCKS * self.lanes):
                count = min(BLOCKS * self.lanes, full - start)
                function(
                    out[start:].ctypes.data,
                    valid[start:].ctypes.data,
                    given[start:].ctypes.data,
                    masks.ctypes.data,
                    count // self.lanes,
                    room.ctypes.data,
                )
        finally:
            room.fill(0)
            masks.fill(0)
        good = valid[:n] != 0
        out[:n][~good] = 0
        return out[:n], good

    def _filled(self, rows: Bytes, filling: Bytes) -> tuple[Bytes, int]:
        """The rows and more of them, up to a number that the kernel takes; and that number."""
        n, width = rows.shape
        full = -(-n // (TOGETHER * self.lanes)) * TOGETHER * self.lanes
        given = np.empty((full, width), np.uint8)
        given[:n], given[n:] = rows, filling
        return given, full

    def combine(self, points: Bytes, halves: Bytes) -> tuple[Bytes, npt.NDArray[np.bool_]]:
        """The sum of twice each weight times its point, in as many parts as there are lanes.

        Args:
            points: (n, 32) uint8 encodings.
            halves: (n, 32) uint8, little-endian, each below the group order: half of each weight. They are public.

        Returns:
            (lanes, 32) uint8 encodings that add up to the sum, and (n,) bool: False for rows that encode no point; then
            the sum means nothing.
        """
        n = len(points)
        given, full = self._filled(points, np.frombuffer(GENERATOR, np.uint8))
        digits = np.zeros((combine.WINDOWS, full), np.int16)
        carry = np.zeros(n, np.int16)
        for window in range(combine.WINDOWS):
            digit = halves[:, window] + carry
            carry = (digit >= 2 ** (combine.WINDOW_BITS - 1)).astype(np.int16)
            digits[window, :n] = digit - (carry << combine.WINDOW_BITS)
        out, valid = np.empty((self.lanes, 32), np.uint8), np.empty(full, np.uint64)
        room = _aligned((combine.SHARED_ROOM + 4 * full // self.lanes) * 5 * self.lanes)
        self._combine(
            out.ctypes.data,
            valid.ctypes.data,
            given.ctypes.data,
            digits.ctypes.data,
            full // self.lanes,
            room.ctypes.data,
        )
        return out, valid[:n] != 0

    def sha512(self, rows: Bytes, initial: Words) -> Bytes:
        """(n, 64) uint8: from `initial` (8 words) over rows of whole, padded blocks of 128 bytes."""
        return self._hash(self._sha512, rows, initial.astype(">u8"), self.lanes, SHA512.block)

    def sha256(self, rows: Bytes, initial: Words) -> Bytes:
        """(n, 32) uint8: from `initial` (8 words) over rows of whole, padded blocks of 64 bytes."""
        return self._hash(self._sha256, rows, initial.astype(">u4"), 2 * self.lanes, SHA256.block)

    def _hash(
        self,
        function: "ctypes._FuncPointer",
        rows: Bytes,
        initial: npt.NDArray[np.unsignedinteger],
        lanes: int,
        block: int,
    ) -> Bytes:
        n, width = rows.shape
        if width % block or not width:
            raise ValueError("rows are whole blocks")
        full = -(-n // lanes) * lanes
        given = np.zeros((full, width), np.uint8)
        given[:n] = rows
        state = np.tile(initial, (full, 1))
        if full:
            function(state.ctypes.data, given.ctypes.data, width // block, full // lanes)
        return state.view(np.uint8).reshape(full, -1)[:n]


def _aligned(words: int) -> Words:
    """Zeroed words from an address that is a multiple of 64."""
    made = np.zeros(words + 8, np.uint64)
    start = -made.ctypes.data % 64 // 8
    return made[start : start + words]
