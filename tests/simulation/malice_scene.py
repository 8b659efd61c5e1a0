"""A room in which one side has opened and the other answers by hand, and the checks of P8 that a test may take out."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from malice_openings import Rehearsal, Stage
from malice_proofs import Prover

from cleanroom.agent import openings_received
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import VerifiedMatch
from cleanroom.domain.vocabulary import RoundState
from cleanroom.messages.openings import OpenedRow

Removal = Callable[[pytest.MonkeyPatch], None]
TRUE = {f"company{i}.com" for i in range(2, 6)}


@dataclass(frozen=True)
class Scene:
    """Acme has opened; Globex has read what Acme opened, and answers as it likes."""

    stage: Stage
    opened: Rehearsal
    prover: Prover

    @classmethod
    def of(cls, stage: Stage) -> "Scene":
        acme, globex = (stage.rehearsal(agent) for agent in (stage.acme, stage.globex))
        assert acme.opens()
        assert globex.opens()
        return cls(stage, acme, Prover.of(globex.agent, globex.view()))

    def victim(self) -> Rehearsal:
        """Acme, told that both openings are there."""
        victim = self.stage.rehearsal(self.opened.agent)
        victim.liar.round = {"state": RoundState.EXCHANGED}
        return victim


def without(name: str) -> Removal:
    return lambda patch: patch.setattr(openings_received, name, lambda *_: None)


def without_own_rows(patch: pytest.MonkeyPatch) -> None:
    """Step 3 believes the handle that it is given."""

    def believing(agent: Agent, room: Room, rows: list[OpenedRow], **_: bool) -> list[str | None]:
        committed = openings_received.state(agent, room)
        places = zip(committed["handle"], committed["segment"], committed["kind"], strict=True)
        keys = dict(zip(places, committed["key"], strict=True))
        return [str(keys[row.handle, row.segment, row.kind]) for row in rows]

    patch.setattr(openings_received, "_own_keys", believing)


def without_points(patch: pytest.MonkeyPatch) -> None:
    """Step 6 takes the rows for pairs in the order in which they come."""
    patch.setattr(openings_received, "_paired", lambda mine, theirs: list(zip(theirs, mine, strict=True)))


def keys(matches: tuple[VerifiedMatch, ...]) -> set[str]:
    return {key for match in matches for _, key in match.keys}
