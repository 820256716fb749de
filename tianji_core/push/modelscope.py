"""ModelScope's client.

The library's own upload of a folder creates a public repository where there is none and reports whole files
only; its requests are used one by one here.
"""

import base64
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from tianji_core.files import sha256
from tianji_core.i18n import _
from tianji_core.push.contents import PushFile
from tianji_core.push.repository import Repository
from tianji_core.push.sending import ReadFile, Sending
from tianji_core.push.target import PushTarget
from tianji_core.workspace import Workspace

_BRANCH = "master"
_THREADS = 4


class ModelScope:
    """The repository of a target on ModelScope or a server that speaks its API."""

    def __init__(self, workspace: Workspace, target: PushTarget, token: str) -> None:
        # The library keeps its own token and a session number in the home folder otherwise.
        os.environ["MODELSCOPE_HOME"] = str(workspace.home / "cache" / "modelscope" / "home")
        os.environ.setdefault("MODELSCOPE_CACHE", str(workspace.home / "cache" / "modelscope"))
        from modelscope_hub import HubApi

        self._api = HubApi(endpoint=target.endpoint, token=token)
        self._target = target

    def check_token(self) -> None:
        """Asks whose token this is; raises the library's error where it is not valid."""
        self._api.whoami()

    def found(self) -> Repository | None:
        """Returns the repository, None where there is none that the token may see."""
        from modelscope_hub.errors import NotExistError

        try:
            info = self._api.get_repo(self._target.repo, self._target.kind)
        except NotExistError:
            return None
        private = info.private
        if private is None and info.visibility is not None:
            private = int(info.visibility) != 5
        return Repository(private=private, files=frozenset(self._hashes()))

    def create(self, private: bool, licence: str) -> None:
        """Creates the repository."""
        visibility = "private" if private else "public"
        self._api.create_repo(self._target.repo, self._target.kind, visibility=visibility, license=licence)

    def send(self, sending: Sending, stale: Iterable[str], message: str) -> None:
        """Commits the files in one step and removes the ``stale`` ones; contents that the hub has are not
        sent."""
        sending.say(_("正在计算校验值"))
        hashes = {file.path: _hash(file) for file in sending.files}
        there = sending.persistently(self._hashes)
        changed = [file for file in sending.files if there.get(file.path) != hashes[file.path]]
        large = [file for file in changed if self._is_large(file)]
        wanted = sending.persistently(lambda: self._addresses(large, hashes))
        present = {file.path for file in sending.files if file not in changed}
        present |= {file.path for file in large if not wanted.get(hashes[file.path])}
        sending.begin(present)
        distinct = {hashes[file.path]: file for file in large if file.path not in present}

        def upload(file: PushFile) -> None:
            sending.persistently(lambda: self._upload(file, hashes, sending))

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(upload, distinct.values()))
        actions = [self._action(file, hashes[file.path]) for file in changed]
        actions += [{"action": "delete", "path": path} for path in stale if path in there]
        if actions:
            sending.persistently(lambda: self._commit(actions, message))

    def _commit(self, actions: list[dict[str, Any]], message: str) -> None:
        self._api.legacy.create_commit(self._target.repo, self._target.kind, actions, message, _BRANCH)

    def _hashes(self) -> dict[str, str]:
        """Returns path → SHA-256 of the files in the repository, '' where the hub does not say."""
        from modelscope_hub.errors import NotExistError

        try:
            listed = self._api.list_repo_files(self._target.repo, self._target.kind, revision=_BRANCH)
        except NotExistError:  # nothing was committed yet
            return {}
        return {info.path: str(info.sha256 or "") for info in listed if info.type != "tree"}

    def _addresses(self, files: list[PushFile], hashes: dict[str, str]) -> dict[str, str | None]:
        """Returns SHA-256 → where the content has to be sent, None for one that the hub has."""
        objects = {hashes[file.path]: {"oid": hashes[file.path], "size": file.size} for file in files}
        if not objects:
            return {}
        return self._api.legacy.validate_blobs(self._target.repo, self._target.kind, list(objects.values()))

    def _upload(self, file: PushFile, hashes: dict[str, str], sending: Sending) -> None:
        address = self._addresses([file], hashes).get(hashes[file.path])
        if address is None:
            sending.reached(file.path, file.size)
            return
        if isinstance(file.content, bytes):
            self._api.legacy.upload_blob(address, file.content, file.size)
            return
        with ReadFile(file.content) as reading:
            reading.reached = lambda position: sending.reached(file.path, position)
            self._api.legacy.upload_blob(address, reading, file.size)

    def _is_large(self, file: PushFile) -> bool:
        """Returns whether a file is sent by itself, by the library's rule, or inside the commit."""
        from modelscope_hub import constants

        path = PurePosixPath(file.path)
        if path.name.upper() in constants.UPLOAD_INLINE_METADATA_PATHS:
            return False
        by_kind = {"model": constants.MODEL_LFS_SUFFIX, "dataset": constants.DATASET_LFS_SUFFIX}
        suffixes = by_kind[self._target.kind]
        return file.size > constants.UPLOAD_LFS_FORCE_THRESHOLD_BYTES or path.suffix.lower() in suffixes

    def _action(self, file: PushFile, digest: str) -> dict[str, Any]:
        action: dict[str, Any] = {"action": "create", "path": file.path, "size": file.size}
        if self._is_large(file):
            return {**action, "type": "lfs", "sha256": digest, "content": "", "encoding": ""}
        content = file.content if isinstance(file.content, bytes) else file.content.read_bytes()
        encoded = base64.b64encode(content).decode()
        return {**action, "type": "normal", "sha256": "", "content": encoded, "encoding": "base64"}


def _hash(file: PushFile) -> str:
    if isinstance(file.content, Path):
        return sha256(file.content)
    return hashlib.sha256(file.content).hexdigest()
