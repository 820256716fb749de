"""The process between the studio and one child: it starts the child in its own session, stores how it
ends, and ends the whole group on TERM."""

import argparse
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
import types
from typing import Any

from tianji_core.errors import StudioError
from tianji_core.i18n import _, set_language
from tianji_core.jobs.control import grace_of, listed
from tianji_core.jobs.environment import DATABASE, NEEDS, PROXIES
from tianji_core.jobs.logs import log_path, log_tail, rotate
from tianji_core.jobs.processes import end_group, members, started_at
from tianji_core.jobs.progress import VARIABLE, duration_text, progress_path, read_progress
from tianji_core.notices import VARIABLES, follow_up
from tianji_core.project import PROJECT
from tianji_core.roles import PERSON
from tianji_core.store import jobs as job_store
from tianji_core.store.database import now
from tianji_core.workspace import Workspace, open_workspace


def supervise(workspace: Workspace, job_id: int) -> int:
    """Runs the child of a stored job to its end. Returns the child's exit code (negative: a signal)."""
    stop = _StopFlag()
    engine = workspace.engine
    job = job_store.get(engine, job_id)
    me = os.getpid()
    try:
        child = _start_child(workspace, job)
    except OSError as error:
        note = _("启动不了 {program}：{detail}", program=job.argv[0], detail=error.strerror)
        job_store.change(engine, job_id, state="failed", note=note, exit_code=127, ended_at=now())
        return 127
    try:
        job_store.change(
            engine,
            job_id,
            state="running",
            supervisor_pid=me,
            supervisor_started=started_at(me),
            pid=child.pid,
            pid_started=started_at(child.pid),
            started_at=now(),
        )
    except StudioError as error:
        end_group(child.pid)
        child.wait()
        _write_down(workspace, job_id, state="failed", exit_code=1, note=str(error), ended_at=now())
        return 1
    while (code := child.poll()) is None and not stop.requested:
        stop.sleep(LOOK)
        rotate(log_path(workspace, job_id))
    if code is None or stop.requested:
        left = end_group(child.pid, grace_of(job))
    else:
        left = _sweep(child.pid)
    if code is None:
        child.poll()
        code = -signal.SIGTERM
    state = "stopped" if stop.requested else "succeeded" if code == 0 else "failed"
    _write_down(
        workspace,
        job_id,
        state=state,
        exit_code=code,
        note=_note(workspace, job_id, state, code, left),
        ended_at=now(),
    )
    _follow_up(workspace, job_id)
    return code


def _follow_up(workspace: Workspace, job_id: int) -> None:
    """Tells of the end of a job and switches the machine off, where a person wants that. A TERM ends it."""

    def others() -> int:
        return sum(job.kind != "serve" for job in listed(workspace, active=True))

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(StudioError):  # the database is gone: there is nothing to tell of
        job = job_store.get(workspace.engine, job_id)
        follow_up(workspace, job, duration_text(job.seconds), others, _say)


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


def _start_child(workspace: Workspace, job: job_store.Job) -> "subprocess.Popen[bytes]":
    """Starts the program of a job in a session of its own.

    Raises:
        OSError: it cannot be started.
    """
    environment = {
        **_given(job),
        "PYTHONUNBUFFERED": "1",
        "TIANJI_HOME": str(workspace.home),
        "TIANJI_JOB_ID": str(job.id),
        PERSON: job.who,
        VARIABLE: str(progress_path(workspace, job.id)),
        **workspace.cache_variables(),
        **job.environment,
    }
    # The child writes to the file directly, so that it gets no SIGPIPE when this supervisor is killed.
    with log_path(workspace, job.id).open("ab") as log:
        return subprocess.Popen(
            job.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=PROJECT,
            env=environment,
        )


def _given(job: job_store.Job) -> dict[str, str]:
    """Returns what the child gets of this process's environment: not the secrets of the notices, and only
    what it needs of proxies and the database."""
    needs = NEEDS[job.kind]
    withheld = {*VARIABLES, *(() if needs.database else (DATABASE,))}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in withheld and (needs.network or name.upper() not in PROXIES)
    }


def _write_down(workspace: Workspace, job_id: int, **values: Any) -> None:
    """Stores how the job ended, as soon as the database accepts it: the job itself may have filled the
    disk."""
    for _attempt in range(ATTEMPTS):
        try:
            job_store.change(workspace.engine, job_id, **values)
            return
        except StudioError as error:
            _say(str(error))
            time.sleep(PAUSE)


PAUSE, ATTEMPTS = 5.0, 17_280
"""Seconds between two attempts to store how a job ended, and their number: a day."""


LOOK = 5.0
"""Seconds between two checks of a child that sends no signal."""


class _StopFlag:
    """Sleeps until a stop is requested or a child ends, without polling: a supervisor runs for hours
    beside a training that needs every core."""

    def __init__(self) -> None:
        self.requested = False
        self._woken, bell = socket.socketpair()
        self._bell = bell  # a reference that keeps it open
        bell.setblocking(False)
        self._woken.setblocking(False)
        signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, _number: int, _frame: types.FrameType | None) -> None:
        self.requested = True

    def sleep(self, seconds: float) -> None:
        """Sleeps until a signal arrives or has arrived since the last sleep, at most ``seconds``."""
        if select.select([self._woken], [], [], seconds)[0]:
            self._woken.recv(4096)


def _sweep(group: int) -> list[int]:
    """Ends the grandchildren that a child left behind."""
    return end_group(group, grace=2.0) if members(group) else []


def _note(workspace: Workspace, job_id: int, state: str, code: int, left: list[int]) -> str:
    if left:
        return _("还有进程没有结束：{pids}", pids=", ".join(map(str, left)))
    if state != "failed":
        return ""
    progress = read_progress(workspace, job_id)
    if progress is not None and progress.error:
        return progress.error
    if code == -signal.SIGKILL:
        return _("进程被系统强行结束（SIGKILL），常见原因是内存不够")
    if code < 0:
        return _("进程被信号 {signal} 结束", signal=signal.Signals(-code).name)
    lines = [line for line in log_tail(workspace, job_id).splitlines() if line.strip()]
    return lines[-1].strip()[:500] if lines else _("退出码 {code}，没有任何输出", code=code)


def main(argv: list[str]) -> int:
    """``python -m tianji_core.jobs JOB --workspace DIR``."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.jobs", description="supervise one stored job"
    )
    parser.add_argument("job", type=int)
    parser.add_argument("--workspace", required=True)
    arguments = parser.parse_args(argv)
    workspace = open_workspace(arguments.workspace)
    set_language(workspace.settings().language)
    supervise(workspace, arguments.job)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
