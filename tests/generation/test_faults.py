"""A thousand tasks against a server that misbehaves in every way: none is lost, none is doubled, and each
failure has its true reason. And workers that are killed at random moments."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter

import pytest

from tests.generation.test_generating import work
from tests.loopback import (
    Handler,
    LoopbackApi,
    Reply,
    completion,
    fails,
    hangs,
    resets,
    says,
    sends,
    sends_bytes,
    trickles,
)
from tianji_core import jobs
from tianji_core.dispatch import Retry
from tianji_core.generation import RunOptions, create_run, run_state, start_generation
from tianji_core.generation.job import GenerationSubject
from tianji_core.generation.writing import task_sampling
from tianji_core.recipe import Plan
from tianji_core.store import run_lines, samples
from tianji_core.store import runs as rows
from tianji_core.store.runs import Run
from tianji_core.teachers import SamplingPlan, TeacherChoice
from tianji_core.workspace import Workspace

ATTEMPTS = 3
TIMEOUT = 4.0
SAMPLING = SamplingPlan(temperature=0.9, seed_per_task=True)
KILLS = int(os.environ.get("TIANJI_KILLS", "5"))
"""How often a worker is killed; 20 in a thorough run (``TIANJI_KILLS=20``)."""

WRONG_CHARSET = sends_bytes(json.dumps(completion("祝福"), ensure_ascii=False).encode("gb18030"))
FAULTS: dict[str, Reply] = {
    "429": fails(429, "slow down"),
    "429 with a time": fails(429, "slow down", {"Retry-After": "0.05"}),
    "500": fails(500, "boom"),
    "reset": resets,
    "hang": hangs(TIMEOUT + 1),
    "trickle": trickles(TIMEOUT + 1),
    "broken json": sends(200, '{"choices": [{"mess'),
    "empty choices": sends(200, {"id": "x", "choices": []}),
    "null": says(None),
    "charset": WRONG_CHARSET,
    "filter": says("一半", "content_filter"),
}
KINDS = {
    "429": "rate_limit",
    "429 with a time": "rate_limit",
    "500": "unreachable",
    "reset": "unreachable",
    "hang": "timeout",
    "trickle": "timeout",
    "filter": "refusal",
}
"""Fault → kind of the failure that is stored; all others are 'answer'."""
SLOW = ("hang", "trickle")


def fate(seed: int) -> tuple[str | None, int]:
    """(fault, how many requests it strikes) of the task that sends this seed: most tasks meet none."""
    source = random.Random(seed)
    if source.random() < 0.6:
        return None, 0
    fault = source.choice([name for name in FAULTS if name not in SLOW] * 12 + list(SLOW))
    lasting = source.random() < 0.15
    return fault, ATTEMPTS if lasting else source.randint(1, ATTEMPTS - 1)


def fate_of(run: Run, task) -> tuple[str | None, int]:
    return fate(task_sampling(SAMPLING, task, run.plan.seed).seed)


def test_every_task_ends_once_with_its_true_reason(workspace: Workspace, api: LoopbackApi):
    asked: Counter[int] = Counter()
    lock = threading.Lock()

    def moody(handler: Handler, body: dict) -> None:
        with lock:
            asked[body["seed"]] += 1
            number = asked[body["seed"]]
        fault, strikes = fate(body["seed"])
        (FAULTS[fault] if number <= strikes else says(f"祝福{body['seed']}"))(handler, body)

    api.default = moody
    teacher = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=TIMEOUT)
    plan = Plan(rounds=2, limit=1000)
    options = RunOptions(ban_openings=False)
    run = create_run(workspace, "wishes", plan, teacher, SAMPLING, 32, options=options)
    state = work(workspace, run, Retry(attempts=ATTEMPTS, first_wait=0.02, longest_wait=0.1))

    assert state.counts.done + state.counts.failed == 1000 and state.counts.pending == 0
    assert state.totals.samples == state.counts.done
    done = rows.tasks_in(workspace.engine, run.id, rows.DONE, limit=3000)
    failed = rows.tasks_in(workspace.engine, run.id, "failed", limit=3000)
    expected_failures: Counter[str] = Counter()
    for task in failed:
        fault, strikes = fate_of(run, task)
        assert fault == "filter" or strikes == ATTEMPTS, (task, fault, strikes)
        expected_failures[KINDS.get(fault, "answer")] += 1
    assert {error.kind: error.count for error in state.errors} == dict(expected_failures)
    assert set(expected_failures) >= {"rate_limit", "unreachable", "answer", "refusal"}
    for task in done:
        fault, strikes = fate_of(run, task)
        assert fault != "filter" and strikes < ATTEMPTS, (task, fault, strikes)
    assert max(asked.values()) <= ATTEMPTS and len(asked) == 1000
    assert all(asked[seed] == 1 for seed in asked if fate(seed)[0] == "filter")
    outputs = {}
    for batch in samples.each(workspace.engine, samples.SampleFilter(recipe="wishes", run_id=run.id)):
        outputs.update({(s.name, s.scene, s.style, s.output): s.id for s in batch})
    texts = Counter(output for *_cell, output in outputs)
    assert len(outputs) == len(done) and max(texts.values()) == 1
    for task in done:
        seed = task_sampling(SAMPLING, task, run.plan.seed).seed
        assert (task.name, task.scene, task.style, f"祝福{seed}") in outputs


def test_a_cut_answer_is_kept_and_marked(workspace: Workspace, api: LoopbackApi):
    api.default = says("祝您生日快", "length")
    teacher = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url)
    run = create_run(workspace, "wishes", Plan(limit=1), teacher, SAMPLING)
    state = work(workspace, run)
    assert state.counts.done == 1 and state.latest[0].finish_reason == "length"


@pytest.mark.timeout(60 * KILLS + 120)
def test_workers_killed_at_random_moments_lose_and_double_nothing(workspace: Workspace, api: LoopbackApi):
    source = random.Random(7)
    api.latency = 0.02
    total, concurrency = 250 * max(1, KILLS), 8
    teacher = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=60)
    run = create_run(workspace, "wishes", Plan(rounds=3, limit=total), teacher, SAMPLING, concurrency)
    worker = jobs.prepare_worker(workspace, "test", "单独的子进程", GenerationSubject(run_id=run.id))
    stored = 0
    for _number in range(KILLS):
        before = len(api.requests)
        child = subprocess.Popen(worker.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(api.requests) == before and child.poll() is None:
            time.sleep(0.005)
        time.sleep(source.uniform(0, 0.6))
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
        child.wait()
        now = rows.counts(workspace.engine, [run.id])[run.id].done
        assert now >= stored
        stored = now
    api.wait_quiet()
    lost = len(api.requests) - stored
    assert lost <= KILLS * (concurrency + 40)  # in flight, or answered less than a moment before
    job = jobs.wait(workspace, start_generation(workspace, run.id).id, timeout=240)
    state = run_state(workspace.engine, run.id)
    assert job.state == "succeeded"
    assert state.counts.done == state.totals.samples == total
    assert [line.position for line in run_lines.each_line(workspace.engine, run.id)] == list(range(total))
    assert len(api.requests) == total + lost
