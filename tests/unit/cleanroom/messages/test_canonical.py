from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from cleanroom.messages.canonical import canonical

SAFE = 2**53 - 1
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
NUMBERS = st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@example({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3})
@example({"a": [1e21, -0.0, 1e-7, 10**15, -SAFE, 5e-324], "b": "1.5", "c": ['\x00\x1f\x7f\u2028"\\/\b\f\n\r\t']})
@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_it_writes_what_the_library_writes(value: dict[str, Any]) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value", [SAFE + 1, -SAFE - 1, [SAFE + 1], float("inf"), float("-inf"), [float("nan")], "\ud800", {"\udfff": 1}]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"domain|JCS|UTF-8|surrogates"):
        canonical({"a": value})
