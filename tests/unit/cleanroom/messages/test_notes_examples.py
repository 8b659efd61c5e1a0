"""C2SP's examples of notes, checkpoints and cosignatures byte for byte, and published ones of real logs."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from notes_made import key_id

from cleanroom.messages.notes import (
    TIMED,
    Checkpoint,
    CheckpointRefused,
    NoteKey,
    cosigned,
    open_checkpoint,
    read_checkpoint,
    read_note,
)

FILE: Final = Path(__file__).parents[3] / "vectors" / "c2sp" / "notes.json"
EXAMPLES: Final[list[dict[str, Any]]] = json.loads(FILE.read_text(encoding="utf-8"))["notes"]
KEYED: Final = [(case, each) for case in EXAMPLES for each in case["keys"]]


def test_the_file_holds_what_is_tested_here() -> None:
    for case in EXAMPLES:
        assert set(case) == {"name", "source", "checkpoint", "keys", "text"}
    for _, each in KEYED:
        assert set(each) == {"name", "id", "type", "public"}
    assert {each["type"] for _, each in KEYED} == {1, 4}


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["name"])
def test_examples_are_read_and_written_byte_for_byte(case: dict[str, Any]) -> None:
    note = read_note(case["text"])
    assert str(note) == case["text"]
    assert note.text + "\n" + "".join(each.line() for each in note.signatures) == case["text"]
    if case["checkpoint"]:
        assert read_checkpoint(note).text() == note.text
    else:
        with pytest.raises(CheckpointRefused):
            read_checkpoint(note)


def test_the_example_of_a_checkpoint_says_what_it_says() -> None:
    (case,) = [case for case in EXAMPLES if case["name"] == "tlog-checkpoint, example"]
    found = read_checkpoint(read_note(case["text"]))
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert found == Checkpoint("example.com/behind-the-sofa", 20_852_163, root)


@pytest.mark.parametrize(("case", "each"), KEYED, ids=lambda value: value["name"])
def test_keys_of_others_have_the_ids_that_they_publish_and_their_signatures_hold(
    case: dict[str, Any], each: dict[str, Any]
) -> None:
    theirs, note = NoteKey(each["name"], bytes.fromhex(each["public"])), read_note(case["text"])
    kind = bytes([each["type"]])
    assert theirs.id(kind).hex() == key_id(theirs.name, each["type"], theirs.public).hex() == each["id"]
    data = note.of(theirs, kind)
    assert data is not None
    if kind == TIMED:
        assert cosigned(note, theirs) == datetime(2026, 5, 23, 21, 50, 24, tzinfo=UTC)
        return
    Ed25519PublicKey.from_public_bytes(theirs.public).verify(data, note.text.encode())
    if case["checkpoint"]:  # what is missing is our own second signature
        with pytest.raises(CheckpointRefused, match="its moment is not signed"):
            open_checkpoint(note, theirs.name, theirs.public)
