"""The worker of a training job."""

from tianji_core.jobs import Reporter, worker_of
from tianji_core.store import training as training_runs
from tianji_core.training.launch import TrainingSubject, run_training
from tianji_core.workspace import Workspace


@worker_of(TrainingSubject)
def train(workspace: Workspace, subject: TrainingSubject, reporter: Reporter) -> int:
    """Train one stored run to its end; returns the exit code."""
    run_training(workspace, training_runs.get(workspace.engine, subject.training_run_id), reporter)
    return 0
