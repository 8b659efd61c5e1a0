"""P4: points that only their maker can evaluate: `T = r*G`, so that `k'*T = r*K'` follows from the evaluator's key.

To everybody else they look like tokens: a token is `k` times a point that nobody knows the logarithm of, and both are
random elements of the group (DDH). So an evaluator treats probes as it treats rows of companies.
"""

import numpy as np

from matching.group import Points, Scalar, base_multiply, hash_to_scalar, multiply
from matching.packing import packed

PROBE_DST = b"HashToScalar-cleanroom/1-ristretto255-SHA512-probe"


def scalar_of(secret: bytes) -> Scalar:
    """The scalar r of a probe's row, from 32 secret bytes."""
    return hash_to_scalar(packed(b"cleanroom/1 probe", secret), dst=PROBE_DST)


def points_of(scalars: "list[Scalar]") -> Points:
    """The rows as they are committed: r*G for each scalar, (n, 32) uint8."""
    return _stacked([base_multiply(scalar) for scalar in scalars])


def evaluated(scalars: "list[Scalar]", key: bytes) -> Points:
    """What an honest evaluator with public key `key` makes of them: r*K' for each scalar, (n, 32) uint8."""
    point = np.frombuffer(key, np.uint8).reshape(1, 32)
    return _stacked([multiply(point, scalar).tobytes() for scalar in scalars])


def _stacked(points: list[bytes]) -> Points:
    return np.frombuffer(b"".join(points), np.uint8).reshape(-1, 32)
