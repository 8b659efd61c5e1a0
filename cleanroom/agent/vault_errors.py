"""What can go wrong with the vault's file, and the one table from SQLite's errors to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from cleanroom.domain.errors import InputRefused, NotPossibleNow, VerificationFailed


class PassphraseRefused(InputRefused):
    """The passphrase does not meet the rule that the message states."""

    code = "passphrase_refused"


class WrongPassphrase(InputRefused):
    """The vault's header is whole, but this passphrase does not open it."""

    code = "wrong_passphrase"


class AddressRefused(InputRefused):
    """A record's address is not made of the allowed characters."""

    code = "vault_address_refused"


class VaultDamaged(VerificationFailed):
    """The file is not a vault, is cut off, or holds something that this vault's key did not seal there."""

    code = "vault_damaged"


class VaultNewer(NotPossibleNow):
    """A newer version of this software wrote the vault."""

    code = "vault_newer"


class VaultMissing(NotPossibleNow):
    """There is no vault (or no backup) at the given place."""

    code = "vault_missing"


class VaultExists(NotPossibleNow):
    """Something is already at the given place; it is never overwritten."""

    code = "vault_exists"


class VaultRekeyed(NotPossibleNow):
    """Another process changed the passphrase after this one opened the vault; open it again."""

    code = "vault_rekeyed"


class VaultBusy(NotPossibleNow):
    """Another process (or an open transaction of this one) holds the vault."""

    code = "vault_busy"


class VaultUnusable(NotPossibleNow):
    """The operating system refuses to read or write the file: permissions, a full disk, a read-only place."""

    code = "vault_unusable"


_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SYSTEM = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
_PRIMARY = 0xFF  # an extended result code keeps its primary code in the low byte


@contextmanager
def translated() -> Iterator[None]:
    """Errors of SQLite and of the file system inside the block become errors of the vault, without content."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # closed, or used from another thread: a fault of the caller's code, not of the file
    except sqlite3.Error as error:
        # Without a code the error is Python's: a column that does not decode. With any other code a statement
        # that fits our own schema failed, so the schema is not ours any more.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        name = getattr(error, "sqlite_errorname", "undecodable text")
        if code & _PRIMARY in _BUSY:
            raise VaultBusy("vault: another process holds it; try again") from error
        if code & _PRIMARY in _SYSTEM and code != sqlite3.SQLITE_IOERR_SHORT_READ:
            raise VaultUnusable(f"vault: the file cannot be read or written ({name})") from error
        raise VaultDamaged(f"vault: the file is damaged ({name})") from error
    except UnicodeDecodeError:
        # SQLite's own message quotes a damaged schema, and Python fails to decode the quotation.
        raise VaultDamaged("vault: the file is damaged (undecodable schema)") from None
    except OSError as error:
        raise VaultUnusable(f"vault: {error.strerror or 'the operating system refused'}") from error
