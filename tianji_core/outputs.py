"""Writes what a person asked for to the path that the person gave. Nothing there is replaced, unless the
studio wrote it, it has not changed since, and the person asks to overwrite it.

What the studio wrote is known by hash: of a folder its mark lists the files, of single files ``written.json``
in the workspace.
"""

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tianji_core import ownership
from tianji_core.errors import InputError, StudioError
from tianji_core.files import sha256, unwritable, write_json
from tianji_core.i18n import _
from tianji_core.locks import FileLock
from tianji_core.workspace import Workspace

_FILES = "files"
"""Key of a folder's mark: path in the folder → SHA-256."""


@contextlib.contextmanager
def output_file(workspace: Workspace, path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Yields an empty file beside ``path`` to be written to, which is moved to ``path`` when the block
    succeeds and removed when it fails. A file with the same content may be there.

    Raises:
        InputError: something else is at ``path``, or its folder is missing or cannot be written.
        StudioError: the disk is full.
    """
    path = path.expanduser().absolute()
    _check_place(path)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    except OSError as error:
        raise unwritable(path, error) from error
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        digest = sha256(draft)
        with FileLock(workspace.home / ".written.lock"):
            if os.path.lexists(path):
                _replace_file(workspace, draft, path, digest, overwrite)
            else:
                ownership.put_new(draft, path)
            write_json(_ledger(workspace), {**_written(workspace), str(path): digest})
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        ownership.discard_draft(draft)


def write_output(workspace: Workspace, path: Path, text: str, overwrite: bool = False) -> None:
    """Writes UTF-8 text to ``path``; raises as :func:`output_file`."""
    with (
        output_file(workspace, path, overwrite) as draft,
        draft.open("r+", encoding="utf-8", newline="\n") as file,
    ):
        file.write(text)


def write_output_folder(
    workspace: Workspace, path: Path, write: Callable[[Path], None], overwrite: bool = False
) -> None:
    """Has ``write`` fill an empty folder beside ``path`` and moves it to ``path``. An earlier folder is
    replaced only where it holds exactly the files that the studio wrote.

    Raises:
        InputError: something else is at ``path``, or the folder above it is missing or cannot be written.
        StudioError: the disk is full.
    """
    path = path.expanduser().absolute()
    _check_place(path)
    draft = ownership.draft_folder(path.parent, path.name)
    earlier: Path | None = None
    try:
        write(draft)
        files = _hashes(draft)
        ownership.mark(draft, **{_FILES: files})
        if os.path.lexists(path):
            if _may_stay(path, files, overwrite):
                return
            earlier = ownership.draft_folder(path.parent, path.name) / path.name
            ownership.move(path, earlier)
        ownership.move(draft, path)
    except BaseException as error:
        if earlier is not None and earlier.exists() and not os.path.lexists(path):
            ownership.move(earlier, path)
        if isinstance(error, OSError):
            raise unwritable(path, error) from error
        raise
    finally:
        ownership.discard(draft)
        if earlier is not None:
            ownership.discard(earlier.parent)


def check_output_file(workspace: Workspace, path: Path, overwrite: bool = False) -> None:
    """Checks that a new file may be written to ``path``, before the work whose result it will hold.

    Raises:
        InputError: as for :func:`output_file`.
    """
    path = path.expanduser().absolute()
    _check_place(path)
    if os.path.lexists(path):
        _check_known(workspace, path, overwrite)


def _check_place(path: Path) -> None:
    """Checks that an output may be written to ``path``, as far as that is known before it is made."""
    try:
        if not path.parent.is_dir():
            raise InputError(_("文件夹 {folder} 不存在，请先建好它", folder=path.parent))
        if os.path.lexists(path) and stat.S_IFMT(path.lstat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            raise InputError(_("{path} 是链接或设备，工坊不往那里写；请换一个路径", path=path))
    except OSError as error:
        raise unwritable(path, error) from error


def _replace_file(workspace: Workspace, draft: Path, path: Path, digest: str, overwrite: bool) -> None:
    """Replaces the file that is at ``path`` by ``draft`` with the hash ``digest``, unless they are equal."""
    there = path.lstat()
    if not stat.S_ISREG(there.st_mode):
        raise _foreign(path)
    if there.st_size == draft.stat().st_size and sha256(path) == digest:
        return
    ownership.replace_known(draft, path, _check_known(workspace, path, overwrite))


def _check_known(workspace: Workspace, path: Path, overwrite: bool) -> str:
    """Returns the SHA-256 of the file at ``path``, which may be replaced.

    Raises:
        InputError: it may not.
    """
    known = _written(workspace).get(str(path))
    if known is None or not path.is_file() or sha256(path) != known:
        raise _foreign(path)
    if not overwrite:
        raise _kept(path)
    return known


def _may_stay(path: Path, files: dict[str, str], overwrite: bool) -> bool:
    """Returns whether the folder at ``path`` holds just ``files`` already.

    Raises:
        InputError: it must not be replaced.
    """
    listed = None if path.is_symlink() or not path.is_dir() else ownership.facts_of(path).get(_FILES)
    if not isinstance(listed, dict) or not _holds(path, listed):
        raise _foreign(path)
    if listed == files:
        return True
    if not overwrite:
        raise _kept(path)
    return False


def _holds(folder: Path, files: dict[str, str]) -> bool:
    """Returns whether a folder holds ``files``, unchanged, and nothing else."""
    folders = {parent for name in files for parent in (folder / name).parents}
    seen = 0
    for path in folder.rglob("*"):
        if path.is_symlink():
            return False
        if path.is_dir():
            if path not in folders:
                return False
        elif path != folder / ownership.MARK:
            if not path.is_file() or files.get(str(path.relative_to(folder))) != sha256(path):
                return False
            seen += 1
    return seen == len(files)


def _hashes(folder: Path) -> dict[str, str]:
    """Returns path in the folder → SHA-256 of the files that were just written."""
    return {
        str(path.relative_to(folder)): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / ownership.MARK
    }


def _ledger(workspace: Workspace) -> Path:
    return workspace.home / "written.json"


def _written(workspace: Workspace) -> dict[str, str]:
    """Returns path → SHA-256 of the files that this workspace has written elsewhere."""
    try:
        written = json.loads(_ledger(workspace).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return written if isinstance(written, dict) else {}


def _foreign(path: Path) -> StudioError:
    return InputError(
        _(
            "{path} 已经有了，又不是工坊写的（或写好以后被改过），工坊不动它；请换个名字或自己移走它",
            path=path,
        )
    )


def _kept(path: Path) -> StudioError:
    return InputError(
        _("{path} 已经有了，没有动它；要换掉工坊以前写的，请加 --overwrite，或换个名字", path=path)
    )
