"""The Slurm script, on a real Slurm of two nodes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import until
from tests.slurm import MISSING, Cluster, slurm_cluster
from tests.tiny_base import add_version, write_tiny_base
from tianji_core import training
from tianji_core.errors import TrainingError
from tianji_core.project import PROJECT
from tianji_core.store import training as rows
from tianji_core.training import engine
from tianji_core.training.launch import by_hand
from tianji_core.training.places import slurm_runs
from tianji_core.training.slurm import SlurmRequest, checked_request, slurm_ends, slurm_script
from tianji_core.training.target import checked_target
from tianji_core.workspace import Workspace

KEY = "nano-cpu-qlora"
real = pytest.mark.skipif(bool(MISSING), reason=f"no Slurm here: {', '.join(MISSING)} not found")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0a1b2c3d4e5f60718293")
    with slurm_cluster() as cluster:
        yield cluster


def stored(workspace: Workspace, tmp_path: Path, **changes: object) -> training.TrainingRun:
    base = write_tiny_base(tmp_path / "base")
    values = {"base": str(base), "max_length": 272, "eval_tokens": 1, **changes}
    settings = training.default_settings(KEY).model_copy(update=values)
    target = checked_target("cpu", {"nodes": 2, "address": "first"})
    return training.prepare_training(workspace, KEY, settings, add_version(workspace), target=target)


@real
@pytest.mark.training
def test_a_job_of_two_nodes_that_is_started_again_goes_on_and_ends(
    workspace: Workspace, tmp_path: Path, cluster: Cluster
) -> None:
    run = stored(workspace, tmp_path, epochs=16, save_interval=1000)
    work_dir = training.work_folder(workspace, run)
    script = tmp_path / "train.sbatch"
    script.write_text(by_hand(workspace, run, SlurmRequest(time="30", cpus=2))[1], encoding="utf-8")
    job = cluster.submit(script)
    newest = work_dir / engine.NEWEST_CHECKPOINT

    def saved_or_ended() -> bool:
        return newest.exists() or cluster.job_state(job) in ("FAILED", "COMPLETED")

    until(saved_or_ended, 240)
    log = work_dir / f"slurm-{job}.log"
    assert cluster.job_state(job) == "RUNNING", log.read_text(encoding="utf-8")
    cluster.ask("scontrol", "requeue", str(job))
    until(lambda: cluster.job_state(job) == "PENDING", 60)
    cluster.ask("scontrol", "update", f"jobid={job}", "starttime=now")  # Slurm lets it wait two minutes
    assert cluster.wait(job, 240) == "COMPLETED", log.read_text(encoding="utf-8")
    assert slurm_ends(work_dir) == {job: 0}
    state = training.training_state(workspace, rows.get(workspace.engine, run.id))
    assert state.finished and state.iteration == state.total
    said = log.read_text(encoding="utf-8")
    assert "resumed" in said or "Load checkpoint from" in said
    kept = [path for path in cluster.state.rglob("*") if path.is_file()]
    assert kept and not any(b"sk-0a1b2c3d4e5f6" in path.read_bytes() for path in kept)


@real
@pytest.mark.training
def test_a_job_that_fails_leaves_its_exit_code_and_no_node_waiting(
    workspace: Workspace, tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, cluster.environment[name])
    run = stored(workspace, tmp_path, epochs=1, save_interval=10)
    work_dir = training.work_folder(workspace, run)
    with (work_dir / engine.CONFIG_NAME).open("a", encoding="utf-8") as config:
        config.write("\nraise SystemExit(7)\n")
    job = slurm_runs.submit(workspace, run, SlurmRequest(), again=False)
    assert cluster.wait(job, 240) == "FAILED"
    until(lambda: job in slurm_ends(work_dir), 60)
    code = slurm_ends(work_dir)[job]
    state = slurm_runs.state_of(workspace, run)
    assert code != 0 and (state.state, state.exit_code) == ("failed", code)
    assert f"任务 {job} 失败了，退出码 {code}" in state.reason


def words_of(script: str) -> dict[str, str]:
    lines = [line.removeprefix("#SBATCH --") for line in script.splitlines() if line.startswith("#SBATCH --")]
    return {name: value for name, _equals, value in (line.partition("=") for line in lines)}


@pytest.mark.parametrize("folder", ["it's", "100%", "祝 福;$(x)", 'a"b#c*[d]'])
def test_the_script_is_sound_shell_whatever_the_folder_is_called(tmp_path: Path, folder: str) -> None:
    target = checked_target("cuda", {"processes": 4, "nodes": 2, "address": "n1"})
    script = slurm_script(training.preset("internlm2-chat-7b-qlora"), target, tmp_path / folder, "祝福 7B; x")
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    wanted = words_of(script)
    assert (wanted["nodes"], wanted["gpus-per-node"], wanted["cpus-per-task"]) == ("2", "4", "32")
    assert (wanted["job-name"], wanted["export"], "requeue" in wanted) == ("7B-x", "NONE", True)
    assert "%" not in folder or "100%%/slurm-%j.log" in wanted["output"]


def test_a_folder_that_slurm_cannot_name_is_refused(tmp_path: Path) -> None:
    preset = training.preset(KEY)
    with pytest.raises(TrainingError, match="反斜杠"):
        slurm_script(preset, checked_target("cpu", {}), tmp_path / "a\\b", "x")


def test_what_is_asked_of_the_cluster_stands_in_the_script(tmp_path: Path) -> None:
    given = {"partition": "gpu", "account": "lab", "time": "1-00:00:00", "memory": "64G", "cpus": 6}
    script = slurm_script(
        training.preset(KEY), checked_target("cpu", {}), tmp_path, "x", request=checked_request(given)
    )
    wanted = words_of(script)
    assert (wanted["partition"], wanted["account"], wanted["time"]) == ("gpu", "lab", "1-00:00:00")
    assert (wanted["mem"], wanted["cpus-per-task"]) == ("64G", "6") and "gpus-per-node" not in wanted


@pytest.mark.parametrize(
    ("container", "wanted"),
    [
        ("pyxis:nvcr.io#nvidia/pytorch:25.01", "--container-image='nvcr.io#nvidia/pytorch:25.01'"),
        ("apptainer:/images/tianji.sif", "apptainer exec --nv --bind"),
    ],
)
def test_modules_and_a_container_stand_in_a_sound_script(tmp_path: Path, container: str, wanted: str) -> None:
    request = checked_request({"modules": "cuda/12.4 gcc", "container": container})
    script = slurm_script(training.preset(KEY), checked_target("cpu", {}), tmp_path, "x", request=request)
    assert "\nmodule load cuda/12.4 gcc\n" in script and wanted in script
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


@pytest.mark.parametrize(("container", "form"), [("pyxis:x", "{0}:{0}"), ("apptainer:x", "--bind {0} ")])
def test_a_container_sees_the_base_and_the_data_wherever_they_are(
    workspace: Workspace, tmp_path: Path, container: str, form: str
) -> None:
    run = stored(workspace, tmp_path)
    config = training.work_folder(workspace, run) / engine.CONFIG_NAME
    data = engine.data_file(config.read_text(encoding="utf-8"))
    elsewhere = tmp_path / "elsewhere" / data.name
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(data.read_bytes())
    text = config.read_text(encoding="utf-8").replace(str(data), str(elsewhere))
    config.write_text(text, encoding="utf-8")
    script = by_hand(workspace, run, checked_request({"container": container}))[1]
    for folder in (workspace.home, tmp_path / "base", elsewhere.parent, PROJECT, Path(sys.prefix)):
        assert form.format(folder) in script


@pytest.mark.parametrize(
    "given",
    [
        {"partition": "a b"},
        {"modules": "a; rm -rf /"},
        {"container": "docker:x"},
        {"account": "x\n#SBATCH --uid=0"},
        {"time": "soon"},
        {"memory": "64 GB"},
        {"cpus": "x"},
    ],
)
def test_what_is_no_such_value_is_named(given: dict[str, object]) -> None:
    with pytest.raises(TrainingError, match="Slurm 的这一项填得不对"):
        checked_request(given)


def test_ends_of_other_programs_are_left_out(tmp_path: Path) -> None:
    for name, text in (
        ("slurm-7.exit", "0\n"),
        ("slurm-8.exit", ""),
        ("slurm-x.exit", "1"),
        ("slurm-9.exit", "143"),
    ):
        (tmp_path / name).write_text(text)
    assert slurm_ends(tmp_path) == {7: 0, 9: 143}
    json.dumps(slurm_ends(tmp_path))
