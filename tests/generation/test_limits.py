"""What holds a run back: limits per minute, a server that has enough, a budget, a deadline, a person."""

import threading
import time

import pytest

from tests.generation.test_generating import QUICK, new_run, work
from tests.loopback import Handler, LoopbackApi, fails, says
from tianji_core.dispatch import Retry
from tianji_core.errors import PlanError, RunLimitError
from tianji_core.generation import RunOptions, change_options, create_run, options_of, read_pulse, run_state
from tianji_core.generation.job import cancel
from tianji_core.recipe import Plan
from tianji_core.store import runs as rows
from tianji_core.store.runs import Run
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.workspace import Workspace

PER_ANSWER = 18
"""Tokens that the loopback server says each answer took."""


def limited_run(workspace: Workspace, api: LoopbackApi, limit: int = 40, **options: object) -> Run:
    teacher = TeacherChoice(
        provider="custom",
        model="loopback-model",
        base_url=api.url,
        timeout=60,
        input_price=100,
        output_price=200,
    )
    plan = Plan(styles=("正常", "小红书"), limit=limit)
    return create_run(
        workspace, "wishes", plan, teacher, Sampling(), 4, options=RunOptions.model_validate(options)
    )


def test_a_token_budget_is_not_exceeded_and_the_run_goes_on_with_a_larger_one(
    workspace: Workspace, api: LoopbackApi
):
    run = limited_run(workspace, api, budget_tokens=20 * PER_ANSWER)
    with pytest.raises(RunLimitError, match="预算"):
        work(workspace, run)
    state = run_state(workspace.engine, run.id)
    used = state.totals.prompt_tokens + state.totals.completion_tokens
    assert 15 * PER_ANSWER <= used <= 20 * PER_ANSWER
    assert state.counts.done + state.counts.pending == 40 and state.counts.failed == 0
    assert "预算" in state.run.halted

    with pytest.raises(RunLimitError):  # what was spent before counts
        work(workspace, run)
    change_options(workspace, run.id, options_of(run).model_copy(update={"budget_tokens": 10_000}), 4)
    state = work(workspace, rows.get(workspace.engine, run.id))
    assert state.complete and state.run.halted == ""


def test_a_budget_in_money_counts_both_prices(workspace: Workspace, api: LoopbackApi):
    per_answer = (11 * 100 + 7 * 200) / 1_000_000
    run = limited_run(workspace, api, budget_cost=20.5 * per_answer)
    with pytest.raises(RunLimitError, match="预算"):
        work(workspace, run)
    assert 18 <= run_state(workspace.engine, run.id).counts.done <= 20


def test_a_budget_in_money_without_a_price_is_refused(workspace: Workspace, api: LoopbackApi):
    teacher = TeacherChoice(provider="custom", model="m", base_url=api.url)
    with pytest.raises(PlanError, match="价格"):
        create_run(workspace, "wishes", Plan(limit=1), teacher, Sampling(), options=RunOptions(budget_cost=1))
    assert rows.listed(workspace.engine) == []


def test_a_deadline_ends_the_run_with_its_reason(workspace: Workspace, api: LoopbackApi):
    api.answer_only(20)
    run = limited_run(workspace, api, limit=200, minutes=2 / 60)
    with pytest.raises(RunLimitError, match="时限"):
        work(workspace, run)
    counts = run_state(workspace.engine, run.id).counts
    assert counts.done and counts.pending and not counts.failed


def test_a_server_that_bears_little_is_asked_by_fewer_at_once(workspace: Workspace, api: LoopbackApi):
    """More than three at once are refused without saying how long to wait; every task is answered all the
    same."""
    api.latency = 0.03

    def choosy(handler: Handler, body: dict) -> None:
        crowd = api.in_flight > 3
        (fails(429, "too many at once") if crowd else says("祝您安好"))(handler, body)

    api.default = choosy
    run = new_run(workspace, api, limit=80, concurrency=16)
    state = work(workspace, run, Retry(attempts=12, first_wait=0.02, longest_wait=0.2))
    assert state.counts.done == 80
    pulse = read_pulse(workspace, run.id)
    assert pulse is not None and pulse.limited > 0
    assert pulse.levels[0] < 16
    assert len(api.requests) == 80 + pulse.limited


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_holds_everybody_back(workspace: Workspace, api: LoopbackApi, status: int):
    arrivals: list[float] = []
    lock = threading.Lock()

    def note(handler: Handler, body: dict) -> None:
        with lock:
            arrivals.append(time.monotonic())
            first = len(arrivals) == 1
        (fails(status, "wait", {"Retry-After": "0.6"}) if first else says("好"))(handler, body)

    api.default = note
    state = work(workspace, new_run(workspace, api, limit=8, concurrency=1))
    assert state.counts.done == 8
    assert arrivals[1] - arrivals[0] >= 0.6


def test_tokens_per_minute_space_the_requests(workspace: Workspace, api: LoopbackApi):
    arrivals: list[float] = []

    def note(handler: Handler, body: dict) -> None:
        arrivals.append(time.monotonic())
        says("好")(handler, body)

    api.default = note
    work(workspace, new_run(workspace, api, limit=5, concurrency=4, tokens_per_minute=60_000))
    assert arrivals[-1] - arrivals[0] > 0.15  # a thousand tokens a second, the prompts are about 200 each


def test_a_cancelled_run_leaves_the_rest_out_until_it_is_taken_up(workspace: Workspace, api: LoopbackApi):
    run = limited_run(workspace, api, limit=10, budget_tokens=5 * PER_ANSWER)
    with pytest.raises(RunLimitError):
        work(workspace, run)
    given_up = cancel(workspace, run.id)
    counts = run_state(workspace.engine, run.id).counts
    assert counts.skipped == given_up == 10 - counts.done and counts.pending == 0
    assert rows.reset_skipped(workspace.engine, run.id) == given_up
    change_options(workspace, run.id, RunOptions(), 4)
    assert work(workspace, rows.get(workspace.engine, run.id), QUICK).complete
