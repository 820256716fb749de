"""The output of a job that never ends stays bounded, and nobody who reads it notices."""

import subprocess
import sys

from tests.processes import until
from tianji_core import jobs
from tianji_core.jobs import logs
from tianji_core.store import jobs as job_store

SUPERVISE = """
import sys
from tianji_core.jobs import logs, supervisor
logs.BOUND, supervisor.LOOK = 2000, 0.05
supervisor.main(sys.argv[1:])
"""
SERVER = """
import pathlib, sys, time
earlier = pathlib.Path(sys.argv[1])
number = 0
while not earlier.exists():
    number += 1
    print("request", number, flush=True)
    time.sleep(0.001)
print("the end", flush=True)
"""


def test_the_log_of_a_server_begins_anew_and_is_read_as_one(workspace):
    earlier = logs.earlier_path(jobs.log_path(workspace, 1))
    job = job_store.add(
        workspace.engine, "serve", "server", [sys.executable, "-c", SERVER, str(earlier)], {}, {}
    )
    command = [sys.executable, "-c", SUPERVISE, str(job.id), "--workspace", str(workspace.home)]
    with subprocess.Popen(command) as process:
        until(lambda: jobs.get(workspace, job.id).state == "succeeded")
    assert process.returncode == 0 and earlier.exists()
    lines = jobs.log_tail(workspace, job.id).splitlines()
    assert lines[0].startswith("request ") and lines[-1] == "the end"
    assert "\0" not in "".join(lines)  # the child goes on at the beginning, not behind a hole


def test_the_end_is_read_over_the_border_of_both_files(workspace, monkeypatch):
    monkeypatch.setattr(logs, "BOUND", 30)
    path = jobs.log_path(workspace, 7)
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"line {number}\n" for number in range(10)), encoding="utf-8")
    assert logs.rotate(path) and not logs.rotate(path)
    assert path.read_bytes() == b""
    path.write_text("line 10\n", encoding="utf-8")
    assert jobs.log_tail(workspace, 7).splitlines() == [f"line {number}" for number in (6, 7, 8, 9, 10)]
    assert jobs.log_tail(workspace, 7, 17).splitlines() == ["line 9", "line 10"]
    assert jobs.log_bytes(workspace, 7).endswith(b"line 9\nline 10\n")


def test_what_arrives_while_the_end_is_kept_is_kept_too(workspace, monkeypatch):
    monkeypatch.setattr(logs, "BOUND", 30)
    path = jobs.log_path(workspace, 7)
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"line {number}\n" for number in range(10)), encoding="utf-8")
    write = logs.write_bytes

    def slow(*given):
        with path.open("a", encoding="utf-8") as log:
            log.write("meanwhile\n")
        write(*given)

    monkeypatch.setattr(logs, "write_bytes", slow)
    assert logs.rotate(path) and path.read_bytes() == b""
    assert jobs.log_tail(workspace, 7).splitlines()[-2:] == ["line 9", "meanwhile"]
