"""The escrow's tables. Bulk data rests as the chunks that were uploaded, never as a row per token.

The life of a row: everything under a room is written while that room's row is locked (`escrow.rooms.locked`), and
belongs to one epoch; `escrow.purge` takes it out when the epoch is over or a member leaves. Documents are kept as the
exact JSON that was signed. Answers stay; `seen_keys` outlives rooms.
"""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, LargeBinary, MetaData, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from cleanroom.domain.clock import in_utc

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Aware moments in, aware UTC moments out; SQLite, which drops time zones, gets UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC. Raises NaiveTime."""
        if value is None:
            return None
        utc = in_utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment, aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's API
        datetime: UtcDateTime(),
        str: Text(),
        bytes: LargeBinary(),
        int: BigInteger().with_variant(Integer(), "sqlite"),
    }


class Partner(Base):
    """An enrolled partner. `change` counts what it could see happen."""

    __tablename__ = "partners"

    seq: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    folded_name: Mapped[str] = mapped_column(unique=True)
    identity_key: Mapped[str]
    sealing_key: Mapped[str]
    digest: Mapped[str]
    signed: Mapped[str]
    change: Mapped[int]
    enrolled_at: Mapped[datetime]


class Invite(Base):
    """An invite, by the SHA-256 of its secret. `used_for` is the digest of the enrolment that used it."""

    __tablename__ = "invites"

    secret_hash: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    kind: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_for: Mapped[str | None]


class Nonce(Base):
    """A request seen, until it could not be accepted again anyway."""

    __tablename__ = "nonces"

    partner: Mapped[str] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    forget_at: Mapped[datetime] = mapped_column(index=True)


class Room(Base):
    """A room. `anchor` is when both first snapshots were here; `closed` says how it ended."""

    __tablename__ = "rooms"

    seq: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    change: Mapped[int]
    anchor: Mapped[datetime | None]
    closed: Mapped[str | None]


class Membership(Base):
    """Who is in which room, from the first proposal on."""

    __tablename__ = "memberships"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partners.id"), primary_key=True, index=True)


class TermsVersion(Base):
    """A version of a room's terms; pending while `in_force_since` is empty."""

    __tablename__ = "terms"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    document: Mapped[str]
    in_force_since: Mapped[datetime | None]


class TermsSignature(Base):
    """A member's signature under a version of the terms."""

    __tablename__ = "terms_signatures"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    partner: Mapped[str] = mapped_column(primary_key=True)
    signature: Mapped[str]


class WithdrawalRecord(Base):
    """A member declined or left."""

    __tablename__ = "withdrawals"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    partner: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    signed: Mapped[str]
    received_at: Mapped[datetime]


class EpochKeyRecord(Base):
    """A member's public key of one epoch."""

    __tablename__ = "epoch_keys"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    partner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]
    digest: Mapped[str]
    signed: Mapped[str]


class SeenKey(Base):
    """Every epoch key ever accepted, in any room: the lesser of the encodings of K and -K."""

    __tablename__ = "seen_keys"

    key: Mapped[str] = mapped_column(primary_key=True)


class SnapshotRecord(Base):
    """A committed batch of a member's list."""

    __tablename__ = "snapshots"
    __table_args__ = (Index("ix_snapshots_room_committed_at", "room", "committed_at"),)

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    rows: Mapped[int]
    signed: Mapped[str]
    committed_at: Mapped[datetime]


class SealedChunk(Base):
    """A sealed chunk of a snapshot, committed or in the making."""

    __tablename__ = "sealed_chunks"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    chunk: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    data: Mapped[bytes] = mapped_column(deferred=True)


class EvaluationRecord(Base):
    """A signed evaluation of one pair of snapshots."""

    __tablename__ = "evaluations"

    seq: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"))
    epoch: Mapped[int]
    evaluator: Mapped[str]
    of: Mapped[str]
    against: Mapped[str]
    covers: Mapped[int]
    digest: Mapped[str]
    signed: Mapped[str]

    __table_args__ = (Index("ix_evaluations_address", "room", "epoch", "evaluator", "of", "against", unique=True),)


class EvaluatedBatchRecord(Base):
    """What an evaluator signed about one batch of the other side's list, and whether its rows are all here."""

    __tablename__ = "evaluated_batches"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    evaluator: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rows: Mapped[int]
    root: Mapped[str]
    complete: Mapped[bool]


class EvaluatedChunk(Base):
    """A chunk of evaluated rows. Nobody can read it over HTTP."""

    __tablename__ = "evaluated_chunks"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    evaluator: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    chunk: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    data: Mapped[bytes] = mapped_column(deferred=True)


class AnswerRecord(Base):
    """An answer, as it was first given to either member. `first` and `second` are the pair of snapshots."""

    __tablename__ = "answers"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    edge: Mapped[datetime]
    first: Mapped[str]
    second: Mapped[str]
    to_first: Mapped[str]
    to_second: Mapped[str]
