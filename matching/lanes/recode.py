"""A scalar as signed digits of four bits, and the masks that choose a table's entry: in the same steps for any scalar.

`k = sum of d[i] * 16**i` with -8 <= d[i] < 8, for k below 2**252 + 2**125 (ref10, `ge_scalarmult_base`).
"""

from llvmlite import ir

from matching.lanes.code import BYTE, POINTER, WORD, Code
from matching.lanes.point import ENTRIES, MASKS, WINDOWS


def recode(module: ir.Module) -> ir.Function:
    """`recode(masks, scalar)`: 32 bytes of a scalar to 64 digits of MASKS words (`point.MASKS`)."""
    code = Code(module, "recode", [POINTER, BYTE.as_pointer()], lanes=1)
    builder = code.builder
    masks, scalar = code.function.args
    carry = builder.alloca(WORD)
    builder.store(code.number(0), carry)
    eight, ones = code.number(8), code.number(2**64 - 1)
    with code.loop(WINDOWS) as window:
        byte = builder.zext(builder.load(builder.gep(scalar, [builder.lshr(window, code.number(1))])), WORD)
        shift = builder.shl(builder.and_(window, code.number(1)), code.number(2))
        digit = builder.add(builder.and_(builder.lshr(byte, shift), code.number(15)), builder.load(carry))
        over = builder.lshr(builder.add(digit, eight), code.number(4))
        builder.store(over, carry)
        digit = builder.sub(digit, builder.shl(over, code.number(4)))
        negative = builder.ashr(digit, code.number(63))
        magnitude = builder.sub(builder.xor(digit, negative), negative)
        row = code.at(masks, builder.mul(window, code.number(MASKS)))
        for number in range(ENTRIES + 1):  # entry n - 1 holds n times the point; the last mask is for zero
            differs = builder.xor(magnitude, code.number((number + 1) % (ENTRIES + 1)))
            equal = builder.ashr(builder.sub(differs, code.number(1)), code.number(63))
            builder.store(builder.and_(equal, ones), code.at(row, number))
        builder.store(negative, code.at(row, ENTRIES + 1))
    builder.store(code.number(0), carry)
    return code.end()
