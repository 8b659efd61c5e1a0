"""Each operation on field elements, with limbs as large as they may be, against Python's integers.

A bound is stated while code is written (`Element.bound`, `Wide.low` and `high`): every result must keep to its own.
"""

import itertools
from functools import cache, reduce
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ifma_model import RUNNABLE, each_variant
from llvmlite import ir
from ristretto_oracle import D
from written import Limbs, Memory, Operation, Operations

from matching.lanes.code import Code, Value
from matching.lanes.field import LIMBS, Element, Field, P, Wide
from matching.lanes.fma import Fma
from matching.lanes.machine import Variant

ONES: Final = 2**64 - 1


def words(field: Field, vectors: list[Value]) -> list[Value]:
    return [field.code.builder.bitcast(vector, field.code.words) for vector in vectors]


def doubling(f: Field, a: Element, b: Element) -> list[Wide]:
    """The sums of `point._double`, with b for Z: the largest that are made of columns."""
    g, zz = f.square_of(b) - f.square_of(a), f.square_of(b)
    return [f.product(a, b) + f.product(a, b), zz + zz - g, f.square_of(b) + f.square_of(a)]


OPERATIONS: Final[dict[str, Operation]] = {
    "product": lambda f, a, b, _: [f.product(a, b), f.product(a, b).carried()],
    "square": lambda f, a, _b, _: [f.square_of(a), f.square_of(a).carried()],
    "called": lambda _f, a, b, _: [a * b, a.squared()],
    "sum": lambda _f, a, b, _: [a + b],
    "difference": lambda _f, a, b, _: [a - b, -a],
    "loose": lambda f, a, b, _: [f.product(f.loose_sum(a, b), b), f.product(f.loose_difference(a, b), a)],
    "doubling": lambda f, a, b, _: [*doubling(f, a, b), *(wide.carried() for wide in doubling(f, a, b))],
    "columns": lambda f, a, b, _: [f.to_columns(a), f.settled(f.to_columns(a) - f.to_columns(b))],
    "canonical": lambda f, a, _b, _: [*f.to_words(a)],
    "read": lambda f, a, _b, _: [f.from_words(words(f, a.limbs[:4]))],
    "absolute": lambda f, a, b, _: [f.absolute(a), f.absolute(b)],
    "zero": lambda f, a, b, _: [f.is_zero(a), f.is_zero(a - b), f.is_zero(a - a)],
    "negative": lambda f, a, b, _: [f.is_negative(a), f.is_negative(b)],
    "select": lambda f, a, b, mask: [f.select(mask, a, b), *f.swapped(mask, a, b)],
    "constant": lambda f, a, _b, _: [f.constant(D), f.constant(-1), a * f.constant(2 * D), f.constant(2**255 - 20)],
}


def expected(name: str, a: int, b: int, mask: int) -> list[int]:
    """The numbers that each operation's results stand for, modulo p; masks as they are."""
    double = [2 * a * b, b * b + a * a, b * b + a * a]
    masks = {True: ONES, False: 0}
    return {
        "product": [a * b] * 2,
        "square": [a * a] * 2,
        "called": [a * b, a * a],
        "sum": [a + b],
        "difference": [a - b, -a],
        "loose": [(a + b) * b, (a - b) * a],
        "doubling": double * 2,
        "columns": [a, a - b],
        "canonical": [a % P >> at & ONES for at in range(0, 256, 64)],
        "absolute": [-x if x % P & 1 else x for x in (a, b)],
        "zero": [masks[x % P == 0] for x in (a, a - b, 0)],
        "negative": [masks[x % P & 1 == 1] for x in (a, b)],
        "select": [a, b, a] if mask else [b, a, b],
        "constant": [D, -1, a * 2 * D, 2**255 - 20],
    }[name]


@cache
def operations(variant: Variant) -> Operations:
    return Operations(variant, OPERATIONS)


def check(made: Operations, ones: list[Limbs], twos: list[Limbs], masks: list[int]) -> None:
    memory = made.memory
    numbers = [(memory.number(one), memory.number(two)) for one, two in zip(ones, twos, strict=True)]
    for name in OPERATIONS:
        results = made(name, ones, twos, masks)
        if name == "read":
            bits = memory.put([ones]).reshape(LIMBS, -1)[:4]
            answers = [[sum(int(word) << 64 * i for i, word in enumerate(lane)) % 2**255] for lane in bits.T]
        else:
            answers = [expected(name, a, b, mask) for (a, b), mask in zip(numbers, masks, strict=True)]
        for number, (stated, found) in enumerate(zip(made.stated[name], results, strict=True)):
            for lane, answer in enumerate(answers):
                place = (name, number, lane, ones[lane], twos[lane])
                if isinstance(stated, Element):
                    limbs = memory.taken(found)[lane]
                    assert memory.small(limbs, stated.bound), place
                    assert stated.bound <= memory.field.CARRIED, place
                    assert (memory.number(limbs) - answer[number]) % P == 0, place
                elif isinstance(stated, Wide):
                    assert (column_sum(stated, found[:, lane].tolist(), place) - answer[number]) % P == 0, place
                else:
                    assert int(found[0, lane]) == answer[number], place


def column_sum(stated: Wide, columns: list[int], place: object) -> int:
    total = 0
    for i, column in enumerate(columns):
        value = (column + stated.shift[i] + 2**63) % 2**64 - 2**63
        assert stated.low[i] <= value <= stated.high[i], (i, value, stated.low[i], stated.high[i], place)
        total += value << (i * stated.field.RADIX)
    return total


def extremes(memory: Memory, limb: int) -> list[int]:
    """The borders of what a limb may be: in memory, and where bits are cut."""
    most = memory.field.CARRIED
    if memory.doubles:
        return [most, -most, 2**50, -(2**50), 2**50 - 1, 1 - 2**50, 0, 1, -1, 2**49, 19]
    if limb == LIMBS - 1:
        return [most, most - 1, 2**47, 2**47 - 1, 0, 1, 2**46]
    return [2**52 - 1, 2**64 - 1, 2**52, 0, 1, 2**63, 2**63 - 1, 2**51, 2**26 - 1, 2**26, 2**52 - 19]


def elements(memory: Memory) -> st.SearchStrategy[Limbs]:
    def limb(number: int) -> st.SearchStrategy[int]:
        borders = extremes(memory, number)
        return st.one_of(st.sampled_from(borders), st.integers(min(borders), max(borders)))

    any_limbs = st.tuples(limb(0), limb(1), limb(2), limb(3), limb(4))
    near_p = st.integers(-20, 20).map(memory.limbs)
    return st.one_of(any_limbs, any_limbs, near_p)


every_variant = pytest.mark.parametrize("variant", each_variant(long="model-8"))


@every_variant
def test_operations_at_all_corners(variant: Variant) -> None:
    """Every limb as large or as small as it may be, in every combination."""
    made = operations(variant)
    corners = list(itertools.product(*[extremes(made.memory, limb)[:2] for limb in range(LIMBS)]))
    if not made.memory.doubles:
        corners += list(itertools.product(*[extremes(made.memory, limb)[::3][:2] for limb in range(LIMBS)]))
    turned = [*corners[7:], *corners[:7]]
    for start in range(0, len(corners) - variant.lanes + 1, variant.lanes):
        ones = corners[start : start + variant.lanes]
        check(made, ones, ones, [0] * variant.lanes)
        check(made, ones, turned[start : start + variant.lanes], [ONES] * variant.lanes)


@every_variant
def test_every_number_near_a_multiple_of_p_is_reduced(variant: Variant) -> None:
    """All that limbs can stand for around 0, p and 2p: the last carries of `frozen`. And one limb that is not zero."""
    made = operations(variant)
    numbers = [base + n for base in (0, P, 2**255, 2**255 + P) for n in range(-24, 24) if base + n >= 0]
    if made.memory.doubles:
        spread = [(n, 0, 0, 0, 0) for n in range(-24, 24)]
        spread += [(most + n, most, most, most, most) for most in (2**50, -(2**50)) for n in range(-24, 24)]
        spread += [(n - 19, 0, 0, 0, 2**50) for n in range(-24, 24)]
    else:
        numbers = [number for number in numbers if number >> 208 <= made.memory.field.CARRIED]
        spread = [(*((n >> 52 * i) % 2**52 for i in range(4)), n >> 208) for n in numbers]
    spread += [(*[0] * i, limb, *[0] * (4 - i)) for i in range(LIMBS) for limb in extremes(made.memory, i)]
    for start in range(0, len(spread) - variant.lanes + 1, variant.lanes):
        ones = spread[start : start + variant.lanes]
        check(made, ones, ones[::-1], [0] * variant.lanes)


@every_variant
@settings(max_examples=40)
@given(data=st.data())
def test_operations_on_any_limbs(variant: Variant, data: st.DataObject) -> None:
    made = operations(variant)
    drawn = [data.draw(elements(made.memory)) for _ in range(3)]
    pairs = list(itertools.islice(itertools.cycle(itertools.product(drawn, drawn)), variant.lanes))
    masks = data.draw(st.lists(st.sampled_from([0, ONES]), min_size=variant.lanes, max_size=variant.lanes))
    check(made, [one for one, _ in pairs], [two for _, two in pairs], masks)


def test_a_formula_that_could_overflow_is_not_written() -> None:
    for variant in RUNNABLE:
        field = variant.field(Code(ir.Module("too much"), "too_much", [], lanes=variant.lanes))
        one = field.constant(1)
        with pytest.raises(AssertionError, match="a column overflows"):
            reduce(lambda total, _: total + total, range(12), field.product(one, one)).carried()
        if isinstance(field, Fma):
            with pytest.raises(AssertionError, match="too large to split"):
                field.product(field.loose_sum(one, one), field.loose_sum(one, one))
        with pytest.raises(AssertionError, match="small limbs"):
            field.store(field.code.number(0), Element(field, one.limbs, field.CARRIED + 1))
