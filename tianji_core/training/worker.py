"""The workers that train, that try a base, and that try a preset on the CPU."""

from pathlib import Path

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, worker_of
from tianji_core.model_folders.trust import runs_code
from tianji_core.store import datasets
from tianji_core.store import training as training_runs
from tianji_core.training.base_trials import TrialSubject, try_base
from tianji_core.training.cpu_trial import CpuTrialSubject, run_cpu_trial
from tianji_core.training.launch import TrainingSubject, run_training
from tianji_core.workspace import Workspace


@worker_of(TrainingSubject)
def train(workspace: Workspace, subject: TrainingSubject, reporter: Reporter) -> int:
    """Train one stored run to its end; returns the exit code."""
    run = training_runs.get(workspace.engine, subject.training_run_id)
    run_training(workspace, run, reporter)
    subject.go_on(workspace, run)
    return 0


@worker_of(TrialSubject)
def try_one_base(workspace: Workspace, subject: TrialSubject, reporter: Reporter) -> int:
    """Tries a base and keeps what came out; returns the exit code.

    Raises:
        TrainingError: the base cannot be trained. ModelError: nobody allowed its code.
    """
    base = Path(subject.base)
    reporter.update(0, message=_("正在加载模型并算一步"))
    trial = try_base(workspace, base, subject.template, runs_code(workspace, base))
    if trial.problem:
        print(trial.output, flush=True)
        raise TrainingError(trial.sentence)
    print(trial.sentence)
    return 0


@worker_of(CpuTrialSubject)
def try_on_cpu(workspace: Workspace, subject: CpuTrialSubject, reporter: Reporter) -> int:
    """Trains a few steps of a preset on the CPU; returns the exit code.

    Raises:
        StudioError: it failed; says why.
    """
    version = datasets.get(workspace.engine, subject.dataset_version_id)
    trial = run_cpu_trial(workspace, subject.preset, subject.settings, version, reporter)
    print(trial.sentence)
    return 0
