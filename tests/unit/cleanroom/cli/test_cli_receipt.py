import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from audits import LOG
from commandline import Command
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cleanroom.agent.receipts import Wanted
from cleanroom.cli import receipt as command_file
from cleanroom.cli.exits import Exit
from cleanroom.cli.receipt_view import checked, receipt_document
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import PartnerId, RoomId
from cleanroom.messages.entries import leaf
from cleanroom.messages.identity import partner_id_of
from cleanroom.messages.inclusion import Inclusion
from cleanroom.messages.notes import Checkpoint, CheckpointRefused, cosign, partner_key, room_origin, sign_checkpoint
from matching import merkle

ROOM = RoomId("ee" * 16)
AT = datetime(2026, 3, 3, tzinfo=UTC)
LEAVES = [leaf(entry) for entry in LOG]


@dataclass(frozen=True)
class Key:
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> PartnerId:
        return partner_id_of(self.public)


def made(escrow: Key, *witnesses: Key, index: int = 5) -> Inclusion:
    """A receipt of an entry, in the whole log, cosigned."""
    hashes = b"".join(map(merkle.leaf_hash, LEAVES))
    checkpoint = Checkpoint(room_origin(escrow.public, ROOM), len(LEAVES), merkle.head(hashes))
    note = sign_checkpoint(checkpoint, escrow.public, escrow.private.sign, at=AT)
    for witness in witnesses:
        key = partner_key(witness.id, witness.public)
        note = note.with_signature(cosign(note.text, key, witness.private.sign, at=AT))
    return Inclusion(leaf=LEAVES[index], index=index, path=path_of(hashes, index), checkpoint=note)


def path_of(hashes: bytes, index: int) -> bytes:
    """RFC 6962, 2.1.1, from the leaf's sibling up."""
    size = len(hashes) // 32
    if size == 1:
        return b""
    split = 1 << (size - 1).bit_length() - 1
    left, right = hashes[: 32 * split], hashes[32 * split :]
    if index < split:
        return path_of(left, index) + merkle.head(right)
    return path_of(right, index - split) + merkle.head(left)


def test_a_receipt_says_what_is_proven_and_who_cosigned(command: Command, tmp_path: Path) -> None:
    escrow, member, other = Key(), Key(), Key()
    (tmp_path / "r").write_text(made(escrow, member, other).text())
    keys = (
        "--escrow-key",
        Key().public.hex(),
        "--escrow-key",
        escrow.public.hex(),
        "--member-key",
        member.public.hex(),
    )
    ended = command("receipt", "verify", str(tmp_path / "r"), *keys, given=None)
    out = " ".join(ended.out.split())
    assert ended.code == Exit.DONE
    assert out.startswith("Holds: the entry is in the log that the escrow signed.")
    assert "Entry 5 of 20 entries" in out
    assert "put version 1 of its policy in force: widens; written by a1a1a1a1, approved by b2b2b2b2" in out
    assert f"Cosigned {member.id}, 2026-03-03T00:00:00Z" in out
    assert f"Not checked a cosignature of {other.id}" in out
    assert not (tmp_path / "home").exists()


def test_the_document_has_the_entry_as_it_stands_in_the_log() -> None:
    escrow, member = Key(), Key()
    text = made(escrow, member, index=9).text()
    found = receipt_document(checked(text, escrow_keys=[escrow.public.hex()], member_keys=[]))
    assert found["entry"] == json.loads(LEAVES[9])
    assert (found["index"], found["size"], found["at"]) == (9, 20, "2026-03-03T00:00:00Z")
    assert (found["cosigned"], found["unchecked"]) == ({}, (member.id,))


def test_a_receipt_under_another_escrows_key_does_not_hold(command: Command, tmp_path: Path) -> None:
    (tmp_path / "r").write_text(made(Key()).text())
    ended = command("receipt", "verify", str(tmp_path / "r"), "--escrow-key", Key().public.hex(), "--json")
    assert ended.code == Exit.VERIFICATION
    assert json.loads(ended.out)["error"] == {
        "code": "checkpoint_refused",
        "message": "receipt: of a log of another escrow",
    }


def test_a_log_that_only_names_the_escrow_does_not_hold() -> None:
    escrow, forger = Key(), Key()
    checkpoint = Checkpoint(room_origin(escrow.public, ROOM), 1, merkle.leaf_hash(LEAVES[0]))
    note = sign_checkpoint(checkpoint, escrow.public, forger.private.sign, at=AT)
    text = Inclusion(leaf=LEAVES[0], index=0, path=b"", checkpoint=note).text()
    with pytest.raises(CheckpointRefused, match="not signed by the log"):
        checked(text, escrow_keys=[escrow.public.hex()], member_keys=[])


def test_a_receipt_of_another_entry_or_with_a_forged_cosignature_does_not_hold() -> None:
    escrow, member, forger = Key(), Key(), Key()
    genuine = made(escrow)
    keys = {"escrow_keys": [escrow.public.hex()], "member_keys": [member.public.hex()]}
    with pytest.raises(CheckpointRefused, match="entry 5 is not in the tree"):
        checked(replace(genuine, leaf=LEAVES[6]).text(), **keys)
    line = cosign(genuine.checkpoint.text, partner_key(member.id, member.public), forger.private.sign, at=AT)
    forged = replace(genuine, checkpoint=genuine.checkpoint.with_signature(line))
    with pytest.raises(CheckpointRefused, match="a cosignature does not hold"):
        checked(forged.text(), **keys)


@pytest.mark.parametrize("key", ["", "00", "zz" * 32, "\u0661" * 64])
def test_what_is_no_key_is_refused(key: str) -> None:
    for keys in ({"escrow_keys": [key], "member_keys": []}, {"escrow_keys": [], "member_keys": [key]}):
        with pytest.raises(InputRefused, match="-key: 64 hex characters"):
            checked(made(Key()).text(), **keys)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the agent was asked for a receipt of; it gives always the same."""
    found: list[object] = []

    def give(_: object, room: RoomId, wanted: Wanted) -> str:
        found.append((room, wanted))
        return "c2sp.org/tlog-proof@v1\n" + "x" * 300 + "\n"

    @contextmanager
    def agent(_: object) -> Iterator[object]:
        yield object()

    monkeypatch.setattr(command_file, "receipt", give)
    monkeypatch.setattr(command_file, "find_id", lambda _, room: room)
    monkeypatch.setattr("cleanroom.cli.invocation.Invocation.agent", agent)
    return found


def test_a_receipt_is_asked_for_by_what_it_is_of(asked: list[object], command: Command) -> None:
    command("receipt", "--room", "R", "--release", "3", "--epoch", "1")
    command("receipt", "--room", "R", "--document", "AB" * 32)
    assert asked == [("R", Wanted(release=3, epoch=1)), ("R", Wanted(document="ab" * 32))]


def test_a_receipt_is_printed_and_written_byte_for_byte(asked: list[object], command: Command, tmp_path: Path) -> None:
    text = "c2sp.org/tlog-proof@v1\n" + "x" * 300 + "\n"
    assert command("receipt", "--room", "R", "--policy", "1").out == text
    assert json.loads(command("receipt", "--room", "R", "--answer", "1", "--json").out) == {
        "room": "R",
        "receipt": text,
    }
    ended = command("receipt", "--room", "R", "--policy", "1", "--to", str(tmp_path / "r"))
    assert (ended.code, ended.out, (tmp_path / "r").read_text()) == (Exit.DONE, "", text)
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "receipt: say --room"),
        (("--room", "R"), "receipt: say --room, and one of"),
        (("--room", "R", "--policy", "1", "--answer", "1"), "receipt: say --room, and one of"),
        (("--room", "R", "--policy", "1", "--epoch", "1"), "receipt: an epoch goes with"),
        (("--room", "R", "--document", "ab"), "receipt: a digest is 64 hex characters"),
    ],
)
def test_what_is_not_said_is_asked_for_before_the_vault_is_opened(
    options: tuple[str, ...], words: str, asked: list[object], command: Command
) -> None:
    ended = command("receipt", *options)
    assert (ended.code, asked) == (Exit.REFUSED, [])
    assert ended.err.startswith(f"error: {words}")
