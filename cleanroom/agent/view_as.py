"""The table that a user of the other side would see, made from this partner's own accounts, before anything leaves.

Every account is shown as if it matched, and its match were in the segment asked for: which ones really match is not
known here. Suppressed accounts are left out, as they are everywhere. Values are made and left out as those that are
sealed; `hashed` is keyed with a throw-away key, so that it only looks like what is sent.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pandas as pd

from cleanroom.agent import room_lists
from cleanroom.agent.own_accounts import OwnAccount
from cleanroom.agent.reduce import reduced
from cleanroom.agent.session import Agent
from cleanroom.agent.shown_values import broken_rule, harmless
from cleanroom.domain.fields import Field, FieldType
from cleanroom.domain.vocabulary import Form, Nomination, Role, RoomId
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Context

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
    for part in room_lists.serving(agent, room):
        live = part.accounts[~part.accounts["suppressed"].to_numpy(dtype=bool)]
        found = live[live["segment"].isin(list(forms)).to_numpy()]
        total += len(found)
        for account in _accounts(found.head(most - len(seen))):
            mine = account.columns["segment"]
            seen.append(SeenAccount(segment=mine, values=_values(sides, forms[mine], account, key)))
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


def _accounts(rows: pd.DataFrame) -> list[OwnAccount]:
    text = rows.drop(columns="suppressed").fillna("").astype("str")
    return [
        OwnAccount(id=row["account_id"], columns={str(name): str(value) for name, value in row.items()})
        for row in text.to_dict("records")
    ]


def _sendable(sides: Sides) -> list[Field]:
    # Both agents know the evidence of a match; it is in no list and never sent.
    return [entry for entry in sides.ground.catalogue if entry.type is not FieldType.EVIDENCE]


def _values(sides: Sides, forms: Mapping[str, Form], account: OwnAccount, key: bytes) -> dict[str, str]:
    """As `release_content` does it, with the role's forms."""
    currency = _currency(sides, forms, account)
    found = {}
    for entry in _sendable(sides):
        form, value = forms[entry.name], account.value(entry.name)
        if form is Form.HIDDEN or not value:
            continue
        if form is Form.REDUCED:
            value = reduced(entry, value, currency=currency, key=key)
        value = harmless(entry, value)
        if broken_rule(entry, form, value, currency_shown=bool(currency)) is None:
            found[entry.name] = value
    return found


def _currency(sides: Sides, forms: Mapping[str, Form], account: OwnAccount) -> str:
    """The account's currency, if it is seen in full."""
    entry = next((entry for entry in sides.ground.catalogue if entry.type is FieldType.CURRENCY), None)
    if entry is None or forms[entry.name] is not Form.FULL:
        return ""
    value = account.value(entry.name)
    return value if broken_rule(entry, Form.FULL, value, currency_shown=True) is None else ""
