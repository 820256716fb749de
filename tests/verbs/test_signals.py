"""Ctrl-C and TERM: what was started is stopped, nothing is left running, and what was made stays."""

import io
import signal
import subprocess
import sys

import pytest
import typer

from tests.loopback import hangs, says
from tests.processes import left_behind, until
from tests.tiny_base import add_version, write_tiny_base
from tests.verbs.conftest import ROOT, ended, heeds_interrupts
from tianji_core import cleaning, generation, jobs
from tianji_core.errors import InterruptedWorkError
from tianji_core.store import jobs as job_store
from tianji_core.verbs.common import follow
from tianji_core.verbs.interruption import tells_what_is_kept

CONSOLE_SCRIPT = "import sys; from tianji_core.__main__ import main; sys.exit(main())"
"""What pip writes for ``[project.scripts]``."""


def test_ctrl_c_while_generating_stops_the_job_and_keeps_the_answers(started, api, workspace):
    api.script.extend([says("祝您平安喜乐，万事如意，福寿安康。")] * 3)
    api.default = hangs(60)
    process = started(
        "generate", "--provider", "custom", "--base-url", api.url, "--model", "m", "--limit", 12
    )
    until(lambda: len(api.requests) >= 8)
    process.send_signal(signal.SIGINT)
    said = ended(process)
    assert said.code == 130 and said.out == ""
    assert said.failure.endswith("接着做：python -m tianji_core generate --resume 1")
    assert [job.state for job in jobs.listed(workspace)] == ["stopped"]
    assert left_behind(str(workspace.home)) == []
    counts = generation.run_state(workspace.engine, 1).counts
    assert (counts.done, counts.failed, counts.pending) == (3, 0, 9)
    assert generation.raw_path(workspace, 1).exists()


@pytest.mark.parametrize(
    "program", [("-m", "tianji_core"), ("-c", CONSOLE_SCRIPT)], ids=["module", "installed"]
)
def test_ctrl_c_while_the_program_is_being_loaded_is_one_sentence(program):
    command = [sys.executable, "-X", "importtime", *program, "models"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=heeds_interrupts
    )
    said = ""
    with process:
        for line in process.stderr:
            if not line.startswith("import time:"):
                said += line
            elif line.rstrip().endswith(" tianji_core.errors"):  # the first of many
                process.send_signal(signal.SIGINT)
    assert (process.returncode, said) == (130, "tianji_core: 还没打开就停下了，什么都没有做\n")


class Interrupted(io.StringIO):
    """A keyboard at which somebody presses Ctrl-C."""

    def readline(self, _size: int = -1, /) -> str:  # type: ignore[override]
        raise KeyboardInterrupt


def test_ctrl_c_at_a_question_is_told_from_the_end_of_the_input(monkeypatch):
    def asks() -> None:
        typer.confirm("?")

    verb = tells_what_is_kept("report-problem", asks)
    monkeypatch.setattr("sys.stdin", Interrupted())
    with pytest.raises(InterruptedWorkError, match="report-problem 停下了"):
        verb()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(typer.Abort):
        verb()


def test_ctrl_c_while_training_stops_the_job(started, workspace, tmp_path):
    add_version(workspace)
    base = write_tiny_base(tmp_path / "base")
    process = started("train", "--base", base, "--title", "试训")
    until(lambda: [job.state for job in jobs.listed(workspace, kind="train")] == ["running"])
    process.send_signal(signal.SIGINT)
    said = ended(process)
    assert said.code == 130 and said.out == "" and "“试训”已停止" in said.failure
    assert "train --resume 1" in said.failure or "还没有存下检查点" in said.failure
    assert left_behind(str(workspace.home)) == []


def test_ctrl_c_in_a_verb_without_a_job_says_what_is_kept(verb, monkeypatch, workspace):
    """The signal comes while samples are checked: what was checked stays."""

    def interrupted(*_given: object, **_options: object) -> int:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the signal was not delivered")

    monkeypatch.setattr(cleaning, "check_new", interrupted)
    said = verb("clean")
    assert said.code == 130 and "clean 停下了：已经检查和修好的都在" in said.failure


@pytest.mark.parametrize(
    ("kind", "subject", "command"),
    [
        ("generate", {"run_id": 7}, "generate --resume 7"),
        ("elsewhere", {"training_run_id": 3}, "train --resume 3"),
    ],
)
def test_a_second_ctrl_c_says_what_is_kept_too(workspace, monkeypatch, kind, subject, command):
    """Both signals come while the verb waits for its job."""

    def interrupted(*_given: object, **_options: object) -> jobs.Job:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the signal was not delivered")

    monkeypatch.setattr(jobs, "wait", interrupted)
    job = job_store.add(workspace.engine, kind, "长的", [], {}, subject)
    with pytest.raises(InterruptedWorkError, match=rf"“长的”已停止：.*都在；.*{command}$"):
        follow(workspace, job, quiet=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_told_to_end_stops_its_job(started, workspace, number):
    process = started("demo", "--samples", 20000)
    until(lambda: [job.state for job in jobs.listed(workspace)] == ["running"])
    process.send_signal(number)
    said = ended(process)
    assert said.code == 130 and "demo 停下了" in said.failure
    assert jobs.wait(workspace, 1, timeout=60).state == "stopped"
    assert left_behind(str(workspace.home), 20) == []
