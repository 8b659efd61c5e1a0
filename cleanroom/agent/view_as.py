"""The table that a user of the other side would see, made from this partner's own accounts, before anything leaves.

Every account is shown as if it matched, and its match were in the segment asked for: which ones really match is not
known here. Suppressed accounts are left out, as they are everywhere. Values go through the same `reduce` and `harmless`
as those that are sealed; `hashed` is keyed with a throw-away key, so that it only looks like what is sent.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pandas as pd

from cleanroom.agent import lists
from cleanroom.agent.reduce import reduced
from cleanroom.agent.session import Agent
from cleanroom.agent.shown_values import harmless
from cleanroom.domain.fields import COLUMN_OF, Field, FieldType
from cleanroom.domain.vocabulary import Form, Nomination, Role, RoomId
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Context

CURRENCY: Final = "currency"
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks: a user of the other side in this role, at matches between these segments of mine and theirs."""

    role: Role
    mine: tuple[str, ...]
    theirs: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAccount:
    """One account of mine as it would be seen: its segment, and the values of the fields that are shown."""

    segment: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What would be seen. `forms`: for each of my segments that is agreed, the form of each field; `total` accounts.

    `accounts` are the first ones, in the lists' order.
    """

    viewer: Viewer
    forms: Mapping[str, Mapping[str, Form]]
    accounts: tuple[SeenAccount, ...]
    total: int

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of which anything is shown in some segment, in the catalogue's order."""
        shown = [name for forms in self.forms.values() for name, form in forms.items() if form is not Form.HIDDEN]
        order = [name for forms in self.forms.values() for name in forms]
        return tuple(name for name in dict.fromkeys(order) if name in shown)


def view_as(agent: Agent, room: RoomId, sides: Sides, viewer: Viewer, *, most: int) -> View:
    """My accounts as the viewer would see them.

    Args:
        agent: whose lists are read.
        room: the room that the lists serve.
        sides: what this partner shows to the other, under the policies that are asked about.
        viewer: who looks.
        most: how many accounts are made ready.
    """
    forms = {mine: _forms(sides, mine, viewer) for mine in viewer.mine if sides.agreed(mine, viewer.theirs, viewer.at)}
    key = secrets.token_bytes(_KEY_BYTES)
    seen: list[SeenAccount] = []
    total = 0
    for part in lists.serving(agent, room):
        live = part.accounts[~part.accounts["suppressed"].to_numpy(dtype=bool)]
        found = live[live["segment"].isin(list(forms)).to_numpy()]
        total += len(found)
        for row in found.head(most - len(seen)).to_dict("records"):
            mine = str(row["segment"])
            seen.append(SeenAccount(segment=mine, values=_values(sides, forms[mine], row, key)))
    return View(viewer=viewer, forms=forms, accounts=tuple(seen), total=total)


def _forms(sides: Sides, mine: str, viewer: Viewer) -> dict[str, Form]:
    context = Context(
        mine=mine,
        theirs=viewer.theirs,
        purpose=sides.use,
        role=viewer.role,
        at=viewer.at,
        nomination=Nomination.NONE,
    )
    return {entry.name: sides.form(entry.name, context) for entry in _sendable(sides)}


def _sendable(sides: Sides) -> list[Field]:
    # Both agents know the evidence of a match; it is in no list and never sent.
    return [entry for entry in sides.ground.catalogue if entry.type is not FieldType.EVIDENCE]


def _values(sides: Sides, forms: Mapping[str, Form], row: Mapping[object, object], key: bytes) -> dict[str, str]:
    currency = _text(row, CURRENCY) if forms.get(CURRENCY) is Form.FULL else ""
    found = {}
    for entry in _sendable(sides):
        value = _text(row, COLUMN_OF.get(entry.name, entry.name))
        if forms[entry.name] is Form.REDUCED:
            value = reduced(entry, value, currency=currency, key=key) if value else ""
        elif forms[entry.name] is Form.HIDDEN:
            value = ""
        if shown := harmless(entry, value):
            found[entry.name] = shown
    return found


def _text(row: Mapping[object, object], column: str) -> str:
    value = row.get(column, "")
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]  # a cell of a frame of texts
