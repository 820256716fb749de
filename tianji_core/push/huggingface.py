"""Hugging Face's client. Runs in a process of its own: the address has to be set before the library is
imported."""

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tianji_core.i18n import _
from tianji_core.push.repository import Repository
from tianji_core.push.sending import ReadFile, Sending
from tianji_core.push.target import PushTarget
from tianji_core.workspace import Workspace


class HuggingFace:
    """The repository of a target on Hugging Face or a server that speaks its API."""

    def __init__(self, workspace: Workspace, target: PushTarget, token: str) -> None:
        os.environ["HF_ENDPOINT"] = target.endpoint
        os.environ["HF_HUB_DISABLE_XET"] = "1"  # other servers have plain files only
        os.environ["HF_HUB_ENABLE_HF_TRANSFER"] = "0"
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        os.environ["HF_HOME"] = str(workspace.home / "cache" / "huggingface")
        from huggingface_hub import HfApi

        self._api = HfApi(target.endpoint, token=token)
        self._target = target
        self._token = token

    def check_token(self) -> None:
        """Asks whose token this is; raises the library's error where it is not valid."""
        self._api.whoami()

    def found(self) -> Repository | None:
        """Returns the repository, None where there is none that the token may see."""
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

        try:
            info = self._api.repo_info(self._target.repo, repo_type=self._target.kind)
        except GatedRepoError:
            raise
        except RepositoryNotFoundError:
            return None
        names = (sibling.rfilename for sibling in info.siblings or ())
        return Repository(private=info.private, files=frozenset(names))

    def create(self, private: bool, licence: str) -> None:
        """Creates the repository; the licence stands in its card."""
        self._api.create_repo(self._target.repo, repo_type=self._target.kind, private=private)

    def send(self, sending: Sending, stale: Iterable[str], message: str) -> None:
        """Commits the files in one step and removes the ``stale`` ones; contents that the hub has are not
        sent."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        with ExitStack() as stack:
            opened: dict[str, ReadFile] = {}
            additions = []
            sending.say(_("正在计算校验值"))
            for file in sending.files:
                content: Any = file.content
                if isinstance(content, Path):
                    content = opened[file.path] = stack.enter_context(ReadFile(content))
                additions.append(CommitOperationAdd(file.path, content))
            present = sending.persistently(lambda: self._stored(additions, opened))
            sending.begin(present)
            for path, reading in opened.items():
                reading.reached = None if path in present else _reporting(sending, path)

            def commit() -> None:
                for reading in opened.values():
                    reading.seek(0)  # an attempt that failed leaves it where it was
                self._api.create_commit(
                    self._target.repo,
                    [*additions, *(CommitOperationDelete(path) for path in stale)],
                    commit_message=message,
                    repo_type=self._target.kind,
                )

            sending.persistently(commit)

    def _stored(self, additions: list[Any], opened: dict[str, ReadFile]) -> set[str]:
        """Returns the paths of the large files whose contents the hub has."""
        from huggingface_hub.lfs import post_lfs_batch_info

        asked = [each for each in additions if each.path_in_repo in opened]
        if not asked:
            return set()
        actions, _errors, _transfer = post_lfs_batch_info(
            [each.upload_info for each in asked],
            token=self._token,
            repo_type=self._target.kind,
            repo_id=self._target.repo,
            endpoint=self._target.endpoint,
        )
        known = {action["oid"] for action in actions if not action.get("actions")}
        return {each.path_in_repo for each in asked if each.upload_info.sha256.hex() in known}


def _reporting(sending: Sending, path: str) -> Any:
    return lambda position: sending.reached(path, position)
