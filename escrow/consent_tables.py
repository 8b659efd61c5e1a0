"""Tables of P6 to P9: rosters, policies, rounds of opening, releases, notices.

Everything here is signed documents, ciphertext, or what both sides' consent has opened. Rounds, openings and releases
belong to one epoch and go with it (`escrow.purge`); policies and notices stay as long as the room.
"""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from escrow.tables import Base


class RosterRecord(Base):
    """A version of a partner's roster of users."""

    __tablename__ = "rosters"

    partner: Mapped[str] = mapped_column(ForeignKey("partners.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    signed: Mapped[str]


class ProposalRecord(Base):
    """A policy that its author has signed, and when it came: the clock of somebody who approves alone."""

    __tablename__ = "policy_proposals"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    owner: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    signed: Mapped[str]
    receipt: Mapped[str]


class PolicyRecord(Base):
    """A policy in force since its receipt, or a former one."""

    __tablename__ = "policies"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    owner: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    fresh_epoch: Mapped[bool]
    signed: Mapped[str]
    receipt: Mapped[str]
    proposed: Mapped[str | None]


class RoundRecord(Base):
    """A round of opening: which matches of one pair of snapshots, under which two policies, in which cells.

    `state`: open, exchanged (both openings are here), void (overtaken), lapsed (answered by one side only), or empty
    (there was nothing to open, remembered so that nobody looks again). Rows of batches up to `first_mature` and
    `second_mature` were old enough to be opened; `exchanged_after` is the number of the newest answer at the exchange.
    """

    __tablename__ = "rounds"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    terms: Mapped[str]
    first_snapshot: Mapped[str]
    second_snapshot: Mapped[str]
    first_policy: Mapped[str]
    second_policy: Mapped[str]
    cells: Mapped[str]
    rows: Mapped[int]
    state: Mapped[str]
    started_at: Mapped[datetime]
    first_opened_at: Mapped[datetime | None]
    first_mature: Mapped[int]
    second_mature: Mapped[int]
    exchanged_after: Mapped[int | None]


class EvidenceChunk(Base):
    """What one member is shown in a round: the other side's rows that match its own, with their paths."""

    __tablename__ = "evidence_chunks"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    partner: Mapped[str] = mapped_column(primary_key=True)
    chunk: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(deferred=True)


class OpeningRecord(Base):
    """A member's opening of a round, on record; checked once it is `delivered`."""

    __tablename__ = "openings"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    prover: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    signed: Mapped[str]
    delivered: Mapped[bool]


class OpeningPart(Base):
    """A part of an opening that is on record."""

    __tablename__ = "opening_parts"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    prover: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    data: Mapped[bytes] = mapped_column(deferred=True)


class ReleaseRecord(Base):
    """A member's release, number n of the epoch, on record.

    `complete` once all its batches are here; `handed_over` once its recipient could read it.
    """

    __tablename__ = "releases"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sender: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    round: Mapped[int]
    digest: Mapped[str]
    sender_policy: Mapped[str]
    recipient_policy: Mapped[str]
    signed: Mapped[str]
    complete: Mapped[bool]
    handed_over: Mapped[bool]


class ReleaseBatch(Base):
    """A sealed batch of a release that is on record."""

    __tablename__ = "release_batches"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sender: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    batch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    data: Mapped[bytes] = mapped_column(deferred=True)


class NoticeRecord(Base):
    """A notice of one member to the other, with its sealed words."""

    __tablename__ = "notices"

    room: Mapped[str] = mapped_column(ForeignKey("rooms.id"), primary_key=True)
    sender: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    signed: Mapped[str]
    words: Mapped[bytes]
