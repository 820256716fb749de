"""追问: accepted samples get a second turn that does what was asked, or a finding that it does not."""

import asyncio
import os
import random
import re
import signal
import subprocess
import time

import pytest

from tests.generation.test_generating import QUICK
from tests.loopback import Handler, LoopbackApi, completion, fails, says
from tianji_core import cleaning, jobs
from tianji_core.dispatch import RunOptions
from tianji_core.errors import InputError, JobError, RunLimitError, TeacherError
from tianji_core.generation.following import (
    FollowingPlan,
    FollowUpResult,
    estimate_following,
    follow_up,
    planned_follow_ups,
    start_following,
)
from tianji_core.generation.following.job import FollowingArguments
from tianji_core.generation.following.planning import usage_for
from tianji_core.jobs import Reporter
from tianji_core.recipe import built_in_recipe
from tianji_core.recipe.editing import changed
from tianji_core.recipe.following import FollowUp, FollowUpKind, drawn_follow_up, possible, recognised
from tianji_core.store import findings, recipes, samples
from tianji_core.store.samples import ACCEPTED, FOLLOW_UP, NewSample, SampleFilter
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace

TEXT = "外婆，生日快乐！您做的糯米藕我惦记了一整年，今天我把锅也带来了，您坐着指挥就行，身体要紧。"
STYLES = [style.text for style in built_in_recipe("wishes").styles]


def accepted(workspace: Workspace, number: int) -> None:
    for each in range(number):
        sample = NewSample(
            "wishes", "你是送祝福大师", f"祝外婆生日快乐{'。' * each}", f"{TEXT}{each}", "外婆", "生日", "文艺",
            state=ACCEPTED,
        )  # fmt: skip
        samples.add(workspace.engine, sample)


def teacher(api: LoopbackApi) -> TeacherChoice:
    return TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=60)


def work(workspace: Workspace, api: LoopbackApi, plan: FollowingPlan, concurrency: int = 2) -> FollowUpResult:
    asked = follow_up(workspace, "wishes", plan, teacher(api), concurrency, Reporter(), retry=QUICK)
    return asyncio.run(asked)


def obeys_the_second_time(handler: Handler, body: dict) -> None:
    """Says the same again at first, then does what the request says in numbers."""
    said = [message["content"] for message in body["messages"] if message["role"] != "system"]
    if "没有照要求改" not in said[-1]:
        handler.send_json(200, completion(said[1]))
        return
    number = handler.server.api.next_number()
    if most := re.search(r"最多 (\d+) 个字", said[-1]):
        text = f"外婆，生日快乐，第{number}碗面我来煮。"[: int(most[1])]
    elif least := re.search(r"至少 (\d+) 个字", said[-1]):
        text = (f"外婆，生日快乐，这是第{number}封信。" * 20)[: int(least[1])]
    elif limits := re.search(r"(\d+) 到 (\d+) 个字", said[-1]):
        text = (f"外婆，生日快乐，这是第{number}张卡片。" * 60)[: int(limits[1])]
    else:
        text = f"外婆，第{number}次来给您煮面了，您歇着。"
    handler.send_json(200, completion(text))


@pytest.mark.parametrize(
    ("request_", "kind", "target"),
    [
        ("再短一点", FollowUpKind.SHORTER, ""),
        ("太短了，多写几句。", FollowUpKind.LONGER, ""),
        ("换成小红书风格", FollowUpKind.STYLE, "小红书"),
        ("别提工资", FollowUpKind.WITHOUT, "工资"),
        ("重写一下，别出现身体！", FollowUpKind.WITHOUT, "身体"),
    ],
)
def test_requests_are_recognised(request_: str, kind: FollowUpKind, target: str):
    found = recognised(request_, STYLES)
    assert found is not None and (found.kind, found.target) == (kind, target)


@pytest.mark.parametrize("request_", ["", "换成海盗风格", "祝外婆生日快乐", "别提", "谢谢，再短一点也行吧"])
def test_other_requests_are_not_taken_for_one(request_: str):
    assert recognised(request_, STYLES) is None


def test_another_style_is_asked_for_in_the_words_of_the_recipe():
    choices = [(FollowUpKind.STYLE, "正式")]
    for seed in range(20):
        asked = drawn_follow_up(choices, random.Random(seed), "口气")
        assert "口气" in asked.request and "风格" not in asked.request
        assert recognised(asked.request, ["正式"], "口气") == asked
        assert recognised(asked.request, ["正式"]) is None
    assert recognised("换成正式风格", ["正式"], "口气") is not None, "what was asked before is known still"


def test_what_was_asked_is_counted():
    shorter, longer = FollowUp(FollowUpKind.SHORTER, "短"), FollowUp(FollowUpKind.LONGER, "长")
    assert "原来 20 字，现在 17 字" in shorter.fault("长" * 20, "短" * 17)
    assert not shorter.fault("长" * 20, "短" * 16)
    assert longer.fault("长" * 20, "短" * 24) and not longer.fault("长" * 20, "短" * 25)
    without = FollowUp(FollowUpKind.WITHOUT, "别提工资", "工资")
    assert "工资" in without.fault("涨了工资", "工资涨了") and not without.fault("涨了工资", "升了职")
    assert FollowUp(FollowUpKind.STYLE, "换成严肃风格", "严肃").fault("同一句", "同一句")


def test_each_accepted_sample_gets_one_request_and_its_answer_does_it(workspace: Workspace, api: LoopbackApi):
    api.default = obeys_the_second_time
    accepted(workspace, 24)
    plan = FollowingPlan(limit=20)
    expected = estimate_following(workspace, "wishes", plan, teacher(api), 2)
    assert expected.number == 20 and set(expected.kinds) == set(FollowUpKind)
    result = work(workspace, api, plan)
    assert (result.stored, result.unmet, result.failed, result.waiting) == (20, 0, 0, 0)
    assert len(api.requests) == 40 <= expected.most_requests
    roles = [message["role"] for message in api.requests[-1]["messages"] if message["role"] != "system"]
    assert roles in (["user", "assistant", "user"], ["user", "assistant"] * 2 + ["user"])
    stored = samples.page(workspace.engine, SampleFilter("wishes", source=FOLLOW_UP))
    for sample in stored:
        [(asked, answer)] = sample.history
        found = recognised(sample.input, STYLES)
        assert found is not None and asked.startswith("祝外婆") and not found.fault(answer, sample.output)
        assert sample.style == (found.target if found.kind is FollowUpKind.STYLE else "文艺")
    cleaning.check_new(workspace, "wishes")
    rules = {
        f.rule for found in findings.of(workspace.engine, [s.id for s in stored]).values() for f in found
    }
    assert "follow_up_unmet" not in rules
    assert work(workspace, api, plan).stored == 4 and len(api.requests) == 48  # those above the limit
    assert work(workspace, api, plan).stored == 0 and len(api.requests) == 48
    with pytest.raises(JobError, match="没有可以追问的"):
        start_following(workspace, "wishes", plan, teacher(api))


def test_an_answer_that_does_not_do_it_is_bounded_and_left_to_a_person(
    workspace: Workspace, api: LoopbackApi
):
    accepted(workspace, 1)
    api.default = lambda handler, body: handler.send_json(200, completion(TEXT + "真的很长" * 9))
    result = work(workspace, api, FollowingPlan(kinds=(FollowUpKind.SHORTER,), again=2))
    assert (result.stored, result.unmet, len(api.requests)) == (1, 1, 3)
    cleaning.check_new(workspace, "wishes")
    [sample] = samples.page(workspace.engine, SampleFilter("wishes", source=FOLLOW_UP))
    unmet = [f for f in findings.of(workspace.engine, [sample.id])[sample.id] if f.rule == "follow_up_unmet"]
    assert len(unmet) == 1 and unmet[0].turn == 0 and "短一点" in unmet[0].detail


def test_only_the_turn_that_failed_is_sent_again_next_time(workspace: Workspace, api: LoopbackApi):
    api.default = obeys_the_second_time
    accepted(workspace, 3)
    plan = FollowingPlan(kinds=(FollowUpKind.WITHOUT,), words=("身体",))
    api.script.extend([obeys_the_second_time] * 4 + [fails(400, "too long")])
    result = work(workspace, api, plan, concurrency=1)
    assert (result.stored, result.failed, result.waiting) == (2, 1, 1)
    asked = len(api.requests)
    assert work(workspace, api, plan).stored == 1 and len(api.requests) == asked + 1
    assert len(api.requests[-1]["messages"]) == len(api.requests[-2]["messages"])  # with what was said before


def test_each_turn_counts_against_the_budget(workspace: Workspace, api: LoopbackApi):
    api.default = says(TEXT)
    accepted(workspace, 1)
    plan = FollowingPlan(kinds=(FollowUpKind.SHORTER,), again=5)
    [planned] = planned_follow_ups(workspace, "wishes", plan)
    budget = RunOptions(budget_tokens=usage_for(planned).total + 20)
    asked = follow_up(workspace, "wishes", plan, teacher(api), 1, Reporter(), retry=QUICK, options=budget)
    with pytest.raises(RunLimitError, match="预算"):
        asyncio.run(asked)
    assert 1 <= len(api.requests) < 6
    spent = len(api.requests)
    assert work(workspace, api, plan).stored == 1 and len(api.requests) == 6 > spent


def test_each_turn_counts_against_the_requests_per_minute(workspace: Workspace, api: LoopbackApi):
    api.default = says(TEXT)
    accepted(workspace, 1)
    choice = teacher(api).model_copy(update={"requests_per_minute": 1})
    plan = FollowingPlan(kinds=(FollowUpKind.SHORTER,), again=1)
    limit = RunOptions(minutes=0.02)
    asked = follow_up(workspace, "wishes", plan, choice, 1, Reporter(), retry=QUICK, options=limit)
    with pytest.raises(RunLimitError, match="时限"):
        asyncio.run(asked)
    assert len(api.requests) == 1


def test_the_closest_answer_is_kept(workspace: Workspace, api: LoopbackApi):
    accepted(workspace, 1)
    closest = TEXT[:40]
    api.script.extend([says(TEXT * 2), says(closest), says(TEXT * 3)])
    result = work(workspace, api, FollowingPlan(kinds=(FollowUpKind.SHORTER,), again=2))
    assert (result.stored, result.unmet, len(api.requests)) == (1, 1, 3)
    [sample] = samples.page(workspace.engine, SampleFilter("wishes", source=FOLLOW_UP))
    assert sample.output == closest


def test_only_what_the_style_allows_is_asked_for():
    recipe, lengths = built_in_recipe("wishes"), (FollowUpKind.SHORTER, FollowUpKind.LONGER)

    def kinds(number: int) -> list[FollowUpKind]:  # 20 to 60 characters
        return [
            kind for kind, _target in possible(recipe, ("外婆", "生日", "正常"), "字" * number, lengths, ())
        ]

    assert kinds(45) == [FollowUpKind.SHORTER]
    assert kinds(25) == [FollowUpKind.LONGER]
    assert kinds(35) == list(lengths)


def test_a_killed_worker_goes_on_and_asks_only_what_is_left(workspace: Workspace, api: LoopbackApi):
    api.default = obeys_the_second_time
    accepted(workspace, 8)
    api.answer_only(10)
    plan = FollowingPlan()
    arguments = FollowingArguments(
        recipe="wishes", teacher=teacher(api), plan=plan, concurrency=2, options=RunOptions()
    )
    worker = jobs.prepare_worker(workspace, "test", "单独的子进程", arguments)
    child = subprocess.Popen(worker.argv, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(planned_follow_ups(workspace, "wishes", plan)) > 6:
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    api.answer_all()
    job = jobs.wait(workspace, start_following(workspace, "wishes", plan, teacher(api), 2).id, timeout=120)
    assert job.state == "succeeded", job.note
    assert samples.count(workspace.engine, SampleFilter("wishes", source=FOLLOW_UP)) == 8
    assert len(api.requests) <= 16 + 2  # those in flight at the kill


def test_the_composer_cannot_talk(workspace: Workspace):
    accepted(workspace, 1)
    with pytest.raises(InputError, match="离线"):
        start_following(workspace, "wishes", FollowingPlan(), TeacherChoice())


def test_a_conversation_names_the_revision_of_the_request_that_it_answers(
    workspace: Workspace, api: LoopbackApi
):
    """The recipe is saved while the teacher writes, after a start that was stopped between two askings."""
    accepted(workspace, 1)

    def save_the_recipe() -> None:
        stored = recipes.current(workspace.engine, "wishes")
        after = changed(stored.recipe, description=stored.recipe.description + "。")
        recipes.save(workspace.engine, after, stored.revision, "说明")

    def saves_and_obeys(handler: Handler, body: dict) -> None:
        save_the_recipe()
        obeys_the_second_time(handler, body)

    api.script.append(obeys_the_second_time)
    api.script.append(fails(401, "no such key"))
    plan = FollowingPlan(kinds=(FollowUpKind.SHORTER,))
    with pytest.raises(TeacherError):
        work(workspace, api, plan)
    save_the_recipe()
    api.default = saves_and_obeys
    assert work(workspace, api, plan).stored == 1
    [sample] = samples.page(workspace.engine, SampleFilter("wishes", source=FOLLOW_UP))
    assert recipes.current(workspace.engine, "wishes").revision == 2
    assert samples.prompt_revision(workspace.engine, sample.id) == 1
