"""What a training of Slurm is when the programs of Slurm answer with an error: each is a program on PATH that
says what Slurm's says."""

from pathlib import Path

import pytest

from tests.tiny_base import add_version
from tianji_core import training
from tianji_core.errors import PlaceError, PlaceUnreachableError
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


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (
            "Batch job submission failed: Invalid account or account/partition combination specified",
            "不认这个账户",
        ),
        (
            "AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates"
            " accounting/QOS policy (job submit limit, user's size and/or time limits)",
            "超过了集群给的额度或时限，请少要一些，或等",
        ),
        ("Batch job submission failed: Invalid qos specification", "额度或时限"),
        ("invalid partition specified: nowhere", "没有这个分区"),
        (
            "Batch job submission failed: Required partition not available (inactive or drain)",
            "这个分区停用了",
        ),
        (
            "Memory specification can not be satisfied\nsbatch: error: Batch job submission failed:"
            " Requested node configuration is not available",
            "没有这么多卡、核或内存",
        ),
        ("Batch job submission failed: Something new", "Something new"),
    ],
)
def test_a_refusal_says_what_to_change_and_stores_no_job(
    workspace: Workspace, run: training.TrainingRun, programs: Path, said: str, advice: str
) -> None:
    folder = training.work_folder(workspace, run)
    (folder / slurm_runs.FILE).unlink()
    (programs / "squeue").write_text("#!/bin/sh\n", encoding="utf-8")
    (programs / "squeue").chmod(0o755)
    says(programs, "sbatch", said.replace("'", ""))
    with pytest.raises(PlaceError, match=f"Slurm 拒绝了：.*{advice}") as raised:
        slurm_runs.submit(workspace, run, SlurmRequest(), again=False)
    assert raised.value.exit_code != 0 and slurm_runs.job_of(folder) is None


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("PENDING|PartitionTimeLimit", "请改短时限"),
        ("PENDING|AssocMaxWallDurationPerJobLimit", "请改短时限"),
        ("PENDING|Job's account not permitted to use this partition (others allows rich)", "请改分区或账户"),
        ("PENDING|PartitionDown", "这个分区停用了"),
        ("PENDING|AssocGrpCPUMinutesLimit", "机时用完了"),
        ("PENDING|QOSGrpJobsLimit", "额度正被占满"),
        ("PENDING|AssocMaxCpuPerJobLimit", "请少要一些"),
        ("PENDING|PartitionConfig", "请少要一些"),
        ("PENDING|Nodes required for job are DOWN, DRAINED or reserved", "停用了或被预留"),
        ("REQUEUE_HOLD|launch failed requeued held", "scontrol release"),
        ("PENDING|Priority", ""),
        ("PENDING|Resources", ""),
    ],
)
def test_a_job_that_does_not_start_by_waiting_says_what_to_do(
    workspace: Workspace, run: training.TrainingRun, programs: Path, said: str, advice: str
) -> None:
    """The words are those of a Slurm with accounts and limits."""
    program = programs / "squeue"
    program.write_text(f'#!/bin/sh\necho "{said}"\n', encoding="utf-8")
    program.chmod(0o755)
    state = slurm_runs.state_of(workspace, run)
    assert (state.state, state.active) == ("waiting", True)
    assert advice in state.reason and ("：" in state.reason) == bool(advice)
