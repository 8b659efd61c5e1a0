"""The seed of what is random in the tests with real processes."""

import os
import secrets

import numpy as np
import pytest

SEED_VARIABLE = "CLEANROOM_TEST_SEED"


@pytest.fixture
def seeded(request: pytest.FixtureRequest) -> np.random.Generator:
    """What chooses lists and moments. A failing test prints the seed; setting the variable brings it back."""
    given = os.environ.get(SEED_VARIABLE)  # noqa: TID251 - the one place where tests read it
    seed = int(given) if given else secrets.randbits(32)
    print(f"{request.node.name}: {SEED_VARIABLE}={seed}")  # noqa: T201 - shown when the test fails
    return np.random.default_rng(seed)
