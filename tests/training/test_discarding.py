"""Checkpoints go into the trash and come back."""

import sys

import pytest
from typer.testing import CliRunner

from tests.training.test_verdict import write_checkpoint, write_sitting
from tianji_core import jobs, training
from tianji_core.cli import program
from tianji_core.errors import ModelError, TrainingError
from tianji_core.store import training as rows
from tianji_core.training.launch import TrainingSubject
from tianji_core.training.saved import keep_newest


@pytest.fixture
def run(workspace):
    stored = training.default_settings("nano-cpu-qlora").model_dump(mode="json")
    made = rows.add(workspace.engine, "试训练", "nano-cpu-qlora", None, stored)
    folder = workspace.runs / f"training-{made.id}"
    write_sitting(folder, "20260101_000000", [(4, 2.0), (8, 1.0)], total=8)
    for iteration in (4, 8):
        write_checkpoint(folder / f"iter_{iteration}.pth")
    keep_newest(folder)
    return rows.change(workspace.engine, made.id, work_dir=str(folder.relative_to(workspace.home)))


def steps(workspace, run):
    return [each.iteration for each in training.training_state(workspace, run).checkpoints]


def test_a_deleted_checkpoint_is_gone_until_it_is_restored(workspace, run):
    gone = training.delete_checkpoint(workspace, run, 8)
    assert gone.size > 0 and steps(workspace, run) == [4]
    assert [(each.run.id, each.iteration) for each in training.deleted_checkpoints(workspace)] == [
        (run.id, 8)
    ]
    training.restore_checkpoint(workspace, run, 8)
    assert steps(workspace, run) == [4, 8] and training.deleted_checkpoints(workspace) == []


def test_the_last_one_does_not_come_back_under_its_second_name(workspace, run):
    for iteration in (8, 4):
        training.delete_checkpoint(workspace, run, iteration)
    assert steps(workspace, run) == []
    training.purge_checkpoint(workspace, run, 8)
    assert [each.iteration for each in training.deleted_checkpoints(workspace)] == [4]
    with pytest.raises(TrainingError, match="第 8 步"):
        training.restore_checkpoint(workspace, run, 8)


def test_what_a_job_uses_stays(workspace, run):
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    job = jobs.start(
        workspace, "convert", "转换中", sleeping, subject=TrainingSubject(training_run_id=run.id)
    )
    with pytest.raises(TrainingError, match="转换中"):
        training.delete_checkpoint(workspace, run, 8)
    jobs.stop(workspace, job.id)
    assert steps(workspace, run) == [4, 8]
    with pytest.raises(TrainingError, match="没有第 5 步"):
        training.delete_checkpoint(workspace, run, 5)


def test_the_command_line_deletes_and_restores(workspace, run):
    def ask(*words):
        return CliRunner().invoke(program(), [*words, "--workspace", str(workspace.home)])

    assert ask("delete", f"{run.id}:8").exit_code == 0 and steps(workspace, run) == [4]
    assert ask("restore").output.split() == [f"{run.id}:8"]
    assert ask("restore", f"{run.id}:8").exit_code == 0 and steps(workspace, run) == [4, 8]
    refused = ask("restore", "no-such-model")
    assert isinstance(refused.exception, ModelError)
