"""The files that a person chose in a form and has not used yet.

A file is stored as ``drafts/files/<SHA-256>``, the list of a form as ``drafts/files/<form>.json``.
"""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from tianji_core import ownership
from tianji_core.files import storable, write_bytes, write_text
from tianji_core.workspace import Workspace

MOST_KEPT = 256_000_000
"""Bytes of all stored files of a workspace together."""
_writing = threading.Lock()
"""Held while the files of a form change: the sessions of a server are threads of one process."""


class _Listed(BaseModel):
    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class _FileList(BaseModel):
    files: list[_Listed] = []


@dataclass(frozen=True)
class ChosenFile:
    """A stored file: the name that it had, and where its content is."""

    name: str
    path: Path

    @property
    def file_id(self) -> str:
        """The SHA-256 of the content in hexadecimal."""
        return self.path.name

    def getvalue(self) -> bytes:
        """Returns the content."""
        return self.path.read_bytes()


def chosen_files(workspace: Workspace, form: str) -> list[ChosenFile]:
    """Returns the stored files of a form; those that cannot be read are left out."""
    folder = _folder(workspace)
    listed = [ChosenFile(storable(each.name), folder / each.sha256) for each in _listed(folder, form)]
    return [file for file in listed if file.path.is_file()]


def keep_files(workspace: Workspace, form: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Stores the files of a form, each a name and its content, in place of the earlier ones. One that would
    bring all stored files above :data:`MOST_KEPT` is left out.

    Raises:
        StudioError: they cannot be written.
    """
    folder = _folder(workspace)
    with _writing:
        before = _listed(folder, form)
        others = {
            each.sha256
            for path in folder.glob("*.json")
            if path.stem != form
            for each in _listed(folder, path.stem)
        }
        room = MOST_KEPT - sum(_size(folder / each) for each in others)
        now: list[_Listed] = []
        for name, content in files:
            listed = _Listed(name=name, sha256=hashlib.sha256(content).hexdigest())
            known = others | {each.sha256 for each in now}
            if listed.sha256 not in known and len(content) > room:
                continue
            if listed.sha256 not in known:
                room -= len(content)
            if not (folder / listed.sha256).is_file():
                write_bytes(folder / listed.sha256, content)
            now.append(listed)
        if now == before:
            return
        write_text(folder / f"{form}.json", storable(_FileList(files=now).model_dump_json()) + "\n")
        for gone in {each.sha256 for each in before} - {each.sha256 for each in now} - others:
            ownership.discard(folder / gone)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _folder(workspace: Workspace) -> Path:
    return workspace.home / "drafts" / "files"


def _listed(folder: Path, form: str) -> list[_Listed]:
    try:
        return _FileList.model_validate(json.loads((folder / f"{form}.json").read_bytes())).files
    except (OSError, ValueError, ValidationError):
        return []
