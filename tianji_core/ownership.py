"""Which files and folders the studio made, and the only functions that remove, move or replace any.

A folder that the studio makes carries a mark, a small file. A folder may be removed or moved where it
carries a mark or lies inside a marked folder other than a workspace; a file where any folder above it is
marked. A link is removed as a link; what lies behind one is not the studio's, except where a person put a
room of the workspace on another disk. A person's file or folder is refused wherever it lies. Each function
asks first whether the person who acts may write (:mod:`tianji_core.roles`).
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.roles import check_may_write

MARK = ".tianji-studio"
"""The mark: a JSON object. That of a workspace has the key ``workspace``."""
ROOMS = ("datasets", "runs", "models", "logs", "exports")
"""The folders that every workspace has."""
_SIGNS = (MARK, "tianji.json")
"""Files that only the studio writes; ``tianji.json`` describes a model and is older than the mark."""
_MADE_BY = {"made_by": "Tianji Studio, which may remove or replace this folder"}


def mark(folder: Path, **facts: Any) -> None:
    """Marks a folder that the studio has just made; ``facts`` are added to those of an earlier mark."""
    text = json.dumps({**_MADE_BY, **facts_of(folder), **facts}, ensure_ascii=False) + "\n"
    descriptor, draft = tempfile.mkstemp(dir=folder, prefix=MARK, suffix=".part")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(draft).replace(folder / MARK)


def facts_of(folder: Path) -> dict[str, Any]:
    """Returns what the mark of a folder says; {} where there is none or it cannot be read."""
    try:
        facts = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def new_folder(path: Path) -> Path:
    """Makes and marks a folder and returns it.

    Raises:
        InputError: something has this name, or the folder cannot be made.
    """
    check_may_write()
    try:
        path.mkdir()
        mark(path)
    except FileExistsError as error:
        raise InputError(_("{path} 已经有了，工坊不动它；请换个名字或先把它移走", path=path)) from error
    except OSError as error:
        raise _unusable(path, error) from error
    return path


def draft_folder(parent: Path, name: str) -> Path:
    """Makes a marked, hidden folder in ``parent`` for what will be called ``name``, and returns it."""
    check_may_write()
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{name[:40]}.", suffix=".part", dir=parent))
        mark(draft)
    except OSError as error:
        raise _unusable(parent, error) from error
    return draft


def claim_folder(path: Path) -> Path:
    """Returns a marked folder at ``path``: a new one, an empty one that is marked now, or one that the studio
    made before.

    Raises:
        InputError: it holds something that the studio did not make, or is no folder.
    """
    check_may_write()
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(_("{path} 是文件、链接或设备，不能当文件夹用；请换一个路径", path=path))
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not _marked(path):
            if any(path.iterdir()):
                raise InputError(_("{path} 里有不是工坊写的东西，工坊不动它；请换一个空文件夹", path=path))
            mark(path)
    except OSError as error:
        raise _unusable(path, error) from error
    return path


def is_own(path: Path) -> bool:
    """Returns whether the studio may remove, move or replace what is at ``path``: a file or link below a
    marked folder, or a folder that is marked or below a marked folder other than a workspace."""
    if ".." in path.parts:
        return False
    path = path.absolute()
    try:
        kind = path.lstat().st_mode
    except OSError:
        return False
    is_folder = stat.S_ISDIR(kind)
    if not (is_folder or stat.S_ISREG(kind) or stat.S_ISLNK(kind)):
        return False
    for folder in (path, *path.parents) if is_folder else path.parents:
        if _marked(folder):
            return not is_folder or not _is_workspace(folder)
        if folder.is_symlink() and not (folder.name in ROOMS and _is_workspace(folder.parent)):
            return False
    return False


def remove(path: Path) -> None:
    """Removes a file, a link or a folder with everything in it; nothing happens where there is none.

    Raises:
        InputError: the studio did not make it. OSError: the system does not allow it.
    """
    check_may_write()
    if not os.path.lexists(path):
        return
    _check(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def discard(path: Path) -> None:
    """Removes what the studio made at ``path``, as far as possible; leaves anything else alone and raises
    nothing. For cleaning up."""
    if not is_own(path):
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def move(source: Path, target: Path) -> None:
    """Moves what the studio made to ``target`` on the same file system.

    Raises:
        InputError: the studio did not make ``source``, or something is at ``target``. OSError: the system
            does not allow it.
    """
    check_may_write()
    _check(source)
    if source.is_dir() and not source.is_symlink():
        try:
            if target.is_dir() and not target.is_symlink():  # the system would replace an empty folder
                raise FileExistsError
            source.rename(target)
        except (FileExistsError, NotADirectoryError) as error:
            raise _taken(target) from error
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            raise _taken(target) from error
    else:
        put_new(source, target)


def check_new(target: Path) -> None:
    """Checks that a new file can be written at ``target``.

    Raises:
        InputError: something is there. OSError: the system does not allow it.
    """
    check_may_write()
    if os.path.lexists(target):
        raise _taken(target)
    with tempfile.TemporaryFile(dir=target.parent):
        pass


def copy(source: Path, target: Path) -> None:
    """Copies the content of a file to a new file; where that fails, nothing is left of it.

    Raises:
        InputError: something is at ``target``. OSError: the system does not allow it.
    """
    check_may_write()
    try:
        with source.open("rb") as old, target.open("xb") as new:
            try:
                shutil.copyfileobj(old, new, 1024 * 1024)
            except BaseException:
                target.unlink(missing_ok=True)
                raise
    except FileExistsError as error:
        raise _taken(target) from error


def put_new(draft: Path, target: Path) -> None:
    """Moves the file ``draft`` to ``target``, where nothing is.

    Raises:
        InputError: something is there. OSError: the system does not allow it.
    """
    check_may_write()
    try:
        try:
            os.link(draft, target, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:  # a file system without links: reserve the name first
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            draft.replace(target)
            return
    except FileExistsError as error:
        raise _taken(target) from error
    draft.unlink()


def replace(draft: Path, target: Path) -> None:
    """Moves the file ``draft`` to ``target`` in one step, over a file that the studio made.

    Raises:
        InputError: something else is there. OSError: the system does not allow it.
    """
    check_may_write()
    if not os.path.lexists(target):
        put_new(draft, target)
        return
    check_replaceable(target)
    draft.replace(target)


def put_link(link: Path, target: Path) -> None:
    """Makes a link to ``target`` in one step, over an earlier link.

    Raises:
        InputError: something other than a link is there. OSError: the system does not allow it.
    """
    check_may_write()
    if os.path.lexists(link) and not link.is_symlink():
        raise _foreign(link)
    with tempfile.TemporaryDirectory(dir=link.parent, prefix=".link-") as folder:
        draft = Path(folder) / link.name
        draft.symlink_to(target)
        draft.replace(link)


def replace_known(draft: Path, target: Path, digest: str) -> None:
    """Moves the file ``draft`` to ``target`` over the file with this SHA-256, which the studio wrote there.

    Raises:
        InputError: something else is there. OSError: the system does not allow it.
    """
    check_may_write()
    if not stat.S_ISREG(target.lstat().st_mode) or sha256(target) != digest:
        raise _foreign(target)
    draft.replace(target)


def discard_draft(draft: Path) -> None:
    """Removes a file that was to be moved into place: hidden, with the suffix ``.part``."""
    if draft.name.startswith(".") and draft.suffix == ".part" and not draft.is_dir():
        with contextlib.suppress(OSError):
            draft.unlink()


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_replaceable(target: Path) -> None:
    """Checks that a file may be written at ``target``: nothing is there, or a file that the studio made.

    Raises:
        InputError: a folder, link, device or a person's file is there.
    """
    if not os.path.lexists(target):
        return
    if not stat.S_ISREG(target.lstat().st_mode):
        raise InputError(_("{path} 是文件夹、链接或设备，工坊不往那里写；请换一个路径", path=target))
    _check(target)


def _check(path: Path) -> None:
    if not is_own(path):
        raise _foreign(path)


def _foreign(path: Path) -> InputError:
    return InputError(_("{path} 不是工坊建的，工坊不删除也不替换它；请换个名字，或自己把它移走", path=path))


def _marked(folder: Path) -> bool:
    return any(os.path.lexists(folder / sign) for sign in _SIGNS)


def _is_workspace(folder: Path) -> bool:
    return "workspace" in facts_of(folder)


def _taken(target: Path) -> InputError:
    return InputError(_("{path} 已经有了，工坊不动它；请换个名字或先把它移走", path=target))


def _unusable(path: Path, error: OSError) -> InputError:
    return InputError(
        _("用不了文件夹 {folder}（{detail}），请换一个或改权限", folder=path, detail=error.strerror or error)
    )
