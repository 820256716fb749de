"""A judge scores samples over HTTP; its scores order the review and survive whatever happens to the
process."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.loopback import Handler, LoopbackApi, completion, fails, loopback_api, says
from tianji_core import jobs
from tianji_core.cleaning import judging
from tianji_core.dispatch import Retry
from tianji_core.errors import InputError, JobError, TeacherAnswerError, TeacherError
from tianji_core.jobs import Reporter
from tianji_core.store import judgements, recipes, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, NewSample, SampleFilter
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")
QUICK = Retry(attempts=2, first_wait=0.01, longest_wait=0.02)
GOOD = {"fit": 5, "style": 4, "naturalness": 3, "reason": "结尾略平"}


@pytest.fixture
def api() -> Iterator[LoopbackApi]:
    with loopback_api() as server:
        server.default = says(json.dumps(GOOD, ensure_ascii=False))
        yield server


def teacher(api: LoopbackApi) -> TeacherChoice:
    return TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=60)


def store(workspace: Workspace, number: int = 5) -> list[int]:
    new = [
        NewSample("wishes", "系统", f"祝妹妹生日{n}", f"妹妹，第{n}次生日快乐呀🎂", "妹妹", "生日", "小红书")
        for n in range(number)
    ]
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, new, IMPORT)


def judge(workspace: Workspace, api: LoopbackApi, wanted: SampleFilter = ALL):
    work = judging.judge_samples(workspace, wanted, teacher(api), 3, Reporter(total=1), retry=QUICK)
    return asyncio.run(work)


def test_every_sample_gets_a_score_and_a_reason_and_nothing_else_changes(
    workspace: Workspace, api: LoopbackApi
) -> None:
    ids = store(workspace)
    before = samples.page(workspace.engine, ALL)
    result = judge(workspace, api)
    assert (result.judged, result.failed, result.waiting) == (5, 0, 0)
    after = samples.page(workspace.engine, ALL)
    assert [replace(s, score=None) for s in after] == before
    assert {s.score for s in after} == {4.0}
    verdict = judgements.of(workspace.engine, ids)[ids[0]]
    assert (verdict.fit, verdict.reason, verdict.model) == (5, "结尾略平", "loopback-model")
    assert judgements.usage(workspace.engine, "wishes").prompt_tokens == 55


def test_the_request_carries_task_style_and_text_and_the_answer_is_wanted_cold(
    workspace: Workspace, api: LoopbackApi
) -> None:
    store(workspace, 1)
    judge(workspace, api)
    (request,) = api.requests
    prompt = request["messages"][0]["content"]
    assert "祝妹妹生日0" in prompt and "妹妹，第0次生日快乐呀🎂" in prompt and "要的风格：小红书" in prompt
    assert request["temperature"] == 0


def test_judging_goes_on_where_it_stopped_and_judges_nothing_twice(
    workspace: Workspace, api: LoopbackApi
) -> None:
    ids = store(workspace)
    judge(workspace, api, SampleFilter("wishes", ids=tuple(ids[:2])))
    asked = len(api.requests)
    judge(workspace, api)
    assert len(api.requests) - asked == 3
    steps.edit(workspace.engine, "wishes", ids[0], 1, "改过的生日祝福，妹妹快乐呀🎂", "我")
    judge(workspace, api)
    assert len(api.requests) - asked == 4


def test_an_unusable_answer_is_asked_for_again_and_then_left_without_a_score(
    workspace: Workspace, api: LoopbackApi
) -> None:
    store(workspace, 2)
    api.script.extend([says("写得不错"), says("五分"), says('{"fit": 9}')])
    result = judge(workspace, api)
    assert result.judged >= 1 and result.judged + result.failed == 2 and result.waiting == result.failed


def test_a_wrong_key_ends_it_at_once(workspace: Workspace, api: LoopbackApi) -> None:
    store(workspace, 20)
    api.default = fails(401, "no")
    with pytest.raises(TeacherError):
        judge(workspace, api)
    assert len(api.requests) <= 6


def test_a_text_that_changed_while_it_was_judged_gets_no_score(
    workspace: Workspace, api: LoopbackApi
) -> None:
    (one,) = store(workspace, 1)

    def edits_first(handler: Handler, _body: dict) -> None:
        steps.edit(workspace.engine, "wishes", one, 1, "改过的生日祝福，妹妹快乐呀🎂", "别人")
        handler.send_json(200, completion(json.dumps(GOOD)))

    api.script.append(edits_first)
    judge(workspace, api)
    assert samples.get(workspace.engine, one).score is None


def test_doubtful_ones_come_first_in_the_review(workspace: Workspace, api: LoopbackApi) -> None:
    ids = store(workspace, 3)

    def by_number(handler: Handler, body: dict) -> None:
        number = int(body["messages"][0]["content"].split("祝妹妹生日")[1][0])
        points = {"fit": number, "style": number, "naturalness": number, "reason": ""}
        handler.send_json(200, completion(json.dumps(points)))

    api.default = by_number
    judge(workspace, api)
    assert [s.id for s in samples.page(workspace.engine, ALL, order=samples.BEST)] == ids[::-1]
    assert [s.id for s in samples.page(workspace.engine, ALL, order=samples.DOUBTFUL)] == ids


@pytest.mark.parametrize(
    "answer",
    [
        '{"fit": 5, "style": 4, "naturalness": 3, "reason": "好"}',
        '好的：\n```json\n{"fit": 5, "style": 4, "naturalness": 3, "reason": "好"}\n```',
        '{"fit": "5分", "style": "4/5", "naturalness": 3.0, "reason": "好",}',
        '{"合适": 5, "风格": 4, "自然": 3, "理由": "好"}',
        "{'fit': 5, 'style': 4, 'naturalness': 3, 'reason': '好'}",
        '[{"fit": 5, "style": 4, "naturalness": 3, "reason": "好"}]',
    ],
)
def test_a_verdict_is_read_from_what_models_really_write(answer: str) -> None:
    verdict = judging.read_verdict(answer)
    assert (verdict.fit, verdict.style, verdict.naturalness, verdict.reason) == (5, 4, 3, "好")


@pytest.mark.parametrize(
    "answer",
    [
        '{"scores": {"fit": "5", "style": "4", "naturalness": "0"}}',
        '{"reason": "好", "scores": {"fit": 5, "style": 4, "naturalness": 0}, "usage": {"tokens": 9}}',
        "**fit**: 5\n**style**: 4/5\n**naturalness**: 0",
        "- 合适：5分\n- 风格：4 分\n- 自然：0\n理由：太硬",
        "| fit | 5 |\n| style | 4 |\n| naturalness | 0 |",
    ],
)
def test_a_verdict_may_stand_in_another_object_or_on_lines(answer: str) -> None:
    verdict = judging.read_verdict(answer)
    assert (verdict.fit, verdict.style, verdict.naturalness) == (5, 4, 0)


def test_a_verdict_of_nothing_but_zeros_is_one() -> None:
    assert judging.read_verdict('{"fit": 0, "style": 0, "naturalness": 0}').fit == 0


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "五分",
        "合适：4\n合适：5\n风格：3\n自然：2",
        '{"fit": 5}',
        '{"fit": 6, "style": 1, "naturalness": 1}',
        "[]",
    ],
)
def test_what_is_no_verdict_is_refused(answer: str) -> None:
    with pytest.raises(TeacherAnswerError):
        judging.read_verdict(answer)


def test_judging_in_the_background(workspace: Workspace, api: LoopbackApi) -> None:
    store(workspace, 4)
    job = judging.start_judging(workspace, ALL, teacher(api), concurrency=2)
    assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    assert judgements.waiting_count(workspace.engine, ALL) == 0
    assert "sk-" not in json.dumps(job.argv)
    with pytest.raises(JobError, match="都已经有评分"):
        judging.start_judging(workspace, ALL, teacher(api))


def test_the_offline_composer_cannot_judge(workspace: Workspace) -> None:
    store(workspace, 1)
    with pytest.raises(InputError, match="不会打分"):
        judging.start_judging(workspace, ALL, TeacherChoice())


def test_the_estimate_counts_what_has_no_score(workspace: Workspace, api: LoopbackApi) -> None:
    ids = store(workspace)
    choice = teacher(api).model_copy(update={"input_price": 1.0, "output_price": 2.0})
    before = judging.estimate_judging(workspace, ALL, choice)
    assert before.number == 5 and before.cost is not None and before.cost > 0
    judge(workspace, api, SampleFilter("wishes", ids=(ids[0],)))
    after = judging.estimate_judging(workspace, ALL, choice)
    assert after.number == 4 and after.usage.total < before.usage.total
    usage, cost = judging.judging_cost(workspace, "wishes", choice)
    assert (usage.prompt, usage.completion) == (11, 7) and cost == pytest.approx((11 + 14) / 1e6)
    assert judging.judge_prompt(
        recipes.current(workspace.engine, "wishes").recipe, samples.get(workspace.engine, ids[0])
    )


def test_a_job_that_leaves_samples_without_a_score_fails_with_the_reason(
    workspace: Workspace, api: LoopbackApi
) -> None:
    store(workspace, 3)

    def refuses_one(handler: Handler, body: dict) -> None:
        if "祝妹妹生日1" in body["messages"][-1]["content"]:
            handler.send_json(451, {"error": {"message": "不便评价"}})
        else:
            handler.send_json(200, completion(json.dumps(GOOD)))

    api.default = refuses_one
    job = jobs.wait(workspace, judging.start_judging(workspace, ALL, teacher(api)).id, timeout=60)
    assert (job.state, job.exit_code) == ("failed", 1)
    assert "完成了 2 个，还缺 1 个" in job.note and "不便评价" in job.note
    api.default = says(json.dumps(GOOD))
    asked = len(api.requests)
    job = jobs.wait(workspace, judging.start_judging(workspace, ALL, teacher(api)).id, timeout=60)
    assert job.state == "succeeded" and len(api.requests) - asked == 1, "only what is missing is asked"


def test_a_verdict_that_is_cut_off_is_asked_for_again(workspace: Workspace, api: LoopbackApi) -> None:
    (one,) = store(workspace, 1)
    api.script.append(says('{"fit": 5, "style": 4, "naturalness": 1', "length"))
    judge(workspace, api)
    assert len(api.requests) == 2
    assert samples.get(workspace.engine, one).score is not None
