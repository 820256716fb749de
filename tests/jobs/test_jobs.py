"""Jobs are real processes: what they leave, how they end, and what is left when somebody kills one."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.jobs import worker as entry
from tianji_core.jobs.environment import child_environment
from tianji_core.jobs.processes import GRACE, alive
from tianji_core.jobs.progress import progress_path
from tianji_core.jobs.subject import EndsSlowly
from tianji_core.store import jobs as rows
from tianji_core.training.launch import ElsewhereSubject, TrainingSubject
from tianji_core.workspace import Workspace


class Counting(jobs.JobSubject):
    """A job of these tests: it counts to ``number``, and then fails."""

    worker = "tests.jobs.test_jobs:count_and_fail"

    number: int


@jobs.worker_of(Counting)
def count_and_fail(_workspace: Workspace, subject: Counting, reporter: jobs.Reporter) -> int:
    reporter.begin(subject.number, "条", done=1)
    raise JobError("磁盘\n满了")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)


def test_success_keeps_output_and_exit_code(workspace: Workspace) -> None:
    job = jobs.start(workspace, "demo", "打招呼", python("print('你好')"), subject=Counting(number=7))
    ended = jobs.wait(workspace, job.id, timeout=60)
    assert (ended.state, ended.exit_code, ended.note) == ("succeeded", 0, "")
    assert jobs.subject_of(ended, Counting) == Counting(number=7)
    assert "你好" in jobs.log_tail(workspace, job.id)


def test_failure_notes_the_last_line_of_the_log(workspace: Workspace) -> None:
    job = jobs.start(workspace, "demo", "失败", python("import sys; print('先'); sys.exit('磁盘满了')"))
    ended = jobs.wait(workspace, job.id, timeout=60)
    assert (ended.state, ended.exit_code, ended.note) == ("failed", 1, "磁盘满了")


def test_failure_prefers_the_reason_that_the_child_reported(workspace: Workspace) -> None:
    code = "from tianji_core.jobs import Reporter; Reporter().fail('显存不够'); "
    code += "print('traceback'); raise SystemExit(3)"
    ended = jobs.wait(workspace, jobs.start(workspace, "demo", "失败", python(code)).id, timeout=60)
    assert (ended.state, ended.exit_code, ended.note) == ("failed", 3, "显存不够")


def test_a_program_that_does_not_exist_is_a_failed_job(workspace: Workspace) -> None:
    ended = jobs.wait(workspace, jobs.start(workspace, "demo", "无", ["/no/such/program"]).id, timeout=60)
    assert ended.state == "failed"
    assert "/no/such/program" in ended.note


def test_progress_of_the_child_is_readable_while_it_runs(workspace: Workspace) -> None:
    code = "import time; from tianji_core.jobs import Reporter; r=Reporter(total=4, unit='步'); "
    code += "r.update(1, message='第一步'); time.sleep(60)"
    job = jobs.start(workspace, "demo", "进度", python(code))
    until(lambda: (p := jobs.read_progress(workspace, job.id)) is not None and p.done == 1)
    progress = jobs.read_progress(workspace, job.id)
    assert progress is not None
    assert (progress.share, progress.unit, progress.message) == (0.25, "步", "第一步")
    jobs.stop(workspace, job.id)
    assert jobs.wait(workspace, job.id, timeout=60).state == "stopped"


def test_stop_leaves_no_process_of_the_group(workspace: Workspace) -> None:
    code = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print('child', p.pid, flush=True); time.sleep(600)"
    )
    job = jobs.start(workspace, "demo", "不听话", python(code))
    until(lambda: "child" in jobs.log_tail(workspace, job.id) and jobs.get(workspace, job.id).pid)
    grandchild = int(jobs.log_tail(workspace, job.id).split()[-1])
    child = jobs.get(workspace, job.id).pid
    jobs.stop(workspace, job.id)
    assert jobs.wait(workspace, job.id, timeout=60).state == "stopped"
    assert not alive(grandchild, None)
    assert not alive(child, None)


def test_a_supervisor_sleeps_while_its_child_works(workspace: Workspace) -> None:
    """It lives for hours beside a training that wants every core."""
    job = jobs.start(workspace, "demo", "久", python("import time; print('在', flush=True); time.sleep(600)"))
    until(lambda: "在" in jobs.log_tail(workspace, job.id) and jobs.get(workspace, job.id).pid)
    supervisor = psutil.Process(jobs.get(workspace, job.id).supervisor_pid)

    def sleeps() -> bool:
        before = supervisor.num_ctx_switches().voluntary
        time.sleep(1)
        return supervisor.num_ctx_switches().voluntary - before <= 3

    until(sleeps)  # as soon as it has written down that its child runs
    jobs.stop(workspace, job.id)
    assert jobs.wait(workspace, job.id, timeout=60).state == "stopped"


def test_a_job_whose_supervisor_was_killed_is_lost_and_can_still_be_stopped(workspace: Workspace) -> None:
    job = jobs.start(
        workspace, "demo", "失联", python("import time; print('在', flush=True); time.sleep(600)")
    )
    until(lambda: "在" in jobs.log_tail(workspace, job.id) and jobs.get(workspace, job.id).pid)
    running = jobs.get(workspace, job.id)
    assert running.supervisor_pid is not None
    os.kill(running.supervisor_pid, signal.SIGKILL)
    until(lambda: jobs.get(workspace, job.id).state == "lost")
    assert alive(running.pid, running.pid_started)
    assert "在" in jobs.log_tail(workspace, job.id)
    assert jobs.stop(workspace, job.id).state == "stopped"
    assert not alive(running.pid, running.pid_started)


def test_a_reused_pid_is_not_taken_for_the_job(workspace: Workspace) -> None:
    me = psutil.Process()
    assert alive(me.pid, me.create_time())
    assert not alive(me.pid, me.create_time() - 3600)


def test_stopping_an_ended_job_says_so(workspace: Workspace) -> None:
    job = jobs.start(workspace, "demo", "完", python("pass"))
    jobs.wait(workspace, job.id, timeout=60)
    with pytest.raises(JobError, match="已经结束"):
        jobs.stop(workspace, job.id)


def test_an_unknown_job_is_named(workspace: Workspace) -> None:
    with pytest.raises(JobError, match="99"):
        jobs.get(workspace, 99)


def test_log_tail_shows_the_last_state_of_progress_lines_without_colours(workspace: Workspace) -> None:
    jobs.log_path(workspace, 1).write_text("10%\r50%\r\x1b[32m100%\x1b[0m\n完成\n", encoding="utf-8")
    assert jobs.log_tail(workspace, 1) == "100%\n完成\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "—"), (42.2, "42 秒"), (185, "3 分 05 秒"), (7800, "2 小时 10 分"), (float("inf"), "—")],
)
def test_durations_read_naturally(seconds: float | None, text: str) -> None:
    assert jobs.duration_text(seconds) == text


def test_a_child_that_cannot_work_says_why_in_one_line(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = jobs.prepare_worker(workspace, "demo", "数数", Counting(number=4))
    monkeypatch.setenv("TIANJI_JOB_PROGRESS", str(progress_path(workspace, 9)))
    assert entry.main([str(job.id), "--workspace", str(workspace.home)]) == JobError.exit_code
    assert capsys.readouterr().err == "磁盘 满了\n"
    left = jobs.read_progress(workspace, 9)
    assert left is not None
    assert (left.done, left.total, left.unit, left.error) == (1, 4, "条", "磁盘\n满了")


def test_a_worker_reads_its_arguments_from_the_stored_job(workspace: Workspace) -> None:
    job = jobs.start_worker(workspace, "demo", "数数", Counting(number=4))
    ended = jobs.wait(workspace, job.id, timeout=60)
    assert (ended.state, ended.exit_code, ended.note) == ("failed", JobError.exit_code, "磁盘\n满了")
    progress = jobs.read_progress(workspace, job.id)
    assert progress is not None and progress.total == 4


@pytest.mark.parametrize(
    "subject",
    [
        {"number": 4},
        {"worker": "tests.jobs.no_such_module:count", "number": 4},
        {"worker": "tests.jobs.test_jobs:no_such_function", "number": 4},
        {"worker": "tests.jobs.test_jobs:python", "number": 4},
        {"worker": Counting.worker, "number": "many"},
        {"worker": 7, "number": 4},
    ],
)
def test_a_record_that_names_no_work_is_refused_in_one_line(
    workspace: Workspace, subject: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    job = rows.add(workspace.engine, "demo", "数数", [], {}, subject)
    assert entry.main([str(job.id), "--workspace", str(workspace.home)]) == JobError.exit_code
    said = capsys.readouterr().err
    assert f"任务 {job.id} 的记录不完整" in said and said.count("\n") == 1


def test_what_a_job_uses_is_read_without_knowing_its_kind(workspace: Workspace) -> None:
    def use(subject: dict[str, object]) -> jobs.WorkspaceUse:
        return jobs.workspace_use(rows.add(workspace.engine, "demo", "试", ["true"], {}, subject))

    assert use({"training_run_id": 3, "checkpoint": 8, "name": ""}).training_run_id == 3
    assert use({"adapter": "甲", "name": "乙"}).model_names == {"甲", "乙"}
    assert use({"port": 6007, "models": ["基座"], "adapters": ["甲"]}).model_names == {"基座", "甲"}
    assert use({"recipe": "wishes", "board": "甲"}).model_names == set()
    assert use({"training_run_id": None, "models": "not a list"}) == jobs.WorkspaceUse()


@pytest.mark.parametrize(("left", "code"), [(0, 0), (3, 128 + signal.SIGTERM)])
def test_a_stopped_child_is_a_success_only_where_nothing_is_left(left: int, code: int) -> None:
    async def work(stop: asyncio.Event) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), 30)
        return left

    assert jobs.run_until_stopped(work) == code


def test_a_part_reports_its_share_of_the_whole(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TIANJI_JOB_PROGRESS", str(tmp_path / "progress.json"))
    whole = jobs.Reporter(total=1.0)
    part = jobs.PartReporter(whole, begins=0.3, share=0.4)
    told = []
    for done, total in ((0, 2), (1, None), (2, None)):
        part.update(done, total=total, message="合并")
        told.append(json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))["done"])
    assert told == pytest.approx([0.3, 0.5, 0.7])
    part.fail("磁盘满了")
    assert json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))["error"] == "磁盘满了"


def test_a_child_knows_the_rented_machine_it_runs_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AutoDLContainerUUID", "c1")
    assert child_environment()["AutoDLContainerUUID"] == "c1"


def test_the_subject_of_a_job_says_how_long_its_end_may_take(workspace: Workspace) -> None:
    """The child ignores TERM: it is gone as soon as its subject allows."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('an'); time.sleep(600)"
    job = jobs.start(workspace, "demo", "不肯停", python(code), subject=EndsSlowly(grace=0.1))
    until(lambda: "an" in jobs.log_tail(workspace, job.id))
    assert jobs.grace_of(jobs.get(workspace, job.id)) == 0.1
    jobs.stop(workspace, job.id)
    assert jobs.wait(workspace, job.id, timeout=60).state == "stopped"
    far = jobs.start(
        workspace, "elsewhere", "在别处", python("print('好')"), subject=ElsewhereSubject(training_run_id=1)
    )
    older = jobs.start(
        workspace,
        "elsewhere",
        "升级前开始的",
        python("print('好')"),
        subject=TrainingSubject(training_run_id=1),
    )
    plain = jobs.start(workspace, "demo", "打招呼", python("print('好')"), subject=Counting(number=7))
    assert jobs.grace_of(far) == jobs.grace_of(older) > GRACE == jobs.grace_of(plain)
    for started in (far, older, plain):
        jobs.wait(workspace, started.id, timeout=60)
