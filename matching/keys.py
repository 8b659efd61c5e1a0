"""P3, first half of the agent's side: accounts in, match keys out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from matching.normalise import domain, duns, lei, name_country, vat
from matching.normalise.tables import Tables
from matching.refusal import Refusal

KINDS: Final = ("lei", "duns", "vat", "domain", "name_country")
IDENTIFIER_KINDS: Final = frozenset({"lei", "duns", "vat"})

_COLUMNS: Final = {
    "lei": ("lei",),
    "duns": ("duns",),
    "vat": ("vat", "country"),
    "domain": ("website",),
    "name_country": ("name", "country"),
}
# Distinct values become Python strings this many at a time: it bounds what lives beside the frames.
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """`frame`: `account` (int32, row position), `kind` (uint8, index in the terms' kinds), `key` (str); no duplicates.

    `refused`: `account` (int32), `column` (str), `rule` (str), ordered by account, then by kind: what was present and
    wrong, without the value.
    """

    frame: pd.DataFrame
    refused: pd.DataFrame


def keys_of(accounts: pd.DataFrame, kinds: Sequence[str], tables: Tables) -> Keys:
    """The match keys of every account that is not suppressed. Equal values are normalised once.

    `accounts` has the columns of the accounts frame that the kinds need (and `suppressed`, bool, if any is), missing
    values as "". Raises Refusal `kind_unknown`, `kind_repeated`, or `column_missing`.
    """
    _check(accounts, kinds)
    live = np.arange(len(accounts), dtype=np.int32)
    if "suppressed" in accounts:
        live = live[~accounts["suppressed"].to_numpy(dtype=bool)]
    frames: list[pd.DataFrame] = []
    refusals: list[pd.DataFrame] = []
    for index, kind in enumerate(kinds):
        columns = [accounts[name].iloc[live] for name in _COLUMNS[kind]]
        found, refused = _keys_of_kind(columns, _normaliser(kind, tables))
        frames.append(
            pd.DataFrame(
                {
                    "account": live[found.index],
                    "kind": np.full(len(found), index, dtype=np.uint8),
                    "key": found.array,
                }
            )
        )
        refusals.append(
            pd.DataFrame(
                {
                    "account": live[refused.index],
                    "column": pd.array([_COLUMNS[kind][0]] * len(refused), dtype="str"),
                    "rule": refused.array,
                }
            )
        )
    refused_frame = pd.concat(refusals, ignore_index=True)
    return Keys(
        frame=pd.concat(frames, ignore_index=True),
        refused=refused_frame.sort_values("account", kind="stable", ignore_index=True),
    )


def _check(accounts: pd.DataFrame, kinds: Sequence[str]) -> None:
    if not kinds or any(kind not in _COLUMNS for kind in kinds):
        raise Refusal("kind_unknown", "not a kind of match key")
    if len(set(kinds)) != len(kinds):
        raise Refusal("kind_repeated", "a kind of match key is named twice")
    missing = {name for kind in kinds for name in _COLUMNS[kind]} - set(accounts.columns)
    if missing:
        raise Refusal("column_missing", f"no column {', '.join(sorted(missing))}")


def _normaliser(kind: str, tables: Tables) -> Callable[..., str]:
    match kind:
        case "lei":
            return lei.normalise
        case "duns":
            return duns.normalise
        case "vat":
            return vat.normalise
        case "domain":
            return partial(domain.normalise, registrable_domain=tables.registrable_domain)
        case _:
            return name_country.normalise


def _keys_of_kind(
    columns: Sequence["pd.Series[str]"], normaliser: Callable[..., str]
) -> tuple["pd.Series[str]", "pd.Series[str]"]:
    """(keys, rules broken), each indexed by position in `columns`; positions without one are left out."""
    codes, distinct = _distinct(columns)
    keys: list[pd.Series[str]] = []
    rules: dict[int, str] = {}
    for start in range(0, len(distinct[0]), _CHUNK):
        chunk = [values.iloc[start : start + _CHUNK].tolist() for values in distinct]
        keys.append(pd.Series(_normalised(zip(*chunk, strict=True), normaliser, rules, start), dtype="str"))
    if not keys:
        nothing = pd.Series([], dtype="str", index=pd.Index([], dtype="int64"))
        return nothing, nothing
    by_code = pd.concat(keys, ignore_index=True)
    has_key = (by_code != "").to_numpy()
    positions = np.flatnonzero(has_key[codes])
    found = by_code.take(codes[positions])
    found.index = pd.Index(positions)
    broken = np.zeros(len(by_code), dtype=bool)
    broken[list(rules)] = True
    at = np.flatnonzero(broken[codes])
    return found, pd.Series([rules[code] for code in codes[at].tolist()], index=at, dtype="str")


def _normalised(
    values: Iterable[tuple[str, ...]], normaliser: Callable[..., str], rules: dict[int, str], start: int
) -> list[str]:
    """One key a value, "" for none; broken rules are added to `rules` under the value's number."""
    keys = []
    for number, arguments in enumerate(values, start):
        try:
            keys.append(normaliser(*arguments) if arguments[0] else "")
        except Refusal as refusal:
            rules[number] = refusal.rule
            keys.append("")
    return keys


def _distinct(
    columns: Sequence["pd.Series[str]"],
) -> tuple[npt.NDArray[np.int64], list["pd.Series[str]"]]:
    """(number of the distinct tuple for each row, the distinct tuples as columns)."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    singles: list[tuple[npt.NDArray[np.int64], pd.Series[str]]] = []
    for column in columns:
        numbers, distinct = pd.factorize(column, use_na_sentinel=False)
        singles.append((numbers.astype(np.int64), pd.Series(distinct, dtype="str").fillna("")))
    if len(singles) == 1:
        return singles[0][0], [singles[0][1]]
    for numbers, values in singles:
        codes = codes * max(len(values), 1) + numbers
    codes, first = _renumbered(codes)
    return codes, [values.take(numbers[first]) for numbers, values in singles]


def _renumbered(codes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(codes as 0, 1, 2 ..., a position of each)."""
    numbers, _ = pd.factorize(codes)
    numbers = numbers.astype(np.int64)
    first = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.int64)
    first[numbers[::-1]] = np.arange(len(numbers), dtype=np.int64)[::-1]
    return numbers, first
