"""Tables of P10: the logs. Nothing in them is ever changed or deleted, but for a member's newest cosignature."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from escrow.tables import Base


class LogRecord(Base):
    """A log, `rooms/{room}` or `operator`, and how many entries it has."""

    __tablename__ = "logs"

    name: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]


class LogEntry(Base):
    """An entry's leaf."""

    __tablename__ = "log_entries"

    log: Mapped[str] = mapped_column(ForeignKey("logs.name"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    leaf: Mapped[bytes]


class LogTile(Base):
    """The hashes of a tile, 32 bytes each (`matching.tiles`); those of its earlier widths are its beginning."""

    __tablename__ = "log_tiles"

    log: Mapped[str] = mapped_column(ForeignKey("logs.name"), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hashes: Mapped[bytes]


class CosignatureRecord(Base):
    """The newest note that a member has cosigned, as it sent it."""

    __tablename__ = "log_cosignatures"

    log: Mapped[str] = mapped_column(ForeignKey("logs.name"), primary_key=True)
    signer: Mapped[str] = mapped_column(ForeignKey("partners.id"), primary_key=True)
    size: Mapped[int]
    note: Mapped[str]
    received_at: Mapped[datetime]
