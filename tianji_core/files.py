"""Writing files atomically: a reader never sees half of one."""

import contextlib
import errno
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from tianji_core.errors import DiskFullError, InputError, StudioError
from tianji_core.i18n import _
from tianji_core.ownership import check_replaceable, discard_draft, replace
from tianji_core.ownership import sha256 as sha256
from tianji_core.roles import check_may_write

_HALVES = re.compile("[\ud800-\udfff]")


@contextlib.contextmanager
def atomic_writer(path: Path, mode: int = 0o600) -> Iterator[TextIO]:
    """Opens a UTF-8 text file beside ``path``; on success it is flushed to disk and renamed to ``path``, on
    an exception it is removed and ``path`` stays unchanged.

    Raises:
        ForbiddenError: the person who acts may not write.
        InputError: the folder cannot be written, or ``path`` is a folder, a link or a file that the studio
            did not make. StudioError: the disk is full.
    """
    check_may_write()
    try:
        check_replaceable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        replace(Path(temporary), path)
    except BaseException as error:
        discard_draft(Path(temporary))
        if isinstance(error, OSError):
            raise unwritable(path, error) from error
        raise


def unwritable(path: Path, error: OSError) -> StudioError:
    """Returns the error for a path that cannot be written: DiskFullError, StudioError where the disk is
    broken, else InputError."""
    kind: type[StudioError] = StudioError if error.errno == errno.EIO else InputError
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        kind = DiskFullError
    return kind(
        _(
            "写不了 {file}（{detail}）；请检查路径、权限和磁盘空间，原来的内容没有动",
            file=path,
            detail=error.strerror or error,
        )
    )


def write_text(path: Path, text: str, mode: int = 0o600) -> None:
    """Replaces the file ``path`` with ``text`` in one step."""
    with atomic_writer(path, mode) as file:
        file.write(text)


def write_bytes(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replaces the file ``path`` with ``content`` in one step."""
    with atomic_writer(path, mode) as file:
        file.buffer.write(content)


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Replaces the file ``path`` with ``value`` as JSON, non-ASCII characters kept."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


def storable(text: str) -> str:
    """Returns ``text`` in a form that every file and database can store: lone surrogates, which JSON may
    contain (``\\ud800``), become a replacement character, NUL is removed."""
    return _HALVES.sub("\ufffd", text).replace("\0", "")
