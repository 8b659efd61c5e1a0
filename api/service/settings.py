"""What the operator decides when starting the service. Only the command line reads it from anywhere."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from cleanroom.messages.documents import PartnerName

DEFAULT_PORT: Final = 8470
DATABASE_FILE: Final = "escrow.db"


class Settings(BaseModel):
    """`home` holds the escrow's key and, unless `db` names another database (an SQLAlchemy URL), its SQLite file.

    `host` is the partner that operates this escrow, if one does: terms of its rooms say so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    db: SecretStr | None = None
    host: PartnerName | Literal[""] = ""

    @property
    def database_url(self) -> str:
        """Where the tables are. May hold a password."""
        return self.db.get_secret_value() if self.db else f"sqlite:///{self.home / DATABASE_FILE}"
