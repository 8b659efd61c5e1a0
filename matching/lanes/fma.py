"""Multiplication on fused multiply-adds of doubles: AVX2 and FMA, which x86-64 CPUs have had since 2013.

Five limbs in radix 2**51, signed, kept as doubles (which hold integers up to 2**53). A product of two limbs is split
exactly into `h * 2**51 + l`:

    high = fma(a, b, 1.5 * 2**103)           a*b rounded to a multiple of 2**51, if |a*b| < 2**102
    low  = fma(a, b, 1.5 * 2**103 - high)    what rounding left, |l| <= 2**50, exactly

and both are added up as integers, straight from the bits of the doubles: those of `high` are a constant plus h, because
doubles between 2**103 and 2**104 lie 2**51 apart. The split is Dekker's (1971), used for big integers by Emmart, Zheng
and Weems, "Faster modular exponentiation using double precision floating point arithmetic on the GPU" (ARITH 2018).

Rounding is to nearest, the mode every process starts with; the self-test at load would not pass in another.
"""

import struct

from llvmlite import ir

from matching.lanes.code import Value, intrinsic
from matching.lanes.field import LIMBS, Element, Field, P, Wide

RADIX = 51
SPLIT = 1.5 * 2.0**103
OFFSET = 3 * 2.0**51
"""Added to the low part, so that it lies between 2**52 and 2**53: there, doubles lie 1 apart."""
INTEGER = 1.5 * 2.0**52
"""A double plus this has the double's value in its low bits, for magnitudes below 2**51."""
LARGEST_PRODUCT = 2**102 - 2**51


def bits_of(number: float) -> int:
    """The 64 bits of a double."""
    return int(struct.unpack("<Q", struct.pack("<d", number))[0])


class Fma(Field):
    """See the module's docstring."""

    NAME = "fma"
    RADIX = RADIX
    CARRIED = 2**50 + 2**14

    @property
    def limb_type(self) -> ir.Type:
        return self.code.doubles

    def product(self, one: Element, two: Element) -> Wide:
        pairs = [(i, j, one.limbs[i], two.limbs[j]) for i in range(LIMBS) for j in range(LIMBS)]
        return self._columns(pairs, one.bound * two.bound)

    def square_of(self, one: Element) -> Wide:
        twice = [self.code.builder.fadd(limb, limb) for limb in one.limbs]
        pairs = [
            (i, j, one.limbs[i] if i == j else twice[i], one.limbs[j]) for i in range(LIMBS) for j in range(i, LIMBS)
        ]
        return self._columns(pairs, 2 * one.bound**2)

    def _columns(self, pairs: list[tuple[int, int, Value, Value]], largest: int) -> Wide:
        """The sum of `a * b * 2**(51 * (i + j))`, reduced from ten columns to five by 2**255 = 19."""
        assert largest <= LARGEST_PRODUCT, "a product is too large to split"
        code, builder = self.code, self.code.builder
        fma = intrinsic(code.module, f"llvm.fma.v{code.lanes}f64", code.doubles, [code.doubles] * 3)
        columns: list[Value] = [None] * (2 * LIMBS)
        shift, size = [0] * (2 * LIMBS), [0] * (2 * LIMBS)

        def add(column: int, double: Value, constant: float, magnitude: int) -> None:
            bits = builder.bitcast(double, code.words)
            columns[column] = bits if columns[column] is None else builder.add(columns[column], bits)
            shift[column] -= bits_of(constant)
            size[column] += magnitude

        for i, j, a, b in pairs:
            high = builder.call(fma, [a, b, code.splat_double(SPLIT)])
            low = builder.call(fma, [a, b, builder.fsub(code.splat_double(SPLIT + OFFSET), high)])
            add(i + j + 1, high, SPLIT, largest // 2**RADIX + 1)
            add(i + j, low, OFFSET, 2**50)
        return Wide(
            self,
            [builder.add(columns[i], self._times_19(columns[i + LIMBS])) for i in range(LIMBS)],
            [shift[i] + 19 * shift[i + LIMBS] for i in range(LIMBS)],
            [-size[i] - 19 * size[i + LIMBS] for i in range(LIMBS)],
            [size[i] + 19 * size[i + LIMBS] for i in range(LIMBS)],
        )

    def _times_19(self, column: Value) -> Value:
        """Modulo 2**64: by shifts, for AVX2 multiplies no 64-bit words."""
        builder, splat = self.code.builder, self.code.splat
        return builder.add(builder.add(builder.shl(column, splat(4)), builder.shl(column, splat(1))), column)

    def carry(self, wide: Wide) -> Element:
        """One carry everywhere at once, rounding each limb to the nearest: from -2**50 to 2**50 and a little."""
        code, builder = self.code, self.code.builder
        half = Wide(
            self, wide.columns, [shift + 2**50 for shift in wide.shift], wide.low, [top + 2**50 for top in wide.high]
        )
        settled = self.settled(half)
        carries = [builder.lshr(column, code.splat(RADIX)) for column in settled.columns]
        largest = [high >> RADIX for high in settled.high]
        bound = 2**50 + max(19 * largest[-1], *largest)
        assert bound <= self.CARRIED, "a carry is too large"
        carries = [self._times_19(carries[-1]), *carries[:-1]]
        limbs = []
        for column, carry in zip(settled.columns, carries, strict=True):
            limb = builder.add(builder.and_(column, code.splat(2**RADIX - 1)), carry)
            double = builder.bitcast(builder.or_(limb, code.splat(bits_of(2.0**52))), code.doubles)
            limbs.append(builder.fsub(double, code.splat_double(2.0**52 + 2.0**50)))
        return Element(self, limbs, bound)

    def sum_of(self, one: Element, two: Element) -> Element:
        return (self.to_columns(one) + self.to_columns(two)).carried()

    def difference(self, one: Element, two: Element) -> Element:
        return (self.to_columns(one) - self.to_columns(two)).carried()

    def loose_sum(self, one: Element, two: Element) -> Element:
        limbs = [self.code.builder.fadd(a, b) for a, b in zip(one.limbs, two.limbs, strict=True)]
        return Element(self, limbs, one.bound + two.bound)

    def loose_difference(self, one: Element, two: Element) -> Element:
        limbs = [self.code.builder.fsub(a, b) for a, b in zip(one.limbs, two.limbs, strict=True)]
        return Element(self, limbs, one.bound + two.bound)

    def constant(self, number: int) -> Element:
        limbs = [((number % P) >> start) % 2**bits for start, bits in self.positions()]
        for i in range(LIMBS):  # to the nearest, as `carry` leaves them
            if limbs[i] > 2**50:
                limbs[i] -= 2**51
                limbs[(i + 1) % LIMBS] += 1 if i + 1 < LIMBS else 19
        return Element(self, [self.code.splat_double(float(limb)) for limb in limbs], self.CARRIED)

    def from_limbs(self, limbs: list[Value]) -> Element:
        return Wide(self, limbs, [0] * LIMBS, [0] * LIMBS, [2**RADIX] * LIMBS).carried()

    def to_columns(self, one: Element) -> Wide:
        assert one.bound < 2**51, "a limb is too large to be read as an integer"
        code, builder = self.code, self.code.builder
        columns = [builder.bitcast(builder.fadd(limb, code.splat_double(INTEGER)), code.words) for limb in one.limbs]
        return Wide(self, columns, [-bits_of(INTEGER)] * LIMBS, [-one.bound] * LIMBS, [one.bound] * LIMBS)

    def select(self, mask: Value, one: Element, two: Element) -> Element:
        builder, words = self.code.builder, self.code.words
        limbs = []
        for a, b in zip(one.limbs, two.limbs, strict=True):
            a_bits, b_bits = builder.bitcast(a, words), builder.bitcast(b, words)
            chosen = builder.xor(b_bits, builder.and_(mask, builder.xor(a_bits, b_bits)))
            limbs.append(builder.bitcast(chosen, self.code.doubles))
        return Element(self, limbs, max(one.bound, two.bound))
