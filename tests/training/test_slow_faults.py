"""Faults that take minutes to bring about for real. After each of them the state that is shown is true, its
reason is named, and nothing a person made is gone."""

import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.processes import left_behind, until
from tests.tiny_base import add_version, write_tiny_base
from tianji_core import jobs, training
from tianji_core.store import training as rows
from tianji_core.training import queue
from tianji_core.training.commands import node_commands

pytestmark = [pytest.mark.training, pytest.mark.slow]
KEY = "nano-cpu-qlora"


@pytest.fixture
def settings(tmp_path):
    base = write_tiny_base(tmp_path / "base")
    changes = {"base": str(base), "epochs": 4, "max_length": 272, "save_interval": 8, "eval_tokens": 2}
    return training.default_settings(KEY).model_copy(update=changes)


def ended(workspace, run):
    """(job, state) of a training that is over."""
    job = jobs.wait(workspace, run.job_id, 300)
    assert left_behind(str(workspace.home)) == []
    return job, training.training_state(workspace, rows.get(workspace.engine, run.id))


def test_the_next_in_line_starts_when_the_worker_before_is_killed(workspace, settings):
    version = add_version(workspace)
    first = training.start_training(workspace, KEY, settings, version, "一")
    until(lambda: training.training_state(workspace, first).points, 240)
    second = training.start_training(workspace, KEY, settings.model_copy(update={"epochs": 1}), version, "二")
    until(lambda: queue.waiting(workspace) == [second.id])
    until(lambda: training.training_state(workspace, second).state == "waiting")
    assert jobs.shown_state(workspace, jobs.get(workspace, second.job_id)) == "等待中"
    os.kill(jobs.get(workspace, first.job_id).pid, 9)
    assert jobs.wait(workspace, first.job_id, 60).state == "failed"
    job, state = ended(workspace, second)
    assert job.state == "succeeded" and state.finished and queue.waiting(workspace) == []


def test_a_full_disk_is_named_and_the_earlier_checkpoint_stays(workspace, settings):
    """A small file system of its own under the runs; needs the right to mount one."""
    version = add_version(workspace)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(workspace.runs)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a file system")
    try:
        many = settings.model_copy(update={"keep_checkpoints": 9})
        run = training.start_training(workspace, KEY, many, version)
        (workspace.runs / "others").write_bytes(b"\0" * (12 << 20))  # the disk fills after the checks
        job, state = ended(workspace, run)
        assert job.state == "failed" and "磁盘满了" in job.note, job.note
        assert state.checkpoints and not state.finished
        assert all(each.size > 1_000_000 for each in state.checkpoints)
        subprocess.run(["mount", "-o", "remount,size=64m", str(workspace.runs)], check=True)
        job, state = ended(workspace, training.resume_training(workspace, state.run))
        assert job.state == "succeeded" and state.finished
        steps = [point.iteration for point in state.points]
        assert steps == sorted(set(steps))
    finally:
        subprocess.run(["umount", str(workspace.runs)], check=True)


def test_going_on_from_an_early_step_and_for_another_pass(workspace, settings):
    version = add_version(workspace)
    kept = settings.model_copy(update={"keep_checkpoints": 9})
    job, whole = ended(workspace, training.start_training(workspace, KEY, kept, version, "整"))
    assert job.state == "succeeded" and whole.total == 40

    branch = training.branch_training(workspace, whole.run, 16)
    job, branched = ended(workspace, branch)
    assert job.state == "succeeded" and branched.finished and branched.total == 40
    steps = [point.iteration for point in branched.points]
    assert steps == sorted(set(steps)) and steps[0] < 16 < steps[-1]
    assert [p.loss for p in branched.points if p.iteration <= 16] == [
        p.loss for p in whole.points if p.iteration <= 16
    ]
    again = training.training_state(workspace, whole.run)
    saved = [each.iteration for each in again.checkpoints]
    assert saved == [8, 10, 16, 20, 24, 30, 32, 40]  # every 8 steps and at the end of each pass

    job, more = ended(workspace, training.one_more_epoch(workspace, whole.run))
    assert job.state == "succeeded" and more.total == 10
    assert more.points[0].loss < whole.points[0].loss * 0.9  # it began with what was learnt


def test_the_commands_of_two_machines_train_together(workspace, settings):
    target = training.checked_target("cpu", {"nodes": 2, "address": "127.0.0.1", "port": 29871})
    run = training.prepare_training(workspace, KEY, settings, add_version(workspace), target=target)
    folder = training.work_folder(workspace, run)
    lines = node_commands(training.preset(KEY), target, folder)
    with ThreadPoolExecutor(2) as pool:
        said = list(
            pool.map(lambda each: subprocess.run(each, shell=True, capture_output=True, text=True), lines)
        )
    assert [each.returncode for each in said] == [0, 0], said[0].stderr[-2000:]
    assert "--node_rank=1" in shlex.split(lines[1])
    state = training.training_state(workspace, run)
    assert state.state == "succeeded" and state.finished and state.total == 20


def test_the_template_of_another_family_is_told_before_the_start(workspace, settings):
    """A base whose vocabulary lacks the marks of the preset's template would learn text, not turns."""
    tokenizer = settings.base_folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace("<|im_start|>", "<|begin|>"), encoding="utf-8")
    version = add_version(workspace)
    checked = training.preflight(workspace, training.preset(KEY), settings, version)
    assert any(check.level != "pass" and "模板" in check.title + check.detail for check in checked.checks)
