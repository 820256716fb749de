"""Opening the SQLite file of a workspace so that none is lost unnoticed, and restoring a backup of it.

The database and the mark of its workspace hold the same number (``PRAGMA user_version``), the identity. Where
they differ, or the file is missing, empty or damaged, the workspace is not opened with it.
"""

import contextlib
import secrets
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from tianji_core import ownership
from tianji_core.errors import DatabaseLostError, InputError, StudioError
from tianji_core.files import unwritable
from tianji_core.i18n import _
from tianji_core.locks import FileLock
from tianji_core.store.backups import (
    DAILY,
    MIGRATION,
    STAMP,
    backup,
    backups,
    check_backup,
    connected,
    copied,
    draft_file,
    file_or_refusal,
)
from tianji_core.store.database import database_file, open_engine

EVERY = timedelta(days=1)
"""Time between two daily backups."""
_IDENTITY = "database"
"""Key of the workspace's mark."""
_ANEW = "anew"
"""Key of the workspace's mark: a person chose to start with an empty database."""


def open_kept(home: Path, url: str) -> Engine:
    """Returns an engine on the workspace's database, after a backup where one is due.

    Raises:
        DatabaseLostError: the workspace has had a database, and this is not it.
        SettingsError: as for :func:`open_engine`.
    """
    file = database_file(url)
    if file is None:
        return open_engine(url)
    known = ownership.facts_of(home).get(_IDENTITY)
    if fault := _fault_of_file(home, file, known):
        raise _lost(home, file, fault)
    new = not file.exists()
    engine = open_engine(url, lambda: _before_migration(home, url))
    if known is None:
        _adopt(home, engine)
    if not new:
        _daily(home, url)
    return engine


def restore(home: Path, url: str, source: Path | None = None) -> Path:
    """Puts a backup (the newest for None) in the place of the database and returns its path. The earlier
    database is moved to ``backups/replaced``, never deleted.

    Raises:
        InputError: there is no backup, or the file is damaged or no database of the studio.
        StudioError: the disk is full, or another process writes to the database.
    """
    file = file_or_refusal(url)
    source = source or next((each.path for each in backups(home)), None)
    if source is None:
        raise InputError(_("工作区 {home} 里没有备份", home=home))
    check_backup(source)
    try:
        with FileLock(home / ".database.lock"):
            if _sound(file):
                _keep_replaced(home, file)
                copied(source, file)
            else:
                _move_aside(home, file)
                with draft_file(file.parent) as draft:
                    copied(source, draft)
                    ownership.put_new(draft, file)
        _forget(home)
    except OSError as error:
        raise unwritable(file, error) from error
    except sqlite3.Error as error:
        raise StudioError(
            _("恢复不了 {file}：{detail}；请先关掉用着它的工坊和任务", file=file, detail=str(error))
        ) from error
    return source


def start_anew(home: Path, url: str) -> None:
    """Moves what is left of the database to ``backups/replaced``, so that the next opening makes an empty
    one.

    Raises:
        InputError: the database is on a server. StudioError: it cannot be moved.
    """
    file = file_or_refusal(url)
    try:
        with FileLock(home / ".database.lock"):
            _move_aside(home, file)
            _forget(home)
            ownership.mark(home, **{_ANEW: True})
    except OSError as error:
        raise unwritable(file, error) from error


def _fault_of_file(home: Path, file: Path, known: int | None) -> str:
    """Returns what is wrong with the file before it is opened, which would make a new one; '' for nothing.
    ``known`` is the identity of the database that the workspace has had."""
    facts = ownership.facts_of(home)
    if known is None and (facts.get(_ANEW) or "made_at" in facts or not _has_work(home)):
        return ""
    if not file.exists():
        return _("不见了")
    if file.stat().st_size == 0:
        return _("是空的")
    if known is not None and (detail := _damage(file)):
        return _("坏了（{detail}）", detail=detail)
    if known is not None and _is_other(file, known):
        return _("不是这个工作区的数据库，或是一个空的数据库")
    return ""


def _has_work(home: Path) -> bool:
    """Returns whether a workspace holds what only a database can have led to."""
    runs = any(path.name.startswith(("run-", "training-")) for path in (home / "runs").glob("*-*"))
    return runs or any(
        path.is_dir() and not path.name.startswith(".") for path in (home / "datasets").glob("*")
    )


def _damage(file: Path) -> str:
    """Returns why SQLite cannot read the file at all, as where it is shorter than its header says; '' where
    it can, or where it only may not now.

    Only SQLite may open the file: the operating system drops the locks of every connection of this process
    when any descriptor of the file is closed.
    """
    try:
        with contextlib.closing(connected(file)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        return ""
    except sqlite3.DatabaseError as error:
        return str(error)
    return ""


def _lost(home: Path, file: Path, fault: str) -> DatabaseLostError:
    newest = next(iter(backups(home)), None)
    if newest is None:
        way_out = _(
            "没有备份；请把它放回原处，或从空的数据库开始：python -m tianji_core restore --anew（原来的文件夹都留着，不会被改写）"
        )
    else:
        way_out = _(
            "最近的备份是 {name}（{time}），用 restore 命令或页面上的按钮恢复它",
            name=newest.path.name,
            time=newest.made_at.astimezone().strftime("%Y-%m-%d %H:%M"),
        )
    return DatabaseLostError(
        _(
            "打不开数据库 {file}：{fault}，而工作区里还有用它做的东西；{way_out}",
            file=file,
            fault=fault,
            way_out=way_out,
        )
    )


def _adopt(home: Path, engine: Engine) -> None:
    """Gives a database without identity one, and writes it into the workspace's mark."""
    with FileLock(home / ".database.lock"), engine.connect() as connection:
        identity = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if not identity:
            identity = secrets.randbelow(2**31 - 1) + 1
            connection.exec_driver_sql(f"PRAGMA user_version = {identity}")
            connection.commit()
        ownership.mark(home, **{_ANEW: False, _IDENTITY: identity})


def _is_other(file: Path, known: int) -> bool:
    """Returns whether the file is a database with another identity; opening it would change it."""
    try:
        with contextlib.closing(connected(file)) as connection:
            (identity,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error:  # opening it names the fault
        return False
    return bool(identity != known)


def _forget(home: Path) -> None:
    """Forgets the identity; the next opening takes over that of the database it finds. What is kept under
    the numbers of samples is moved away with the old database."""
    ownership.mark(home, **{_IDENTITY: None})
    rewrites = home / "rewrites"
    for path in rewrites.glob("*.json"):
        ownership.move(path, _replaced(home) / f"{path.stem}-{_stamp()}.json")


def _keep_replaced(home: Path, file: Path) -> None:
    with draft_file(_replaced(home)) as draft:
        copied(file, draft)
        ownership.put_new(draft, _replaced(home) / f"{file.stem}-{_stamp()}.db")


def _move_aside(home: Path, file: Path) -> None:
    """Moves the file and its write-ahead log, which belong together, where they are there."""
    stamp = _stamp()
    for path in (file, file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
        if path.exists():
            ownership.move(path, _replaced(home) / path.name.replace(file.stem, f"{file.stem}-{stamp}", 1))


def _replaced(home: Path) -> Path:
    folder = home / "backups" / "replaced"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _stamp() -> str:
    return datetime.now(UTC).strftime(STAMP)


def _sound(file: Path) -> bool:
    """Returns whether the file is a database that SQLite can copy."""
    try:
        if not file.is_file() or file.stat().st_size == 0:
            return False
        with contextlib.closing(connected(file)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except (OSError, sqlite3.Error):
        return False


def _before_migration(home: Path, url: str) -> None:
    """Makes a backup, unless there is one since the last change."""
    file = file_or_refusal(url)
    changed = max(
        path.stat().st_mtime for path in (file, file.with_name(file.name + "-wal")) if path.exists()
    )
    newest = next(iter(backups(home)), None)
    if newest is None or newest.made_at.timestamp() < changed:
        backup(home, url, MIGRATION)


def _daily(home: Path, url: str) -> None:
    """Makes the daily backup, unless it is there or another process makes it. A full disk does not stop the
    studio."""
    newest = next(iter(backups(home)), None)
    if newest is not None and datetime.now(UTC) - newest.made_at < EVERY:
        return
    if newest is None and _is_young(home):
        return
    lock = FileLock(home / ".backup.lock")
    try:
        if not lock.try_acquire():
            return
        backup(home, url, DAILY)
    except DatabaseLostError:
        raise
    except (StudioError, OSError):
        return
    finally:
        lock.release()


def _is_young(home: Path) -> bool:
    made_at = ownership.facts_of(home).get("made_at")
    return isinstance(made_at, float) and datetime.now(UTC).timestamp() - made_at < EVERY.total_seconds()
