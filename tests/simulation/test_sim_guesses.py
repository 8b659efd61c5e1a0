"""The quota of distinct keys: over rooms, epochs, crashes, and vaults that were put back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from consent import agree, staff
from faults import KilledError
from guessing import Guessing
from lists_of_accounts import companies
from world import PASSPHRASE, World, accounts, new_world

from cleanroom.agent import agreements, evaluate, guesses, policies, status, sync
from cleanroom.agent.guess_rules import AboveDeclared, GuessQuotaReached
from cleanroom.agent.policies import NotAnApprover
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import VAULT_FILE, Agent
from cleanroom.agent.vault import Vault
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import RoomState


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


def test_new_keys_are_counted_up_to_the_terms_part_of_what_is_declared(guessing: Guessing) -> None:
    room = guessing.room(declared=20)
    guessing.push(room, range(20))
    assert guessing.used(room) == 20
    guessing.push(room, range(16), range(100, 104))
    assert guessing.used(room) == 24  # the last that may be: 1.2 x 20
    guessing.push(room, range(16), range(100, 103), range(200, 201))
    problem = guessing.problem(room)
    assert isinstance(problem, GuessQuotaReached)
    assert str(problem).endswith(
        "batch 3 of Globex's list is not evaluated; quota: 25 new domain keys in 30 days, 24 are allowed (1.2 x 20 "
        "declared). An approver of yours lifts it: cleanroom guesses allow 'Globex' --keys 1"
    )
    assert (guessing.used(room), guessing.evaluated(room)) == (24, 2)


def test_what_comes_back_within_an_epoch_is_not_new(guessing: Guessing) -> None:
    room = guessing.room(declared=20)
    guessing.push(room, range(20))
    for _ in range(3):
        guessing.push(room, range(10))
        guessing.push(room, range(20))
    assert guessing.used(room) == 20
    assert guessing.evaluated(room) == 7


def test_rooms_share_the_quota_and_the_largest_size_declared_counts(guessing: Guessing) -> None:
    first, second = guessing.room(declared=20), guessing.room(declared=10)
    guessing.push(first, range(20))
    guessing.push(second, range(4))
    assert (guessing.used(first), guessing.used(second)) == (24, 24)
    guessing.push(second, range(5))
    assert "1.2 x 20 declared" in str(guessing.problem(second))
    guessing.push(first, range(19))
    assert guessing.problem(first) is None


def test_a_room_that_is_left_and_made_again_resets_nothing(guessing: Guessing) -> None:
    first = guessing.room(declared=20)
    guessing.push(first, range(20))
    agreements.leave(guessing.globex, first)
    sync.sync(guessing.acme)
    assert not guessing.acme.vault.addresses(f"room/{first}/")
    second = guessing.room(declared=20)
    guessing.push(second, range(100, 120))
    problem = guessing.problem(second)
    assert isinstance(problem, GuessQuotaReached)
    assert "quota: 40 new domain keys in 30 days, 24 are allowed" in str(problem)
    assert guessing.evaluated(second) == 0


def test_a_room_that_i_leave_myself_resets_nothing(guessing: Guessing) -> None:
    first = guessing.room(declared=50)
    guessing.push(first, range(20))
    agreements.leave(guessing.acme, first)
    second = guessing.room(declared=20)
    guessing.push(second, range(20))
    assert "40 new domain keys in 30 days, 24 are allowed (1.2 x 20 declared)" in str(guessing.problem(second))


def test_after_thirty_days_the_keys_count_no_more(guessing: Guessing) -> None:
    room = guessing.room(declared=20, epoch_days=366)
    guessing.push(room, range(20))
    guessing.push(room, range(10), range(50, 60))
    assert isinstance(guessing.problem(room), GuessQuotaReached)
    guessing.world.clock.step(days=29, hours=23)
    assert isinstance(guessing.problem(room), GuessQuotaReached)
    guessing.world.clock.step(hours=2)
    guessing.settle(room)
    assert guessing.problem(room) is None
    assert guessing.used(room) == 10


def test_the_list_of_the_epoch_before_comes_again_free_by_the_calendar(guessing: Guessing) -> None:
    room = guessing.room(declared=20, epoch_days=7)
    guessing.push(room, range(20))
    for _ in range(2):
        guessing.world.clock.step(days=7)
        guessing.settle(room)
        assert (guessing.used(room), guessing.evaluated(room)) == (20, 1)
    guessing.push(room, range(16), range(60, 64))  # keys that were not there in this epoch: 4
    assert guessing.used(room) == 24
    guessing.world.clock.step(days=7)
    guessing.push(room, range(100, 120))  # a list of other companies cannot be told (docs/limitations.md)
    assert (guessing.used(room), guessing.evaluated(room)) == (24, 1)


def test_what_a_new_epochs_list_has_more_is_charged(guessing: Guessing) -> None:
    room = guessing.room(declared=20, epoch_days=7)
    guessing.push(room, range(12))
    guessing.world.clock.step(days=7)
    guessing.push(room, range(15))
    assert guessing.used(room) == 15


def test_an_epoch_that_their_policy_began_is_free_once_in_thirty_days(guessing: Guessing) -> None:
    room = guessing.room(declared=20, epoch_days=366)
    guessing.push(room, range(20))
    agree(room, guessing.acme, guessing.globex)
    ann, _ = staff(guessing.globex)
    before = open_room(guessing.acme, room).epoch
    policies.refresh(guessing.globex, room, ann)
    guessing.settle(room)
    assert open_room(guessing.acme, room).epoch == before + 1
    assert (guessing.used(room), guessing.evaluated(room)) == (20, 1)
    guessing.world.clock.step(days=1)
    policies.refresh(guessing.globex, room, ann)
    guessing.settle(room)
    assert "40 new domain keys in 30 days, 24 are allowed" in str(guessing.problem(room))
    guessing.world.clock.step(days=30)
    guessing.settle(room)
    assert (guessing.used(room), guessing.evaluated(room)) == (0, 1)


@pytest.mark.soak
def test_an_epoch_that_my_policy_began_is_free(guessing: Guessing) -> None:
    room = guessing.room(declared=20, epoch_days=366)
    guessing.push(room, range(20))
    agree(room, guessing.acme, guessing.globex)
    ann, _ = staff(guessing.acme)
    for _ in range(3):
        policies.refresh(guessing.acme, room, ann)
        guessing.settle(room)
        assert (guessing.used(room), guessing.evaluated(room)) == (20, 1)


def test_a_list_above_what_is_declared_waits_for_new_terms(guessing: Guessing, monkeypatch: pytest.MonkeyPatch) -> None:
    room = guessing.room(declared=20)
    guessing.push(room, range(21))
    assert open_room(guessing.acme, room).snapshots[guessing.globex.me] == ()  # an honest agent does not even send it
    monkeypatch.setattr("cleanroom.agent.commit._require_quota", lambda _room, _report: None)
    guessing.push(room, range(22))
    problem = guessing.problem(room)
    assert isinstance(problem, AboveDeclared)
    assert "declared: 22 entries, the terms declare 20. New terms lift it: cleanroom room renew" in str(problem)
    agreements.renew(guessing.globex, room, days=365, my_size=30)
    agreements.accept(guessing.acme, room)
    guessing.settle(room)
    assert guessing.problem(room) is None
    assert guessing.used(room) == 22


def test_what_is_held_back_stops_nothing_else_and_is_seen(guessing: Guessing) -> None:
    room = guessing.room(declared=20)
    guessing.push(room, range(20))
    guessing.push(room, range(10), range(50, 60))
    guessing.world.put_list(guessing.acme, room, accounts(companies(0, 7)))
    (result,) = sync.sync(guessing.acme, room)
    assert "committed batch 2" in result.steps
    assert isinstance(result.problem, GuessQuotaReached)
    (row,) = status.status(guessing.acme).rooms
    assert row.waits_for.mine
    assert "quota: 30 new domain keys" in row.waits_for.what
    assert row.state is RoomState.ACTIVE


def test_a_batch_that_is_held_back_is_fetched_once(guessing: Guessing, monkeypatch: pytest.MonkeyPatch) -> None:
    room = guessing.room(declared=20)
    guessing.push(room, range(20))
    guessing.push(room, range(10), range(50, 60))

    def refuse(*_: object) -> None:
        raise AssertionError("fetched again")

    monkeypatch.setattr("cleanroom.agent.evaluate.fetched", refuse)
    assert isinstance(guessing.problem(room), GuessQuotaReached)


def test_an_approver_allows_more_for_thirty_days_and_says_why(guessing: Guessing) -> None:
    room = guessing.room(declared=20, epoch_days=366)
    guessing.push(room, range(20))
    guessing.push(room, range(10), range(50, 60))
    ann, bob = staff(guessing.acme)
    stranger, _ = staff(guessing.globex)
    with pytest.raises(NotAnApprover):
        guesses.allow(guessing.acme, "Globex", 10, by=stranger, reason="mine now")
    with pytest.raises(InputRefused, match="reason"):
        guesses.allow(guessing.acme, "Globex", 10, by=bob, reason=" ")
    guesses.allow(guessing.acme, "Globex", 5, by=ann, reason="they bought a firm")
    assert "29 are allowed (1.2 x 20 declared, and 5 that a person allowed)" in str(guessing.problem(room))
    guesses.allow(guessing.acme, "Globex", 1, by=bob, reason="and one more")
    guessing.settle(room)
    assert (guessing.used(room), guessing.evaluated(room)) == (30, 2)
    told = [(item.keys, item.by, item.reason) for item in guessing.figures(room).lifted]
    assert told == [(5, ann.id, "they bought a firm"), (1, bob.id, "and one more")]
    guessing.world.clock.step(days=30, hours=1)
    assert guessing.figures(room).allowed == 24


class TestCrashes:
    def test_a_crash_before_the_batch_is_taken_over_charges_nothing(
        self, guessing: Guessing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room = guessing.room(declared=20)
        with monkeypatch.context() as patch:
            patch.setattr(guesses, "note_retired", killed)
            with pytest.raises(KilledError):
                guessing.push(room, range(20))
        assert guessing.used(room) == 0
        guessing.settle(room)
        assert (guessing.used(room), guessing.evaluated(room)) == (20, 1)

    def test_a_crash_afterwards_charges_it_once(self, guessing: Guessing, monkeypatch: pytest.MonkeyPatch) -> None:
        room = guessing.room(declared=20)
        with monkeypatch.context() as patch:
            patch.setattr(evaluate, "_tags", killed)
            with pytest.raises(KilledError):
                guessing.push(room, range(20))
        assert (guessing.used(room), guessing.evaluated(room)) == (20, 0)
        guessing.settle(room)
        assert (guessing.used(room), guessing.evaluated(room)) == (20, 1)


class TestRestored:
    """A vault that was put back lacks what was evaluated since; whoever knows that must not gain by it."""

    def test_the_quota_counts_as_used_up_until_a_person_lifts_it(self, guessing: Guessing, tmp_path: Path) -> None:
        first, second = guessing.room(declared=20), guessing.room(declared=20)
        back = put_back(guessing, tmp_path / "copy.vault")
        guessing.push(first, range(20))  # what the copy does not know
        old = Guessing(guessing.world, back, guessing.globex)
        old.push(second, range(100, 101))
        problem = old.problem(second)
        assert isinstance(problem, GuessQuotaReached)
        assert re.search(r"quota: 25 new domain keys .* 24 are allowed .* put back from a copy", str(problem))
        ann, _ = staff(back)
        guesses.allow(back, "Globex", 1, by=ann, reason="they say they sent nothing since")
        old.settle(second)
        assert old.evaluated(second) == 1
        restored = old.figures(second).restored
        assert restored is not None
        assert restored.copied == "2026-11-02T09:00:00Z"

    def test_it_ends_after_thirty_days(self, guessing: Guessing, tmp_path: Path) -> None:
        room = guessing.room(declared=20, epoch_days=366)
        old = Guessing(guessing.world, put_back(guessing, tmp_path / "copy.vault"), guessing.globex)
        guessing.world.clock.step(days=100)  # an old copy is no better
        old.push(room, range(20))
        assert isinstance(old.problem(room), GuessQuotaReached)
        guessing.world.clock.step(days=29)
        assert isinstance(old.problem(room), GuessQuotaReached)
        guessing.world.clock.step(days=1)
        old.settle(room)
        assert (old.used(room), old.evaluated(room)) == (20, 1)

    def test_a_home_that_was_copied_otherwise_is_caught_by_what_it_signed(
        self, guessing: Guessing, tmp_path: Path
    ) -> None:
        room, other = guessing.room(declared=20), guessing.room(declared=20)
        sync.sync(guessing.acme, room)
        back = put_back(guessing, tmp_path / "copy.vault", marked=False)
        guessing.push(room, range(20))
        old = Guessing(guessing.world, back, guessing.globex)
        assert old.figures(other).restored is None
        sync.sync(back, room)
        old.push(other, range(1))
        assert isinstance(old.problem(other), GuessQuotaReached)


def killed(*_: object) -> None:
    raise KilledError


def put_back(guessing: Guessing, copy: Path, *, marked: bool = True) -> Agent:
    """Acme's agent over a copy of its vault as it is now."""
    acme, world = guessing.acme, guessing.world
    acme.vault.backup(copy, at="2026-11-02T09:00:00Z")
    home = copy.parent / "put back"
    home.mkdir()
    Vault.restore(copy, home / VAULT_FILE)
    vault = world.stack.enter_context(Vault.open(home / VAULT_FILE, PASSPHRASE))
    if not marked:
        vault.delete("copied")
    return world.agent(home, vault, acme.identity, acme.config)
