"""Backups of the SQLite file of a workspace, in ``backups/`` with their SHA-256; the last ones are kept.

A database on a server is backed up with its own tools.
"""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tianji_core import ownership
from tianji_core.errors import DatabaseLostError, InputError, StudioError
from tianji_core.files import sha256, unwritable, write_text
from tianji_core.i18n import _
from tianji_core.store.address import shown_address
from tianji_core.store.database import database_file

KEPT = 10
"""Backups kept; older ones are removed."""
STAMP = "%Y%m%dT%H%M%S%fZ"
DAILY, MIGRATION, ON_DEMAND = "daily", "migration", "manual"


@dataclass(frozen=True)
class Backup:
    """One backup. ``size`` in bytes; ``made_at`` in UTC; ``reason`` is daily, migration or manual."""

    path: Path
    made_at: datetime
    size: int
    reason: str


def backup(home: Path, url: str, reason: str = ON_DEMAND) -> Backup:
    """Backs the database up and removes the oldest backups beyond ``KEPT``; returns the new one.

    Raises:
        InputError: the database is on a server; names the command to use. StudioError: the disk is full.
        DatabaseLostError: the database is damaged.
    """
    file = file_or_refusal(url)
    folder = home / "backups"
    stamp = datetime.now(UTC).strftime(STAMP)
    path = folder / f"{file.stem}-{stamp}-{reason}.db"
    try:
        folder.mkdir(exist_ok=True)
        with draft_file(folder) as draft:
            copied(file, draft)
            _check_whole(draft, file)
            digest = sha256(draft)
            ownership.put_new(draft, path)
            write_text(checksum_file(path), f"{digest}  {path.name}\n")
    except OSError as error:
        raise unwritable(path, error) from error
    except sqlite3.Error as error:
        raise StudioError(
            _("数据库 {file} 备份不了：{detail}", file=file, detail=str(error).splitlines()[0])
        ) from error
    for old in backups(home)[KEPT:]:
        ownership.discard(old.path)
        ownership.discard(checksum_file(old.path))
    return _described(path)


def backups(home: Path) -> list[Backup]:
    """Returns the backups of a workspace, newest first."""
    found = []
    for path in (home / "backups").glob("*-*-*.db"):
        with contextlib.suppress(ValueError, OSError):
            found.append(_described(path))
    return sorted(found, key=lambda each: each.made_at, reverse=True)


def file_or_refusal(url: str) -> Path:
    """Returns the SQLite file at an address.

    Raises:
        InputError: the database is on a server; names the commands to use.
    """
    file = database_file(url)
    if file is None:
        raise InputError(
            _(
                "数据库 {url} 在服务器上，请用它自己的工具备份：pg_dump --format=custom --file=studio.dump 库名；"
                "恢复用 pg_restore --clean --dbname=库名 studio.dump",
                url=shown_address(url),
            )
        )
    return file


def check_backup(source: Path) -> None:
    """Checks that a file is a whole database of the studio, and equals its SHA-256 where that is beside it.

    Raises:
        InputError: it is not.
    """
    try:
        digest = checksum_file(source)
        if digest.is_file() and digest.read_text(encoding="utf-8").split()[:1] != [sha256(source)]:
            raise InputError(_("备份 {file} 和它的校验值不一样，请换一个", file=source))
        if not source.is_file():
            raise InputError(_("没有备份文件 {file}，请检查路径", file=source))
        with contextlib.closing(connected(source)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
            connection.execute("SELECT count(*) FROM samples").fetchone()
    except (OSError, ValueError, sqlite3.Error) as error:
        detail = str(error).splitlines()[0]
        raise InputError(_("{file} 不是工坊的数据库：{detail}", file=source, detail=detail)) from error
    if said != "ok":
        raise InputError(_("备份 {file} 坏了（{detail}），请换一个", file=source, detail=said))


def checksum_file(path: Path) -> Path:
    """Returns the file beside a backup that holds its SHA-256, in the form of ``sha256sum``."""
    return path.with_name(path.name + ".sha256")


@contextlib.contextmanager
def draft_file(folder: Path) -> Iterator[Path]:
    """Yields an empty file in ``folder``, which is removed afterwards where it was not moved into place."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".database.", suffix=".part")
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        ownership.discard_draft(Path(name))


def connected(file: Path) -> sqlite3.Connection:
    """Returns a connection to an existing SQLite file.

    Raises:
        sqlite3.Error: there is none, or it cannot be opened.
    """
    address = file.absolute().as_uri() + "?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=30, isolation_level=None)


def copied(source: Path, target: Path) -> None:
    """Replaces the content of the database ``target`` by that of ``source``, as of one moment; processes that
    use either go on."""
    with contextlib.closing(connected(source)) as old, contextlib.closing(connected(target)) as new:
        old.backup(new)


def _check_whole(draft: Path, file: Path) -> None:
    with contextlib.closing(connected(draft)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise DatabaseLostError(
            _("数据库 {file} 坏了（{detail}）；用 restore 命令恢复一个备份", file=file, detail=said[:200])
        )


def _described(path: Path) -> Backup:
    _stem, stamp, reason = path.stem.rsplit("-", 2)
    made_at = datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    return Backup(path, made_at, path.stat().st_size, reason)
