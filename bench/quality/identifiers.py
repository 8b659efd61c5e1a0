"""What identifiers and vetoes would bring, on the slices with identifiers made up and attached.

No slice has an identifier scheme that both lists use. Here the truth's keys become LEIs (ISO 17442: 18 characters from
a hash, check digits by ISO 7064 MOD 97-10) and D-U-N-S numbers (nine digits from a hash; they have no check digit), and
an account gets its company's with a probability, each side and each account on its own. Nobody gets a wrong one. An
account that several companies' truth rows name gets none. Accounts outside the truth get identifiers of their own, with
the same probability, so that vetoes have something to work on. Who gets none keeps what the source has (CIKs, on one
side only).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.quality.records import read
from bench.quality.slices import Slice

SCHEMES: Final = {"LEI": ("lei",), "D-U-N-S": ("duns",), "one or the other": ("lei", "duns")}
"""What the tables call it -> the schemes; of several, each account has one, by chance."""
SHARES: Final = (0.3, 0.6)
_SEED: Final = 20_261_122
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A slice whose accounts have identifiers of `scheme` (a key of SCHEMES) with a probability of `share`."""

    scheme: str
    share: float
    slice: Slice


def trials(slice_: Slice, shares: Sequence[float] = SHARES) -> list[Trial]:
    """One for each scheme and share; none if the truth has no column `key`."""
    truth = read(slice_.folder).truth
    if "key" not in truth:
        return []
    keys = pd.DataFrame({name: truth[name] for name in ("left_id", "right_id", "key")}, dtype="str")
    return [
        Trial(scheme=scheme, share=share, slice=_with(slice_, keys, schemes, share))
        for scheme, schemes in SCHEMES.items()
        for share in shares
    ]


def lei_of(key: str) -> str:
    """A valid LEI that nobody issued, the same for the same key."""
    number = int.from_bytes(hashlib.sha256(f"lei {key}".encode()).digest(), "big")
    body = "".join(_LETTERS[number // 36**at % 36] for at in range(18))
    digits = int("".join(str(int(letter, 36)) for letter in body) + "00")
    return f"{body}{98 - digits % 97:02d}"


def duns_of(key: str) -> str:
    """Nine digits, the same for the same key; two keys in a billion share them by chance."""
    return f"{int.from_bytes(hashlib.sha256(f'duns {key}'.encode()).digest()[:8], 'big') % 10**9:09d}"


def _with(slice_: Slice, keys: pd.DataFrame, schemes: Sequence[str], share: float) -> Slice:
    # One stream a trial, so that trials differ by more than their schemes.
    draws = np.random.default_rng([_SEED, *"".join(schemes).encode(), round(share * 100)])
    left = _attached(slice_.left, keys, "left_id", _drawn(draws, len(slice_.left), schemes, share))
    right = _attached(slice_.right, keys, "right_id", _drawn(draws, len(slice_.right), schemes, share))
    return replace(slice_, left=left, right=right)


def _drawn(draws: np.random.Generator, count: int, schemes: Sequence[str], share: float) -> npt.NDArray[np.str_]:
    """The scheme of each account, "" for none."""
    which = np.array(schemes)[draws.integers(len(schemes), size=count)]
    return np.where(draws.random(count) < share, which, "")


def _attached(accounts: pd.DataFrame, keys: pd.DataFrame, side: str, scheme: npt.NDArray[np.str_]) -> pd.DataFrame:
    of_account = keys.groupby(side)["key"].agg(["first", "nunique"])
    ids = accounts["account_id"]
    key = ids.map(of_account["first"]).fillna(side + " " + ids)
    several = (ids.map(of_account["nunique"]).fillna(1) > 1).to_numpy()
    number = key.map(lei_of).where(pd.Series(scheme == "lei"), key.map(duns_of))
    kept = (scheme != "") & ~several
    return accounts.assign(
        identifier_type=accounts["identifier_type"].mask(kept, pd.Series(scheme, dtype="str")),
        identifier=accounts["identifier"].mask(kept, number),
    )
