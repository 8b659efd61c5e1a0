"""Answers are given to each member on its own, and paid for from budgets.

Rounds that were exchanged before cost nothing: there were no budgets. A round that was open is begun again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("answers") as changed:
        changed.alter_column("signed", new_column_name="to_first", existing_type=sa.Text())
        changed.add_column(sa.Column("to_second", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE answers SET to_second = to_first")
    with op.batch_alter_table("answers") as changed:
        changed.alter_column("to_second", existing_type=sa.Text(), server_default=None)
    with op.batch_alter_table("rounds") as changed:
        changed.add_column(sa.Column("exchanged_after", NUMBER, nullable=True))
        for name in ("first_mature", "second_mature"):
            changed.add_column(sa.Column(name, NUMBER, nullable=False, server_default="0"))
    with op.batch_alter_table("rounds") as changed:
        for name in ("first_mature", "second_mature"):
            changed.alter_column(name, existing_type=NUMBER, server_default=None)
    _budgets()
    _asked()


def downgrade() -> None:
    for name in ("corrections", "probes", "allowances", "counting_wishes", "draws", "refills", "spends"):
        op.drop_table(name)
    with op.batch_alter_table("rounds") as changed:
        for name in ("exchanged_after", "first_mature", "second_mature"):
            changed.drop_column(name)
    with op.batch_alter_table("answers") as changed:
        changed.drop_column("to_second")
        changed.alter_column("to_first", new_column_name="signed", existing_type=sa.Text())


def _budgets() -> None:
    of_a_pair = ["owner", "recipient", "room"]
    _table("spends", of_a_pair, "number", _number("at"), _number("units"), _text("mode"), _flag("correction"))
    _table("refills", of_a_pair, "number", _number("at"), _number("units"))
    salt: sa.Column[object] = sa.Column("salt", sa.LargeBinary(), nullable=False)
    _table("draws", ["room"], "number", _moment("edge"), salt, _text("draws"))


def _asked() -> None:
    signed = "digest", "signed"
    for name, more in (
        ("counting_wishes", [_text("mode"), _number("terms"), *map(_text, signed), _moment("received_at")]),
        ("allowances", [_text("act"), _text("terms"), *map(_text, signed)]),
    ):
        _table(name, ["room", "partner"], "number", *more, of_room=True)
    _table("probes", ["room", "owner"], "epoch", _text("digest"), _flag("holds"), of_room=True)
    _table("corrections", ["room"], "after", *map(_text, ("partner", *signed)), _moment("edge"), of_room=True)


def _table(name: str, texts: list[str], number: str, *more: sa.Column[object], of_room: bool = False) -> None:
    """A table with a key of texts and a number; if `of_room`, below a room that exists."""
    rooms = [sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f(f"fk_{name}_room"))] if of_room else []
    op.create_table(
        name,
        *map(_text, texts),
        sa.Column(number, NUMBER, nullable=False, autoincrement=False),
        *more,
        *rooms,
        sa.PrimaryKeyConstraint(*texts, number, name=op.f(f"pk_{name}")),
    )


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str) -> sa.Column[object]:
    return sa.Column(name, NUMBER, nullable=False)


def _flag(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, MOMENT, nullable=False)
