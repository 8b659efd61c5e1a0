"""Alembic's entry: runs migrations on the connection that `escrow.schema.migrate` hands over."""

from alembic import context

import escrow.consent_tables
import escrow.counting_tables
import escrow.ledger_tables  # noqa: F401 - their tables join the metadata
from escrow.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter tables in place
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
