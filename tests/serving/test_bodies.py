"""Whatever a request's body is, the answer is an answer or a refusal in OpenAI's form, never a fault."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from tests.serving.conftest import Server

JSON = {"Content-Type": "application/json"}
ROUTES = ("chat/completions", "completions", "load_lora_adapter", "unload_lora_adapter")

numbers = st.one_of(
    st.integers(-5, 300),
    st.integers(),
    st.floats(),
    st.sampled_from([10**30, -(2**63), 2**63, 1e308, -1e308, 1e-308, 0.5, 0, 1, -1]),
)
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
texts = st.text(alphabet=st.characters(codec=None), max_size=20) | st.sampled_from(
    ["", "祝", "<|im_end|>", "<|im_start|>system", "\ud800", "\0", "祝" * 5000, "{{7*7}}"]
)
parts = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["text", "image_url"]), "text": texts}), max_size=3
)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "user", "system", "assistant", "developer", "tool", "owner"])},
    optional={
        "content": st.sampled_from(["祝大舅", "祝您", None]) | texts | parts | anything,
        "tool_calls": st.none() | anything,
        "name": anything,
        "refusal": st.none(),
    },
)
USUAL: dict[str, list[Any]] = {
    "temperature": [0, 0.3, 1, 2.0],
    "top_p": [0.1, 0.9, 1],
    "top_k": [-1, 0, 1, 20, 10**6],
    "min_p": [0, 0.05, 1],
    "n": [1, 2, 8],
    "seed": [0, 7, -(2**63), 2**63 - 1],
    "stop": ["祝", ["祝", "您"], []],
    "presence_penalty": [-2, 0.5, 2],
    "frequency_penalty": [-2, 0.5, 2],
    "repetition_penalty": [0.01, 1.2, 5],
    "logit_bias": [{"5": 100, "9": -100}, {}],
    "stream": [True, False],
    "stream_options": [{"include_usage": True}, None],
    "user": ["a", {"id": 1}],
    "max_tokens": [1, 2, 3],
}
OF_CHATS: dict[str, list[Any]] = {
    **USUAL,
    "logprobs": [True, False],
    "top_logprobs": [0, 20],
    "response_format": [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}},
    ],
    "tools": [[], [{"type": "function"}]],
    "tool_choice": ["none", "auto"],
    "max_completion_tokens": [1, 2, 3],
}
OF_COMPLETIONS: dict[str, list[Any]] = {
    **USUAL,
    "logprobs": [0, 5],
    "echo": [True, False],
    "best_of": [1, 2],
    "suffix": ["", "祝"],
}


@st.composite
def requests(draw: st.DrawFn, required: dict[str, Any], known: dict[str, list[Any]]) -> dict[str, Any]:
    """A request with a few options, most of them as people write them, some as nobody does."""
    names = draw(st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True))
    body = {name: draw(value) for name, value in required.items()}
    for name in names:
        strange = draw(st.integers(0, 3)) == 0
        body[name] = draw(numbers | texts | anything if strange else st.sampled_from(known[name]))
    return body


polite = st.just([{"role": "user", "content": "祝大舅"}])
chats = requests(
    {
        "model": st.sampled_from(["base", "red", "blue", "nobody"]),
        "messages": polite | polite | st.lists(messages, max_size=3),
    },
    OF_CHATS,
)
prompts = texts | st.lists(texts, max_size=3) | st.lists(st.integers(-1, 90), max_size=5) | anything
completions = requests(
    {
        "model": st.sampled_from(["base", "blue", "nobody"]),
        "prompt": st.sampled_from(["祝大舅", [5, 9]]) | prompts,
    },
    OF_COMPLETIONS,
)
adapters = st.fixed_dictionaries(
    {},
    optional={"lora_name": texts | anything, "lora_path": texts | anything, "base_model": texts | anything},
)
bodies = st.one_of(
    st.tuples(st.just("chat/completions"), chats),
    st.tuples(st.just("completions"), completions),
    st.tuples(st.sampled_from(["load_lora_adapter", "unload_lora_adapter"]), adapters),
    st.tuples(st.sampled_from(ROUTES), anything),
)


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as made:
        yield made


def check(answer: httpx.Response) -> None:
    """An answer of a known form, or a refusal whose error has all of OpenAI's keys."""
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text
    if answer.status_code == 200:
        if answer.headers["content-type"].startswith("text/event-stream"):
            assert answer.text.endswith("data: [DONE]\n\n") and '"error"' not in answer.text
        return
    error = answer.json()["error"]
    assert {"message", "type", "param", "code"} == set(error)
    assert isinstance(error["message"], str) and 0 < len(error["message"]) < 2000
    assert error["type"] and error["code"]
    assert error["param"] is None or len(error["param"]) <= 200


ASK = [{"role": "user", "content": "祝"}]


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(bodies)
@example(("chat/completions", {"model": "base", "messages": ASK, "temperature": float("nan")}))
@example(("chat/completions", {"model": "base", "messages": ASK, "temperature": float("inf")}))
@example(("chat/completions", {"model": "base", "messages": ASK, "temperature": 1e-320, "max_tokens": 2}))
@example(("chat/completions", {"model": "base", "messages": ASK, "repetition_penalty": 1e-300}))
@example(("chat/completions", {"model": "base", "messages": ASK, "top_p": 1e-300, "max_tokens": 2}))
@example(("chat/completions", {"model": "base", "messages": ASK, "min_p": 1, "max_tokens": 2}))
@example(("chat/completions", {"model": "base", "messages": ASK, "top_k": 10**9, "max_tokens": 2}))
@example(("chat/completions", {"model": "base", "messages": ASK, "seed": 10**4000}))
@example(("chat/completions", {"model": "base", "messages": ASK, "logit_bias": {"9" * 4000: 1}}))
@example(("chat/completions", {"model": "x" * 100_000, "messages": ASK}))
@example(("chat/completions", {"model": "base", "messages": ASK, "x" * 100_000: 1}))
@example(("chat/completions", {"model": "base", "messages": [{"role": "user", "content": "\ud800"}]}))
@example(("chat/completions", {"model": "base", "messages": ASK, "response_format": {"\udfff": 1}}))
@example(("completions", {"model": "base", "prompt": ["\ud800祝"], "max_tokens": 1}))
@example(("load_lora_adapter", {"lora_name": "x", "lora_path": "\ud800"}))
@example(("load_lora_adapter", {"lora_name": "x", "lora_path": "x" * 5000, "base_model": "base"}))
def test_any_body_is_answered_or_refused(http: httpx.Client, body: tuple[str, Any]) -> None:
    path, value = body
    tokens = (
        [value.get(name, 1) for name in ("max_tokens", "max_completion_tokens")]
        if isinstance(value, dict)
        else []
    )
    assume(not any(isinstance(count, int | float) and count > 40 for count in tokens))
    answer = http.post(f"/{path}", content=json.dumps(value), headers=JSON)
    event(f"{path} {answer.status_code}")
    check(answer)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ROUTES), st.binary(max_size=60))
@example("chat/completions", b"[" * 100_000)
@example("chat/completions", b'{"a":' * 50_000)
@example("chat/completions", b'{"messages": ' + b"[" * 900 + b"]" * 900 + b"}")
@example("chat/completions", b"9" * 10_000)
@example("chat/completions", b'"\\ud800"')
@example("completions", b"\xef\xbb\xbf{}")
@example("completions", '{"model": "base"}'.encode("utf-16"))
@example("load_lora_adapter", b"NaN")
def test_any_bytes_are_refused(http: httpx.Client, path: str, body: bytes) -> None:
    answer = http.post(f"/{path}", content=body, headers=JSON)
    assert 400 <= answer.status_code < 500
    check(answer)


@pytest.mark.parametrize("size", [2_000_001, 10_000_000, 30_000_000])
def test_a_body_that_is_too_large_is_refused_without_being_kept(http: httpx.Client, size: int) -> None:
    try:
        answer = http.post("/completions", content=b" " * size, headers=JSON)
    except httpx.WriteError:
        assert size > 20_000_000  # the server hangs up on who goes on sending
        return
    assert answer.status_code == 413
    check(answer)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["chat/completions", "embeddings", "models/nobody", "%ff%fe", "../etc"])
def test_other_methods_and_addresses_are_refused_in_the_same_form(
    http: httpx.Client, method: str, path: str
) -> None:
    answer = http.request(method, f"/{path}")
    assert 400 <= answer.status_code < 500
    check(answer)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "工具"),
        ({"tool_choice": "auto"}, "工具"),
        ({"functions": [{"name": "f"}]}, "工具"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "只写文字"),
        ({"modalities": ["text", "audio"]}, "只能是"),
        ({"web_search_options": {}}, "只写文字"),
        ({"best_of": 2}, "不认识的键"),
        ({"guided_json": {}}, "不认识的键"),
        ({"chat_template_kwargs": {"enable_thinking": True}}, "不带思考"),
        ({"chat_template_kwargs": {"date_string": "today"}}, "不带思考"),
        ({"messages": [*ASK, {"role": "tool", "content": "1", "tool_call_id": "a"}]}, "工具"),
        (
            {"messages": [*ASK, {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]}, *ASK]},
            "工具",
        ),
        ({"messages": [{"role": "user", "content": None}]}, "null"),
        ({"messages": [{"role": "user"}]}, "没有填"),
        ({"top_logprobs": 3}, "logprobs"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_its_name(
    http: httpx.Client, options: dict, expected: str
) -> None:
    answer = http.post("/chat/completions", json={"model": "base", "messages": ASK, **options})
    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert expected in message
    assert next(iter(options)).partition("_")[0] in message


@pytest.mark.parametrize(
    "options",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "none"},
        {"tools": [], "tool_choice": None, "functions": None, "response_format": {"type": "text"}},
        {"user": "u", "metadata": {}, "store": False, "service_tier": "auto", "safety_identifier": "s"},
        {"reasoning_effort": "low", "verbosity": "low", "prediction": None, "parallel_tool_calls": True},
        {"chat_template_kwargs": {"enable_thinking": False}},
        {"modalities": ["text"], "prompt_cache_key": "k", "top_k": -1, "min_p": 0, "n": None, "stop": None},
        {
            "messages": [
                {"role": "developer", "content": [{"type": "text", "text": "送祝福"}]},
                {"role": "user", "content": "祝", "name": "a"},
                {"role": "assistant", "content": None, "refusal": None, "tool_calls": None, "audio": None},
                {"role": "user", "content": [{"type": "text", "text": "祝"}, {"type": "text", "text": "您"}]},
            ]
        },
    ],
)
def test_what_makes_no_difference_is_accepted(http: httpx.Client, options: dict) -> None:
    body = {"model": "base", "messages": ASK, "max_tokens": 2, **options}
    answer = http.post("/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
