"""A slice as frames, and its two parts: one to look at while rules are made, one to confirm them on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.quality.records import FLAGS, NEEDED, OPTIONAL, Columns, read

PARTS: Final = ("all", "look", "confirm")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """Two lists and what is true of them.

    `left`, `right`: str columns account_id, name, website, country, identifier_type, identifier, "" for an empty cell.
    `truth`: left_id, right_id (str) and hard (bool), no pair twice. `hard_known`: whether the flags that make a pair
    hard were there (equal neither in registrable domain nor in cleaned name).
    """

    name: str
    folder: Path
    left: pd.DataFrame
    right: pd.DataFrame
    truth: pd.DataFrame
    hard_known: bool


def slices_of(folders: Sequence[Path]) -> list[Slice]:
    """The slices in these folders, named as the folders are; where two have one name, by the last two parts.

    Raises:
        SliceRefused: as `records.read`.
    """
    places = [folder.resolve() for folder in folders]
    last = [place.name for place in places]
    names = [place.name if last.count(place.name) == 1 else "/".join(place.parts[-2:]) for place in places]
    return [_slice(name, folder) for name, folder in zip(names, folders, strict=True)]


def part_of(ids: "pd.Series[str]") -> npt.NDArray[np.bool_]:
    """Whether each left account is in the part to look at; the others are in the part to confirm on.

    By the first byte of SHA-256 of the id, so that a slice is divided in the same way for ever.
    """
    return np.array([hashlib.sha256(text.encode()).digest()[0] % 2 == 0 for text in ids], dtype=np.bool_)


def within(pairs: pd.DataFrame, column: str, part: str) -> pd.DataFrame:
    """The rows whose left account (named by `column`) is in a part: `look`, `confirm` or `all`."""
    if part == "all":
        return pairs
    looked_at = part_of(pairs[column])
    return pairs[looked_at if part == "look" else ~looked_at].reset_index(drop=True)


def cut(whole: Slice, part: str) -> Slice:
    """The slice with the left accounts and the truth of one part; the right list stays whole."""
    left, truth = within(whole.left, "account_id", part), within(whole.truth, "left_id", part)
    return replace(whole, left=left, truth=truth)


def _slice(name: str, folder: Path) -> Slice:
    records = read(folder)
    hard_known = all(flag in records.truth for flag in FLAGS)
    truth = _frame(records.truth, ("left_id", "right_id"))
    truth["hard"] = (
        np.logical_and.reduce([np.array(records.truth[flag]) == "0" for flag in FLAGS])
        if hard_known
        else np.zeros(len(truth), dtype=bool)
    )
    return Slice(
        name=name,
        folder=folder,
        left=_frame(records.left, (*NEEDED, *OPTIONAL)),
        right=_frame(records.right, (*NEEDED, *OPTIONAL)),
        truth=truth.drop_duplicates(["left_id", "right_id"], ignore_index=True),
        hard_known=hard_known,
    )


def _frame(columns: Columns, names: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(columns[name], dtype="str") for name in names})
