"""Starts the jobs that convert, merge, download and export models."""

from importlib.util import find_spec
from pathlib import Path

from tianji_core import jobs
from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.jobs import JobSubject
from tianji_core.model_folders.base import check_same_base
from tianji_core.model_folders.manifest import Artefact
from tianji_core.models.catalogue import checked_name
from tianji_core.models.download import SOURCE, TOKEN, DownloadSubject, check_model_id, refuse_second
from tianji_core.models.gguf.export import check_exportable
from tianji_core.models.gguf.formats import checked_format
from tianji_core.models.making import checkpoint_of
from tianji_core.models.merged import SHARD_GB, base_to_merge_into, checked_options
from tianji_core.project import install_command
from tianji_core.store.training import TrainingRun
from tianji_core.training import record_of
from tianji_core.workspace import Workspace

KINDS = ("convert", "merge", "download", "gguf")


class CheckpointSubject(JobSubject):
    """The checkpoint of a training that a model is made from; ``name`` of that model, '' for the default."""

    training_run_id: int
    checkpoint: int
    name: str = ""


class ConvertArguments(CheckpointSubject):
    """Makes an adapter."""

    worker = "tianji_core.models.worker:convert_checkpoint"


class ConvertAndMergeArguments(CheckpointSubject):
    """Makes an adapter and a merged model with weight files of at most ``shard_gb`` GB."""

    worker = "tianji_core.models.worker:convert_and_merge_checkpoint"

    device: str
    shard_gb: float
    dtype: str


class MergeSubject(JobSubject):
    """The adapter to merge; ``name`` of the merged model, '' for the default."""

    adapter: str
    name: str = ""


class MergeArguments(MergeSubject):
    """``base`` is the folder of the base; ``shard_gb`` the largest weight file in GB."""

    worker = "tianji_core.models.worker:merge_adapter"

    base: Path
    device: str
    shard_gb: float
    dtype: str


class DownloadArguments(DownloadSubject):
    """``trust_remote_code`` allows the model's Python code to run when it is loaded."""

    worker = "tianji_core.models.worker:download_model"

    trust_remote_code: bool


class GgufSubject(JobSubject):
    """The merged model to export in the format ``quantisation``; ``name`` of the file, '' for the default."""

    merged: str
    quantisation: str
    name: str = ""


class GgufArguments(GgufSubject):
    """Makes a GGUF file."""

    worker = "tianji_core.models.worker:export_model"


def start_convert(
    workspace: Workspace, run: TrainingRun, iteration: int | None = None, name: str = ""
) -> jobs.Job:
    """Starts converting a checkpoint (the newest for None) to an adapter.

    Raises:
        ModelError: it cannot work: no checkpoint, another base, a name in use, or the same job runs.
    """
    number = checkable(workspace, run, iteration)
    if name:
        checked_name(workspace, name)
    title = _("转换：{title} 第 {n} 步", title=run.title, n=number)
    arguments = ConvertArguments(training_run_id=run.id, checkpoint=number, name=name)
    return _start(workspace, "convert", title, arguments, CheckpointSubject)


def start_convert_and_merge(
    workspace: Workspace,
    run: TrainingRun,
    iteration: int | None = None,
    device: str = "cpu",
    shard_gb: float = SHARD_GB,
    dtype: str = "auto",
) -> jobs.Job:
    """Starts making the adapter and the merged model of a checkpoint in one job.

    Raises:
        ModelError: as :func:`start_convert`.
    """
    number = checkable(workspace, run, iteration)
    title = _("转换并合并：{title} 第 {n} 步", title=run.title, n=number)
    checked_options(device, shard_gb, dtype)
    arguments = ConvertAndMergeArguments(
        training_run_id=run.id, checkpoint=number, device=device, shard_gb=shard_gb, dtype=dtype
    )
    return _start(workspace, "merge", title, arguments, CheckpointSubject)


def start_merge(
    workspace: Workspace,
    adapter: Artefact,
    name: str = "",
    base: Path | None = None,
    device: str = "cpu",
    shard_gb: float = SHARD_GB,
    dtype: str = "auto",
) -> jobs.Job:
    """Starts merging an adapter into the base that it was trained on.

    Raises:
        ModelError: not an adapter, another base, an option that does not exist, a name in use, or the same
            job runs.
    """
    checked_options(device, shard_gb, dtype)
    folder = base_to_merge_into(workspace, adapter, base)
    if name:
        checked_name(workspace, name)
    arguments = MergeArguments(
        adapter=adapter.name, name=name, base=folder, device=device, shard_gb=shard_gb, dtype=dtype
    )
    return _start(workspace, "merge", _("合并：{title}", title=adapter.title), arguments, MergeSubject)


def start_download(
    workspace: Workspace,
    model_id: str,
    source: str = SOURCE,
    name: str = "",
    trust_remote_code: bool = False,
) -> jobs.Job:
    """Starts downloading a base model, or continues an earlier attempt. ``trust_remote_code`` allows its
    Python code to run when it is loaded later.

    Raises:
        ModelError: not a model's name, a model that is here already, a name in use, the same download
            runs, or the package that downloads is not installed.
    """
    model_id = check_model_id(model_id, source)
    refuse_second(workspace, model_id, name)
    if name:
        checked_name(workspace, name)
    if find_spec("modelscope") is None:
        command = install_command(["modelscope"])
        raise ModelError(_("下载模型要用软件包 modelscope，这里没有装；先装上：{command}", command=command))
    arguments = DownloadArguments(model_id=model_id, name=name, trust_remote_code=trust_remote_code)
    return _start(workspace, "download", _("下载：{id}", id=model_id), arguments, DownloadSubject)


def start_export_gguf(
    workspace: Workspace, merged: Artefact, quantisation: str = "f16", name: str = ""
) -> jobs.Job:
    """Starts exporting a merged model to a GGUF file.

    Raises:
        ModelError: it cannot become one here, no such format, a name in use, or the same job runs.
    """
    check_exportable(workspace, merged, checked_format(quantisation))
    if name:
        checked_name(workspace, name)
    arguments = GgufArguments(merged=merged.name, quantisation=quantisation, name=name)
    title = _("导出 GGUF：{title} · {name}", title=merged.title, name=quantisation)
    return _start(workspace, "gguf", title, arguments, GgufSubject)


def checkable(workspace: Workspace, run: TrainingRun, iteration: int | None) -> int:
    """Returns the iteration of the checkpoint (the newest for None) that a model can be made from.

    Raises:
        ModelError: there is no such checkpoint, or its base is another model now.
    """
    checkpoint = checkpoint_of(workspace, run, iteration)
    record = record_of(run)
    check_same_base(record.settings.base_folder, record.base_fingerprint)
    return checkpoint.iteration


def _start(
    workspace: Workspace, kind: str, title: str, arguments: JobSubject, model: type[JobSubject]
) -> jobs.Job:
    """Starts a job unless an active one has the same subject; ``model`` selects the fields to compare."""
    subject = model.model_validate(arguments.model_dump())
    for job in jobs.listed(workspace, active=True):
        if job.kind in KINDS and jobs.subject_of(job, model) == subject:
            raise ModelError(_("“{title}”已经在做了", title=job.title))
    keys = (TOKEN,) if kind == "download" else ()
    return jobs.start_worker(workspace, kind, title, arguments, keys)
