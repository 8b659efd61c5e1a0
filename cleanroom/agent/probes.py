"""P4: entries that are nobody's, put into an epoch's first batch, to see whether the other side evaluates honestly.

1. *Draw*: as many as the terms say, each with the shape of a random entry of the list that has several keys. A row is
   `r*G` for a secret r; its key in the state is `PROBE` and the secret, which no account can have.
2. *Keep*: a probe stays for the epoch, as long as real entries have its shape.
3. *Tell* (`matching.probes`): once the other side has evaluated the batch, the tags that an honest evaluator gives are
   computed from its key and told to the escrow, which looks whether those of one probe lie together. Told before, they
   would be no probes.

A probe matches nothing, is of no account, and is never released. Lists without entries of several keys have none: there
is nothing to tear apart.
"""

import secrets

import numpy as np
import pandas as pd

from cleanroom.agent.committed import STATE_COLUMNS, head, shapes_of, state
from cleanroom.agent.epochs import accepted_key, epoch_prefix
from cleanroom.agent.rooms import Room, room_context
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import VerificationFailed
from cleanroom.messages.documents import instant, read_document
from cleanroom.messages.probes import Probe, ProbeRow, Probes
from cleanroom.messages.signing import SignedDocument
from matching import probes as points
from matching import tags as tagging
from matching.rows import NAME_BYTES, Bytes

PROBE = "\x00probe:"
"""How the key of a probe's row begins. Keys of accounts have no control characters."""


class EvaluationTorn(VerificationFailed):
    """The other side's agent has put keys of one entry under several."""

    code = "evaluation_torn"


def with_probes(agent: Agent, room: Room, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of STATE_COLUMNS with those of the probes (steps 1 and 2)."""
    if not room.terms.probes or rows.empty:
        return rows
    mine = state(agent, room)
    known = mine[mine["key"].str.startswith(PROBE)] if head(agent, room) is not None else _drawn(room, rows)
    common = {shape for shape, count in shapes_of(rows, room).items() if count >= room.terms.minimum_population}
    kept = [part for _, part in known.groupby("handle", sort=False) if set(shapes_of(part, room)) <= common]
    return pd.concat([rows, *kept], ignore_index=True)[STATE_COLUMNS]


def put_points(plan: pd.DataFrame, value: Bytes) -> None:
    """Put the points of probes in place of tokens: `value` is (n, 32) uint8, row by row of `plan`."""
    at = np.flatnonzero(plan["key"].str.startswith(PROBE).to_numpy())
    if len(at):
        value[at] = points.points_of([points.scalar_of(_secret(key)) for key in plan["key"].iloc[at]])


def tell(agent: Agent, room: Room) -> bool:
    """Step 3, if the other side has evaluated my first batch and I have not told. Says whether anything was sent.

    Raises:
        EvaluationTorn: what was told does not hold.
    """
    verdict = {item.owner: item.holds for item in room.probes}
    if verdict.get(agent.me) is False:
        raise EvaluationTorn(
            f"{room.other.name} has not evaluated your list as it is: keys of one entry lie under several. Nothing is "
            "counted in this epoch; talk to them before you agree to another one"
        )
    key, snapshots = accepted_key(agent, room), room.snapshots[agent.me]
    waits = not room.terms.probes or key is None or not snapshots or (room.other.partner, 1) not in room.complete
    if waits or agent.me in verdict:
        return False
    address = epoch_prefix(room.id, room.epoch) + "mine/probes"
    known = agent.vault.get(address)
    if known is None:
        # The bytes that are sent are kept first: told twice, they are the same.
        known = agent.sign(_told(agent, room, bytes.fromhex(key or ""))).model_dump_json().encode()
        agent.vault.put(address, known)
    signed = SignedDocument.model_validate_json(known)
    agent.escrow.put_probes(room.id, room.epoch, read_document(Probes, signed.document).owner, signed)
    return True


def _drawn(room: Room, rows: pd.DataFrame) -> pd.DataFrame:
    """Step 1: probes with the shapes of random entries that have several keys."""
    sizes = rows.groupby("handle", sort=False)["kind"].transform("size")
    several = rows[(sizes > 1).to_numpy()]
    handles = several["handle"].unique()
    drawn = [several.iloc[:0]]
    for _ in range(room.terms.probes if len(handles) else 0):
        model = several[several["handle"] == handles[secrets.randbelow(len(handles))]]
        name = np.empty(len(model), object)
        name[:] = [secrets.token_bytes(NAME_BYTES)] * len(model)
        drawn.append(model.assign(handle=name, key=[PROBE + secrets.token_hex(32) for _ in range(len(model))]))
    return pd.concat(drawn, ignore_index=True)


def _told(agent: Agent, room: Room, key: bytes) -> Probes:
    """What an honest evaluator with this key has made of the probes in my state."""
    mine = state(agent, room)
    mine = mine[mine["key"].str.startswith(PROBE)]
    contexts = [tagging.tag_context(room_context(room.id), room.epoch, name) for name in room.kind_names]
    found = []
    for _, part in mine.groupby("handle", sort=False):
        evaluated = points.evaluated([points.scalar_of(_secret(text)) for text in part["key"]], key)
        made = tagging.tags(evaluated, part["kind"].to_numpy(np.uint8), contexts)
        rows = tuple(
            ProbeRow(kind=int(kind), tag=tag.tobytes().hex()) for kind, tag in zip(part["kind"], made, strict=True)
        )
        found.append(Probe(segment=int(part["segment"].iloc[0]), rows=rows))
    return Probes(
        room=room.id,
        epoch=room.epoch,
        owner=agent.me,
        snapshot=room.snapshots[agent.me][0].digest(),
        probes=tuple(found),
        created=instant(agent.clock()),
    )


def _secret(key: str) -> bytes:
    return bytes.fromhex(key.removeprefix(PROBE))
