"""A run as a background job: real child processes that are killed, stopped and started again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

import psutil
import pytest

from tests.loopback import LoopbackApi, fails
from tianji_core import jobs
from tianji_core.errors import JobError, TeacherAuthError
from tianji_core.generation import create_run, jobs_by_run, retry_failed, run_state, start_generation
from tianji_core.generation.job import GenerationSubject
from tianji_core.recipe import Plan
from tianji_core.store import run_lines
from tianji_core.store import runs as rows
from tianji_core.store.runs import Run
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.workspace import Workspace

KEY = "sk-onlyforthistest-0123456789"


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def run(workspace: Workspace, api: LoopbackApi) -> Run:
    api.latency = 0.02
    choice = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=60)
    plan = Plan(styles=("正常", "小红书"), limit=150)
    return create_run(workspace, "wishes", plan, choice, Sampling(), concurrency=4)


def done(workspace: Workspace, run: Run) -> int:
    return rows.counts(workspace.engine, [run.id])[run.id].done


def test_a_killed_child_loses_nothing_and_doubles_nothing(workspace: Workspace, api: LoopbackApi, run: Run):
    api.answer_only(40)
    worker = jobs.prepare_worker(workspace, "test", "单独的子进程", GenerationSubject(run_id=run.id))
    child = subprocess.Popen(worker.argv, stdout=subprocess.DEVNULL)
    until(lambda: done(workspace, run) == 40)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    kept = done(workspace, run)
    assert kept == 40
    api.answer_all()

    job = jobs.wait(workspace, start_generation(workspace, run.id).id, timeout=120)
    state = run_state(workspace.engine, run.id)
    assert job.state == "succeeded"
    assert state.counts.done == state.totals.samples == 150
    positions = [line.position for line in run_lines.each_line(workspace.engine, run.id)]
    assert positions == list(range(150))
    assert len(api.requests) <= 150 + 4  # only what was in flight at the kill was asked for again


def test_stop_and_resume_through_the_job(workspace: Workspace, api: LoopbackApi, run: Run):
    api.answer_only(20)
    job = start_generation(workspace, run.id)
    with pytest.raises(JobError, match="正在运行"):
        start_generation(workspace, run.id)
    with pytest.raises(JobError, match="正在运行"):
        retry_failed(workspace, run.id)
    until(lambda: done(workspace, run) == 20)
    jobs.stop(workspace, job.id)
    stopped = jobs.wait(workspace, job.id, timeout=60)
    kept = done(workspace, run)
    assert (stopped.state, kept) == ("stopped", 20)
    api.answer_all()

    again = start_generation(workspace, run.id)
    assert jobs_by_run(workspace)[run.id].id == again.id
    assert jobs.wait(workspace, again.id, timeout=120).state == "succeeded"
    progress = jobs.read_progress(workspace, again.id)
    assert progress is not None
    assert (progress.done, progress.total, progress.done_at_start) == (150, 150, kept)
    with pytest.raises(JobError, match="没有要写的任务"):
        start_generation(workspace, run.id)


def test_a_fatal_error_is_the_note_of_the_job(workspace: Workspace, api: LoopbackApi, run: Run):
    api.default = fails(401, "unknown key")
    job = jobs.wait(workspace, start_generation(workspace, run.id).id, timeout=60)
    assert (job.state, job.exit_code) == ("failed", 2)
    assert "CUSTOM_API_KEY" in job.note
    assert "Traceback" not in jobs.log_tail(workspace, job.id)


def test_the_key_is_in_no_argument_log_or_table(workspace: Workspace, api: LoopbackApi, run: Run):
    workspace.save_key("CUSTOM_API_KEY", KEY)
    api.answer_only(5)
    job = start_generation(workspace, run.id)
    until(lambda: done(workspace, run) == 5)
    child = psutil.Process(jobs.get(workspace, job.id).pid)
    arguments = " ".join([*child.cmdline(), *child.parent().cmdline()])
    api.answer_all()
    jobs.wait(workspace, job.id, timeout=120)
    assert api.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in arguments
    for path in workspace.home.rglob("*"):
        if path.is_file() and path != workspace.env_file:
            assert KEY.encode() not in path.read_bytes(), path


def test_a_missing_key_is_said_before_anything_starts(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    run = create_run(workspace, "wishes", Plan(limit=2), TeacherChoice(provider="deepseek"), Sampling())
    monkeypatch.delenv("DEEPSEEK_API_KEY")
    with pytest.raises(TeacherAuthError, match="DEEPSEEK_API_KEY"):
        start_generation(workspace, run.id)
    assert jobs.listed(workspace) == []
