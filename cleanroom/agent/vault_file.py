"""The vault's file: one SQLite database, opened with the pragmas that the vault's promises rest on.

Nothing here decrypts. Files appear at their place complete or not at all, and nothing is overwritten.
"""

import hmac
import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from cleanroom.agent.vault_errors import (
    VaultDamaged,
    VaultExists,
    VaultMissing,
    VaultNewer,
    translated,
)
from cleanroom.agent.vault_key import KdfCost, WrappedKey

_APPLICATION_ID = 0x434C5256  # "CLRV"
_VERSION = 1
_BUSY_SECONDS = 30.0

# `record` is a single B-tree without a second index, so that the scan at opening sees exactly the keys that a
# look-up will use. Ciphertexts live apart: the scan does not read them.
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
BEGIN;
CREATE TABLE header (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  vault_id BLOB NOT NULL, key_id BLOB NOT NULL,
  memory_kib INTEGER NOT NULL, iterations INTEGER NOT NULL, lanes INTEGER NOT NULL,
  salt BLOB NOT NULL, nonce BLOB NOT NULL, wrapped BLOB NOT NULL, digest BLOB NOT NULL
);
CREATE TABLE contents (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  total BLOB NOT NULL, count INTEGER NOT NULL, tag BLOB NOT NULL
);
CREATE TABLE record (
  address TEXT NOT NULL, part INTEGER NOT NULL, parts INTEGER NOT NULL,
  nonce BLOB NOT NULL, body INTEGER NOT NULL,
  PRIMARY KEY (address, part)
) WITHOUT ROWID;
CREATE TABLE body (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
COMMIT;
"""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode to an existing vault file, version checked.

    Raises VaultMissing, VaultDamaged, VaultNewer.
    """
    if not path.is_file():
        raise VaultMissing("vault: there is none at this place")
    mode = "ro" if read_only else "rw"
    with translated():
        db = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=_BUSY_SECONDS
        )
    try:
        with translated():
            _apply_pragmas(db)
            _check_version(db)
    except BaseException:
        db.close()
        raise
    return db


def _apply_pragmas(db: sqlite3.Connection) -> None:
    for pragma in (
        "synchronous = FULL",  # an acknowledged put survives a power cut
        "secure_delete = ON",  # sealed or not, what was deleted is overwritten
        "trusted_schema = OFF",
        "cell_size_check = ON",
        "temp_store = MEMORY",
    ):
        db.execute(f"PRAGMA {pragma}")


def _check_version(db: sqlite3.Connection) -> None:
    if db.execute("PRAGMA application_id").fetchone() != (_APPLICATION_ID,):
        raise VaultDamaged("vault: the file is not a vault")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise VaultNewer("vault: a newer version of this software wrote it; upgrade")
    if version != _VERSION:
        raise VaultDamaged("vault: its version does not exist")


def read_header(db: sqlite3.Connection) -> WrappedKey:
    """The wrapped key. Raises VaultDamaged when any bit of it is not what was written."""
    with translated():
        row = db.execute(
            "SELECT vault_id, key_id, salt, nonce, wrapped, digest, memory_kib, iterations, lanes FROM header"
        ).fetchone()
    if row is None or not all(isinstance(part, bytes) for part in row[:6]):
        raise VaultDamaged("vault: it has no header")
    if not all(isinstance(number, int) for number in row[6:]):
        raise VaultDamaged("vault: its header is damaged")
    header = WrappedKey(
        vault_id=row[0],
        key_id=row[1],
        salt=row[2],
        nonce=row[3],
        wrapped=row[4],
        cost=KdfCost(memory_kib=row[6], iterations=row[7], lanes=row[8]),
    )
    if not hmac.compare_digest(header.digest(), row[5]):
        raise VaultDamaged("vault: its header is damaged")
    return header


def write_header(db: sqlite3.Connection, header: WrappedKey) -> None:
    """Replaces the header, inside the caller's transaction."""
    db.execute(
        "INSERT OR REPLACE INTO header VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            header.vault_id,
            header.key_id,
            header.cost.memory_kib,
            header.cost.iterations,
            header.cost.lanes,
            header.salt,
            header.nonce,
            header.wrapped,
            header.digest(),
        ),
    )


def write_new(path: Path, header: WrappedKey, contents: tuple[bytes, int, bytes]) -> None:
    """An empty vault at a free place. Raises VaultExists, VaultUnusable."""
    require_free(path)
    with translated():
        # Only a folder that we make is ours to close off; an existing one may be a shared place.
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = _fresh_file(path)
        try:
            db = sqlite3.connect(fresh, isolation_level=None)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(_SCHEMA)
                db.execute("BEGIN")
                write_header(db, header)
                db.execute("INSERT INTO contents VALUES (1, ?, ?, ?)", contents)
                db.execute("COMMIT")
            finally:
                db.close()
            _place(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)


def copy(
    source: sqlite3.Connection,
    path: Path,
    *,
    journal_mode: str,
    marked: Callable[[sqlite3.Connection], None] | None = None,
) -> None:
    """One consistent copy of the whole database at a free place, by SQLite's backup API; `marked` alters it before.

    Raises VaultExists, VaultUnusable.
    """
    require_free(path)
    with translated():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = _fresh_file(path)
        try:
            target = sqlite3.connect(fresh, isolation_level=None)
            try:
                source.backup(target)
                if marked is not None:
                    marked(target)
                # A backup is one file, so it must not be in WAL mode; a vault in use must.
                target.execute(f"PRAGMA journal_mode = {journal_mode}")
            finally:
                target.close()
            _place(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)


def require_free(path: Path) -> None:
    """Raises VaultExists when the file, or a journal that SQLite would apply to a new file, is there."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        if os.path.lexists(f"{path}{suffix}"):
            raise VaultExists(f"vault: something is already at this place{suffix and f' ({suffix} file)'}")


def _fresh_file(path: Path) -> Path:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    return fresh


def _place(fresh: Path, path: Path) -> None:
    descriptor = os.open(fresh, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(fresh, path)  # unlike a rename, it never replaces what another process put there meanwhile
    except FileExistsError:
        raise VaultExists("vault: something is already at this place") from None
    except OSError:  # a file system without hard links
        require_free(path)
        fresh.rename(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
