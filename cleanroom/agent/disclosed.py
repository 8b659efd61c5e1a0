"""The mirror for a reviewer: every field of mine that a partner was sent, in which form, when, under which policies.

A journal in the vault, one record a release, written in the transaction in which the release becomes part of the past.
It is only ever added to, and stays when the room is left. Values are not in it: they are what the list said that day.

`handed_over` is when this agent first saw the escrow hand the release over. Where it is empty, nobody has said so; as
the other side may have read it between two looks, a reviewer counts it as seen.
"""

import json
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from cleanroom.agent.frames import from_bytes, to_bytes, tuples
from cleanroom.agent.release_content import ShownBefore, exceeds
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import Form, RoomId
from cleanroom.messages.documents import Count, DigestText, Instant, Number, PartnerName, Wire, instant

ROWS: Final = ["account_id", "field", "form", "match", "their_match", "my_segment", "their_segment"]
DISCLOSED: Final = [
    *("account_id", "field", "form", "released", "handed_over", "withdrawn"),
    *("my_policy", "their_policy", "epoch", "release", "match"),
]
"""Columns of the table: all text but `epoch` and `release`. `match` is the handle of my entry in that epoch."""


LOOKED: Final = "looked"
"""What `note_withdrawn` has looked at last: nothing of it changed, nothing to note."""


class Entry(Wire):
    """One release in the journal."""

    partner: PartnerName
    epoch: Count
    number: Number
    digest: DigestText
    my_policy: DigestText
    their_policy: DigestText
    created: Instant


def note_release(agent: Agent, room: RoomId, entry: Entry, rows: pd.DataFrame) -> None:
    """Add a release, inside the caller's transaction. A match without accounts is a row whose form is hidden."""
    place = _place(room, entry)
    agent.save(place + "entry", entry)
    agent.vault.put(place + "rows", to_bytes(rows[ROWS]))


def note_handed_over(agent: Agent, room: Room) -> None:
    """Remember when releases were first seen to be handed over: the other side's of as late a round are shown."""
    in_force = (room.policy_digest(room.me), room.policy_digest(room.other.partner))
    shown = max((release.round for release in room.releases[room.other.partner]), default=0)
    for release in room.releases[room.me]:
        place = f"{_prefix(room.id)}{release.epoch:010}/{release.number:010}/"
        if release.round > shown or (release.sender_policy, release.recipient_policy) != in_force:
            continue
        if agent.vault.get(place + "entry") is not None and agent.vault.get(place + "handed") is None:
            agent.vault.put(place + "handed", instant(agent.clock()).encode())


def note_withdrawn(agent: Agent, room: Room) -> None:
    """Remember which disclosures the policies in force would not make any more, and when this was first so."""
    sides, now = room.sides(room.me), agent.clock()
    digests = "".join(chain[-1].digest for chain in room.policies.values() if chain)
    looked = f"{digests} {room.terms.digest()} {sides.slice(now)} {len(_entries(agent, room.id))}".encode()
    if agent.vault.get(_prefix(room.id) + LOOKED) == looked:
        return

    @cache  # a few cells and forms, and many rows
    def is_over(name: str, form: str, mine: str, theirs: str) -> bool:
        return exceeds(sides, ShownBefore(field=name, form=Form(form), owners=mine, recipients=theirs), now)

    for entry in _entries(agent, room.id):
        place = _place(room.id, entry)
        rows, known = _rows(agent, place), _withdrawn(agent, place)
        at = instant(now)
        fresh = {
            number: at
            for number, (name, form, mine, theirs) in enumerate(
                tuples(rows, ["field", "form", "my_segment", "their_segment"])
            )
            if number not in known and form != Form.HIDDEN and is_over(name, form, mine, theirs)
        }
        if fresh:
            agent.vault.put(place + "withdrawn", json.dumps({**known, **fresh}).encode())
    agent.vault.put(_prefix(room.id) + LOOKED, looked)


def disclosed(agent: Agent, room: RoomId) -> pd.DataFrame:
    """Everything that was released in a room, oldest first, with the columns `DISCLOSED`. The escrow is not asked.

    `withdrawn`: since when a later release, or the policies, no longer give it. What was seen before stays seen.
    """
    entries = _entries(agent, room)
    parts = [_part(agent, room, entry) for entry in entries]
    if not parts:
        return pd.DataFrame({name: pd.Series([], dtype="int64" if name in _NUMBERS else "str") for name in DISCLOSED})
    table = pd.concat(parts, ignore_index=True)
    _mark_replaced(table, entries)
    shown = table["form"] != Form.HIDDEN
    return table[shown][DISCLOSED].reset_index(drop=True)


_NUMBERS: Final = ("epoch", "release")


def _part(agent: Agent, room: RoomId, entry: Entry) -> pd.DataFrame:
    place = _place(room, entry)
    rows, withdrawn = _rows(agent, place), _withdrawn(agent, place)
    handed = (agent.vault.get(place + "handed") or b"").decode()
    return rows.assign(
        released=entry.created,
        handed_over=handed,
        withdrawn=[withdrawn.get(number, "") for number in range(len(rows))],
        my_policy=entry.my_policy,
        their_policy=entry.their_policy,
        epoch=entry.epoch,
        release=entry.number,
    )


def _mark_replaced(table: pd.DataFrame, entries: list[Entry]) -> None:
    """A later release of the same match, or the first of a later epoch, that does not have a row any more ends it."""
    what = ["account_id", "field", "form"]
    for entry in entries:
        this = (table["epoch"] == entry.epoch) & (table["release"] == entry.number)
        earlier = (table["epoch"] == entry.epoch) & (table["release"] < entry.number)
        pair = ["match", "their_match"]
        touched = earlier & _among(table, table[this], pair)
        kept = _among(table[touched], table[this], [*what, *pair])
        _end(table, touched, kept, entry.created)
        if entry.number == 1:
            older = table["epoch"] < entry.epoch
            same_epoch = table[table["epoch"] == entry.epoch]
            _end(table, older, _among(table[older], same_epoch, what), entry.created)


def _among(rows: pd.DataFrame, others: pd.DataFrame, columns: list[str]) -> "pd.Series[bool]":
    known = pd.MultiIndex.from_frame(others[columns])
    return pd.Series(pd.MultiIndex.from_frame(rows[columns]).isin(known), index=rows.index)


def _end(table: pd.DataFrame, which: "pd.Series[bool]", kept: "pd.Series[bool]", at: str) -> None:
    rows = table.index[which]
    over = rows[~kept.to_numpy(dtype=np.bool_)]
    still = over[(table.loc[over, "withdrawn"] == "").to_numpy()]
    table.loc[still, "withdrawn"] = at


def _entries(agent: Agent, room: RoomId) -> list[Entry]:
    """By epoch and number: their addresses sort so."""
    addresses = [address for address in agent.vault.addresses(_prefix(room)) if address.endswith("/entry")]
    found = [agent.load(Entry, address) for address in addresses]
    return [entry for entry in found if entry is not None]


def _rows(agent: Agent, place: str) -> pd.DataFrame:
    data = agent.vault.get(place + "rows")
    return from_bytes(data) if data is not None else pd.DataFrame({name: pd.Series([], dtype="str") for name in ROWS})


def _withdrawn(agent: Agent, place: str) -> dict[int, str]:
    found: dict[str, str] = json.loads(agent.vault.get(place + "withdrawn") or b"{}")
    return {int(number): at for number, at in found.items()}


def _prefix(room: RoomId) -> str:
    return f"disclosed/{room}/"


def _place(room: RoomId, entry: Entry) -> str:
    return f"{_prefix(room)}{entry.epoch:010}/{entry.number:010}/"
