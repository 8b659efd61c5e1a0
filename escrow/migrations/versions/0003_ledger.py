"""The logs. Openings are delivered, and releases complete and handed over, after they were put on record.

What was here before counts as that: nobody can put it on record any more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = (("openings", "delivered"), ("releases", "complete"), ("releases", "handed_over"))


def upgrade() -> None:
    op.create_table(
        "logs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_logs")),
    )
    _of_a_log("log_entries", ["number"], sa.Column("leaf", sa.LargeBinary(), nullable=False))
    _of_a_log("log_tiles", ["level", "number"], sa.Column("hashes", sa.LargeBinary(), nullable=False))
    _of_a_log(
        "log_cosignatures",
        [],
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["signer"], ["partners.id"], name=op.f("fk_log_cosignatures_signer")),
    )
    for table, column in STATES:
        with op.batch_alter_table(table) as changed:
            changed.add_column(sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.true()))
        with op.batch_alter_table(table) as changed:
            changed.alter_column(column, existing_type=sa.Boolean(), server_default=None)


def downgrade() -> None:
    for table, column in STATES:
        with op.batch_alter_table(table) as changed:
            changed.drop_column(column)
    for name in ("log_cosignatures", "log_tiles", "log_entries", "logs"):
        op.drop_table(name)


def _of_a_log(name: str, key: list[str], *more: sa.Column[object] | sa.ForeignKeyConstraint) -> None:
    """A table whose rows belong to a log: its key is the log and these numbers, or the signer."""
    whole = ["log", *(key or ["signer"])]
    op.create_table(
        name,
        sa.Column("log", sa.Text(), nullable=False),
        *(sa.Column(part, NUMBER, nullable=False, autoincrement=False) for part in key),
        *more,
        sa.ForeignKeyConstraint(["log"], ["logs.name"], name=op.f(f"fk_{name}_log")),
        sa.PrimaryKeyConstraint(*whole, name=op.f(f"pk_{name}")),
    )
