"""The vault's table of contents: what makes an added, removed, swapped or older record visible.

Each stored part has a keyed mark (`RecordSeal.mark`); the table is the exclusive or of all marks and their count,
under a keyed tag. It changes with every write at the cost of that write, and is checked as a whole at opening.
"""

import hmac
import sqlite3
from dataclasses import dataclass

from cleanroom.agent.vault_errors import VaultDamaged
from cleanroom.agent.vault_key import RecordSeal, Slot

_PARTS_LIMIT = 1 << 32


@dataclass(slots=True)
class Contents:
    """The running table inside one transaction; `row` is what the file keeps of it."""

    seal: RecordSeal
    total: int = 0
    count: int = 0

    def add(self, nonce: bytes, slot: Slot) -> None:
        """A part was stored."""
        self.total ^= self.seal.mark(nonce, slot)
        self.count += 1

    def remove(self, nonce: bytes, slot: Slot) -> None:
        """A part was deleted."""
        self.total ^= self.seal.mark(nonce, slot)
        self.count -= 1

    def become(self, other: "Contents") -> None:
        """Every part was sealed anew."""
        self.seal, self.total, self.count = other.seal, other.total, other.count

    def row(self) -> tuple[bytes, int, bytes]:
        """Total (32 bytes), count, tag (32 bytes)."""
        return self.total.to_bytes(32, "big"), self.count, self.seal.contents_tag(self.total, self.count)


def read_contents(db: sqlite3.Connection, seal: RecordSeal) -> Contents:
    """The table as the file states it. Raises VaultDamaged when this vault's key did not write it."""
    row = db.execute("SELECT total, count, tag FROM contents").fetchone()
    match row:
        case (bytes(total), int(count), bytes(tag)) if len(total) == len(tag) and 0 <= count < _PARTS_LIMIT:
            contents = Contents(seal, int.from_bytes(total, "big"), count)
        case _:
            raise VaultDamaged("vault: its table of contents is damaged")
    if len(total) != 32 or not hmac.compare_digest(contents.row()[2], tag):  # noqa: PLR2004 - SHA-256
        raise VaultDamaged("vault: its table of contents is damaged")
    return contents


def write_contents(db: sqlite3.Connection, contents: Contents) -> None:
    """Replaces the table, inside the caller's transaction."""
    db.execute("UPDATE contents SET total = ?, count = ?, tag = ?", contents.row())


def check_contents(db: sqlite3.Connection, seal: RecordSeal) -> None:
    """Compares every stored part with the table; reads no ciphertext. Raises VaultDamaged."""
    stated, found = read_contents(db, seal), Contents(seal)
    before = ("", -1)
    for address, part, parts, nonce in db.execute("SELECT address, part, parts, nonce FROM record"):
        slot = stored_slot(address, part, parts)
        # Keys out of order would hide a record from look-ups although this scan still meets it.
        if not isinstance(nonce, bytes) or not before < (slot.address, slot.part):
            raise VaultDamaged("vault: its table of contents is damaged")
        found.add(nonce, slot)
        before = (slot.address, slot.part)
    if (found.total, found.count) != (stated.total, stated.count):
        raise VaultDamaged("vault: a record was added, removed or replaced from outside")


def stored_slot(address: object, part: object, parts: object) -> Slot:
    """A slot out of columns that anyone may have changed. Raises VaultDamaged."""
    match address, part, parts:
        case (str(), int(), int()) if 0 <= part < parts < _PARTS_LIMIT:
            return Slot(address=address, part=part, parts=parts)
        case _:
            raise VaultDamaged("vault: a record's place is damaged")
