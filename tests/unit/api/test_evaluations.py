from typing import Any

import numpy as np
import pytest
from conftest import Escrow, Setting
from partner import code_of, companies, digest_in
from sqlalchemy import func, select

from cleanroom.messages.batches import encode
from cleanroom.messages.lists import EvaluatedBatch, Evaluation, Snapshot
from escrow.tables import EvaluatedChunk
from matching.rows import REMOVE, Rows, concatenated


@pytest.fixture
def pair(setting: Setting) -> tuple[Snapshot, Snapshot]:
    return setting.push_both()


def by_bo(setting: Setting, pair: tuple[Snapshot, Snapshot], rows: Rows | None = None) -> Rows:
    """Sign both sides' roots, Bo's over these rows."""
    a, b = pair
    rows = rows if rows is not None else setting.bo.evaluated(setting.terms, setting.ana, a)
    by_ana = setting.ana.evaluated(setting.terms, setting.bo, b)
    digest_in(setting.bo.put_evaluation(setting.bo.evaluation(setting.terms, setting.ana, a, b, [rows])))
    digest_in(setting.ana.put_evaluation(setting.ana.evaluation(setting.terms, setting.bo, b, a, [by_ana])))
    return rows


def with_column(rows: Rows, **columns: np.ndarray) -> Rows:
    fields = {name: getattr(rows, name).copy() for name in ("name", "op", "segment", "kind", "value")}
    return Rows(**{**fields, **columns})


def chunks_held(escrow: Escrow) -> int:
    return escrow.desk.read(lambda session: session.scalar(select(func.count()).select_from(EvaluatedChunk)) or 0)


def test_rows_come_after_both_sides_roots_for_the_same_pair(setting: Setting, pair: tuple[Snapshot, Snapshot]) -> None:
    (a, b), bo, ana = pair, setting.bo, setting.ana
    rows = bo.evaluated(setting.terms, ana, a)
    refused = (409, "root_of_other_side_missing")
    assert code_of(bo.put_tags(setting.room, 1, 0, encode(rows))) == refused
    digest_in(bo.put_evaluation(bo.evaluation(setting.terms, ana, a, b, [rows])))
    assert code_of(bo.put_tags(setting.room, 1, 0, encode(rows))) == refused
    # Ana pushes more; her root for Bo's list is then for another pair.
    a2 = ana.push(setting.terms, ana.rows(setting.terms, companies(range(50, 54), split=2)), bo, previous=a)
    other = ana.evaluated(setting.terms, bo, b)
    digest_in(ana.put_evaluation(ana.evaluation(setting.terms, bo, b, a2, [other])))
    assert code_of(bo.put_tags(setting.room, 1, 0, encode(rows))) == refused
    digest_in(ana.put_evaluation(ana.evaluation(setting.terms, bo, b, a, [other])))
    digest_in(bo.put_tags(setting.room, 1, 0, encode(rows)))
    assert code_of(bo.put_tags(setting.room, 2, 0, encode(rows))) == refused


@pytest.mark.parametrize(
    "changes",
    [
        {"terms": "0" * 64},
        {"key": "0" * 64},
        {"owner": "0" * 32},
        {"created": "2026-03-01T10:00:00Z"},
        {"of": "0" * 64},
        {"against": "0" * 64},
        {"batches": (EvaluatedBatch(number=1, rows=29, root="0" * 64),)},
        {"batches": (EvaluatedBatch(number=2, rows=30, root="0" * 64),)},
        {"batches": tuple(EvaluatedBatch(number=i, rows=30, root="0" * 64) for i in (1, 2))},
    ],
)
def test_evaluations_that_do_not_speak_of_what_is_here(
    setting: Setting, pair: tuple[Snapshot, Snapshot], changes: dict[str, Any]
) -> None:
    a, b = pair
    rows = setting.bo.evaluated(setting.terms, setting.ana, a)
    document = setting.bo.evaluation(setting.terms, setting.ana, a, b, [rows], **changes)
    assert code_of(setting.bo.put_evaluation(document)) == (422, "evaluation_refused")


def test_an_evaluation_is_for_its_address_and_signed_by_its_evaluator(
    setting: Setting, pair: tuple[Snapshot, Snapshot]
) -> None:
    a, b = pair
    rows = setting.bo.evaluated(setting.terms, setting.ana, a)
    document = setting.bo.evaluation(setting.terms, setting.ana, a, b, [rows])
    base = setting.bo.evaluation_path(setting.room)
    swapped = f"{base}/{document.against}/{document.of}"
    assert code_of(setting.bo.put(swapped, setting.bo.sign(document))) == (422, "evaluation_refused")
    forged = setting.bo.put(f"{base}/{document.of}/{document.against}", setting.ana.sign(document))
    assert code_of(forged) == (422, "document_refused")


def test_a_root_that_was_signed_stays(setting: Setting, pair: tuple[Snapshot, Snapshot]) -> None:
    (a, b), bo, ana = pair, setting.bo, setting.ana
    rows = by_bo(setting, pair)
    good = bo.evaluation(setting.terms, ana, a, b, [rows])
    other_root = EvaluatedBatch(number=1, rows=len(rows), root="0" * 64)
    again = Evaluation.model_validate({**dict(good), "batches": (other_root,)})
    assert code_of(bo.put_evaluation(again)) == (409, "conflict")
    b2 = bo.push(setting.terms, bo.rows(setting.terms, companies(range(60, 64), split=2)), ana, previous=b)
    other_pair = Evaluation.model_validate({**dict(again), "against": b2.digest()})
    assert code_of(bo.put_evaluation(other_pair)) == (409, "another_root")


def test_chunks_are_arrow_of_exactly_these_rows(setting: Setting, pair: tuple[Snapshot, Snapshot]) -> None:
    bo, room, rows = setting.bo, setting.room, by_bo(setting, pair)
    refused = (422, "batch_refused")
    assert code_of(bo.put_tags(room, 1, 0, b"")) == refused
    assert code_of(bo.put_tags(room, 1, 0, b"not arrow")) == refused
    assert code_of(bo.put_tags(room, 1, 0, encode(rows) + b"x")) == refused
    assert code_of(bo.put_tags(room, 1, 0, encode(rows.take(slice(0, 29))))) == refused
    assert code_of(bo.put_tags(room, 1, 1, encode(rows))) == refused
    assert code_of(bo.put_tags(room, 1, 0, encode(with_column(rows, segment=np.full(30, 2, np.uint8))))) == refused
    assert code_of(bo.put_tags(room, 1, 0, encode(with_column(rows, kind=np.full(30, 2, np.uint8))))) == refused
    assert code_of(bo.put_tags(room, 1, 0, encode(setting.rows_of_ana()))) == refused  # tokens, not tags
    unsorted = rows.take(np.arange(30)[::-1])
    assert code_of(bo.put_tags(room, 1, 0, encode(unsorted))) == (422, "rows_refused")
    digest_in(bo.put_tags(room, 1, 0, encode(rows)))
    digest_in(bo.put_tags(room, 1, 0, encode(rows)))
    other = with_column(rows, value=np.ones((30, 16), np.uint8))
    assert code_of(bo.put_tags(room, 1, 0, encode(other))) == (409, "conflict")


def test_a_batch_is_complete_when_all_its_chunks_are_here(setting: Setting, pair: tuple[Snapshot, Snapshot]) -> None:
    rows = by_bo(setting, pair)
    assert code_of(setting.bo.complete(setting.room, 1)) == (409, "chunks_missing")
    assert code_of(setting.bo.complete(setting.room, 2)) == (404, "not_found")
    digest_in(setting.bo.upload(setting.room, 1, rows))
    progress = next(p for p in setting.ana.view(setting.room).progress if p.evaluator == setting.bo.id)
    assert (progress.number, progress.chunks, progress.complete) == (1, (0,), True)


def test_rows_other_than_signed_are_dropped(escrow: Escrow, setting: Setting, pair: tuple[Snapshot, Snapshot]) -> None:
    rows = by_bo(setting, pair)
    other = with_column(rows, value=rows.value[::-1].copy())
    assert code_of(setting.bo.upload(setting.room, 1, other)) == (422, "root_differs")
    assert chunks_held(escrow) == 0
    digest_in(setting.bo.upload(setting.room, 1, rows))


def test_repeated_tags_are_refused(escrow: Escrow, setting: Setting, pair: tuple[Snapshot, Snapshot]) -> None:
    good = setting.bo.evaluated(setting.terms, setting.ana, pair[0])
    value = good.value.copy()
    value[1] = value[0]
    rows = by_bo(setting, pair, with_column(good, value=value))
    assert code_of(setting.bo.upload(setting.room, 1, rows)) == (422, "repeated_tags")
    assert chunks_held(escrow) == 0
    assert not any(progress.complete for progress in setting.ana.view(setting.room).progress)


def test_a_histogram_that_differs_from_the_snapshots_is_refused(
    escrow: Escrow, setting: Setting, pair: tuple[Snapshot, Snapshot]
) -> None:
    good = setting.bo.evaluated(setting.terms, setting.ana, pair[0])
    segment = good.segment.copy()
    segment[0] = 1 - segment[0]
    rows = by_bo(setting, pair, with_column(good, segment=segment))
    assert code_of(setting.bo.upload(setting.room, 1, rows)) == (422, "histogram_differs")
    assert chunks_held(escrow) == 0


def test_an_entry_of_two_segments_and_a_removal_of_nothing_are_refused(
    setting: Setting, pair: tuple[Snapshot, Snapshot]
) -> None:
    good = setting.bo.evaluated(setting.terms, setting.ana, pair[0])
    op, segment, kind, value = (good.op.copy(), good.segment.copy(), good.kind.copy(), good.value.copy())
    op[0], segment[0], kind[0], value[0] = REMOVE, 255, 255, 0
    rows = by_bo(setting, pair, with_column(good, op=op, segment=segment, kind=kind, value=value))
    assert code_of(setting.bo.upload(setting.room, 1, rows)) == (422, "rows_refused")


def test_batches_come_in_order(setting: Setting, pair: tuple[Snapshot, Snapshot]) -> None:
    (a, b), ana, bo, terms = pair, setting.ana, setting.bo, setting.terms
    change = concatenated([ana.gone(["c0", "c2"]), ana.rows(terms, companies(range(50, 54), split=2))])
    a2 = ana.push(terms, change, bo, previous=a)
    batches, _ = setting.sign_both([a, a2], [b])
    assert code_of(bo.upload(setting.room, 2, batches[1])) == (409, "out_of_order")
    digest_in(bo.upload(setting.room, 1, batches[0]))
    digest_in(bo.complete(setting.room, 2))
    view = ana.view(setting.room)
    assert [(p.evaluator, p.number) for p in view.progress if p.complete] == [(bo.id, 1), (bo.id, 2)]


def test_the_view_shows_the_newest_evaluations_and_the_newest_whole_pair(
    setting: Setting, pair: tuple[Snapshot, Snapshot]
) -> None:
    (a, b), ana, bo, terms = pair, setting.ana, setting.bo, setting.terms
    by_bo_of_a, _ = setting.sign_both([a], [b])
    assert len(ana.view(setting.room).evaluations) == 2
    a2 = ana.push(terms, ana.rows(terms, companies(range(50, 54), split=2)), bo, previous=a)
    by_bo_of_a.append(bo.evaluated(terms, ana, a2))
    digest_in(bo.put_evaluation(bo.evaluation(terms, ana, a2, b, by_bo_of_a)))
    shown = [Evaluation.model_validate_json(signed.document) for signed in ana.view(setting.room).evaluations]
    assert {(e.evaluator, e.of, e.against) for e in shown} == {
        (bo.id, a.digest(), b.digest()),
        (ana.id, b.digest(), a.digest()),
        (bo.id, a2.digest(), b.digest()),
    }
