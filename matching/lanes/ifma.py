"""Multiplication on AVX-512 IFMA: multiply two 52-bit integers and add the low or the high half of the product.

Five limbs in radix 2**52, so that low and high halves land in the same columns and 2**260 = 32 * 19 folds by the same
instruction (Gueron and Krasnov, "Accelerating big integer arithmetic using Intel IFMA extensions", ARITH 2016). The
instruction reads the low 52 bits of its operands: bits that a carry left above are ignored by a multiplication, and
masked where anything else reads a limb. The topmost limb has 47 bits and a little.

The same source serves eight lanes (512 bits) and four (256 bits, AVX-512VL).
"""

from matching.lanes.code import Value, intrinsic
from matching.lanes.field import LIMBS, Element, Field, P, Wide

RADIX = 52
TOP = 255 - 4 * RADIX
FOLD = 2 ** (5 * RADIX) % P
assert FOLD == 608


class Ifma(Field):
    """See the module's docstring. `CARRIED` bounds the topmost limb; of the others 52 bits count."""

    NAME = "ifma"
    RADIX = RADIX
    CARRIED = 2**TOP + 2**12

    def product(self, one: Element, two: Element) -> Wide:
        columns, high = self._nothing()
        for i in range(LIMBS):
            for j in range(LIMBS):
                self._accumulate(columns, high, i + j, one.limbs[i], two.limbs[j], self._largest(one, i, two, j))
        return self._folded(columns, high)

    def square_of(self, one: Element) -> Wide:
        columns, high = self._nothing()
        for i in range(LIMBS):
            for j in range(i + 1, LIMBS):
                self._accumulate(columns, high, i + j, one.limbs[i], one.limbs[j], self._largest(one, i, one, j))
        columns = [self.code.builder.add(column, column) for column in columns]
        high = [2 * most for most in high]
        for i in range(LIMBS):
            self._accumulate(columns, high, 2 * i, one.limbs[i], one.limbs[i], self._largest(one, i, one, i))
        return self._folded(columns, high)

    def _nothing(self) -> tuple[list[Value], list[int]]:
        return [self.code.splat(0)] * (2 * LIMBS), [0] * (2 * LIMBS)

    def _largest(self, one: Element, i: int, two: Element, j: int) -> int:
        """The largest product of these two limbs."""
        return (one.bound if i == LIMBS - 1 else 2**RADIX) * (two.bound if j == LIMBS - 1 else 2**RADIX)

    def _accumulate(  # noqa: PLR0913, PLR0917 - two numbers times two, and where they go
        self, columns: list[Value], high: list[int], at: int, a: Value, b: Value, largest: int
    ) -> None:
        columns[at] = self._low(columns[at], a, b)
        columns[at + 1] = self._high(columns[at + 1], a, b)
        high[at] += min(largest, 2**RADIX)
        high[at + 1] += largest >> RADIX

    def _low(self, total: Value, a: Value, b: Value) -> Value:
        return self._madd("l", total, a, b)

    def _high(self, total: Value, a: Value, b: Value) -> Value:
        return self._madd("h", total, a, b)

    def _madd(self, half: str, total: Value, a: Value, b: Value) -> Value:
        words = self.code.words
        name = f"llvm.x86.avx512.vpmadd52{half}.uq.{64 * self.code.lanes}"
        return self.code.builder.call(intrinsic(self.code.module, name, words, [words] * 3), [total, a, b])

    def _folded(self, columns: list[Value], high: list[int]) -> Wide:
        """Columns 5 to 9 times 608 into columns 0 to 4; what a column has above 52 bits goes one column further."""
        builder, splat = self.code.builder, self.code.splat
        fold = splat(FOLD)
        for i in range(LIMBS, 2 * LIMBS - 1):
            over, most = builder.lshr(columns[i], splat(RADIX)), high[i] >> RADIX
            columns[i - 5] = self._low(columns[i - 5], columns[i], fold)
            columns[i - 4] = self._high(columns[i - 4], columns[i], fold)
            high[i - 5] += 2**RADIX
            high[i - 4] += FOLD
            if i + 1 < 2 * LIMBS - 1:  # times 608 at once, so that no column waits for another
                columns[i - 4] = self._low(columns[i - 4], over, fold)
                high[i - 4] += FOLD * most
            else:
                columns[i + 1] = builder.add(columns[i + 1], over)
                high[i + 1] += most
        assert high[-1] * FOLD < 2**RADIX, "the topmost column is too large"
        columns[4] = self._low(columns[4], columns[-1], fold)
        high[4] += high[-1] * FOLD
        return Wide(self, columns[:LIMBS], [0] * LIMBS, [0] * LIMBS, high[:LIMBS])

    def carry(self, wide: Wide) -> Element:
        """19 times what is above bit 255 into limb 0, then from limb to limb; limbs 0 to 3 keep what they passed on."""
        builder, splat = self.code.builder, self.code.splat
        settled = self.settled(wide)
        limbs, high = settled.columns, settled.high
        assert high[4] >> TOP < 2**RADIX // 19
        over = builder.lshr(limbs[4], splat(TOP))
        limbs[4] = builder.and_(limbs[4], splat(2**TOP - 1))
        limbs[0] = self._low(limbs[0], over, splat(19))
        carried = (high[0] + 19 * (high[4] >> TOP)) >> RADIX
        for i in range(LIMBS - 1):
            limbs[i + 1] = builder.add(limbs[i + 1], builder.lshr(limbs[i], splat(RADIX)))
            if i + 1 < LIMBS - 1:
                carried = (high[i + 1] + carried) >> RADIX
        bound = 2**TOP + carried
        assert bound <= self.CARRIED, "a carry is too large"
        return Element(self, limbs, bound)

    def sum_of(self, one: Element, two: Element) -> Element:
        return (self.to_columns(one) + self.to_columns(two)).carried()

    def difference(self, one: Element, two: Element) -> Element:
        return (self.to_columns(one) - self.to_columns(two)).carried()

    loose_sum, loose_difference = sum_of, difference

    def constant(self, number: int) -> Element:
        limbs = [((number % P) >> start) % 2**bits for start, bits in self.positions()]
        return Element(self, [self.code.splat(limb) for limb in limbs], self.CARRIED)

    def from_limbs(self, limbs: list[Value]) -> Element:
        return Element(self, limbs, self.CARRIED)

    def to_columns(self, one: Element) -> Wide:
        mask = self.code.splat(2**RADIX - 1)
        columns = [self.code.builder.and_(limb, mask) for limb in one.limbs[:-1]] + [one.limbs[-1]]
        return Wide(self, columns, [0] * LIMBS, [0] * LIMBS, [2**RADIX] * 4 + [one.bound])

    def select(self, mask: Value, one: Element, two: Element) -> Element:
        builder = self.code.builder
        limbs = [
            builder.xor(b, builder.and_(mask, builder.xor(a, b))) for a, b in zip(one.limbs, two.limbs, strict=True)
        ]
        return Element(self, limbs, max(one.bound, two.bound))
