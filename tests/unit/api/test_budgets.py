"""Answers that are paid for: noise once for each answer, as many as the budgets give, whatever the members do."""

import json
from datetime import timedelta

import pytest
from conftest import Escrow
from counting_rooms import MINUTE, MONTH, Counting, counting_room, refills, spent_before
from partner import START, Partner, code_of, digest_in
from people import staffed

from cleanroom.messages.documents import instant
from cleanroom.messages.entries import CountsReleased, DrawsCommitted
from cleanroom.messages.lists import Answer, ShownCell
from escrow import answers
from escrow.edges import seconds
from matching.disclosure.commitment import opens
from matching.disclosure.modes import MODES, YEAR_SECONDS
from matching.disclosure.rule import rounded

AT_START = seconds(START)


@pytest.fixture
def counting(escrow: Escrow, ana: Partner, bo: Partner) -> Counting:
    """A room in standard mode with its first answer."""
    made = counting_room(escrow, ana, bo)
    made.begin()
    return made


def shown(answer: Answer) -> list[list[int | str]]:
    return [[cell.companies if isinstance(cell, ShownCell) else cell.withheld for cell in row] for row in answer.cells]


@pytest.mark.parametrize("mode", ["standard", "confidential"])
def test_an_answer_shows_true_numbers_with_the_noise_that_was_committed(
    escrow: Escrow, ana: Partner, bo: Partner, mode: str
) -> None:
    counting = counting_room(escrow, ana, bo, counting={"mode": mode, "floor": 2, "caps": "budget"})
    counting.setting.ana_list = {f"c{i}": (i % 2, {"domain": f"company{i}.example"}) for i in range(150)}
    counting.setting.bo_list = {f"c{i}": (i % 3 % 2, {"domain": f"company{i}.example"}) for i in range(130)}
    counting.begin()
    truth = [[sum(i % 2 == a and i % 3 % 2 == b for i in range(130)) for b in (0, 1)] for a in (0, 1)]
    held, rule = counting.draws()[0], MODES[mode]
    noise = json.loads(held.draws)
    committed, released = counting.log()[-2:]
    assert isinstance(committed, DrawsCommitted)
    assert isinstance(released, CountsReleased)
    assert opens(bytes.fromhex(committed.commitment), held.salt, noise)
    assert (committed.number, committed.edge, committed.epoch) == (released.number, released.edge, released.epoch)
    assert (released.mode, released.caps, released.cost, released.correction) == (mode, "budget", 1, False)
    for partner in (ana, bo):
        answer = counting.answers(partner)[0]
        assert (answer.recipient, answer.counting.mode, answer.cost) == (partner.id, mode, 1)
        assert shown(answer) == [
            [
                rounded(number + noise[2 * a + b], rule.step)
                if number + noise[2 * a + b] >= rule.threshold
                else "below_threshold"
                for b, number in enumerate(row)
            ]
            for a, row in enumerate(truth)
        ]
    assert {spend[:4] for spend in counting.spends()} == {(ana.id, bo.id, AT_START, 1), (bo.id, ana.id, AT_START, 1)}


def test_exact_mode_with_budgets_has_no_noise_and_commits_to_none(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = counting_room(escrow, ana, bo, counting={"mode": "exact", "floor": 2, "caps": "budget"})
    counting.begin()
    assert shown(counting.answers(ana)[0]) == [[3, 7], [3, 7]]
    assert not any(isinstance(entry, DrawsCommitted) for entry in counting.log())
    assert counting.draws() == []
    counting.grow(range(30, 34))
    escrow.clock.step(days=7, seconds=-MINUTE)
    assert counting.numbers() == [1]
    escrow.clock.step(seconds=MINUTE)
    assert counting.numbers() == [1, 2]


def test_the_same_bytes_for_whoever_asks_and_whenever(escrow: Escrow, counting: Counting) -> None:
    ana, bo = counting.setting.ana, counting.setting.bo
    first = {partner.id: partner.get(f"{counting.path}/answers").content for partner in (ana, bo)}
    for step in (1, 3_600, MONTH, 2 * MONTH, YEAR_SECONDS):
        escrow.clock.step(seconds=step)
        for partner in (bo, ana, bo):
            assert partner.get(f"{counting.path}/answers").content == first[partner.id]
    assert len(counting.draws()) == 1


def test_the_interval_ends_at_the_edge_that_is_not_before_its_end(escrow: Escrow, counting: Counting) -> None:
    ana = counting.setting.ana
    counting.grow(range(30, 34))
    assert counting.numbers() == [1]
    ends = instant(START + timedelta(seconds=MONTH))
    assert ana.view(counting.setting.room).next_answer == ends
    gauge = counting.gauge(ana, ana)
    assert (gauge.left, gauge.of, gauge.next_answer, gauge.reason) == (11, 12, ends, "too_soon")
    escrow.clock.step(seconds=MONTH - 1)
    assert counting.numbers() == [1]
    escrow.clock.step(seconds=1)
    assert counting.numbers() == [1, 2]
    assert counting.answers(ana)[1].edge == ends


def test_a_refused_answer_leaves_nothing_behind_and_reading_stays_a_read(escrow: Escrow, counting: Counting) -> None:
    counting.grow(range(30, 34))
    before = counting.setting.ana.view(counting.setting.room).change
    escrow.clock.step(days=20)
    assert counting.numbers() == [1]
    assert counting.setting.ana.view(counting.setting.room).change == before
    assert (len(counting.draws()), len(counting.spends())) == (1, 2)


def test_a_year_has_as_many_answers_as_the_mode_says(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    spent_before(escrow, ana.id, bo.id, *(AT_START - n * MONTH for n in range(1, 12)))
    counting = counting_room(escrow, ana, bo)
    counting.begin()
    assert counting.numbers() == [1]
    assert counting.gauge(ana, ana).left == 0
    assert counting.gauge(bo, bo).left == 11
    counting.grow(range(30, 34))
    escrow.clock.step(seconds=MONTH - 1)
    assert counting.numbers() == [1]
    # The oldest of the twelve leaves the year 365 days after its edge, which is when the interval ends, too.
    escrow.clock.step(seconds=1)
    assert counting.numbers() == [1, 2]


def test_a_spent_pair_says_when_it_is_refilled_and_two_people_can_do_it_earlier(
    escrow: Escrow, ana: Partner, bo: Partner
) -> None:
    spent_before(escrow, ana.id, bo.id, *(AT_START - MONTH - n * 60 for n in range(12)))
    counting = counting_room(escrow, ana, bo)
    counting.begin()
    assert counting.numbers() == []
    oldest = START + timedelta(seconds=YEAR_SECONDS - MONTH - 11 * 60)
    for partner in (ana, bo):
        gauge = counting.gauge(partner, ana)
        assert (gauge.left, gauge.of, gauge.reason, gauge.next_answer) == (0, 12, "pair_spent", instant(oldest))
        assert counting.gauge(partner, bo).reason == ""
        assert partner.view(counting.setting.room).next_answer == instant(oldest)
    side = staffed(ana, counting.setting)
    digest = digest_in(counting.allow(side, units=2))
    assert refills(escrow) == [(ana.id, bo.id, 2)]
    assert counting.numbers() == [1]
    assert digest_in(counting.allow(side, units=2)) == digest
    assert len(refills(escrow)) == 1
    gauge = counting.gauge(bo, ana)
    assert (gauge.left, gauge.of) == (1, 14)


def test_what_an_owner_gives_to_all_partners_is_bounded_and_told_to_nobody_else(
    escrow: Escrow, ana: Partner, bo: Partner
) -> None:
    spent_before(escrow, ana.id, "0f" * 16, *(AT_START - 60 * n for n in range(1, 15)))
    counting = counting_room(escrow, ana, bo)
    counting.begin()
    assert counting.numbers() == []
    mine, theirs = counting.gauge(ana, ana), counting.gauge(bo, ana)
    back = instant(START + timedelta(seconds=YEAR_SECONDS - 14 * 60))
    assert (mine.reason, mine.next_answer, mine.owner_left, mine.owner_of) == ("owner_spent", back, 0, 14)
    assert (mine.left, mine.of) == (theirs.left, theirs.of) == (12, 12)
    assert (theirs.reason, theirs.next_answer) == ("their_list_spent", None)
    assert (theirs.owner_left, theirs.owner_of) == (None, None)
    assert bo.view(counting.setting.room).next_answer is None
    assert ana.view(counting.setting.room).next_answer == back
    digest_in(counting.allow(staffed(ana, counting.setting)))
    assert counting.numbers() == [1]


@pytest.mark.parametrize("leaves", [True, False])
def test_another_room_of_the_same_two_gains_nothing(escrow: Escrow, counting: Counting, leaves: bool) -> None:  # noqa: FBT001 - a parameter
    ana, bo = counting.setting.ana, counting.setting.bo
    if leaves:
        digest_in(ana.withdraw(counting.setting.terms.room, "left"))
    escrow.clock.step(days=3)
    again = counting_room(escrow, bo, ana)
    again.begin()
    assert again.numbers() == []
    assert (again.gauge(bo, ana).left, again.gauge(bo, ana).reason) == (11, "too_soon")
    escrow.clock.step(seconds=MONTH - 3 * 86_400 - 1)
    assert again.numbers() == []
    escrow.clock.step(seconds=MINUTE)
    assert again.numbers() == [1]


def test_a_clock_that_goes_back_gains_nothing(escrow: Escrow, counting: Counting) -> None:
    ana, bo = counting.setting.ana, counting.setting.bo
    for back in (1, 40, 90):
        escrow.clock.now = START - timedelta(days=back)
        again = counting_room(escrow, ana, bo, starts=instant(START - timedelta(days=100)))
        again.begin()
        assert again.numbers() == []
        assert counting.numbers() == [1]


def test_an_edge_of_long_ago_gives_nothing(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counting = counting_room(escrow, ana, bo, answer_interval=100 * 86_400)
    a, b = counting.setting.push_both()
    counting.a, counting.b = [a], [b]
    escrow.clock.step(days=30, seconds=1)
    counting.evaluate()
    assert counting.numbers() == []
    escrow.clock.step(days=70)
    assert counting.numbers() == [1]
    assert counting.answers(ana)[0].edge == instant(START + timedelta(days=100))


def test_no_response_has_the_noise_of_an_answer(escrow: Escrow, counting: Counting) -> None:
    ana, bo = counting.setting.ana, counting.setting.bo
    counting.grow(range(30, 34))
    escrow.clock.step(seconds=MONTH)
    assert counting.numbers() == [1, 2]
    secrets = [held.salt.hex() for held in counting.draws()] + [held.draws.strip("[]") for held in counting.draws()]
    log = f"{counting.path}/log"
    size = len(counting.log())
    paths = ["/v1/escrow", "/openapi.json", "/v1/partners", "/v1/changes?after=0", "/v1/rooms", counting.path]
    paths += [f"{counting.path}/answers", log, f"{log}?bundle=0", f"{log}/checkpoint"]
    paths += [f"{log}/tile/entries/000.p/{size}", f"{log}/tile/0/000.p/{size}", "/v1/log/checkpoint"]
    for partner in (ana, bo):
        for path in paths:
            response = partner.get(path)
            assert response.status_code == 200, path
            found = [secret for secret in secrets if secret in response.text]
            assert not found, path
        for path in (f"{counting.path}/draws", f"{counting.path}/answers/1/draws", "/v1/draws"):
            assert code_of(partner.get(path)) == (404, "not_found")
    replayed = escrow.desk.read(lambda session: answers.replay(session, counting.setting.terms.room))
    assert [line["salt"] for line in replayed] == secrets[:2]
