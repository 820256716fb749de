"""Every way in which an OpenAI-compatible server can disappoint becomes one clear sentence of the right
kind."""

import json
import logging

import pytest

from tests.loopback import (
    LoopbackApi,
    completion,
    echoes_key,
    fails,
    hangs,
    resets,
    says,
    sends,
    sends_bytes,
    trickles,
)
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
from tianji_core.teachers import (
    ModelEntry,
    Provider,
    Sampling,
    TeacherChoice,
    make_teacher,
    provider,
    save_provider,
    test_connection,
)
from tianji_core.workspace import Workspace

KEY = "sk-abcdef0123456789secret"


@pytest.fixture
def choice(api: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> TeacherChoice:
    monkeypatch.setenv("CUSTOM_API_KEY", KEY)
    return TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=5)


async def failure(workspace: Workspace, choice: TeacherChoice) -> TeacherError:
    with pytest.raises(TeacherError) as caught:
        await ask(workspace, choice)
    return caught.value


async def test_an_answer_carries_text_model_tokens_and_latency(workspace, api, choice):
    api.script.append(says("  大舅生日快乐！\n"))
    answer = await ask(workspace, choice)
    assert (answer.text, answer.model) == ("大舅生日快乐！", "loopback-model")
    assert (answer.prompt_tokens, answer.completion_tokens) == (11, 7)
    assert answer.finish_reason == "stop"
    assert answer.latency > 0


async def test_sampling_travels_as_request_fields_and_not_in_the_message(workspace, api, choice):
    await ask(workspace, choice, Sampling(temperature=0.9, top_p=0.8, max_tokens=50, seed=7))
    sent = api.requests[0]
    assert (sent["temperature"], sent["top_p"], sent["max_tokens"], sent["seed"]) == (0.9, 0.8, 50, 7)
    assert sent["messages"] == [{"role": "user", "content": "给大舅写一句生日祝福"}]


async def test_unset_sampling_is_left_to_the_server(workspace, api, choice):
    await ask(workspace, choice)
    assert set(api.requests[0]) == {"model", "messages"}


async def test_fields_that_a_model_needs_are_added_to_its_requests(workspace, api, monkeypatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    await ask(workspace, TeacherChoice(provider="deepseek", base_url=api.url))
    assert api.requests[0]["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key_names_the_variable_to_set(workspace, api, choice, status):
    api.default = fails(status, "invalid key")
    error = await failure(workspace, choice)
    assert isinstance(error, TeacherAuthError)
    assert "CUSTOM_API_KEY" in str(error)


async def test_an_empty_account_is_not_mistaken_for_a_rate_limit(workspace, api, choice):
    api.default = fails(429, "You exceeded your current quota", code="insufficient_quota")
    assert isinstance(await failure(workspace, choice), TeacherAuthError)


async def test_an_unknown_model_lists_the_ones_there_are(workspace, api, choice):
    api.default = fails(404, "model not found")
    error = await failure(workspace, choice.model_copy(update={"model": "third-model"}))
    assert isinstance(error, TeacherRequestError)
    assert "other-model" in str(error)


async def test_a_bad_parameter_is_fatal_and_says_what_the_server_said(workspace, api, choice):
    api.default = fails(400, "temperature must be below 2")
    error = await failure(workspace, choice)
    assert isinstance(error, TeacherRequestError)
    assert not error.retryable
    assert "temperature must be below 2" in str(error)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "5s"}, 5.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}, 90.0),
        ({"x-ratelimit-remaining-requests": "7", "x-ratelimit-reset-requests": "1m30s"}, None),
    ],
)
async def test_a_rate_limit_keeps_what_the_server_asked_for(workspace, api, choice, headers, expected):
    api.default = fails(429, "slow down", headers)
    error = await failure(workspace, choice)
    assert isinstance(error, TeacherRateLimitError)
    assert error.retryable
    assert error.retry_after == expected


async def test_a_page_in_place_of_an_answer_points_to_the_address(workspace, api, choice):
    api.default = sends(200, "<!DOCTYPE html><html><title>Open WebUI</title></html>")
    error = await failure(workspace, choice)
    assert "网页" in str(error) and "/v1" in str(error) and "Open WebUI" in str(error)


async def test_a_404_for_a_model_that_is_listed_does_not_say_that_it_is_missing(workspace, api, choice):
    api.default = fails(404, "The API deployment for this resource does not exist.")
    error = await failure(workspace, choice)
    assert "有的是" not in str(error) and "deployment" in str(error)


async def test_an_answer_that_breaks_off_is_no_fault_of_the_address(workspace, api, choice):
    def breaks_off(handler, _body):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"choices": [')
        handler.close_connection = True

    api.default = breaks_off
    error = await failure(workspace, choice)
    assert isinstance(error, TeacherUnreachableError) and "没有答完就断开" in str(error)


async def test_a_retry_after_date_becomes_seconds(workspace, api, choice):
    api.default = fails(429, "slow down", {"Retry-After": "Fri, 31 Dec 2049 23:59:59 GMT"})
    error = await failure(workspace, choice)
    assert isinstance(error, TeacherRateLimitError)
    assert error.retry_after is not None and error.retry_after > 3600


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_fault_can_be_retried(workspace, api, choice, status):
    api.default = fails(status)
    error = await failure(workspace, choice)
    assert isinstance(error, TeacherUnreachableError)
    assert error.retryable


async def test_the_sdk_does_not_retry_behind_the_engine(workspace, api, choice):
    api.default = fails(500)
    await failure(workspace, choice)
    assert len(api.requests) == 1


async def test_silence_becomes_a_timeout_with_its_seconds(workspace, api, choice):
    api.default = hangs(3)
    error = await failure(workspace, choice.model_copy(update={"timeout": 0.3}))
    assert isinstance(error, TeacherTimeoutError)
    assert "0.3" in str(error)


async def test_a_reset_connection_is_unreachable(workspace, api, choice):
    api.default = resets
    assert isinstance(await failure(workspace, choice), TeacherUnreachableError)


async def test_nobody_listening_names_the_address(workspace, api, choice):
    api.close()
    error = await failure(workspace, choice)
    assert isinstance(error, TeacherUnreachableError)
    assert api.url in str(error)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(sends(200, '{"choices": [{'), id="broken JSON"),
        pytest.param(sends(200, "<html>proxy</html>"), id="HTML"),
        pytest.param(sends(200, {"choices": []}), id="no choices"),
        pytest.param(sends(200, [1, 2]), id="a list"),
        pytest.param(sends(200, {"choices": [None]}), id="null choice"),
        pytest.param(says(None), id="null content"),
        pytest.param(says("  \n "), id="white space"),
        pytest.param(says("<think>想了很久", "length"), id="only thinking"),
        pytest.param(says("", "length", reasoning_content="想了很久"), id="only reasoning"),
        pytest.param(says({"text": 1}), id="content of a strange shape"),
    ],
)
async def test_an_answer_without_text_can_be_asked_for_again(workspace, api, choice, reply):
    api.default = reply
    error = await failure(workspace, choice)
    assert isinstance(error, TeacherAnswerError)
    assert error.retryable


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(says("写到一半", "content_filter"), id="finish reason"),
        pytest.param(says(None, refusal="I cannot help"), id="refusal field"),
        pytest.param(fails(400, "Output data may be unsafe", code="data_inspection_failed"), id="DashScope"),
        pytest.param(fails(400, "Content Exists Risk"), id="DeepSeek"),
        pytest.param(fails(400, "filtered", code="content_filter"), id="Azure"),
        pytest.param(says(None, "content_filter: PROHIBITED_CONTENT"), id="Gemini"),
        pytest.param(
            sends(200, completion("写到") | {"base_resp": {"status_code": 1027, "status_msg": "output"}}),
            id="MiniMax",
        ),
    ],
)
async def test_a_content_filter_is_a_refusal_that_is_not_retried(workspace, api, choice, reply):
    api.default = reply
    error = await failure(workspace, choice)
    assert isinstance(error, TeacherRefusalError)
    assert not error.retryable


async def test_an_error_object_with_status_200_is_still_an_error(workspace, api, choice):
    api.default = sends(200, {"error": {"message": "upstream busy", "code": 429}})
    assert isinstance(await failure(workspace, choice), TeacherRateLimitError)


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (sends(200, {"base_resp": {"status_code": 1039, "status_msg": "token limit"}}), "RateLimit", "limit"),
        (
            sends(200, {"base_resp": {"status_code": 2013, "status_msg": "invalid params"}}),
            "Request",
            "params",
        ),
        (sends(400, [{"error": {"code": 400, "message": "API key not valid."}}]), "Auth", "CUSTOM_API_KEY"),
        (fails(404, "Your account has not activated the model", code="ModelNotOpen"), "Auth", "开通"),
    ],
    ids=["MiniMax tokens", "MiniMax request", "Gemini key", "Ark"],
)
async def test_an_error_of_a_provider_has_its_kind(workspace, api, choice, reply, kind, said):
    api.default = reply
    error = await failure(workspace, choice)
    assert type(error).__name__ == f"Teacher{kind}Error" and said in str(error)


async def test_a_rate_limit_may_say_in_words_how_long_it_lasts(workspace, api, choice):
    api.default = fails(429, "Quota exceeded. Please retry in 23.4s.")
    error = await failure(workspace, choice)
    assert isinstance(error, TeacherRateLimitError) and error.retry_after == 23.4


async def test_content_in_parts_is_joined(workspace, api, choice):
    api.script.append(
        says([{"type": "text", "text": "生日"}, {"type": "image"}, {"type": "text", "text": "快乐"}])
    )
    assert (await ask(workspace, choice)).text == "生日快乐"


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ("<think>先想</think>\n大舅好", "大舅好", "先想"),
        ("先想</think>大舅好", "大舅好", "先想"),
        ("<thinking>甲</thinking>大舅<think>乙</think>好", "大舅好", "甲\n乙"),
        ("大舅好<think>还没想完", "大舅好", "还没想完"),
    ],
)
async def test_thinking_is_split_off(workspace, api, choice, content, text, reasoning):
    api.script.append(says(content))
    answer = await ask(workspace, choice)
    assert (answer.text, answer.reasoning) == (text, reasoning)


async def test_reasoning_in_a_field_of_its_own_is_kept(workspace, api, choice):
    api.script.append(says("大舅好", reasoning_content="先想想"))
    assert (await ask(workspace, choice)).reasoning == "先想想"


async def test_a_cut_off_answer_keeps_its_finish_reason(workspace, api, choice):
    api.script.append(says("祝大舅生日", "length"))
    assert (await ask(workspace, choice)).finish_reason == "length"


async def test_a_whole_answer_that_does_not_say_it_is_complete_counts_as_cut(workspace, api, choice):
    api.script.append(says("祝大舅生日", None))
    assert (await ask(workspace, choice)).finish_reason == "cut"
    without = completion("祝大舅生日")
    del without["choices"][0]["finish_reason"]
    api.script.append(sends(200, without))
    assert (await ask(workspace, choice)).finish_reason == "cut"
    silent = provider(workspace, choice.provider).model_copy(update={"sends_finish_reason": False})
    save_provider(workspace, silent)
    api.script.append(says("祝大舅生日快乐", None))
    assert (await ask(workspace, choice)).finish_reason == ""


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_a_key_that_the_server_echoes_stays_out_of_errors_logs_and_reprs(
    workspace, api, choice, status, caplog
):
    caplog.set_level(logging.DEBUG)
    api.default = echoes_key(status)
    error = await failure(workspace, choice)
    teacher = make_teacher(workspace, choice)
    shown = str(error) + repr(error) + caplog.text + repr(teacher) + repr(vars(teacher))
    assert error.__cause__ is None
    assert KEY not in shown
    await teacher.aclose()


async def test_testing_a_connection_lists_models(workspace, choice):
    report = await test_connection(workspace, choice)
    assert report.ok
    assert report.models == ["loopback-model", "other-model"]


async def test_testing_a_connection_says_that_the_model_is_unknown(workspace, api, choice):
    api.default = fails(404, "no such model")
    report = await test_connection(workspace, choice.model_copy(update={"model": "typo"}))
    assert not report.ok
    assert "typo" in report.message and "other-model" in report.message


@pytest.mark.parametrize("listed", [["models/x"], ["x:latest"], ["x"], ["something-else"]])
async def test_a_model_that_answers_passes_the_test_however_it_is_listed(workspace, api, choice, listed):
    api.models = listed
    report = await test_connection(workspace, choice.model_copy(update={"model": "x"}))
    assert report.ok and report.models == listed


async def test_a_model_whose_few_tokens_went_into_thinking_passes_the_test(workspace, api, choice):
    api.models, api.default = [], says("<think>想", "length")
    assert (await test_connection(workspace, choice)).ok


async def test_a_connection_is_tested_without_the_name_of_a_model(workspace, api, choice):
    unnamed = choice.model_copy(update={"model": ""})
    report = await test_connection(workspace, unnamed)
    assert report.ok and report.models == ["loopback-model", "other-model"]
    api.models = []
    report = await test_connection(workspace, unnamed)
    assert report.ok and "没有列出模型" in report.message
    assert not api.requests, "a model that has no name is not asked"


async def test_fields_of_a_model_replace_the_usual_ones_and_null_leaves_one_out(workspace, api, choice):
    body = {"max_completion_tokens": 64, "temperature": None}
    lab = Provider(
        key="lab", title="Lab", sdk="openai", base_url=api.url, models=(ModelEntry(name="m", body=body),)
    )
    save_provider(workspace, lab)
    await ask(workspace, TeacherChoice(provider="lab"), Sampling(temperature=1.0, max_tokens=8, seed=1))
    assert set(api.requests[0]) == {"model", "messages", "max_completion_tokens", "seed"}


async def test_a_server_without_a_model_list_is_asked_for_a_few_tokens(workspace, api, choice):
    api.models = []
    report = await test_connection(workspace, choice)
    assert report.ok
    assert api.requests[0]["max_tokens"] == 16


async def test_an_answer_that_streams_unasked_is_put_together(workspace, api, choice):
    chunks = [
        {"id": "r1", "model": "m", "choices": [{"delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"delta": {"content": "<think>想</think>祝您"}}]},
        {"choices": [{"delta": {"content": "安康"}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
    ]
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    api.default = sends(200, stream, {"Content-Type": "text/event-stream"})
    answer = await ask(workspace, choice)
    assert (answer.text, answer.reasoning, answer.finish_reason) == ("祝您安康", "想", "stop")
    assert (answer.prompt_tokens, answer.completion_tokens, answer.model) == (3, 4, "m")


async def test_answers_that_are_streamed_by_turns_are_not_mixed(workspace, api, choice):
    chunks = [
        {"choices": [{"index": 0, "delta": {"content": "祝您"}}]},
        {"choices": [{"index": 1, "delta": {"content": "另一条"}}]},
        {"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]},
        {"choices": [{"index": 0, "delta": {"content": "安康"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 3}}]},
    ]
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    api.default = sends(200, stream, {"Content-Type": "text/event-stream"})
    answer = await ask(workspace, choice)
    assert (answer.text, answer.finish_reason, answer.prompt_tokens) == ("祝您安康", "stop", 3)


async def test_a_stream_is_read_in_the_encoding_that_the_server_names(workspace, api, choice):
    chunk = {"choices": [{"delta": {"content": "祝您安康"}, "finish_reason": "stop"}]}
    stream = f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode("gbk")
    api.default = sends_bytes(stream, "text/event-stream; charset=gbk")
    assert (await ask(workspace, choice)).text == "祝您安康"
    api.default = sends_bytes(stream, "text/event-stream")
    with pytest.raises(TeacherAnswerError):
        await ask(workspace, choice)


async def test_a_whole_answer_that_is_called_a_stream_is_read(workspace, api, choice):
    api.default = sends(200, completion("祝您安康"), {"Content-Type": "text/event-stream"})
    assert (await ask(workspace, choice)).text == "祝您安康"


async def test_a_stream_that_breaks_off_in_a_chunk_is_unreadable(workspace, api, choice):
    api.default = sends(200, 'data: {"choices": [{"del')
    with pytest.raises(TeacherAnswerError):
        await ask(workspace, choice)


async def test_an_answer_in_the_encoding_that_the_server_names_is_read(workspace, api, choice):
    text = json.dumps(completion("祝您安康"), ensure_ascii=False)
    api.default = sends_bytes(text.encode("gb18030"), "application/json; charset=gb18030")
    assert (await ask(workspace, choice)).text == "祝您安康"
    api.default = sends_bytes(text.encode("gb18030"), "application/json; charset=utf-8")
    with pytest.raises(TeacherAnswerError):
        await ask(workspace, choice)


async def test_a_broken_list_of_models_does_not_mean_that_the_model_is_away(workspace, api, choice):
    api.models = None
    report = await test_connection(workspace, choice)
    assert report.ok, report.message


async def test_an_answer_that_comes_byte_by_byte_is_a_timeout(workspace, api, choice):
    api.default = trickles(3)
    with pytest.raises(TeacherTimeoutError):
        await ask(workspace, choice.model_copy(update={"timeout": 0.5}))


async def test_characters_that_no_database_keeps_are_repaired(workspace, api, choice):
    api.script.append(says("大舅\ud800生日\0快乐！"))
    assert (await ask(workspace, choice)).text == "大舅\ufffd生日快乐！"
