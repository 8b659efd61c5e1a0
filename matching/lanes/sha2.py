"""SHA-256 and SHA-512 on lanes: one message in each lane, all of the same number of blocks.

Sections are those of FIPS 180-4.
"""

from typing import Final

from llvmlite import ir

from matching.lanes.code import POINTER, WORD, Code, Value, intrinsic
from matching.lanes.fips180 import Sha2

BLOCK_WORDS: Final = 16
"""Words of a block. So many rounds are written out; the others are a loop around them."""
STATE_WORDS: Final = 8
INDEX: Final = ir.IntType(32)
"""What LLVM numbers lanes with."""


def write(module: ir.Module, sha: Sha2, *, lanes: int) -> None:
    """`sha256` or `sha512`, `(state, rows, blocks, groups)`: rows of `blocks` padded blocks, `lanes` rows a group.

    `state` has 8 words for each row, big-endian: what to begin from going in, the digest coming out.
    """
    _Writer(module, sha, lanes).write()


class _Writer:
    def __init__(self, module: ir.Module, sha: Sha2, lanes: int) -> None:
        self.sha, self.lanes = sha, lanes
        self.word = ir.IntType(sha.bits)
        self.vector = ir.VectorType(self.word, lanes)
        self.code = Code(module, sha.name, [POINTER, POINTER, WORD, WORD], lanes=lanes)
        self.builder = self.code.builder
        self.table = ir.GlobalVariable(module, ir.ArrayType(self.word, sha.rounds), f"{sha.name}_constants")
        self.table.global_constant, self.table.linkage = True, "internal"
        self.table.initializer = ir.Constant(self.table.type.pointee, sha.constants())
        self.swap = intrinsic(module, f"llvm.bswap.v{lanes}i{sha.bits}", self.vector, [self.vector])
        self.rotate = intrinsic(module, f"llvm.fshr.v{lanes}i{sha.bits}", self.vector, [self.vector] * 3)

    def write(self) -> None:
        code, builder, number = self.code, self.builder, self.code.number
        states, rows, blocks, groups = code.function.args
        states = builder.bitcast(states, self.word.as_pointer())
        rows = builder.bitcast(rows, self.word.as_pointer())
        state = [builder.alloca(self.vector) for _ in range(STATE_WORDS)]
        schedule = [builder.alloca(self.vector) for _ in range(BLOCK_WORDS)]
        row_words = builder.mul(blocks, number(BLOCK_WORDS))
        with code.loop(groups) as group:
            own_rows = builder.gep(rows, [builder.mul(group, builder.mul(row_words, number(self.lanes)))])
            own_states = builder.gep(states, [builder.mul(group, number(STATE_WORDS * self.lanes))])
            for i, slot in enumerate(state):
                builder.store(self._read(own_states, number(STATE_WORDS), i), slot)
            with code.loop(blocks) as block:
                start = builder.gep(own_rows, [builder.mul(block, number(BLOCK_WORDS))])
                for i, slot in enumerate(schedule):
                    builder.store(self._read(start, row_words, i), slot)
                before = [builder.load(slot) for slot in state]
                with code.loop(self.sha.rounds // BLOCK_WORDS) as part:
                    self._rounds(state, schedule, part)
                    self._next_words(schedule)
                for slot, value in zip(state, before, strict=True):
                    builder.store(builder.add(builder.load(slot), value), slot)
            for i, slot in enumerate(state):
                self._write(own_states, i, builder.load(slot))
            for slot in (*state, *schedule):
                builder.store(ir.Constant(self.vector, None), slot)
        code.end()

    def _rounds(self, state: list[Value], schedule: list[Value], part: Value) -> None:
        """Section 6.2.2, step 3, sixteen times."""
        builder, code = self.builder, self.code
        a, b, c, d, e, f, g, h = (builder.load(slot) for slot in state)
        for i in range(BLOCK_WORDS):
            index = builder.add(builder.mul(part, code.number(BLOCK_WORDS)), code.number(i))
            constant = self._everywhere(builder.load(builder.gep(self.table, [code.number(0), index])))
            chosen = builder.xor(g, builder.and_(e, builder.xor(f, g)))
            majority = builder.xor(builder.and_(builder.xor(a, b), builder.xor(a, c)), a)
            word = builder.add(builder.load(schedule[i]), constant)
            one = self._total(h, self._mixed(e, self.sha.big[1], shifted=False), chosen, word)
            two = builder.add(self._mixed(a, self.sha.big[0], shifted=False), majority)
            a, b, c, d, e, f, g, h = builder.add(one, two), a, b, c, builder.add(d, one), e, f, g
        for slot, value in zip(state, (a, b, c, d, e, f, g, h), strict=True):
            builder.store(value, slot)

    def _next_words(self, schedule: list[Value]) -> None:
        """Section 6.2.2, step 1: the next sixteen words of the schedule in place of these."""
        builder = self.builder
        for i, slot in enumerate(schedule):
            near, far, last = (builder.load(schedule[(i + ahead) % BLOCK_WORDS]) for ahead in (1, 9, 14))
            near, last = (
                self._mixed(near, self.sha.small[0], shifted=True),
                self._mixed(last, self.sha.small[1], shifted=True),
            )
            builder.store(self._total(builder.load(slot), near, far, last), slot)

    def _mixed(self, x: Value, amounts: tuple[int, int, int], *, shifted: bool) -> Value:
        """Two rotations, and a third or a shift, xored: section 4.1."""
        splats = [self._everywhere(ir.Constant(self.word, amount)) for amount in amounts]
        one, two = (self.builder.call(self.rotate, [x, x, amount]) for amount in splats[:2])
        three = self.builder.lshr(x, splats[2]) if shifted else self.builder.call(self.rotate, [x, x, splats[2]])
        return self.builder.xor(self.builder.xor(one, two), three)

    def _total(self, *terms: Value) -> Value:
        value = terms[0]
        for term in terms[1:]:
            value = self.builder.add(value, term)
        return value

    def _everywhere(self, word: Value) -> Value:
        one = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), word, ir.Constant(INDEX, 0))
        return self.builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(INDEX, self.lanes), None))

    def _read(self, rows: Value, row_words: Value, index: int) -> Value:
        """Word `index` of each lane's row; rows are `row_words` long."""
        value: Value = ir.Constant(self.vector, ir.Undefined)
        for lane in range(self.lanes):
            place = self.builder.add(self.builder.mul(row_words, self.code.number(lane)), self.code.number(index))
            word = self.builder.load(self.builder.gep(rows, [place]))
            word.align = 1
            value = self.builder.insert_element(value, word, ir.Constant(INDEX, lane))
        return self.builder.call(self.swap, [value])

    def _write(self, states: Value, index: int, value: Value) -> None:
        """The opposite of `_read`, for states."""
        swapped = self.builder.call(self.swap, [value])
        for lane in range(self.lanes):
            place = self.builder.gep(states, [self.code.number(lane * STATE_WORDS + index)])
            self.builder.store(self.builder.extract_element(swapped, ir.Constant(INDEX, lane)), place).align = 1
