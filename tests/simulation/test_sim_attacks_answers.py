"""Promise 2: before agreement no status, size or form of any answer tells a matched account from an unmatched one.

Two worlds in which Globex has the same list, Acme one of the same shape, and as many match - but others. What Globex
hears is compared answer by answer.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from consent import existence, put_in_force
from lists_of_accounts import companies
from malice_openings import CELL, Stage, mapped_stage
from world import World, accounts, new_world

from cleanroom.agent.client import OpeningPlace, ReleasePlace
from cleanroom.agent.opening import open_round
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.rooms import open_room
from cleanroom.domain.vocabulary import RoomId

HEX = re.compile(r"[0-9a-f]{32,}")


@dataclass(frozen=True)
class Heard:
    """One answer, without what is random in it."""

    method: str
    path: str
    status: int
    size: int
    form: str


class Replayed(httpx2.SyncByteStream):
    """A body that was read once already."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self.body


def form_of(body: bytes) -> str:
    """Keys, lengths and types of a JSON answer."""
    try:
        return json.dumps(_form(json.loads(body)), sort_keys=True)
    except ValueError:
        return "bytes"


def _form(value: object) -> object:
    if isinstance(value, dict):
        return {key: _form(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_form(item) for item in value]
    return len(value) if isinstance(value, str) else value


def heard(folder: Path, theirs: list[dict[str, str]], *, agreed: bool = False) -> list[Heard]:
    """All that Globex hears, from its first request in the room on."""
    folder.mkdir()
    found: list[Heard] = []
    with new_world(folder) as world:
        acme, globex = world.enrol("Acme"), world.enrol("Globex")
        world.introduce()
        line = world.lines["Globex"]
        honest = line.send

        def send(request: httpx2.Request, **kwargs: object) -> httpx2.Response:
            response = honest(request, **kwargs)
            body = b"".join(response.iter_raw())
            path = HEX.sub("~", request.url.path)
            found.append(Heard(request.method, path, response.status_code, len(body), form_of(body)))
            return httpx2.Response(
                response.status_code, headers=response.headers, stream=Replayed(body), request=request
            )

        line.send = send  # type: ignore[method-assign]  # listens to the line
        room = world.room(acme, globex)
        world.put_list(acme, room, accounts(theirs))
        world.put_list(globex, room, accounts(companies(0, 8)))
        world.settle(acme, globex, room=room)
        put_in_force(globex, room, existence(globex, CELL))
        if agreed:
            put_in_force(acme, room, existence(acme, CELL))
        probe(world, room)
    return found


def probe(world: World, room: RoomId) -> list[EscrowProblem]:
    """Ask for everything of P7 to P9 that does not exist."""
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    problems = []
    for number in (1, 2):
        for ask in (
            lambda number=number: globex.escrow.evidence(room, number, 0),
            lambda number=number: globex.escrow.opening(OpeningPlace(room, number, acme.me)),
            lambda number=number: globex.escrow.opening(OpeningPlace(room, number, globex.me)),
            lambda number=number: globex.escrow.opening_part(OpeningPlace(room, number, acme.me), 0),
            lambda number=number: globex.escrow.release_batch(ReleasePlace(room, 0, acme.me, number), 0),
        ):
            try:
                ask()
            except EscrowProblem as problem:
                problems.append(problem)
    globex.escrow.room(room)
    return problems


def test_no_answer_depends_on_who_matches(tmp_path: Path) -> None:
    """Stopped by the escrow, which says nothing of a match before both agree."""
    low = heard(tmp_path / "low", [*companies(0, 3), *companies(90, 94)])
    high = heard(tmp_path / "high", [*companies(5, 8), *companies(90, 94)])
    assert len(low) > 30
    assert low == high


def test_the_comparison_sees_what_agreement_shows(tmp_path: Path) -> None:
    """With the defence removed: once both agree, answers tell."""
    theirs = [*companies(0, 3), *companies(90, 94)]
    assert heard(tmp_path / "no", theirs) != heard(tmp_path / "yes", theirs, agreed=True)


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    return mapped_stage(world)


def test_what_may_not_be_read_answers_as_what_does_not_exist(stage: Stage) -> None:
    """An opening of Acme's that Globex may not read yet, and one that nobody made, get the same words."""
    assert open_round(stage.acme, open_room(stage.acme, stage.room))
    at = [OpeningPlace(stage.room, stage.round().number, stage.acme.me), OpeningPlace(stage.room, 77, stage.acme.me)]
    seen = set()
    for place in at:
        for ask in (stage.globex.escrow.opening, lambda place: stage.globex.escrow.opening_part(place, 0)):
            with pytest.raises(EscrowProblem) as problem:
                ask(place)
            seen.add((problem.value.status, problem.value.problem, str(problem.value)))
    assert len(seen) == 1
