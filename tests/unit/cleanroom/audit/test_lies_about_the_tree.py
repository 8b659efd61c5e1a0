"""Another tree, checkpoint, cosignature or receipt than the log has: the audit says what and where."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from lies import broken, requires
from log_made import Twist, altered, indices
from partners_made import ANA, BO, key
from room_made import Life, lived

from cleanroom.audit.bundle import Bundle
from cleanroom.audit.verify import verify
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages import entries as log


def changed(index: int, data: bytes | None) -> Callable[[Life], Bundle]:
    """The honest bundle with one leaf changed, or dropped."""

    def made(life: Life) -> Bundle:
        leaves = list(life.leaves)
        leaves[index : index + 1] = [] if data is None else [data]
        return life.bundle(leaves=leaves)

    return made


@pytest.fixture(scope="module")
def life() -> Life:
    return lived()


def test_a_changed_leaf_is_another_tree(life: Life) -> None:
    leaf = life.leaves[26].replace(b"request", b"dispute")
    found = broken(changed(26, leaf)(life))
    requires(found, "log/checkpoint", "size 27, root")
    requires(found, "entry 26 (notice-sent/1)", "`kind` is not what its document says")


def test_a_dropped_leaf_is_missed(life: Life) -> None:
    requires(broken(changed(12, None)(life)), "log/checkpoint", "but the bundle holds 26 entries")


def test_an_inserted_leaf_is_seen(life: Life) -> None:
    found = broken(life.bundle(leaves=[*life.leaves[:12], life.leaves[12], *life.leaves[12:]]))
    requires(found, "log/checkpoint", "but the bundle holds 28 entries")


def test_reordered_leaves_are_another_tree(life: Life) -> None:
    leaves = [*life.leaves[:14], life.leaves[15], life.leaves[14], *life.leaves[16:]]
    found = broken(life.bundle(leaves=leaves))
    requires(found, "log/checkpoint", "its checkpoint size 27")
    requires(found, "entry 15", "its moment is before that of the entry before")


def test_a_truncated_log_is_smaller_than_what_was_cosigned(life: Life) -> None:
    short = replace(life, leaves=life.leaves[:20])
    found = broken(life.bundle(leaves=short.leaves, checkpoint=str(short.note())))
    requires(found, f"log/cosigned/{ANA.id}", "size 27")
    requires(found, f"log/cosigned/{ANA.id}", "larger log than the checkpoint's size 20")


def test_a_leaf_that_is_no_entry_is_named(life: Life) -> None:
    requires(broken(changed(26, b"{}")(life)), "entry 26", "not an entry of a known type")
    spaced = json.dumps(json.loads(life.leaves[26])).encode()
    requires(broken(changed(26, spaced)(life)), "entry 26", "not in canonical form")
    twice = life.leaves[26].replace(b'"number":1', b'"number":1,"number":1')
    requires(broken(changed(26, twice)(life)), "entry 26", "not in canonical form")


def test_a_fork_names_both_checkpoints(life: Life) -> None:
    other = lived(Twist(entry=altered(log.SnapshotCommitted, entries="200 to 500")))
    found = broken(life.bundle(), previous=other.bundle())
    requires(found, "the earlier bundle", f"root {other.root().hex()[:16]}")
    requires(found, "the earlier bundle", f"root {life.root().hex()[:16]}")


def test_a_log_that_was_rolled_back_is_told(life: Life) -> None:
    later = lived()
    later.told(2)
    found = broken(life.bundle(), previous=later.bundle())
    requires(found, "the earlier bundle", "size 28")
    requires(found, "the earlier bundle", "larger log than the checkpoint's size 27")


def test_an_earlier_bundle_of_another_room_is_refused(life: Life) -> None:
    other = lived(room=RoomId("6b" * 16))
    requires(broken(life.bundle(), previous=other.bundle()), "the earlier bundle", "of another log")


def test_a_checkpoint_of_another_room_is_refused(life: Life) -> None:
    other = lived(room=RoomId("6b" * 16))
    requires(broken(life.bundle(checkpoint=str(other.note()))), "log/checkpoint", "of another log")


def test_a_checkpoint_by_another_key_is_refused(life: Life) -> None:
    forged = life.bundle(checkpoint=str(life.note(None, ANA, signer=key(9))))
    requires(broken(forged), "log/checkpoint", "not signed by the log")


def test_a_checkpoint_that_is_no_note_is_refused(life: Life) -> None:
    requires(broken(life.bundle(checkpoint="nothing")), "log/checkpoint", "not a signed note")


def test_a_forged_cosignature_is_refused(life: Life) -> None:
    whole, other = life.note(None, ANA), life.note(9, ANA)
    forged = whole.with_signature(other.signatures[-1])
    requires(broken(life.bundle(cosigned={ANA.id: str(forged)})), f"log/cosigned/{ANA.id}", "does not hold")


def test_a_note_without_the_members_cosignature_is_refused(life: Life) -> None:
    found = broken(life.bundle(cosigned={ANA.id: str(life.note(None, BO))}))
    requires(found, f"log/cosigned/{ANA.id}", "not cosigned by that member")
    requires(broken(life.bundle(cosigned={"00" * 16: str(life.note())})), f"log/cosigned/{'00' * 16}", "not a member")


def test_a_stranger_under_a_note_is_told(life: Life) -> None:
    note = life.note(None, ANA, BO)
    stranger = replace(note.signatures[-1], name="cleanroom/1/partners/nobody")
    findings = verify(life.bundle(checkpoint=str(note.with_signature(stranger)))).findings
    assert [(item.broken, item.where, item.what) for item in findings] == [
        (False, "log/checkpoint", "a signature by somebody who is no member")
    ]


def test_a_conflict_that_was_caught_names_both_checkpoints(life: Life) -> None:
    other = lived(Twist(entry=altered(log.SnapshotCommitted, entries="200 to 500")))
    found = broken(life.bundle(conflicts={"0000": str(other.note())}))
    requires(
        found, "conflict 0000", f"root {other.root().hex()[:16]} as well as size 27, root {life.root().hex()[:16]}"
    )


def test_a_receipt_of_another_room_is_refused(life: Life) -> None:
    other = lived(room=RoomId("6b" * 16))
    requires(broken(life.bundle(receipts={"a": other.receipt(3)})), "receipt a", "of another log")


def test_a_receipt_that_the_log_does_not_hold_is_told(life: Life) -> None:
    other = lived(Twist(entry=altered(log.SnapshotCommitted, entries="200 to 500")))
    index = indices(other.bundle(), log.SnapshotCommitted)[0]
    found = broken(life.bundle(), receipts=[other.receipt(index)])
    requires(found, "receipt 0 given", f"its entry is not entry {index} of this log")
    requires(found, "receipt 0 given", "is of another log: here it is size 27")


def test_a_receipt_that_is_damaged_is_refused(life: Life) -> None:
    damaged = life.receipt(3).replace("index 3", "index 4")
    requires(broken(life.bundle(receipts={"a": damaged})), "receipt a", "not in the tree of its checkpoint")


def test_a_checkpoint_is_not_signed_by_a_member(life: Life) -> None:
    requires(broken(life.bundle(checkpoint=str(life.note(signer=ANA.key)))), "log/checkpoint", "not signed by the log")


def test_a_bundle_that_names_another_room_or_exporter_is_told(life: Life) -> None:
    contents = life.bundle().contents
    other = life.bundle(contents=contents.model_copy(update={"room": "6b" * 16, "exported_by": "00" * 16}))
    found = broken(other)
    requires(found, "bundle.json", "another room or escrow")
    requires(found, "bundle.json", "exported by nobody")
