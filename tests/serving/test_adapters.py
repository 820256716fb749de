"""Adapters that come and go while the server answers, the key, the figures, and many clients at once."""

import asyncio
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest

from tests.serving.conftest import Folders, Server, run_server
from tests.serving.test_server import ASK, text_of
from tests.serving.tiny import make_adapter
from tianji_core.files import write_json

KEY = "sk-for-tests"


@pytest.fixture(scope="module")
def locked(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The base alone, with a key."""
    os.environ["TIANJI_SERVE_KEY"] = KEY
    try:
        log = tmp_path_factory.mktemp("locked") / "log"
        yield from run_server(["--model", f"base={folders.base}", "--api-key"], log)
    finally:
        del os.environ["TIANJI_SERVE_KEY"]


@pytest.fixture
def keyed(locked: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=locked.url, api_key=KEY, max_retries=0, timeout=120) as made:
        yield made
        for model in made.models.list():  # left by a test that failed half-way
            if model.id != "base":
                change(locked, "unload", lora_name=model.id)


def change(server: Server, verb: str, key: str = KEY, **body: str) -> str:
    request = urllib.request.Request(
        f"{server.url}/{verb}_lora_adapter",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def refusal(server: Server, verb: str, **body: str) -> dict:
    with pytest.raises(urllib.error.HTTPError) as caught:
        change(server, verb, **body)
    return json.load(caught.value)["error"]


def test_who_has_no_key_is_refused(locked: Server) -> None:
    with openai.OpenAI(base_url=locked.url, api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError) as caught:
            stranger.models.list()
        with pytest.raises(openai.AuthenticationError):
            text_of(stranger)
    assert caught.value.body["code"] == "invalid_api_key"
    assert KEY not in locked.log.read_text()


def test_an_adapter_comes_answers_and_goes_while_the_base_answers(
    locked: Server, keyed: openai.OpenAI, server: Server, folders: Folders
) -> None:
    alone = text_of(keyed, temperature=0)
    with openai.OpenAI(base_url=server.url, api_key="none") as other:
        expected = {name: text_of(other, name, temperature=0) for name in ("red", "blue")}
    with ThreadPoolExecutor(4) as pool:
        noise = [pool.submit(text_of, keyed, temperature=0, max_tokens=24) for _ in range(8)]
        for name in ("red", "blue"):
            change(locked, "load", lora_name=name, lora_path=str(getattr(folders, name)))
        assert {future.result() for future in noise} == {alone}
    assert {name: text_of(keyed, name, temperature=0) for name in ("red", "blue")} == expected
    running = keyed.chat.completions.create(
        model="red", messages=ASK, temperature=1, max_tokens=150, seed=3, stream=True
    )
    next(iter(running))
    change(locked, "unload", lora_name="red")
    assert [event.choices[0].finish_reason for event in running if event.choices][-1]
    assert text_of(keyed, "blue", temperature=0) == expected["blue"]
    with pytest.raises(openai.NotFoundError):
        text_of(keyed, "red")
    change(locked, "unload", lora_name="blue")
    assert [model.id for model in keyed.models.list()] == ["base"]
    assert text_of(keyed, temperature=0) == alone


def test_what_does_not_fit_is_refused_and_the_server_goes_on(
    locked: Server, keyed: openai.OpenAI, folders: Folders, tmp_path: Path
) -> None:
    wide = make_adapter(tmp_path / "wide", folders.other_base, seed=4)
    assert "对不上" in refusal(locked, "load", lora_name="wide", lora_path=str(wide))["message"]
    marked = make_adapter(tmp_path / "marked", folders.base, seed=5)
    write_json(marked / "tianji.json", {"base_fingerprint": "0" * 32})
    assert "指纹" in refusal(locked, "load", lora_name="marked", lora_path=str(marked))["message"]
    assert "没有文件夹" in refusal(locked, "load", lora_name="x", lora_path=str(tmp_path / "x"))["message"]
    assert "已经有" in refusal(locked, "load", lora_name="base", lora_path=str(folders.red))["message"]
    assert refusal(locked, "unload", lora_name="base")["code"] == "model_not_found"
    assert refusal(locked, "load", lora_name="")["param"] == "lora_name"
    assert text_of(keyed, temperature=0)


def test_memory_of_an_adapter_is_free_again_when_it_has_gone(
    locked: Server, keyed: openai.OpenAI, folders: Folders, tmp_path: Path
) -> None:
    """Its rank is absurd, so that it stands out against what a process takes anyway."""
    large = make_adapter(tmp_path / "large", folders.base, seed=6, rank=65536)
    size = (large / "adapter_model.safetensors").stat().st_size
    before = locked.health()["memory"]
    change(locked, "load", lora_name="large", lora_path=str(large))
    assert text_of(keyed, "large", temperature=0)
    loaded = locked.health()["memory"]
    change(locked, "unload", lora_name="large")
    after = locked.health()["memory"]
    assert loaded - before > size and loaded - after > size / 2 and after - before < 0.7 * size


def test_a_prompt_of_a_hundred_thousand_characters_and_an_empty_one(keyed: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        text_of(keyed, messages=[{"role": "user", "content": "祝" * 100_000}])
    assert re.search(r"至少缩短 99\d{3} 个|至少缩短 1\d{5} 个", caught.value.body["message"])
    assert text_of(keyed, messages=[{"role": "user", "content": ""}], temperature=0) is not None


def test_two_hundred_clients_a_third_of_which_hang_up(locked: Server, keyed: openai.OpenAI) -> None:
    """Everyone who waits gets the greedy answer to the own question; nothing stays open and no memory is
    kept."""
    people = [
        f"祝{who}{what}{'快乐' * (at % 4)}"
        for at, (who, what) in enumerate(
            (w, e) for w in ("赵老师", "大舅", "你", "您") for e in ("生日", "春节", "新年")
        )
    ]
    asked = [[{"role": "user", "content": text}] for text in people]
    known = [text_of(keyed, messages=each, temperature=0, max_tokens=20) for each in asked]
    before, answered = locked.health()["memory"], locked.metric("tianji_requests_total", KEY)

    async def everyone() -> list[bool]:
        async with openai.AsyncOpenAI(base_url=locked.url, api_key=KEY, max_retries=0, timeout=120) as client:

            async def one(at: int) -> bool:
                number = at % len(asked)
                if at % 3 == 0:
                    stream = await client.chat.completions.create(
                        model="base", messages=asked[number], temperature=1, max_tokens=200, stream=True
                    )
                    async for _event in stream:
                        break
                    await stream.close()
                    return True
                answer = await client.chat.completions.create(
                    model="base", messages=asked[number], temperature=0, max_tokens=20
                )
                return answer.choices[0].message.content == known[number]

            return list(await asyncio.gather(*(one(at) for at in range(200))))

    assert all(asyncio.run(everyone()))
    locked.wait_idle()
    assert locked.metric("tianji_requests_total", KEY) - answered == 200
    assert locked.metric("tianji_requests_running", KEY) == locked.metric("tianji_requests_waiting", KEY) == 0
    assert locked.metric('tianji_requests_total{model="base",outcome="aborted"}', KEY) > 30
    assert locked.health()["memory"] - before < 60e6
