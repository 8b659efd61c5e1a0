"""The database's schema: bringing it to this version, and seeing whether it is there."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from escrow.database import Database
from escrow.errors import SchemaMissing

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Apply the migrations that are missing, all in one transaction."""
    config = _config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def require_current(database: Database) -> None:
    """Nothing, where the schema is this version's.

    Raises:
        SchemaMissing: it is not.
    """
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    with database.engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() != newest:
            raise SchemaMissing("database: its tables are not this version's; run `cleanroom-escrow migrate`")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
