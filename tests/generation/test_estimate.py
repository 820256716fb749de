"""What is said about a plan before it starts, and the dry run."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.loopback import LoopbackApi, fails, says
from tianji_core.errors import ComposerError, PlanError
from tianji_core.generation import create_run, dry_run, estimate, offline_gaps
from tianji_core.generation.estimate import Estimate
from tianji_core.recipe import Plan, Scene, built_in_recipes, count_tasks, load_recipe, tasks
from tianji_core.store import runs as rows
from tianji_core.teachers import Sampling, TeacherChoice, WeightedTeacher
from tianji_core.workspace import Workspace

RECIPE = load_recipe(built_in_recipes()["wishes"])


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan(styles=("正常",), rounds=3, threshold=2),
        Plan(limit=17),
        Plan(cells=(("大舅", "春节"), ("医生", "发财")), threshold=1),
    ],
)
def test_counting_agrees_with_listing(plan: Plan):
    assert count_tasks(RECIPE, plan) == len(tasks(RECIPE, plan))


def test_counting_leaves_out_styles_where_they_do_not_suit():
    toasts = load_recipe(built_in_recipes()["toasts"])
    assert toasts.style_gaps
    assert count_tasks(toasts, Plan(rounds=2)) == len(tasks(toasts, Plan(rounds=2)))


def test_what_the_offline_composer_lacks_is_named_and_counted():
    assert offline_gaps(RECIPE, tasks(RECIPE, Plan())) is None
    more = RECIPE.changed(scenes=(*RECIPE.scenes, Scene(text="手术", kind="health")))
    assert offline_gaps(more, tasks(more, Plan(styles=("正常",)))) is None, "written by its kind"
    gaps = offline_gaps(more, tasks(more, Plan(styles=("正常", "诗词赋"))))
    assert gaps is not None and not gaps.everything
    assert (gaps.styles, gaps.scenes, gaps.count) == ((), ("手术",), len(RECIPE.names))
    assert "场景 手术" in gaps.message


def test_a_run_that_the_offline_composer_cannot_write_at_all_is_not_made(workspace: Workspace):
    with pytest.raises(ComposerError, match="说法 得体"):
        create_run(workspace, "toasts", Plan(), TeacherChoice(), Sampling())
    assert rows.listed(workspace.engine) == []


def test_cost_is_tokens_times_price_and_time_follows_concurrency(workspace: Workspace):
    plan = Plan(styles=("正常",), limit=100)
    choice = TeacherChoice(
        provider="custom", model="m", base_url="http://127.0.0.1:9/v1", input_price=2, output_price=8
    )
    slow = estimate(workspace, RECIPE, plan, choice, concurrency=1)
    fast = estimate(workspace, RECIPE, plan, choice, concurrency=10)
    assert slow.tasks == 100
    assert slow.cost == pytest.approx((slow.prompt_tokens * 2 + slow.completion_tokens * 8) / 1e6)
    assert slow.seconds == pytest.approx(10 * fast.seconds)
    assert not slow.measured


def test_what_has_known_answers_costs_nothing_and_a_wait_stays_as_long() -> None:
    opens = datetime(2030, 1, 1, 0, 30, tzinfo=UTC)
    whole = Estimate(100, 20_000, 4_000, 3.0, 50.0, True)
    assert whole.asking(100) == whole
    assert whole.asking(25) == Estimate(100, 5_000, 1_000, 0.75, 12.5, True)
    waits = replace(whole, opens=opens, cost=None)
    assert (waits.asking(25).seconds, waits.asking(25).opens, waits.asking(25).cost) == (50.0, opens, None)
    assert (waits.asking(0).seconds, waits.asking(0).opens) == (0.0, None)


def test_an_unknown_price_gives_no_cost(workspace: Workspace):
    choice = TeacherChoice(provider="custom", model="m", input_price=1)
    guess = estimate(workspace, RECIPE, Plan(limit=5), choice, 1)
    assert guess.cost is None


def test_an_empty_plan_has_no_estimate(workspace: Workspace):
    with pytest.raises(PlanError):
        estimate(
            workspace,
            RECIPE,
            Plan(cells=(("医生", "发财"),), threshold=2),
            TeacherChoice(),
            1,
        )


def test_limits_per_minute_set_the_time_and_several_teachers_share_it(workspace: Workspace):
    plan = Plan(styles=("正常",), limit=120)
    slow = TeacherChoice(provider="custom", model="m", requests_per_minute=10, input_price=1, output_price=1)
    alone = estimate(workspace, RECIPE, plan, slow, 64)
    assert alone.seconds == pytest.approx(12 * 60)
    by_tokens = slow.model_copy(update={"requests_per_minute": None, "tokens_per_minute": 1000})
    tokens = alone.prompt_tokens + alone.completion_tokens
    assert estimate(workspace, RECIPE, plan, by_tokens, 64).seconds == pytest.approx(
        tokens * 60 / 1000, rel=0.02
    )
    other = TeacherChoice(provider="custom", model="n", input_price=3, output_price=3)
    shared = [WeightedTeacher(choice=slow), WeightedTeacher(choice=other)]
    both = estimate(workspace, RECIPE, plan, shared, 64)
    assert both.seconds == pytest.approx(6 * 60)
    assert both.cost == pytest.approx(2 * alone.cost, rel=0.02)


def test_a_dry_run_shows_prompts_answers_and_errors_and_stores_nothing(
    workspace: Workspace, api: LoopbackApi
):
    api.script.extend([says("好"), fails(500, "broken")])
    choice = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url)
    trials = asyncio.run(dry_run(workspace, RECIPE, Plan(styles=("正常",)), choice, Sampling()))
    assert len(trials) == 3
    assert {trial.brief.prompt for trial in trials} == set(api.prompts())
    assert sum(trial.answer is not None for trial in trials) == 2
    assert [trial.error for trial in trials if "broken" in trial.error]
    assert rows.listed(workspace.engine) == []
