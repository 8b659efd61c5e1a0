"""How far one company can move the counts that an attacker is shown, on the real escrow where nothing is capped.

Noise hides a move by one. So whatever the attacker commits for a company, and with however many of its keys, all
numbers together must move by one at most.
"""

from pathlib import Path

import numpy as np

from cleanroom.domain.vocabulary import RoomId
from tests.attacks.asks import SEGMENTS, some_members
from tests.attacks.real import JUNK, LABELS, OWN, Ground, Row, new_ground, row
from tests.simulation.lists_of_accounts import lei
from tests.simulation.world import accounts

KEYS: list[Row] = [
    {"website": "aimed-at.com"},
    {"lei": lei(7)},
    {"duns": "15-048-3782"},
    {"vat": "DE136695976"},
    {"name": "Company Number A Holding", "country": "DE"},
]
ALL_KEYS = {name: value for key in KEYS for name, value in key.items()}


def matrix(ground: Ground, room: RoomId) -> np.ndarray:
    return np.array([[cell or 0 for cell in cells] for cells in ground.answers(room)[-1].cells])


def put_victim(ground: Ground, room: RoomId, *, with_target: bool) -> None:
    rows = [row("victim", f"known{at}", LABELS[1]) for at in range(SEGMENTS)]
    rows += [row("victim", f"victims-own{at}", LABELS[0]) for at in range(OWN)]
    if with_target:
        rows.append({"account_id": "victim\x1fx", "segment": LABELS[0]} | ALL_KEYS)
    ground.world.put_list(ground.victim, room, accounts(rows))


def test_several_keys_of_one_company_in_several_segments_move_one_count_by_one(tmp_path: Path) -> None:
    with new_ground(tmp_path, some_members(np.random.default_rng(1))) as ground:
        room = ground.room()
        rows = [row("attacker", f"known{at}", label) for at, label in enumerate(LABELS)]
        rows += [row("attacker", f"own{at}-{label[-2:]}", label) for label in LABELS for at in range(JUNK)]
        rows += [{"account_id": f"x\x1f{at}", "segment": LABELS[2 + at]} | key for at, key in enumerate(KEYS)]
        ground.world.put_list(ground.attacker, room, accounts(rows))
        found = []
        for with_target in (False, True):
            put_victim(ground, room, with_target=with_target)
            ground.settle(room)
            found.append(matrix(ground, room))
            ground.world.clock.step(minutes=5)
        before, after = found
        assert before.sum() == SEGMENTS
        assert np.abs(after - before).sum() == 1
