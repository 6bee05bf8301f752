"""What Alembic runs around the migrations: the connection comes from `include/calls/state/migrate.py`."""

from alembic import context
from sqlalchemy import text

from include.calls.state.migrate import VERSION_TABLE

LOCK = 0x63616C6C  # any number, the same for all processes that migrate this database

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=None, version_table=VERSION_TABLE)
with context.begin_transaction():
    # held until the migrations are committed; a process that waits here reads the version table after that
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    context.run_migrations()
