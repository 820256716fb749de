"""A SQLite file that several connections switch to its log at once."""

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from tianji_core.store.wal import use_wal


def test_what_is_refused_at_once_is_tried_again(tmp_path: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "x.db", check_same_thread=False)) as other,
        contextlib.closing(sqlite3.connect(tmp_path / "x.db", timeout=0)) as own,
    ):
        other.execute("CREATE TABLE t (a)")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            use_wal(own, 0)
        ending = threading.Timer(0.2, other.rollback)
        ending.start()
        use_wal(own, 60)
        ending.join()
        assert own.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_another_fault_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database " * 500)
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as connection,
        pytest.raises(sqlite3.DatabaseError, match="not a database"),
    ):
        use_wal(connection, 600)
