"""Text cells made uniform, a column at a time: no control characters, single blanks, trimmed, NFC."""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cleanroom.agent.reading.table import text_column

MAX_CELL: Final = 100_000  # characters
_WIDE_BLANK: Final = r"\t-\r\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
# C0, C1, and the invisible characters that reorder or hide text. Joiners (U+200C, U+200D) stay: some scripts need them.
_CONTROL: Final = (
    r"\x00-\x08\x0e-\x1f\x7f-\x{84}\x{86}-\x{9f}\x{ad}\x{200b}\x{200e}\x{200f}"
    r"\x{202a}-\x{202e}\x{2060}-\x{2064}\x{2066}-\x{2069}\x{feff}"
)
_UNCLEAN: Final = rf"^ | $|  |[{_WIDE_BLANK}{_CONTROL}]"


def too_long(values: "pd.Series[str]") -> npt.NDArray[np.bool_]:
    """Which cells hold more than MAX_CELL characters. Shape (n,)."""
    lengths = pc.utf8_length(pa.array(values))
    return np.asarray(pc.greater(lengths, MAX_CELL).to_numpy(zero_copy_only=False), dtype=np.bool_)


def cleaned(values: "pd.Series[str]") -> "pd.Series[str]":
    """The same cells, clean; dtype `str`."""
    cells: Any = pa.array(values)
    if pc.any(pc.match_substring_regex(cells, _UNCLEAN)).as_py():
        cells = pc.replace_substring_regex(cells, f"[{_WIDE_BLANK}]+", " ")
        cells = pc.replace_substring_regex(cells, f"[{_CONTROL}]+", "")
        cells = pc.utf8_trim(cells, " ")
        cells = pc.replace_substring_regex(cells, "  +", " ")
    if not pc.all(pc.string_is_ascii(cells)).as_py():
        cells = pc.utf8_normalize(cells, form="NFC")
    return text_column(cells)


def by_value(
    values: "pd.Series[str]", known: Callable[[str], str | None]
) -> tuple["pd.Series[str]", npt.NDArray[np.bool_]]:
    """Each distinct cell through `known`, once: the new column, and which cells it could not read (they become "").

    Empty cells stay empty and are always readable.
    """
    cells: Any = pa.array(values)
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    encoded = cells.dictionary_encode()
    results = [known(cell) if cell else "" for cell in encoded.dictionary.to_pylist()]
    read = pa.array([result or "" for result in results], pa.large_string()).take(encoded.indices)
    bad = np.array([result is None for result in results], dtype=np.bool_)
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    return text_column(read), bad[indices] if len(bad) else np.zeros(len(values), dtype=np.bool_)


def folded(text: str) -> str:
    """A word for comparison with a table: no case, accents or punctuation, single blanks."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return " ".join(kept.split())


def first_of(tables: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """A table {meaning: spellings} turned round: {folded spelling: meaning}."""
    return {folded(word): meaning for meaning, words in tables.items() for word in words}
