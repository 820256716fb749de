"""Downloads a dataset by its name, from Hugging Face, ModelScope or a mirror. Runs in a process of its own:
the address of the hub has to be set before its library is imported."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import ParseResult, urlparse

from tianji_core.addresses import address_problem, without_credentials
from tianji_core.dataset.hub_bounds import (
    Hub,
    HubBounds,
    Progress,
    check_disk,
    chosen_files,
    fetch_each,
    importable,
    keep_only,
    within_hours,
)
from tianji_core.dataset.modelscope_hub import MODELSCOPE, MODELSCOPE_TOKEN, fetch_from_modelscope
from tianji_core.dataset.reading import NO_DATA
from tianji_core.errors import ImportFileError, StudioError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.mirrors import first_answering
from tianji_core.ownership import claim_folder
from tianji_core.workspace import Workspace

EXAMPLE = "sanbu/tianji-wishes-chinese"
HUB = "https://huggingface.co"
MIRRORS = "TIANJI_HF_MIRRORS"
"""Environment variable, or line of ``.env``: addresses tried in turn before the hub itself."""
TOKEN = "HF_TOKEN"
"""Environment variable of the key for private datasets."""
_ID = re.compile(r"[A-Za-z0-9][\w.\-]*(?:/[A-Za-z0-9][\w.\-]*)?")
_ENDPOINTS = {"huggingface": ("HF_ENDPOINT", HUB), "modelscope": ("MODELSCOPE_ENDPOINT", MODELSCOPE)}
REVISIONS = {"huggingface": "main", "modelscope": "master"}
"""The branch that is taken where a person names none."""
TOKENS = {"huggingface": TOKEN, "modelscope": MODELSCOPE_TOKEN}


def check_dataset_id(dataset_id: str) -> str:
    """Returns the name of a dataset on the hub, ``owner/name``; a pasted address is reduced to it.

    Raises:
        ImportFileError: another form.
    """
    name = dataset_id.strip().strip("/")
    if "://" in name:
        name = "/".join(_address(name).path.strip("/").removeprefix("datasets/").split("/")[:2])
    if not _ID.fullmatch(name):
        raise ImportFileError(
            _("数据集名“{id}”应为“组织/名字”，例如 {example}", id=dataset_id, example=EXAMPLE)
        )
    return name


def hub_of(dataset_id: str, hub: Hub) -> Hub:
    """Returns the hub that a pasted address is of; ``hub`` where it does not tell."""
    host = _address(dataset_id.strip()).hostname or ""
    known: dict[str, Hub] = {
        "modelscope.cn": "modelscope",
        "modelscope.ai": "modelscope",
        "huggingface.co": "huggingface",
    }
    return next((one for name, one in known.items() if host == name or host.endswith(f".{name}")), hub)


def _address(text: str) -> ParseResult:
    """Returns the parts of an address; none of what is not an address."""
    try:
        return urlparse(text)
    except ValueError:  # such as https://[
        return urlparse("")


def check_endpoint(endpoint: str, hub: Hub = "huggingface") -> str:
    """Returns the address of a hub without its final slash; '' stands for the library's own variable,
    ``HF_ENDPOINT`` or ``MODELSCOPE_ENDPOINT``, or the hub itself.

    Raises:
        ImportFileError: it is no http address.
    """
    variable, itself = _ENDPOINTS[hub]
    address = (endpoint.strip() or os.environ.get(variable, "").strip() or itself).rstrip("/")
    if address_problem(address):
        raise ImportFileError(
            _(
                "镜像地址“{address}”不对，应当像 https://镜像的域名 这样，不带路径和账号",
                address=without_credentials(endpoint or address)[:200],
            )
        )
    return address


def folder_of(
    workspace: Workspace,
    dataset_id: str,
    hub: Hub = "huggingface",
    files: Sequence[str] = (),
    revision: str = "",
) -> Path:
    """Returns the folder of a dataset at a ``revision`` ('': the branch that is taken by itself), or of the
    ``files`` chosen of it, until it is imported; the same one every time, so that a download can continue."""
    name = dataset_id.replace("/", "--")
    if hub != "huggingface":
        name = f"{hub}--{name}"
    parts = [*([f"@{revision}"] if revision not in ("", REVISIONS[hub]) else ()), *files]
    if parts:
        name += f"--{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}"
    return workspace.home / "cache" / "fetched" / name


def fetch(
    workspace: Workspace,
    dataset_id: str,
    revision: str,
    endpoint: str,
    progress: Progress,
    hub: Hub = "huggingface",
    bounds: HubBounds = HubBounds(),
) -> Path:
    """Downloads the importable files of a dataset into a folder; files that are complete are not downloaded
    again. For a dataset of Hugging Face without such files, ``datasets`` writes one JSON Lines file for each
    split. Where ``endpoint`` is the hub itself, the addresses of its mirrors come before it.

    Raises:
        ImportFileError: no such dataset or revision, nothing in it can be read, or it is beyond the bounds.
            StudioError: no connection, the disk is full, or the time is up.
    """
    folder = claim_folder(folder_of(workspace, dataset_id, hub, bounds.files, revision))
    with within_hours(bounds.hours):
        if hub == "modelscope":
            fetch_from_modelscope(workspace, dataset_id, revision, endpoint, folder, bounds, progress)
        else:
            _from_hugging_face(workspace, dataset_id, revision, endpoint, folder, bounds, progress)
    return folder


def _from_hugging_face(
    workspace: Workspace,
    dataset_id: str,
    revision: str,
    endpoint: str,
    folder: Path,
    bounds: HubBounds,
    progress: Progress,
) -> None:
    if endpoint == HUB:
        endpoint = first_answering(MIRRORS, HUB)
    os.environ["HF_ENDPOINT"] = endpoint
    os.environ["HF_HUB_DISABLE_XET"] = "1"  # a mirror has plain files only
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["HF_HOME"] = str(workspace.home / "cache" / "huggingface")
    from huggingface_hub import HfApi, hf_hub_download

    token = workspace.key(TOKEN) or False
    try:
        info = HfApi(endpoint, token=token).dataset_info(dataset_id, revision=revision, files_metadata=True)
        sizes = {each.rfilename: int(each.size or 0) for each in info.siblings or ()}
        found = importable(sizes)
        if not found:
            _check_others(folder, sizes, bounds)
            _make_lines(workspace, dataset_id, revision, folder, bounds, token)
            return
        files = chosen_files(found, bounds)
        keep_only(folder, files)
        check_disk(folder, files)

        def download(name: str) -> None:
            wanted = info.sha or revision
            hf_hub_download(
                dataset_id, name, repo_type="dataset", revision=wanted, local_dir=folder, token=token
            )

        fetch_each(folder, files, progress, download)
    except Exception as error:
        raise _explained(error, dataset_id, revision, endpoint) from error


def _check_others(folder: Path, sizes: Mapping[str, int], bounds: HubBounds) -> None:
    """Checks against the bounds what only ``datasets`` can read: all but hidden files and descriptions."""
    data = {
        name: size
        for name, size in sizes.items()
        if not name.startswith(".") and Path(name).name not in NO_DATA and Path(name).suffix.lower() != ".md"
    }
    if data:
        check_disk(folder, chosen_files(data, bounds))


def _make_lines(
    workspace: Workspace,
    dataset_id: str,
    revision: str,
    folder: Path,
    bounds: HubBounds,
    token: str | bool,
) -> None:
    import datasets

    options: dict[str, Any] = {"revision": revision, "token": token or None}
    if bounds.files:
        options["data_files"] = list(bounds.files)
        names = ["default"]
    else:
        names = datasets.get_dataset_config_names(dataset_id, **options)
    keep_only(folder, ())
    for config in names:
        loaded = datasets.load_dataset(
            dataset_id,
            None if bounds.files else config,
            cache_dir=str(workspace.home / "cache" / "datasets"),
            **options,
        )
        for split, rows in loaded.items():
            rows.to_json(folder / f"{config}.{split}.jsonl", lines=True, force_ascii=False)


def _explained(error: Exception, dataset_id: str, revision: str, endpoint: str) -> StudioError:
    """Returns the cause of a failure as one error; the libraries raise their own errors, those of requests
    and of the system."""
    from huggingface_hub import errors as hub

    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    values = {"id": dataset_id, "endpoint": endpoint, "revision": revision}
    for fault in causes:
        if isinstance(fault, StudioError):
            return fault
        if isinstance(fault, OSError) and fault.errno == 28:
            return StudioError(_("磁盘满了；清理后再导入会接着下"))
        if isinstance(fault, hub.GatedRepoError):
            return ImportFileError(_("“{id}”要先在网站上同意条款，再把 HF_TOKEN 写进 .env", **values))
        if isinstance(fault, hub.RevisionNotFoundError):
            return ImportFileError(_("“{id}”没有“{revision}”这个版本", **values))
        if isinstance(fault, hub.RepositoryNotFoundError):
            return ImportFileError(
                _(
                    "{endpoint} 上没有数据集“{id}”，或者它不公开（要在 .env 里写 HF_TOKEN）；请检查名字",
                    **values,
                )
            )
        if isinstance(fault, hub.OfflineModeIsEnabled):
            return ImportFileError(_("环境变量 HF_HUB_OFFLINE 关掉了联网，去掉它再导入"))
    kinds = {kind.__name__ for each in causes for kind in type(each).__mro__}
    if kinds & {"ConnectionError", "Timeout", "TimeoutError", "ConnectError", "LocalEntryNotFoundError"}:
        return StudioError(
            _(
                "连不上 {endpoint} ，请检查网络，或在“镜像地址”里换一个镜像再试（会接着下）；也可以在别处下载好，再按路径导入",
                **values,
            )
        )
    return ImportFileError(_("“{id}”导入不了：{detail}", id=dataset_id, detail=first_line(error)))
