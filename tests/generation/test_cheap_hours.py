"""A run that asks in the provider's off-peak hours only: it waits, says until when, is stopped, killed and
continued, and each answer counts at the price of its hour."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.generation.test_generating import QUICK
from tests.loopback import Handler, LoopbackApi, completion
from tests.processes import until
from tianji_core import generation, jobs
from tianji_core.dispatch import Clock, RunOptions, Usage
from tianji_core.errors import PlanError, RunLimitError
from tianji_core.generation.generating import run_generation
from tianji_core.generation.offers import used_at_prices
from tianji_core.jobs import Reporter
from tianji_core.jobs.progress import VARIABLE
from tianji_core.recipe import Plan, built_in_recipe
from tianji_core.store import runs as rows
from tianji_core.store.database import writing
from tianji_core.store.runs import Run
from tianji_core.store.schema import samples
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.workspace import Workspace

CHOICE = TeacherChoice(provider="lab", model="loopback-model")
PER_ANSWER = (11 * 100 + 7 * 200) / 1_000_000
"""What an answer of the loopback server costs outside the off-peak hours."""
DAY = datetime(2026, 3, 4, 4, tzinfo=UTC)
"""Noon in Shanghai."""
NIGHT = datetime(2026, 3, 4, 16, 30, tzinfo=UTC)
"""Half past midnight in Shanghai, where the hours begin."""
MORNING = datetime(2026, 3, 5, 0, 30, tzinfo=UTC)
"""Half past eight, where they end."""


def lab(
    workspace: Workspace,
    api: LoopbackApi,
    first: str = "00:30",
    last: str = "08:30",
    zone: str = "Asia/Shanghai",
) -> None:
    """A provider with these off-peak hours, at half the price."""
    hours = f'{{from: "{first}", to: "{last}", zone: {zone}, price: 0.5}}'
    own = (
        f"lab:\n  title: 实验室\n  sdk: openai\n  base_url: {api.url}\n  off_peak: {hours}\n"
        "  models: [{name: loopback-model, input_price: 100, output_price: 200}]\n"
    )
    (workspace.home / "providers.yaml").write_text(own, encoding="utf-8")


def lab_from_now(workspace: Workspace, api: LoopbackApi, first: int, last: int) -> None:
    """A provider whose off-peak hours begin and end so many hours from now."""
    now = datetime.now(UTC)
    begins, ends = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (first, last))
    lab(workspace, api, begins, ends, "UTC")


def night_run(workspace: Workspace, limit: int = 12, concurrency: int = 4, **options: object) -> Run:
    given = RunOptions.model_validate({"cheap_hours": True, **options})
    plan = Plan(styles=("正常", "小红书"), limit=limit)
    return generation.create_run(workspace, "wishes", plan, CHOICE, Sampling(), concurrency, options=given)


class Hand:
    """The clock of a run, and what its job says of itself meanwhile."""

    def __init__(self, workspace: Workspace, run: Run, moment: datetime, told: Path) -> None:
        self.workspace, self.run, self.moment, self.told = workspace, run, moment, told
        self.stop = asyncio.Event()

    async def work(self, meanwhile: Callable[[], Coroutine[Any, Any, None]]) -> generation.RunState:
        """Runs the run, and ``meanwhile`` beside it."""
        clock = Clock(lambda: self.moment, look=0.01)
        reporter = Reporter(total=self.run.total)
        beside = asyncio.create_task(meanwhile())
        state = await run_generation(self.workspace, self.run.id, reporter, self.stop, QUICK, clock=clock)
        await beside
        return state

    def waits(self) -> str:
        try:
            return str(json.loads(self.told.read_text(encoding="utf-8"))["paused"])
        except FileNotFoundError:
            return ""

    async def until_it_waits(self) -> str:
        async with asyncio.timeout(60):
            while not self.waits():
                await asyncio.sleep(0.01)
        return self.waits()


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "progress.json"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def done(workspace: Workspace, run: Run) -> int:
    return rows.counts(workspace.engine, [run.id])[run.id].done


def test_it_waits_for_the_hour_and_says_until_when(
    workspace: Workspace, api: LoopbackApi, told: Path
) -> None:
    lab(workspace, api)
    run = night_run(workspace)

    async def story() -> generation.RunState:
        hand = Hand(workspace, run, DAY, told)

        async def meanwhile() -> None:
            said = await hand.until_it_waits()
            assert "2026-03-05 00:30" in said and "Asia/Shanghai" in said
            assert api.requests == []
            hand.moment = NIGHT

        return await hand.work(meanwhile)

    state = asyncio.run(story())
    assert state.complete and state.counts.done == len(api.requests) == 12
    assert json.loads(told.read_text(encoding="utf-8"))["paused"] == "", "it goes on"


def test_it_rests_when_the_hours_end_and_asks_nothing_twice_when_continued(
    workspace: Workspace, api: LoopbackApi, told: Path
) -> None:
    lab(workspace, api)
    run = night_run(workspace, concurrency=1)

    async def night(ends_after: int) -> generation.RunState:
        hand = Hand(workspace, run, NIGHT, told)

        def answer(handler: Handler, _body: dict) -> None:
            if len(api.requests) == ends_after:
                hand.moment = MORNING
            handler.send_json(200, completion(f"祝您安康，第{api.next_number()}条"))

        api.default = answer

        async def meanwhile() -> None:
            if ends_after < run.total:
                assert "2026-03-06 00:30" in await hand.until_it_waits()
                hand.stop.set()

        return await hand.work(meanwhile)

    state = asyncio.run(night(5))
    assert (state.counts.done, state.counts.pending, len(api.requests)) == (5, 7, 5)
    told.unlink()
    state = asyncio.run(night(run.total))
    assert state.complete and len(api.requests) == 12
    assert len({json.dumps(request["messages"]) for request in api.requests}) == 12, "each task once"


def test_a_budget_in_money_reaches_further_in_cheap_hours(
    workspace: Workspace, api: LoopbackApi, told: Path
) -> None:
    lab(workspace, api)
    run = night_run(workspace, limit=60, budget_cost=10.5 * PER_ANSWER)

    async def story() -> None:
        async def nothing() -> None:
            return

        await Hand(workspace, run, NIGHT, told).work(nothing)

    with pytest.raises(RunLimitError, match="预算"):
        asyncio.run(story())
    assert 18 <= done(workspace, run) <= 21


def came_at(workspace: Workspace, run: Run, moment: datetime, first: int, last: int) -> None:
    """Puts the answers at some positions of a run to the time ``moment``."""
    c = samples.c
    chosen = update(samples).where(c.run_id == run.id, c.position.between(first, last))
    with writing(workspace.engine) as connection:
        connection.execute(chosen.values(created_at=moment.astimezone(UTC).replace(tzinfo=None)))


def check_each_answer_costs_what_its_hour_costs(space: Workspace, api: LoopbackApi) -> None:
    lab(space, api)
    run = generation.create_run(space, "wishes", Plan(styles=("正常",), limit=8), CHOICE, Sampling(), 2)
    asyncio.run(run_generation(space, run.id, Reporter(total=run.total), retry=QUICK))
    came_at(space, run, NIGHT, 0, 0)
    came_at(space, run, MORNING - timedelta(microseconds=1), 1, 2)
    came_at(space, run, MORNING, 3, 3)
    came_at(space, run, DAY, 4, 7)
    (result,) = generation.by_teacher(space, run)
    assert result.cost == pytest.approx((3 * 0.5 + 5) * PER_ANSWER)
    parts = used_at_prices(space, run.id, 0, CHOICE, Usage(8 * 11, 8 * 7))
    assert [usage.total for usage, _price in parts] == [5 * 18, 3 * 18], "as it counts against a budget"


def test_each_answer_costs_what_its_hour_costs(workspace: Workspace, api: LoopbackApi) -> None:
    check_each_answer_costs_what_its_hour_costs(workspace, api)


def test_each_answer_costs_what_its_hour_costs_on_postgresql(team: Workspace, api: LoopbackApi) -> None:
    check_each_answer_costs_what_its_hour_costs(team, api)


def test_without_off_peak_hours_nothing_is_counted_by_the_hour(
    workspace: Workspace, api: LoopbackApi
) -> None:
    lab(workspace, api)
    path = workspace.home / "providers.yaml"
    path.write_text("".join(line for line in path.open(encoding="utf-8") if "off_peak" not in line), "utf-8")
    run = generation.create_run(workspace, "wishes", Plan(styles=("正常",), limit=4), CHOICE, Sampling(), 2)
    asyncio.run(run_generation(workspace, run.id, Reporter(total=run.total), retry=QUICK))
    came_at(workspace, run, NIGHT, 0, 3)
    (result,) = generation.by_teacher(workspace, run)
    assert result.cost == pytest.approx(4 * PER_ANSWER)
    assert generation.cheap_hours(workspace, generation.teachers_of(run)) == []


def test_a_teacher_without_such_hours_and_a_batch_are_refused(workspace: Workspace, api: LoopbackApi) -> None:
    own = TeacherChoice(provider="custom", model="m", base_url=api.url)
    with pytest.raises(PlanError, match="优惠时段"):
        generation.create_run(
            workspace, "wishes", Plan(limit=1), own, Sampling(), options=RunOptions(cheap_hours=True)
        )
    lab(workspace, api)
    with pytest.raises(PlanError, match="只能选一个"):
        night_run(workspace, batch=True)
    assert rows.listed(workspace.engine) == []
    run = night_run(workspace)
    (workspace.home / "providers.yaml").write_text(
        f"lab:\n  title: 实验室\n  sdk: openai\n  base_url: {api.url}\n", encoding="utf-8"
    )
    with pytest.raises(PlanError, match="优惠时段"):  # they are gone since
        generation.start_generation(workspace, run.id)
    assert jobs.listed(workspace) == [] and api.requests == []
    plain = generation.options_of(run).model_copy(update={"cheap_hours": False})
    generation.change_options(workspace, run.id, plain, 4)
    job = generation.start_generation(workspace, run.id)
    assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded" and done(workspace, run) == 12


def test_the_job_is_seen_waiting_stopped_killed_and_continued(workspace: Workspace, api: LoopbackApi) -> None:
    """Real processes: the hours are moved, not the clock."""
    lab_from_now(workspace, api, 6, 9)
    run = night_run(workspace)

    def waits(job: jobs.Job) -> bool:
        return jobs.shown_state(workspace, jobs.get(workspace, job.id)) == "等待中"

    first = generation.start_generation(workspace, run.id)
    until(lambda: waits(first))
    progress = jobs.read_progress(workspace, first.id)
    assert progress is not None and "等优惠时段" in progress.paused and "UTC" in progress.paused
    jobs.stop(workspace, first.id)
    assert jobs.wait(workspace, first.id, timeout=60).state == "stopped"

    second = generation.start_generation(workspace, run.id)
    until(lambda: waits(second))
    worker = jobs.get(workspace, second.id).pid
    assert worker
    os.kill(worker, signal.SIGKILL)
    assert jobs.wait(workspace, second.id, timeout=60).state == "failed"
    assert api.requests == [] and done(workspace, run) == 0

    lab_from_now(workspace, api, -3, 6)
    third = generation.start_generation(workspace, run.id)
    assert jobs.wait(workspace, third.id, timeout=60).state == "succeeded"
    assert done(workspace, run) == len(api.requests) == 12


def test_the_estimate_has_the_price_of_the_hours_and_the_waiting(
    workspace: Workspace, api: LoopbackApi
) -> None:
    lab(workspace, api)
    recipe, plan = built_in_recipe("wishes"), Plan(styles=("正常",), limit=120)
    slow = CHOICE.model_copy(update={"requests_per_minute": 10})  # twelve minutes
    usual = generation.estimate(workspace, recipe, plan, slow, 64)
    noon = generation.estimate(workspace, recipe, plan, slow, 64, cheap_hours=True, moment=DAY)
    assert usual.cost is not None and noon.cost == pytest.approx(usual.cost / 2)
    assert usual.opens is None and noon.opens is not None and noon.opens.astimezone(UTC) == NIGHT
    assert usual.seconds == pytest.approx(720)
    assert noon.seconds == pytest.approx(12.5 * 3600 + 720)
    night = generation.estimate(workspace, recipe, plan, slow, 64, cheap_hours=True, moment=NIGHT)
    assert night.opens is None and night.seconds == pytest.approx(720)
    late = MORNING - timedelta(minutes=5)
    split = generation.estimate(workspace, recipe, plan, slow, 64, cheap_hours=True, moment=late)
    assert split.opens is None and split.seconds == pytest.approx(16 * 3600 + 720)
