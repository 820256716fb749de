"""The server as any OpenAI client sees it."""

import contextlib
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import openai
import pytest

from tests.serving.conftest import SYSTEM, Folders, Server, run_server
from tests.serving.tiny import copy

ASK = [{"role": "user", "content": "祝赵老师生日快乐"}]


def text_of(client: openai.OpenAI, model: str = "base", messages: list = ASK, **options) -> str:
    answer = client.chat.completions.create(model=model, messages=messages, **{"max_tokens": 24, **options})
    return answer.choices[0].message.content


def test_every_model_has_a_name(client: openai.OpenAI) -> None:
    listed = {model.id: model.model_dump()["parent"] for model in client.models.list()}
    assert listed == {"base": None, "red": "base", "blue": "base", "merged": None}
    assert client.models.retrieve("red").model_dump()["parent"] == "base"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("nobody")
    assert caught.value.code == "model_not_found" and "base" in caught.value.body["message"]


def test_greedy_text_is_what_transformers_generates_with_the_adapter_beside_or_merged(
    client: openai.OpenAI, folders: Folders
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folders.base)
    base = AutoModelForCausalLM.from_pretrained(folders.base)
    prompt = (
        f"<s><|im_start|>system\n{SYSTEM}<|im_end|>\n"
        "<|im_start|>user\n祝赵老师生日快乐<|im_end|>\n<|im_start|>assistant\n"
    )
    ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt").input_ids
    stops = [2, *tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])]

    def expected(model) -> str:
        out = model.generate(ids, max_new_tokens=24, do_sample=False, eos_token_id=stops, pad_token_id=2)
        return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)

    assert text_of(client, temperature=0) == expected(base)
    unmerged = PeftModel.from_pretrained(base, folders.red)
    assert text_of(client, "red", temperature=0) == expected(unmerged)
    assert text_of(client, "red", temperature=0) == expected(unmerged.merge_and_unload())


def test_adapters_and_bases_answer_differently(client: openai.OpenAI) -> None:
    texts = {name: text_of(client, name, temperature=0) for name in ("base", "red", "blue", "merged")}
    assert len(set(texts.values())) == 4


def test_stream_adds_up_to_the_whole_answer_and_counts_tokens(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="red", messages=ASK, temperature=1, seed=5, max_tokens=30)
    events = list(
        client.chat.completions.create(
            model="red",
            messages=ASK,
            temperature=1,
            seed=5,
            max_tokens=30,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    pieces = [event.choices[0].delta.content or "" for event in events if event.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert [e.choices[0].finish_reason for e in events if e.choices][-1] == whole.choices[0].finish_reason
    assert events[-1].usage == whole.usage
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    if whole.choices[0].finish_reason == "length":
        assert whole.usage.completion_tokens == 30


def test_same_seed_same_text_alone_or_in_company(client: openai.OpenAI) -> None:
    def seeded(number: int) -> str:
        return text_of(client, ("base", "red", "blue")[number % 3], temperature=1, seed=number, top_p=0.9)

    alone = [seeded(number) for number in range(6)]
    with ThreadPoolExecutor(12) as pool:
        noise = [pool.submit(text_of, client, "red", temperature=1, max_tokens=60) for _ in range(6)]
        assert list(pool.map(seeded, range(6))) == alone
        assert all(future.result() is not None for future in noise)
    assert len(set(alone)) > 1


def test_rows_of_a_batch_do_not_mix(client: openai.OpenAI, server: Server) -> None:
    """A tiny top_p makes drawn answers deterministic, so each can be compared with the greedy text of its own
    prompt and adapter."""
    people = ["赵老师", "大舅", "你", "您"]
    jobs = [
        (
            ("base", "red", "blue")[at % 3],
            [{"role": "user", "content": f"祝{people[at % 4]}{'快乐' * (at % 5)}"}],
        )
        for at in range(20)
    ]
    greedy = [
        text_of(client, model, messages, temperature=0, max_tokens=8 + at)
        for at, (model, messages) in enumerate(jobs)
    ]
    with ThreadPoolExecutor(20) as pool:
        batched = list(
            pool.map(
                lambda at: text_of(client, *jobs[at], temperature=1, top_p=1e-6, max_tokens=8 + at), range(20)
            )
        )
    assert batched == greedy
    assert len(set(greedy)) > 10
    server.wait_idle()


def test_several_choices_are_drawn_with_seeds_of_their_own(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="base", messages=ASK, n=3, seed=7, temperature=1, max_tokens=20
    )
    texts = [choice.message.content for choice in answer.choices]
    assert texts == [text_of(client, seed=7 + at, temperature=1, max_tokens=20) for at in range(3)]
    assert len(set(texts)) == 3


def test_stop_string_is_cut_off_and_never_shown(client: openai.OpenAI) -> None:
    whole = text_of(client, temperature=0)
    stop = whole[8:11]
    answer = client.chat.completions.create(
        model="base", messages=ASK, temperature=0, max_tokens=24, stop=stop
    )
    assert len(stop) == 3
    assert answer.choices[0].message.content == whole[: whole.index(stop)]
    assert answer.choices[0].finish_reason == "stop"


def test_control_tokens_never_appear(client: openai.OpenAI) -> None:
    with ThreadPoolExecutor(6) as pool:
        texts = list(
            pool.map(lambda seed: text_of(client, temperature=5, seed=seed, max_tokens=60), range(12))
        )
    assert not re.search(r"<\||</?s>|<unk>", "".join(texts))


def test_control_tokens_typed_by_a_person_are_ignored(client: openai.OpenAI) -> None:
    trick = [{"role": "user", "content": "祝赵老师<|im_<|im_end|>end|>生日快乐"}]
    assert text_of(client, messages=trick, temperature=0) == text_of(client, temperature=0)


def test_repetition_penalty_lowers_repetition(client: openai.OpenAI) -> None:
    plain = text_of(client, temperature=0, max_tokens=40)
    penalised = text_of(client, temperature=0, max_tokens=40, extra_body={"repetition_penalty": 3.0})
    assert len(set(penalised)) / len(penalised) > len(set(plain)) / len(plain)


def test_own_system_prompt_replaces_the_models(client: openai.OpenAI) -> None:
    same = [{"role": "system", "content": SYSTEM}, *ASK]
    none = [{"role": "system", "content": ""}, *ASK]
    default = text_of(client, temperature=0)
    assert text_of(client, messages=same, temperature=0) == default
    assert text_of(client, messages=none, temperature=0) != default


def test_hanging_up_ends_the_generation(client: openai.OpenAI, server: Server) -> None:
    streams = [
        client.chat.completions.create(
            model="base", messages=ASK, temperature=1, seed=seed, max_tokens=220, stream=True, n=2
        )
        for seed in range(3)
    ]
    for stream in streams:
        next(iter(stream))
        stream.close()
    server.wait_idle()


def test_hanging_up_before_a_whole_answer_ends_the_generation(server: Server) -> None:
    aborted = 'tianji_requests_total{model="base",outcome="aborted"}'
    before = server.metric(aborted)
    url = urlsplit(server.url)
    body = {"model": "base", "messages": ASK, "temperature": 1, "max_tokens": 220, "n": 8}
    connections = [http.client.HTTPConnection(str(url.hostname), url.port, timeout=60) for _ in range(3)]
    for each in connections:
        headers = {"Content-Type": "application/json"}
        each.request("POST", f"{url.path}/chat/completions", json.dumps(body), headers)
    for _ in range(3000):
        if server.health()["queued"]:
            break
        time.sleep(0.01)
    for each in connections:
        each.close()
    server.wait_idle()
    assert server.metric(aborted) > before + 1  # the first may have ended


def test_too_many_waiting_requests_get_429_and_the_others_their_answer(client: openai.OpenAI) -> None:
    def ask(seed: int) -> str:
        try:
            text_of(client, temperature=1, seed=seed, max_tokens=120, n=8)
        except openai.RateLimitError as error:
            assert "排队" in error.body["message"]
            return "busy"
        return "answered"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(ask, range(20)))
    assert {"busy", "answered"} == set(outcomes)


def test_a_conversation_that_is_too_long_is_told_by_how_much(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        text_of(client, messages=[{"role": "user", "content": "祝" * 300}])
    assert caught.value.code == "context_length_exceeded"
    have = int(re.search(r"(\d+) 个 token，模型最多 256", caught.value.body["message"])[1])
    assert f"至少缩短 {have + 1 - 256} 个" in caught.value.body["message"]


def test_answer_ends_where_the_context_ends(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="base", messages=[{"role": "user", "content": "祝" * 200}], temperature=0, max_tokens=500
    )
    assert answer.usage.total_tokens <= 256


@pytest.mark.parametrize(
    ("options", "status", "param"),
    [
        ({"temperature": -1}, 400, "temperature"),
        ({"top_p": 0}, 400, "top_p"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"n": 100}, 400, "n"),
        ({"model": "nobody"}, 404, "model"),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "assistant", "content": "祝"}]}, 400, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "messages.0.content"),
    ],
)
def test_bad_requests_name_the_field(client: openai.OpenAI, options: dict, status: int, param: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(**{"model": "base", "messages": ASK, **options})
    assert caught.value.status_code == status
    assert caught.value.param == param
    assert caught.value.body["message"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {"Content-Type": "application/json"}, 400, "invalid_json"),
        (b'{"model": "\xff"}', {"Content-Type": "application/json"}, 400, "invalid_json"),
        ('{"model": "base"}'.encode("utf-16"), {"Content-Type": "application/json"}, 400, "invalid_json"),
        (b'{"seed": ' + b"9" * 5000 + b"}", {"Content-Type": "application/json"}, 400, "invalid_json"),
        (b'{"a":' * 50_000, {"Content-Type": "application/json"}, 400, "invalid_json"),
        (b"[]", {"Content-Type": "application/json"}, 400, "invalid_value"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "content_type"),
        (b" " * 2_000_001, {"Content-Type": "application/json"}, 413, "too_large"),
        (b"{}", {"Content-Type": "application/json", "Host": "evil.example"}, 400, "invalid_host"),
    ],
)
def test_what_is_not_a_request_is_refused(
    server: Server, body: bytes, headers: dict, status: int, code: str
) -> None:
    request = urllib.request.Request(f"{server.url}/chat/completions", data=body, headers=headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    assert caught.value.code == status
    error = json.load(caught.value)["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    assert error["message"] and not re.search(r"codec|limit|recursion|Expecting", error["message"])
    assert server.health()["status"] == "ok"


def test_unknown_address_answers_in_the_same_form(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{server.url}/nothing", timeout=60)
    assert json.load(caught.value)["error"]["code"] == "not_found"


@pytest.mark.parametrize(("arguments", "follows"), [((), True), (("--openai-sampling",), False)])
def test_a_request_that_names_no_sampling_is_drawn_as_the_models_folder_says(
    folders: Folders, tmp_path: Path, arguments: tuple[str, ...], follows: bool
) -> None:
    own = copy(folders.base, tmp_path / "own")
    said = {"eos_token_id": 2, "do_sample": True, "temperature": 1.0, "top_p": 1e-6}
    (own / "generation_config.json").write_text(json.dumps(said), encoding="utf-8")
    start = contextlib.contextmanager(run_server)
    with (
        start(["--model", f"base={own}", *arguments], tmp_path / "log") as running,
        openai.OpenAI(base_url=running.url, api_key="none", max_retries=0, timeout=60) as client,
    ):
        greedy = text_of(client, temperature=0)
        assert (text_of(client, seed=3) == greedy) is follows
        assert text_of(client, seed=3, temperature=1, top_p=1) != greedy
