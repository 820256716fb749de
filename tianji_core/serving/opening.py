"""Makes a training's checkpoint a model that answers: convert, merge and load it in one job."""

import contextlib
import signal
import types
from typing import Literal

from tianji_core import jobs, models
from tianji_core.errors import InputError, ModelError
from tianji_core.i18n import _
from tianji_core.jobs import Job, PartReporter, Reporter, worker_of
from tianji_core.model_folders.manifest import Artefact
from tianji_core.models.launch import KINDS, CheckpointSubject, checkable
from tianji_core.models.making import checkpoint_of
from tianji_core.serving.choosing import start_for
from tianji_core.serving.running import servers, wait_ready
from tianji_core.store import training as training_store
from tianji_core.store.training import TrainingRun
from tianji_core.training.machine_checks import gpus
from tianji_core.workspace import Workspace

KIND = "merge"
PARTS = {"convert": (0.0, 0.3), "merge": (0.3, 0.4), "load": (0.7, 0.3)}
"""Where each part begins in the progress of the whole, and its share of it."""


class OpeningSubject(CheckpointSubject):
    """The checkpoint whose merged model is to answer; ``answers`` tells the job from one that only merges."""

    worker = "tianji_core.serving.opening:open_checkpoint"

    answers: Literal[True] = True


class _OpeningRecord(CheckpointSubject):
    answers: Literal[True]


def start_opening(workspace: Workspace, run: TrainingRun, iteration: int | None = None) -> Job:
    """Starts a job that converts a checkpoint (the newest for None), merges the adapter and loads the merged
    model into a server. What is there already is used as it is.

    Raises:
        ModelError: it cannot work: no checkpoint, another base, or such a job runs.
    """
    number = checkable(workspace, run, iteration)
    for job in jobs.listed(workspace, active=True):
        subject = jobs.subject_of(job, CheckpointSubject) if job.kind in KINDS else None
        if subject is not None and (subject.training_run_id, subject.checkpoint) == (run.id, number):
            raise ModelError(_("“{title}”已经在做了", title=job.title))
    title = _("转换、合并并加载：{title} 第 {n} 步", title=run.title, n=number)
    return jobs.start_worker(
        workspace, KIND, title, OpeningSubject(training_run_id=run.id, checkpoint=number)
    )


def opening_job(workspace: Workspace, run_id: int) -> Job | None:
    """Returns the newest of these jobs of a training, None where there is none."""
    for job in jobs.listed(workspace, kind=KIND):
        subject = jobs.subject_of(job, _OpeningRecord)
        if subject is not None and subject.training_run_id == run_id:
            return job
    return None


def merged_model(workspace: Workspace, run: TrainingRun, iteration: int | None = None) -> Artefact | None:
    """Returns the newest merged model of a checkpoint (the newest for None), None where there is none.

    Raises:
        ModelError: there is no such checkpoint.
    """
    return _made(workspace, run.id, checkpoint_of(workspace, run, iteration).iteration, "merged")


def loaded_form(workspace: Workspace, name: str) -> str:
    """Returns the name under which a server has the checkpoint that the model ``name`` was made from, ready
    before loading; ``name`` where no server has it in any form."""
    known = models.loadable(workspace)
    origin = next(((m.training_run_id, m.checkpoint) for m in known if m.name == name), (None, None))
    forms = {m.name for m in known if (m.training_run_id, m.checkpoint) == origin} if all(origin) else {name}
    served = sorted(servers(workspace), key=lambda server: not server.ready)
    loaded = [each for server in served for each in server.models if each in forms]
    return name if name in loaded or not loaded else loaded[0]


def _made(workspace: Workspace, run_id: int, iteration: int, kind: str) -> Artefact | None:
    made = [
        model
        for model in models.loadable(workspace)
        if (model.kind, model.training_run_id, model.checkpoint) == (kind, run_id, iteration)
    ]
    return max(made, key=lambda model: model.created_at, default=None)


@worker_of(OpeningSubject)
def open_checkpoint(workspace: Workspace, subject: OpeningSubject, reporter: Reporter) -> int:
    """Makes the merged model of a checkpoint and waits until a server has it; prints its name. Stopping the
    job also stops the server that it has started."""
    signal.signal(signal.SIGTERM, _stop)
    reporter.begin(1.0, "")
    run = training_store.get(workspace.engine, subject.training_run_id)
    merged = _merged(workspace, run, subject.checkpoint, reporter)
    _wait_for_memory(workspace, run.id, reporter)
    _load(workspace, merged.name, PartReporter(reporter, *PARTS["load"]))
    reporter.update(1.0)
    print(merged.name)
    return 0


def _merged(workspace: Workspace, run: TrainingRun, iteration: int, reporter: Reporter) -> Artefact:
    if (merged := _made(workspace, run.id, iteration, "merged")) is not None:
        return merged
    adapter = _made(workspace, run.id, iteration, "adapter")
    if adapter is None:
        adapter = models.convert(
            workspace, run, iteration, reporter=PartReporter(reporter, *PARTS["convert"])
        )
    if adapter.kind == "merged":  # after a full training
        return adapter
    return models.merge(workspace, adapter, reporter=PartReporter(reporter, *PARTS["merge"]))


def _wait_for_memory(workspace: Workspace, run_id: int, reporter: Reporter) -> None:
    """Waits until no other job works with the training on a card, which has room for one model."""
    if not gpus():
        return
    for job in jobs.listed(workspace, active=True):
        if job.kind != KIND and jobs.workspace_use(job).training_run_id == run_id:
            begins, _share = PARTS["load"]
            reporter.update(begins, message=_("等“{title}”做完，它占着显存", title=job.title))
            jobs.wait(workspace, job.id)


def _load(workspace: Workspace, name: str, reporter: Reporter) -> None:
    """Loads a model into a server of its own, unless one has it."""
    loading = next((server.job for server in servers(workspace) if name in server.models), None)
    job = loading or start_for(workspace, [name])
    reporter.update(0.0, total=1.0, message=_("正在加载模型"))

    def draw(_job: Job) -> None:
        told = jobs.read_progress(workspace, job.id)
        if told is not None and told.share is not None:
            reporter.update(told.share)

    try:
        wait_ready(workspace, job.id, each=draw)
    except KeyboardInterrupt:
        if loading is None:
            with contextlib.suppress(InputError):
                jobs.stop(workspace, job.id)
        raise


def _stop(_number: int, _frame: types.FrameType | None) -> None:
    raise KeyboardInterrupt
