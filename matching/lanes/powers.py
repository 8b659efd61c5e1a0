"""The two long powers of a field element, on TOGETHER elements side by side: no squaring waits for the one before.

`f(out, base)`: TOGETHER consecutive elements each; `out` has POWER_ROOM, the results first. The chain is ref10's
(`pow22523`, `invert`): 254 squarings and 11 multiplications.
"""

from typing import Final

from llvmlite import ir

from matching.lanes.code import POINTER, WORD, Code, Value
from matching.lanes.field import Field

TOGETHER: Final = 4
POWER_ROOM: Final = 4 * TOGETHER


class Powers:
    """Writes `root`, to the power (p - 5)/8, and `inverse`, to p - 2."""

    def __init__(self, module: ir.Module, field: type[Field], *, lanes: int) -> None:
        self.module, self.field, self.lanes = module, field, lanes
        self.square = self._square()
        self.multiply = self._multiply()
        self.root = self._chain("power_root", inverse=False)
        self.inverse = self._chain("power_inverse", inverse=True)

    def _function(self, name: str, arguments: list[ir.Type]) -> tuple[Code, Field]:
        code = Code(self.module, name, arguments, lanes=self.lanes)
        code.function.linkage = "internal"
        return code, self.field(code)

    def _each(self, code: Code, pointer: Value) -> list[Value]:
        return [code.at(pointer, i * 5 * self.lanes) for i in range(TOGETHER)]

    def _square(self) -> ir.Function:
        """`square(out, base, times)`: squared so many times, at least twice."""
        code, field = self._function("square_often", [POINTER, POINTER, WORD])
        out, base, times = code.function.args
        for to, source in zip(self._each(code, out), self._each(code, base), strict=True):
            field.store(to, field.square_of(field.load(source)).carried())
        with code.loop(code.builder.sub(times, code.number(1))):
            squares = [field.square_of(field.load(place)).carried() for place in self._each(code, out)]
            for place, square in zip(self._each(code, out), squares, strict=True):
                field.store(place, square)
        return code.end()

    def _multiply(self) -> ir.Function:
        code, field = self._function("multiply_each", [POINTER] * 3)
        for to, one, two in zip(*(self._each(code, pointer) for pointer in code.function.args), strict=True):
            field.store(to, field.load(one) * field.load(two))
        return code.end()

    def _chain(self, name: str, *, inverse: bool) -> ir.Function:
        code, _ = self._function(name, [POINTER, POINTER])
        out, base = code.function.args
        a, b, c, eleven = (code.at(out, i * TOGETHER * 5 * self.lanes) for i in range(4))

        def squared(to: Value, source: Value, times: int) -> None:
            code.call(self.square, to, source, code.number(times))

        def times(to: Value, one: Value, two: Value) -> None:
            code.call(self.multiply, to, one, two)

        times(a, base, base)
        squared(b, a, 2)
        times(b, base, b)
        times(eleven, a, b)  # base^11
        times(c, eleven, eleven)
        times(a, b, c)  # base^(2^5 - 1)
        squared(b, a, 5)
        times(a, b, a)  # 2^10 - 1
        squared(b, a, 10)
        times(b, b, a)  # 2^20 - 1
        squared(c, b, 20)
        times(b, c, b)  # 2^40 - 1
        squared(b, b, 10)
        times(a, b, a)  # 2^50 - 1
        squared(b, a, 50)
        times(b, b, a)  # 2^100 - 1
        squared(c, b, 100)
        times(b, c, b)  # 2^200 - 1
        squared(b, b, 50)
        times(a, b, a)  # 2^250 - 1
        squared(a, a, 5 if inverse else 2)
        times(a, a, eleven if inverse else base)
        return code.end()
