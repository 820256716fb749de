"""A full disk, on a small file system of its own: the run waits, says so, and goes on when there is room.
Nothing that was answered is lost, and nothing is asked twice."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback import LoopbackApi, says
from tests.processes import until
from tianji_core import generation, jobs
from tianji_core.dispatch import RunOptions
from tianji_core.errors import DiskFullError
from tianji_core.files import write_text
from tianji_core.recipe import Plan
from tianji_core.store import runs as run_store
from tianji_core.store.database import writing
from tianji_core.store.runs import Run
from tianji_core.store.samples import IMPORT, NewSample, insert_new
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.workspace import Workspace, open_workspace

pytestmark = pytest.mark.sqlite


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace on a file system of 6 MB; needs the right to mount one."""
    home = tmp_path / "workspace"
    home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(home)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a file system")
    space = open_workspace(home)
    try:
        _ = space.engine
        yield space
    finally:
        space.engine.dispose()
        subprocess.run(["umount", "--lazy", str(home)], check=True)


def fill(workspace: Workspace) -> Path:
    """Takes all the room that is left; returns the file to remove again."""
    ballast = workspace.home / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                os.write(file.fileno(), b"\0" * 4096)
        except OSError:
            pass
    return ballast


def done(workspace: Workspace, run: Run) -> int:
    return run_store.counts(workspace.engine, [run.id])[run.id].done


def test_a_full_disk_is_an_error_of_its_own(small: Workspace) -> None:
    ballast = fill(small)
    with pytest.raises(DiskFullError, match="No space"):
        write_text(small.home / "settings.json", "{}" * 9000)
    new = NewSample("wishes", "系统", "祝妹妹生日", "快乐" * 20_000, "妹妹", "生日", "正常")
    with pytest.raises(DiskFullError, match="用不了"), writing(small.engine) as connection:
        insert_new(connection, [new], IMPORT)
    ballast.unlink()
    with writing(small.engine) as connection:
        insert_new(connection, [new], IMPORT)


def new_run(workspace: Workspace, api: LoopbackApi, teacher: str) -> Run:
    if teacher == "offline":
        plan, choice = Plan(limit=6000, rounds=12), TeacherChoice(provider="offline")
    else:
        plan = Plan(limit=800, rounds=2)
        choice = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url)
    options = RunOptions(ban_openings=False)
    return generation.create_run(workspace, "wishes", plan, choice, Sampling(), 16, options=options)


def paused(workspace: Workspace, job: jobs.Job) -> str:
    progress = jobs.read_progress(workspace, job.id)
    return progress.paused if progress is not None else ""


def quiet(api: LoopbackApi) -> bool:
    """Whether nothing is asked for two seconds."""
    sent = len(api.requests)
    time.sleep(2)
    return len(api.requests) == sent


@pytest.mark.parametrize("teacher", ["custom", "offline"])
def test_a_run_waits_for_room_and_goes_on(small: Workspace, api: LoopbackApi, teacher: str) -> None:
    api.default = says("祝您生日快乐，万事如意。" * 60)
    run = new_run(small, api, teacher)
    job = generation.start_generation(small, run.id)
    until(lambda: done(small, run) > 0, 60)
    ballast = fill(small)
    until(lambda: paused(small, job), 60)
    assert "磁盘满了" in paused(small, job)
    until(lambda: quiet(api), 60)  # what was asked before the disk was full arrives
    before, sent = done(small, run), len(api.requests)
    time.sleep(3)
    assert jobs.get(small, job.id).state == "running"
    assert done(small, run) == before and len(api.requests) == sent  # nothing is asked that cannot be kept
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=256m", str(small.home)], check=True)
    until(lambda: not paused(small, job), 60)
    ended = jobs.wait(small, job.id, 300)
    assert ended.state == "succeeded", ended.note
    counts = run_store.counts(small.engine, [run.id])[run.id]
    assert (counts.done, counts.failed, counts.pending) == (run.total, 0, 0)
    if teacher == "custom":
        assert len(api.requests) == run.total  # none was asked twice
    assert generation.raw_path(small, run.id).stat().st_size > 500_000


def test_a_run_that_waits_for_room_can_be_stopped_and_continued(small: Workspace, api: LoopbackApi) -> None:
    api.default = says("祝您生日快乐，万事如意。" * 60)
    run = new_run(small, api, "custom")
    job = generation.start_generation(small, run.id)
    until(lambda: done(small, run) > 0, 60)
    ballast = fill(small)
    until(lambda: paused(small, job), 60)
    subprocess.run(["mount", "-o", "remount,size=256m", str(small.home)], check=True)
    ballast.unlink()
    jobs.stop(small, job.id)
    assert jobs.wait(small, job.id, 60).state == "stopped"
    again = generation.start_generation(small, run.id)
    assert jobs.wait(small, again.id, 300).state == "succeeded"
    assert done(small, run) == run.total


def test_a_workspace_on_a_full_disk_says_so_when_it_is_opened(small: Workspace) -> None:
    small.engine.dispose()  # the next process makes the files beside the database anew
    ballast = fill(small)
    with pytest.raises(DiskFullError, match="检查磁盘空间"):
        _ = open_workspace(small.home).engine
    ballast.unlink()
    _ = open_workspace(small.home).engine


def test_the_command_line_says_so_at_once(small: Workspace, api: LoopbackApi) -> None:
    run = new_run(small, api, "offline")
    words = [sys.executable, "-m", "tianji_core", "generate", "--limit", "6000", "--rounds", "12"]
    with subprocess.Popen(
        [*words, "--workspace", str(small.home)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as command:
        assert command.stderr is not None
        try:
            until(lambda: any(done(small, each) for each in run_store.listed(small.engine)), 60)
            ballast = fill(small)
            line = command.stderr.readline()
            assert line.startswith("! ") and "磁盘满了" in line
            ballast.unlink()
            subprocess.run(["mount", "-o", "remount,size=256m", str(small.home)], check=True)
            command.stderr.read()
            assert command.wait(300) == 0
        finally:
            command.kill()
    assert run.id == 1 and done(small, run_store.get(small.engine, 2)) == 6000
