"""Switching a SQLite file to its write-ahead log."""

import sqlite3
import time

_PAUSE = 0.01
"""Seconds between two tries."""


def use_wal(connection: sqlite3.Connection, seconds: float) -> None:
    """Switches the file of a connection to its write-ahead log. Two connections that switch a new file at
    the same moment keep each other from it, and SQLite then refuses one of them at once, however long its
    ``busy_timeout``; that one tries again for ``seconds``.

    Raises:
        sqlite3.Error: the file cannot be switched, or it is still locked afterwards.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(_PAUSE)
