"""Downloads a base model from ModelScope, with progress in bytes. A later attempt continues with the files
of an earlier one."""

import os
import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tianji_core import jobs
from tianji_core.addresses import without_credentials
from tianji_core.errors import ModelError, StudioError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.jobs import JobSubject, Reporter
from tianji_core.mirrors import MODELSCOPE_MIRRORS, first_answering
from tianji_core.model_folders.base import checked_base, fingerprint
from tianji_core.model_folders.manifest import (
    Artefact,
    fitting_template,
    read_artefact,
    size_text,
    write_artefact,
)
from tianji_core.model_folders.template import TEMPLATE
from tianji_core.models.catalogue import artefacts, checked_name, free_name
from tianji_core.ownership import MARK, claim_folder, move, remove
from tianji_core.roles import acting_person
from tianji_core.workspace import Workspace

MODEL_ID = re.compile(r"[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*")
SOURCE = "modelscope"
TOKEN = "MODELSCOPE_API_TOKEN"
"""Environment variable with the token for models that are not public."""


def check_model_id(model_id: str, source: str = SOURCE) -> str:
    """Returns a checked model name on ModelScope, ``owner/name``.

    Raises:
        ModelError: another form or another source.
    """
    if source != SOURCE:
        raise ModelError(_("只能从 ModelScope 下载，不认识来源“{source}”", source=source))
    if not MODEL_ID.fullmatch(model_id.strip()):
        raise ModelError(
            _("模型名“{id}”应为“组织/名字”，例如 Shanghai_AI_Laboratory/internlm2-chat-7b", id=model_id)
        )
    return model_id.strip()


def partial_folder(workspace: Workspace, model_id: str) -> Path:
    """Returns the folder of an incomplete download; always the same for the same model, so that it can
    continue."""
    return workspace.models / f".download-{model_id.replace('/', '--')}"


@dataclass(frozen=True)
class Partial:
    """A download that was stopped or failed; ``size`` in bytes so far."""

    model_id: str
    size: int


def partials(workspace: Workspace) -> list[Partial]:
    """Returns the downloads that can continue."""
    downloads = []
    for folder in sorted(workspace.models.glob(".download-*--*")):
        model_id = folder.name.removeprefix(".download-").replace("--", "/", 1)
        files = (path for path in folder.rglob("*") if path.is_file() and path != folder / MARK)
        size = sum(path.stat().st_size for path in files)
        downloads.append(Partial(model_id, size))
    return downloads


class DownloadSubject(JobSubject):
    """The model on ModelScope to download; ``name`` of the base here, '' for the default."""

    model_id: str
    name: str = ""


def downloading(workspace: Workspace) -> set[str]:
    """Returns the names of the models that jobs are downloading."""
    active = jobs.listed(workspace, kind="download", active=True)
    subjects = [jobs.subject_of(job, DownloadSubject) for job in active]
    return {subject.model_id for subject in subjects if subject is not None}


def discard_partial(workspace: Workspace, model_id: str) -> None:
    """Deletes the files of an incomplete download.

    Raises:
        ModelError: nothing there, or it is being fetched now.
    """
    folder = partial_folder(workspace, check_model_id(model_id))
    if not folder.is_dir():
        raise ModelError(_("没有“{id}”的未完成下载", id=model_id))
    if model_id in downloading(workspace):
        raise ModelError(_("“{id}”正在下载，请先停止", id=model_id))
    remove(folder)


def download(
    workspace: Workspace,
    model_id: str,
    name: str = "",
    revision: str = "master",
    reporter: Reporter | None = None,
    trust_remote_code: bool = False,
) -> Artefact:
    """Downloads a model and registers it as a base; a second copy needs a ``name``. Complete files are not
    downloaded again, partial ones continue. ``trust_remote_code`` allows its Python code to run when it is
    loaded; nothing of it runs here.

    Raises:
        ModelError: no such model, it is here already, or it is not a complete language model.
        StudioError: no connection, disk full.
    """
    model_id = check_model_id(model_id)
    reporter = reporter or Reporter(unit=_("字节"))
    # The client stores locks and settings in its cache folder, which must not be in the user's home.
    os.environ.setdefault("MODELSCOPE_CACHE", str(workspace.home / "cache" / "modelscope"))
    if not os.environ.get("MODELSCOPE_ENDPOINT"):
        mirror = first_answering(MODELSCOPE_MIRRORS, workspace.settings().model_mirror.rstrip("/"))
        os.environ.update({"MODELSCOPE_ENDPOINT": mirror} if mirror else {})
    refuse_second(workspace, model_id, name)
    reporter.update(0, message=_("正在询问文件清单"))
    folder = partial_folder(workspace, model_id)
    chosen = checked_name(workspace, name) if name else free_name(workspace, model_id.partition("/")[2])
    files = _listing(model_id, revision)
    total = sum(files.values())
    _check_disk(workspace, folder, total)
    _fetch(model_id, revision, claim_folder(folder), files, reporter)
    check_sizes(folder, files)
    base = checked_base(folder)
    made = Artefact(
        who=acting_person(),
        name=chosen,
        kind="base",
        title=model_id,
        path=folder,
        base_fingerprint=fingerprint(folder),
        template=fitting_template(folder) or TEMPLATE,
        figures={"bytes": float(base.size)},
        source=f"ModelScope {model_id}@{revision}",
        trust_remote_code=trust_remote_code,
    )
    write_artefact(folder, made, workspace.home)
    target = workspace.models / chosen
    move(folder, target)
    reporter.update(total, total=total)
    return read_artefact(target, workspace.home)


def refuse_second(workspace: Workspace, model_id: str, name: str) -> None:
    """Refuses a second download of a model unless the copy gets a ``name``.

    Raises:
        ModelError: it is here.
    """
    for model in artefacts(workspace):
        if not name and model.kind == "base" and model.source.startswith(f"ModelScope {model_id}@"):
            raise ModelError(
                _(
                    "“{id}”已经下载好了，就是模型“{name}”；要重新下载请先删除它，要再放一份请用 --name 起个名字",
                    id=model_id,
                    name=model.name,
                )
            )


def _listing(model_id: str, revision: str) -> dict[str, int]:
    """Returns the bytes of every file of the model, by path."""
    from modelscope_hub import HubApi

    try:
        entries = HubApi().list_repo_files(model_id, "model", revision=revision)
    except Exception as error:
        raise explained(error, model_id) from error
    files = {info.path: int(info.size or 0) for info in entries if info.type != "tree"}
    if not files:
        raise ModelError(_("ModelScope 上的“{id}”没有文件", id=model_id))
    return files


def _check_disk(workspace: Workspace, folder: Path, total: int) -> None:
    here = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
    free = shutil.disk_usage(workspace.models).free
    if free < total - here:
        raise ModelError(
            _(
                "要下载 {need}，磁盘只剩 {free}，请先清理",
                need=size_text(total - here),
                free=size_text(free),
            )
        )


def _fetch(model_id: str, revision: str, folder: Path, files: dict[str, int], reporter: Reporter) -> None:
    from modelscope.hub.callback import ProgressCallback
    from modelscope.hub.snapshot_download import snapshot_download

    counted = {path: size for path, size in files.items() if (folder / path).is_file()}
    lock = threading.Lock()  # several threads download files
    total = sum(files.values())

    class Counter(ProgressCallback):
        """Progress of one file. A partial file reports its existing bytes first; a restarted one subtracts
        them."""

        def __init__(self, filename: str, file_size: int) -> None:
            super().__init__(filename, file_size)
            with lock:
                counted[filename] = 0

        def update(self, size: int) -> None:
            with lock:
                counted[self.filename] += size
                done = sum(counted.values())
                reporter.update(min(done, total), total=total, message=None)

    reporter.update(sum(counted.values()), total=total, message=_("正在下载 {n} 个文件", n=len(files)))
    try:
        snapshot_download(
            model_id,
            revision=revision,
            local_dir=str(folder),
            progress_callbacks=[Counter],
            endpoint=os.environ.get("MODELSCOPE_ENDPOINT") or None,
        )
    except Exception as error:
        raise explained(error, model_id) from error


def check_sizes(folder: Path, files: dict[str, int]) -> None:
    """Checks that every file has the size of the listing. Removes a wrong one, so that the next attempt
    downloads it again.

    Raises:
        ModelError: names the first one that is missing or of another size.
    """
    wrong = []
    for name, size in files.items():
        path = folder / name
        have = path.stat().st_size if path.is_file() else 0
        if size and have != size:
            wrong.append((name, have, size))
            remove(path)
    if wrong:
        name, have, size = wrong[0]
        raise ModelError(
            _(
                "{file} 没有下完整（{have} / {want} 字节）；再点一次下载会重新取它",
                file=name,
                have=have,
                want=size,
            )
        )


def explained(error: Exception, model_id: str) -> StudioError:
    """Returns an error with one sentence. The library raises its own errors, those of requests and those
    of the system."""
    from modelscope_hub import errors as hub

    failed: dict[str, BaseException] = getattr(error, "failed_files", {})
    causes: list[Any] = [error, error.__cause__, *failed.values()]
    place = without_credentials(os.environ.get("MODELSCOPE_ENDPOINT") or "ModelScope")
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno == 28:
            return StudioError(_("磁盘满了；清理后再点下载会接着下"))
        if isinstance(cause, hub.NotExistError):
            return ModelError(_("ModelScope 上没有“{id}”，请检查名字", id=model_id))
        if isinstance(cause, hub.AuthenticationError | hub.PermissionDeniedError):
            return ModelError(_("“{id}”不公开，或需要先在 ModelScope 上同意条款", id=model_id))
    for cause in causes:
        if isinstance(cause, hub.NetworkError | ConnectionError | TimeoutError) or "onnection" in str(cause):
            return StudioError(
                _(
                    "连不上 {place}，请检查网络后再点下载（会接着下），或在别处下载好再登记本地文件夹",
                    place=place,
                )
            )
    for name, cause in failed.items():
        if isinstance(cause, hub.FileIntegrityError):
            return StudioError(
                _(
                    "{file} 传来的内容和清单上的大小或校验值不一样，没有留下；再点下载会重新取它。还是这样就是 {place} 上的文件坏了，请换一个镜像，或登记本地文件夹",
                    file=name,
                    place=place,
                )
            )
    for cause in causes:
        if isinstance(cause, hub.ServerError):
            return StudioError(
                _("{place} 那边出错了，不是这台机器的问题；过一会儿再点下载会接着下", place=place)
            )
    said = next(iter(failed.values()), error)
    return StudioError(
        _("下载“{id}”失败：{detail}", id=model_id, detail=": ".join([*list(failed)[:1], first_line(said)]))
    )
