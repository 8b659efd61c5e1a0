"""The kernels that this machine can run: the real ones, and where it lacks AVX-512 IFMA the same code on a model.

Everything but one instruction of the IFMA kernels is plain arithmetic on words. The model writes that instruction out
as Intel's Software Developer's Manual (volume 2, VPMADD52LUQ and VPMADD52HUQ) defines it: the low 52 bits of both
factors are multiplied, and the low or the high 52 bits of the product of 104 are added to a word, modulo 2**64.
"""

from typing import Any, Final

import pytest

from matching.lanes.code import Value
from matching.lanes.ifma import Ifma
from matching.lanes.machine import VARIANTS, Variant, runs_here


class ModelledIfma(Ifma):
    """IFMA on any CPU, by products of 26-bit halves."""

    NAME = "ifma-model"

    def _madd(self, half: str, total: Value, a: Value, b: Value) -> Value:
        builder, splat = self.code.builder, self.code.splat
        whole, small, by = splat(2**52 - 1), splat(2**26 - 1), splat(26)
        a, b = builder.and_(a, whole), builder.and_(b, whole)
        a0, a1, b0, b1 = builder.and_(a, small), builder.lshr(a, by), builder.and_(b, small), builder.lshr(b, by)
        middle = builder.add(builder.mul(a0, b1), builder.mul(a1, b0))
        low = builder.add(builder.mul(a0, b0), builder.shl(builder.and_(middle, small), by))
        if half == "l":
            return builder.add(total, builder.and_(low, whole))
        high = builder.add(builder.mul(a1, b1), builder.lshr(middle, by))
        return builder.add(total, builder.add(high, builder.lshr(low, splat(52))))


MODELS: Final = tuple(Variant(f"model-{lanes}", ModelledIfma, lanes, frozenset()) for lanes in (8, 4))
REAL: Final = tuple(variant for variant in VARIANTS if runs_here(variant))
RUNNABLE: Final = (*REAL, *MODELS)
"""Models also where the real ones run: that they agree there is what makes the model more than an opinion."""


def each_variant(*, long: str) -> list[Any]:
    """Parameters of a test or fixture: every runnable variant, one of the models only in `make soak`.

    Between them a quick run has what makes the models differ: four lanes in single functions, eight in whole kernels.
    """
    return [
        pytest.param(variant, id=variant.name, marks=[pytest.mark.soak] if variant.name == long else [])
        for variant in RUNNABLE
    ]
