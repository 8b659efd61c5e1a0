"""Single functions of the kernels, compiled by themselves and called with chosen limbs."""

import ctypes
from collections.abc import Callable, Sequence
from typing import Final

import llvmlite.binding as llvm
import numpy as np
import numpy.typing as npt
from llvmlite import ir

from matching.lanes.code import POINTER, Code, Value
from matching.lanes.field import LIMBS, Element, Field, P, Wide
from matching.lanes.fma import Fma
from matching.lanes.machine import Variant, cpu

Words = npt.NDArray[np.uint64]
Limbs = tuple[int, int, int, int, int]
Result = Element | Wide | Value
Operation = Callable[[Field, Element, Element, Value], Sequence[Result]]
LONGEST: Final = 8
"""Results of an operation, at most."""


class Written:
    """A module of functions `name(places...)`, compiled for this CPU."""

    def __init__(self, module: ir.Module) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        module.triple = llvm.get_process_triple()
        name, features = cpu()
        machine = llvm.Target.from_triple(module.triple).create_target_machine(cpu=name, features=features, jit=True)
        parsed = llvm.parse_assembly(str(module))
        parsed.verify()
        passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
        passes.getModulePassManager().run(parsed, passes)
        self._engine = llvm.create_mcjit_compiler(parsed, machine)
        self._engine.finalize_object()

    def call(self, name: str, *places: Words) -> None:
        address = self._engine.get_function_address(name)
        ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(places))(address)(*[place.ctypes.data for place in places])


def aligned(words: int) -> Words:
    made = np.zeros(words + 8, np.uint64)
    start = -made.ctypes.data % 64 // 8
    return made[start : start + words]


class Memory:
    """How a variant keeps elements: `LIMBS` rows of one word for each lane."""

    def __init__(self, variant: Variant) -> None:
        self.field, self.lanes = variant.field, variant.lanes
        self.doubles = issubclass(variant.field, Fma)

    def put(self, elements: Sequence[Sequence[Limbs]]) -> Words:
        """Elements in a row, each given as its limbs in every lane."""
        place = aligned(len(elements) * LIMBS * self.lanes)
        limbs = [limb for element in elements for limb in zip(*element, strict=True)]
        flat = np.array(limbs, np.float64).view(np.uint64) if self.doubles else np.array(limbs, np.uint64)
        place[:] = flat.reshape(-1)
        return place

    def taken(self, words: Words) -> list[Limbs]:
        """An element's limbs in every lane."""
        rows = words.reshape(LIMBS, self.lanes)
        rows = rows.view(np.float64) if self.doubles else rows
        assert np.array_equal(rows, np.trunc(rows) if self.doubles else rows), "a limb is no integer"
        return [tuple(map(int, lane)) for lane in rows.T.tolist()]  # type: ignore[misc]

    def number(self, limbs: Limbs) -> int:
        """What the limbs stand for; not reduced."""
        if not self.doubles:
            limbs = (*(limb % 2**52 for limb in limbs[:-1]), limbs[-1])  # type: ignore[assignment]
        return sum(limb << (i * self.field.RADIX) for i, limb in enumerate(limbs))

    def limbs(self, number: int) -> Limbs:
        """Limbs of a number below p, as a carry leaves them."""
        rest, made = number % P, []
        for i in range(LIMBS):
            bits = min(self.field.RADIX, 255 - i * self.field.RADIX)
            limb, rest = rest % 2**bits, rest >> bits
            if self.doubles and limb > 2**50:
                limb, rest = limb - 2**51, rest + 1
            made.append(limb)
        made[0] += 19 * rest
        return tuple(made)  # type: ignore[return-value]

    def small(self, limbs: Limbs, bound: int) -> bool:
        """Whether the limbs keep to the bound that was stated while the code was written."""
        return all(abs(limb) <= bound for limb in limbs) if self.doubles else limbs[-1] <= bound


class Operations:
    """Each operation as a function on two elements and a mask, with what it stated of its results' sizes."""

    def __init__(self, variant: Variant, operations: dict[str, Operation]) -> None:
        self.memory, self.lanes = Memory(variant), variant.lanes
        self.stated: dict[str, list[Result]] = {}
        module = ir.Module("operations")
        for name, operation in operations.items():
            code = Code(module, name, [POINTER] * 4, lanes=variant.lanes)
            field = variant.field(code)
            out, one, two, mask = code.function.args
            results = operation(field, field.load(one), field.load(two), code.load(mask))
            self.stated[name] = list(results)
            for number, result in enumerate(results):
                vectors = result.limbs if isinstance(result, Element) else getattr(result, "columns", [result])
                for row, vector in enumerate(vectors):
                    code.store(code.at(out, (number * LIMBS + row) * variant.lanes), vector)
            code.end()
        self._written = Written(module)

    def __call__(self, name: str, ones: Sequence[Limbs], twos: Sequence[Limbs], masks: Sequence[int]) -> list[Words]:
        """The words of each result, (LIMBS, lanes), or (1, lanes) for a vector."""
        out, mask = aligned(LONGEST * LIMBS * self.lanes), aligned(self.lanes)
        mask[:] = masks
        self._written.call(name, out, self.memory.put([ones]), self.memory.put([twos]), mask)
        results = out.reshape(LONGEST, LIMBS, self.lanes)[: len(self.stated[name])]
        return [
            words if isinstance(result, Element | Wide) else words[:1]
            for words, result in zip(results, self.stated[name], strict=True)
        ]
