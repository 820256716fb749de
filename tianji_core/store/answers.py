"""Answers of teachers by request, in ``answers.db`` of the workspace: bounded, and a file that can be removed
at any time. No prompt, address or key is in it: a request is its hash."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tianji_core.gate import without_secrets
from tianji_core.ownership import remove
from tianji_core.roles import check_may_write
from tianji_core.store.wal import use_wal

MOST_BYTES = 256 * 1024**2
"""Size of the file above which the oldest answers make room."""
_ROOM = 10
"""The share of the answers that makes room at once: one in so many."""
_WAIT = 5.0
_MANY = 500
_TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)"


class StoredAnswers:
    """The answers in one file. A file that cannot be used holds nothing and takes nothing; ``fault`` then
    says why, in the words of SQLite."""

    def __init__(self, file: Path, most_bytes: int = MOST_BYTES) -> None:
        self.file = file
        self.fault = ""
        self._most = most_bytes

    @property
    def bytes(self) -> int:
        """Size of the file and of its log, which come and go; 0 where there is none."""
        size = 0
        for path in self._files():
            with contextlib.suppress(FileNotFoundError):
                size += path.stat().st_size
        return size

    def of(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Returns key → answer for those that are known."""
        found: dict[str, dict[str, Any]] = {}
        if not self.file.is_file():
            return found
        with self._tolerant(), self._open() as connection:
            for start in range(0, len(keys), _MANY):
                wanted = keys[start : start + _MANY]
                marks = ",".join("?" * len(wanted))
                query = f"SELECT key, answer FROM answers WHERE key IN ({marks})"
                found |= {key: json.loads(answer) for key, answer in connection.execute(query, wanted)}
        return found

    def keep(self, answers: Mapping[str, Mapping[str, Any]]) -> None:
        """Keeps answers, in the place of earlier ones to the same requests, with known secrets masked."""
        check_may_write()
        rows = [
            (key, without_secrets(json.dumps(answer, ensure_ascii=False))) for key, answer in answers.items()
        ]
        with self._tolerant(), self._open() as connection, connection:
            connection.executemany("REPLACE INTO answers (key, answer) VALUES (?, ?)", rows)
            self._make_room(connection)

    def forget(self) -> None:
        """Removes the file.

        Raises:
            OSError: the system does not allow it.
        """
        for path in self._files():
            remove(path)

    def _files(self) -> list[Path]:
        return [self.file, *(self.file.with_name(self.file.name + end) for end in ("-wal", "-shm"))]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self.file, timeout=_WAIT)) as connection:
            use_wal(connection, _WAIT)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_TABLE)
            yield connection

    @contextlib.contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            self.fault = str(error)

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Removes the oldest answers where the file has become too large; a replaced answer is a new row."""
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        if (pages - free) * size > self._most:
            number = connection.execute("SELECT count(*) FROM answers").fetchone()[0]
            oldest = "SELECT rowid FROM answers ORDER BY rowid LIMIT ?"
            connection.execute(f"DELETE FROM answers WHERE rowid IN ({oldest})", (number // _ROOM + 1,))
