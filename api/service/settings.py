"""What the operator decides when starting the service. Only the command line reads it from anywhere."""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, SecretStr

DEFAULT_PORT: Final = 8470
DATABASE_FILE: Final = "escrow.db"


class Settings(BaseModel):
    """`home` holds the escrow's key and, unless `db` names another database (an SQLAlchemy URL), its SQLite file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    db: SecretStr | None = None

    @property
    def database_url(self) -> str:
        """Where the tables are. May hold a password."""
        return self.db.get_secret_value() if self.db else f"sqlite:///{self.home / DATABASE_FILE}"
