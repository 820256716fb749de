"""Identifies processes by pid and start time, and ends process groups."""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

GRACE = 10.0
"""Seconds between TERM and KILL: enough for a trainer to close its files."""


def started_at(pid: int) -> float | None:
    """Returns when the process began, in seconds since the epoch; None where it does not exist."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def alive(pid: int | None, started: float | None) -> bool:
    """Returns whether this process, not a later one with the same pid, runs; a zombie does not."""
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return started is None or abs(process.create_time() - started) < 1.0
    except psutil.Error:
        return False


def members(group: int) -> list[psutil.Process]:
    """Returns the living processes of a process group."""
    living = []
    for process in psutil.process_iter(["pid", "status"]):
        if process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        with contextlib.suppress(ProcessLookupError, psutil.Error):
            if os.getpgid(process.pid) == group:
                living.append(process)
    return living


def running_from(folder: Path) -> list[int]:
    """Returns the pids of living processes whose program, or script that it runs, lies in a folder; the
    interpreter of an environment is a link to one elsewhere, so that the command line tells."""
    found = []
    for process in psutil.process_iter(["cmdline", "exe", "status"]):
        if process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        words = [process.info["exe"] or "", *(process.info["cmdline"] or [])[:2]]
        if any(Path(word).is_relative_to(folder) for word in words if word):
            found.append(process.pid)
    return found


def family(pid: int) -> list[psutil.Process]:
    """Returns the processes of a group and the descendants, which may have left the group."""
    by_pid = {process.pid: process for process in members(pid)}
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            by_pid[child.pid] = child
    return list(by_pid.values())


def end_group(group: int, grace: float = GRACE) -> list[int]:
    """Sends TERM to the group and its descendants, and KILL after ``grace`` seconds. Returns the pids that
    remain: none, unless the system refuses."""
    end(family(group), grace)
    late = members(group)  # started while the others ended
    _signal(late, signal.SIGKILL)
    psutil.wait_procs(late, timeout=5)
    deadline = time.monotonic() + 5
    while (remaining := members(group)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [process.pid for process in remaining]


def end_tree(pid: int, grace: float = GRACE) -> None:
    """Sends TERM to a process and its descendants, and KILL after ``grace`` seconds; its group continues."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        end([*parent.children(recursive=True), parent], grace)


def end(processes: list[psutil.Process], grace: float) -> None:
    """Sends TERM to processes, and KILL to those that remain after ``grace`` seconds."""
    _signal(processes, signal.SIGTERM)
    _gone, left = psutil.wait_procs(processes, timeout=grace)
    left = [process for process in left if _living(process)]
    _signal(left, signal.SIGKILL)
    psutil.wait_procs(left, timeout=5)


def _living(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _signal(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
