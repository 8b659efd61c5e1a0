"""Whoever can change the file can break the vault, but not make it tell an untruth."""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleanroom.agent import vault as vault_module
from cleanroom.agent.vault import Vault
from cleanroom.agent.vault_errors import (
    VaultBusy,
    VaultDamaged,
    VaultMissing,
    VaultNewer,
    VaultUnusable,
    WrongPassphrase,
)
from cleanroom.agent.vault_key import KdfCost, RecordSeal, Slot, new_data_key
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.secret import Secret
from matching.packing import packed

VALUES = {"a": b"value of a" * 3, "b": b"value of b" * 3, "big": os.urandom(9000)}


@pytest.fixture
def filled(vault: Vault, path: Path) -> Path:
    for address, value in VALUES.items():
        vault.put(address, value)
    vault.close()
    return path


@contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(path)
    try:
        yield db
        db.commit()
    finally:
        db.close()


SWAP_BODIES = """
UPDATE record SET body = CASE address WHEN 'a' THEN (SELECT body FROM record WHERE address = 'b')
 WHEN 'b' THEN (SELECT body FROM record WHERE address = 'a') ELSE body END
"""
SWAP_ADDRESSES = """
UPDATE record SET address = 'x' WHERE address = 'a';
UPDATE record SET address = 'a' WHERE address = 'b';
UPDATE record SET address = 'b' WHERE address = 'x';
"""


@pytest.mark.parametrize(
    "script",
    [
        SWAP_ADDRESSES,
        "UPDATE record SET address = 'c' WHERE address = 'a'",
        "DELETE FROM record WHERE address = 'a'",
        "INSERT INTO record SELECT 'c', part, parts, nonce, body FROM record WHERE address = 'a'",
        "UPDATE record SET parts = 2 WHERE address = 'a'",
        "UPDATE record SET nonce = zeroblob(12) WHERE address = 'a'",
        "UPDATE record SET nonce = 'text' WHERE address = 'a'",
        "UPDATE record SET part = -1 WHERE address = 'a'",
        "UPDATE contents SET count = count + 1",
        "UPDATE contents SET total = zeroblob(32)",
        "UPDATE contents SET total = zeroblob(33)",
        "UPDATE contents SET tag = zeroblob(32)",
        "DELETE FROM contents",
        "DELETE FROM record; UPDATE contents SET count = 0, total = zeroblob(32)",
        "DELETE FROM header",
        "UPDATE header SET digest = zeroblob(32)",
        "UPDATE header SET vault_id = zeroblob(16)",
        "UPDATE header SET salt = 5",
        "UPDATE header SET lanes = 'many'",
        "UPDATE header SET wrapped = zeroblob(3)",
        "DROP TABLE record",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 0",
    ],
)
def test_changed_tables_are_found_at_opening(filled: Path, passphrase: Secret[str], script: str) -> None:
    Vault.open(filled, passphrase).close()
    with tampering(filled) as db:
        db.executescript(script)
    with pytest.raises(VaultDamaged):
        Vault.open(filled, passphrase)


@pytest.mark.parametrize(
    "script",
    [
        SWAP_BODIES,
        "UPDATE body SET sealed = zeroblob(length(sealed)) WHERE id = (SELECT body FROM record WHERE address = 'a')",
        "UPDATE body SET sealed = x'00' WHERE id = (SELECT body FROM record WHERE address = 'a')",
        "UPDATE body SET sealed = 'text' WHERE id = (SELECT body FROM record WHERE address = 'a')",
        "DELETE FROM body WHERE id = (SELECT body FROM record WHERE address = 'a')",
    ],
)
def test_changed_ciphertexts_are_found_at_reading(filled: Path, passphrase: Secret[str], script: str) -> None:
    with tampering(filled) as db:
        db.executescript(script)
    with Vault.open(filled, passphrase) as vault:
        with pytest.raises(VaultDamaged):
            vault.get("a")
        assert vault.get("big") == VALUES["big"]
        with pytest.raises(VaultDamaged):
            vault.rekey(Secret("another passphrase"), kdf_cost=KdfCost.unsafe_for_tests())
    Vault.open(filled, passphrase).close()  # the refused rekey changed nothing


def test_an_older_version_of_a_record_is_found(vault: Vault, path: Path, passphrase: Secret[str]) -> None:
    vault.put("a", b"revoked: no")
    with tampering(path) as db:
        old = db.execute("SELECT nonce, sealed FROM record JOIN body ON id = body").fetchone()
    vault.put("a", b"revoked: yes")
    vault.close()
    with tampering(path) as db:
        db.execute("UPDATE record SET nonce = ?", old[:1])
        db.execute("UPDATE body SET sealed = ?", old[1:])
    with pytest.raises(VaultDamaged):
        Vault.open(path, passphrase)


def test_parts_cannot_change_places(
    vault: Vault, path: Path, passphrase: Secret[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_module, "PART_BYTES", 10)
    vault.put("a", bytes(25))
    vault.close()
    with tampering(path) as db:
        nonces = [row for (row,) in db.execute("SELECT nonce FROM record ORDER BY part")]
        bodies = [row for (row,) in db.execute("SELECT body FROM record ORDER BY part")]
        for part, other in ((0, 1), (1, 0)):
            db.execute("UPDATE record SET nonce = ?, body = ? WHERE part = ?", (nonces[other], bodies[other], part))
    with pytest.raises(VaultDamaged):
        Vault.open(path, passphrase)


def test_records_of_another_vault_do_not_fit(filled: Path, passphrase: Secret[str], tmp_path: Path) -> None:
    key, slot = new_data_key(), Slot(address="a", part=0, parts=1)
    nonce, sealed = RecordSeal(key, bytes(16)).seal(b"x", slot)
    assert RecordSeal(key, bytes(16)).unseal(nonce, sealed, slot) == b"x"
    for seal, where in (
        (RecordSeal(key, bytes(15) + b"1"), slot),
        (RecordSeal(new_data_key(), bytes(16)), slot),
        (RecordSeal(key, bytes(16)), Slot(address="b", part=0, parts=1)),
        (RecordSeal(key, bytes(16)), Slot(address="a", part=1, parts=2)),
        (RecordSeal(key, bytes(16)), Slot(address="a", part=0, parts=2)),
    ):
        with pytest.raises(VaultDamaged):
            seal.unseal(nonce, sealed, where)
    other = tmp_path / "other.db"
    Vault.create(other, passphrase, kdf_cost=KdfCost.unsafe_for_tests()).close()
    with tampering(other) as db:
        db.execute("ATTACH ? AS theirs", (str(filled),))
        db.executescript(
            "INSERT INTO body SELECT * FROM theirs.body; INSERT INTO record SELECT * FROM theirs.record;"
            "DELETE FROM contents; INSERT INTO contents SELECT * FROM theirs.contents;"
        )
    with pytest.raises(VaultDamaged):
        Vault.open(other, passphrase)


def test_a_newer_version_is_not_touched(filled: Path, passphrase: Secret[str]) -> None:
    with tampering(filled) as db:
        db.execute("PRAGMA user_version = 2")
    with pytest.raises(VaultNewer):
        Vault.open(filled, passphrase)
    with pytest.raises(VaultNewer):
        Vault.restore(filled, filled.with_name("copy"))


@pytest.mark.parametrize(
    "cost",
    [
        {"memory_kib": 100 * 1024 * 1024},
        {"memory_kib": (1 << 20) + 1},
        {"memory_kib": 7},
        {"memory_kib": -1},
        {"iterations": 1_000_000},
        {"iterations": 17},
        {"iterations": 0},
        {"lanes": 17, "memory_kib": 1000},
        {"lanes": 0},
    ],
)
def test_a_file_cannot_demand_any_cost(filled: Path, passphrase: Secret[str], cost: dict[str, int]) -> None:
    with tampering(filled) as db:
        for column, number in cost.items():
            db.execute(f"UPDATE header SET {column} = ?", (number,))  # noqa: S608 - from the list above
        _write_fitting_digest(db)
    with pytest.raises(VaultDamaged, match="cost"):
        Vault.open(filled, passphrase)


def test_a_file_with_a_cost_inside_the_bounds_does_not_open_either(filled: Path, passphrase: Secret[str]) -> None:
    with tampering(filled) as db:
        db.execute("UPDATE header SET memory_kib = 16")
        _write_fitting_digest(db)
    with pytest.raises(WrongPassphrase):
        Vault.open(filled, passphrase)


def _write_fitting_digest(db: sqlite3.Connection) -> None:
    """What someone who tampers on purpose would do: the digest has no key. Negative numbers need no digest."""
    vault_id, key_id, salt, nonce, wrapped, *cost = db.execute(
        "SELECT vault_id, key_id, salt, nonce, wrapped, memory_kib, iterations, lanes FROM header"
    ).fetchone()
    numbers = (number.to_bytes(8, "big", signed=number < 0) for number in cost)
    bound = packed(b"cleanroom-vault/1", b"key", vault_id, key_id, salt, *numbers)
    digest = hashlib.sha256(packed(b"cleanroom-vault/1", bound, nonce, wrapped)).digest()
    db.execute("UPDATE header SET digest = ?", (digest,))


@pytest.mark.parametrize("kept", [0, 1, 15, 16, 100, 4096, 4097, 8192])
def test_truncated_files(filled: Path, passphrase: Secret[str], kept: int) -> None:
    with filled.open("r+b") as file:
        file.truncate(kept)
    with pytest.raises(VaultDamaged):
        Vault.open(filled, passphrase)


def test_truncated_by_one_page(filled: Path, passphrase: Secret[str]) -> None:
    with filled.open("r+b") as file:
        file.truncate(filled.stat().st_size - 4096)
    _opens_truthfully_or_not_at_all(filled, passphrase)


def test_some_other_file(path: Path, passphrase: Secret[str]) -> None:
    path.parent.mkdir()
    path.write_bytes(b"name,website\n" * 1000)
    with pytest.raises(VaultDamaged):
        Vault.open(path, passphrase)
    path.unlink()
    path.mkdir()
    with pytest.raises(VaultMissing):
        Vault.open(path, passphrase)


def test_a_schema_that_does_not_even_decode(filled: Path, passphrase: Secret[str]) -> None:
    content = filled.read_bytes()
    assert b"CREATE TABLE record" in content
    filled.write_bytes(content.replace(b"CREATE TABLE record", b"CREATE\xa0TABLE record"))
    with pytest.raises(VaultDamaged):
        Vault.open(filled, passphrase)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 1 << 20), bit=st.integers(0, 7))
def test_flipped_bits(
    tmp_path_factory: pytest.TempPathFactory, original: Path, passphrase: Secret[str], place: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("flip") / "vault.db"
    content = bytearray(original.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    _opens_truthfully_or_not_at_all(path, passphrase)
    shutil.rmtree(path.parent)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("original") / "vault.db"
    with Vault.create(path, Secret("correct horse"), kdf_cost=KdfCost.unsafe_for_tests()) as vault:
        for address, value in VALUES.items():
            vault.put(address, value)
    return path


def _opens_truthfully_or_not_at_all(path: Path, passphrase: Secret[str]) -> None:
    try:
        with Vault.open(path, passphrase) as vault:
            for address, value in VALUES.items():
                assert vault.get(address) == value
            assert vault.addresses() == sorted(VALUES)
    except CleanroomError as error:
        assert isinstance(error, VaultDamaged | VaultNewer | VaultUnusable | VaultBusy | WrongPassphrase)  # noqa: PT017 - either outcome is right
