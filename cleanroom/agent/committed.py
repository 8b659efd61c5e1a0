"""What this agent has committed to a room in the current epoch, as the vault remembers it."""

from datetime import datetime

import numpy as np
import pandas as pd

from cleanroom.agent.epochs import epoch_prefix
from cleanroom.agent.frames import from_bytes
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.messages.documents import Count, DigestText, Wire, moment
from matching.rows import TOKEN_BYTES, Bytes

STATE_COLUMNS = ["handle", "segment", "kind", "key"]


class Head(Wire):
    """The newest committed batch: its number, its document's digest, and the answer interval it was planned in."""

    number: Count
    digest: DigestText
    slot: Count


def head(agent: Agent, room: Room) -> Head | None:
    """This agent's newest committed batch in the room's epoch."""
    return agent.load(Head, epoch_prefix(room.id, room.epoch) + "mine/head")


def state(agent: Agent, room: Room) -> pd.DataFrame:
    """The rows that are committed: `handle` (16 bytes), `segment`, `kind` (uint8), `key` (str)."""
    data = agent.vault.get(epoch_prefix(room.id, room.epoch) + "mine/rows")
    if data is None:
        columns = {"handle": pd.Series([], dtype=object), "segment": np.zeros(0, np.uint8)}
        return pd.DataFrame({**columns, "kind": np.zeros(0, np.uint8), "key": pd.Series([], dtype="str")})
    return from_bytes(data)


def state_tokens(agent: Agent, room: Room) -> Bytes:
    """The tokens of `state`, row by row: (n, 32) uint8."""
    data = agent.vault.get(epoch_prefix(room.id, room.epoch) + "mine/tokens") or b""
    return np.frombuffer(data, np.uint8).reshape(-1, TOKEN_BYTES)


def retired_tokens(agent: Agent, room: Room) -> Bytes:
    """The tokens that were committed in this epoch and taken out again: (n, 32) uint8."""
    data = agent.vault.get(epoch_prefix(room.id, room.epoch) + "mine/retired") or b""
    return np.frombuffer(data, np.uint8).reshape(-1, TOKEN_BYTES)


def slot_of(room: Room, now: datetime) -> int | None:
    """The answer interval that `now` is in, counted from the terms' start; None if the room has none."""
    interval = room.terms.answer_interval
    if not isinstance(interval, int):
        return None
    return max(0, int((now - moment(room.terms.starts)).total_seconds()) // interval)
