"""Two partners from enrolment to the same answer, on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Escrow, open_room
from partner import Companies, Partner, companies, digest_in, opened

from cleanroom.messages.api import AnswerPage
from cleanroom.messages.lists import Answer, ShownCell
from cleanroom.messages.rooms import EpochKey
from cleanroom.messages.signing import check_signature
from matching.rows import concatenated


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), tmp_path / "escrow.db")
        return f"sqlite:///{tmp_path / 'escrow.db'}"
    fresh: Callable[[], str] = request.getfixturevalue("postgresql")
    return fresh()


def expected(first: Companies, second: Companies) -> list[list[int]]:
    cells = [[0, 0], [0, 0]]
    for name in first.keys() & second.keys():
        cells[first[name][0]][second[name][0]] += 1
    return cells


def shown(answer: Answer) -> list[list[int]]:
    return [[cell.companies if isinstance(cell, ShownCell) else -1 for cell in row] for row in answer.cells]


def test_both_partners_see_the_right_matrix_and_a_delta_moves_it(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    setting = open_room(ana, bo)
    terms, room = setting.terms, setting.room
    a1, b1 = setting.push_both()
    setting.evaluate_both([a1], [b1])

    signed = ana.view(room).answer
    assert signed is not None
    answer, theirs = opened(signed, Answer), bo.view(room).answer
    assert theirs is not None
    assert opened(theirs, Answer) == answer.model_copy(update={"recipient": bo.id})
    assert shown(answer) == expected(setting.ana_list, setting.bo_list)
    assert [status.partner for status in answer.lists] == [ana.id, bo.id]
    assert [status.size for status in answer.lists] == ["20 to 50", "20 to 50"]
    check_signature(answer.type, signed.document, signed.signatures[0], escrow.desk.key.public)

    escrow.clock.step(hours=1)
    more = companies(range(30, 36), split=2)
    rows = concatenated([ana.gone(["c10", "c11", "c12", "c13"]), ana.rows(terms, more)])
    a2 = ana.push(terms, rows, bo, previous=a1)
    setting.evaluate_both([a1, a2], [b1])
    assert ana.view(room).answer == signed

    escrow.clock.step(days=1)
    later = opened(ana.view(room).answer, Answer)
    after = {name: company for name, company in setting.ana_list.items() if name not in {"c10", "c11", "c12", "c13"}}
    assert shown(later) == expected(after | more, setting.bo_list)
    page = AnswerPage.model_validate_json(bo.get(f"/v1/rooms/{room}/answers").content)
    assert [opened(entry, Answer).number for entry in page.answers] == [1, 2]
    assert page.answers[0] == theirs


def test_an_identifier_vetoes_a_weaker_match_and_another_makes_one(ana: Partner, bo: Partner) -> None:
    setting = open_room(ana, bo)
    for i in range(10, 15):  # same domain, other LEI
        setting.ana_list[f"c{i}"][1]["lei"] = f"ANA{i}"
        setting.bo_list[f"c{i}"][1]["lei"] = f"BO{i}"
    for i in range(5):  # other domain, same LEI
        setting.ana_list[f"c{i}"][1]["lei"] = setting.bo_list[f"c{i + 30}"][1]["lei"] = f"BOTH{i}"
    a, b = setting.push_both()
    setting.evaluate_both([a], [b])
    assert sum(map(sum, shown(opened(ana.view(setting.room).answer, Answer)))) == 20 - 5 + 5


def test_every_write_may_be_repeated(ana: Partner, bo: Partner) -> None:
    setting = open_room(ana, bo)
    a, b = setting.push_both()
    by_bo, _ = setting.sign_both([a], [b])
    digest_in(bo.upload(setting.room, 1, by_bo[0]))
    before = ana.get("/v1/changes?after=0").json()

    repeats = [
        lambda: ana.propose(setting.terms),
        lambda: bo.accept(setting.terms),
        lambda: ana.publish(ana.epoch_key(setting.terms, proof=_proof(ana, setting.room))),
        lambda: ana.commit(a),
        lambda: bo.upload(setting.room, 1, by_bo[0]),
        lambda: bo.put_evaluation(bo.evaluation(setting.terms, ana, a, b, by_bo)),
    ]
    answers = [digest_in(repeat()) for repeat in repeats]
    assert answers == [digest_in(repeat()) for repeat in repeats]
    assert ana.get("/v1/changes?after=0").json() == before


def _proof(partner: Partner, room: str) -> str:
    """The proof that the escrow holds: proofs are randomised, so the same document needs the same proof."""
    held = [opened(signed, EpochKey) for signed in partner.view(room).keys]
    proof: str = next(key.proof for key in held if key.partner == partner.id)
    return proof
