"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "invites",
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_for", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_invites")),
    )
    op.create_table(
        "nonces",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("forget_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("partner", "nonce", name=op.f("pk_nonces")),
    )
    with op.batch_alter_table("nonces", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_nonces_forget_at"), ["forget_at"], unique=False)

    op.create_table(
        "partners",
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("identity_key", sa.Text(), nullable=False),
        sa.Column("sealing_key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("change", NUMBER, nullable=False),
        sa.Column("enrolled_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_partners")),
        sa.UniqueConstraint("folded_name", name=op.f("uq_partners_folded_name")),
        sa.UniqueConstraint("id", name=op.f("uq_partners_id")),
    )
    op.create_table(
        "rooms",
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("change", NUMBER, nullable=False),
        sa.Column("anchor", MOMENT, nullable=True),
        sa.Column("closed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_rooms")),
        sa.UniqueConstraint("id", name=op.f("uq_rooms_id")),
    )
    op.create_table(
        "seen_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_seen_keys")),
    )
    op.create_table(
        "answers",
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("edge", MOMENT, nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_answers_room")),
        sa.PrimaryKeyConstraint("room", "number", name=op.f("pk_answers")),
    )
    op.create_table(
        "epoch_keys",
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("epoch", NUMBER, autoincrement=False, nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_epoch_keys_room")),
        sa.PrimaryKeyConstraint("room", "epoch", "partner", name=op.f("pk_epoch_keys")),
    )
    op.create_table(
        "evaluated_batches",
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("epoch", NUMBER, autoincrement=False, nullable=False),
        sa.Column("evaluator", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("rows", NUMBER, nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_evaluated_batches_room")),
        sa.PrimaryKeyConstraint("room", "epoch", "evaluator", "number", name=op.f("pk_evaluated_batches")),
    )
    op.create_table(
        "evaluated_chunks",
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("epoch", NUMBER, autoincrement=False, nullable=False),
        sa.Column("evaluator", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("chunk", NUMBER, autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_evaluated_chunks_room")),
        sa.PrimaryKeyConstraint("room", "epoch", "evaluator", "number", "chunk", name=op.f("pk_evaluated_chunks")),
    )
    op.create_table(
        "evaluations",
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("epoch", NUMBER, nullable=False),
        sa.Column("evaluator", sa.Text(), nullable=False),
        sa.Column("of", sa.Text(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("covers", NUMBER, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_evaluations_room")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_evaluations")),
    )
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.create_index("ix_evaluations_address", ["room", "epoch", "evaluator", "of", "against"], unique=True)

    op.create_table(
        "memberships",
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partners.id"], name=op.f("fk_memberships_partner")),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_memberships_room")),
        sa.PrimaryKeyConstraint("room", "partner", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_partner"), ["partner"], unique=False)

    op.create_table(
        "sealed_chunks",
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("epoch", NUMBER, autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("chunk", NUMBER, autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_sealed_chunks_room")),
        sa.PrimaryKeyConstraint("room", "epoch", "owner", "number", "chunk", name=op.f("pk_sealed_chunks")),
    )
    op.create_table(
        "snapshots",
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("epoch", NUMBER, autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("rows", NUMBER, nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("committed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_snapshots_room")),
        sa.PrimaryKeyConstraint("room", "epoch", "owner", "number", name=op.f("pk_snapshots")),
    )
    with op.batch_alter_table("snapshots", schema=None) as batch_op:
        batch_op.create_index("ix_snapshots_room_committed_at", ["room", "committed_at"], unique=False)

    op.create_table(
        "terms",
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("version", NUMBER, autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("in_force_since", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_terms_room")),
        sa.PrimaryKeyConstraint("room", "version", name=op.f("pk_terms")),
    )
    op.create_table(
        "terms_signatures",
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("version", NUMBER, autoincrement=False, nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_terms_signatures_room")),
        sa.PrimaryKeyConstraint("room", "version", "partner", name=op.f("pk_terms_signatures")),
    )
    op.create_table(
        "withdrawals",
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_withdrawals_room")),
        sa.PrimaryKeyConstraint("room", "partner", "digest", name=op.f("pk_withdrawals")),
    )


def downgrade() -> None:
    op.drop_table("withdrawals")
    op.drop_table("terms_signatures")
    op.drop_table("terms")
    with op.batch_alter_table("snapshots", schema=None) as batch_op:
        batch_op.drop_index("ix_snapshots_room_committed_at")

    op.drop_table("snapshots")
    op.drop_table("sealed_chunks")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_memberships_partner"))

    op.drop_table("memberships")
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.drop_index("ix_evaluations_address")

    op.drop_table("evaluations")
    op.drop_table("evaluated_chunks")
    op.drop_table("evaluated_batches")
    op.drop_table("epoch_keys")
    op.drop_table("answers")
    op.drop_table("seen_keys")
    op.drop_table("rooms")
    op.drop_table("partners")
    with op.batch_alter_table("nonces", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_nonces_forget_at"))

    op.drop_table("nonces")
    op.drop_table("invites")
