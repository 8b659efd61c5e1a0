"""Probes: what their maker computes of them is what an evaluator makes of them, and they look like nothing else."""

import numpy as np

from matching import probes
from matching.group import base_multiply, is_element, multiply, random_scalar
from matching.tokens import TOKEN_DST

SECRETS = [bytes([n]) * 32 for n in range(1, 6)]


def test_an_honest_evaluator_makes_of_them_what_their_maker_says() -> None:
    scalars = [probes.scalar_of(secret) for secret in SECRETS]
    evaluator = random_scalar()
    made = multiply(probes.points_of(scalars), evaluator)
    assert np.array_equal(made, probes.evaluated(scalars, base_multiply(evaluator)))


def test_another_key_makes_something_else() -> None:
    scalars = [probes.scalar_of(secret) for secret in SECRETS]
    made = multiply(probes.points_of(scalars), random_scalar())
    assert not (made == probes.evaluated(scalars, base_multiply(random_scalar()))).all(axis=1).any()


def test_they_are_elements_of_their_own_secret_alone() -> None:
    points = probes.points_of([probes.scalar_of(secret) for secret in (*SECRETS, SECRETS[0])])
    assert all(is_element(point.tobytes()) for point in points)
    assert len(np.unique(points, axis=0)) == len(SECRETS)
    assert (points[0] == points[-1]).all()


def test_their_scalars_are_of_a_domain_of_their_own() -> None:
    assert probes.PROBE_DST != TOKEN_DST
    assert probes.PROBE_DST.startswith(b"HashToScalar-cleanroom/1-")
