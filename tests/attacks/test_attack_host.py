"""A partner that hosts the escrow, and fills its list with junk that it recognises.

The other side's evaluation renames and shuffles the host's rows, and at least 25 share every shape. But the host knows
what the other side makes of `T = r*G`: it is `r*K'`. It leaves these out, and what is left of a segment is the one
target. No counting rule is in the way, because the host reads what is stored and not what is shown. Limitations say
so; this is what they rest on.
"""

from pathlib import Path

import numpy as np

from cleanroom.agent.epochs import accepted_key
from cleanroom.agent.rooms import open_room, room_context
from cleanroom.domain.vocabulary import Kind, PartnerId, RoomId
from escrow.evaluated_rows import Evaluated, state_after
from matching import tags
from matching.rows import Rows
from tests.attacks.asks import SEGMENTS, some_members
from tests.attacks.forging import FREE, FreeMatches, free_point, settle_forging
from tests.attacks.real import LABELS, Ground, new_ground, row
from tests.simulation.world import FEW_KINDS, accounts

POPULATION = 25
JUNK = POPULATION - 1
DOMAIN = FEW_KINDS.index(Kind.DOMAIN)


def stored(ground: Ground, room: RoomId, evaluator: PartnerId) -> Rows:
    """One side's evaluation as the escrow's database has it."""
    whose = Evaluated(room=room, epoch=0, evaluator=evaluator)
    return ground.world.database.read(lambda session: state_after(session, whose, 1))


def junk_tags(ground: Ground, room: RoomId) -> set[bytes]:
    """What the victim's agent must have made of the junk: public keys and the host's own numbers suffice."""
    view = open_room(ground.attacker, room)
    key = accepted_key(ground.attacker, view)
    assert key is not None
    points = np.stack([free_point(key, at) for at in range(SEGMENTS * JUNK)])
    contexts = [tags.tag_context(room_context(room), view.epoch, kind) for kind in view.kind_names]
    made = tags.tags(points, np.full(len(points), DOMAIN, np.uint8), contexts)
    return {tag.tobytes() for tag in made}


def test_a_host_singles_out_its_targets_among_junk(tmp_path: Path) -> None:
    with new_ground(tmp_path, some_members(np.random.default_rng(6))) as ground:
        room = ground.room(minimum_population=POPULATION)
        # Half of them members: sixteen at once is what the segments have room for.
        inside, outside = np.flatnonzero(ground.members), np.flatnonzero(~ground.members)
        targets = [int(part[at]) for at in range(SEGMENTS // 2) for part in (inside, outside)]
        rows = [row("host", f"target{target}", label) for target, label in zip(targets, LABELS, strict=True)]
        rows += [
            row("host", f"{FREE}{part * JUNK + at}", label) for part, label in enumerate(LABELS) for at in range(JUNK)
        ]
        ground.world.put_list(ground.attacker, room, accounts(rows))
        ground.put_victim(room, known=2)
        settle_forging(ground, room, FreeMatches(0))
        mine, theirs = (stored(ground, room, agent.me) for agent in (ground.victim, ground.attacker))
        junk, matched = junk_tags(ground, room), {tag.tobytes() for tag in theirs.value}
        told = {}
        for segment, tag in zip(mine.segment.tolist(), mine.value, strict=True):
            if tag.tobytes() not in junk:
                assert segment not in told
                told[segment] = tag.tobytes() in matched
        assert [told[segment] for segment in range(SEGMENTS)] == [bool(ground.members[target]) for target in targets]
