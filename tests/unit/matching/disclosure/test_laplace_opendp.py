"""Our noise against OpenDP's, an implementation of the same distribution that shares no line with ours."""

import opendp.prelude as dp
import pytest
from noise_samples import SURE, alike, binned, seeded

from matching.disclosure.laplace import draw

DRAWS = 50_000


def theirs(scale: float) -> list[int]:
    """OpenDP draws from the machine's randomness: a fair pair of samplers is suspected once in a million runs."""
    space = dp.vector_domain(dp.atom_domain(T="i64"), size=DRAWS), dp.l1_distance(T="i64")
    dp.enable_features("contrib")
    return list((space >> dp.m.then_laplace(scale=scale))([0] * DRAWS))


@pytest.mark.parametrize(("scale", "edge"), [(6, 28), (16, 60)])
def test_our_noise_is_distributed_as_opendps(scale: int, edge: int) -> None:
    below = seeded(scale)
    ours = binned((draw(scale, below) for _ in range(DRAWS)), edge)
    assert alike(ours, binned(theirs(float(scale)), edge)) > SURE


def test_the_comparison_sees_another_scale() -> None:
    below = seeded(7)
    ours = binned((draw(7, below) for _ in range(DRAWS)), 28)
    assert alike(ours, binned(theirs(6.0), 28)) < SURE
