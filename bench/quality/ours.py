"""Our own matching, from accounts to pairs of accounts, as two agents and an escrow come to it, without the blinding.

Keys, entries, the join and the rule are the product's. Tags are hashes of kind and key: blinding changes which bytes
are compared, never which keys are equal. A pair of accounts is one that a release would show together: their entries
match, and either account by itself, with what it holds of the proven keys, passes the rule.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.quality.slices import Slice
from cleanroom.agent.tables import load_tables
from matching.entries import merge
from matching.keys import KINDS, LOCAL_KINDS, keys_of
from matching.normalise.tables import Tables, current
from matching.overlap import Side, matched_rows, matches, side_of
from matching.rows import ADD, NAME_BYTES, TAG_BYTES, Bytes, Rows
from matching.rule import LIKELY, deciding, tiers
from matching.shapes import coarsen

_TIERS: Final = np.array(["none", "likely", "certain"])
_Masks = npt.NDArray[np.uint32]


def ours(slice_: Slice) -> pd.DataFrame:
    """The pairs of accounts that match: left, right (account ids) and tier."""
    return ours_by(slice_)


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    """A list as the escrow would hold it, and which account holds the key of which of its rows.

    `holders`: `account`, `row`, `entry`. `kinds`: bit mask per account of the kinds that it holds keys of.
    """

    side: Side
    holders: pd.DataFrame
    kinds: _Masks


def ours_by(
    slice_: Slice, kinds: tuple[str, ...] = KINDS, *, minimum: int = 1, tables: Tables | None = None
) -> pd.DataFrame:
    """`ours` as if the terms named only these kinds of key, and this minimum population, with other tables.

    Beside left, right and tier: `case`, what the rule says of the weakest of the match and its two accounts.
    """
    one, two = (_list(frame, kinds, minimum, tables or load_tables()) for frame in (slice_.left, slice_.right))
    found = matches(one.side, two.side, kinds=kinds, least=LIKELY)
    rows = matched_rows(one.side, two.side, kinds=kinds, least=LIKELY)
    passing = [
        _passing(here, there, rows[mine].to_numpy(), rows[theirs].to_numpy(), kinds)
        for here, there, mine, theirs in ((one, two, "first", "second"), (two, one, "second", "first"))
    ]
    lefts = passing[0].rename(columns={"mine": "first", "theirs": "second"})
    rights = passing[1].rename(columns={"mine": "second", "theirs": "first"})
    pairs = found.merge(lefts, on=["first", "second"]).merge(
        rights, on=["first", "second"], suffixes=("_left", "_right")
    )
    whole = (one.side.kinds[pairs["first"]] & two.side.kinds[pairs["second"]]).astype(np.uint64)
    said = pairs[["said_left", "said_right"]].assign(said=whole << np.uint64(32) | pairs["evidence"].to_numpy())
    every = pairs[["own_left", "own_right", "tier"]].to_numpy()
    weakest = np.take_along_axis(said.to_numpy(), every.argmin(axis=1, keepdims=True), axis=1)[:, 0]
    words = {pattern: _why(pattern, kinds) for pattern in np.unique(weakest).tolist()}
    return pd.DataFrame(
        {
            "left": slice_.left["account_id"].take(pairs["account_left"].to_numpy()).array,
            "right": slice_.right["account_id"].take(pairs["account_right"].to_numpy()).array,
            "tier": _TIERS[every.min(axis=1)],
            "case": [words[pattern] for pattern in weakest.tolist()],
        }
    )


def _passing(
    here: _List, there: _List, mine: npt.NDArray[np.intp], theirs: npt.NDArray[np.intp], kinds: tuple[str, ...]
) -> pd.DataFrame:
    """My accounts that pass the rule by themselves: `mine`, `theirs` (entries), `account`, `own` (tier)."""
    proven = pd.DataFrame({"row": mine, "theirs": there.side.entry[theirs], "bit": _bits(here.side.rows.kind[mine])})
    found = here.holders.merge(proven, on="row")
    pair = ["entry", "theirs", "account"]
    found = pd.DataFrame(found.drop_duplicates([*pair, "bit"]).groupby(pair)["bit"].sum().reset_index())
    agree = found["bit"].to_numpy(dtype=np.uint32)
    both = here.kinds[found["account"]] & there.side.kinds[found["theirs"]]
    both |= agree
    own = tiers(agree, both, kinds)
    said = both.astype(np.uint64) << np.uint64(32) | agree
    named = pd.DataFrame({"mine": found["entry"], "theirs": found["theirs"], "account": found["account"]})
    return named.assign(own=own, said=said)[own >= LIKELY]


def _why(pattern: int, kinds: tuple[str, ...]) -> str:
    agree, both = pattern & 0xFFFFFFFF, pattern >> 32
    named = [{kind for index, kind in enumerate(kinds) if mask >> index & 1} for mask in (agree, both & ~agree)]
    case = deciding(frozenset(named[0]), frozenset(named[1]))
    return case.why if case else ""


def _list(frame: pd.DataFrame, kinds: tuple[str, ...], minimum: int, tables: Tables) -> _List:
    recipes = [recipe for recipe in current(tables) if recipe.kind in (*kinds, *LOCAL_KINDS)]
    names = [recipe.kind for recipe in recipes]
    types = frame["identifier_type"].str.casefold()
    accounts = frame.assign(**{name: frame["identifier"].where(types == name, "") for name in types.unique() if name})
    keys = keys_of(accounts, recipes, tables).frame
    # Positions as ids: a list that repeats an account id is merged all the same.
    ids = pd.Series([f"{at:09d}" for at in range(len(accounts))], dtype="str")
    merged = merge(keys, np.zeros(len(accounts), dtype=np.uint8), ids, names)
    rows = merged.rows
    if minimum > 1:
        rows = coarsen(rows, minimum, len(kinds)).rows
    side = side_of(
        Rows(
            name=np.frombuffer(
                b"".join(int(entry).to_bytes(NAME_BYTES, "big") for entry in rows["entry"]), np.uint8
            ).reshape(-1, NAME_BYTES),
            op=np.full(len(rows), ADD, np.uint8),
            segment=rows["segment"].to_numpy(dtype=np.uint8),
            kind=rows["kind"].to_numpy(dtype=np.uint8),
            value=_tags(rows),
        )
    )
    numbered = rows[["kind", "key"]].assign(row=np.arange(len(rows)), entry=side.entry)
    holders = keys[merged.held].merge(numbered, on=["kind", "key"])
    held = np.zeros(len(accounts), np.uint32)
    np.bitwise_or.at(held, holders["account"].to_numpy(), _bits(holders["kind"].to_numpy()))
    return _List(side=side, holders=holders[["account", "row", "entry"]], kinds=held)


def _bits(kind: npt.NDArray[np.uint8]) -> _Masks:
    return np.uint32(1) << kind.astype(np.uint32)


def _tags(rows: pd.DataFrame) -> Bytes:
    texts = (f"{kind}|{key}".encode() for kind, key in zip(rows["kind"], rows["key"], strict=True))
    digests = b"".join(hashlib.sha256(text).digest()[:TAG_BYTES] for text in texts)
    return np.frombuffer(digests, np.uint8).reshape(-1, TAG_BYTES)
