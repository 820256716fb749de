"""Starting the jobs of the models room."""

import sys
from collections.abc import Mapping
from pathlib import Path

from tianji_core import jobs
from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.model_folders.base import check_same_base
from tianji_core.model_folders.manifest import Artefact
from tianji_core.models.catalogue import checked_name
from tianji_core.models.download import SOURCE, check_model_id, refuse_second
from tianji_core.models.making import checkpoint_of
from tianji_core.models.merged import SHARD_GB, base_to_merge_into, checked_options
from tianji_core.store.training import TrainingRun
from tianji_core.training import record_of
from tianji_core.workspace import Workspace

KINDS = ("convert", "merge", "download")


def start_convert(
    workspace: Workspace, run: TrainingRun, iteration: int | None = None, name: str = ""
) -> jobs.Job:
    """Start turning a checkpoint (the newest for None) into an adapter.

    Raises:
        ModelError: it cannot work: no checkpoint, another base, a name in use, or the same job runs.
    """
    number = _checkable(workspace, run, iteration)
    if name:
        checked_name(workspace, name)
    title = _("转换：{title} 第 {n} 步", title=run.title, n=number)
    subject = {"training_run_id": run.id, "checkpoint": number, "name": name}
    return _start(workspace, "convert", title, ["convert", str(run.id), "--iteration", str(number)], subject)


def start_convert_and_merge(
    workspace: Workspace,
    run: TrainingRun,
    iteration: int | None = None,
    device: str = "cpu",
    shard_gb: float = SHARD_GB,
    dtype: str = "auto",
) -> jobs.Job:
    """Start making adapter and merged model of a checkpoint in one job.

    Raises:
        ModelError: as :func:`start_convert`.
    """
    number = _checkable(workspace, run, iteration)
    title = _("转换并合并：{title} 第 {n} 步", title=run.title, n=number)
    subject = {"training_run_id": run.id, "checkpoint": number, "name": ""}
    checked_options(device, shard_gb, dtype)
    argv = ["convert-and-merge", str(run.id), "--iteration", str(number)]
    argv += ["--device", device, "--shard", str(shard_gb), "--dtype", dtype]
    return _start(workspace, "merge", title, argv, subject)


def start_merge(
    workspace: Workspace,
    adapter: Artefact,
    name: str = "",
    base: Path | None = None,
    device: str = "cpu",
    shard_gb: float = SHARD_GB,
    dtype: str = "auto",
) -> jobs.Job:
    """Start merging an adapter into the base it was trained on.

    Raises:
        ModelError: not an adapter, another base, an option that does not exist, a name in use, or the same job runs.
    """
    checked_options(device, shard_gb, dtype)
    folder = base_to_merge_into(workspace, adapter, base)
    if name:
        checked_name(workspace, name)
    argv = ["merge", adapter.name, "--base", str(folder), "--device", device]
    argv += ["--shard", str(shard_gb), "--dtype", dtype]
    subject = {"adapter": adapter.name, "name": name}
    return _start(workspace, "merge", _("合并：{title}", title=adapter.title), argv, subject)


def start_download(
    workspace: Workspace,
    model_id: str,
    source: str = SOURCE,
    name: str = "",
    trust_remote_code: bool = False,
) -> jobs.Job:
    """Start fetching a base model, or go on where an earlier try stopped. ``trust_remote_code`` allows its own Python
    code to run when it is loaded later.

    Raises:
        ModelError: not a model's name, a model that is here already, a name in use, or the same download runs.
    """
    model_id = check_model_id(model_id, source)
    refuse_second(workspace, model_id, name)
    if name:
        checked_name(workspace, name)
    subject = {"model_id": model_id, "name": name}
    argv = ["download", model_id, *(["--trust-remote-code"] if trust_remote_code else [])]
    return _start(workspace, "download", _("下载：{id}", id=model_id), argv, subject)


def _checkable(workspace: Workspace, run: TrainingRun, iteration: int | None) -> int:
    checkpoint = checkpoint_of(workspace, run, iteration)
    record = record_of(run)
    check_same_base(record.settings.base_folder, record.base_fingerprint)
    return checkpoint.iteration


def _start(
    workspace: Workspace, kind: str, title: str, argv: list[str], subject: Mapping[str, object]
) -> jobs.Job:
    for job in jobs.listed(workspace, active=True):
        if job.kind in KINDS and job.subject == dict(subject):
            raise ModelError(_("“{title}”已经在做了", title=job.title))
    name = ["--name", str(subject["name"])] if subject.get("name") else []
    command = [
        sys.executable,
        "-m",
        "tianji_core.models.worker",
        *argv,
        *name,
        "--workspace",
        str(workspace.home),
    ]
    return jobs.start(workspace, kind, title, command, subject=dict(subject))
