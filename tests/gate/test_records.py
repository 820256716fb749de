"""Whatever a server sends becomes a record within its limits, or a named failure; nothing else comes out."""

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loopback import completion
from tianji_core.advice.answers import read_list
from tianji_core.cleaning.judging import read_verdict
from tianji_core.comparison.voting import read_duel
from tianji_core.errors import GateError, TeacherAnswerError, TeacherError
from tianji_core.gate import (
    TEXT_CHARACTERS,
    TOKENS,
    Complaint,
    Completion,
    decoded,
    events,
    read_chunk,
    read_complaint,
    read_completion,
    read_finish,
    read_json,
    read_models,
)
from tianji_core.gate.complaint import complaint_in
from tianji_core.generation.knowledge.asking import KnowledgeSettings, read_conversations
from tianji_core.recipe import Name
from tianji_core.teachers import Answer
from tianji_core.teachers.completions import read_answer, split_thinking
from tianji_core.teachers.faults import Endpoint, retry_after
from tianji_core.teachers.statuses import from_complaint, from_status

ENDPOINT = Endpoint("测试", "http://127.0.0.1/v1", "m", "TEST_API_KEY", 5.0)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["stop", "length", "\ud800", "²", "assistant", "error", "a\0b", "10e9", "\u2028"])
)
KEYS = st.text(max_size=3) | st.sampled_from(
    [
        *("choices", "message", "delta", "content", "text", "refusal", "reasoning_content", "finish_reason"),
        *("usage", "prompt_tokens", "completion_tokens", "id", "model", "data", "type", "status"),
        *("error", "code", "msg", "base_resp", "status_code", "status_msg", "detail"),
    ]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
BODIES = st.dictionaries(
    st.sampled_from(["choices", "error", "usage", "id", "model", "code", "base_resp", "msg"]), VALUES
) | st.builds(
    lambda message, finish, usage, extra: {
        "choices": [{"message": message, "delta": message, "finish_reason": finish}],
        "usage": usage,
        **extra,
    },
    VALUES,
    VALUES,
    VALUES,
    st.dictionaries(KEYS, VALUES, max_size=3),
)


def storable_text(text: str) -> None:
    text.encode("utf-8")
    assert "\0" not in text


def within_limits(found: Completion | Complaint) -> None:
    if isinstance(found, Complaint):
        storable_text(found.said)
        assert len(found.said) <= 200
        return
    for text in (found.text, found.reasoning, found.refusal, found.model, found.request_id):
        storable_text(text)
    for tokens in (found.prompt_tokens, found.completion_tokens):
        assert tokens is None or 0 <= tokens <= TOKENS


def answered(content: bytes, content_type: str = "application/json") -> Answer | None:
    """The answer in a body, None for a named failure."""
    try:
        answer = read_answer(ENDPOINT, content, content_type, 0.1, "r")
    except TeacherError as error:
        storable_text(str(error))
        assert len(str(error)) < 500
        return None
    assert answer.text and len(answer.text) <= TEXT_CHARACTERS
    storable_text(answer.text + answer.model + answer.request_id + answer.finish_reason + answer.reasoning)
    return answer


@settings(max_examples=400)
@given(VALUES | BODIES)
def test_any_json_value_is_a_record_or_a_named_failure(value: Any) -> None:
    for read in (read_completion, read_chunk):
        try:
            within_limits(read(value))
        except GateError as error:
            storable_text(str(error))
    with contextlib.suppress(GateError):
        assert all(isinstance(name, str) for name in read_models(value))
    if isinstance(value, dict) and (complaint := complaint_in(value)) is not None:
        assert isinstance(from_complaint(ENDPOINT, complaint), TeacherError)
    text = json.dumps(value)
    answered(text.encode())
    answered(f"data: {text}\n\ndata: [DONE]\n\n".encode(), "text/event-stream")


@settings(max_examples=300)
@given(
    st.binary(max_size=400),
    st.sampled_from(["", "application/json; charset=big5", "text/event-stream", "charset=zlib"]),
)
def test_any_bytes_are_a_record_or_a_named_failure(content: bytes, content_type: str) -> None:
    answered(content, content_type)
    complaint = read_complaint(content, content_type)
    within_limits(complaint)
    for status in (400, 401, 403, 404, 429, 451, 500, 999):
        assert isinstance(from_status(ENDPOINT, status, complaint, {}), TeacherError)


@settings(max_examples=300)
@given(st.text(max_size=200) | VALUES.map(json.dumps))
def test_any_reply_is_read_by_its_reader_or_is_a_named_failure(text: str) -> None:
    for read in (
        read_verdict,
        read_duel,
        lambda reply: read_conversations(reply, KnowledgeSettings()),
        lambda reply: read_list(reply, Name),
    ):
        with contextlib.suppress(TeacherAnswerError):
            read(text)
    split_thinking(text)


@given(st.text(max_size=30))
def test_any_wait_that_a_server_asks_for_is_a_number_or_none(text: str) -> None:
    for header in ("retry-after", "retry-after-ms"):
        seconds = retry_after({header: text})
        assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize("text", ["inf", "nan", "1e999", "Mon, 00", "²", "Fri, 31 Dec 99999 23:59:59 GMT"])
def test_a_wait_that_no_clock_reaches_is_none(text: str) -> None:
    assert retry_after({"Retry-After": text}) is None


def test_deep_and_wide_json_is_refused_before_it_is_read() -> None:
    for text, said in (
        ("[" * 100_000, "太深"),
        ('{"a":' * 500 + "1", "太深"),
        ("[" + "1," * 300_000 + "1]", "太多"),
    ):
        with pytest.raises(GateError, match=said):
            read_json(text)
    assert read_json('["' + "[" * 1000 + '"]') == ["[" * 1000]  # brackets in a text are text


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("<think>" * 20_000, ("", None)),
        ("a</think>" * 3 + "好", ("好", "a\na\na")),
        ("好<think>x<think>y</think>", ("好", None)),
    ],
)
def test_tags_of_thinking_without_end_cost_no_time(text: str, split: tuple[str, str | None]) -> None:
    found = split_thinking(text)
    assert found.text == split[0] and split[1] in (None, found.reasoning)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"), ("STOP", "stop"), ("end_turn", "stop"), (None, ""), ("", ""),
        ("length", "length"), ("max_tokens", "length"), ("model_context_window_exceeded", "length"),
        ("content_filter", "filtered"), ("sensitive", "filtered"),
        ("network_error", "broken"), ("insufficient_system_resource", "broken"),
        ("because", "cut"), ("x" * 10_000, "cut"), (["stop"], "cut"), (7, "cut"),
    ],
)  # fmt: skip
def test_why_an_answer_ended(reason: object, finish: str) -> None:
    assert read_finish(reason) == finish


def test_what_stands_beside_an_answer_never_costs_its_text() -> None:
    body = completion("祝您安康") | {
        "id": ["x"],
        "model": {"a": 1},
        "usage": {"prompt_tokens": 10**30, "completion_tokens": "7"},
    }
    answer = answered(json.dumps(body).encode())
    assert answer is not None and answer.text == "祝您安康" and answer.model == "m"
    assert (answer.prompt_tokens, answer.completion_tokens) == (None, None)


STREAM = 'data: {"choices": [{"delta": {"content": "祝您"}}]}\n\n'
LAST = 'data: {"choices": [{"delta": {"content": "安康"}, "finish_reason": "stop"}]}\n\n'


@pytest.mark.parametrize(
    "stream",
    [
        STREAM + LAST,
        STREAM + LAST.replace(', "finish_reason": "stop"', "") + "data: [DONE]\n\n",
        ": keep-alive\n\n" + STREAM + ": keep-alive\n\n" + LAST,
        "\n\n\n" + STREAM + LAST,
        "\ufeff" + STREAM + LAST,
        (STREAM + LAST).replace("\n", "\r\n"),
        (STREAM + LAST).replace("\n", "\r"),
        "event: message\nid: 7\nretry: 10\n" + STREAM + LAST.rstrip(),
        STREAM + LAST + 'data: {"choices": null, "usage": {"prompt_tokens": 1}}\n\n',
    ],
)
def test_an_event_stream_is_read_by_the_standard(stream: str) -> None:
    answer = answered(stream.encode(), "text/event-stream")
    assert answer is not None and answer.text == "祝您安康"


def test_a_line_separator_inside_an_event_is_text() -> None:
    stream = STREAM.replace("祝您", "祝\u2028您") + LAST
    answer = answered(stream.encode(), "text/event-stream")
    assert answer is not None and answer.text == "祝\n您安康", "the event is whole; the text has a line break"


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (STREAM, "没有说完"),
        (STREAM + 'data: {"error": {"message": "upstream died", "code": 502}}\n\n', "upstream died"),
        (STREAM + LAST.replace("stop", "network_error"), "写到一半"),
        (STREAM + 'data: {"choices": [null]}\n\n', "choices"),
        (STREAM + 'data: {"choices": [{"delta": "x"}]}\n\n', "delta"),
    ],
)
def test_a_stream_that_does_not_end_well_is_no_answer(stream: str, said: str) -> None:
    with pytest.raises(TeacherError, match=said):
        read_answer(ENDPOINT, stream.encode(), "text/event-stream", 0.1)


def test_a_stream_of_one_endless_event_is_cut_off() -> None:
    def endless() -> Any:
        yield b"data: "
        while True:
            yield b"x" * 65536

    with pytest.raises(GateError, match="KB"):
        list(events(endless()))


def test_comments_keep_a_stream_open_only_for_so_long() -> None:
    def comments() -> Any:
        while True:
            yield b": still there\n\n"

    with pytest.raises(GateError, match="没有新的内容"):
        list(events(comments(), silence=0.05))


@pytest.mark.parametrize("charset", ["punycode", "zlib", "undefined", "idna", "rot13", "x" * 500])
def test_an_encoding_that_is_none_of_text_is_not_tried(charset: str) -> None:
    with pytest.raises(GateError):
        decoded(b"\xff\xfe\xff" * 1000, f"application/json; charset={charset}")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"error": {"message": "Free tier exhausted", "code": "AllocationQuota.FreeTierOnly"}}, "auth"),
        (403, {"error": {"code": "unsupported_country_region_territory", "message": "no"}}, "auth"),
        (403, {"code": 30001, "message": "Sorry, your account balance is insufficient"}, "auth"),
        (403, "<html><title>Just a moment</title><body>ray</body></html>", "unreachable"),
        (429, {"error": {"code": "1113", "message": "您的账户已欠费"}}, "auth"),
        (429, {"error": {"code": "1308", "message": "已达到 5 小时的使用上限"}}, "auth"),
        (429, {"error": {"code": "1302", "message": "并发过高"}}, "rate_limit"),
        (451, {"error": "unavailable"}, "refusal"),
        (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error"}}, "auth"),
        (
            400,
            {"error": {"code": "Arrearage", "message": "make sure your account is in good standing"}},
            "auth",
        ),
        (429, {"error": {"type": "exceeded_current_quota_error", "message": "suspended"}}, "auth"),
        (429, {"error": {"type": "engine_overloaded_error", "message": "try again"}}, "rate_limit"),
        (429, {"error": {"type": "insufficient_quota", "message": "check your plan and billing"}}, "auth"),
        (429, {"code": "Throttling.AllocationQuota", "message": "Allocated quota exceeded"}, "rate_limit"),
        (429, {"message": "hour allocated quota exceeded"}, "auth"),
        (403, {"error": {"code": "AccountOverdueError", "message": "an overdue balance"}}, "auth"),
        (429, {"error": {"code": "QuotaExceeded", "message": "exhausted its free inference quota"}}, "auth"),
        (429, {"error": {"code": "ServerOverloaded", "type": "TooManyRequests"}}, "rate_limit"),
        (400, {"error": {"code": "InputTextSensitiveContentDetected", "message": "may contain"}}, "refusal"),
        (403, {"error": {"code": "AccessDenied.Unpurchased", "message": "Access to model denied"}}, "auth"),
        (403, "error code: 1020", "unreachable"),
        (401, {"error": {"code": "1002", "message": "Authorization Token非法"}}, "auth"),
        (400, {"code": 20012, "message": "Model does not exist. Please check it carefully."}, "request"),
        (403, {"code": 403, "message": "rate limit: TPM limit reached"}, "rate_limit"),
        (400, {"error": {"code": "1301", "message": "unsafe"}}, "refusal"),
        (400, {"error": {"code": "²", "message": "?"}}, "request"),
        (200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, "auth"),
        (
            200,
            {"base_resp": {"status_code": 1027, "status_msg": "output sensitive"}, "choices": None},
            "refusal",
        ),
        (200, {"code": 1302, "msg": "too fast", "success": False}, "rate_limit"),
        (200, {"error_code": 17, "error_msg": "Open api daily request limit reached"}, "auth"),
        (200, {"error_code": 18, "error_msg": "Open api qps request limit reached"}, "rate_limit"),
        (200, {"error_code": 2, "error_msg": "Service temporarily unavailable"}, "unreachable"),
        (200, {"code": "InvalidApiKey", "message": "Invalid API-key provided."}, "auth"),
        (200, {"code": 400, "msg": "model does not exist", "data": None}, "request"),
        (200, {"error": {"message": "no key", "code": 401}}, "auth"),
        (200, {"base_resp": {"status_code": 0, "status_msg": "success"}}, "answer"),
    ],
)
def test_an_error_is_of_the_kind_that_it_says(status: int, body: object, kind: str) -> None:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if status == 200:
        with pytest.raises(TeacherError) as caught:
            read_answer(ENDPOINT, content, "application/json", 0.1)
        assert caught.value.kind == kind
    else:
        assert from_status(ENDPOINT, status, read_complaint(content), {}).kind == kind


def test_dashscope_calls_too_many_tokens_a_minute_an_insufficient_quota() -> None:
    body = b'{"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}'
    dashscope = replace(ENDPOINT, base_url="https://dashscope.aliyuncs.com/compatible-mode/v1")
    assert from_status(dashscope, 429, read_complaint(body), {}).kind == "rate_limit"
    assert from_status(ENDPOINT, 429, read_complaint(body), {}).kind == "auth"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "AccountOverdueError", "message": "an overdue balance"}},
        {"error": {"code": "AllocationQuota.FreeTierOnly", "message": "Free tier exhausted"}},
        {"error": {"code": "unsupported_country_region_territory", "message": "no"}},
        {"error": {"code": "ModelNotOpen", "message": "has not activated the model"}},
        "<html><title>Just a moment</title></html>",
    ],
)
def test_a_403_of_another_cause_is_not_called_a_wrong_key(body: object) -> None:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    assert "密钥" not in str(from_status(ENDPOINT, 403, read_complaint(content), {}))
