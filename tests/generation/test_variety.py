"""Several teachers in one run, parameters drawn for each task, and openings fed back."""

import random
from typing import Any

import pytest
from pydantic import ValidationError

from tests.generation.test_generating import work
from tests.loopback import Handler, LoopbackApi, Reply, completion, loopback_api, says
from tianji_core.generation import by_teacher, create_run, run_state, run_variety, teachers_of
from tianji_core.generation.openings import ENOUGH, Openings, opening, variety
from tianji_core.recipe import Plan
from tianji_core.store import samples
from tianji_core.store.run_figures import Told
from tianji_core.teachers import Sampling, SamplingPlan, TeacherChoice, WeightedTeacher
from tianji_core.workspace import Workspace


def noting(order: list[str], name: str, reply: Reply) -> Reply:
    """The reply, with its name written down when it is sent."""

    def noted(handler: Handler, body: dict[str, Any]) -> None:
        order.append(name)
        reply(handler, body)

    return noted


def choice(api: LoopbackApi, model: str = "loopback-model", **fields: object) -> TeacherChoice:
    return TeacherChoice(provider="custom", model=model, base_url=api.url, timeout=60, **fields)


def test_several_teachers_share_the_tasks_by_weight(workspace: Workspace, api: LoopbackApi):
    with loopback_api() as other:
        mix = [
            WeightedTeacher(choice=choice(api, input_price=1, output_price=1), weight=3),
            WeightedTeacher(choice=choice(other), weight=1),
        ]
        other.default = says("第二位老师写的祝福要长很多很多很多。", "length")
        run = create_run(workspace, "wishes", Plan(limit=200), mix, Sampling(), 8)
        state = work(workspace, run)
        assert state.complete
        assert len(api.requests) + len(other.requests) == 200
        assert 30 <= len(other.requests) <= 70
        first, second = by_teacher(workspace, run)
        assert (first.totals.done, second.totals.done) == (len(api.requests), len(other.requests))
        assert first.cost == pytest.approx(18 * first.totals.done / 1e6) and second.cost is None
        assert second.totals.length > first.totals.length
        assert (first.totals.cut, second.totals.cut) == (0, second.totals.done)


def test_the_same_seed_gives_each_task_the_same_teacher(workspace: Workspace, api: LoopbackApi):
    def shares(seed: int) -> list[int]:
        mix = [WeightedTeacher(choice=choice(api, model)) for model in ("a", "b")]
        run = create_run(workspace, "wishes", Plan(limit=40, seed=seed), mix, Sampling())
        assert [each.choice.model for each in teachers_of(run)] == ["a", "b"]
        return [result.totals.tasks for result in by_teacher(workspace, run)]

    assert shares(1) == shares(1)
    assert shares(1) != shares(2)


def test_a_teacher_that_must_wait_does_not_hold_the_other_one_up(workspace: Workspace, api: LoopbackApi):
    with loopback_api() as quick:
        mix = [
            WeightedTeacher(choice=choice(api, requests_per_minute=120), weight=1),
            WeightedTeacher(choice=choice(quick), weight=9),
        ]
        run = create_run(workspace, "wishes", Plan(limit=60), mix, Sampling(), 2)
        order: list[str] = []
        api.default = noting(order, "slow", says("慢"))
        quick.default = noting(order, "quick", says("快"))
        assert work(workspace, run).complete
    last_quick = max(i for i, name in enumerate(order) if name == "quick")
    assert order[:last_quick].count("slow") < order.count("slow")


def test_parameters_are_drawn_for_each_task_and_kept_with_the_sample(workspace: Workspace, api: LoopbackApi):
    plan = SamplingPlan(temperature=(0.6, 1.0), top_p=0.9, max_tokens=(100, 200), seed_per_task=True)
    run = create_run(workspace, "wishes", Plan(limit=20), choice(api), plan, 4)
    work(workspace, run)
    temperatures = [request["temperature"] for request in api.requests]
    assert all(0.6 <= value <= 1.0 for value in temperatures) and len(set(temperatures)) > 10
    assert all(100 <= request["max_tokens"] <= 200 and request["top_p"] == 0.9 for request in api.requests)
    assert len({request["seed"] for request in api.requests}) == 20
    sent = {request["messages"][-1]["content"]: request for request in api.requests}
    for sample in samples.page(workspace.engine, samples.SampleFilter(recipe="wishes", run_id=run.id)):
        known = samples.provenance(workspace.engine, sample.id)
        assert known.sampling["temperature"] == sent[known.prompt]["temperature"]


def test_drawing_twice_gives_the_same_parameters():
    plan = SamplingPlan(temperature=(0.1, 1.9), seed_per_task=True)
    assert plan.draw(random.Random("a")) == plan.draw(random.Random("a"))
    assert plan.draw(random.Random("a")) != plan.draw(random.Random("b"))


@pytest.mark.parametrize("fields", [{"temperature": (1.0, 0.5)}, {"top_p": 0}, {"temperature": (0, 3)}])
def test_impossible_ranges_are_refused(fields: dict):
    with pytest.raises(ValidationError):
        SamplingPlan(**fields)


@pytest.mark.parametrize(
    ("text", "name", "start"),
    [
        ("大舅，祝您生日快乐", "大舅", "祝您生日"),
        ("🎉祝姐姐生日快乐呀", "姐姐", "祝生日快"),
        ("安康", "", "安康"),
        ("！！", "大舅", ""),
    ],
)
def test_an_opening_is_what_is_said_first(text: str, name: str, start: str):
    assert opening(text, name) == start


def test_openings_used_too_often_are_told_to_the_teacher(workspace: Workspace, api: LoopbackApi):
    """The server always begins alike until it is told not to."""

    def stubborn(handler: Handler, body: dict) -> None:
        prompt = body["messages"][-1]["content"]
        text = f"{random.Random(prompt).random()}换个说法" if "开头已经用得太多" in prompt else "愿你天天开心"
        handler.send_json(200, completion(text))

    api.default = stubborn
    run = create_run(workspace, "wishes", Plan(styles=("正常",), limit=150), choice(api), Sampling(), 4)
    work(workspace, run)
    told = [p for p in api.prompts() if "这些开头已经用得太多：“愿你天天”" in p]
    assert 60 < len(told) < 110
    stored = samples.page(workspace.engine, samples.SampleFilter(recipe="wishes", run_id=run.id), limit=200)
    prompts = {samples.provenance(workspace.engine, sample.id).prompt for sample in stored}
    assert set(told) <= prompts
    assert run_state(workspace.engine, run.id).complete
    before, after = run_variety(workspace.engine, run.id)
    assert before == after and before.texts == 150 and before.top_opening == "愿你天天"


def test_a_resumed_run_remembers_its_openings():
    openings = Openings([Told(i, "大舅", "正常", f"大舅，祝您安康{i}") for i in range(ENOUGH)])
    assert openings.banned("正常") == ("祝您安康",)
    assert openings.request("小红书") == ""


def test_variety_falls_when_texts_repeat_each_other():
    same = variety([Told(i, "", "正常", "祝您安康") for i in range(10)])
    texts = ["春风得意", "福寿绵长", "前程似锦", "阖家欢乐"]
    different = variety([Told(i, "", "正常", text) for i, text in enumerate(texts)])
    assert same.distinct_2 == 0.1 and same.top_share == 1.0
    assert different.distinct_2 == 1.0 and different.top_share == 0.25
    assert variety([]) is None
