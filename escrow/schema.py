"""The database's schema: bringing it to this version, and seeing whether it is there."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from cleanroom.messages.entries import OperatorActed
from escrow import ledger
from escrow.database import Database
from escrow.errors import SchemaMissing

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def migrate(database: Database, *, entry: OperatorActed | None = None) -> None:
    """Apply the migrations that are missing, all in one transaction; if there are any, `entry` is put on record."""
    config = _config()
    with database.engine.begin() as connection:
        if _is_current(connection):
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if entry is not None:
            with Session(connection) as session:
                ledger.append(session, ledger.OPERATOR, entry)


def require_current(database: Database) -> None:
    """Nothing, where the schema is this version's.

    Raises:
        SchemaMissing: it is not.
    """
    with database.engine.connect() as connection:
        if not _is_current(connection):
            raise SchemaMissing("database: its tables are not this version's; run `cleanroom-escrow migrate`")


def _is_current(connection: Connection) -> bool:
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == newest


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
