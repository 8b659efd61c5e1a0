"""P4, steps 1 and 2: fetch a batch of the other side's list, and refuse what must not be evaluated.

What is returned from here has the digests, the seal and the Merkle root that the owner signed, and breaks none of the
room's rules. The steps are numbered in `cleanroom.agent.evaluate`.
"""

import hashlib

import numpy as np
import pandas as pd

from cleanroom.agent.client import Place
from cleanroom.agent.committed import retired_tokens, state_tokens
from cleanroom.agent.epochs import epoch_prefix
from cleanroom.agent.outbox import shape_counts
from cleanroom.agent.rooms import Room, sealing_info
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.vocabulary import ChangeMode
from cleanroom.messages import batches
from cleanroom.messages.lists import Snapshot
from cleanroom.messages.sealing import unseal
from matching import changes, merkle
from matching.histogram import moved
from matching.refusal import Refusal
from matching.rows import TOKEN_BYTES, Bytes, Rows, applied, concatenated, empty, from_leaves, is_in, order_of, words_of


class BatchOfOtherSideRefused(VerificationFailed):
    """The other side's list breaks a rule of P4. Nothing of it is evaluated."""

    code = "other_side_refused"


def their_state(agent: Agent, room: Room) -> Rows:
    """This agent's own copy of the other side's list as far as it was checked (rows of tokens)."""
    data = agent.vault.get(epoch_prefix(room.id, room.epoch) + "theirs/state")
    return empty(TOKEN_BYTES) if data is None else from_leaves(data, TOKEN_BYTES)


def fetched(agent: Agent, room: Room, snapshot: Snapshot) -> Rows:
    """Step 1: the rows of a batch, as the owner signed them.

    Raises:
        BatchOfOtherSideRefused: if they are not.
    """
    place = Place(room.id, room.epoch, snapshot.owner, snapshot.number)
    if len(snapshot.chunks) != batches.chunk_count(snapshot.rows):
        raise BatchOfOtherSideRefused("a snapshot has not as many chunks as its rows need")
    parts = [empty(TOKEN_BYTES)]
    with agent.progress.stage("fetch", snapshot.rows) as advance:
        for index, digest in enumerate(snapshot.chunks):
            sealed = agent.escrow.sealed_chunk(place, index)
            if hashlib.sha256(sealed).hexdigest() != digest:
                raise BatchOfOtherSideRefused(f"chunk {index} is not the one that the other side signed")
            info = sealing_info(snapshot.owner, room.id, room.epoch, snapshot.number, index)
            data = unseal(sealed, agent.identity.sealing_key, info)
            rows = batches.chunk_rows(snapshot.rows, index)
            parts.append(batches.decode(data, value_bytes=TOKEN_BYTES, rows=rows))
            advance(rows)
    batch = concatenated(parts)
    if merkle.root(batch.leaves(), batch.leaf_width).hex() != snapshot.root:
        raise BatchOfOtherSideRefused("the rows do not have the Merkle root that the other side signed")
    return batch


def checked(agent: Agent, room: Room, snapshot: Snapshot, batch: Rows) -> Rows:
    """Step 2: the other side's list after the batch.

    Raises:
        Refusal: naming the rule that is broken.
    """
    terms, kinds = room.terms, len(room.terms.kinds)
    before = their_state(agent, room)
    batch.well_formed(segments=len(terms.segments), kinds=kinds)
    after = applied(before, batch)
    added = batch.added().value
    kept = after.value[: len(after) - len(added)]  # was checked with the batches that brought it
    if order_of(*words_of(added))[1].any() or is_in(added, kept).any():
        raise Refusal("repeated_points", "two rows carry the same token")
    mine = np.concatenate([state_tokens(agent, room), retired_tokens(agent, room)])
    if is_in(after.value, mine).any():
        raise Refusal("own_tokens", "tokens of this agent come back as the other side's")
    # The batch before is the one that was checked: `evaluate` holds the escrow to what it showed.
    earlier = room.snapshots[snapshot.owner][snapshot.number - 2].shapes if snapshot.number > 1 else ()
    shapes = moved({(shape.segment, shape.keys): shape.entries for shape in earlier}, before, batch, kinds)
    if shape_counts(shapes) != snapshot.shapes:
        raise Refusal("histogram_differs", "the shapes of the rows are not those that were signed")
    if any(count < terms.minimum_population for count in shapes.values()):
        raise Refusal("shape_too_rare", "a shape is held by fewer entries than the room's minimum population")
    if sum(shapes.values()) > terms.quota + terms.probes:
        raise Refusal("over_quota", "more entries than the terms' quota")
    if terms.changes is ChangeMode.BATCHED and snapshot.number > 1:
        groups = changes.groups(_frame(before), _names(batch.removed()), _frame(batch.added()), kind_count=kinds)
        if any(count < terms.minimum_population for count in groups.values()):
            raise Refusal("group_too_small", "fewer entries than the minimum population changed in the same way")
    return after


def _names(block: Bytes) -> list[bytes]:
    flat = block.tobytes()
    return [flat[i : i + 16] for i in range(0, len(flat), 16)]


def _frame(rows: Rows) -> pd.DataFrame:
    handles = np.empty(len(rows), dtype=object)
    handles[:] = _names(rows.name)
    return pd.DataFrame({"handle": handles, "segment": rows.segment, "kind": rows.kind})
