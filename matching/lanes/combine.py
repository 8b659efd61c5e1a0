"""A sum of public multiples of points: Pippenger's bucket method, with buckets of its own for each lane.

`combine(out, valid, rows, digits, blocks, room)`: `blocks` of encodings, and for each row WINDOWS signed digits of its
weight. Weights are public, so a digit may say where memory is read; nothing else here depends on data. `out` has, lane
by lane, the encoding of *twice* the sum of that lane's rows (zero for the identity).

For each window, from the most significant: the sum so far times 2**8; every point added to its digit's bucket, or its
opposite for a negative digit; then 128 times bucket 128, and so on down to bucket 1, as a sum of running sums.
"""

from typing import Final

from llvmlite import ir

from matching.lanes.batch import ROW_WORDS, SLOTS, VALID, Batch
from matching.lanes.code import POINTER, WORD, Code, Value
from matching.lanes.field import Field
from matching.lanes.powers import POWER_ROOM, TOGETHER
from matching.lanes.ristretto import Decoding, doubled, encoded

WINDOW_BITS: Final = 8
WINDOWS: Final = 32
BUCKETS: Final = 2 ** (WINDOW_BITS - 1) + 1
"""One for each magnitude of a digit; what falls into bucket 0 is not used."""
DIGIT: Final = ir.IntType(16)
SHARED_ROOM: Final = SLOTS * TOGETHER + POWER_ROOM + TOGETHER + 4 * (BUCKETS + 8)
"""Elements of memory beside four for each block."""


class Combine:
    """Writes `combine` next to a batch's functions, and uses theirs."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.points, self.powers = batch, batch.points, batch.powers
        self.module, self.field, self.lanes, self.words = batch.module, batch.field, batch.lanes, batch.words
        self._write()

    def _part(self, name: str, arguments: list[ir.Type], *, internal: bool = True) -> tuple[Code, Field]:
        code = Code(self.module, name, arguments, lanes=self.lanes)
        if internal:
            code.function.linkage = "internal"
        return code, self.field(code)

    def _write(self) -> None:
        decode, fill, add_up = self._decode(), self._fill(), self._add_up()
        code, field = self._part("combine", [POINTER] * 3 + [DIGIT.as_pointer(), WORD, POINTER], internal=False)
        builder, points = code.builder, self.points
        out, valid, rows, digits, blocks, room = code.function.args
        slots = room
        root = code.at(slots, SLOTS * TOGETHER * self.words)
        base = code.at(root, POWER_ROOM * self.words)
        total, completed, cached, sums, buckets = (
            code.at(base, (TOGETHER + 4 * i) * self.words) for i in (0, 1, 2, 3, 7)
        )
        listed = code.at(room, SHARED_ROOM * self.words)
        with code.loop(builder.udiv(blocks, code.number(TOGETHER))) as group:
            code.call(decode, room, rows, valid, listed, builder.mul(group, code.number(TOGETHER)))
        neutral = [field.constant(0), field.constant(1), field.constant(1), field.constant(0)]
        points.put(field, total, *neutral)
        with code.loop(WINDOWS) as done:
            with code.loop(WINDOW_BITS):
                code.call(points.double, completed, total)
                code.call(points.extended, total, completed)
            with code.loop(BUCKETS) as bucket:
                points.put(field, code.at(buckets, builder.mul(bucket, code.number(4 * self.words))), *neutral)
            window = builder.sub(code.number(WINDOWS - 1), done)
            per_window = builder.mul(blocks, code.number(self.lanes))
            own = builder.gep(digits, [builder.mul(window, per_window)])
            code.call(fill, buckets, listed, own, blocks, sums)
            code.call(add_up, buckets, sums)
            code.call(points.cached, cached, code.at(sums, 4 * self.words))
            code.call(points.add, completed, total, cached)
            code.call(points.extended, total, completed)
        numbers = doubled(field, points.elements(field, total, 4))
        inverted = numbers[4] * numbers[5]
        zero = field.is_zero(inverted)
        inverted = field.select(zero, field.constant(1), inverted)
        for i in range(TOGETHER):
            field.store(code.at(base, i * self.words), inverted)
        code.call(self.powers.inverse, root, base)
        number = encoded(field, numbers, field.load(root))
        for i, word in enumerate(field.to_words(number)):
            code.scatter(code.at(out, i), ROW_WORDS, builder.and_(word, builder.not_(zero)))
        code.end()

    def _decode(self) -> ir.Function:
        """`decode(room, rows, valid, listed, first)`: TOGETHER blocks, into the list as cached points."""
        begin = self.batch.begin_points
        code, field = self._part("combine_decode", [POINTER] * 4 + [WORD])
        room, rows, valid, listed, first = code.function.args
        builder = code.builder
        root = code.at(room, SLOTS * TOGETHER * self.words)
        base = code.at(root, POWER_ROOM * self.words)
        point = code.at(base, TOGETHER * self.words)
        for i in range(TOGETHER):
            block = builder.add(first, code.number(i))
            own_rows = code.at(rows, builder.mul(block, code.number(self.lanes * ROW_WORDS)))
            slot = code.at(room, i * SLOTS * self.words)
            code.call(begin, slot, code.at(base, i * self.words), own_rows)
        code.call(self.powers.root, root, base)
        with code.loop(TOGETHER) as i:
            block = builder.add(first, i)
            slot = code.at(room, builder.mul(i, code.number(SLOTS * self.words)))
            power = field.load(code.at(root, builder.mul(i, code.number(self.words))))
            is_point, decoded = Decoding.of(field, field.load(slot)).point(field, power)
            good = builder.and_(code.load(code.at(slot, VALID * self.words)), is_point)
            code.scatter(code.at(valid, builder.mul(block, code.number(self.lanes))), 1, good)
            self.points.put(field, point, *decoded)
            code.call(self.points.cached, code.at(listed, builder.mul(block, code.number(4 * self.words))), point)
        return code.end()

    def _fill(self) -> ir.Function:
        """`fill(buckets, listed, digits, blocks, room)`: every point into its lane's bucket."""
        add = self._add_signed()
        code, _ = self._part("combine_fill", [POINTER, POINTER, DIGIT.as_pointer(), WORD, POINTER])
        buckets, listed, digits, blocks, room = code.function.args
        builder = code.builder
        point, completed, sign = room, code.at(room, 4 * self.words), code.at(room, 8 * self.words)
        with code.loop(blocks) as block:
            places, signs = [], []
            for lane in range(self.lanes):
                at = builder.add(builder.mul(block, code.number(self.lanes)), code.number(lane))
                digit = builder.sext(builder.load(builder.gep(digits, [at])), WORD)
                negative = builder.ashr(digit, code.number(63))
                bucket = builder.sub(builder.xor(digit, negative), negative)
                signs.append(negative)
                places.append(code.at(buckets, builder.mul(bucket, code.number(4 * self.words))))
            for lane, negative in enumerate(signs):
                builder.store(negative, code.at(sign, lane))
            for limb in range(4 * 5):
                value: Value = ir.Constant(code.words, ir.Undefined)
                for lane, place in enumerate(places):
                    word = builder.load(code.at(place, limb * self.lanes + lane))
                    value = builder.insert_element(value, word, ir.Constant(ir.IntType(32), lane))
                code.store(code.at(point, limb * self.lanes), value)
            cached = code.at(listed, builder.mul(block, code.number(4 * self.words)))
            code.call(add, completed, point, cached, sign)
            code.call(self.points.extended, point, completed)
            for limb in range(4 * 5):
                value = code.load(code.at(point, limb * self.lanes))
                for lane, place in enumerate(places):
                    word = builder.extract_element(value, ir.Constant(ir.IntType(32), lane))
                    builder.store(word, code.at(place, limb * self.lanes + lane))
        return code.end()

    def _add_signed(self) -> ir.Function:
        """`add(completed, point, cached, sign)`: plus the cached point, or minus it in lanes where the sign is ones."""
        code, field = self._part("combine_add", [POINTER] * 4)
        completed, point, cached, sign = code.function.args
        negative = code.load(sign)
        minus, plus, *rest = self.points.elements(field, cached, 4)
        minus, plus = field.swapped(negative, minus, plus)
        self.points.sum_of(field, completed, point, [minus, plus, *rest], negative=negative)
        return code.end()

    def _add_up(self) -> ir.Function:
        """`add_up(buckets, room)`: room's second point becomes the sum of n times bucket n."""
        code, field = self._part("combine_add_up", [POINTER, POINTER])
        buckets, room = code.function.args
        builder, points = code.builder, self.points
        running, total, completed, cached = (code.at(room, 4 * i * self.words) for i in range(4))
        for point in (running, total):
            points.put(field, point, field.constant(0), field.constant(1), field.constant(1), field.constant(0))
        with code.loop(BUCKETS - 1) as done:
            bucket = builder.sub(code.number(BUCKETS - 1), done)
            code.call(points.cached, cached, code.at(buckets, builder.mul(bucket, code.number(4 * self.words))))
            code.call(points.add, completed, running, cached)
            code.call(points.extended, running, completed)
            code.call(points.cached, cached, running)
            code.call(points.add, completed, total, cached)
            code.call(points.extended, total, completed)
        return code.end()
