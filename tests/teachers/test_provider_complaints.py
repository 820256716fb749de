"""What providers and gateways say is wrong has one kind, whatever status and fields they say it in."""

import json
from typing import Any

import pytest

from tests.loopback import completion
from tianji_core.errors import TeacherError
from tianji_core.gate import read_complaint
from tianji_core.teachers.completions import read_answer
from tianji_core.teachers.faults import Endpoint
from tianji_core.teachers.statuses import from_status

ENDPOINT = Endpoint("甲", "https://example.com/v1", "m", "CUSTOM_API_KEY", 5.0)


def failure(status: int, body: Any, headers: dict[str, str]) -> TeacherError:
    content = json.dumps(body, ensure_ascii=False).encode()
    if status != 200:
        return from_status(ENDPOINT, status, read_complaint(content, "application/json"), headers)
    with pytest.raises(TeacherError) as refused:
        read_answer(ENDPOINT, content, "application/json", 0.1)
    return refused.value


def of(message: str, code: object = "", kind: str = "") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code}}


def baidu(code: int, message: str) -> dict[str, Any]:
    return {"error_code": code, "error_msg": message}


def tencent(code: str, message: str) -> dict[str, Any]:
    return {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "1"}}


def minimax(code: int, message: str) -> dict[str, Any]:
    return {"base_resp": {"status_code": code, "status_msg": message}}


COMPLAINTS: dict[str, tuple[int, Any, str, str]] = {
    "one-api, token used up": (
        401,
        of("该令牌额度已用尽 (request id: 1)", kind="one_api_error"),
        "Auth",
        "额度不足",
    ),
    "xAI, no credits": (
        403,
        {"code": "x", "error": "The team doesn't have any credits yet."},
        "Auth",
        "额度",
    ),
    "Anthropic, no credits": (400, of("Your credit balance is too low."), "Auth", "额度不足"),
    "OpenRouter, free requests of a day": (
        429,
        of("Rate limit exceeded: free-models-per-day"),
        "Auth",
        "额度",
    ),
    "ModelScope, quota of a day": (429, {"errors": {"message": "exceeded today's quota"}}, "Auth", "额度"),
    "Tencent, package used up": (
        200,
        tencent("FailedOperation.ResourcePackExhausted", "资源包余量已用尽"),
        "Auth",
        "额度",
    ),
    "MiniMax, hours": (200, minimax(2056, "usage limit exceeded"), "Auth", "额度不足"),
    "Baidu, requests in total": (200, baidu(19, "Open api total request limit reached"), "Auth", "额度"),
    "a wait of hours in words": (429, of("Please wait 68401 seconds before retrying."), "Auth", "20 小时"),
    "Baidu, token": (200, baidu(110, "Access token invalid or no longer valid"), "Auth", "密钥"),
    "Tencent, signature": (200, tencent("AuthFailure.SignatureFailure", "not validated"), "Auth", "密钥"),
    "Baidu, permission": (200, baidu(6, "No permission to access data"), "Auth", "开通"),
    "SiliconFlow, identity": (
        403,
        {"code": 30011, "message": "complete identity verification"},
        "Auth",
        "实名",
    ),
    "Zhipu, locked account": (401, of("您的账户已被锁定", "1112"), "Auth", "控制台"),
    "one-api, model of a token": (403, of("该令牌无权使用模型：m", kind="one_api_error"), "Auth", "开通"),
    "Moonshot, risk": (
        400,
        of("The request was rejected because it was considered high risk"),
        "Refusal",
        "risk",
    ),
    "OpenAI, policy": (
        400,
        of("potentially violating our usage policy", "invalid_prompt"),
        "Refusal",
        "policy",
    ),
    "Baidu, unsafe": (400, of("invalid", "unsafe_content"), "Refusal", "unsafe"),
    "new-api, words": (400, of("sensitive words detected", "sensitive_words_detected"), "Refusal", "words"),
    "Tencent, rate": (200, tencent("RequestLimitExceeded", "您的请求频率超限"), "RateLimit", "频率"),
    "MiniMax, growth": (200, minimax(2045, "request rate growth limit"), "RateLimit", "growth"),
    "Spark, rate": (200, {"code": 11202, "message": "AppIdQpsOverFlowError"}, "RateLimit", "Qps"),
    "Groq, minutes": (429, of("Please try again in 14m24s."), "RateLimit", "14m24s"),
    "Baidu, messages": (200, baidu(336003, "the length of messages must be an odd number"), "Request", "odd"),
    "one-api, no channel": (503, of("当前分组 default 下对于模型 m 无可用渠道"), "Request", "无可用渠道"),
    "LM Studio, address": (200, {"error": "Unexpected endpoint or method. (POST /x)"}, "Request", "接口地址"),
    "OpenRouter, within a choice": (
        200,
        {"choices": [completion("写到", "error")["choices"][0] | of("Upstream idle timeout", 502)]},
        "Unreachable",
        "idle timeout",
    ),
}


@pytest.mark.parametrize(("status", "body", "kind", "said"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_a_complaint_has_its_kind_and_its_sentence(status: int, body: Any, kind: str, said: str) -> None:
    error = failure(status, body, {})
    assert type(error).__name__ == f"Teacher{kind}Error" and said in str(error), error


def test_a_limit_of_minutes_is_waited_for() -> None:
    assert not failure(429, of("Please try again in 2h0m1s"), {}).retryable
    assert failure(429, of("Please try again in 15 minutes"), {}).retryable
