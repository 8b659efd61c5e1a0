"""Tables of disclosure control: what members asked of it, what was spent, and the noise.

`spends`, `refills` and `draws` outlive rooms (`escrow.purge` leaves them alone): budgets are of partners, not of rooms,
so that whoever leaves a room and makes another one has gained nothing; and an auditor replays answers after their room
is over. `draws` is the operator's secret: a member who had it would subtract the noise. No route reads it.
"""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from escrow.tables import Base


class SpendRecord(Base):
    """What one answer took from the budget of `owner`'s list towards `recipient`. `at` is its edge, in unix seconds."""

    __tablename__ = "spends"

    owner: Mapped[str] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int]
    units: Mapped[int]
    mode: Mapped[str]
    correction: Mapped[bool]


class RefillRecord(Base):
    """Answers more that two people of `owner` allowed `recipient`, by allowance `number`. `at` is in unix seconds."""

    __tablename__ = "refills"

    owner: Mapped[str] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int]
    units: Mapped[int]


class DrawRecord(Base):
    """The noise of one answer: `draws` are a JSON list, cell by cell, row by row; `salt` is that of its commitment."""

    __tablename__ = "draws"

    room: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    edge: Mapped[datetime]
    salt: Mapped[bytes]
    draws: Mapped[str]


class WishRecord(Base):
    """A member's wish for a stricter mode. `terms` is the version in force when it came."""

    __tablename__ = "counting_wishes"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    partner: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mode: Mapped[str]
    terms: Mapped[int]
    digest: Mapped[str]
    signed: Mapped[str]
    received_at: Mapped[datetime]


class AllowanceRecord(Base):
    """What two people of a member have allowed. `terms` is the digest of the terms that it is about."""

    __tablename__ = "allowances"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    partner: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    act: Mapped[str]
    terms: Mapped[str]
    digest: Mapped[str]
    signed: Mapped[str]


class ProbesRecord(Base):
    """A member has told its probes of an epoch: the digest of the document, and whether they hold."""

    __tablename__ = "probes"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    owner: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    holds: Mapped[bool]


class CorrectionRecord(Base):
    """A member has asked for an answer after number `after`. `edge` is when, and that of the answer."""

    __tablename__ = "corrections"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    after: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    partner: Mapped[str]
    digest: Mapped[str]
    signed: Mapped[str]
    edge: Mapped[datetime]
