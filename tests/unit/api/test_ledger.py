"""P10 over HTTP: logs as tiles and checkpoints, and what members have cosigned of them."""

import hashlib
from typing import Any

import pytest
from conftest import Escrow, Setting
from httpx2 import Response
from partner import Partner, code_of, digest_in
from reading_logs import checkpoint, cosigned, entries, log_path
from sqlalchemy import delete

from cleanroom.messages.api import LogView
from cleanroom.messages.entries import leaf
from cleanroom.messages.notes import (
    MOST_SIGNATURES,
    Checkpoint,
    Note,
    cosign,
    escrow_key,
    open_checkpoint,
    operator_origin,
    partner_key,
    read_checkpoint,
    read_note,
    room_origin,
    sign_checkpoint,
)
from escrow.ledger_tables import LogEntry, LogRecord, LogTile
from matching import merkle
from matching.tiles import Tree, tile_name


@pytest.fixture(params=["room", "operator"])
def log(request: pytest.FixtureRequest, setting: Setting) -> str | None:
    """The room whose log it is; None for the operator's."""
    return setting.room if request.param == "room" else None


def put(partner: Partner, room: str | None, note: Note | str, *, at: Partner | None = None) -> Response:
    path = f"{log_path(room)}/cosignatures/{(at or partner).id}"
    return partner.call("PUT", path, str(note).encode(), media="text/plain")


def origin(escrow: Escrow, room: Any) -> str:  # noqa: ANN401 - a room's id, or None
    key = escrow.desk.key.public
    return room_origin(key, room) if room else operator_origin(key)


def test_a_log_is_read_from_its_checkpoint_down_to_its_entries(
    escrow: Escrow, setting: Setting, log: str | None
) -> None:
    note = checkpoint(setting.ana, log)
    said, at = open_checkpoint(note, origin(escrow, log), escrow.desk.key.public)
    assert at == escrow.clock()
    leaves = [leaf(entry) for entry in entries(escrow, log)]
    assert said.size == len(leaves) > 2

    def read(level: int, number: int, width: int) -> bytes:
        return setting.bo.get(f"{log_path(log)}/tile/{level}/{tile_name(number, width)}").content

    assert Tree(said.size, read).root() == said.root == merkle.head(b"".join(map(merkle.leaf_hash, leaves)))
    bundle = setting.bo.get(f"{log_path(log)}/tile/entries/{tile_name(0, said.size)}")
    assert bundle.content == b"".join(len(data).to_bytes(2, "big") + data for data in leaves)


def test_what_never_changes_may_be_kept_and_a_checkpoint_may_not(setting: Setting, log: str | None) -> None:
    for name in ("0/000.p/1", "entries/000.p/1"):
        answer = setting.ana.get(f"{log_path(log)}/tile/{name}")
        assert answer.headers["cache-control"] == "private, immutable, max-age=31536000"
    answer = setting.ana.get(f"{log_path(log)}/checkpoint")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (
        "text/plain; charset=utf-8",
        "no-cache",
    )


@pytest.mark.parametrize("name", ["0/000", "0/000.p/200", "1/000.p/1", "entries/000", "entries/x", "0/x001/000.p/1"])
def test_tiles_that_are_not_there_are_not_found(setting: Setting, log: str | None, name: str) -> None:
    assert code_of(setting.ana.get(f"{log_path(log)}/tile/{name}")) == (404, "not_found")


def test_a_rooms_log_is_for_its_members_only(escrow: Escrow, setting: Setting) -> None:
    cy, note = escrow.partner("Cy"), cosigned(checkpoint(setting.ana, setting.room), setting.ana)
    digest_in(put(setting.ana, setting.room, note))
    for path in ("", "/checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/1", f"/cosignatures/{setting.ana.id}"):
        assert setting.bo.get(f"{log_path(setting.room)}{path}").status_code == 200
        assert code_of(cy.get(f"{log_path(setting.room)}{path}")) == (404, "not_found")
    assert code_of(put(cy, setting.room, cosigned(note, cy))) == (404, "not_found")
    assert checkpoint(cy, None)


def test_a_cosignature_is_kept_shown_and_attached(setting: Setting, log: str | None) -> None:
    ana, bo = setting.ana, setting.bo
    path = f"{log_path(log)}/cosignatures/{ana.id}"
    assert code_of(bo.get(path)) == (404, "not_found")
    note = cosigned(checkpoint(ana, log), ana)
    for _ in range(2):
        assert digest_in(put(ana, log, note)) == hashlib.sha256(str(note).encode()).hexdigest()
    assert bo.get(path).content.decode() == str(note)
    digest_in(put(bo, log, cosigned(checkpoint(bo, log), bo)))
    shown = checkpoint(ana, log)
    assert [item.name for item in shown.signatures[2:]] == sorted(f"cleanroom/1/partners/{p.id}" for p in (ana, bo))


def test_a_look_shows_the_checkpoint_a_bundle_and_what_the_other_member_has_cosigned(
    escrow: Escrow, setting: Setting
) -> None:
    def look(partner: Partner, bundle: int = 0) -> LogView:
        return LogView.model_validate_json(partner.get(f"{log_path(setting.room)}?bundle={bundle}").content)

    assert look(setting.bo).cosigned is None
    note = cosigned(checkpoint(setting.ana, setting.room), setting.ana)
    digest_in(put(setting.ana, setting.room, note))
    escrow.clock.step(seconds=1)
    digest_in(setting.ana.withdraw(setting.terms.room, "left"))
    shown = look(setting.bo)
    leaves = [leaf(entry) for entry in entries(escrow, setting.room)]
    said, at = open_checkpoint(read_note(shown.checkpoint), origin(escrow, setting.room), escrow.desk.key.public)
    assert (said.size, said.root) == (len(leaves), merkle.head(b"".join(map(merkle.leaf_hash, leaves))))
    assert at == escrow.clock()
    assert [text.encode() for text in shown.leaves] == leaves
    assert shown.cosigned == str(note)
    assert look(setting.ana).cosigned is None
    assert look(setting.bo, 1).leaves == ()


def test_a_cosignature_of_an_earlier_tree_is_not_attached(escrow: Escrow, setting: Setting) -> None:
    digest_in(put(setting.ana, None, cosigned(checkpoint(setting.ana, None), setting.ana)))
    escrow.invite()
    assert len(checkpoint(setting.ana, None).signatures) == 2
    newer = cosigned(checkpoint(setting.ana, None), setting.ana)
    digest_in(put(setting.ana, None, newer))
    assert setting.bo.get(f"/v1/log/cosignatures/{setting.ana.id}").content.decode() == str(newer)


def test_a_tree_that_was_the_logs_may_be_cosigned_but_not_after_a_larger_one(escrow: Escrow, setting: Setting) -> None:
    old = checkpoint(setting.ana, None)
    escrow.invite()
    newer = checkpoint(setting.ana, None)
    digest_in(put(setting.bo, None, cosigned(old, setting.bo)))
    digest_in(put(setting.ana, None, cosigned(newer, setting.ana)))
    assert code_of(put(setting.ana, None, cosigned(old, setting.ana))) == (422, "checkpoint_refused")


def test_notes_that_do_not_hold_are_refused(escrow: Escrow, setting: Setting, log: str | None) -> None:
    ana, bo, key = setting.ana, setting.bo, escrow.desk.key
    note = checkpoint(ana, log)
    said = read_checkpoint(note)

    def signed(**changes: Any) -> Note:  # noqa: ANN401 - any member
        other = Checkpoint(**{"origin": said.origin, "size": said.size, "root": said.root, **changes})
        return cosigned(sign_checkpoint(other, key.public, key.sign, at=escrow.clock()), ana)

    forged = cosign(note.text, partner_key(ana.id, ana.key), bo.identity.sign, at=escrow.clock())
    by_escrow = escrow_key(key.public).name
    good = cosigned(note, ana)
    refused = {
        "no cosignature": note,
        "another's cosignature": cosigned(note, bo),
        "another's key": note.with_signature(forged),
        "not signed by the escrow": Note(note.text, cosigned(note, ana).signatures[2:]),
        "no moment": Note(note.text, tuple(item for item in good.signatures if item.name != by_escrow)),
        "another log": signed(origin=said.origin + "0"),
        "larger": signed(size=said.size + 1),
        "another root": signed(root=bytes(32)),
        "another root, earlier": signed(size=1),
        "no note": "x",
    }
    found = {name: code_of(put(ana, log, item)) for name, item in refused.items()}
    assert found == dict.fromkeys(refused, (422, "checkpoint_refused"))
    answer = ana.call("PUT", f"{log_path(log)}/cosignatures/{ana.id}", b"\xff", media="text/plain")
    assert code_of(answer) == (422, "checkpoint_refused")
    assert code_of(put(ana, log, good, at=bo)) == (404, "not_found")
    assert code_of(bo.get(f"{log_path(log)}/cosignatures/{ana.id}")) == (404, "not_found")
    digest_in(put(ana, log, good))


def test_a_checkpoint_leaves_room_for_one_more_signature(escrow: Escrow) -> None:
    partners = [escrow.partner(f"Partner {number}") for number in range(MOST_SIGNATURES)]
    for partner in partners:
        digest_in(put(partner, None, cosigned(checkpoint(partner, None), partner)))
    assert len(checkpoint(partners[0], None).signatures) == MOST_SIGNATURES - 1


def test_a_log_that_was_never_written_is_empty(escrow: Escrow, setting: Setting) -> None:
    for table in (LogTile, LogEntry, LogRecord):
        escrow.desk.database.write(lambda session, table=table: session.execute(delete(table)))
    said = read_checkpoint(checkpoint(setting.ana, setting.room))
    assert (said.size, said.root) == (0, hashlib.sha256().digest())
    note = read_note(str(cosigned(checkpoint(setting.ana, setting.room), setting.ana)))
    digest_in(put(setting.ana, setting.room, note))
