"""A function being written, in LLVM's intermediate representation, on vectors of `lanes` words of 64 bits."""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from llvmlite import ir

WORD: Final = ir.IntType(64)
BYTE: Final = ir.IntType(8)
POINTER: Final = WORD.as_pointer()
VOID: Final = ir.VoidType()
Value = Any
"""A value of the intermediate representation."""


class Code:
    """One function. What is secret is only ever an operand: all loops count to a number known outside."""

    def __init__(
        self, module: ir.Module, name: str, arguments: list[ir.Type], *, lanes: int, result: ir.Type = VOID
    ) -> None:
        self.module, self.lanes = module, lanes
        self.function = ir.Function(module, ir.FunctionType(result, arguments), name)
        self.function.attributes.add("noinline")
        self.function.attributes.add("nounwind")
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.words = ir.VectorType(WORD, lanes)
        self.doubles = ir.VectorType(ir.DoubleType(), lanes)

    def splat(self, number: int) -> Value:
        """The same number, modulo 2**64, in all lanes."""
        return ir.Constant(self.words, [ir.Constant(WORD, number % 2**64)] * self.lanes)

    def splat_double(self, number: float) -> Value:
        """The same floating-point number in all lanes."""
        return ir.Constant(self.doubles, [ir.Constant(ir.DoubleType(), number)] * self.lanes)

    def number(self, number: int) -> Value:
        """A count or an address: one word, not a vector."""
        return ir.Constant(WORD, number)

    def at(self, pointer: Value, index: Value | int) -> Value:
        """The place `index` words after `pointer`."""
        return self.builder.gep(pointer, [self.number(index) if isinstance(index, int) else index])

    def load(self, pointer: Value, kind: ir.Type | None = None) -> Value:
        """A vector from a place aligned to 64 bytes at most; words unless another kind is named."""
        loaded = self.builder.load(self.builder.bitcast(pointer, (kind or self.words).as_pointer()))
        loaded.align = 8 * self.lanes
        return loaded

    def store(self, pointer: Value, vector: Value) -> None:
        """The opposite of `load`."""
        stored = self.builder.store(vector, self.builder.bitcast(pointer, vector.type.as_pointer()))
        stored.align = 8 * self.lanes

    def gather(self, pointer: Value, stride: int) -> Value:
        """Words that lie `stride` words apart, one for each lane, from places fixed beforehand."""
        vector: Value = ir.Constant(self.words, ir.Undefined)
        for lane in range(self.lanes):
            word = self.builder.load(self.at(pointer, lane * stride))
            word.align = 1
            vector = self.builder.insert_element(vector, word, ir.Constant(ir.IntType(32), lane))
        return vector

    def scatter(self, pointer: Value, stride: int, vector: Value) -> None:
        """The opposite of `gather`."""
        for lane in range(self.lanes):
            word = self.builder.extract_element(vector, ir.Constant(ir.IntType(32), lane))
            self.builder.store(word, self.at(pointer, lane * stride)).align = 1

    @contextlib.contextmanager
    def loop(self, count: Value | int) -> Iterator[Value]:
        """What is written inside runs `count` times, at least once; the loop's number, from 0 on, is given."""
        total = self.number(count) if isinstance(count, int) else count
        before = self.builder.block
        body = self.builder.append_basic_block("body")
        self.builder.branch(body)
        self.builder.position_at_end(body)
        index = self.builder.phi(WORD)
        index.add_incoming(self.number(0), before)
        yield index
        following = self.builder.add(index, self.number(1))
        index.add_incoming(following, self.builder.block)
        after = self.builder.append_basic_block("after")
        self.builder.cbranch(self.builder.icmp_unsigned("<", following, total), body, after)
        self.builder.position_at_end(after)

    def call(self, function: ir.Function, *arguments: Value) -> Value:
        """Call another function of the module."""
        return self.builder.call(function, arguments)

    def end(self) -> ir.Function:
        """Finish a function that returns nothing."""
        self.builder.ret_void()
        return self.function


def intrinsic(module: ir.Module, name: str, result: ir.Type, arguments: list[ir.Type]) -> ir.Function:
    """A function that LLVM itself provides, declared once."""
    found = module.globals.get(name)
    return found if found is not None else ir.Function(module, ir.FunctionType(result, arguments), name)
