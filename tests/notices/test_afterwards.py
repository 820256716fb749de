"""What follows the end of a job, with real processes."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notices.receiver import Receiver, receiver
from tests.processes import until
from tianji_core import jobs, notices
from tianji_core.errors import NoticeError
from tianji_core.jobs.processes import alive
from tianji_core.notices import Afterwards
from tianji_core.workspace import Workspace

WEBHOOK = next(channel for channel in notices.CHANNELS if channel.key == "webhook")
SECONDS = 60


@pytest.fixture
def robot() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


def started(workspace: Workspace, code: str) -> jobs.Job:
    return jobs.start(workspace, "demo", "走一遍", [sys.executable, "-c", code])


def test_the_end_of_a_job_is_told_and_its_child_never_sees_the_address(
    workspace: Workspace, robot: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEBHOOK.address, f"{robot.url}/hook/4d2a6b8c0e1f")
    go = tmp_path / "go"
    code = (
        f"import os, time; print(dict(os.environ))\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)"
    )
    job = started(workspace, code)
    notices.save_afterwards(workspace, job.id, Afterwards(notify=True))
    go.touch()
    until(lambda: robot.received)
    assert robot.received[0][1]["job"]["state"] == "succeeded"
    until(lambda: "通知已送出" in jobs.log_tail(workspace, job.id))
    log = jobs.log_tail(workspace, job.id)
    assert "PATH" in log and "4d2a6b8c0e1f" not in log and WEBHOOK.address not in log


def test_the_machine_is_switched_off_when_all_is_done(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIANJI_SWITCH_OFF_COMMAND", f"touch '{tmp_path / 'switched off'}'")
    waits = iter([2, 1, 0, 0, 0, 0, 0, 0])
    monkeypatch.setattr("tianji_core.notices.power.LOOK", 0.01)
    assert notices.switch_off_after(workspace, 1, lambda: next(waits, 0), countdown=0.02)
    assert (tmp_path / "switched off").exists()


def test_a_person_can_stop_it(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIANJI_SWITCH_OFF_COMMAND", f"touch '{tmp_path / 'switched off'}'")
    monkeypatch.setattr("tianji_core.notices.power.LOOK", 0.01)
    seen = []

    def others() -> int:
        if (state := notices.switching_off(workspace)) is not None and state.at is not None:
            seen.append(state)
            notices.keep_on(workspace)
        return 0

    assert not notices.switch_off_after(workspace, 7, others, countdown=30)
    assert seen[0].job == 7 and notices.switching_off(workspace) is None
    assert not (tmp_path / "switched off").exists()


def test_a_job_that_a_person_stopped_switches_nothing_off(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIANJI_SWITCH_OFF_COMMAND", f"touch '{tmp_path / 'switched off'}'")
    job = started(workspace, "import time; time.sleep(60)")
    notices.save_afterwards(workspace, job.id, Afterwards(switch_off=True))
    until(lambda: jobs.get(workspace, job.id).pid)
    jobs.stop(workspace, job.id)
    ended = jobs.wait(workspace, job.id, timeout=SECONDS)
    until(lambda: not alive(ended.supervisor_pid, ended.supervisor_started))
    assert ended.state == "stopped" and notices.switching_off(workspace) is None
    assert not (tmp_path / "switched off").exists()


@pytest.mark.parametrize("command", ["/no/such/program", "false", "'unpaired"])
def test_a_command_that_fails_is_said(
    workspace: Workspace, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIANJI_SWITCH_OFF_COMMAND", command)
    with pytest.raises(NoticeError):
        notices.switch_off_after(workspace, 1, lambda: 0, countdown=0)
