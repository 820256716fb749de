"""Runs through a provider's interface for batches: the official SDKs against a server that speaks it, with
failing requests, early ends and killed processes."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from functools import partial

import pytest

from tests.batch_server import BatchApi, batch_api
from tests.processes import until
from tianji_core import jobs
from tianji_core.errors import PlanError, RunLimitError, TeacherRequestError
from tianji_core.generation import RunOptions, cancel, create_run, estimate, run_state
from tianji_core.generation.batch_book import read_book
from tianji_core.generation.batching import Looks
from tianji_core.generation.generating import run_generation
from tianji_core.generation.job import GenerationSubject
from tianji_core.jobs import Reporter
from tianji_core.recipe import Plan
from tianji_core.store import recipes, run_lines
from tianji_core.store import runs as rows
from tianji_core.store.runs import Run
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.workspace import Workspace

QUICK = Looks(first=0.01, longest=0.05)
KEYS = {"openai": "OPENAI_API_KEY", "qwen": "DASHSCOPE_API_KEY", "zhipu": "ZHIPUAI_API_KEY"}
OTHER = "DEEPSEEK_API_KEY"


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchApi]:
    for variable in (*KEYS.values(), OTHER):
        monkeypatch.setenv(variable, "abcdef0123456789.onlyforthistest")
    with batch_api() as server:
        yield server


def choice_of(provider: str, server: BatchApi) -> TeacherChoice:
    return TeacherChoice(provider=provider, base_url=server.url, timeout=60, input_price=1, output_price=4)


def new_run(
    workspace: Workspace, server: BatchApi, count: int, provider: str = "openai", **options: object
) -> Run:
    plan = Plan(styles=("正常",), limit=count, rounds=8)
    given = RunOptions.model_validate({"batch": True, **options})
    return create_run(workspace, "wishes", plan, choice_of(provider, server), Sampling(), options=given)


def work(workspace: Workspace, run: Run) -> None:
    asyncio.run(run_generation(workspace, run.id, Reporter(), pace=QUICK))


@pytest.mark.parametrize("provider", sorted(KEYS))
def test_each_sdk_sends_fetches_and_asks_what_failed_again(
    workspace: Workspace, batches: BatchApi, provider: str
) -> None:
    batches.failing = lambda name, times: name.endswith("3") and times == 1
    run = new_run(workspace, batches, 40, provider)
    work(workspace, run)

    state = run_state(workspace.engine, run.id)
    assert state.complete and state.counts.done == 40
    assert len(batches.batches) == 2  # the four that failed went in a second one
    lines = list(run_lines.each_line(workspace.engine, run.id))
    assert [line.position for line in lines] == list(range(40))
    assert all(line.output == f"祝您平安喜乐，task-{line.position:06d}。" for line in lines)
    endpoint = "/v4/chat/completions" if provider == "zhipu" else "/v1/chat/completions"
    assert {batch["endpoint"] for batch in batches.batches.values()} == {endpoint}
    assert read_book(workspace, run.id).open == []


def test_what_keeps_failing_is_a_failure_with_its_reason(workspace: Workspace, batches: BatchApi) -> None:
    batches.failing = lambda name, times: name.endswith("1")
    run = new_run(workspace, batches, 10)
    work(workspace, run)
    state = run_state(workspace.engine, run.id)
    assert (state.counts.done, state.counts.failed) == (9, 1)
    assert batches.asked["task-000001"] == 3
    assert state.errors[0].count == 1


@pytest.mark.parametrize(("ending", "said"), [("expired", "过了时限"), ("cancelled", "被取消了")])
def test_an_early_end_keeps_what_came_and_says_so(
    workspace: Workspace, batches: BatchApi, ending: str, said: str
) -> None:
    batches.ending, batches.share = ending, 0.5
    run = new_run(workspace, batches, 10)
    with pytest.raises(RunLimitError, match=rf"{said}.*取回了 5 条，其余 5 条"):
        work(workspace, run)
    assert run_state(workspace.engine, run.id).counts.done == 5
    batches.ending, batches.share = "completed", 1.0
    work(workspace, run)
    assert run_state(workspace.engine, run.id).complete
    assert all(times == 1 for times in batches.asked.values())


def test_an_answer_that_comes_too_late_does_not_send_a_batch_twice(
    workspace: Workspace, batches: BatchApi
) -> None:
    batches.slow, batches.delay = {"POST /batches"}, 1.5
    plan, choice = Plan(styles=("正常",), limit=5), choice_of("openai", batches)
    short = choice.model_copy(update={"timeout": 0.5})
    run = create_run(workspace, "wishes", plan, short, Sampling(), options=RunOptions(batch=True))
    work(workspace, run)
    assert run_state(workspace.engine, run.id).complete and len(batches.batches) == 1


def test_broken_text_in_one_answer_costs_no_other(workspace: Workspace, batches: BatchApi) -> None:
    batches.said = lambda name: "祝您\ud83d安康" if name.endswith("2") else f"祝您\u2028安康，{name}"
    run = new_run(workspace, batches, 5)
    work(workspace, run)
    assert run_state(workspace.engine, run.id).counts.done == 5
    assert not list(workspace.run_folder(run.id).glob("batch-*.jsonl"))


def test_a_result_that_the_provider_has_thrown_away_blocks_nothing(
    workspace: Workspace, batches: BatchApi
) -> None:
    run = new_run(workspace, batches, 5)
    batches.lost = True
    with pytest.raises(RunLimitError, match="不再给出这一批"):
        work(workspace, run)
    batches.lost = False
    work(workspace, run)
    assert run_state(workspace.engine, run.id).complete


def test_a_batch_that_is_refused_says_why_and_loses_no_task(workspace: Workspace, batches: BatchApi) -> None:
    batches.ending = "failed"
    run = new_run(workspace, batches, 5)
    with pytest.raises(TeacherRequestError, match="line 3 is no request"):
        work(workspace, run)
    counts = run_state(workspace.engine, run.id).counts
    assert (counts.pending, counts.failed) == (5, 0)


def test_a_full_queue_at_the_provider_is_met_with_fewer_and_smaller_batches(
    workspace: Workspace, batches: BatchApi
) -> None:
    batches.queue = 300
    run = new_run(workspace, batches, 1100)
    work(workspace, run)
    assert run_state(workspace.engine, run.id).complete
    assert len(batches.asked) == 1100 and set(batches.asked.values()) == {1}
    sizes = [each["request_counts"]["total"] for each in batches.batches.values()]
    assert sizes == [1000, 100, 1000, 500, 250, 250, 250, 250]


def test_a_queue_without_room_for_a_few_says_so_and_loses_no_task(
    workspace: Workspace, batches: BatchApi
) -> None:
    batches.queue = 5
    run = new_run(workspace, batches, 60)
    with pytest.raises(TeacherRequestError, match="Enqueued token limit reached"):
        work(workspace, run)
    assert run_state(workspace.engine, run.id).counts.pending == 60
    assert [each["request_counts"]["total"] for each in batches.batches.values()] == [60, 30, 15]


def test_cancelling_a_run_stops_its_batch_at_the_provider(workspace: Workspace, batches: BatchApi) -> None:
    batches.looks = 1_000_000
    run = new_run(workspace, batches, 5)

    async def start_and_stop() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(run_generation(workspace, run.id, Reporter(), stop, pace=QUICK))
        async with asyncio.timeout(60):
            while not any(sent.batch for sent in read_book(workspace, run.id).open):
                await asyncio.sleep(0.02)
        stop.set()
        await running

    asyncio.run(start_and_stop())
    assert cancel(workspace, run.id) == 5
    assert [batch["status"] for batch in batches.batches.values()] == ["cancelled"]

    batches.looks, batches.ending, batches.share = 1, "completed", 1.0
    rows.reset_skipped(workspace.engine, run.id)  # taken up again, it needs no further word
    work(workspace, run)
    assert run_state(workspace.engine, run.id).complete


def test_a_budget_limits_what_is_sent(workspace: Workspace, batches: BatchApi) -> None:
    batches.usage = (800, 100)
    run = new_run(workspace, batches, 60, budget_tokens=9000)
    with pytest.raises(RunLimitError, match="预算"):
        work(workspace, run)
    done = run_state(workspace.engine, run.id).counts.done
    assert 0 < done < 60
    assert sum(batches.asked.values()) == done


def test_a_batch_costs_its_share_and_needs_a_provider_that_takes_it(
    workspace: Workspace, batches: BatchApi
) -> None:
    recipe, plan = recipes.current(workspace.engine, "wishes").recipe, Plan(styles=("正常",))
    choice = choice_of("openai", batches)
    usual = estimate(workspace, recipe, plan, choice, 8).cost
    assert usual is not None and usual > 0
    assert estimate(workspace, recipe, plan, choice, 8, batch=True).cost == pytest.approx(usual / 2)
    other = choice.model_copy(update={"provider": "deepseek"})
    with pytest.raises(PlanError, match="DeepSeek 没有批量接口"):
        create_run(workspace, "wishes", plan, other, Sampling(), options=RunOptions(batch=True))


def test_two_thousand_requests_survive_five_kills(workspace: Workspace, batches: BatchApi) -> None:
    """Each kill falls into another gap: the file is there but no batch; the batch is there but its number is
    not known here; it is waited for; its answers are on the way; they are being stored."""
    count = 2000
    batches.failing = lambda name, times: name.endswith("7") and times == 1
    batches.delay = 30.0
    batches.keeps_tags = False
    run = new_run(workspace, batches, count)
    plan_of_kills = ("POST /files", "POST /batches", "GET /batches/ID", "GET /files/ID/content", "stored")
    for number, moment in enumerate(plan_of_kills):
        batches.slow = {moment}
        batches.calls.clear()
        worker = jobs.prepare_worker(
            workspace, "test", f"第 {number} 个子进程", GenerationSubject(run_id=run.id)
        )
        child = subprocess.Popen(worker.argv, stdout=subprocess.DEVNULL)
        try:
            if moment == "stored":
                until(lambda: rows.counts(workspace.engine, [run.id])[run.id].done, 120)
            else:
                until(partial(batches.called, moment), 120)
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
    batches.slow = set()
    work(workspace, run)

    state = run_state(workspace.engine, run.id)
    assert state.complete and state.counts.done == state.totals.samples == count
    failed_once = {f"task-{position:06d}" for position in range(count) if position % 10 == 7}
    assert all(batches.asked[name] == 1 + (name in failed_once) for name in batches.asked)
    assert len(batches.asked) == count
