"""Rosters, policies, rounds of opening, releases, notices."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _table("rosters", ["partner", "version"], text=["digest", "signed"], of="partners")
    _table("policy_proposals", ["room", "owner", "digest"], text=["signed", "receipt"], numbers=["version"])
    _table(
        "policies",
        ["room", "owner", "version"],
        text=["digest", "signed", "receipt"],
        more=[sa.Column("fresh_epoch", sa.Boolean(), nullable=False), sa.Column("proposed", sa.Text(), nullable=True)],
    )
    _table(
        "rounds",
        ["room", "number"],
        text=["terms", "first_snapshot", "second_snapshot", "first_policy", "second_policy", "cells", "state"],
        numbers=["epoch", "rows"],
        more=[
            sa.Column("started_at", MOMENT, nullable=False),
            sa.Column("first_opened_at", MOMENT, nullable=True),
        ],
    )
    _table("evidence_chunks", ["room", "number", "partner", "chunk"], data=["data"])
    _table("openings", ["room", "number", "prover"], text=["digest", "signed"])
    _table("opening_parts", ["room", "number", "prover", "part"], text=["digest"], data=["data"])
    _table(
        "releases",
        ["room", "epoch", "sender", "number"],
        text=["digest", "sender_policy", "recipient_policy", "signed"],
        numbers=["round"],
    )
    _table("release_batches", ["room", "epoch", "sender", "number", "batch"], text=["digest"], data=["data"])
    _table("notices", ["room", "sender", "number"], text=["digest", "signed"], data=["words"])


def downgrade() -> None:
    for name in (
        *("notices", "release_batches", "releases", "opening_parts", "openings", "evidence_chunks", "rounds"),
        *("policies", "policy_proposals", "rosters"),
    ):
        op.drop_table(name)


_NUMBERS = frozenset({"version", "number", "chunk", "part", "epoch", "batch"})


def _table(  # noqa: PLR0913 - one keyword for each type of column
    name: str,
    key: list[str],
    *,
    text: list[str] | None = None,
    numbers: list[str] | None = None,
    data: list[str] | None = None,
    more: list[sa.Column[Any]] | None = None,
    of: str = "rooms",
) -> None:
    """A table whose rows belong to a room (or to a partner), by its key."""
    op.create_table(
        name,
        *(
            sa.Column(part, NUMBER if part in _NUMBERS else sa.Text(), nullable=False, autoincrement=False)
            for part in key
        ),
        *(sa.Column(column, sa.Text(), nullable=False) for column in text or []),
        *(sa.Column(column, NUMBER, nullable=False) for column in numbers or []),
        *(sa.Column(column, sa.LargeBinary(), nullable=False) for column in data or []),
        *(more or []),
        sa.ForeignKeyConstraint([key[0]], [f"{of}.id"], name=op.f(f"fk_{name}_{key[0]}")),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")),
    )
