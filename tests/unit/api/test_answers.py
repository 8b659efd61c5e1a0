"""One answer per interval, from the pair that was in force at its edge, whatever happened since."""

from collections.abc import Callable

import pytest
from conftest import Escrow, Setting
from partner import companies, digest_in, opened

from cleanroom.messages.lists import Answer, ShownCell
from cleanroom.messages.signing import SignedDocument


def answers(setting: Setting) -> list[SignedDocument]:
    page = setting.ana.get(f"/v1/rooms/{setting.room}/answers").json()
    return [SignedDocument.model_validate(entry) for entry in page["answers"]]


def total(signed: SignedDocument) -> int:
    answer = opened(signed, Answer)
    return sum(cell.companies for row in answer.cells for cell in row if isinstance(cell, ShownCell))


def test_no_answer_before_both_evaluations_are_complete(setting: Setting) -> None:
    a, b = setting.push_both()
    by_bo, by_ana = setting.sign_both([a], [b])
    digest_in(setting.bo.upload(setting.room, 1, by_bo[0]))
    assert setting.ana.view(setting.room).answer is None
    digest_in(setting.ana.upload(setting.room, 1, by_ana[0]))
    assert setting.ana.view(setting.room).answer is not None


def test_asking_again_gives_the_same_bytes_until_the_next_edge(escrow: Escrow, setting: Setting) -> None:
    a1, b1 = setting.push_both()
    setting.evaluate_both([a1], [b1])
    path = f"/v1/rooms/{setting.room}/answers"
    before = {partner.id: partner.get(path).content for partner in (setting.ana, setting.bo)}
    view = setting.ana.view(setting.room)
    assert view.next_answer == "2026-03-02T09:00:00Z"
    escrow.clock.step(hours=23, minutes=59, seconds=59)
    a2 = setting.ana.push(
        setting.terms, setting.ana.rows(setting.terms, companies(range(30, 40), split=2)), setting.bo, previous=a1
    )
    setting.evaluate_both([a1, a2], [b1])
    for partner in (setting.ana, setting.bo, setting.ana):
        assert partner.get(path).content == before[partner.id]
    escrow.clock.step(seconds=1)
    assert [total(answer) for answer in answers(setting)] == [20, 30]
    assert opened(answers(setting)[1], Answer).edge == "2026-03-02T09:00:00Z"


def test_what_was_pushed_after_the_edge_waits_for_the_next(escrow: Escrow, setting: Setting) -> None:
    a1, b1 = setting.push_both()
    setting.evaluate_both([a1], [b1])
    escrow.clock.step(hours=12)
    a2 = setting.ana.push(
        setting.terms, setting.ana.rows(setting.terms, companies(range(30, 34), split=2)), setting.bo, previous=a1
    )
    escrow.clock.step(hours=13)  # beyond the edge, nobody has evaluated or asked yet
    a3 = setting.ana.push(
        setting.terms, setting.ana.rows(setting.terms, companies(range(34, 40), split=2)), setting.bo, previous=a2
    )
    setting.evaluate_both([a1, a2, a3], [b1])
    assert [total(answer) for answer in answers(setting)] == [20, 24]
    escrow.clock.step(days=1)
    assert [total(answer) for answer in answers(setting)] == [20, 24, 30]


def test_the_same_pair_is_not_answered_twice(escrow: Escrow, setting: Setting) -> None:
    a, b = setting.push_both()
    setting.evaluate_both([a], [b])
    for _ in range(3):
        escrow.clock.step(days=1)
        assert len(answers(setting)) == 1


def test_edges_are_anchored_at_the_second_first_snapshot(escrow: Escrow, setting: Setting) -> None:
    a = setting.ana.push(setting.terms, setting.rows_of_ana(), setting.bo)
    assert setting.ana.view(setting.room).next_answer is None
    escrow.clock.step(hours=5)
    b = setting.bo.push(setting.terms, setting.bo.rows(setting.terms, setting.bo_list), setting.ana)
    escrow.clock.step(hours=30)
    setting.evaluate_both([a], [b])
    assert opened(answers(setting)[0], Answer).edge == "2026-03-02T14:00:00Z"
    assert setting.bo.view(setting.room).next_answer == "2026-03-03T14:00:00Z"


def test_unsafe_every_push_answers_every_pair(escrow: Escrow, room_with: Callable[..., Setting]) -> None:
    setting = room_with(answer_interval="unsafe_every_push")
    a1, b1 = setting.push_both()
    setting.evaluate_both([a1], [b1])
    a2 = setting.ana.push(
        setting.terms, setting.ana.rows(setting.terms, companies(range(30, 40), split=2)), setting.bo, previous=a1
    )
    assert len(answers(setting)) == 1
    escrow.clock.step(seconds=7)
    setting.evaluate_both([a1, a2], [b1])
    assert [total(answer) for answer in answers(setting)] == [20, 30]
    assert opened(answers(setting)[1], Answer).edge == "2026-03-01T09:00:07Z"
    assert setting.ana.view(setting.room).next_answer is None


def test_cells_below_the_floor_are_withheld(room_with: Callable[..., Setting]) -> None:
    setting = room_with(counting={"mode": "exact", "floor": 6, "caps": "unsafe_none"})
    a, b = setting.push_both()
    setting.evaluate_both([a], [b])
    cells = opened(answers(setting)[0], Answer).cells
    # Of customers and customers there are three; of prospects of both, seven.
    assert not isinstance(cells[0][0], ShownCell)
    assert cells[1][1] == ShownCell(companies=7)


def test_no_new_answer_after_the_terms_expired(escrow: Escrow, room_with: Callable[..., Setting]) -> None:
    setting = room_with(expires="2026-03-02T08:00:00Z")
    a1, b1 = setting.push_both()
    setting.evaluate_both([a1], [b1])
    a2 = setting.ana.push(
        setting.terms, setting.ana.rows(setting.terms, companies(range(30, 40), split=2)), setting.bo, previous=a1
    )
    setting.evaluate_both([a1, a2], [b1])
    assert setting.ana.view(setting.room).next_answer is None
    escrow.clock.step(days=3)
    assert len(answers(setting)) == 1


@pytest.mark.parametrize("limit", [1, 2])
def test_answers_come_in_pages(escrow: Escrow, room_with: Callable[..., Setting], limit: int) -> None:
    setting = room_with(answer_interval=60)
    a, (first, b) = [], setting.push_both()
    a.append(first)
    for i in range(3):
        setting.evaluate_both(a, [b])
        escrow.clock.step(seconds=60)
        rows = setting.ana.rows(setting.terms, companies(range(100 + 10 * i, 104 + 10 * i), split=2))
        a.append(setting.ana.push(setting.terms, rows, setting.bo, previous=a[-1]))
    numbers, after = [], 0
    while after is not None:
        page = setting.bo.get(f"/v1/rooms/{setting.room}/answers?after={after}&limit={limit}").json()
        assert len(page["answers"]) <= limit
        numbers += [Answer.model_validate_json(entry["document"]).number for entry in page["answers"]]
        after = page["next"]
    assert numbers == [1, 2, 3]
