"""Answers of other programs' servers, recorded on the wire with head and chunks: LiteLLM's proxy 1.108,
llama.cpp's server and ``transformers serve`` 5.24, each with a tiny model of random weights. Those of
:data:`TOLD`, :data:`NOT_TOLD` and :data:`BUSY` are written by hand in forms that servers document."""

from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Handler, LoopbackApi, Reply
from tests.teachers.asking import ask
from tianji_core import errors
from tianji_core.errors import ServerError, TeacherError, TeacherUnreachableError
from tianji_core.serving.client import ChatSampling, Message, chat_stream
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace

FOLDER = Path(__file__).parents[1] / "data" / "foreign_answers"


def recorded(name: str) -> Reply:
    """Answer with the bytes of a recording, status line and all."""

    def reply(handler: Handler, _body: dict[str, Any]) -> None:
        handler.wfile.write((FOLDER / f"{name}.http").read_bytes())
        handler.close_connection = True

    return reply


@pytest.fixture
def choice(api: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> TeacherChoice:
    monkeypatch.setenv("CUSTOM_API_KEY", "sk-wrong-9999")
    return TeacherChoice(provider="custom", model="gpt-nonsense", base_url=api.url, timeout=20)


REFUSED = {
    "litellm-wrong-key": ("Auth", "不接受这个密钥"),
    "litellm-unknown-model": ("Request", "没有模型“gpt-nonsense”，有的是：loopback-model"),
    "litellm-too-long": ("Request", "请求太长"),
    "litellm-rate-limit": ("RateLimit", "限流"),
    "litellm-no-upstream": ("Unreachable", "HTTP 500"),
    "llamacpp-wrong-key": ("Auth", "不接受这个密钥"),
    "llamacpp-too-long": ("Request", r"请求太长.*512 tokens"),
    "transformers-unknown-model": ("Request", "没有模型“gpt-nonsense”，有的是：loopback-model"),
    "transformers-unknown-field": ("Request", "Unexpected fields"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refusal_is_said_as_what_it_is(
    workspace: Workspace, api: LoopbackApi, choice: TeacherChoice, name: str
) -> None:
    kind, words = REFUSED[name]
    api.script.append(recorded(name))
    with pytest.raises(TeacherError, match=words) as caught:
        await ask(workspace, choice)
    assert isinstance(caught.value, getattr(errors, f"Teacher{kind}Error"))


STREAMED = {
    "llamacpp-cut-stream": None,
    "transformers-cut-stream": (26, 3),
    "llamacpp-stream-usage": (48, 24),
    "litellm-stream-usage": (48, 24),
}


@pytest.mark.parametrize("name", STREAMED)
async def test_a_stream_is_put_together_and_its_end_and_tokens_are_known(
    workspace: Workspace, api: LoopbackApi, choice: TeacherChoice, name: str
) -> None:
    api.script += [recorded(name), recorded(name)]
    answer = await ask(workspace, choice)
    assert answer.text and answer.finish_reason == "length"
    counted = None if answer.prompt_tokens is None else (answer.prompt_tokens, answer.completion_tokens)
    assert counted == STREAMED[name]
    chunks = list(chat_stream(api.url, "tiny", [Message("user", "你好")], ChatSampling()))
    assert "".join(chunk.text for chunk in chunks).strip() == answer.text


CHATS = {
    "litellm-wrong-key": "不接受这个密钥",
    "llamacpp-wrong-key": "不接受这个密钥",
    "litellm-too-long": "对话太长",
    "llamacpp-too-long": "对话太长",
    "litellm-rate-limit": "正忙",
    "litellm-no-upstream": "模型服务出错（HTTP 500）",
}


@pytest.mark.parametrize("name", CHATS)
def test_a_chat_says_why_a_server_does_not_answer(api: LoopbackApi, name: str) -> None:
    api.script.append(recorded(name))
    with pytest.raises(ServerError, match=CHATS[name]):
        list(chat_stream(api.url, "tiny", [Message("user", "你好")], ChatSampling()))


TEXT = "大舅，生日快乐！愿您身体硬朗，天天都有好心情。"
TOLD = (
    "tool-call",
    "tool-call-function",
    "tool-call-stream",
    "older-completion",
    "older-completion-stream",
    "ollama-chat-lines",
    "ollama-chat-whole",
    "ollama-generate-lines",
    "ollama-tool-lines",
)


@pytest.mark.parametrize("name", TOLD)
async def test_a_text_is_found_in_whatever_form_it_comes(
    workspace: Workspace, api: LoopbackApi, choice: TeacherChoice, name: str
) -> None:
    api.script.append(recorded(name))
    answer = await ask(workspace, choice)
    assert (answer.text, answer.finish_reason) == (TEXT, "stop")
    assert (answer.prompt_tokens, answer.completion_tokens) == (31, 22)
    assert ("长辈" in answer.reasoning) == (name == "ollama-chat-lines")


async def test_lines_that_end_at_the_limit_say_so(
    workspace: Workspace, api: LoopbackApi, choice: TeacherChoice
) -> None:
    api.script.append(recorded("ollama-length-lines"))
    answer = await ask(workspace, choice)
    assert answer.text == TEXT[:9] and answer.finish_reason == "length"


NOT_TOLD = {"ollama-broken-lines": "没有说完就断了", "ollama-error-lines": "unexpected EOF"}


@pytest.mark.parametrize("name", NOT_TOLD)
async def test_lines_without_an_end_are_no_answer(
    workspace: Workspace, api: LoopbackApi, choice: TeacherChoice, name: str
) -> None:
    api.script.append(recorded(name))
    with pytest.raises(TeacherError, match=NOT_TOLD[name]) as caught:
        await ask(workspace, choice)
    assert caught.value.retryable


BUSY = {"busy-503": 4, "busy-503-page": 120}


@pytest.mark.parametrize("name", BUSY)
async def test_a_busy_server_says_when_to_come_again(
    workspace: Workspace, api: LoopbackApi, choice: TeacherChoice, name: str
) -> None:
    api.script.append(recorded(name))
    with pytest.raises(TeacherUnreachableError, match="HTTP 503") as caught:
        await ask(workspace, choice)
    assert caught.value.retry_after == BUSY[name]
