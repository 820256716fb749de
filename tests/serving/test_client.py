"""The studio's own client against the real server, and against nobody."""

import socket

import pytest

from tests.loopback import LoopbackApi, sends_bytes
from tests.serving.conftest import Server
from tianji_core.errors import InputError, ServerError
from tianji_core.serving import ChatSampling, Message, chat_stream
from tianji_core.serving.client import base_url, model_names

ASK = [Message("user", "祝赵老师生日快乐")]


def test_chunks_carry_text_reason_and_token_counts(server: Server) -> None:
    sampling = ChatSampling(temperature=1, seed=4, max_tokens=20)
    chunks = list(chat_stream(server.url, "red", ASK, sampling))
    text = "".join(chunk.text for chunk in chunks)
    assert text and text == "".join(c.text for c in chat_stream(server.url, "red", ASK, sampling))
    assert [c.finish_reason for c in chunks if c.finish_reason] in (["length"], ["stop"])
    assert chunks[-1].completion_tokens is not None and chunks[-1].prompt_tokens is not None


def test_closing_the_iterator_ends_the_generation(server: Server) -> None:
    stream = chat_stream(server.url, "base", ASK, ChatSampling(temperature=1, max_tokens=220))
    next(stream)
    stream.close()
    server.wait_idle()


def test_the_servers_own_words_reach_the_person(server: Server) -> None:
    with pytest.raises(ServerError, match="没有模型“nobody”，有的是：base"):
        list(chat_stream(server.url, "nobody", ASK, ChatSampling()))
    with pytest.raises(ServerError, match="对话太长"):
        list(chat_stream(server.url, "base", [Message("user", "祝" * 500)], ChatSampling()))


def test_a_server_that_is_not_there_is_said_so() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    with pytest.raises(ServerError, match="连不上"):
        list(chat_stream(url, "base", ASK, ChatSampling()))
    with pytest.raises(ServerError, match="连不上"):
        model_names(url)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            '{"choices": [{"index": 0, "delta": {"content": "祝您"}, "finish_reason": null}]}',
            "答到一半就断开",
        ),
        ('{"choices": [{"index": 0, "del', "读不懂"),
        ('{"choices": [{"index": 0, "delta": "祝您"}]}', "读不懂"),
    ],
)
def test_an_answer_that_breaks_off_or_is_none_is_no_whole_answer(
    api: LoopbackApi, event: str, said: str
) -> None:
    """A killed server may look like one that has said everything."""
    api.script.append(sends_bytes(f"data: {event}\n\n".encode(), "text/event-stream"))
    with pytest.raises(ServerError, match=said):
        list(chat_stream(api.url, "loopback-model", ASK, ChatSampling()))


def test_models_are_listed(server: Server) -> None:
    assert model_names(server.url) == ["base", "red", "blue", "merged"]


@pytest.mark.parametrize(
    ("pasted", "address"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        (" http://127.0.0.1:8000/v1/ ", "http://127.0.0.1:8000/v1"),
        ("https://example.com/api/v3/chat/completions", "https://example.com/api/v3"),
    ],
)
def test_addresses_may_be_pasted_in_any_common_form(pasted: str, address: str) -> None:
    assert base_url(pasted) == address


@pytest.mark.parametrize("pasted", ["", "127.0.0.1:8000", "ftp://example.com", "http://"])
def test_what_is_not_an_address_is_refused(pasted: str) -> None:
    with pytest.raises(InputError, match="服务地址"):
        base_url(pasted)
