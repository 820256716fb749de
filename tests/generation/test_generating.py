"""A run against a real server: what is stored, what is tried again, what stops it."""

import asyncio
import json
import threading
import time

import pytest

from tests.loopback import Handler, LoopbackApi, fails, resets, says
from tianji_core.dispatch import Retry
from tianji_core.errors import JobError, PlanError, TeacherAuthError, TeacherError, TeacherRequestError
from tianji_core.generation import RunState, create_run, raw_path, run_state
from tianji_core.generation.generating import run_generation
from tianji_core.generation.runs import run_lock
from tianji_core.jobs import Reporter
from tianji_core.recipe import Plan
from tianji_core.store import run_lines, samples
from tianji_core.store import runs as rows
from tianji_core.store.provenance import Provenance
from tianji_core.store.runs import Run
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.workspace import Workspace

QUICK = Retry(attempts=3, first_wait=0.01, longest_wait=0.02)


def new_run(
    workspace: Workspace, api: LoopbackApi, limit: int = 12, concurrency: int = 4, **choice: object
) -> Run:
    teacher = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=60, **choice)
    plan = Plan(styles=("正常", "小红书"), limit=limit)
    return create_run(workspace, "wishes", plan, teacher, Sampling(temperature=0.9), concurrency)


def work(workspace: Workspace, run: Run, retry: Retry = QUICK) -> RunState:
    return asyncio.run(run_generation(workspace, run.id, Reporter(total=run.total), retry=retry))


def test_every_task_becomes_one_sample_with_its_provenance(workspace: Workspace, api: LoopbackApi):
    api.default = says(" \n祝您安康！\n第二行 ")
    run = new_run(workspace, api)
    state = work(workspace, run)
    assert (state.counts.done, state.counts.failed, state.counts.pending) == (12, 0, 0)
    assert (state.totals.prompt_tokens, state.totals.completion_tokens) == (12 * 11, 12 * 7)
    assert state.totals.latency is not None and state.totals.latency > 0
    stored = samples.page(workspace.engine, samples.SampleFilter(recipe="wishes", run_id=run.id))
    first = stored[0]
    assert first.output == first.original == "祝您安康！\n第二行"
    assert first.name in first.input and first.state == "pending"
    assert samples.provenance(workspace.engine, first.id).prompt in api.prompts()


def test_as_many_requests_are_in_flight_as_configured_and_never_more(workspace: Workspace, api: LoopbackApi):
    together = threading.Barrier(12)

    def waits_for_the_others(handler: Handler, body: dict) -> None:
        together.wait(60)
        says("祝您安康")(handler, body)

    api.default = waits_for_the_others
    work(workspace, new_run(workspace, api, limit=48, concurrency=12))
    assert api.most_in_flight == 12


def test_passing_faults_are_retried_and_counted(workspace: Workspace, api: LoopbackApi):
    api.script.extend(
        [fails(500), resets, says(None), fails(429, "slow", {"Retry-After": "0"}), fails(429, "slow")]
    )
    run = new_run(workspace, api, limit=6, concurrency=2)
    state = work(workspace, run, Retry(attempts=6, first_wait=0.01, longest_wait=0.02))
    assert (state.counts.done, state.counts.failed) == (6, 0)
    assert len(api.requests) == 11


def test_retries_are_bounded_and_the_failure_is_stored_with_kind_and_reason(
    workspace: Workspace, api: LoopbackApi
):
    api.default = fails(503, "overloaded")
    state = work(workspace, new_run(workspace, api, limit=3))
    assert len(api.requests) == 3 * QUICK.attempts
    assert state.counts.failed == 3
    assert [(e.kind, e.count) for e in state.errors] == [("unreachable", 3)]
    assert "overloaded" in state.errors[0].example


def test_a_refusal_is_asked_for_once(workspace: Workspace, api: LoopbackApi):
    api.script.append(says("一半", "content_filter"))
    state = work(workspace, new_run(workspace, api, limit=4, concurrency=1))
    assert (state.counts.done, state.counts.failed) == (3, 1)
    assert len(api.requests) == 4
    assert state.errors[0].kind == "refusal"


def test_a_wrong_key_stops_the_run_at_once_and_leaves_the_tasks_pending(
    workspace: Workspace, api: LoopbackApi
):
    api.default = fails(401, "no such key")
    run = new_run(workspace, api, limit=300, concurrency=4)
    with pytest.raises(TeacherAuthError, match="CUSTOM_API_KEY"):
        work(workspace, run)
    assert len(api.requests) <= 4
    assert run_state(workspace.engine, run.id).counts.pending == 300


def test_an_unknown_model_stops_the_run_and_lists_the_models(workspace: Workspace, api: LoopbackApi):
    api.default, api.models = fails(404), ["other-model"]
    run = new_run(workspace, api, limit=300)
    with pytest.raises(TeacherRequestError, match="other-model"):
        work(workspace, run)
    assert len(api.requests) <= 4


def test_one_odd_request_among_good_ones_does_not_stop_the_run(workspace: Workspace, api: LoopbackApi):
    api.script.extend([says("好"), says("好"), fails(400, "prompt too long")])
    state = work(workspace, new_run(workspace, api, limit=8, concurrency=1))
    assert (state.counts.done, state.counts.failed) == (7, 1)


def test_a_dead_server_stops_the_run_long_before_every_task_has_failed(
    workspace: Workspace, api: LoopbackApi
):
    run = new_run(workspace, api, limit=300)
    api.close()
    with pytest.raises(TeacherError, match="先停下来"):
        work(workspace, run, Retry(attempts=1))
    state = run_state(workspace.engine, run.id)
    assert state.counts.failed < 30
    assert state.counts.pending > 270


def test_what_was_answered_before_a_fatal_error_is_kept_and_the_rest_goes_on_later(
    workspace: Workspace, api: LoopbackApi
):
    api.script.extend([says("好")] * 5 + [fails(402, "Insufficient Balance")] * 4)
    run = new_run(workspace, api, limit=20, concurrency=2)
    with pytest.raises(TeacherAuthError):
        work(workspace, run)
    kept = run_state(workspace.engine, run.id).counts.done
    assert kept == 5
    api.script.clear()
    state = work(workspace, run)
    assert state.counts.done == 20 == state.totals.samples
    assert len(set(api.prompts())) >= 15


def test_only_pending_tasks_are_sent_unless_failed_ones_are_asked_for(workspace: Workspace, api: LoopbackApi):
    api.script.append(says("一半", "content_filter"))
    run = new_run(workspace, api, limit=5, concurrency=1)
    work(workspace, run)
    sent = len(api.requests)
    assert work(workspace, run).counts.failed == 1
    assert len(api.requests) == sent
    assert rows.reset_failed(workspace.engine, run.id) == 1
    state = work(workspace, run)
    assert state.complete and state.totals.samples == 5
    assert len(api.requests) == sent + 1


def test_a_stop_lets_go_of_slow_requests_and_keeps_the_rest(workspace: Workspace, api: LoopbackApi):
    run = new_run(workspace, api, limit=40, concurrency=2)

    async def stopped_half_way() -> RunState:
        stop = asyncio.Event()
        api.latency = 0.05
        going = asyncio.create_task(run_generation(workspace, run.id, Reporter(), stop, QUICK))
        while len(api.requests) < 10:
            await asyncio.sleep(0.01)
        stop.set()
        return await going

    state = asyncio.run(stopped_half_way())
    assert 0 < state.counts.done < 40
    assert state.counts.done + state.counts.pending == 40
    assert json.loads(raw_path(workspace, run.id).read_text(encoding="utf-8"))


def test_requests_per_minute_space_the_requests(workspace: Workspace, api: LoopbackApi):
    arrivals: list[float] = []

    def note(handler, body):
        arrivals.append(time.monotonic())
        says("好")(handler, body)

    api.default = note
    work(workspace, new_run(workspace, api, limit=11, concurrency=11, requests_per_minute=600))
    # Ten gaps of 0.1 s, whatever the concurrency; on a busy machine the first is noted late.
    assert arrivals[-1] - arrivals[0] > 0.4


def test_the_raw_file_has_the_form_of_the_tutorial(workspace: Workspace, api: LoopbackApi):
    run = new_run(workspace, api, limit=3)
    work(workspace, run)
    text = raw_path(workspace, run.id).read_text(encoding="utf-8")
    entries = json.loads(text)
    assert len(entries) == 3
    turn = entries[0]["conversation"][0]
    assert list(turn) == ["system", "src_input", "style_name", "input", "output"]
    assert turn["src_input"] in api.prompts()
    assert text == json.dumps(entries, ensure_ascii=False, indent=4) + "\n"


def test_a_run_of_nothing_writes_an_empty_raw_file(workspace: Workspace, api: LoopbackApi):
    api.default = fails(401)
    run = new_run(workspace, api, limit=2)
    with pytest.raises(TeacherAuthError):
        work(workspace, run)
    assert json.loads(raw_path(workspace, run.id).read_text(encoding="utf-8")) == []


def test_two_processes_never_work_on_one_run(workspace: Workspace, api: LoopbackApi):
    run = new_run(workspace, api)
    with run_lock(workspace, run.id), pytest.raises(JobError, match="正在运行"):
        work(workspace, run)
    assert api.requests == []


def test_storing_an_answer_twice_keeps_the_first(workspace: Workspace, api: LoopbackApi):
    run = new_run(workspace, api, limit=1)
    task = rows.tasks_in(workspace.engine, run.id, rows.PENDING)[0]
    for text in ("第一次", "第二次"):
        item = rows.Written(task, "系统", "输入", text, Provenance("提示", "m"))
        rows.store(workspace.engine, run, [item])
    rows.store(workspace.engine, run, [], [rows.Failure(task, "timeout", "晚了")])
    state = run_state(workspace.engine, run.id)
    assert state.counts.done == state.totals.samples == 1
    assert state.latest[0].output == "第一次"


def test_a_plan_without_tasks_is_refused_and_leaves_no_run(workspace: Workspace):
    plan = Plan(cells=(("医生", "发财"),), threshold=2)
    with pytest.raises(PlanError):
        create_run(workspace, "wishes", plan, TeacherChoice(), Sampling())
    assert rows.listed(workspace.engine) == []


@pytest.mark.parametrize("concurrency", [0, 100_000])
def test_an_impossible_concurrency_is_refused(workspace: Workspace, concurrency: int):
    with pytest.raises(PlanError, match="并发"):
        create_run(workspace, "wishes", Plan(limit=1), TeacherChoice(), Sampling(), concurrency)


def test_the_offline_composer_writes_a_run_with_its_planted_mistakes(workspace: Workspace):
    plan = Plan(styles=("正常", "小红书"), limit=300)
    run = create_run(workspace, "wishes", plan, TeacherChoice(mistakes=0.2), Sampling())
    state = work(workspace, run)
    assert state.counts.done == 300
    planted = [line for line in run_lines.each_line(workspace.engine, run.id) if line.planted]
    assert 20 < len(planted) < 120
    assert [line.position for line in run_lines.each_line(workspace.engine, run.id)] == list(range(300))
