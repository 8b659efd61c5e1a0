from collections.abc import Callable
from typing import Any

import pytest
from conftest import Escrow, Setting
from partner import code_of, companies, digest_in
from sqlalchemy import func, select

from cleanroom.messages.api import ChunkList
from cleanroom.messages.documents import instant
from cleanroom.messages.lists import ShapeCount, Snapshot
from escrow.tables import EvaluationRecord, SealedChunk, SnapshotRecord
from matching.rows import concatenated


def ready(setting: Setting) -> tuple[list[bytes], Snapshot]:
    """Ana's list, uploaded, and the document that would commit it."""
    rows = setting.rows_of_ana()
    sealed = setting.ana.seal_rows(rows, setting.bo)
    setting.ana.put_sealed(setting.room, 1, sealed)
    return sealed, setting.ana.snapshot(setting.terms, rows, sealed)


def changed(document: Snapshot, **changes: Any) -> Snapshot:  # noqa: ANN401 - any field
    return Snapshot.model_validate({**dict(document), **changes})


def shape(segment: int, keys: tuple[int, ...], entries: int) -> ShapeCount:
    return ShapeCount(segment=segment, keys=keys, entries=entries)


def test_chunks_are_listed_for_their_owner_and_hidden_until_committed(setting: Setting) -> None:
    ana, bo = setting.ana, setting.bo
    sealed, document = ready(setting)
    path = f"{ana.snapshot_path(setting.room, 1)}/chunks"
    assert ChunkList.model_validate_json(ana.get(path).content).held == document.chunks
    assert code_of(bo.get(f"{path}/0")) == (404, "not_found")
    digest_in(ana.commit(document))
    answer = bo.get(f"{path}/0")
    assert answer.content == sealed[0]
    assert code_of(bo.get(f"{path}/1")) == (404, "not_found")


def test_another_chunk_or_snapshot_at_the_same_address_is_a_conflict(setting: Setting) -> None:
    sealed, document = ready(setting)
    path = f"{setting.ana.snapshot_path(setting.room, 1)}/chunks/0"
    setting.ana.put_sealed(setting.room, 1, sealed)
    answer = setting.ana.call("PUT", path, sealed[0] + b"x", media="application/octet-stream")
    assert code_of(answer) == (409, "conflict")
    digest_in(setting.ana.commit(document))
    digest_in(setting.ana.commit(document))
    assert code_of(setting.ana.commit(changed(document, root="0" * 64))) == (409, "conflict")


def test_chunks_are_for_the_next_snapshot_of_the_current_epoch(setting: Setting) -> None:
    def put(number: int, epoch: int, data: bytes = b"x") -> tuple[int, str]:
        path = f"{setting.ana.snapshot_path(setting.room, number, epoch)}/chunks/0"
        return code_of(setting.ana.call("PUT", path, data, media="application/octet-stream"))

    assert put(2, 0) == (409, "out_of_order")
    assert put(1, 1) == (409, "epoch_not_current")
    assert put(1, 0, b"") == (422, "snapshot_refused")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"terms": "0" * 64}, (422, "snapshot_refused")),
        ({"key": "0" * 64}, (422, "snapshot_refused")),
        ({"owner": "0" * 32}, (422, "snapshot_refused")),
        ({"created": "2026-03-01T10:00:00Z"}, (422, "snapshot_refused")),
        ({"chunks": ()}, (409, "chunks_missing")),
        ({"chunks": ("0" * 64,)}, (409, "chunks_missing")),
        ({"shapes": (shape(0, (0, 1), 15), shape(1, (0, 1), 14))}, (422, "snapshot_refused")),
        ({"shapes": (shape(1, (0, 1), 15), shape(0, (0, 1), 15))}, (422, "snapshot_refused")),
        ({"shapes": (shape(0, (0, 1), 15), shape(0, (0, 1), 15))}, (422, "snapshot_refused")),
        ({"shapes": (shape(0, (0, 1), 15), shape(2, (0, 1), 15))}, (422, "snapshot_refused")),
        ({"shapes": (shape(0, (1,), 15), shape(1, (1,), 15))}, (422, "snapshot_refused")),
        ({"shapes": (shape(0, (0, 0), 15), shape(1, (0, 1), 30))}, (422, "snapshot_refused")),
        ({"shapes": (shape(0, (0, 1), 29), shape(1, (0, 1), 1))}, (422, "shape_too_rare")),
        ({"rows": 1001, "shapes": (shape(0, (0, 1), 1001),)}, (422, "quota_exceeded")),
    ],
)
def test_snapshots_that_break_a_rule(
    escrow: Escrow, setting: Setting, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    _, document = ready(setting)
    path = setting.ana.snapshot_path(setting.room, 1)
    answer = setting.ana.put(path, setting.ana.sign(changed(document, **changes)))
    assert code_of(answer) == refusal
    assert escrow.desk.read(lambda session: session.scalar(select(func.count()).select_from(SnapshotRecord))) == 0
    digest_in(setting.ana.commit(document))


def test_a_missing_or_superfluous_chunk_is_noticed(setting: Setting) -> None:
    sealed, document = ready(setting)
    setting.ana.call(
        "PUT", f"{setting.ana.snapshot_path(setting.room, 1)}/chunks/1", b"more", media="application/octet-stream"
    )
    assert code_of(setting.ana.commit(document)) == (409, "chunks_missing")
    rows = setting.bo.rows(setting.terms, setting.bo_list)
    assert code_of(setting.bo.commit(setting.bo.snapshot(setting.terms, rows, sealed))) == (409, "chunks_missing")


def test_snapshots_form_a_chain(setting: Setting) -> None:
    ana, terms = setting.ana, setting.terms
    first = ana.push(terms, setting.rows_of_ana(), setting.bo)
    more = ana.rows(terms, companies(range(50, 54), split=2))
    sealed = ana.seal_rows(more, setting.bo)
    ana.put_sealed(setting.room, 2, sealed)
    good = ana.snapshot(terms, more, sealed, previous=first)
    for bad in ({"previous": "0" * 64}, {"number": 3}):
        document = changed(good, **bad)
        answer = ana.put(ana.snapshot_path(setting.room, document.number), ana.sign(document))
        assert code_of(answer) == (409, "out_of_order")
    digest_in(ana.commit(good))


def test_a_snapshot_signed_by_another_is_refused(setting: Setting) -> None:
    _, document = ready(setting)
    answer = setting.ana.put(setting.ana.snapshot_path(setting.room, 1), setting.bo.sign(document))
    assert code_of(answer) == (422, "document_refused")


def test_without_an_epoch_key_there_is_no_snapshot(escrow: Escrow, setting: Setting) -> None:
    escrow.clock.step(days=30)
    setting.ana.epoch_key(setting.terms, 1)
    rows = setting.ana.rows(setting.terms, setting.ana_list, 1)
    sealed = setting.ana.seal_rows(rows, setting.bo)
    setting.ana.put_sealed(setting.room, 1, sealed, 1)
    document = setting.ana.snapshot(setting.terms, rows, sealed, epoch=1)
    assert code_of(setting.ana.commit(document)) == (422, "snapshot_refused")
    assert document.created == instant(escrow.clock())


def test_an_empty_list_and_an_empty_change_are_snapshots(setting: Setting) -> None:
    ana, terms = setting.ana, setting.terms
    names = list(setting.ana_list)
    first = ana.push(terms, setting.rows_of_ana(), setting.bo)
    second = ana.push(terms, concatenated([ana.gone(names)]), setting.bo, previous=first)
    assert second.shapes == ()
    empty = setting.bo.push(terms, setting.bo.rows(terms, {}), ana)
    assert (empty.rows, empty.chunks) == (0, ())


def test_a_new_epoch_forgets_the_old_one(escrow: Escrow, setting: Setting) -> None:
    ana, bo, terms, room = setting.ana, setting.bo, setting.terms, setting.room
    a, b = setting.push_both()
    setting.evaluate_both([a], [b])
    answer = ana.view(room).answer
    escrow.clock.step(days=30)
    assert ana.view(room).snapshots == ()
    for partner in (ana, bo):
        digest_in(partner.publish(partner.epoch_key(terms, 1)))

    def held(table: Any, epoch: int, **owner: str) -> int:  # noqa: ANN401 - any table
        query = select(func.count()).select_from(table).where(table.epoch == epoch)
        for column, value in owner.items():
            query = query.where(getattr(table, column) == value)
        return escrow.desk.read(lambda session: session.scalar(query) or 0)

    a2 = ana.push(terms, ana.rows(terms, setting.ana_list, 1), bo, epoch=1)
    assert (held(SealedChunk, 0, owner=ana.id), held(SealedChunk, 0, owner=bo.id)) == (0, 1)
    assert (held(EvaluationRecord, 0, evaluator=ana.id), held(EvaluationRecord, 0, evaluator=bo.id)) == (0, 1)
    assert held(SnapshotRecord, 0) == 2
    b2 = bo.push(terms, bo.rows(terms, setting.bo_list, 1), ana, epoch=1)
    assert [held(table, 0) for table in (SealedChunk, EvaluationRecord, SnapshotRecord)] == [0, 0, 0]
    assert ana.view(room).answer == answer
    setting.evaluate_both([a2], [b2])
    escrow.clock.step(days=1)
    assert ana.view(room).answer != answer


def test_an_answer_that_is_due_is_given_before_its_epoch_is_forgotten(escrow: Escrow, setting: Setting) -> None:
    ana, bo, terms = setting.ana, setting.bo, setting.terms
    a1, b1 = setting.push_both()
    setting.evaluate_both([a1], [b1])
    escrow.clock.step(hours=1)
    a2 = ana.push(terms, ana.rows(terms, companies(range(50, 54), split=2)), bo, previous=a1)
    setting.evaluate_both([a1, a2], [b1])
    escrow.clock.step(days=30)
    digest_in(ana.publish(ana.epoch_key(terms, 1)))
    ana.push(terms, ana.rows(terms, setting.ana_list, 1), bo, epoch=1)
    numbers = [entry["document"] for entry in ana.get(f"/v1/rooms/{setting.room}/answers").json()["answers"]]
    assert len(numbers) == 2


def test_the_quota_counts_entries(room_with: Callable[..., Setting]) -> None:
    other = room_with(quota=29, declared=(29, 29))
    rows = other.ana.rows(other.terms, other.ana_list)
    sealed = other.ana.seal_rows(rows, other.bo)
    other.ana.put_sealed(other.room, 1, sealed)
    document = other.ana.snapshot(other.terms, rows, sealed)
    assert code_of(other.ana.commit(document)) == (422, "quota_exceeded")
