"""Downloads a dataset from ModelScope or a mirror of it. Runs in a process of its own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tianji_core.addresses import without_credentials
from tianji_core.dataset.hub_bounds import (
    HubBounds,
    Progress,
    check_disk,
    chosen_files,
    fetch_each,
    importable,
    keep_only,
)
from tianji_core.errors import ImportFileError, StudioError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.mirrors import MODELSCOPE_MIRRORS, first_answering
from tianji_core.workspace import Workspace

MODELSCOPE = "https://modelscope.cn"
MODELSCOPE_TOKEN = "MODELSCOPE_API_TOKEN"
"""Environment variable of the key for datasets that are not public."""
_KIND = "dataset"


def fetch_from_modelscope(
    workspace: Workspace,
    dataset_id: str,
    revision: str,
    endpoint: str,
    folder: Path,
    bounds: HubBounds,
    progress: Progress,
) -> None:
    """Downloads the importable files of a dataset into ``folder``; complete files are not downloaded again,
    partial ones go on. Where ``endpoint`` is ModelScope itself, the addresses of MODELSCOPE_MIRRORS come
    before it.

    Raises:
        ImportFileError: no such dataset, nothing in it can be read, or it is beyond the bounds. StudioError:
            no connection, or the disk is full.
    """
    if endpoint == MODELSCOPE:
        endpoint = first_answering(
            MODELSCOPE_MIRRORS, workspace.settings().model_mirror.rstrip("/") or endpoint
        )
    # The client keeps locks and settings in its own folders, which must not be in the user's home.
    os.environ["MODELSCOPE_CACHE"] = os.environ["MODELSCOPE_HOME"] = str(
        workspace.home / "cache" / "modelscope"
    )
    from modelscope_hub import HubApi

    try:
        api = HubApi(endpoint=endpoint, token=workspace.key(MODELSCOPE_TOKEN) or None)
        _fetch(api, dataset_id, revision, folder, bounds, progress)
    except StudioError:
        raise
    except Exception as error:
        raise _explained(error, dataset_id, revision, endpoint) from error


def _fetch(
    api: Any, dataset_id: str, revision: str, folder: Path, bounds: HubBounds, progress: Progress
) -> None:
    listed = {
        entry.path: entry
        for entry in api.list_repo_files(dataset_id, _KIND, revision=revision)
        if entry.type != "tree"
    }
    found = importable({name: int(entry.size or 0) for name, entry in listed.items()})
    if not found:
        raise ImportFileError(
            _(
                "“{id}”里没有能导入的文件（json、jsonl、csv、tsv、parquet，不压缩）；请在别处转好，再按路径导入",
                id=dataset_id,
            )
        )
    files = chosen_files(found, bounds)
    keep_only(folder, files)
    check_disk(folder, files)

    def download(name: str) -> None:
        api.download_file(
            dataset_id,
            _KIND,
            name,
            revision=revision,
            local_dir=folder,
            expected_sha256=listed[name].sha256 or None,
            file_size=files[name] or None,
        )

    fetch_each(folder, files, progress, download)


def _explained(error: Exception, dataset_id: str, revision: str, endpoint: str) -> StudioError:
    """Returns the cause of a failure as one error."""
    from modelscope_hub import errors as hub

    values = {"id": dataset_id, "endpoint": without_credentials(endpoint), "revision": revision}
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno == 28:
            return StudioError(_("磁盘满了；清理后再导入会接着下"))
        if isinstance(cause, hub.AuthenticationError | hub.PermissionDeniedError):
            return ImportFileError(
                _(
                    "“{id}”不公开，或要先在 ModelScope 上同意条款，再把 MODELSCOPE_API_TOKEN 写进 .env",
                    **values,
                )
            )
        if isinstance(cause, hub.NotExistError):
            return ImportFileError(
                _("{endpoint} 上没有数据集“{id}”的“{revision}”版本；请检查名字和版本", **values)
            )
        if isinstance(cause, hub.FileIntegrityError):
            return StudioError(_("传来的文件和清单上的大小或校验值不一样，没有留下；再导入会重新取它"))
    for cause in _causes(error):
        if isinstance(cause, hub.NetworkError | ConnectionError | TimeoutError):
            return StudioError(
                _(
                    "连不上 {endpoint} ，请检查网络后再导入（会接着下），或在别处下载好，再按路径导入",
                    **values,
                )
            )
        if isinstance(cause, hub.ServerError | hub.RateLimitError):
            return StudioError(_("{endpoint} 那边出错了；过一会儿再导入会接着下", **values))
    return ImportFileError(_("“{id}”导入不了：{detail}", id=dataset_id, detail=first_line(error)))


def _causes(error: BaseException | None) -> Iterator[Any]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__
