"""Integers modulo p = 2**255 - 19 on lanes: what both forms of multiplication share.

An `Element` is five limbs, a vector each. A `Wide` is what a multiplication leaves before its carries: five columns,
which may first be added to others. Bounds are intervals of Python numbers that travel with every value *while the code
is written*: a formula that could overflow does not compile.

Slow paths call one function for a multiplication (`*`); the point formulas write theirs out (`product`, `square_of`).
"""

import abc
from dataclasses import dataclass
from typing import Any, Final, Self

from llvmlite import ir

from matching.lanes.code import POINTER, Code, Value

P: Final = 2**255 - 19
LIMBS: Final = 5


class Element:
    """A field element on lanes: limbs, and the largest magnitude that a limb may have."""

    __slots__ = ("bound", "field", "limbs")

    def __init__(self, field: "Field", limbs: list[Value], bound: int) -> None:
        self.field, self.limbs, self.bound = field, limbs, bound

    def __mul__(self, other: "Element") -> "Element":
        return self.field.multiplied(self, other)

    def __add__(self, other: "Element") -> "Element":
        return self.field.sum_of(self, other)

    def __sub__(self, other: "Element") -> "Element":
        return self.field.difference(self, other)

    def __neg__(self) -> "Element":
        return self.field.constant(0) - self

    def squared(self) -> "Element":
        """Its square."""
        return self.field.multiplied(self, self)


@dataclass(slots=True)
class Wide:
    """Five columns: column i stands for `(columns[i] + shift[i]) * 2**(i * radix)`, and lies in low[i] to high[i].

    The shift is a constant that is added once, with the carries.
    """

    field: "Field"
    columns: list[Value]
    shift: list[int]
    low: list[int]
    high: list[int]

    def __add__(self, other: "Wide") -> "Wide":
        return Wide(
            self.field,
            [self.field.code.builder.add(a, b) for a, b in zip(self.columns, other.columns, strict=True)],
            [a + b for a, b in zip(self.shift, other.shift, strict=True)],
            [a + b for a, b in zip(self.low, other.low, strict=True)],
            [a + b for a, b in zip(self.high, other.high, strict=True)],
        )

    def __sub__(self, other: "Wide") -> "Wide":
        return Wide(
            self.field,
            [self.field.code.builder.sub(a, b) for a, b in zip(self.columns, other.columns, strict=True)],
            [a - b for a, b in zip(self.shift, other.shift, strict=True)],
            [a - b for a, b in zip(self.low, other.high, strict=True)],
            [a - b for a, b in zip(self.high, other.low, strict=True)],
        )

    def carried(self) -> Element:
        """The element, its limbs small again."""
        return self.field.carry(self)


class Field(abc.ABC):
    """Arithmetic written into one function."""

    NAME: str
    RADIX: int
    """Bits of a limb; the topmost has what is left of 255."""
    CARRIED: int
    """The largest magnitude of a limb after `carry`, and of every limb in memory."""

    def __init__(self, code: Code) -> None:
        self.code = code

    @property
    def element_words(self) -> int:
        """Words that an element takes in memory."""
        return LIMBS * self.code.lanes

    def within(self, code: Code) -> Self:
        """The same arithmetic, written into another function."""
        return type(self)(code)

    # ---- what the two forms differ in

    @abc.abstractmethod
    def product(self, one: Element, two: Element) -> Wide:
        """The product, written out here."""

    @abc.abstractmethod
    def square_of(self, one: Element) -> Wide:
        """The square, written out here."""

    @abc.abstractmethod
    def carry(self, wide: Wide) -> Element:
        """Small limbs again."""

    @abc.abstractmethod
    def sum_of(self, one: Element, two: Element) -> Element:
        """`one + two`."""

    @abc.abstractmethod
    def difference(self, one: Element, two: Element) -> Element:
        """`one - two`."""

    @abc.abstractmethod
    def loose_sum(self, one: Element, two: Element) -> Element:
        """`one + two`, fit for one factor of a product only; the other factor must have small limbs."""

    @abc.abstractmethod
    def loose_difference(self, one: Element, two: Element) -> Element:
        """`one - two`, as `loose_sum`."""

    @abc.abstractmethod
    def constant(self, number: int) -> Element:
        """The same number in all lanes."""

    @abc.abstractmethod
    def from_limbs(self, limbs: list[Value]) -> Element:
        """From integers below 2**RADIX."""

    @abc.abstractmethod
    def to_columns(self, one: Element) -> Wide:
        """As integers."""

    @abc.abstractmethod
    def select(self, mask: Value, one: Element, two: Element) -> Element:
        """`one` in lanes where the mask is all ones, `two` where it is zero."""

    # ---- memory

    def load(self, pointer: Value) -> Element:
        """An element that `store` put there."""
        kind = self.limb_type
        limbs = [self.code.load(self.code.at(pointer, i * self.code.lanes), kind) for i in range(LIMBS)]
        return Element(self, limbs, self.CARRIED)

    def store(self, pointer: Value, one: Element) -> None:
        """Write an element whose limbs are small."""
        assert one.bound <= self.CARRIED, "an element in memory has small limbs"
        for i, limb in enumerate(one.limbs):
            self.code.store(self.code.at(pointer, i * self.code.lanes), limb)

    @property
    def limb_type(self) -> ir.Type:
        """What a limb is in memory."""
        return self.code.words

    # ---- slow paths: one function of the module for each

    def multiplied(self, one: Element, two: Element) -> Element:
        """The product by a call."""
        return self._called("multiply", one, two)

    def _called(self, name: str, *operands: Element) -> Element:
        function = self.code.module.globals.get(name)
        if function is None:
            function = self._written(name, len(operands))
        limbs = [limb for operand in operands for limb in operand.limbs]
        assert all(operand.bound <= self.CARRIED for operand in operands)
        result = self.code.call(function, *limbs)
        return Element(self, [self.code.builder.extract_value(result, i) for i in range(LIMBS)], self.CARRIED)

    def _written(self, name: str, operands: int) -> ir.Function:
        kind = ir.LiteralStructType([self.limb_type] * LIMBS)
        arguments = [self.limb_type] * (LIMBS * operands)
        code = Code(self.code.module, name, arguments, lanes=self.code.lanes, result=kind)
        code.function.linkage = "internal"
        field = self.within(code)
        given = [
            Element(field, list(code.function.args[i : i + LIMBS]), self.CARRIED)
            for i in range(0, len(arguments), LIMBS)
        ]
        made = {"multiply": lambda: field.product(*given).carried(), "freeze": lambda: field.frozen(*given)}[name]()
        packed: Any = ir.Constant(kind, ir.Undefined)
        for i, limb in enumerate(made.limbs):
            packed = code.builder.insert_value(packed, limb, i)
        code.builder.ret(packed)
        return code.function

    # ---- canonical form, comparisons

    def positions(self) -> list[tuple[int, int]]:
        """Where each limb of a canonical element begins, and its bits."""
        return [(i * self.RADIX, min(self.RADIX, 255 - i * self.RADIX)) for i in range(LIMBS)]

    def from_words(self, words: list[Value]) -> Element:
        """From four words, little-endian; bit 255 is dropped. Need not be below p."""
        builder, splat = self.code.builder, self.code.splat
        limbs = []
        for start, bits in self.positions():
            word, offset = divmod(start, 64)
            limb = builder.lshr(words[word], splat(offset))
            if offset + bits > 64 and word + 1 < len(words):
                limb = builder.or_(limb, builder.shl(words[word + 1], splat(64 - offset)))
            limbs.append(builder.and_(limb, splat(2**bits - 1)))
        return self.from_limbs(limbs)

    def to_words(self, one: Element) -> list[Value]:
        """Four words, little-endian, of the canonical form."""
        builder, splat, limbs = self.code.builder, self.code.splat, self.canonical(one)
        words: list[Value] = [splat(0)] * 4
        for (start, bits), limb in zip(self.positions(), limbs, strict=True):
            word, offset = divmod(start, 64)
            words[word] = builder.or_(words[word], builder.shl(limb, splat(offset)))
            if offset + bits > 64:
                words[word + 1] = builder.or_(words[word + 1], builder.lshr(limb, splat(64 - offset)))
        return words

    def canonical(self, one: Element) -> list[Value]:
        """The limbs, as integers, of the number from 0 to p - 1."""
        frozen = self._called("freeze", one)
        return [self.code.builder.bitcast(limb, self.code.words) for limb in frozen.limbs]

    def frozen(self, one: Element) -> Element:
        """Integers below p, in limbs of exactly RADIX bits, carried as bits whatever a limb's type is."""
        builder, splat, places = self.code.builder, self.code.splat, self.positions()
        wide = self.settled(self.to_columns(one))
        assert sum(high << i * self.RADIX for i, high in enumerate(wide.high)) < 2 * P, "more than one p to take away"
        limbs = list(wide.columns)
        # Below 2p: adding 19 carries out of bit 255 exactly if p is to be taken away.
        carry = splat(19)
        for i in range(LIMBS):
            carry = builder.lshr(builder.add(limbs[i], carry), splat(places[i][1]))
        limbs[0] = builder.add(limbs[0], builder.mul(carry, splat(19)))
        for i in range(LIMBS):
            bits = places[i][1]
            carry, limbs[i] = builder.lshr(limbs[i], splat(bits)), builder.and_(limbs[i], splat(2**bits - 1))
            if i + 1 < LIMBS:
                limbs[i + 1] = builder.add(limbs[i + 1], carry)
        return Element(self, [builder.bitcast(limb, self.limb_type) for limb in limbs], self.CARRIED)

    def settled(self, wide: Wide) -> Wide:
        """The same modulo p with the shift added and no column negative; every column is below 2**63."""
        least = -min(0, *wide.low)
        raised = [least] * LIMBS if least else [0] * LIMBS
        rest = -sum(plus << (i * self.RADIX) for i, plus in enumerate(raised)) % P
        over = [
            plus + ((rest >> start) % 2**bits) for plus, (start, bits) in zip(raised, self.positions(), strict=True)
        ]
        high = [high + plus for high, plus in zip(wide.high, over, strict=True)]
        assert max(high) < 2**63, "a column overflows"
        added = [shift + plus for shift, plus in zip(wide.shift, over, strict=True)]
        columns = [
            self.code.builder.add(column, self.code.splat(plus)) if plus % 2**64 else column
            for column, plus in zip(wide.columns, added, strict=True)
        ]
        return Wide(self, columns, [0] * LIMBS, [0] * LIMBS, high)

    def is_zero(self, one: Element) -> Value:
        """All ones in lanes where the element is zero."""
        builder, limbs = self.code.builder, self.canonical(one)
        joined = limbs[0]
        for limb in limbs[1:]:
            joined = builder.or_(joined, limb)
        return self.where_zero(joined)

    def where_zero(self, vector: Value) -> Value:
        """All ones in lanes that are zero."""
        builder = self.code.builder
        some = builder.or_(vector, builder.sub(self.code.splat(0), vector))
        return builder.not_(builder.ashr(some, self.code.splat(63)))

    def is_negative(self, one: Element) -> Value:
        """All ones in lanes where the canonical form is odd (RFC 9496 section 4.1)."""
        odd = self.code.builder.and_(self.canonical(one)[0], self.code.splat(1))
        return self.code.builder.sub(self.code.splat(0), odd)

    def absolute(self, one: Element) -> Element:
        """`CT_ABS` of RFC 9496 section 4.1."""
        return self.select(self.is_negative(one), -one, one)

    def swapped(self, mask: Value, one: Element, two: Element) -> tuple[Element, Element]:
        """Both, exchanged in lanes where the mask is all ones."""
        return self.select(mask, two, one), self.select(mask, one, two)


def pointers(count: int) -> list[ir.Type]:
    """So many arguments that are places in memory."""
    return [POINTER] * count
