"""Alembic's entry: runs inside the transaction that the caller opened."""

from alembic import context

from tianji_core.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
