"""Logins that last: each has a random token in the browser's cookie, of which the server keeps only the hash
(``access/sessions.json``, mode 600)."""

import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.access.users import access_folder, folded
from tianji_core.files import write_json
from tianji_core.locks import FileLock
from tianji_core.roles import bookkeeping
from tianji_core.workspace import Workspace

IDLE, LONGEST = timedelta(days=14), timedelta(days=90)
"""A login ends this long after its last request, and this long after its beginning."""
SEEN_EVERY = timedelta(minutes=5)
"""Precision with which the last request is recorded."""
MOST = 1000
"""Logins that are kept; the one unused for longest ends first."""


class Session(BaseModel):
    """A login. ``user`` is '' for the person who started the studio and came with its one-time link."""

    model_config = ConfigDict(frozen=True)

    token_hash: str = Field(pattern="^[0-9a-f]{64}$")
    user: str
    address: str = Field(max_length=64)
    browser: str = Field(max_length=200)
    began_at: datetime
    seen_at: datetime

    @property
    def id(self) -> str:
        """Returns a short name that gives no access."""
        return self.token_hash[:12]

    def ended(self, now: datetime) -> bool:
        """Returns whether it has become too old."""
        return now - self.seen_at > IDLE or now - self.began_at > LONGEST


class Sessions:
    """The logins of a workspace; they survive a restart of the server."""

    def __init__(self, workspace: Workspace) -> None:
        self.path = access_folder(workspace) / "sessions.json"
        self._lock = threading.Lock()
        self._read: dict[str, Session] = {}
        self._stamp: tuple[int, int, int] | None = None

    def begin(self, user: str, address: str = "", browser: str = "") -> str:
        """Stores a new login and returns its token."""
        token = secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        session = Session(
            token_hash=_hash(token),
            user=user,
            address=address[:64],
            browser=browser[:200],
            began_at=now,
            seen_at=now,
        )
        with self._changing() as sessions:
            sessions[session.token_hash] = session
        return token

    def find(self, token: str) -> Session | None:
        """Returns the login with this token, or None for one that has ended."""
        now = datetime.now(UTC)
        with self._lock:
            session = self._current().get(_hash(token))
        if session is None or session.ended(now):
            return None
        if now - session.seen_at > SEEN_EVERY:
            with bookkeeping(), self._changing() as sessions:
                if session.token_hash in sessions:
                    sessions[session.token_hash] = session.model_copy(update={"seen_at": now})
        return session

    def listed(self) -> list[Session]:
        """Returns the logins, the one used last first."""
        now = datetime.now(UTC)
        with self._lock:
            sessions = [session for session in self._current().values() if not session.ended(now)]
        return sorted(sessions, key=lambda session: session.seen_at, reverse=True)

    def end(self, session_id: str) -> None:
        """Ends a login; its open pages are closed with their next message."""
        with self._changing() as sessions:
            for session in [session for session in sessions.values() if session.id == session_id]:
                del sessions[session.token_hash]

    def end_all(self, user: str, but: str = "") -> None:
        """Ends the logins of a user, except the one with the id ``but``."""
        with self._changing() as sessions:
            theirs = [one for one in sessions.values() if folded(one.user) == folded(user)]
            for session in [one for one in theirs if one.id != but]:
                del sessions[session.token_hash]

    def _current(self) -> dict[str, Session]:
        """The stored logins, read again when the file has changed. A damaged file counts as no logins."""
        try:
            status = self.path.stat()
            stamp = status.st_mtime_ns, status.st_size, status.st_ino
            if stamp != self._stamp:
                stored = json.loads(self.path.read_text(encoding="utf-8"))
                sessions = (Session.model_validate(entry) for entry in stored)
                self._read = {session.token_hash: session for session in sessions}
                self._stamp = stamp
        except (OSError, ValueError, TypeError, ValidationError):
            self._read, self._stamp = {}, None
        return self._read

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Session]]:
        """Holds the logins for a change and stores those that have not ended."""
        with self._lock, FileLock(self.path.with_suffix(".lock")):
            sessions = dict(self._current())
            yield sessions
            now = datetime.now(UTC)
            kept = [session for session in sessions.values() if not session.ended(now)]
            kept = sorted(kept, key=lambda session: session.seen_at)[-MOST:]
            write_json(self.path, [session.model_dump(mode="json") for session in kept], indent=None)
            self._stamp = None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
