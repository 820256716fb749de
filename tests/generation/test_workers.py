"""Several processes work on one run on PostgreSQL: what each takes, and what is left when one is killed."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, text, update

from tests.loopback import LoopbackApi
from tests.processes import until
from tianji_core import generation
from tianji_core.dispatch import RunOptions, dispatcher
from tianji_core.errors import InputError, RunLimitError, TeacherAuthError
from tianji_core.generation import worker_process
from tianji_core.generation.generating import run_generation
from tianji_core.generation.job import KIND
from tianji_core.jobs import Reporter
from tianji_core.recipe import Plan
from tianji_core.store import jobs as job_store
from tianji_core.store import run_workers
from tianji_core.store import runs as rows
from tianji_core.store.database import writing
from tianji_core.store.run_workers import Heartbeat, fair_shares
from tianji_core.store.runs import Run
from tianji_core.store.schema import run_workers as table
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.workspace import Workspace


def run_of(space: Workspace, api: LoopbackApi, limit: int, concurrency: int, **options: int) -> Run:
    choice = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url)
    plan = Plan(styles=("正常",), limit=limit)
    return generation.create_run(
        space, "wishes", plan, choice, Sampling(), concurrency, options=RunOptions(**options)
    )


def worker(space: Workspace, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tianji_core", "worker", "--workspace", str(space.home), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def let_leases_run_out(space: Workspace) -> None:
    with writing(space.engine) as connection:
        connection.execute(update(table).values(beat_at=rows.now().replace(year=2000)))


def count(space: Workspace, run: Run) -> rows.TaskCounts:
    return rows.counts(space.engine, [run.id])[run.id]


def test_the_tasks_of_a_killed_worker_go_to_another_one_and_none_is_stored_twice(
    team: Workspace, api: LoopbackApi
) -> None:
    run = run_of(team, api, limit=40, concurrency=4)
    api.answer_only(10)
    killed = worker(team, "--run", str(run.id))
    try:
        until(lambda: count(team, run).done == 10)
    finally:
        killed.kill()
        killed.communicate()
    let_leases_run_out(team)
    api.answer_all()
    asyncio.run(generation.help_with_run(team, run.id, asyncio.Event()))
    assert count(team, run) == rows.TaskCounts(done=40)
    assert rows.totals(team.engine, run.id).samples == 40
    assert len(set(api.prompts())) <= len(api.requests) <= 40 + 4  # what was in flight is asked for again


def test_workers_take_different_tasks_and_a_stop_reaches_all_of_them(
    team: Workspace, api: LoopbackApi
) -> None:
    run = run_of(team, api, limit=20, concurrency=4)
    first, second = (run_workers.join(team.engine, run.id, name, 4) for name in ("甲", "乙"))
    assert [run_workers.beat(team.engine, one, run.id, Heartbeat()).share for one in (first, second)] == [
        2,
        2,
    ]
    mine = run_workers.claim(team.engine, first, run.id, 12)
    others = run_workers.claim(team.engine, second, run.id, 12)
    assert [task.position for task in mine + others] == list(range(20))
    assert generation.workers_text(generation.workers_of(team)[run.id]).startswith("2 个 worker")
    generation.pause_run(team, run.id)
    assert run_workers.beat(team.engine, first, run.id, Heartbeat()).paused
    run_workers.leave(team.engine, first, run.id)
    assert run_workers.claim(team.engine, second, run.id, 20) == mine
    assert run_workers.beat(team.engine, second, run.id, Heartbeat()).share == 4


def test_a_share_grows_only_by_what_another_worker_has_given_up(team: Workspace, api: LoopbackApi) -> None:
    run = run_of(team, api, limit=4, concurrency=4)
    first = run_workers.join(team.engine, run.id, "甲", 4)
    assert run_workers.beat(team.engine, first, run.id, Heartbeat()).share == 4
    second = run_workers.join(team.engine, run.id, "乙", 4)
    assert run_workers.beat(team.engine, second, run.id, Heartbeat()).share == 0
    assert run_workers.beat(team.engine, first, run.id, Heartbeat(in_flight=3)).share == 2
    orders = run_workers.beat(team.engine, second, run.id, Heartbeat())
    assert (orders.share, orders.in_flight_elsewhere) == (1, 3)
    assert run_workers.beat(team.engine, first, run.id, Heartbeat(in_flight=2)).share == 2
    assert run_workers.beat(team.engine, second, run.id, Heartbeat()).share == 2


@given(st.integers(0, 40), st.lists(st.integers(1, 20), max_size=8))
def test_shares_use_what_there_is_and_differ_only_where_a_worker_is_full(
    total: int, capacities: list[int]
) -> None:
    shares = fair_shares(total, capacities)
    assert sum(shares) == min(total, sum(capacities))
    open_ = [share for share, most in zip(shares, capacities, strict=True) if share < most]
    assert all(share <= most for share, most in zip(shares, capacities, strict=True))
    assert not open_ or max(shares) - min(open_) <= 1


def test_the_limits_per_minute_of_a_teacher_hold_for_all_workers_together(team: Workspace) -> None:
    waits = [run_workers.book(team.engine, "甲", 60.0, 0.0) for _number in range(3)]
    assert waits[0] == 0.0
    assert 55 < waits[1] <= 60 and 110 < waits[2] <= 120
    assert run_workers.book(team.engine, "乙", 60.0, 60.0) == 0.0
    run_workers.correct(team.engine, "乙", 600.0)
    assert run_workers.book(team.engine, "乙", 60.0, 60.0) > 600


def test_the_job_of_a_person_shares_the_run_and_its_budget(team: Workspace, api: LoopbackApi) -> None:
    run = run_of(team, api, limit=30, concurrency=4, budget_tokens=1)
    with pytest.raises(RunLimitError, match="预算"):
        asyncio.run(run_generation(team, run.id, Reporter()))
    assert rows.get(team.engine, run.id).paused  # for every worker
    generation.change_options(team, run.id, RunOptions(), 4)
    state = asyncio.run(run_generation(team, run.id, Reporter()))
    assert state.counts == rows.TaskCounts(done=30)
    assert not rows.get(team.engine, run.id).paused


def test_a_worker_goes_on_with_the_limits_that_a_run_has_after_a_pause(
    team: Workspace, api: LoopbackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "LOOK", 0.05)
    monkeypatch.setattr(run_workers, "LEASE", 600.0)
    monkeypatch.setattr(dispatcher, "STOP_GRACE", 0.05)
    run = run_of(team, api, limit=12, concurrency=2, budget_tokens=1_000_000)
    api.answer_only(4)

    async def story() -> int:
        stop = asyncio.Event()
        helping = asyncio.create_task(generation.help_with_run(team, run.id, stop))
        await asyncio.to_thread(until, lambda: count(team, run).done == 4)
        generation.pause_run(team, run.id)
        await asyncio.to_thread(until, lambda: not generation.workers_of(team))
        assert not helping.done()
        generation.change_options(team, run.id, RunOptions(budget_tokens=1), 2)
        api.answer_all()
        rows.change(team.engine, run.id, paused=False)
        return await helping

    with pytest.raises(RunLimitError, match="预算"):
        asyncio.run(story())
    assert count(team, run) == rows.TaskCounts(done=4, pending=8)


def test_a_worker_for_all_leaves_a_paused_run_for_another(
    team: Workspace, api: LoopbackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "LOOK", 0.05)
    monkeypatch.setattr(run_workers, "LEASE", 600.0)
    paused, other = (run_of(team, api, limit=2, concurrency=2) for _number in range(2))
    for run in (paused, other):
        run_workers.join(team.engine, run.id, "甲", 1, leads=True)
    generation.pause_run(team, paused.id)

    async def story() -> None:
        stop = asyncio.Event()
        helping = asyncio.create_task(generation.help_with_all(team, stop))
        await asyncio.to_thread(until, lambda: count(team, other).done == 2)
        stop.set()
        await helping

    asyncio.run(story())
    assert count(team, paused).pending == 2


def test_a_worker_looks_again_after_the_database_was_away(
    team: Workspace, api: LoopbackApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker_process, "LOOK", 0.05)
    monkeypatch.setattr(run_workers, "LEASE", 600.0)
    run = run_of(team, api, limit=2, concurrency=2)
    run_workers.join(team.engine, run.id, "甲", 1, leads=True)
    server = create_engine(team.engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    opens = text(f'ALTER DATABASE "{team.engine.url.database}" ALLOW_CONNECTIONS true')
    shuts = text(opens.text.replace("true", "false"))

    async def story() -> None:
        stop = asyncio.Event()
        with server.connect() as connection:
            connection.execute(shuts)
            team.engine.dispose()
            helping = asyncio.create_task(generation.help_with_all(team, stop))
            await asyncio.to_thread(until, lambda: helping.done() or "用不了" in capsys.readouterr().out)
            connection.execute(opens)
        await asyncio.to_thread(until, lambda: helping.done() or count(team, run).done == 2)
        stop.set()
        await helping

    asyncio.run(story())
    server.dispose()
    assert count(team, run).done == 2


def test_the_workers_of_many_jobs_are_one_query(
    team: Workspace, api: LoopbackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_workers, "LEASE", 600.0)
    listed = []
    for name in ("甲", "乙"):
        run = run_of(team, api, limit=1, concurrency=1)
        run_workers.join(team.engine, run.id, name, 1)
        listed.append(job_store.add(team.engine, KIND, name, ["x"], {}, {"run_id": run.id}))
    asked = list[str]()
    event.listen(team.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    crews = generation.workers_of_jobs(team, listed)
    assert {number: crew[0].name for number, crew in crews.items()} == {
        listed[0].id: "甲",
        listed[1].id: "乙",
    }
    assert len([statement for statement in asked if "run_workers" in statement]) == 1


def test_only_a_run_that_workers_can_share_is_stopped_in_all_of_them(
    workspace: Workspace, api: LoopbackApi
) -> None:
    run = run_of(workspace, api, limit=2, concurrency=1)
    shared = run_workers.can_share(workspace.engine)
    with nullcontext() if shared else pytest.raises(InputError, match="PostgreSQL"):
        generation.pause_run(workspace, run.id)
    after = rows.get(workspace.engine, run.id)
    assert (after.paused, bool(after.halted)) == (shared, shared)


def test_a_worker_says_what_it_lacks(
    workspace: Workspace, team: Workspace, api: LoopbackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = TeacherChoice(provider="deepseek", model="deepseek-flash", base_url=api.url)
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-onlyforthistest-0123456789")
    plan = Plan(styles=("正常",), limit=2)
    run = generation.create_run(team, "wishes", plan, choice, Sampling(), 1)
    monkeypatch.delenv("DEEPSEEK_API_KEY")
    with pytest.raises(TeacherAuthError, match="DEEPSEEK_API_KEY"):
        generation.check_usable_here(team, run.id)
    if "TIANJI_TEST_DATABASE_URL" not in os.environ:
        with pytest.raises(InputError, match="PostgreSQL"):
            asyncio.run(generation.help_with_all(workspace, asyncio.Event()))


def test_a_worker_says_that_it_waits_and_what_ctrl_c_keeps(team: Workspace) -> None:
    command = [sys.executable, "-m", "tianji_core", "worker", "--workspace", str(team.home)]
    waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert waiting.stdout is not None and "等着" in waiting.stdout.readline()
        waiting.send_signal(signal.SIGINT)
        _said, failure = waiting.communicate(timeout=60)
    finally:
        waiting.kill()
    assert waiting.returncode == 130 and "worker 停下了" in failure
