"""Starting a training, resuming one, and running it to its end inside a job."""

import sys

from tianji_core import jobs
from tianji_core.dataset import training_file
from tianji_core.errors import StudioError, TrainingError
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.store import datasets
from tianji_core.store import training as rows
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.training import TrainingRun
from tianji_core.training.base import fingerprint
from tianji_core.training.child import child_environment, run_child, xtuner_tool
from tianji_core.training.config import CONFIG_NAME, write_config
from tianji_core.training.lock import starting, working
from tianji_core.training.preflight import other_training, preflight
from tianji_core.training.presets import preset
from tianji_core.training.progress import ITERATION, LOSS, Checkpoint, finite, training_state, work_folder
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.verdict import failure_of
from tianji_core.workspace import Workspace

NAN_PATIENCE = 5
"""Logged points in a row without a finite loss after which a training is ended: it cannot recover any more."""


def prepare_training(
    workspace: Workspace, key: str, settings: TrainingSettings, version: DatasetVersion, title: str = ""
) -> TrainingRun:
    """Check, store a training and write its config, without starting it.

    Raises:
        TrainingError: something stops it; the message is the first reason.
    """
    chosen = preset(key)
    checked = preflight(workspace, chosen, settings, version)
    if not checked.ok:
        raise TrainingError(_("；").join(check.detail for check in checked.stops))
    settings = checked.settings
    noted = {
        **settings.model_dump(mode="json"),
        "base_fingerprint": fingerprint(settings.base_folder),
        "dataset_name": version.name,
        "dataset_sha256": version.sha256,
    }
    shown = title.strip() or _("{preset} · {dataset}", preset=_(chosen.title), dataset=version.name)
    run = rows.add(workspace.engine, shown, key, version.id, noted)
    folder = workspace.runs / f"training-{run.id}"
    write_config(chosen, settings, training_file(workspace, version), folder, checked.runs_code)
    return rows.change(workspace.engine, run.id, work_dir=str(folder.relative_to(workspace.home)))


def start_training(
    workspace: Workspace, key: str, settings: TrainingSettings, version: DatasetVersion, title: str = ""
) -> TrainingRun:
    """Start a training as a job of its own and return at once.

    Raises:
        TrainingError: something stops it, another training among other things.
    """
    with starting(workspace):
        return _start(workspace, prepare_training(workspace, key, settings, version, title), [])


def resume_training(workspace: Workspace, run: TrainingRun) -> TrainingRun:
    """Go on from the newest checkpoint of a training that was stopped or failed.

    Raises:
        TrainingError: it runs, is finished, has no checkpoint, or another training runs.
    """
    with starting(workspace):
        run = rows.get(workspace.engine, run.id)  # another page may have resumed it meanwhile
        _check_resumable(workspace, run)
        return _start(workspace, run, ["--resume"])


def _check_resumable(workspace: Workspace, run: TrainingRun) -> None:
    state = training_state(workspace, run)
    if state.active:
        raise TrainingError(_("“{title}”还在训练", title=run.title))
    if state.finished:
        raise TrainingError(_("“{title}”已经训练完了；想再训练请新建一个训练", title=run.title))
    if not state.checkpoints:
        raise TrainingError(_("“{title}”没有检查点，只能重新训练", title=run.title))
    if running := other_training(workspace):
        raise TrainingError(running)
    if fingerprint(settings_of(run).base_folder) != run.settings.get("base_fingerprint"):
        raise TrainingError(_("基座模型 {base} 已经变了，不能接着训练", base=settings_of(run).base))


def _start(workspace: Workspace, run: TrainingRun, extra: list[str]) -> TrainingRun:
    argv = [sys.executable, "-m", "tianji_core.training.worker", str(run.id), *extra]
    argv += ["--workspace", str(workspace.home)]
    job = jobs.start(workspace, "train", run.title, argv, subject={"training_run_id": run.id})
    return rows.change(workspace.engine, run.id, job_id=job.id)


def settings_of(run: TrainingRun) -> TrainingSettings:
    """The settings a training was started with."""
    names = TrainingSettings.model_fields
    return TrainingSettings.model_validate({k: v for k, v in run.settings.items() if k in names})


def version_of(workspace: Workspace, run: TrainingRun) -> DatasetVersion | None:
    """The dataset version a training learns from."""
    if run.dataset_version_id is None:
        return None
    return datasets.get(workspace.engine, run.dataset_version_id)


def run_training(workspace: Workspace, run: TrainingRun, resume: bool = False) -> Checkpoint:
    """Train to the end, in this process's group, and return the final checkpoint. Output goes to stdout, progress to
    the job's file.

    Raises:
        StudioError: the training failed; the message is the likely cause.
    """
    chosen = preset(run.preset)
    work_dir = work_folder(workspace, run)
    arguments = [str(xtuner_tool("train.py")), str(work_dir / CONFIG_NAME), "--work-dir", str(work_dir)]
    environment = child_environment(workspace, chosen.device)
    if resume:
        newest = training_state(workspace, run).checkpoints[-1]
        arguments += ["--resume", str(newest.path)]
        # Our own checkpoint holds more than tensors, which torch.load refuses by default.
        environment["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    watch = _Watch()
    with working(workspace):
        ended = run_child(arguments, environment, watch.line)
    if reason := failure_of(ended, work_dir):
        raise StudioError(reason)
    return training_state(workspace, run).checkpoints[-1]


class _Watch:
    """Turns the trainer's lines into progress; ends it when the loss stays NaN."""

    def __init__(self) -> None:
        self._reporter = Reporter()
        self._reporter.update(0, message=_("正在加载模型和数据"))
        self._counting = False
        self._bad = 0

    def line(self, line: str) -> bool:
        found = ITERATION.search(line)
        if found is None:
            return True
        done, total = int(found[1]), int(found[2])
        loss = LOSS.search(line)
        value = finite(loss[1]) if loss else None
        if not self._counting:
            # A new clock, so that loading the model does not count in the time per iteration.
            self._reporter = Reporter(total=total, unit=_("步"), done=done)
            self._counting = True
        shown = "" if value is None else _("损失 {loss}", loss=f"{value:.3f}")
        self._reporter.update(done, total=total, message=shown)
        self._bad = self._bad + 1 if loss is not None and value is None else 0
        return self._bad < NAN_PATIENCE
