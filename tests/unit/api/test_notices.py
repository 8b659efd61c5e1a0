"""Words between members at the escrow: signed, sealed, in order, to nobody else."""

from typing import Any

import pytest
from conftest import Escrow, Setting
from noticing import notice, put_notice, sealed_words
from partner import code_of, digest_in
from sqlalchemy import func, select

from cleanroom.messages.api import NoticeBody
from cleanroom.messages.notices import MOST_STEPS, SEALED_OVERHEAD, STEP
from escrow.consent_tables import NoticeRecord


def test_a_notice_is_shown_to_both_with_its_sealed_words(setting: Setting) -> None:
    words = sealed_words(setting)
    document = notice(setting, setting.ana, words)
    assert digest_in(put_notice(setting.ana, document, words)) == document.digest()
    assert digest_in(put_notice(setting.ana, document, words)) == document.digest()
    for partner in (setting.ana, setting.bo):
        (body,) = partner.view(setting.room).notices
        assert (body.notice.digest(), body.words) == (document.digest(), words.hex())


def test_notices_come_in_order_and_none_takes_anothers_place(setting: Setting) -> None:
    words, other = sealed_words(setting), sealed_words(setting, "another reason")
    digest_in(put_notice(setting.ana, notice(setting, setting.ana, words), words))
    assert code_of(put_notice(setting.ana, notice(setting, setting.ana, other), other)) == (409, "conflict")
    third = notice(setting, setting.ana, other, number=3)
    assert code_of(put_notice(setting.ana, third, other, number=3)) == (409, "out_of_order")
    digest_in(put_notice(setting.bo, notice(setting, setting.bo, other), other))
    second = notice(setting, setting.ana, other, number=2, kind="resolution")
    digest_in(put_notice(setting.ana, second, other, number=2))


@pytest.mark.parametrize(
    "changes",
    [{"number": 2}, {"room": "c3" * 16}, {"created": "2027-01-01T00:00:00Z"}, {"sealed": "d4" * 32}],
)
def test_a_notice_that_does_not_fit_is_refused(setting: Setting, changes: dict[str, Any]) -> None:
    words = sealed_words(setting)
    body = NoticeBody(notice=setting.ana.sign(notice(setting, setting.ana, words, **changes)), words=words.hex())
    answer = setting.ana.put(f"/v1/rooms/{setting.room}/notices/{setting.ana.id}/1", body)
    assert code_of(answer) == (422, "notice_refused")


@pytest.mark.parametrize("size", [1, STEP, SEALED_OVERHEAD, SEALED_OVERHEAD + STEP + 1])
def test_words_that_are_not_padded_are_refused(setting: Setting, size: int) -> None:
    words = b"x" * size
    assert code_of(put_notice(setting.ana, notice(setting, setting.ana, words), words)) == (422, "notice_refused")


def test_the_longest_words_fit_into_a_request(setting: Setting) -> None:
    words = b"x" * (SEALED_OVERHEAD + MOST_STEPS * STEP)
    digest_in(put_notice(setting.ana, notice(setting, setting.ana, words), words))


def test_only_the_sender_writes_and_only_members_read(escrow: Escrow, setting: Setting) -> None:
    words = sealed_words(setting)
    document = notice(setting, setting.ana, words)
    forged = setting.bo.sign(document)
    ours = NoticeBody(notice=forged, words=words.hex())
    path = f"/v1/rooms/{setting.room}/notices/{setting.ana.id}/1"
    assert code_of(setting.ana.put(path, ours)) == (422, "document_refused")
    body = NoticeBody(notice=setting.ana.sign(document), words=words.hex())
    assert code_of(setting.bo.put(path, body)) == (404, "not_found")
    assert code_of(escrow.partner("Cy").put(path, body)) == (404, "not_found")


def test_the_escrow_keeps_no_words_that_it_could_read(escrow: Escrow, setting: Setting) -> None:
    words = sealed_words(setting, "kanarienvogel")
    digest_in(put_notice(setting.ana, notice(setting, setting.ana, words), words))
    record = escrow.desk.read(lambda session: session.scalars(select(NoticeRecord)).one())
    assert b"kanarienvogel" not in record.words
    assert "kanarienvogel" not in record.signed


def test_leaving_deletes_notices(escrow: Escrow, setting: Setting) -> None:
    words = sealed_words(setting)
    digest_in(put_notice(setting.ana, notice(setting, setting.ana, words), words))
    digest_in(setting.bo.withdraw(setting.terms.room, "left"))
    assert escrow.desk.read(lambda session: session.scalar(select(func.count()).select_from(NoticeRecord))) == 0
