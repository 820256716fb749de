"""Locks between processes: refused at once, or waited for, and free again as soon as their process is
dead."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tianji_core.errors import JobError
from tianji_core.locks import FileLock, is_locked, refusing_lock

HOLDS = """
import sys
from pathlib import Path
from tianji_core.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds the lock until its standard input is closed or it dies."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_what_another_process_holds_is_refused_at_once_and_free_after_its_death(tmp_path: Path) -> None:
    path = tmp_path / "run" / ".work.lock"
    path.parent.mkdir()
    process = holder(path)
    try:
        assert is_locked(path) and not FileLock(path).try_acquire()
        with pytest.raises(JobError, match="正在运行"), refusing_lock(path, "正在运行"):
            pass
    finally:
        process.kill()
        process.wait()
    assert not is_locked(path)
    with refusing_lock(path, "正在运行"):
        assert is_locked(path)
    assert not is_locked(path)


def test_acquire_waits_for_the_process_that_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / ".start.lock"
    process = holder(path)
    taken = threading.Event()

    def wait() -> None:
        with FileLock(path):
            taken.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not taken.wait(0.2)
    process.communicate()
    assert process.returncode == 0
    waiting.join(60)
    assert taken.is_set()


def test_a_probe_takes_nothing_and_makes_no_file(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
    lock = FileLock(tmp_path / "lock")
    assert lock.try_acquire()
    assert not FileLock(tmp_path / "lock").try_acquire(), "not even twice in one process"
    lock.release()
    lock.release()
    assert FileLock(tmp_path / "lock").try_acquire()
