"""How much memory a process that writes a great deal gives to the database."""

from sqlalchemy import Engine, event

SMALL = 64 * 1024 * 1024
"""Bytes of a SQLite file that are mapped: the pages count as this process's memory, and reading a whole table once, as
a worker does at the end of its run, gains nothing from more."""


def keep_small(engine: Engine) -> None:
    """Map no more than :data:`SMALL` bytes of a SQLite file from now on. Elsewhere it does nothing."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def on_connect(connection, _record):  # type: ignore[no-untyped-def]
        connection.execute(f"PRAGMA mmap_size={SMALL}").close()

    engine.dispose()  # connections that are open already map more
