"""Limits the memory that a process which writes much gives to the database."""

from sqlalchemy import Engine, event

SMALL = 64 * 1024 * 1024
"""Bytes of a SQLite file that are mapped. Mapped pages count as memory of this process, and a worker that
reads a whole table once gains nothing from more."""


def keep_small(engine: Engine) -> None:
    """Maps at most :data:`SMALL` bytes of a SQLite file from now on; does nothing for other databases."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def on_connect(connection, _record):  # type: ignore[no-untyped-def]
        connection.execute(f"PRAGMA mmap_size={SMALL}").close()

    engine.dispose()  # connections that are open already map more
