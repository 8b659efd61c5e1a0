"""P3 and P4: how many entries show which shape, counted from rows. One function for owner, evaluator and escrow."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from matching.refusal import Refusal
from matching.rows import Rows, is_in, order_of, words_of

Shape = tuple[int, tuple[int, ...]]
"""(segment, number of keys of each kind in the terms' order)."""


def histogram(rows: Rows, kinds: int) -> dict[Shape, int]:
    """Entries per shape, in the order of shapes. All rows are additions; `kinds` is how many the terms name.

    Raises:
        Refusal: `mixed_segments` if the rows of one entry differ in segment, `malformed_rows` if a kind is not in the
            terms.
    """
    if not len(rows):
        return {}
    if rows.kind.max() >= kinds:
        raise Refusal("malformed_rows", "a row's kind is not in the terms")
    order, again = order_of(*words_of(rows.name))
    segment, kind, starts = rows.segment[order], rows.kind[order], ~again
    if (segment[1:] != segment[:-1])[~starts[1:]].any():
        raise Refusal("mixed_segments", "the rows of one entry name different segments")
    entry = np.cumsum(starts) - 1
    entries = int(entry[-1]) + 1
    counts = np.bincount(entry * kinds + kind, minlength=entries * kinds).reshape(entries, kinds)
    columns = {"segment": segment[starts], **{f"kind{i}": counts[:, i] for i in range(kinds)}}
    sizes = pd.DataFrame(columns).groupby(list(columns), sort=True).size()
    shapes: list[tuple[int, ...]] = sizes.index.to_list()
    return {(shape[0], shape[1:]): int(size) for shape, size in zip(shapes, sizes, strict=True)}


def moved(shown: Mapping[Shape, int], before: Rows, batch: Rows, kinds: int) -> dict[Shape, int]:
    """The histogram after a batch that `applied` takes, from the one before: at the cost of the batch.

    Raises:
        Refusal: as `histogram`, of the rows that the batch brings.
    """
    gone = batch.removed()
    leaving = histogram(before.take(is_in(before.name, gone)), kinds) if len(gone) else {}
    return dict(Counter(shown) - Counter(leaving) + Counter(histogram(batch.added(), kinds)))
