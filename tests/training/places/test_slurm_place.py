"""Training on a real Slurm of two nodes through the acts of a place."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import until
from tests.slurm import MISSING, Cluster, slurm_cluster
from tests.sshd import MISSING as SSH_MISSING
from tests.sshd import ssh_server
from tests.tiny_base import add_version, write_tiny_base
from tianji_core import jobs, training
from tianji_core.errors import PlaceError
from tianji_core.project import PROJECT
from tianji_core.store import training as rows
from tianji_core.training import engine
from tianji_core.training.places import slurm_runs
from tianji_core.training.places.adapters import SshAdapter
from tianji_core.training.places.bundle import base_of, make_bundle
from tianji_core.training.places.profile import Place, checked_place, save_place
from tianji_core.training.places.sending import start_elsewhere
from tianji_core.training.places.ssh_client import accept_keys, offered_keys
from tianji_core.training.places.trying import try_place
from tianji_core.training.slurm import checked_request
from tianji_core.workspace import Workspace

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"no Slurm here: {', '.join(MISSING)} not found")
KEY = "nano-cpu-qlora"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with slurm_cluster() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def client(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, cluster.environment[name])


def ours(**asked: object) -> Place:
    values = {"time": "30", "cpus": 2, **asked}
    return checked_place({"name": "cluster", "kind": "slurm", "slurm": checked_request(values)})


def started(workspace: Workspace, tmp_path: Path, place: Place, **changes: object) -> training.TrainingRun:
    base = tmp_path / "base"
    if not base.is_dir():
        write_tiny_base(base)
    values = {"base": str(base), "epochs": 1, "max_length": 272, "save_interval": 8, "eval_tokens": 1}
    settings = training.default_settings(KEY).model_copy(update={**values, **changes})
    return start_elsewhere(workspace, KEY, settings, add_version(workspace), place)


def job_of(workspace: Workspace, run: training.TrainingRun) -> int:
    return rows.get(workspace.engine, run.id).job_id or 0


@pytest.mark.training
def test_it_is_submitted_once_followed_stopped_and_goes_on_to_its_end(
    workspace: Workspace, tmp_path: Path, cluster: Cluster
) -> None:
    run = started(workspace, tmp_path, ours(), epochs=8)
    folder = training.work_folder(workspace, run)
    until(
        lambda: (
            (folder / engine.NEWEST_CHECKPOINT).exists()
            or not jobs.get(workspace, job_of(workspace, run)).active
        ),
        240,
    )
    first = slurm_runs.job_of(folder)
    assert first is not None, jobs.log_tail(workspace, job_of(workspace, run))
    assert (
        slurm_runs.submit(workspace, run, ours().slurm, again=True) == first
    )  # it runs: nothing is trained twice
    (folder / slurm_runs.FILE).unlink()
    assert slurm_runs.submit(workspace, run, ours().slurm, again=False) == first  # known by its name
    jobs.stop(workspace, job_of(workspace, run))
    assert jobs.wait(workspace, job_of(workspace, run), 60).state == "stopped"
    until(lambda: cluster.job_state(first) == "CANCELLED", 60)
    assert slurm_runs.state_of(workspace, run).state == "stopped"
    training.resume_training(workspace, run)
    job = jobs.wait(workspace, job_of(workspace, run), 300)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    second = slurm_runs.job_of(folder)
    assert second is not None and second > first and slurm_runs.state_of(workspace, run).exit_code == 0
    state = training.training_state(workspace, rows.get(workspace.engine, run.id))
    assert state.finished and state.total == 80
    log = (folder / f"slurm-{second}.log").read_text(encoding="utf-8", errors="replace")
    assert "resumed" in log or "Load checkpoint from" in log


def test_what_slurm_refuses_is_one_sentence(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = training.prepare_training(
        workspace, KEY, training.default_settings(KEY), add_version(workspace), place="cluster"
    )
    with pytest.raises(PlaceError, match="Slurm 拒绝了：没有这个分区"):
        slurm_runs.submit(workspace, run, ours(partition="nowhere").slurm, again=False)
    assert slurm_runs.job_of(training.work_folder(workspace, run)) is None
    assert [each.good for each in try_place(workspace, ours())] == [True]
    (found,) = try_place(workspace, ours(partition="nowhere"))
    assert not found.good and "没有分区 nowhere，有的是：main" in found.sentence
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PlaceError, match="这里不是 Slurm 的客户端"):
        slurm_runs.partitions()


@pytest.mark.slow
def test_a_mended_place_submits_a_refused_training_once_and_says_why_it_waits(
    workspace: Workspace, tmp_path: Path, cluster: Cluster
) -> None:
    """It asks for more cores than any machine has, so that it waits."""
    save_place(workspace, ours(partition="nowhere"))
    run = started(workspace, tmp_path, ours(partition="nowhere"))
    job = jobs.wait(workspace, job_of(workspace, run), 240)
    assert (job.state, job.exit_code) == ("failed", 2)
    assert "Slurm 拒绝了：没有这个分区" in jobs.log_tail(workspace, job.id)
    save_place(workspace, ours(cpus=4000))
    training.resume_training(workspace, run)
    folder = training.work_folder(workspace, run)
    until(lambda: slurm_runs.job_of(folder) is not None, 240)
    waits = slurm_runs.state_of(workspace, run)
    assert waits.active and "在排队（PartitionConfig）：要的机器、核、卡或内存太多" in waits.reason
    name = f"tianji-{training.record_of(run).bundle}"
    assert len(cluster.ask("squeue", "-h", "-t", "all", "-n", name, "-o", "%i").split()) == 1
    jobs.stop(workspace, job_of(workspace, run))
    assert jobs.wait(workspace, job_of(workspace, run), 120).state == "stopped"
    assert slurm_runs.state_of(workspace, run).state == "stopped"


@pytest.mark.skipif(bool(SSH_MISSING), reason=f"no SSH here: {', '.join(SSH_MISSING)} not found")
def test_a_cluster_behind_ssh_gets_the_bundle_and_the_job(
    workspace: Workspace, tmp_path: Path, cluster: Cluster
) -> None:
    """It asks for more cores than any machine has, so that it waits, and is cancelled."""
    settings = training.default_settings(KEY)
    version = add_version(workspace)
    run = training.prepare_training(workspace, KEY, settings, version, place="far")
    name = training.record_of(run).bundle
    base = base_of(settings.base_folder, training.record_of(run).base_fingerprint)
    packed = make_bundle(workspace, run, training.preset(KEY), version, base)
    variables = {name: cluster.environment[name] for name in ("SLURM_CONF", "PATH")}
    with ssh_server(tmp_path / "there", variables) as server:
        place = checked_place(
            {
                "name": "far",
                "kind": "slurm",
                "host": "127.0.0.1",
                "port": server.port,
                "user": server.user,
                "key": str(server.key),
                "python": sys.executable,
                "project": str(PROJECT),
                "slurm": checked_request({"cpus": 4000}),
            }
        )
        accept_keys(workspace, place, [offered_keys(place)[0][1]])
        adapter = SshAdapter(workspace, place, name)
        first = adapter.submit(packed, again=False)
        assert (first.state, first.active) == ("waiting", True) and "在排队" in first.reason
        assert adapter.submit(packed, again=True).reason == first.reason  # the same job
        assert adapter.stop().state == "stopped"
        adapter.client.close()
