"""P3, first half of the agent's side: accounts in, match keys out.

What several kinds need of a row is made once: the names in its name cell, the site behind its website. Equal cells are
looked at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from matching.normalise.recipes import DERIVED, MAKINGS, SEPARATOR, Maker, Making
from matching.normalise.tables import FIRST_WORD, NORMALISERS, Edition, Recipe, Tables
from matching.refusal import Refusal
from matching.rule import EXCLUSIVE, IDENTIFIERS

KINDS: Final = tuple(kind for kind in NORMALISERS if kind != FIRST_WORD)
"""Kinds that can be in terms, strongest first."""

LOCAL_KINDS: Final = (FIRST_WORD,)
"""Kinds that never leave the agent; `entries.merge` needs them."""

IDENTIFIER_KINDS: Final = IDENTIFIERS | EXCLUSIVE | {"ticker"}

REQUIRED: Final = frozenset({"website", "name", "country"})
"""Columns that every accounts frame has; a frame without one of the others is as if it were empty."""

# Distinct values become Python objects this many at a time: it bounds what lives beside the frames.
_CHUNK: Final = 65_536

Text: TypeAlias = "pd.Series[str]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """`frame`: `account` (int32, row position), `kind` (uint8, index in the recipes), `key` (str); no duplicates.

    `refused`: `account` (int32), `column` (str), `rule` (str), ordered by account: what was present and wrong, without
    the value; each cell once.
    """

    frame: pd.DataFrame
    refused: pd.DataFrame


def keys_of(accounts: pd.DataFrame, recipes: Sequence[Recipe], tables: Tables) -> Keys:
    """The match keys of every account that is not suppressed.

    `accounts` has the columns of the accounts frame (and `suppressed`, bool, if any is), missing values as "". Raises
    Refusal `recipe_unknown`, `kind_repeated`, or `column_missing`.
    """
    if not recipes or len({recipe.kind for recipe in recipes}) != len(recipes):
        raise Refusal("kind_repeated", "a kind of match key is named twice, or none is")
    missing = REQUIRED - set(accounts)
    if missing:
        raise Refusal("column_missing", f"no column {', '.join(sorted(missing))}")
    live = np.arange(len(accounts), dtype=np.int32)
    if "suppressed" in accounts:
        live = live[~accounts["suppressed"].to_numpy(dtype=bool)]
    rows = _Rows(accounts=accounts, live=live)
    frames = [rows.keys(recipe, tables.edition(recipe)).assign(kind=np.uint8(i)) for i, recipe in enumerate(recipes)]
    frame = pd.concat(frames, ignore_index=True)[["account", "kind", "key"]]
    return Keys(frame=frame.assign(account=live[frame["account"]]), refused=rows.refused())


@dataclass(slots=True, kw_only=True, eq=False)
class _Rows:
    """The live rows of a list, and what was already made of them."""

    accounts: pd.DataFrame
    live: npt.NDArray[np.int32]
    _derived: dict[tuple[str, str], Text] = field(default_factory=dict)
    _refused: list[pd.DataFrame] = field(default_factory=list)

    def keys(self, recipe: Recipe, edition: Edition) -> pd.DataFrame:
        """`account` (position in `live`) and `key`, no duplicates."""
        made = self._made(MAKINGS[recipe.normaliser], edition)
        at = np.flatnonzero((made != "").to_numpy())
        found = pd.DataFrame({"account": at.astype(np.int32), "key": made.take(at).array})
        several = found["key"].str.contains(SEPARATOR, regex=False).to_numpy()
        if several.any():
            split = found[several].assign(key=found["key"][several].str.split(SEPARATOR)).explode("key")
            found = pd.concat([found[~several], split.astype({"key": "str"})], ignore_index=True).drop_duplicates()
        return found

    def refused(self) -> pd.DataFrame:
        """What was present and wrong, by account."""
        none = pd.DataFrame({"account": np.zeros(0, np.int32), "column": [], "rule": []})
        every = pd.concat([none.astype({"column": "str", "rule": "str"}), *self._refused], ignore_index=True)
        every = every.drop_duplicates(["account", "column"])
        return every.assign(account=self.live[every["account"]]).sort_values(
            "account", kind="stable", ignore_index=True
        )

    def _made(self, making: Making, edition: Edition) -> Text:
        """What is made of each live row: SEPARATOR between several, "" for nothing."""
        columns = [self._column(column, edition) for column in making.columns]
        codes, distinct = _distinct(columns)
        maker, found, rules = making.maker(edition), [pd.Series([], dtype="str")], dict[int, str]()
        for start in range(0, len(distinct[0]), _CHUNK):
            chunk = [values.iloc[start : start + _CHUNK].tolist() for values in distinct]
            found.append(pd.Series(_made(zip(*chunk, strict=True), maker, rules, start), dtype="str"))
        if rules:
            broken = np.zeros(len(distinct[0]), dtype=bool)
            broken[list(rules)] = True
            at = np.flatnonzero(broken[codes]).astype(np.int32)
            named = {"column": making.blamed, "rule": [rules[code] for code in codes[at].tolist()]}
            self._refused.append(pd.DataFrame({"account": at, **named}).astype({"column": "str", "rule": "str"}))
        return pd.concat(found, ignore_index=True).take(codes).reset_index(drop=True)

    def _column(self, column: str, edition: Edition) -> Text:
        if column in DERIVED:
            if (column, edition.name) not in self._derived:
                self._derived[column, edition.name] = self._made(DERIVED[column], edition)
            return self._derived[column, edition.name]
        if column not in self.accounts:
            return pd.Series([""], dtype="str").take(np.zeros(len(self.live), np.intp)).reset_index(drop=True)
        return self.accounts[column].take(self.live).reset_index(drop=True)


def _made(values: Iterable[tuple[str, ...]], maker: Maker, rules: dict[int, str], start: int) -> list[str]:
    """One text a value, "" for none; broken rules are added to `rules` under the value's number."""
    found = []
    for number, arguments in enumerate(values, start):
        try:
            made = maker(*arguments) if any(arguments) else ""
            found.append(made if isinstance(made, str) else SEPARATOR.join(made))
        except Refusal as refusal:
            rules[number] = refusal.rule
            found.append("")
    return found


def _distinct(columns: Sequence[Text]) -> tuple[npt.NDArray[np.int64], list[Text]]:
    """(number of the distinct tuple for each row, the distinct tuples as columns)."""
    singles: list[tuple[npt.NDArray[np.int64], Text]] = []
    for column in columns:
        numbers, distinct = pd.factorize(column, use_na_sentinel=False)
        singles.append((numbers.astype(np.int64), pd.Series(distinct, dtype="str").fillna("")))
    if len(singles) == 1:
        return singles[0][0], [singles[0][1]]
    codes = first = np.zeros(len(columns[0]), dtype=np.int64)
    for numbers, values in singles:
        codes, first = _renumbered(codes * max(len(values), 1) + numbers)
    return codes, [values.take(numbers[first]) for numbers, values in singles]


def _renumbered(codes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(codes as 0, 1, 2 ..., a position of each)."""
    numbers, _ = pd.factorize(codes)
    numbers = numbers.astype(np.int64)
    first = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.int64)
    first[numbers[::-1]] = np.arange(len(numbers), dtype=np.int64)[::-1]
    return numbers, first
