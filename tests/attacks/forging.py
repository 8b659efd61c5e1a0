"""An attacker whose agent does not evaluate honestly. The escrow cannot tell: it sees points that look random.

- *Free matches*: the attacker commits `T = r*G` for companies that there are not. The victim makes `k'*r*G` of them,
  which is `r*K'`, and the attacker writes just that into its evaluation of any of the victim's rows. So it needs to
  know no customer of the victim's to pad its counts.
- *Split entries*: the attacker puts the keys of each of the victim's entries under the names of several. The histogram
  of shapes stays. If its own list has one row for each key of a target, a target moves its counts by as many as it has
  keys.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import pytest

from cleanroom.agent import evaluate, outbox, sync
from cleanroom.agent.epochs import accepted_key
from cleanroom.agent.rooms import open_room
from cleanroom.domain.vocabulary import RoomId
from matching import tokens
from matching.group import ORDER, Points, Scalar, base_multiply, multiply
from matching.rows import Bytes, Rows
from tests.attacks.real import Ground

FREE: Final = "free-match"
"""What the names of companies begin with that the attacker makes up as multiples of the generator."""

Forgery = Callable[[pytest.MonkeyPatch, Ground, RoomId], None]


@dataclass(frozen=True, slots=True)
class FreeMatches:
    """The first `rows` of the victim's are made to match the attacker's companies of this number."""

    rows: int

    def __call__(self, patch: pytest.MonkeyPatch, ground: Ground, room: RoomId) -> None:
        """Replace both steps of the attacker's agent."""
        blind, rows = tokens.blind, self.rows

        def blinded(keys: list[str], contexts: list[bytes], scalar: Scalar) -> Bytes:
            made = blind(keys, contexts, scalar).copy()
            for at, key in enumerate(keys):
                if key.startswith(FREE):
                    made[at] = np.frombuffer(base_multiply(_scalar(key)), np.uint8)
            return made

        def evaluated(points: Points, scalar: Scalar) -> Points:
            made = multiply(points, scalar).copy()
            theirs = accepted_key(ground.attacker, open_room(ground.attacker, room))
            assert theirs is not None
            for at in range(rows):
                made[at] = free_point(theirs, at)
            return made

        patch.setattr(outbox.tokens, "blind", blinded)
        patch.setattr(evaluate, "multiply", evaluated)


@dataclass(frozen=True, slots=True)
class SplitEntries:
    """Rows of the kind with this number, in the terms' order, go one entry further."""

    kind: int

    def __call__(self, patch: pytest.MonkeyPatch, _ground: Ground, _room: RoomId) -> None:
        """Replace the renaming of the attacker's agent."""
        honest, kind = evaluate._sorted, self.kind  # noqa: SLF001 - one step of the agent

        def split(batch: Rows, renaming_key: bytes) -> Rows:
            name, moved = batch.name.copy(), batch.kind == kind
            name[moved] = np.roll(name[moved], 1, axis=0)
            forged = Rows(name=name, op=batch.op, segment=batch.segment, kind=batch.kind, value=batch.value)
            return honest(forged, renaming_key)

        patch.setattr(evaluate, "_sorted", split)


def free_point(key: str, number: int) -> Points:
    """What an evaluator with this epoch key (hex) makes of the made-up company of this number: (32,)."""
    point = np.frombuffer(bytes.fromhex(key), np.uint8).reshape(1, 32)
    made: Points = multiply(point, _scalar(f"{FREE}{number}.com"))[0]
    return made


def settle_forging(ground: Ground, room: RoomId, *forgeries: Forgery) -> None:
    """As `Ground.settle`, with an attacker whose agent has these steps replaced; the victim's is honest."""
    busy = True
    while busy:
        with _forging(ground, room, forgeries):
            (first,) = sync.sync(ground.attacker, room)
        (second,) = sync.sync(ground.victim, room)
        for result in (first, second):
            if result.problem is not None:
                raise result.problem
        busy = bool(first.steps or second.steps)


@contextmanager
def _forging(ground: Ground, room: RoomId, forgeries: tuple[Forgery, ...]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for forgery in forgeries:
            forgery(patch, ground, room)
        yield


def _scalar(key: str) -> Scalar:
    number = int.from_bytes(hashlib.sha512(key.encode()).digest(), "little") % (ORDER - 1) + 1
    return Scalar(number.to_bytes(32, "little"))
