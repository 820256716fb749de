"""The clients that people use work as they are: LangChain, LiteLLM, Open WebUI, curl. OpenAI's own is used
throughout the other files."""

import asyncio
import json
import shutil
import subprocess
from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel, Field

from tests.serving.conftest import Server
from tests.serving.test_json_answers import json_server  # noqa: F401
from tests.serving.test_server import ASK, text_of

ASKED = ASK[0]["content"]
KEY = "sk-anything"


def langchain(server: Server, model: str = "red", **options: Any) -> ChatOpenAI:
    return ChatOpenAI(
        base_url=server.url, api_key=KEY, model=model, max_retries=0, **{"max_tokens": 20, **options}
    )


def test_langchain_asks_streams_and_counts(server: Server, client: openai.OpenAI) -> None:
    expected = text_of(client, "red", temperature=0, max_tokens=20)
    model = langchain(server, temperature=0)
    answer = model.invoke(ASKED)
    assert answer.content == expected
    assert answer.usage_metadata["output_tokens"] == 20
    assert answer.response_metadata["model_name"] == "red"
    chunks = list(model.stream([("system", "送祝福"), ("human", ASKED)], stream_usage=True))
    assert "".join(str(chunk.content) for chunk in chunks) == expected
    assert sum(chunk.usage_metadata["output_tokens"] for chunk in chunks if chunk.usage_metadata) == 20


def test_langchain_asks_for_many_at_once_in_a_chain(server: Server, client: openai.OpenAI) -> None:
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    template = ChatPromptTemplate.from_messages([("system", "送祝福"), ("human", "祝{name}生日快乐")])
    chain = template | langchain(server, temperature=0, stop=["福"]) | StrOutputParser()
    names = ["赵老师", "大舅", "您"]
    texts = asyncio.run(chain.abatch([{"name": name} for name in names]))
    expected = [
        text_of(
            client,
            "red",
            [{"role": "user", "content": f"祝{name}生日快乐"}],
            temperature=0,
            max_tokens=20,
            stop="福",
        )
        for name in names
    ]
    assert texts == expected


def test_langchain_gets_an_object(json_server: Server) -> None:  # noqa: F811
    class Wish(BaseModel):
        name: str = Field(max_length=5)
        lucky: bool

    model = langchain(json_server, "base", max_tokens=200, seed=1)
    wish = model.with_structured_output(Wish, method="json_schema").invoke(ASKED)
    assert isinstance(wish, Wish)


def test_langchain_with_log_probabilities_and_options_of_its_own(server: Server) -> None:
    model = langchain(
        server,
        n=2,
        seed=3,
        top_p=0.9,
        presence_penalty=0.5,
        frequency_penalty=0.5,
        logprobs=True,
        top_logprobs=2,
        logit_bias={9: -100},
        extra_body={"top_k": 20, "min_p": 0.01, "repetition_penalty": 1.1},
    )
    answers = model.generate([[HumanMessage(ASKED)]]).generations[0]
    assert len({answer.text for answer in answers}) == 2
    assert len(model.invoke(ASKED).response_metadata["logprobs"]["content"]) > 0


def test_langchain_continues_a_text(server: Server, client: openai.OpenAI) -> None:
    expected = client.completions.create(model="base", prompt=ASKED, temperature=0, max_tokens=10)
    model = OpenAI(base_url=server.url, api_key=KEY, model="base", temperature=0, max_tokens=10)
    assert model.invoke(ASKED) == expected.choices[0].text == "".join(model.stream(ASKED))


def test_langchain_with_tools_hears_why_not(server: Server) -> None:
    def weather(city: str) -> str:
        """Says the weather."""
        return city

    with pytest.raises(openai.BadRequestError, match="不会调用工具"):
        langchain(server).bind_tools([weather]).invoke(ASKED)


@pytest.fixture
def litellm(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # asks nobody for prices
    import litellm as made

    return made


def test_litellm_asks_streams_and_continues(litellm: Any, server: Server, client: openai.OpenAI) -> None:
    expected = text_of(client, "red", temperature=0, max_tokens=20)
    options = {
        "model": "openai/red",
        "api_base": server.url,
        "api_key": KEY,
        "messages": ASK,
        "temperature": 0,
        "max_tokens": 20,
        "num_retries": 0,
    }
    answer = litellm.completion(**options)
    assert answer.choices[0].message.content == expected and answer.usage.completion_tokens == 20
    events = list(litellm.completion(**options, stream=True, stream_options={"include_usage": True}))
    assert "".join(event.choices[0].delta.content or "" for event in events if event.choices) == expected
    assert any(getattr(event, "usage", None) for event in events)
    later = [*ASK, answer.choices[0].message, {"role": "user", "content": "再来"}]  # as LiteLLM keeps it
    assert litellm.completion(**{**options, "messages": later}).choices[0].message.content
    whole = litellm.text_completion(
        model="text-completion-openai/base",
        prompt=ASKED,
        api_base=server.url,
        api_key=KEY,
        max_tokens=10,
        temperature=0,
    )
    assert (
        whole.choices[0].text
        == client.completions.create(model="base", prompt=ASKED, max_tokens=10, temperature=0).choices[0].text
    )
    with pytest.raises(litellm.BadRequestError, match="不会调用工具"):
        litellm.completion(
            **options, tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}]
        )


OPEN_WEBUI = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}


def test_open_webui_lists_asks_and_names_the_chat(server: Server, client: openai.OpenAI) -> None:
    """The requests that it sends: the list of models; a chat with the parameters of its settings; the title
    of a chat, not streamed."""
    with httpx.Client(base_url=server.url, headers=OPEN_WEBUI, timeout=60) as http:
        models = http.get("/models").json()
        assert models["object"] == "list" and {"id", "object", "created", "owned_by"} <= set(
            models["data"][0]
        )
        chat = {
            "stream": True,
            "model": "red",
            "messages": [
                {"role": "system", "content": "送祝福"},
                {"role": "user", "content": [{"type": "text", "text": ASKED}]},
            ],
            "stream_options": {"include_usage": True},
            "temperature": 0,
            "top_p": 0.9,
            "top_k": 40,
            "min_p": 0.0,
            "max_tokens": 20,
            "frequency_penalty": 0.0,
            "presence_penalty": 0.0,
            "repetition_penalty": 1.0,
            "reasoning_effort": "medium",
            "seed": 42,
            "stop": ["\n\n"],
            "logit_bias": {"5": 0},
            "user": {"name": "a", "id": "1", "email": "a@example.com", "role": "admin"},
        }
        with http.stream("POST", "/chat/completions", json=chat) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
        assert lines[-1] == "[DONE]"
        events = [json.loads(line) for line in lines[:-1]]
        deltas = [choice["delta"] for event in events for choice in event["choices"]]
        expected = text_of(client, "red", temperature=0, max_tokens=20)
        assert "".join(delta.get("content") or "" for delta in deltas) == expected
        assert events[-1]["usage"]["completion_tokens"] == 20 and events[-1]["choices"] == []
        title = http.post(
            "/chat/completions",
            json={
                "model": "red",
                "messages": [{"role": "user", "content": "### Task:\nGenerate a title\n" + ASKED}],
                "stream": False,
                "max_completion_tokens": 20,
            },
        )
        assert title.json()["choices"][0]["message"]["content"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_asks_whole_and_streamed(server: Server, client: openai.OpenAI) -> None:
    def curl(*arguments: str) -> str:
        call = ["curl", "--silent", "--show-error", "--noproxy", "*", *arguments]
        return subprocess.run(call, capture_output=True, text=True, timeout=60, check=True).stdout

    body = {"model": "red", "messages": ASK, "temperature": 0, "max_tokens": 20}
    send = ("-H", "Content-Type: application/json", "-H", f"Authorization: Bearer {KEY}", "--data-binary")
    address = f"{server.url}/chat/completions"
    expected = text_of(client, "red", temperature=0, max_tokens=20)
    whole = json.loads(curl(address, *send, json.dumps(body)))
    assert whole["choices"][0]["message"]["content"] == expected
    streamed = curl("--no-buffer", address, *send, json.dumps({**body, "stream": True}))
    events = [json.loads(line[6:]) for line in streamed.splitlines() if line.startswith("data: {")]
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert text == expected and streamed.endswith("data: [DONE]\n\n")
    assert json.loads(curl(f"{server.url}/models/red"))["id"] == "red"
    assert json.loads(curl(address, *send, "{"))["error"]["code"] == "invalid_json"
    # As people first try it: curl then sends a form, and is told what to write.
    forgotten = json.loads(curl(address, "--data-binary", json.dumps(body)))
    assert "Content-Type" in forgotten["error"]["message"]
