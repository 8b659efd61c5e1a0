"""What was refused, by row, column and rule - never by value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refused:
    """One rule broken in one column. `rows` are 1-based rows of the source; `left_out` tells rows from single cells."""

    rows: npt.NDArray[np.int64]
    column: str
    rule: str
    left_out: bool


def refused_frame(parts: Sequence[Refused]) -> pd.DataFrame:
    """All of them, by row: row (int64), column (str), rule (str), left_out (bool).

    left_out is False where only the cell was emptied.
    """
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *(part.rows for part in parts)])
    counts = [len(part.rows) for part in parts]
    frame = pd.DataFrame(
        {
            "row": rows,
            "column": pd.Series([part.column for part in parts], dtype="str").repeat(counts).array,
            "rule": pd.Series([part.rule for part in parts], dtype="str").repeat(counts).array,
            "left_out": np.repeat(np.array([part.left_out for part in parts], dtype=np.bool_), counts),
        }
    )
    return frame.sort_values(["row", "column"], kind="stable", ignore_index=True)
