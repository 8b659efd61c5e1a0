"""The table of accounts that both sides agreed to share: mine beside theirs, as a user in a role may see them.

A seller sees only accounts that are his own, or in cells where the other side's policy grants something to sellers by
name. Which kinds of key agree is a field like any other; without it only the tier is shown.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from cleanroom.agent import lists
from cleanroom.agent.disputes import Disputes, disputes
from cleanroom.agent.frames import records
from cleanroom.agent.kept import PAIR, head, kept
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.viewing import Cell, Eyes, Viewer
from cleanroom.domain.fields import EVIDENCE
from cleanroom.domain.vocabulary import Form, Role
from matching.rule import deciding

COLUMNS: Final = [
    *("account_id", "account", "epoch", "match", "their_match", "their_account", "tier", "evidence", "why", "state"),
    *("received", "their_policy", "my_policy", "withdrawn"),
]
"""What every table begins with; then come the fields that anything is shown of, each with its `_form`."""

_AS_THEY_ARE: Final = frozenset(COLUMNS) - {"evidence", "their_policy", "my_policy", "withdrawn"}
_Row = dict[str, Any]  # a row of a frame of `kept`


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedField:
    """One field of the other side's account. A withdrawn one has no value; `withdrawn` says since when.

    Policies are named by their versions ("v2"), or by the beginning of their digests.
    """

    form: Form
    value: str = field(repr=False)
    received: str
    their_policy: str
    my_policy: str
    withdrawn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRow:
    """One of my accounts beside one of theirs. `their_account` counts from 0 within the match.

    `state` is shown, disputed or withdrawn. `evidence`, the kinds that agree, and `why`, the rule's reason for the tier
    in words, are empty where only the tier may be seen.
    """

    account_id: str
    account: str
    epoch: int
    match: str
    their_match: str
    their_account: int
    tier: str
    evidence: tuple[str, ...]
    why: str
    state: str
    received: str
    fields: Mapping[str, SharedField] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The table: `owner` is the other side's name, `fields` what anything is shown of, in the catalogue's order."""

    owner: str
    fields: tuple[str, ...]
    rows: tuple[SharedRow, ...]

    def frame(self) -> pd.DataFrame:
        """One row each, all text but `epoch` and `their_account`; the columns are `COLUMNS` and two for each field."""
        columns = [*COLUMNS, *(name for entry in self.fields for name in (entry, f"{entry}_form"))]
        frame = pd.DataFrame([self._cells(row) for row in self.rows], columns=columns)
        numbers = ("epoch", "their_account")
        return frame.fillna("").astype({name: "int64" if name in numbers else "str" for name in columns})

    def _cells(self, row: SharedRow) -> dict[str, object]:
        given = {name: shown for name, shown in row.fields.items() if not shown.withdrawn}
        gone = {name: shown.withdrawn[:10] for name, shown in row.fields.items() if shown.withdrawn}
        cells: dict[str, object] = {name: getattr(row, name) for name in COLUMNS if name in _AS_THEY_ARE}
        cells["evidence"] = " ".join(row.evidence)
        cells["their_policy"] = " ".join(sorted({shown.their_policy for shown in given.values()}))
        cells["my_policy"] = " ".join(sorted({shown.my_policy for shown in given.values()}))
        cells["withdrawn"] = "; ".join(f"{name} withdrawn by {self.owner} on {day}" for name, day in gone.items())
        for name, shown in given.items():
            cells |= {name: shown.value, f"{name}_form": str(shown.form)}
        return cells


def shared(agent: Agent, room: Room, viewer: Viewer) -> Shared:
    """All that is kept of the other side's accounts, as the viewer may see it now, by my account's name.

    Raises:
        RoomNotActive: if the room is not in force: its policies give nothing any more.
    """
    room.require_active()
    sides, everything, newest = room.sides(room.other.partner), kept(agent, room.id), head(agent, room.id)
    maker = _Maker(
        eyes=Eyes(sides=sides, viewer=viewer, at=agent.clock()),
        mine=_my_accounts(agent, (name for text in everything.matches["accounts"] for name in json.loads(text))),
        fields=_by_account(everything.fields),
        frozen=disputes(agent, room.id),
        versions={item.digest: f"v{item.document.version}" for chain in room.policies.values() for item in chain},
        hash_key=bytes.fromhex(newest.hash_key) if newest and newest.hash_key else b"",
    )
    rows = [row for match in records(everything.matches) for row in maker.rows(match)]
    rows.sort(key=lambda row: (row.account.casefold(), row.account_id, row.their_account))
    there = {name for row in rows for name, item in row.fields.items() if not item.withdrawn}
    names = tuple(entry.name for entry in sides.ground.catalogue if entry.name in there)
    return Shared(owner=room.other.name, fields=names, rows=tuple(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    """Makes the rows of the table. `fields` are kept rows by (epoch, mine, theirs, account)."""

    eyes: Eyes
    mine: Mapping[str, Mapping[str, str]] = field(repr=False)
    fields: Mapping[object, list[_Row]] = field(repr=False)
    frozen: Disputes = field(repr=False)
    versions: Mapping[str, str]
    hash_key: bytes = field(repr=False)

    def rows(self, match: _Row) -> Iterator[SharedRow]:
        """The rows of one match: each of my accounts beside each of theirs."""
        cell = self.eyes.cell(match["their_segment"], match["my_segment"])
        ids = tuple(str(item) for item in json.loads(match["accounts"]))
        evidence, why = self._evidence(match, cell)
        visible = [name for name in ids if self.eyes.sees(self.mine.get(name, {}), cell)]
        for number in range(max(1, match["count"])) if visible else ():
            fields = self._fields(match, number, cell)
            for name in visible:
                yield SharedRow(
                    account_id=name,
                    account=self.mine.get(name, {}).get("name", ""),
                    epoch=match["epoch"],
                    match=match["mine"],
                    their_match=match["theirs"],
                    their_account=number,
                    tier=match["tier"],
                    evidence=evidence,
                    why=why,
                    state=self._state(match, ids, cell),
                    received=match["received"],
                    fields=fields,
                )

    def _evidence(self, match: _Row, cell: Cell) -> tuple[tuple[str, ...], str]:
        """Which kinds agree, and why that makes the tier; nothing where the evidence is hidden."""
        if cell.forms.get(EVIDENCE) is not Form.FULL:
            return (), ""
        kinds = tuple(match["kinds"].split())
        case = deciding(frozenset(kinds), frozenset(match["differ"].split()))
        return kinds, case.why if case else ""

    def _state(self, match: _Row, accounts: tuple[str, ...], cell: Cell) -> str:
        if match["withdrawn"] or not cell.agreed:
            return "withdrawn"
        pair = {"epoch": match["epoch"], "mine": match["mine"], "theirs": match["theirs"]}
        return "disputed" if self.frozen.about(**pair, accounts=accounts) else "shown"

    def _fields(self, match: _Row, number: int, cell: Cell) -> dict[str, SharedField]:
        rows = self.fields.get((match["epoch"], match["mine"], match["theirs"], number), [])
        given = {row["field"]: row for row in rows if not row["withdrawn"]}
        lowered = self.eyes.lowered(
            cell, {name: (Form(row["form"]), row["value"]) for name, row in given.items()}, self.hash_key
        )
        seen = {name: self._field(given[name], form, value) for name, (form, value) in lowered.items()}
        if self.eyes.viewer.role is not Role.SELLER:
            seen |= {
                row["field"]: self._field(row, Form(row["form"]), "")
                for row in rows
                if row["withdrawn"] and row["field"] not in given
            }
        return seen

    def _field(self, row: _Row, form: Form, value: str) -> SharedField:
        return SharedField(
            form=form,
            value=value,
            received=row["received"],
            their_policy=self.versions.get(row["their_policy"], row["their_policy"][:8]),
            my_policy=self.versions.get(row["my_policy"], row["my_policy"][:8]),
            withdrawn=row["withdrawn"],
        )


def _by_account(fields: pd.DataFrame) -> dict[object, list[_Row]]:
    found: dict[object, list[_Row]] = {}
    for row in records(fields):
        found.setdefault((*(row[name] for name in PAIR), row["account"]), []).append(row)
    return found


def _my_accounts(agent: Agent, ids: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """Name and owner of accounts of mine, by id."""
    found: dict[str, Mapping[str, str]] = {}
    wanted = set(ids)
    for item in lists.stored(agent):
        accounts = lists.load(agent, item.name).accounts
        columns = [name for name in ("account_id", "name", "owner", "owner_email") if name in accounts]
        found |= {row["account_id"]: row for row in records(accounts[columns][accounts["account_id"].isin(wanted)])}
    return found
