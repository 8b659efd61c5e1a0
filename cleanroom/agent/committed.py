"""What this agent has committed to a room in the current epoch, as the vault remembers it."""

from collections import Counter
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from cleanroom.agent.epochs import epoch_prefix
from cleanroom.agent.frames import from_bytes, to_bytes
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.messages.documents import Count, DigestText, Wire, moment
from cleanroom.messages.lists import Shapes
from matching.rows import TOKEN_BYTES, Bytes
from matching.shapes import Shape, histogram

Handles = npt.NDArray[np.object_]
Positions = npt.NDArray[np.int64]
STATE_COLUMNS = ["handle", "segment", "kind", "key"]


class Head(Wire):
    """The newest committed batch: its number, its document's digest, and the answer interval it was planned in."""

    number: Count
    digest: DigestText
    slot: Count


class Population(Wire):
    """The shapes of what is committed, as the newest batch signed them."""

    shapes: Shapes


def head(agent: Agent, room: Room) -> Head | None:
    """This agent's newest committed batch in the room's epoch."""
    return agent.load(Head, epoch_prefix(room.id, room.epoch) + "mine/head")


def state(agent: Agent, room: Room) -> pd.DataFrame:
    """The rows that are committed: `handle` (16 bytes), `segment`, `kind` (uint8), `key` (str)."""
    return _whole_rows(agent, room, _gone(agent, room), _rows(agent, room, "since/rows"))


def state_tokens(agent: Agent, room: Room) -> Bytes:
    """The tokens of `state`, row by row: (n, 32) uint8."""
    return _whole_tokens(agent, room, _gone(agent, room), _tokens(agent, room, "since/tokens"))


def retired_tokens(agent: Agent, room: Room) -> Bytes:
    """The tokens that were committed in this epoch and taken out again: (n, 32) uint8."""
    return _tokens(agent, room, "retired")


def population(agent: Agent, room: Room) -> Counter[Shape]:
    """Entries of `state` per shape."""
    known = agent.load(Population, _place(room, "population"))
    if known is None:
        return shapes_of(state(agent, room), room)
    return Counter({(shape.segment, shape.keys): shape.entries for shape in known.shapes})


def shapes_of(rows: pd.DataFrame, room: Room) -> Counter[Shape]:
    """Entries of such rows per shape."""
    return Counter(histogram(rows.rename(columns={"handle": "entry"}), kind_count=len(room.terms.kinds)))


def held(agent: Agent, room: Room, handles: Handles) -> pd.DataFrame:
    """The rows of `state` that carry one of these handles."""
    if not len(handles):
        return _none()
    rows = state(agent, room)
    return rows[rows["handle"].isin(handles)]


def apply(agent: Agent, room: Room, removed: Handles, added: pd.DataFrame, tokens: Bytes) -> None:
    """Take entries out of the state and rows into it, inside the caller's transaction.

    The rows stay as they were written, beside what has changed since, until that is a tenth of them.
    """
    since, fresh, gone = _rows(agent, room, "since/rows"), _tokens(agent, room, "since/tokens"), _gone(agent, room)
    if len(removed):
        at = np.flatnonzero(_rows(agent, room, "rows")["handle"].isin(removed))
        stays = ~since["handle"].isin(removed).to_numpy()
        retired = [retired_tokens(agent, room), _tokens(agent, room, "tokens")[np.setdiff1d(at, gone)], fresh[~stays]]
        agent.vault.put(_place(room, "retired"), np.concatenate(retired).tobytes())
        gone, since, fresh = np.union1d(gone, at), since[stays], fresh[stays]
    since, fresh = pd.concat([since, added], ignore_index=True), np.concatenate([fresh, tokens])
    if 10 * (len(since) + len(gone)) <= int(agent.vault.get(_place(room, "size")) or b"0"):
        agent.vault.put(_place(room, "since/rows"), to_bytes(since))
        agent.vault.put(_place(room, "since/tokens"), fresh.tobytes())
        agent.vault.put(_place(room, "since/gone"), gone.astype(np.int64).tobytes())
        return
    rows, value = _whole_rows(agent, room, gone, since), _whole_tokens(agent, room, gone, fresh)
    agent.vault.delete_all(_place(room, "since/"))
    agent.vault.put(_place(room, "rows"), to_bytes(rows))
    agent.vault.put(_place(room, "tokens"), value.tobytes())
    agent.vault.put(_place(room, "size"), str(len(rows)).encode())


def _whole_rows(agent: Agent, room: Room, gone: Positions, since: pd.DataFrame) -> pd.DataFrame:
    base = _rows(agent, room, "rows")
    rows: pd.DataFrame = pd.concat([base.drop(index=gone.tolist()) if len(gone) else base, since], ignore_index=True)
    return rows


def _whole_tokens(agent: Agent, room: Room, gone: Positions, since: Bytes) -> Bytes:
    base = _tokens(agent, room, "tokens")
    return np.concatenate([np.delete(base, gone, axis=0) if len(gone) else base, since])


def _place(room: Room, name: str) -> str:
    return epoch_prefix(room.id, room.epoch) + "mine/" + name


def _rows(agent: Agent, room: Room, name: str) -> pd.DataFrame:
    data = agent.vault.get(_place(room, name))
    return _none() if data is None else from_bytes(data)


def _none() -> pd.DataFrame:
    columns = {"handle": pd.Series([], dtype=object), "segment": np.zeros(0, np.uint8)}
    return pd.DataFrame({**columns, "kind": np.zeros(0, np.uint8), "key": pd.Series([], dtype="str")})


def _tokens(agent: Agent, room: Room, name: str) -> Bytes:
    data = agent.vault.get(_place(room, name)) or b""
    return np.frombuffer(data, np.uint8).reshape(-1, TOKEN_BYTES)


def _gone(agent: Agent, room: Room) -> Positions:
    """Which of the rows that were committed first are gone, by position."""
    return np.frombuffer(agent.vault.get(_place(room, "since/gone")) or b"", np.int64)


def slot_of(room: Room, now: datetime) -> int | None:
    """The answer interval that `now` is in, counted from the terms' start; None if the room has none."""
    interval = room.terms.answer_interval
    if not isinstance(interval, int):
        return None
    return max(0, int((now - moment(room.terms.starts)).total_seconds()) // interval)
