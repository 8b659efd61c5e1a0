"""The functions that are called from outside: a batch of blocks of lanes, from bytes to bytes.

`blocks` is a multiple of `powers.TOGETHER`, at most BLOCKS; a block is one row for each lane. Rows are filled up by the
caller. In phases, because blocks share the chains of squarings and the one inversion:

1. read every row, run the chain of its square root;
2. make it a point, multiply, and gather what is to be inverted into one product;
3. invert that, and going back through the blocks write every row down.
"""

from typing import Final

from llvmlite import ir

from matching.lanes.code import POINTER, WORD, Code, Value
from matching.lanes.field import Element, Field
from matching.lanes.point import MULTIPLY_ROOM, Points
from matching.lanes.powers import POWER_ROOM, TOGETHER, Powers
from matching.lanes.ristretto import Decoding, Mapping, doubled, encoded

BLOCKS: Final = 64
"""Blocks of a call: enough that their shared inversion costs nothing, few enough to stay in the cache."""
SLOTS: Final = 10
"""Elements kept for each block: inputs and roots first (0 to 3), then e f g h eg fh (0 to 5), and:"""
TO_INVERT, BEFORE, VALID = 6, 7, 8
ROOM: Final = SLOTS * BLOCKS + POWER_ROOM + TOGETHER + MULTIPLY_ROOM + 8
"""Elements of memory that a call works in. The caller wipes it."""
ROW_WORDS: Final = 4


class Batch:
    """Writes both functions: `multiply_points` and `multiply_hashed`."""

    def __init__(self, module: ir.Module, field: type[Field], *, lanes: int) -> None:
        self.module, self.field, self.lanes, self.words = module, field, lanes, 5 * lanes
        self.points = Points(module, field, lanes=lanes)
        self.powers = Powers(module, field, lanes=lanes)
        self._function("multiply_points", hashed=False)
        self._function("multiply_hashed", hashed=True)

    def _function(self, name: str, *, hashed: bool) -> None:
        """`name(out, valid, rows, masks, blocks, room)`.

        Rows of 32 bytes (encodings) or 64 (uniform bytes) in, of 32 out; `valid` has a word for each row, zero for one
        that encodes no point or whose product is the identity (what is written there means nothing).
        """
        begin = self._begin(hashed=hashed)
        if not hashed:
            self.begin_points = begin[0]
        finish, write = self._finish(hashed=hashed), self._write(hashed=hashed)
        code = Code(self.module, name, [POINTER] * 4 + [WORD, POINTER], lanes=self.lanes)
        field, builder = self.field(code), code.builder
        out, valid, rows, masks, blocks, room = code.function.args
        powers_room = code.at(room, SLOTS * BLOCKS * self.words)
        base = code.at(powers_room, POWER_ROOM * self.words)
        work = code.at(base, TOGETHER * self.words)
        with code.loop(builder.udiv(blocks, code.number(TOGETHER))) as group:
            first = builder.mul(group, code.number(TOGETHER))
            for half in range(2 if hashed else 1):
                for i in range(TOGETHER):
                    block = builder.add(first, code.number(i))
                    code.call(
                        begin[half],
                        self._slot(code, room, block),
                        code.at(base, i * self.words),
                        self._rows(code, rows, block, 2 if hashed else 1),
                    )
                code.call(self.powers.root, powers_room, base)
                for i in range(TOGETHER):
                    slot = self._slot(code, room, builder.add(first, code.number(i)))
                    field.store(
                        code.at(slot, (2 + half) * self.words), field.load(code.at(powers_room, i * self.words))
                    )
        product = work
        field.store(product, field.constant(1))
        with code.loop(blocks) as block:
            code.call(finish, self._slot(code, room, block), product, masks, code.at(work, self.words))
        for i in range(TOGETHER):
            field.store(code.at(base, i * self.words), field.load(product))
        code.call(self.powers.inverse, powers_room, base)
        with code.loop(blocks) as done:
            block = builder.sub(builder.sub(blocks, code.number(1)), done)
            code.call(
                write,
                self._slot(code, room, block),
                powers_room,
                self._rows(code, out, block, 1),
                code.at(valid, builder.mul(block, code.number(self.lanes))),
            )
        code.end()

    def _slot(self, code: Code, room: Value, block: Value) -> Value:
        return code.at(room, code.builder.mul(block, code.number(SLOTS * self.words)))

    def _rows(self, code: Code, rows: Value, block: Value, size: int) -> Value:
        return code.at(rows, code.builder.mul(block, code.number(self.lanes * size * ROW_WORDS)))

    def _part(self, name: str, arguments: list[ir.Type]) -> tuple[Code, Field]:
        code = Code(self.module, name, arguments, lanes=self.lanes)
        code.function.linkage = "internal"
        return code, self.field(code)

    def _begin(self, *, hashed: bool) -> list[ir.Function]:
        """Phase 1, `begin(slot, base, rows)`: the number, whether it was canonical, and the base of its root."""
        functions = []
        for half in range(2 if hashed else 1):
            code, field = self._part(f"begin_{'hashed' if hashed else 'points'}_{half}", [POINTER] * 3)
            slot, base, rows = code.function.args
            stride = ROW_WORDS * (2 if hashed else 1)
            words = [code.gather(code.at(rows, half * ROW_WORDS + i), stride) for i in range(ROW_WORDS)]
            number = field.from_words(words)
            field.store(code.at(slot, half * self.words), number)
            if hashed:
                asked = Mapping.of(field, number).asked
            else:
                differs = code.builder.and_(words[0], code.splat(1))
                for word, canonical in zip(words, field.to_words(number), strict=True):
                    differs = code.builder.or_(differs, code.builder.xor(word, canonical))
                code.store(code.at(slot, VALID * self.words), field.where_zero(differs))
                asked = Decoding.of(field, number).asked
            field.store(base, asked.base)
            functions.append(code.end())
        return functions

    def _finish(self, *, hashed: bool) -> ir.Function:
        """Phase 2, `finish(slot, product, masks, room)`: multiply the point; gather what is to be inverted."""
        code, field = self._part(f"finish_{'hashed' if hashed else 'points'}", [POINTER] * 4)
        builder = code.builder
        slot, product, masks, room = code.function.args
        point, valid_at = room, code.at(slot, VALID * self.words)
        room = code.at(point, 4 * self.words)

        def kept(number: int) -> Element:
            return field.load(code.at(slot, number * self.words))

        if hashed:
            cached, completed = code.at(room, 4 * self.words), room
            self.points.put(field, point, *Mapping.of(field, kept(0)).point(field, kept(2)))
            code.call(self.points.cached, cached, point)
            self.points.put(field, point, *Mapping.of(field, kept(1)).point(field, kept(3)))
            code.call(self.points.add, completed, point, cached)
            code.call(self.points.extended, point, completed)
            valid = code.splat(-1)
        else:
            is_point, decoded = Decoding.of(field, kept(0)).point(field, kept(2))
            self.points.put(field, point, *decoded)
            valid = builder.and_(code.load(valid_at), is_point)
        code.call(self.points.multiply, point, masks, room)
        numbers = doubled(field, self.points.elements(field, point, 4))
        self.points.put(field, slot, *numbers)
        inverted = numbers[4] * numbers[5]
        zero = field.is_zero(inverted)
        inverted = field.select(zero, field.constant(1), inverted)
        before = field.load(product)
        field.store(code.at(slot, TO_INVERT * self.words), inverted)
        field.store(code.at(slot, BEFORE * self.words), before)
        code.store(valid_at, builder.and_(valid, builder.not_(zero)))
        field.store(product, before * inverted)
        return code.end()

    def _write(self, *, hashed: bool) -> ir.Function:
        """Phase 3, `write(slot, inverse, out, valid)`: this block's inverse, its rows, and the blocks' before it."""
        name = f"write_{'hashed' if hashed else 'points'}"
        code, field = self._part(name, [POINTER] * 4)
        slot, inverse_at, out, valid = code.function.args
        inverse = field.load(inverse_at)
        own = inverse * field.load(code.at(slot, BEFORE * self.words))
        field.store(inverse_at, inverse * field.load(code.at(slot, TO_INVERT * self.words)))
        words = field.to_words(encoded(field, self.points.elements(field, slot, 6), own))
        for i, word in enumerate(words):
            code.scatter(code.at(out, i), ROW_WORDS, word)
        code.scatter(valid, 1, code.load(code.at(slot, VALID * self.words)))
        return code.end()
