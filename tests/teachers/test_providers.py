"""The catalogue of teachers, and what is refused before anything is sent."""

import asyncio

import pytest
from pydantic import ValidationError

from tests.loopback import LoopbackApi
from tianji_core.errors import SettingsError, TeacherAuthError, TeacherTimeoutError
from tianji_core.teachers import (
    ModelEntry,
    Sampling,
    TeacherChoice,
    forget_provider,
    key_state,
    make_batch_server,
    make_teacher,
    provider,
    providers,
    save_provider,
    test_connection,
)
from tianji_core.teachers.base import ChatTeacher
from tianji_core.teachers.providers import BUILT_IN, load_providers
from tianji_core.workspace import Workspace


def test_the_built_in_catalogue_is_valid_and_has_the_promised_teachers():
    known = load_providers(BUILT_IN)
    assert set(known) >= {
        "offline", "deepseek", "zhipu", "qwen", "siliconflow", "openai", "moonshot",
        "ollama", "vllm", "lmdeploy", "custom",
    }  # fmt: skip
    assert {p.sdk for p in known.values()} == {"composer", "openai", "zhipu"}


def test_a_provider_says_what_it_can_do(workspace: Workspace):
    for entry in load_providers(BUILT_IN).values():
        assert entry.offline == (entry.key == "offline") and entry.can_chat != entry.offline, entry.key
    assert not isinstance(make_teacher(workspace, TeacherChoice()), ChatTeacher)
    online = TeacherChoice(provider="custom", model="m", base_url="http://127.0.0.1:9/v1")
    assert isinstance(make_teacher(workspace, online), ChatTeacher)


def test_costs_are_per_million_tokens_and_unknown_without_a_price():
    assert ModelEntry(name="m", input_price=2, output_price=8).cost(500_000, 250_000) == 3.0
    assert ModelEntry(name="m", input_price=2).cost(1, 0) is None


def test_a_known_price_says_when_it_was_read():
    for of in load_providers(BUILT_IN).values():
        priced = any(m.input_price for m in of.models)
        assert not priced or of.prices_checked is not None, of.key


def test_an_invalid_file_names_file_key_and_value(tmp_path):
    path = tmp_path / "providers.yaml"
    path.write_text("mine:\n  title: 我的\n  sdk: grpc\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_providers(path)
    assert all(part in str(caught.value) for part in (str(path), "mine", "sdk", "grpc"))


def test_broken_yaml_names_the_line(tmp_path):
    path = tmp_path / "providers.yaml"
    path.write_text("mine:\n  title: [我的\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="行"):
        load_providers(path)


def test_the_workspace_can_add_and_replace_providers(workspace: Workspace):
    own = "deepseek:\n  title: 我的中转\n  sdk: openai\n  base_url: http://127.0.0.1:9/v1\n"
    own += "lab:\n  title: 实验室\n  sdk: openai\n"
    (workspace.home / "providers.yaml").write_text(own, encoding="utf-8")
    known = providers(workspace)
    assert known["deepseek"].title == "我的中转"
    assert "lab" in known and "zhipu" in known


def test_a_provider_at_several_addresses_takes_no_batches(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "abcdef0123456789")
    both = "http://127.0.0.1:8/v1, http://127.0.0.1:9/v1"
    title = "openai:\n  title: 两台\n  sdk: openai\n  key_variable: OPENAI_API_KEY\n  models: [{name: m}]\n"
    text = f"{title}  base_url: {both}\n  batch: {{endpoint: /v1/chat/completions}}\n"
    (workspace.home / "providers.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="没有批量接口"):
        make_batch_server(workspace, TeacherChoice(provider="openai"))


def test_a_missing_key_names_its_variable(workspace: Workspace):
    with pytest.raises(TeacherAuthError, match="DEEPSEEK_API_KEY"):
        make_teacher(workspace, TeacherChoice(provider="deepseek"))
    assert key_state(workspace, provider(workspace, "deepseek")).missing


def test_a_local_server_needs_no_key(workspace: Workspace):
    state = key_state(workspace, provider(workspace, "ollama"))
    assert not state.missing and state.variable is None


def test_a_custom_address_is_asked_for(workspace: Workspace):
    with pytest.raises(SettingsError, match="接口地址"):
        make_teacher(workspace, TeacherChoice(provider="custom", model="m"))
    with pytest.raises(SettingsError, match="模型"):
        make_teacher(workspace, TeacherChoice(provider="custom", base_url="http://127.0.0.1:9/v1"))


def test_an_unknown_provider_lists_the_known_ones(workspace: Workspace):
    with pytest.raises(SettingsError, match="zhipu"):
        make_teacher(workspace, TeacherChoice(provider="nobody"))


@pytest.mark.parametrize(
    "url", ["ftp://x/v1", "127.0.0.1:8000", "http://me:pw@host/v1", "http://host/v1?key=abc"]
)
def test_an_address_that_is_none_or_carries_a_secret_is_refused(url: str):
    with pytest.raises(ValidationError, match="接口地址"):
        TeacherChoice(provider="custom", base_url=url)


def test_a_saved_provider_replaces_the_built_in_one_until_it_is_forgotten(workspace: Workspace):
    built_in = providers(workspace)["openai"]
    saved = built_in.model_copy(update={"requests_per_minute": 7, "title": "我的 OpenAI"})
    save_provider(workspace, saved)
    save_provider(workspace, built_in.model_copy(update={"key": "second", "title": "第二个"}))
    known = providers(workspace)
    assert known["openai"] == saved and known["second"].models == built_in.models
    forget_provider(workspace, "openai")
    assert providers(workspace)["openai"] == built_in
    assert "second" in providers(workspace)
    with pytest.raises(SettingsError, match="openai"):
        forget_provider(workspace, "openai")


def test_every_remote_provider_names_a_cautious_start():
    for of in load_providers(BUILT_IN).values():
        assert 1 <= of.concurrency <= 64


def test_a_request_that_waits_in_a_queue_is_not_given_up(workspace: Workspace, api: LoopbackApi):
    api.latency, api.models = 0.6, []
    fields = f"title: 排队\n  sdk: openai\n  base_url: {api.url}\n  models: [{{name: m}}]"
    (workspace.home / "providers.yaml").write_text(
        f"queued:\n  waits: 20\n  {fields}\nprompt:\n  {fields}\n", encoding="utf-8"
    )

    async def asked(key: str) -> str:
        teacher = make_teacher(workspace, TeacherChoice(provider=key, timeout=0.2))
        assert isinstance(teacher, ChatTeacher)
        try:
            return (await teacher.complete("写一条", Sampling())).text
        finally:
            await teacher.aclose()

    assert asyncio.run(asked("queued"))
    with pytest.raises(TeacherTimeoutError):
        asyncio.run(asked("prompt"))
    report = asyncio.run(test_connection(workspace, TeacherChoice(provider="queued", timeout=0.2)))
    assert not report.ok, "a check waits in no queue"


def test_the_queue_of_bailian_takes_half_the_price_of_the_same_models():
    known = load_providers(BUILT_IN)
    usual, queued = known["qwen"], known["qwen_queued"]
    assert queued.waits == 3600 and queued.key_variable == usual.key_variable and queued.batch is None
    for entry in queued.models:
        assert (entry.cost(10**6, 0), entry.cost(0, 10**6)) == tuple(
            cost / 2
            for cost in (usual.model(entry.name).cost(10**6, 0), usual.model(entry.name).cost(0, 10**6))
        )
