"""How counts are shown, from both sides' command lines: the gauge, refills, stricter, weaker by two people, audits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from consent import ANN, BOB, staff
from consent import PASSPHRASE as OF_USERS
from lists_of_accounts import companies
from test_sim_cli_sharing import Ended, command, document
from world import World, accounts, new_world

from cleanroom.agent import agreements, allowances, counting, drafts, ledger, overlap
from cleanroom.agent.agreements import COUNTING, WeakerNotAllowed
from cleanroom.agent.allowances import NothingToChange
from cleanroom.agent.audit_export import export
from cleanroom.agent.counting import NotStricter
from cleanroom.agent.policies import ApproverIsAuthor, NoDraft, NotAnApprover
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.room_counting import CountingWeakened
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.users import add
from cleanroom.audit.bundle import read
from cleanroom.audit.verify import verify
from cleanroom.cli.exits import Exit
from cleanroom.domain.vocabulary import ChangeMode, CountingMode, Role, RoomId
from cleanroom.messages.rooms import CappedCounting

EXACT = CappedCounting(mode=CountingMode.EXACT, floor=1, caps="budget")


class Ground:
    """Acme and Globex, their people, and a room in mode standard with 60 companies in both lists."""

    def __init__(self, world: World, **terms: Any) -> None:  # noqa: ANN401 - any term
        self.world = world
        self.acme, self.globex = world.enrol("Acme"), world.enrol("Globex")
        world.introduce()
        for agent in (self.acme, self.globex):
            staff(agent)
        made = {
            "counting": COUNTING,
            "answer_interval": 86_400,
            "epoch_days": 366,
            "changes": ChangeMode.IMMEDIATE,
            **terms,
        }
        self.room = world.room(self.acme, self.globex, **made)
        self.pushed(self.acme, 0)
        self.pushed(self.globex, 20)
        self.settle()

    def pushed(self, agent: Agent, start: int) -> None:
        rows = companies(start, start + 80, prefix=agent.config.name)
        self.world.put_list(agent, self.room, accounts(rows))

    def settle(self, **by: float) -> None:
        self.world.clock.step(**by)
        self.world.settle(self.acme, self.globex, room=self.room)

    def answers(self, agent: Agent) -> list[overlap.Overlap]:
        return overlap.history(agent, self.room)

    def say(self, agent: Agent, *words: str) -> Ended:
        return command(agent, "counting", words[0], self.room, *words[1:], user=OF_USERS.reveal())

    def by_two(self, agent: Agent, *words: str) -> None:
        for person in ((*words, "--user", ANN), ("approve", "--user", BOB)):
            ended = self.say(agent, *person)
            assert ended.code == Exit.DONE, ended.err


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """A world of its own: budgets are of partners, and outlive rooms."""
    with new_world(tmp_path) as world:
        yield Ground(world)


def findings(ground: Ground, folder: Path) -> list[str]:
    """What is broken in either side's bundle."""
    found = []
    for agent in (ground.acme, ground.globex):
        path = folder / f"{agent.config.name}.cleanroom-audit"
        assert export(agent, ground.room, path).problem is None
        audit = verify(read(path))
        assert audit.checked["answers recounted"] == len(ground.answers(agent))
        found += [f"{item.where}: {item.what}" for item in audit.findings if item.broken]
    return found


def test_a_year_of_a_room_is_counted_refilled_and_audited(ground: Ground, tmp_path: Path) -> None:
    first = ground.answers(ground.acme)
    assert [(item.mode, item.caps, item.number) for item in first] == [(CountingMode.STANDARD, "budget", 1)]
    shown = ground.say(ground.acme, "show", "--reviewer").text
    assert "11 of 12 answers left this year; an answer comes every month at most" in shown
    assert "13 of 14 answers left this year, to all partners together" in shown
    assert "1/6 (0.17), for one entry" in shown
    assert "Sure to 10 % at most 12 % sure afterwards" in shown
    assert "next answer " in shown

    ground.pushed(ground.acme, 5)
    ground.settle()
    ground.settle(days=3)
    assert len(ground.answers(ground.acme)) == 1
    for agent in (ground.acme, ground.globex):
        ground.by_two(agent, "refill", "--answers", "1")
    ground.settle(days=1)
    assert len(ground.answers(ground.globex)) == 2
    assert document(ground.acme, "counting", "show", ground.room)["gauges"][0]["of"] == 13
    assert findings(ground, tmp_path) == []


def test_stricter_at_once_and_weaker_by_two_people_of_each_side(ground: Ground, tmp_path: Path) -> None:
    told = ground.say(ground.globex, "tighten", "confidential")
    assert told.code == Exit.DONE, told.err
    assert "confidential: numbers with noise (95 % within 48), from 50 on" in told.text
    assert "Globex asked for confidential" in ground.say(ground.acme, "show").text
    with pytest.raises(NotStricter, match="takes new terms"):
        counting.tighten(ground.acme, ground.room, CountingMode.STANDARD)
    ground.pushed(ground.acme, 5)
    ground.settle()
    ground.settle(days=31)
    assert [item.mode for item in ground.answers(ground.acme)] == [CountingMode.STANDARD, CountingMode.CONFIDENTIAL]

    proposed = ground.say(ground.acme, "change", "--mode", "exact", "--floor", "1")
    assert "Two people of each side have to allow it; of your side and Globex they have not yet" in proposed.text
    refused = command(ground.globex, "room", "accept", ground.room)
    assert refused.code == Exit.NOT_NOW
    assert "instead of confidential" in " ".join((refused.out + refused.err).split())
    ground.by_two(ground.globex, "allow-weaker")
    with pytest.raises(EscrowProblem, match="two people of every member"):
        agreements.accept(ground.globex, ground.room)
    ground.by_two(ground.acme, "allow-weaker")
    agreements.accept(ground.globex, ground.room)
    assert open_room(ground.acme, ground.room).counting.rule == EXACT  # Globex's wish is void
    ground.pushed(ground.acme, 10)
    ground.settle()
    ground.settle(days=31)
    newest = ground.answers(ground.globex)[-1]
    assert (newest.mode, newest.cells[0][0]) == (CountingMode.EXACT, 70)
    assert "70 in the cells" in command(ground.globex, "overlap", "--room", ground.room).text
    assert findings(ground, tmp_path) == []


def test_a_correction_is_given_once(ground: Ground, tmp_path: Path) -> None:
    refused = ground.say(ground.acme, "correct")
    assert refused.code != Exit.DONE
    ground.pushed(ground.acme, 5)
    ground.settle()
    asked = ground.say(ground.acme, "correct")
    assert "Asked for, and on record" in asked.text, asked.err
    ground.settle()
    answers = ground.answers(ground.globex)
    assert [item.correction for item in answers] == [False, True]
    assert "number 2, a correction" in command(ground.globex, "overlap", "--room", ground.room).text
    assert findings(ground, tmp_path) == []


def test_one_person_alone_allows_nothing(ground: Ground) -> None:
    ann, bob = staff(ground.acme)
    with pytest.raises(NoDraft):
        allowances.approve(ground.acme, ground.room, bob)
    with pytest.raises(NothingToChange):
        allowances.allow_weaker(ground.acme, ground.room, ann)
    draft = allowances.refill(ground.acme, ground.room, ann, answers=2)
    with pytest.raises(ApproverIsAuthor):
        allowances.approve(ground.acme, ground.room, ann)
    with pytest.raises(NoDraft, match="something else than was shown"):
        allowances.approve(ground.acme, ground.room, bob, shown=ground.room * 2)
    add(ground.acme, "Sue", Role.SELLER, passphrase=OF_USERS, by=ann)
    assert allowances.pending(ground.acme, open_room(ground.acme, ground.room)) is None  # another roster by now
    assert draft.units == 2


def test_a_seller_allows_nothing(ground: Ground) -> None:
    ann, _ = staff(ground.acme)
    add(ground.acme, "Sue", Role.SELLER, passphrase=OF_USERS, by=ann)
    told = ground.say(ground.acme, "refill", "--answers", "1", "--user", "Sue")
    assert told.code == Exit.NOT_NOW
    assert NotAnApprover.code  # the code of the refusal is stable


def test_an_answer_that_forgets_a_wish_is_refused(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The escrow counts as the terms say, and not as a member has wished on record."""
    counting.tighten(ground.globex, ground.room, CountingMode.CONFIDENTIAL)
    ground.pushed(ground.acme, 5)
    ground.settle()
    monkeypatch.setattr("escrow.counting._modes", lambda _held, *, since: [])  # noqa: ARG005 - the escrow's own names
    with pytest.raises(CountingWeakened, match="mode confidential"):
        ground.settle(days=31)


def test_terms_that_weaken_without_consent_are_refused(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("escrow.counting.require_allowed", lambda *_: None)
    agreements.recount(ground.acme, ground.room, EXACT)
    with pytest.raises(WeakerNotAllowed):
        agreements.accept(ground.globex, ground.room)
    terms = open_room(ground.globex, ground.room).pending
    assert terms is not None
    signature = ground.globex.signature(terms.type, terms.text())
    ground.globex.escrow.put_signature(ground.room, terms.version, ground.globex.me, signature)
    with pytest.raises(CountingWeakened, match="not two people of every member"):
        open_room(ground.acme, ground.room)


def test_a_left_room_takes_its_draft_along(ground: Ground) -> None:
    ann, _ = staff(ground.acme)
    allowances.refill(ground.acme, ground.room, ann, answers=2)
    agreements.leave(ground.acme, ground.room)
    kept = allowances.allowances_prefix(ground.room)
    assert list(ground.acme.vault.addresses(kept)) == []
    assert ledger.load(ground.acme, RoomId(ground.room)).leaves  # what was told stays on record
    assert drafts.own(ground.acme, ground.room) is None
