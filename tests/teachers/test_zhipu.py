"""Zhipu's own SDK, pointed at a server on loopback."""

import asyncio
from typing import Any

import pytest

from tests.loopback import LoopbackApi, echoes_key, fails, hangs, resets, says, sends
from tests.teachers.asking import ask
from tianji_core.errors import (
    TeacherAnswerError,
    TeacherAuthError,
    TeacherError,
    TeacherRateLimitError,
    TeacherRefusalError,
    TeacherRequestError,
    TeacherTimeoutError,
    TeacherUnreachableError,
)
from tianji_core.teachers import Sampling, TeacherChoice, make_teacher, test_connection

KEY = "0123456789abcdef.topsecretpart"


@pytest.fixture
def choice(api: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> TeacherChoice:
    monkeypatch.setenv("ZHIPUAI_API_KEY", KEY)
    return TeacherChoice(provider="zhipu", model="glm-4-plus", base_url=api.url, timeout=5)


async def test_an_answer_carries_text_and_tokens(workspace, api, choice):
    api.script.append(says(" 大舅生日快乐！ "))
    answer = await ask(workspace, choice, Sampling(temperature=0.9, max_tokens=64))
    assert (answer.text, answer.completion_tokens, answer.model) == ("大舅生日快乐！", 7, "loopback-model")
    assert api.requests[0]["temperature"] == 0.9
    assert api.requests[0]["max_tokens"] == 64
    assert "temperature" not in api.requests[0]["messages"][0]["content"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(fails(401, "令牌已过期", code="401"), TeacherAuthError, id="401"),
        pytest.param(fails(429, "账户已欠费，请充值", code="1113"), TeacherAuthError, id="no credit"),
        pytest.param(fails(429, "并发数过高", code="1302"), TeacherRateLimitError, id="429"),
        pytest.param(fails(400, "模型不存在", code="1211"), TeacherRequestError, id="400"),
        pytest.param(
            fails(400, "内容可能包含不安全或敏感内容", code="1301"), TeacherRefusalError, id="filter"
        ),
        pytest.param(says("一半", "sensitive"), TeacherRefusalError, id="sensitive"),
        pytest.param(fails(500), TeacherUnreachableError, id="500"),
        pytest.param(resets, TeacherUnreachableError, id="reset"),
        pytest.param(hangs(2), TeacherTimeoutError, id="silence"),
        pytest.param(sends(200, '{"choices": [{'), TeacherAnswerError, id="broken JSON"),
        pytest.param(sends(200, {"choices": [], "usage": None}), TeacherAnswerError, id="no choices"),
        pytest.param(says(None), TeacherAnswerError, id="null content"),
    ],
)
async def test_every_fault_has_its_kind(workspace, api, choice, reply, kind):
    api.default = reply
    with pytest.raises(TeacherError) as caught:
        await ask(workspace, choice.model_copy(update={"timeout": 0.5}))
    assert type(caught.value) is kind


async def test_requests_really_run_at_the_same_time(workspace, api, choice):
    api.latency = 0.3
    teacher: Any = make_teacher(workspace, choice)
    await asyncio.gather(*(teacher.complete("你好", Sampling()) for _i in range(12)))
    await teacher.aclose()
    assert api.most_in_flight == 12


async def test_the_key_stays_out_of_errors_and_reprs(workspace, api, choice):
    api.default = echoes_key(401)
    with pytest.raises(TeacherAuthError) as caught:
        await ask(workspace, choice)
    teacher = make_teacher(workspace, choice)
    assert "topsecretpart" not in str(caught.value) + repr(caught.value) + repr(teacher) + repr(vars(teacher))
    await teacher.aclose()


async def test_testing_a_connection_reports_a_bad_key_in_one_sentence(workspace, api, choice):
    api.default = fails(401, "bad token")
    report = await test_connection(workspace, choice)
    assert not report.ok
    assert "ZHIPUAI_API_KEY" in report.message
