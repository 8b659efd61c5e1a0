"""`cleanroom matches` in a room in which two matches are certain and three are likely."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from consent import ANN, BOB, CHEAP, PASSPHRASE, staff
from sharing import Rows, Sharing, deals, grant, opened, policy
from world import World

from cleanroom.agent import users
from cleanroom.agent.session import Agent
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Ask, Environment
from cleanroom.cli.main import run
from cleanroom.cli.output import Output
from cleanroom.domain.vocabulary import Form, Kind, Role
from cleanroom.policy.model import Policy

KINDS = (Kind.LEI, Kind.DOMAIN, Kind.NAME)
HOSTILE = "Evil\x1b[31m\u202e"


def listed(prefix: str, stop: int) -> Rows:
    rows = deals(0, stop, prefix=prefix, lei="")
    return [{**row, "name": f"Company {i}" if i < 2 else row["name"]} for i, row in enumerate(rows)]


def shown(agent: Agent) -> Policy:
    return policy(agent, grant("names", Form.FULL, "account_name", "match_evidence"))


@pytest.fixture
def room(world: World) -> Sharing:
    return world.once("room", lambda: settled(world))


def settled(world: World) -> Sharing:
    mine = listed("a", 7)
    mine[4]["country"] = HOSTILE
    made = opened(
        world, mine, [*listed("g", 5), *deals(20, 24, prefix="g", lei="")], acme=shown, globex=shown, kinds=KINDS
    )
    made.settle()
    return made


def command(room: Sharing, *arguments: str, answers: list[str] | None = None) -> tuple[int, str, str]:
    """Exit code, standard output, standard error; as Bob, on a terminal that answers so."""
    out, err, typed = io.StringIO(), io.StringIO(), iter(answers or ())

    @contextmanager
    def opener(_home: Path, _passphrase: object, **_others: object) -> Iterator[Agent]:
        yield room.acme

    ask = Ask(text=lambda _: next(typed), secret=lambda _: PASSPHRASE, sure=lambda _: True)
    environment = Environment(
        home=room.acme.home,
        passphrase=PASSPHRASE,
        passphrase_file=None,
        clock=room.acme.clock,
        output=Output(out, err),
        ask=None if answers is None else ask,
        user_passphrase=PASSPHRASE,
        opener=opener,
    )
    return run(arguments, environment), out.getvalue(), err.getvalue()


def told(room: Sharing, *arguments: str) -> Any:  # noqa: ANN401 - a JSON document
    code, out, err = command(room, *arguments, "--json")
    assert code == Exit.DONE, out + err
    return json.loads(out)


def listing(room: Sharing, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(room, "matches", "list", room.room, *more)["matches"]
    return found


def states(room: Sharing) -> dict[str, int]:
    every = [item["state"] for item in listing(room)]
    return {state: every.count(state) for state in set(every)}


def test_the_list_says_why_and_what_becomes_of_each(room: Sharing, tmp_path: Path) -> None:
    assert states(room) == {"released": 2, "waiting_for_review": 3}
    waiting = listing(room, "--state", "waiting_for_review")
    assert {(item["tier"], item["why"]) for item in waiting} == {("likely", "one website, other names")}
    assert {tuple(item["evidence"]) for item in waiting} == {("domain",)}
    assert {tuple(item["differ"]) for item in waiting} == {("name",)}
    assert "company" not in json.dumps([{**item, "accounts": None} for item in waiting]), "kinds, and no keys"
    code, out, _ = command(room, "matches", "list", room.room, "--csv", str(tmp_path / "it.csv"))
    assert code == Exit.DONE
    assert "5 matches: 2 released, 3 waiting for review" in out
    assert f"cleanroom matches review {room.room[:8]}" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    with (tmp_path / "it.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows].count("waiting_for_review") == 3
    assert {row["account_id"] for row in rows} == {f"a/{i:05}" for i in range(5)}


def test_a_review_asks_one_by_one_and_goes_on_where_it_stopped(room: Sharing) -> None:
    review = ("matches", "review", room.room, "--user", BOB)
    code, out, err = command(room, *review, answers=["what?", "", "y", "skip", "q"])
    assert code == Exit.DONE
    assert "Confirmed: 1. Rejected: 0. Waiting: 2." in out
    assert [f"{i} of 3" in err for i in (1, 2, 3)] == [True] * 3
    assert "domain: company" in err
    assert "one website, other names" in err
    assert "\x1b" not in err
    assert states(room) == {"released": 2, "waiting_for_review": 2, "confirmed": 1}
    code, out, err = command(room, *review, answers=["n", "yes"])
    assert "1 of 2" in err
    assert "3" not in [line.split(" of ")[-1] for line in err.splitlines()]
    assert "Confirmed: 1. Rejected: 1. Waiting: 0." in out
    assert states(room) == {"released": 2, "confirmed": 2, "rejected": 1}
    code, out, _ = command(room, *review, answers=[])
    assert (code, "Waiting: 0." in out) == (Exit.DONE, True)


def test_scripts_confirm_and_reject_by_id(room: Sharing) -> None:
    first, second, third = (item["match"] for item in listing(room, "--state", "waiting_for_review"))
    by = ("--user", BOB)
    assert told(room, "matches", "confirm", room.room, first[:8], second, *by) == {"confirmed": [first, second]}
    assert told(room, "matches", "reject", room.room, third, "--reason", "a namesake", *by) == {"rejected": [third]}
    assert states(room) == {"released": 2, "confirmed": 2, "rejected": 1}
    (rejected,) = (item for item in listing(room) if item["match"] == third)
    assert rejected["decision"]["reason"] == "a namesake"
    assert rejected["decision"]["by"] == staff(room.acme)[1].id
    room.settle()
    assert len(room.shared(room.globex).rows) == 4
    evidence = {(row.tier, row.evidence, row.why) for row in room.shared(room.globex).rows}
    assert evidence == {
        ("certain", ("domain", "name"), "one website, and the name at least in outline"),
        ("likely", ("domain",), "one website, other names"),
    }


def test_what_cannot_be_is_refused(room: Sharing) -> None:
    one = listing(room, "--state", "waiting_for_review")[0]["match"]
    code, _, err = command(room, "matches", "review", room.room, "--user", BOB)
    assert code == Exit.REFUSED
    assert "needs a terminal" in err
    code, _, err = command(room, "matches", "confirm", room.room, one)
    assert code == Exit.REFUSED
    assert "who signs" in err
    code, _, err = command(room, "matches", "confirm", room.room, "ffffff", "--user", BOB)
    assert (code, "match 1: no match" in err, "ffffff" in err) == (Exit.REFUSED, True, False)
    ann = staff(room.acme)[0]
    if "Sam" not in {user.name for user in users.users(room.acme)}:
        users.add(room.acme, "Sam", Role.SELLER, passphrase=PASSPHRASE, by=ann, kdf_cost=CHEAP)
    code, _, err = command(room, "matches", "confirm", room.room, one, "--user", "Sam")
    assert code == Exit.NOT_NOW
    assert "an admin or a partner manager" in err
    assert states(room) == {"released": 2, "waiting_for_review": 3}
    code, _, _ = command(room, "matches", "confirm", room.room, one, "--user", ANN)
    assert code == Exit.DONE


def test_status_says_how_many_wait(room: Sharing) -> None:
    (found,) = (item for item in told(room, "status")["rooms"] if item["room"] == room.room)
    assert found["matches_to_review"] == 3
    (words,) = (wait["what"] for wait in found["consent"] if "matches review" in wait["what"])
    assert words.startswith("3 matches likely, not certain")
