"""ristretto255 on lanes: decode, map and encode of RFC 9496 section 4.3, cut where many blocks share work.

Square roots are one long chain of squarings (`powers.py`), which several blocks run side by side; encoding needs an
inversion, which all blocks of a batch share (Montgomery's trick). What is encoded is twice the point, for this needs no
square root (Hamburg's "double and compress", as in curve25519-dalek): the caller multiplies by half the scalar.
"""

from dataclasses import dataclass
from typing import Final

from matching.lanes.code import Value
from matching.lanes.field import Element, Field, P
from matching.lanes.point import D

SQRT_M1: Final = pow(2, (P - 1) // 4, P)
INVSQRT_A_MINUS_D: Final = 54469307008909316920995813868745141605393597292927456921205312896311721017578
SQRT_AD_MINUS_ONE: Final = 25063068953384623474111414158702152701244531502492656460079210482610430750235
ONE_MINUS_D_SQ: Final = (1 - D * D) % P
D_MINUS_ONE_SQ: Final = (D - 1) ** 2 % P
assert INVSQRT_A_MINUS_D**2 * (-1 - D) % P == 1
assert SQRT_AD_MINUS_ONE**2 % P == (-D - 1) % P


@dataclass(frozen=True)
class Ratio:
    """A square root of u/v to be taken: `base` is what goes through `powers`."""

    u: Element
    v: Element
    v3: Element
    base: Element


def ratio(u: Element, v: Element) -> Ratio:
    """The first half of SQRT_RATIO_M1 (RFC 9496 section 4.2)."""
    v3 = v.squared() * v
    return Ratio(u, v, v3, u * (v3.squared() * v))


def root(field: Field, asked: Ratio, power: Element) -> tuple[Value, Element]:
    """The second half: all ones in lanes where u/v is a square, and the root that is not negative."""
    builder = field.code.builder
    i = field.constant(SQRT_M1)
    r = (asked.u * asked.v3) * power
    check = asked.v * r.squared()
    correct = field.is_zero(check - asked.u)
    flipped = field.is_zero(check + asked.u)
    flipped_i = field.is_zero(check + asked.u * i)
    r = field.select(builder.or_(flipped, flipped_i), r * i, r)
    return builder.or_(correct, flipped), field.absolute(r)


@dataclass(frozen=True)
class Decoding:
    """RFC 9496 section 4.3.1, up to the root."""

    s: Element
    u1: Element
    u2: Element
    v: Element
    asked: Ratio

    @classmethod
    def of(cls, field: Field, s: Element) -> "Decoding":
        """Of the number that was read."""
        one, ss = field.constant(1), s.squared()
        u1, u2 = one - ss, one + ss
        u2s = u2.squared()
        v = -(field.constant(D) * u1.squared()) - u2s
        return cls(s, u1, u2, v, ratio(one, v * u2s))

    def point(self, field: Field, power: Element) -> tuple[Value, list[Element]]:
        """All ones in lanes that hold a point (if the encoding was canonical), and the point, extended."""
        builder = field.code.builder
        square, inverse_root = root(field, self.asked, power)
        den_x = inverse_root * self.u2
        den_y = inverse_root * den_x * self.v
        x = field.absolute((self.s + self.s) * den_x)
        y = self.u1 * den_y
        t = x * y
        bad = builder.or_(field.is_negative(t), field.is_zero(y))
        return builder.and_(square, builder.not_(bad)), [x, y, field.constant(1), t]


@dataclass(frozen=True)
class Mapping:
    """RFC 9496 section 4.3.4, MAP, up to the root."""

    t: Element
    r: Element
    v: Element
    asked: Ratio

    @classmethod
    def of(cls, field: Field, t: Element) -> "Mapping":
        """Of a number below 2**255."""
        one, d = field.constant(1), field.constant(D)
        r = field.constant(SQRT_M1) * t.squared()
        u = (r + one) * field.constant(ONE_MINUS_D_SQ)
        v = (field.constant(-1) - r * d) * (r + d)
        return cls(t, r, v, ratio(u, v))

    def point(self, field: Field, power: Element) -> list[Element]:
        """The point, extended."""
        one = field.constant(1)
        square, s = root(field, self.asked, power)
        s = field.select(square, s, -field.absolute(s * self.t))
        c = field.select(square, field.constant(-1), self.r)
        n = c * (self.r - one) * field.constant(D_MINUS_ONE_SQ) - self.v
        ss = s.squared()
        w0, w1, w2, w3 = (s + s) * self.v, n * field.constant(SQRT_AD_MINUS_ONE), one - ss, one + ss
        return [w0 * w3, w2 * w1, w1 * w3, w0 * w2]


def doubled(field: Field, point: list[Element]) -> list[Element]:
    """What `encoded` needs of an extended point P to write down 2P: e, f, g, h, eg and fh."""
    x, y, z, t = point
    zz, dtt = z.squared(), t.squared() * field.constant(D)
    e, f, g, h = x * (y + y), zz + dtt, y.squared() + x.squared(), zz - dtt
    return [e, f, g, h, e * g, f * h]


def encoded(field: Field, numbers: list[Element], inverse: Element) -> Element:
    """The number that encodes 2P (RFC 9496 section 4.3.2), given 1/(eg * fh)."""
    e, f, g, h, eg, fh = numbers
    i = field.constant(SQRT_M1)
    z_inverse, t_inverse = eg * inverse, fh * inverse
    rotate = field.is_negative(eg * z_inverse)
    minus_e, f_rotated = -e, f * i
    e, g, h = field.select(rotate, g, e), field.select(rotate, minus_e, g), field.select(rotate, f_rotated, h)
    magic = field.select(rotate, i, field.constant(INVSQRT_A_MINUS_D))
    g = field.select(field.is_negative(h * e * z_inverse), -g, g)
    return field.absolute((h - g) * (magic * (g * t_inverse)))
