"""What a training of Slurm is when the programs of Slurm answer with an error: each is a program on PATH that
says what Slurm's says."""

from pathlib import Path

import pytest

from tests.tiny_base import add_version
from tianji_core import training
from tianji_core.errors import PlaceUnreachableError
from tianji_core.files import write_json
from tianji_core.training.places import slurm_runs
from tianji_core.training.slurm import SlurmRequest
from tianji_core.workspace import Workspace

FORGOTTEN = "Invalid job id specified"
TROUBLES = (
    "slurm_load_jobs error: Protocol authentication error",
    "slurm_load_jobs error: Zero Bytes were transmitted or received",
    "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def says(programs: Path, name: str, error: str) -> None:
    """Writes a program that fails with an error."""
    program = programs / name
    program.write_text(f"#!/bin/sh\necho '{name}: {error}' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.fixture
def run(workspace: Workspace) -> training.TrainingRun:
    """A training that was submitted as job 7."""
    settings = training.default_settings("nano-cpu-qlora")
    stored = training.prepare_training(
        workspace, "nano-cpu-qlora", settings, add_version(workspace), place="cluster"
    )
    write_json(training.work_folder(workspace, stored) / slurm_runs.FILE, {"job": 7})
    return stored


def test_only_a_job_that_slurm_has_forgotten_is_gone(
    workspace: Workspace, run: training.TrainingRun, programs: Path
) -> None:
    with pytest.raises(PlaceUnreachableError, match="squeue"):
        slurm_runs.state_of(workspace, run)  # there is no squeue
    for trouble in TROUBLES:
        says(programs, "squeue", trouble)
        with pytest.raises(PlaceUnreachableError):
            slurm_runs.state_of(workspace, run)
    says(programs, "sbatch", "nothing may be submitted")
    with pytest.raises(PlaceUnreachableError):  # it may train: it is not submitted a second time
        slurm_runs.submit(workspace, run, SlurmRequest(), again=True)
    says(programs, "squeue", FORGOTTEN)
    assert slurm_runs.state_of(workspace, run).state == "failed"


def test_a_job_that_slurm_has_forgotten_is_stopped_already(
    workspace: Workspace, run: training.TrainingRun, programs: Path
) -> None:
    says(programs, "scancel", f"Kill job error on job id 7: {FORGOTTEN}")
    slurm_runs.stop(workspace, run)
    says(programs, "scancel", TROUBLES[1])
    with pytest.raises(PlaceUnreachableError):
        slurm_runs.stop(workspace, run)
