"""Child processes get the keys that they need and no others: read from /proc of real children."""

import json
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.loopback import LoopbackApi
from tests.processes import until
from tianji_core import jobs
from tianji_core.advice.job import start_rating
from tianji_core.dataset.import_job import start_hub_import
from tianji_core.generation import create_run, start_generation
from tianji_core.jobs.environment import NEEDS, child_environment
from tianji_core.jobs.subject import JobSubject
from tianji_core.models.launch import start_download
from tianji_core.recipe import Plan
from tianji_core.serving.launch import ServerSubject
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.training import default_settings, preset
from tianji_core.training.child import run_tool, tool_environment
from tianji_core.training.own_presets import checked_source, preset_source
from tianji_core.workspace import Workspace

PLANTED = {
    name: f"planted-{name.lower()}-0123456789"
    for name in (
        "OPENAI_API_KEY",
        "DEEPSEEK_API_KEY",
        "DASHSCOPE_API_KEY",
        "ZHIPUAI_API_KEY",
        "HF_TOKEN",
        "HUGGING_FACE_HUB_TOKEN",
        "MODELSCOPE_API_TOKEN",
        "TIANJI_SERVE_KEY",
        "TIANJI_PASSWORD",
        "WANDB_API_KEY",
        "VLLM_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "MY_CLUSTER_LOGIN",
        "PGPASSWORD",
    )
}
PROXY = "http://person:planted-proxy-password@127.0.0.1:9"
ADDRESSES = {"HTTPS_PROXY", "HF_ENDPOINT"}
"""Variables with a password that whoever uses the network needs."""
SLEEPING = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("HF_ENDPOINT", "https://person:planted-in-an-address@example.org")
    monkeypatch.setenv("OMP_PROC_BIND", "false")


def planted_in(environment: dict[str, str]) -> set[str]:
    """Names of the variables in which a planted secret stands."""
    return {name for name, value in environment.items() if "planted" in value}


def secrets_of(workspace: Workspace, job: jobs.Job) -> set[str]:
    """Names of the planted variables in the environments of a job's supervisor and child; ends the job."""
    try:
        until(lambda: jobs.get(workspace, job.id).pid)
        running = jobs.get(workspace, job.id)
        assert running.pid is not None and running.supervisor_pid is not None
        environments = [psutil.Process(pid).environ() for pid in (running.pid, running.supervisor_pid)]
        assert all(environment["OMP_PROC_BIND"] == "false" for environment in environments)
        return set().union(*map(planted_in, environments))
    finally:
        if jobs.get(workspace, job.id).active:
            jobs.stop(workspace, job.id)
            jobs.wait(workspace, job.id, timeout=60)


@pytest.mark.parametrize("kind", NEEDS)
def test_a_job_that_names_no_key_gets_none(workspace: Workspace, kind: str) -> None:
    job = jobs.start(workspace, kind, "睡", SLEEPING)
    assert secrets_of(workspace, job) == (ADDRESSES if NEEDS[kind].network else set())


def test_a_server_of_another_program_does_not_get_the_address_of_the_database(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIANJI_DATABASE_URL", workspace.database_url)
    job = jobs.start(workspace, "serve", "别的程序", SLEEPING, subject=ServerSubject(port=1))
    until(lambda: jobs.get(workspace, job.id).pid)
    child = psutil.Process(jobs.get(workspace, job.id).pid)
    assert "TIANJI_DATABASE_URL" not in child.environ()
    jobs.stop(workspace, job.id)
    assert jobs.wait(workspace, job.id, timeout=60).state == "stopped"


def test_a_server_with_a_key_gets_that_key_only(workspace: Workspace) -> None:
    job = jobs.start(workspace, "serve", "带密钥", SLEEPING, keys=("TIANJI_SERVE_KEY",))
    assert secrets_of(workspace, job) == {"TIANJI_SERVE_KEY"}


def generation_job(workspace: Workspace, choice: TeacherChoice) -> jobs.Job:
    plan = Plan(styles=("正常",), limit=2)
    run = create_run(workspace, "wishes", plan, choice, Sampling(), concurrency=1)
    return start_generation(workspace, run.id)


def rating(workspace: Workspace, choice: TeacherChoice) -> jobs.Job:
    return start_rating(workspace, "wishes", choice)


@pytest.mark.parametrize("start", [generation_job, rating])
def test_a_job_with_a_teacher_gets_the_key_of_this_teacher_only(
    workspace: Workspace, api: LoopbackApi, start: Callable[[Workspace, TeacherChoice], jobs.Job]
) -> None:
    api.latency = 30
    choice = TeacherChoice(provider="deepseek", model="loopback-model", base_url=api.url, timeout=40)
    assert secrets_of(workspace, start(workspace, choice)) == {"DEEPSEEK_API_KEY"} | ADDRESSES


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_downloads_get_the_token_of_their_hub_only(workspace: Workspace, silent: str) -> None:
    job = start_hub_import(workspace, "wishes", "somebody/wishes", endpoint=silent)
    assert secrets_of(workspace, job) == {"HF_TOKEN"} | ADDRESSES
    workspace.save_settings(workspace.settings().model_copy(update={"model_mirror": silent}))
    job = start_download(workspace, "somebody/model")
    assert secrets_of(workspace, job) == {"MODELSCOPE_API_TOKEN"} | ADDRESSES


def test_tools_of_training_and_merging_get_no_key_and_no_database(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIANJI_DATABASE_URL", "postgresql+psycopg://person:planted@127.0.0.1/studio")
    lines: list[str] = []
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    assert run_tool(["-c", program], tool_environment(workspace, "cpu"), lines.append).code == 0
    environment = json.loads(lines[-1])
    assert planted_in(environment) == set() and "TIANJI_DATABASE_URL" not in environment
    assert environment["HF_HUB_OFFLINE"] == "1"


def test_the_check_of_a_persons_config_sees_no_key(workspace: Workspace, tmp_path: Path) -> None:
    source = preset_source(preset("nano-cpu-lora"), default_settings("nano-cpu-lora"))
    seen = tmp_path / "environ"
    source += f"\nopen({str(seen)!r}, 'w').write(open('/proc/self/environ').read())\n"
    checked_source(workspace, source)
    assert "PATH=" in seen.read_text() and "planted" not in seen.read_text()


def test_a_variable_that_the_person_names_reaches_every_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """A config that reports to an experiment tracker needs its key."""
    monkeypatch.setenv("TIANJI_CHILD_VARIABLES", "WANDB_API_KEY, NOT_SET")
    assert planted_in(child_environment()) == {"WANDB_API_KEY"}


def test_job_records_hold_no_key(workspace: Workspace) -> None:
    job = jobs.start(workspace, "serve", "带密钥", SLEEPING, subject=JobSubject(), keys=("HF_TOKEN",))
    secrets_of(workspace, job)
    stored = jobs.get(workspace, job.id)
    assert "planted" not in json.dumps([stored.argv, stored.environment, stored.subject, stored.note])
