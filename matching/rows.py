"""Rows of a batch as arrays: what a partner commits (P3) and what the other side makes of it (P4).

Both have one layout. `name` is the entry's handle, or its pseudonym in an evaluation; `value` is the token
(32 bytes), or the tag (16 bytes). A row with `op` REMOVE takes a whole entry out; its other columns are
NO_SEGMENT, NO_KIND and zeros. An entry that changes is removed and added again in one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matching.refusal import Refusal

Bytes = npt.NDArray[np.uint8]
Column = npt.NDArray[np.integer]

REMOVE, ADD = 0, 1
NO_SEGMENT, NO_KIND = 255, 255
NAME_BYTES, TOKEN_BYTES, TAG_BYTES = 16, 32, 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """n rows: `name` (n, 16), `op`, `segment`, `kind` (n,) and `value` (n, 32 or 16), all uint8."""

    name: Bytes
    op: Bytes
    segment: Bytes
    kind: Bytes
    value: Bytes

    def __post_init__(self) -> None:
        """Check shapes and types.

        Raises:
            Refusal: `malformed_rows` if the arrays don't fit each other.
        """
        n = len(self.op)
        wanted = {"name": (n, NAME_BYTES), "op": (n,), "segment": (n,), "kind": (n,)}
        fits = all(getattr(self, column).shape == shape for column, shape in wanted.items())
        value = self.value
        fits = fits and value.ndim == 2 and value.shape[0] == n and value.shape[1] in (TOKEN_BYTES, TAG_BYTES)  # noqa: PLR2004 - rank
        if not fits or any(getattr(self, column).dtype != np.uint8 for column in (*wanted, "value")):
            raise Refusal("malformed_rows", "columns of a batch must be uint8 arrays of equal length")

    def __len__(self) -> int:
        return len(self.op)

    def take(self, which: npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice) -> "Rows":
        """The rows at the given positions, in that order."""
        return Rows(
            name=self.name[which],
            op=self.op[which],
            segment=self.segment[which],
            kind=self.kind[which],
            value=self.value[which],
        )

    def added(self) -> "Rows":
        """The rows that add a key."""
        return self.take(self.op == ADD)

    def removed(self) -> Bytes:
        """The names (m, 16) of the entries that are taken out."""
        names: Bytes = self.name[self.op == REMOVE]
        return names

    def leaves(self) -> bytes:
        """The rows as n records of fixed width: name, op, segment, kind, value. This is what Merkle trees cover."""
        small = np.stack([self.op, self.segment, self.kind], axis=1)
        return np.concatenate([self.name, small, self.value], axis=1).tobytes()

    @property
    def leaf_width(self) -> int:
        """Bytes of one record in `leaves`."""
        return NAME_BYTES + 3 + int(self.value.shape[1])

    def well_formed(self, *, segments: int, kinds: int) -> None:
        """Check that every row is an addition or a removal as this module's docstring says.

        Raises:
            Refusal: `malformed_rows` naming the first bad row.
        """
        adds = (self.op == ADD) & (self.segment < segments) & (self.kind < kinds)
        blank = (self.segment == NO_SEGMENT) & (self.kind == NO_KIND) & ~self.value.any(axis=1)
        bad = ~(adds | ((self.op == REMOVE) & blank))
        if bad.any():
            raise Refusal("malformed_rows", "neither an addition nor a removal", place=f"row {int(bad.argmax())}")


def from_leaves(data: bytes, value_bytes: int) -> Rows:
    """The rows whose `leaves()` are `data`.

    Raises:
        Refusal: `malformed_rows` if the length does not fit.
    """
    width = NAME_BYTES + 3 + value_bytes
    if len(data) % width:
        raise Refusal("malformed_rows", "not a whole number of records")
    block = np.frombuffer(data, np.uint8).reshape(-1, width)
    return Rows(
        name=block[:, :NAME_BYTES],
        op=block[:, NAME_BYTES],
        segment=block[:, NAME_BYTES + 1],
        kind=block[:, NAME_BYTES + 2],
        value=block[:, NAME_BYTES + 3 :],
    )


def empty(value_bytes: int) -> Rows:
    """No rows."""
    none = np.zeros(0, np.uint8)
    return Rows(
        name=np.zeros((0, NAME_BYTES), np.uint8),
        op=none,
        segment=none,
        kind=none,
        value=np.zeros((0, value_bytes), np.uint8),
    )


def concatenated(parts: list[Rows]) -> Rows:
    """All rows of the parts, in order. At least one part."""
    return Rows(
        **{
            column: np.concatenate([getattr(part, column) for part in parts])
            for column in ("name", "op", "segment", "kind", "value")
        }
    )


def removals(names: Bytes, value_bytes: int) -> Rows:
    """Rows that take out the entries named."""
    n = len(names)
    return Rows(
        name=names,
        op=np.full(n, REMOVE, np.uint8),
        segment=np.full(n, NO_SEGMENT, np.uint8),
        kind=np.full(n, NO_KIND, np.uint8),
        value=np.zeros((n, value_bytes), np.uint8),
    )


def as_keys(block: Bytes) -> npt.NDArray[np.void]:
    """Each row of an (n, w) byte array as one comparable, sortable item."""
    block = np.ascontiguousarray(block)
    return block.view(np.dtype((np.void, block.shape[1]))).ravel()


def words_of(block: Bytes) -> list[npt.NDArray[np.uint64]]:
    """The columns of an (n, w) byte array, eight bytes to a number, in which rows are ordered as their bytes are."""
    words = np.ascontiguousarray(block).view(">u8")
    return [words[:, column].astype(np.uint64) for column in range(words.shape[1])]


def order_of(*columns: Column) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """The positions that sort rows by these columns, the first counting most, and which repeat the one before them.

    Equal rows stay in order. Of random bytes the first word decides alone; sorting by it is quick, and where rows are
    in order already (or in a few runs that are) quicker still.
    """
    order = columns[0].argsort(kind="stable")
    repeats, decided = _repeats(columns, order)
    if not decided:
        order = np.lexsort(columns[::-1])
        repeats, _ = _repeats(columns, order)
    return order, repeats


def _repeats(columns: Sequence[Column], order: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.bool_], bool]:
    """Whether each row, in this order, equals the one before it; and whether those with equal first columns all do."""
    first = columns[0][order]
    at = tied = np.flatnonzero(first[1:] == first[:-1]) + 1
    for column in columns[1:]:
        at = at[column[order[at]] == column[order[at - 1]]]
    repeats = np.zeros(len(order), np.bool_)
    repeats[at] = True
    return repeats, len(at) == len(tied)


def numbered(names: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]]:
    """(the number of each 16-byte name, from 0; the distinct names), numbers in the order of names."""
    order, again = order_of(*words_of(np.frombuffer(b"".join(names), np.uint8).reshape(-1, NAME_BYTES)))
    number = np.empty(len(names), np.int64)
    number[order] = np.cumsum(~again) - 1
    return number, names[order[~again]]


def is_in(block: Bytes, among: Bytes) -> npt.NDArray[np.bool_]:
    """Whether each row of an (n, w) byte array is a row of another; w is at least 8."""
    first, others = (part[:, :8].copy().view(np.uint64).ravel() for part in (block, among))
    # Numbers are compared many times faster than bytes; only what is left on both sides is compared whole.
    found = _are_in(first, others)
    near = among[_are_in(others, first[found])]
    found[found] = np.isin(as_keys(block[found]), as_keys(near))
    return found


def _are_in(numbers: npt.NDArray[np.uint64], among: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """`np.isin`, without sorting the longer one where the other is much shorter."""
    found = np.zeros(len(numbers), np.bool_)
    if len(numbers) and len(numbers) * 8 < len(among):
        among = among[_nearest(np.sort(numbers), among) == among]
    if not len(numbers) or not len(among):
        return found
    ordered = np.sort(among)
    if len(among) * 8 < len(numbers):
        return np.asarray(_nearest(ordered, numbers) == numbers, np.bool_)
    order = np.argsort(numbers)  # to look up in order is several times faster than at random
    found[order] = _nearest(ordered, numbers[order]) == numbers[order]
    return found


def _nearest(ordered: npt.NDArray[np.uint64], numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """For each number the first of these that is not below it, or the last of them."""
    near: npt.NDArray[np.uint64] = ordered[np.searchsorted(ordered, numbers).clip(max=len(ordered) - 1)]
    return near


def applied(state: Rows, batch: Rows) -> Rows:
    """The state after a batch: entries removed, then keys added.

    Raises:
        Refusal: `unknown_entry` if an entry is removed that is not there, `repeated_removal`, or `entry_exists` if
            keys are added to an entry that stays.
    """
    gone = batch.removed()
    if order_of(*words_of(gone))[1].any():
        raise Refusal("repeated_removal", "an entry is removed twice in one batch")
    if not is_in(gone, state.name).all():
        raise Refusal("unknown_entry", "an entry is removed that is not in the list")
    rest = state.take(~is_in(state.name, gone)) if len(gone) else state
    added = batch if (batch.op == ADD).all() else batch.added()
    if is_in(added.name, rest.name).any():
        raise Refusal("entry_exists", "keys are added to an entry that is already in the list")
    return concatenated([rest, added])
