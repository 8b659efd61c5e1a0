"""`cleanroom guesses` and `cleanroom decoys`: what is shown of the limits, and that people lift them by name."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from consent import PASSPHRASE, staff
from guessing import STRICT, Guessing
from world import World, new_world

from cleanroom.agent.session import Agent
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Environment
from cleanroom.cli.main import run
from cleanroom.cli.output import Output


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with new_world(tmp_path) as made:
        made.enrol("Acme")
        made.enrol("Globex")
        made.introduce()
        yield made


@pytest.fixture
def guessing(world: World, acme: Agent, globex: Agent) -> Guessing:
    return Guessing(world, acme, globex)


def command(agent: Agent, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()

    @contextmanager
    def opener(_home: Path, _passphrase: object, **_others: object) -> Iterator[Agent]:
        yield agent

    environment = Environment(
        home=agent.home,
        passphrase=PASSPHRASE,
        passphrase_file=None,
        clock=agent.clock,
        output=Output(out, err),
        ask=None,
        user_passphrase=PASSPHRASE,
        opener=opener,
    )
    return run(arguments, environment), out.getvalue(), err.getvalue()


def told(agent: Agent, *arguments: str) -> Any:  # noqa: ANN401 - a JSON document
    code, out, err = command(agent, *arguments, "--json")
    assert code == Exit.DONE, (out, err)
    return json.loads(out)


def test_a_batch_that_grew_too_fast_is_shown_accepted_and_then_within_the_quota(guessing: Guessing) -> None:
    acme = guessing.acme
    staff(acme)
    room = guessing.room(declared=30, limits=STRICT)
    guessing.push(room, range(30))
    guessing.push(room, range(20))
    guessing.push(room, range(20), range(100, 110))
    code, out, _ = command(acme, "sync")
    assert code == Exit.NOT_NOW
    code, out, _ = command(acme, "guesses", "show", room)
    assert code == Exit.DONE
    words = " ".join(out.split())
    assert "36 new keys of each kind in 30 days" in words
    assert "churn: 10 of 30 entries replaced in 30 days, 7 are allowed" in words
    code, out, err = command(acme, "guesses", "accept", room, "--batch", "3", "--reason", "we asked")
    assert (code, "who signs?" in err) == (Exit.REFUSED, True)
    code, out, _ = command(acme, "guesses", "accept", room, "--batch", "3", "--reason", "we asked", "--user", "Bob")
    assert code == Exit.DONE
    assert "quota: 40 new domain keys in 30 days, 36 are allowed (1.2 x 30 declared)" in " ".join(out.split())
    told(acme, "guesses", "allow", "Globex", "--keys", "5", "--reason", "we asked", "--user", "Ann")
    guessing.settle(room)
    (found,) = told(acme, "guesses", "show")["rooms"]
    assert (found["used"]["domain"], found["limit"], found["allowed"], found["held_back"]) == (40, 36, 41, None)
    assert [(item["batch"], item["by"], item["reason"]) for item in found["accepted"]] == [(3, "Bob", "we asked")]
    assert [(item["keys"], item["by"]) for item in found["lifted"]] == [(5, "Ann")]


def test_decoys_are_added_listed_and_removed(guessing: Guessing) -> None:
    acme = guessing.acme
    name = told(acme, "decoys", "add", "--website", "brindlecove.com", "--segment", "customers")["decoy"]
    code, out, _ = command(acme, "decoys", "list")
    assert (code, "brindlecove.com" in out, name[:8] in out) == (Exit.DONE, True, True)
    assert told(acme, "decoys", "status") == {"decoys": 1, "partners": []}
    code, _, err = command(acme, "decoys", "add", "--website", "brindlecove.com", "--segment", "customers")
    assert (code, "another decoy" in err) == (Exit.REFUSED, True)
    code, _, err = command(acme, "decoys", "lift", "Globex", "--reason", "none", "--user", "Ann")
    assert code == Exit.REFUSED
    assert told(acme, "decoys", "remove", name[:8]) == {"removed": [name]}
    assert told(acme, "decoys", "list") == {"decoys": []}


def test_the_room_shows_where_the_lists_come_from(guessing: Guessing) -> None:
    room = guessing.room()
    guessing.push(room, range(3))
    code, out, _ = command(guessing.acme, "room", "show", room)
    assert (code, "Where the lists come from, as their owners state it" in out) == (Exit.DONE, True)
    sources = told(guessing.acme, "room", "show", room)["sources"]
    assert sources[guessing.globex.me] == [{"system": "not said", "query": "not said", "rows": 3, "who": "not said"}]
