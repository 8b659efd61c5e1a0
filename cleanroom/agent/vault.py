"""The agent's vault: one SQLite file of sealed records, and nothing readable in it but their addresses.

Promises, and what keeps them:
1. Whoever has the file but not the passphrase learns addresses, sizes and times of change (`vault_key`).
2. Whoever changes the file can destroy records, but not alter, swap, duplicate or remove one, nor put an older
   version back, unnoticed: each part is sealed to vault, address and place, and the table of contents (an
   authenticated exclusive or of keyed marks) is checked when the vault is opened.
3. An acknowledged write survives a crash; a transaction happens whole or not at all (WAL, synchronous=FULL).

Not done here: nothing notices that the *whole file* was replaced by an older one of the same vault. Addresses are
stored as they are, so they must never be made of account data.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from cleanroom.agent import vault_file
from cleanroom.agent.vault_contents import (
    Contents,
    check_contents,
    read_contents,
    stored_slot,
    write_contents,
)
from cleanroom.agent.vault_errors import (
    AddressRefused,
    VaultBusy,
    VaultDamaged,
    VaultRekeyed,
    translated,
)
from cleanroom.agent.vault_key import (
    KdfCost,
    RecordSeal,
    Slot,
    WrappedKey,
    new_data_key,
    new_vault_id,
    require_passphrase,
    unwrap,
    wrap,
)
from cleanroom.domain.secret import Secret

PART_BYTES = 8 << 20
COPIED = "copied"
"""An address that only copies have: when they were made, if that is known."""
_ADDRESS = re.compile(r"[A-Za-z0-9._/:=-]{1,200}")
_AFTER_ADDRESS = "\x7f"  # sorts after every character of an address


class Vault:
    """Sealed records by address. Several processes may have the same vault open.

    One `Vault` belongs to the thread that opened it (SQLite refuses others); a second thread opens its own.
    Every call may raise VaultDamaged, VaultBusy (another process held it for 30 s), VaultUnusable, and
    VaultRekeyed after another process changed the passphrase.
    """

    def __init__(self, *, path: Path, db: sqlite3.Connection, header: WrappedKey, seal: RecordSeal) -> None:
        """Use `create` or `open`."""
        self.path = path
        self._db = db
        self._vault_id = header.vault_id
        self._key_id = header.key_id
        self._seal = seal
        self._contents: Contents | None = None

    @classmethod
    def create(cls, path: Path, passphrase: Secret[str], *, kdf_cost: KdfCost | None = None) -> Self:
        """An empty vault at a free place (file mode 0600; a folder made for it 0700), opened.

        `kdf_cost` is for tests; the default is RFC 9106's second recommended option.
        Raises PassphraseRefused, VaultExists, VaultUnusable.
        """
        require_passphrase(passphrase)
        vault_file.require_free(path)
        data_key, vault_id = new_data_key(), new_vault_id()
        header = wrap(data_key, passphrase, vault_id=vault_id, cost=kdf_cost or KdfCost())
        seal = RecordSeal(data_key, vault_id)
        vault_file.write_new(path, header, Contents(seal).row())
        return cls(path=path, db=vault_file.connect(path), header=header, seal=seal)

    @classmethod
    def open(cls, path: Path, passphrase: Secret[str]) -> Self:
        """The vault, after its table of contents was found true.

        Raises VaultMissing, WrongPassphrase, VaultDamaged, VaultNewer, VaultUnusable.
        """
        db = vault_file.connect(path)
        try:
            header = vault_file.read_header(db)
            seal = RecordSeal(unwrap(header, passphrase), header.vault_id)
            vault = cls(path=path, db=db, header=header, seal=seal)
            with vault._reading(), translated():
                check_contents(db, seal)
        except BaseException:
            db.close()
            raise
        return vault

    @staticmethod
    def restore(file: Path, path: Path) -> None:
        """Puts a backup at a free place; it opens with the passphrase that was in force when it was made.

        Raises VaultMissing, VaultExists, VaultDamaged, VaultNewer, VaultUnusable.
        """
        source = vault_file.connect(file, read_only=True)
        try:
            vault_file.read_header(source)
            vault_file.copy(source, path, journal_mode="WAL")
        finally:
            source.close()

    def close(self) -> None:
        """Closes the file; an open transaction is rolled back. Further calls raise sqlite3.ProgrammingError."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(self, address: str) -> bytes | None:
        """The value last put at the address, or None."""
        _check_address(address)
        with self._reading(), translated():
            rows = self._db.execute(
                "SELECT part, parts, nonce, sealed FROM record LEFT JOIN body ON body.id = record.body"
                " WHERE address = ? ORDER BY part",
                (address,),
            )
            pieces = [self._piece(address, index, row) for index, row in enumerate(rows)]
        if not pieces:
            return None
        if len(pieces) != pieces[0][0]:
            raise VaultDamaged("vault: a record lacks a part")
        return pieces[0][1] if len(pieces) == 1 else b"".join(piece for _, piece in pieces)

    def put(self, address: str, value: bytes) -> None:
        """Stores the value, replacing what was there; durable on return, or with the open transaction."""
        _check_address(address)
        view = memoryview(value)
        parts = max(1, -(-len(view) // PART_BYTES))
        with self._writing() as contents, translated():
            self._remove(contents, address)
            for part in range(parts):
                slot = Slot(address=address, part=part, parts=parts)
                nonce, sealed = self._seal.seal(view[part * PART_BYTES : (part + 1) * PART_BYTES], slot)
                body = self._db.execute("INSERT INTO body (sealed) VALUES (?)", (sealed,)).lastrowid
                self._db.execute(
                    "INSERT INTO record (address, part, parts, nonce, body) VALUES (?, ?, ?, ?, ?)",
                    (address, part, parts, nonce, body),
                )
                contents.add(nonce, slot)

    def delete(self, address: str) -> None:
        """Removes the record if there is one."""
        _check_address(address)
        with self._writing() as contents, translated():
            self._remove(contents, address)

    def delete_all(self, prefix: str) -> None:
        """Removes every record whose address starts with the prefix, which must not be empty."""
        _check_address(prefix)
        with self._writing() as contents, translated():
            for address in self._addresses(prefix):
                self._remove(contents, address)

    def addresses(self, prefix: str = "") -> list[str]:
        """The addresses that start with the prefix, sorted."""
        if prefix:
            _check_address(prefix)
        with self._reading(), translated():
            return self._addresses(prefix)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside happen together at the end, or, when the block raises, not at all. Not re-entrant."""
        if self._contents is not None:
            raise VaultBusy("vault: a transaction is already open")
        with self._writing():
            yield

    def rekey(self, new_passphrase: Secret[str], *, kdf_cost: KdfCost | None = None) -> None:
        """A fresh data key under the new passphrase, and every record sealed anew, in one transaction.

        Other processes get VaultRekeyed from then on. Backups made before keep the passphrase they had.
        Raises PassphraseRefused.
        """
        require_passphrase(new_passphrase)
        data_key = new_data_key()
        header = wrap(data_key, new_passphrase, vault_id=self._vault_id, cost=kdf_cost or KdfCost())
        seal = RecordSeal(data_key, self._vault_id)
        if self._contents is not None:
            raise VaultBusy("vault: a transaction is open")
        with self._writing() as contents, translated():
            contents.become(self._reseal(seal))
            vault_file.write_header(self._db, header)
        self._seal, self._key_id = seal, header.key_id
        with translated():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the old ciphertexts leave the journal too

    def backup(self, file: Path, *, at: str = "") -> None:
        """One consistent file at a free place, sealed as the vault is, under the passphrase now in force.

        It says at `COPIED` that it is a copy, made at this instant: however it is put back, its agent can tell.

        Raises VaultExists, VaultUnusable.
        """
        if self._contents is not None:
            raise VaultBusy("vault: a transaction is open")
        with self._reading():
            pass  # a process that missed a rekey must not hand out a file that it believes it can open
        vault_file.copy(self._db, file, journal_mode="DELETE", marked=lambda copy: self._mark(copy, file, at))

    def _mark(self, copy: sqlite3.Connection, file: Path, at: str) -> None:
        header = vault_file.read_header(copy)
        if header.key_id != self._key_id:
            raise VaultRekeyed("vault: its passphrase was changed by another process; open it again")
        Vault(path=file, db=copy, header=header, seal=self._seal).put(COPIED, at.encode())

    def _piece(self, address: str, index: int, row: tuple[object, ...]) -> tuple[int, bytes]:
        part, parts, nonce, sealed = row
        slot = stored_slot(address, part, parts)
        if slot.part != index:
            raise VaultDamaged("vault: a part of a record is missing")
        return slot.parts, self._seal.unseal(nonce, sealed, slot)

    def _addresses(self, prefix: str) -> list[str]:
        rows = self._db.execute(
            "SELECT DISTINCT address FROM record WHERE address >= ? AND address < ? ORDER BY address",
            (prefix, prefix + _AFTER_ADDRESS),
        )
        return [address for (address,) in rows]

    def _remove(self, contents: Contents, address: str) -> None:
        rows = self._db.execute("SELECT part, parts, nonce, body FROM record WHERE address = ?", (address,)).fetchall()
        for part, parts, nonce, body in rows:
            contents.remove(nonce, stored_slot(address, part, parts))
            self._db.execute("DELETE FROM body WHERE id = ?", (body,))
        self._db.execute("DELETE FROM record WHERE address = ?", (address,))

    def _reseal(self, seal: RecordSeal) -> Contents:
        contents = Contents(seal)
        slots = self._db.execute("SELECT address, part, parts, nonce, body FROM record").fetchall()
        for address, part, parts, nonce, body in slots:
            slot = stored_slot(address, part, parts)
            row = self._db.execute("SELECT sealed FROM body WHERE id = ?", (body,)).fetchone()
            if row is None:
                raise VaultDamaged("vault: a part of a record is missing")
            fresh_nonce, sealed = seal.seal(self._seal.unseal(nonce, row[0], slot), slot)
            self._db.execute("UPDATE body SET sealed = ? WHERE id = ?", (sealed, body))
            self._db.execute("UPDATE record SET nonce = ? WHERE address = ? AND part = ?", (fresh_nonce, address, part))
            contents.add(fresh_nonce, slot)
        return contents

    @contextmanager
    def _writing(self) -> Iterator[Contents]:
        """The open transaction, or one of its own."""
        if self._contents is not None:
            yield self._contents
            return
        with translated():
            self._db.execute("BEGIN IMMEDIATE")
        try:
            with translated():
                self._check_key()
                contents = self._contents = read_contents(self._db, self._seal)
            yield contents
            with translated():
                write_contents(self._db, contents)
                self._db.execute("COMMIT")
        finally:
            self._contents = None
            self._rollback()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One snapshot, in which the key of this object is the one in force."""
        if self._contents is not None:
            yield
            return
        with translated():
            self._db.execute("BEGIN")
        try:
            with translated():
                self._check_key()
            yield
        finally:
            self._rollback()

    def _rollback(self) -> None:
        """Ends what a failure (or the end of a read) left open; after a commit there is nothing to end."""
        with translated():
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _check_key(self) -> None:
        if self._db.execute("SELECT key_id FROM header").fetchone() != (self._key_id,):
            raise VaultRekeyed("vault: its passphrase was changed by another process; open it again")


def _check_address(address: str) -> None:
    if not _ADDRESS.fullmatch(address):
        raise AddressRefused("vault address: 1 to 200 characters out of A-Z a-z 0-9 . _ / : = -")
