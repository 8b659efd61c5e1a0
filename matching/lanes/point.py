"""Points of edwards25519 on lanes, and their multiplication by one scalar.

Formulas: Hisil, Wong, Carter and Dawson, "Twisted Edwards Curves Revisited" (ASIACRYPT 2008), section 3, for a = -1, in
the arrangement of ref10.

A point lives in memory, in one of four forms of consecutive elements:

    extended    X Y Z T     x = X/Z, y = Y/Z, xy = T/Z
    projective  X Y Z       the same without T
    completed   E F G H     what an addition leaves: X = EF, Y = GH, Z = FG, T = EH
    cached      Y-X Y+X 2Z 2dT    what an addition takes as its second point
"""

from typing import Final

from llvmlite import ir

from matching.lanes.code import POINTER, Code, Value
from matching.lanes.field import Element, Field, P, pointers

D: Final = -121665 * pow(121666, -1, P) % P
WINDOWS: Final = 64
"""Signed digits of a scalar, four bits each (`recode.py`)."""
ENTRIES: Final = 8
"""Multiples of the point that a digit may name: 1 to 8. Their opposites come from a sign, zero from choosing none."""
MASKS: Final = ENTRIES + 2
"""Words of a digit: one mask for each entry, one for zero, one for a negative sign."""


MULTIPLY_ROOM: Final = 4 + 4 * ENTRIES
"""Elements that a multiplication needs beside the point."""


class Points:
    """The functions on points, written once into a module."""

    def __init__(self, module: ir.Module, field: type[Field], *, lanes: int) -> None:
        self.module, self.field, self.lanes = module, field, lanes
        self.words = 5 * lanes
        """Words of an element."""
        self.double = self._double()
        self.projective = self._from_completed("projective")
        self.extended = self._from_completed("extended")
        self.cached = self._cached()
        self.add = self._add()
        self.multiply = self._multiply()

    def function(self, name: str, arguments: list[ir.Type]) -> tuple[Code, Field]:
        """A function of the module, and field arithmetic to write it with."""
        code = Code(self.module, name, arguments, lanes=self.lanes)
        code.function.linkage = "internal"
        return code, self.field(code)

    def elements(self, field: Field, pointer: Value, count: int) -> list[Element]:
        """Consecutive elements in memory."""
        return [field.load(field.code.at(pointer, i * self.words)) for i in range(count)]

    def put(self, field: Field, pointer: Value, *elements: Element) -> None:
        """Write consecutive elements."""
        for i, element in enumerate(elements):
            field.store(field.code.at(pointer, i * self.words), element)

    def _double(self) -> ir.Function:
        """Projective to completed, 3 squarings and 1 multiplication: E = 2XY, G = YY - XX, H = YY + XX, F = 2ZZ - G."""
        code, field = self.function("point_double", pointers(2))
        completed, point = code.function.args
        x, y, z = self.elements(field, point, 3)
        xx, yy, zz, xy = field.square_of(x), field.square_of(y), field.square_of(z), field.product(x, y)
        g = yy - xx
        self.put(field, completed, *(wide.carried() for wide in (xy + xy, zz + zz - g, g, yy + xx)))
        return code.end()

    def _from_completed(self, form: str) -> ir.Function:
        """Completed to projective (3 multiplications) or extended (4)."""
        code, field = self.function(f"point_{form}", pointers(2))
        point, completed = code.function.args
        e, f, g, h = self.elements(field, completed, 4)
        products = [(e, f), (g, h), (f, g)] + ([(e, h)] if form == "extended" else [])
        self.put(field, point, *(field.product(one, two).carried() for one, two in products))
        return code.end()

    def _cached(self) -> ir.Function:
        """Extended to cached: 1 multiplication."""
        code, field = self.function("point_cached", pointers(2))
        cached, point = code.function.args
        x, y, z, t = self.elements(field, point, 4)
        self.put(field, cached, y - x, y + x, z + z, t * field.constant(2 * D))
        return code.end()

    def _add(self) -> ir.Function:
        """Extended plus cached to completed: 4 multiplications."""
        code, field = self.function("point_add", pointers(3))
        completed, point, cached = code.function.args
        self.sum_of(field, completed, point, self.elements(field, cached, 4), negative=None)
        return code.end()

    def sum_of(
        self, field: Field, completed: Value, point: Value, cached: list[Element], *, negative: Value | None
    ) -> None:
        """E = B - A, F = D - C, G = D + C, H = B + A. With the second point negated, F and G change places."""
        x, y, z, t = self.elements(field, point, 4)
        a = field.product(field.loose_difference(y, x), cached[0])
        b = field.product(field.loose_sum(y, x), cached[1])
        c, d = field.product(t, cached[3]), field.product(z, cached[2])
        e, f, g, h = (wide.carried() for wide in (b - a, d - c, d + c, b + a))
        if negative is not None:
            f, g = field.swapped(negative, f, g)
        self.put(field, completed, e, f, g, h)

    def _multiply(self) -> ir.Function:
        """`multiply(point, masks, room)`: an extended point times the scalar of the digits, in place.

        The digits are the same in all lanes and known only as masks: each addition reads the whole table. `room` holds
        a completed point and the table (`MULTIPLY_ROOM` elements).
        """
        select = self._add_chosen()
        code, field = self.function("point_multiply", [POINTER, POINTER, POINTER])
        point, masks, room = code.function.args
        completed, table = room, code.at(room, 4 * self.words)

        def entry(number: Value | int) -> Value:
            words = code.number(number) if isinstance(number, int) else number
            return code.at(table, code.builder.mul(words, code.number(4 * self.words)))

        code.call(self.cached, entry(0), point)
        with code.loop(ENTRIES - 1) as made:  # point, 2 point, ... in turn
            code.call(self.add, completed, point, entry(0))
            code.call(self.extended, point, completed)
            code.call(self.cached, entry(code.builder.add(made, code.number(1))), point)
        self.put(field, point, field.constant(0), field.constant(1), field.constant(1), field.constant(0))
        code.call(select, completed, point, table, code.at(masks, (WINDOWS - 1) * MASKS))
        with code.loop(WINDOWS - 1) as done:
            code.call(self.projective, point, completed)
            with code.loop(3):
                code.call(self.double, completed, point)
                code.call(self.projective, point, completed)
            code.call(self.double, completed, point)
            code.call(self.extended, point, completed)
            digit = code.builder.sub(code.number(WINDOWS - 2), done)
            code.call(select, completed, point, table, code.at(masks, code.builder.mul(digit, code.number(MASKS))))
        code.call(self.extended, point, completed)
        return code.end()

    def _add_chosen(self) -> ir.Function:
        """`add_chosen(completed, point, table, masks)`: plus the entry that the masks choose, or plus nothing."""
        code, field = self.function("point_add_chosen", pointers(4))
        completed, point, table, masks = code.function.args

        def mask(number: int) -> Value:
            word = code.builder.load(code.at(masks, number))
            one = code.builder.insert_element(
                ir.Constant(code.words, ir.Undefined), word, ir.Constant(ir.IntType(32), 0)
            )
            return code.builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None))

        chosen: list[Element] = []
        nothing = mask(ENTRIES)
        neutral = [field.constant(1), field.constant(1), field.constant(2), field.constant(0)]
        kept = [mask(number) for number in range(ENTRIES)]
        negative = mask(ENTRIES + 1)
        for i in range(4):
            limbs = []
            for limb in range(5):
                constant = code.builder.bitcast(neutral[i].limbs[limb], code.words)
                total = code.builder.and_(constant, nothing)
                for number in range(ENTRIES):
                    place = code.at(table, (4 * number + i) * self.words + limb * self.lanes)
                    total = code.builder.or_(total, code.builder.and_(code.load(place), kept[number]))
                limbs.append(code.builder.bitcast(total, field.limb_type))
            chosen.append(Element(field, limbs, field.CARRIED))
        minus, plus = field.swapped(negative, chosen[0], chosen[1])
        self.sum_of(field, completed, point, [minus, plus, *chosen[2:]], negative=negative)
        return code.end()
