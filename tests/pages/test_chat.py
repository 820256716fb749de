"""The chat page against a real server of tiny random models, and against servers of another make."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.loopback import LoopbackApi
from tests.pages.opening import opened, press
from tests.serving.conftest import Folders, Server, folders, server  # noqa: F401
from tests.serving.other_server import install, serving
from tianji_core import jobs
from tianji_core.models import register_folder
from tianji_core.ownership import mark
from tianji_core.recipe.editing import changed
from tianji_core.serving import servers, starting, wait_ready
from tianji_core.serving.launch import free_port
from tianji_core.serving.services import remember_service
from tianji_core.serving.transcript import load_transcript, names_aside
from tianji_core.store import recipes, samples, steps, votes
from tianji_core.training.load import Card
from tianji_core.workspace import Workspace


def page(**address: str) -> AppTest:
    return opened("chat", **address)


@pytest.fixture
def chat(workspace: Workspace, server: Server) -> AppTest:  # noqa: F811
    """The page with the test server as its service, short answers."""
    remember_service(workspace, server.url)
    test = page(service=server.url, service_model="red")
    test.number_input(key="chat_max_tokens").set_value(12).run()
    return test


@pytest.fixture
def servers_ended(workspace: Workspace) -> Iterator[None]:
    """Ends the servers that a test starts."""
    yield
    for started in servers(workspace):
        jobs.stop(workspace, started.job.id)
        jobs.wait(workspace, started.job.id, timeout=60)


def test_without_a_server_the_page_says_what_to_do(workspace: Workspace) -> None:
    test = page()
    assert test.button(key="chat_send").disabled
    assert test.button(key="start_server").label == "启动模型服务"


def test_options_of_the_own_server_are_hidden_where_another_program_answers(
    workspace: Workspace,
    folders: Folders,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIANJI_PROGRAMS", str(tmp_path))
    monkeypatch.setattr(starting, "cards", lambda: [Card(0, 0.0, 0, 24_000_000_000)])
    (binary := tmp_path / "vllm" / "bin").mkdir(parents=True)
    install(binary, "vllm")
    mark(binary.parent, lock="a" * 64)
    register_folder(workspace, folders.base, name="底座")
    test = page(model="底座")
    for program, shown in (("vllm", False), ("studio", True), ("", True)):
        test.segmented_control(key="server_program").set_value(program).run()
        assert any(box.key == "server_dtype" for box in test.selectbox) == shown, program


@pytest.mark.usefixtures("servers_ended")
def test_a_server_is_started_from_the_page(workspace: Workspace, folders: Folders) -> None:  # noqa: F811
    register_folder(workspace, folders.base, name="底座")
    test = page(model="底座")
    assert test.multiselect(key="server_models").value == ["底座"]
    press(test, "start_server")
    (started,) = servers(workspace)
    wait_ready(workspace, started.job.id, timeout=120)
    test.run()
    assert "底座" in test.selectbox(key="endpoint").value
    assert not test.button(key="chat_send").disabled


@pytest.mark.usefixtures("servers_ended")
def test_a_link_to_a_model_that_is_not_loaded_lets_no_other_answer(
    workspace: Workspace,
    folders: Folders,  # noqa: F811
    server: Server,  # noqa: F811
) -> None:
    remember_service(workspace, server.url)
    register_folder(workspace, folders.base, name="底座")
    test = page(model="底座", service=server.url, service_model="red")
    assert test.selectbox(key="endpoint_none").value is None
    assert test.button(key="chat_send").disabled
    assert "“底座”还没有加载，不会由别的模型代答" in [each.value for each in test.warning]
    press(test, "load_linked")
    (started,) = servers(workspace)
    assert test.selectbox(key="endpoint_none").value is None
    wait_ready(workspace, started.job.id, timeout=120)
    test.run()
    assert test.selectbox(key="endpoint").value.startswith("底座")
    assert "回答的是 底座" in [each.value for each in test.caption]


@pytest.mark.usefixtures("servers_ended")
def test_chatting_with_a_model_from_its_card_loads_it(
    workspace: Workspace,
    folders: Folders,  # noqa: F811
) -> None:
    register_folder(workspace, folders.base, name="底座")
    test = press(opened("models"), "talk_底座")
    assert [running.models for running in servers(workspace)] == [("底座",)]
    assert test.title[0].value == "对话"
    assert test.query_params["model"] in ("底座", ["底座"])


def test_a_link_to_a_model_that_is_gone_says_so(workspace: Workspace, server: Server) -> None:  # noqa: F811
    remember_service(workspace, server.url)
    test = page(model="没了", service=server.url, service_model="red")
    assert "没有叫“没了”的模型；另选一个来回答" in [each.value for each in test.warning]
    test.selectbox(key="endpoint_none").select_index(0).run()
    assert not test.button(key="chat_send").disabled


def test_the_picked_cell_is_asked_in_training_words_and_kept_as_a_sample(
    workspace: Workspace, chat: AppTest
) -> None:
    chat.selectbox(key="name").set_value("母亲").run()
    chat.selectbox(key="style").set_value("小红书").run()
    press(chat, "chat_send")
    (turn,) = load_transcript(workspace).turns
    assert (turn.request, turn.model, turn.style) == ("祝母亲生日,小红书风格", "red", "小红书")
    assert turn.answer and not turn.stopped and turn.first is not None and turn.tokens
    press(chat, "keep_0")
    (kept,) = samples.page(workspace.engine, samples.SampleFilter(recipe="wishes", source="chat"))
    assert (kept.input, kept.output, kept.name, kept.style) == (turn.request, turn.answer, "母亲", "小红书")
    assert chat.button(key="keep_0").disabled


def test_a_refresh_shows_the_same_talk(
    workspace: Workspace,
    chat: AppTest,
    server: Server,  # noqa: F811
) -> None:
    chat.segmented_control(key="chat_preset").set_value("own").run()
    chat.slider(key="chat_temperature").set_value(0.2)
    chat.text_area(key="chat_system_wishes").set_value("只写一句").run()
    press(chat, "chat_send")
    again = page(service=server.url, service_model="red")
    assert again.slider(key="chat_temperature").value == 0.2
    assert again.text_area(key="chat_system_wishes").value == "只写一句"
    assert any("系统提示改过" in caption.value for caption in again.caption)
    assert [m.name for m in again.chat_message] == ["user", "assistant"]


def test_each_question_starts_from_nothing_unless_asked_to_go_on(workspace: Workspace, chat: AppTest) -> None:
    press(chat, "chat_send")
    press(chat, "chat_send")
    chat.toggle(key="multi_turn").set_value(True).run()
    chat.chat_input(key="chat_free").set_value("祝大舅健康").run()
    turns = load_transcript(workspace).turns
    assert [turn.continues for turn in turns] == [False, False, True]
    assert turns[2].request == "祝大舅健康" and turns[2].name == ""


def test_regenerating_replaces_the_last_answer(workspace: Workspace, chat: AppTest) -> None:
    chat.segmented_control(key="chat_preset").set_value("varied").run()
    press(chat, "chat_send")
    before = load_transcript(workspace).turns
    press(chat, "chat_again")
    after = load_transcript(workspace).turns
    assert len(after) == 1 and after[0].request == before[0].request
    assert after[0].answer != before[0].answer
    press(chat, "chat_clear")
    assert load_transcript(workspace).turns == []


def test_a_server_that_refuses_is_quoted(workspace: Workspace, server: Server) -> None:  # noqa: F811
    remember_service(workspace, server.url)
    test = page(service=server.url, service_model="nobody")
    press(test, "chat_send")
    assert any("没有模型“nobody”" in error.value for error in test.error)


def test_nothing_is_sent_to_the_address_of_a_link_before_a_person_confirms_it(
    workspace: Workspace, api: LoopbackApi
) -> None:
    test = page(service=api.url, service_model="loopback-model")
    assert not {box.key for box in test.selectbox} & {"endpoint", "endpoint_none"}
    assert test.button(key="chat_send").disabled
    assert any(api.url in warning.value for warning in test.warning)
    refused = press(test, "service_refuse")
    assert refused.query_params == {} and not refused.warning
    test = press(page(service=api.url, service_model="loopback-model"), "service_confirm")
    assert api.requests == [] and not test.warning
    press(test, "chat_send")
    assert len(api.requests) == 1
    again = page(service=api.url, service_model="loopback-model")
    assert not again.warning and not again.button(key="chat_send").disabled, "it is asked once"


@pytest.mark.parametrize(
    "address", ["http://", "javascript:alert(1)", "![x](http://127.0.0.1/x)", "a" * 3000]
)
def test_the_address_of_a_link_is_shown_as_text(workspace: Workspace, address: str) -> None:
    test = page(service=address, service_model="![x](http://127.0.0.1/y)")
    (asked,) = [warning.value for warning in test.warning]
    assert "![" not in asked and len(asked) < 1000
    press(test, "service_confirm")
    assert not any("![" in error.value for error in test.error)


def test_a_link_cannot_say_which_secret_goes_to_its_address(
    workspace: Workspace, api: LoopbackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET", "sk-geheim-geheim")
    test = page(service=api.url, service_model="loopback-model", service_key="MY_SECRET")
    press(press(test, "service_confirm"), "chat_send")
    assert api.requests and "geheim" not in str(api.headers)
    remember_service(workspace, api.url, "MY_SECRET")
    press(page(service=api.url, service_model="loopback-model"), "chat_send")
    assert "geheim" in str(api.headers[-1])


def test_candidates_corrections_and_reasons_reach_review(workspace: Workspace, chat: AppTest) -> None:
    chat.number_input(key="chat_candidates").set_value(3)
    chat.segmented_control(key="chat_preset").set_value("varied").run()
    press(chat, "chat_send")
    (turn,) = load_transcript(workspace).turns
    assert len({turn.answer, *turn.others}) == 3 and turn.tokens
    press(chat, "prefer_0_1")
    assert load_transcript(workspace).turns[0].answer == turn.others[1]
    said = votes.listed(workspace.engine, "wishes")
    assert {(vote.winner, vote.chosen) for vote in said} == {("red", turn.others[1])} and len(said) == 2
    chat.text_area(key="edited_0").set_value("祝赵老师生日快乐，桃李满天下！").run()
    press(chat, "keep_edited_0")
    press(chat, "prefer_0_0")
    chat.selectbox(key="why_0").set_value("称呼不当").run()
    press(chat, "bad_0")
    corrected, bad = samples.page(workspace.engine, samples.SampleFilter(recipe="wishes", source="chat"))
    assert (corrected.output, corrected.state) == ("祝赵老师生日快乐，桃李满天下！", samples.PENDING)
    assert (bad.output, bad.state) == (turn.others[0], samples.REJECTED)
    assert steps.history(workspace.engine, bad.id)[-1].step.note == "称呼不当"


def test_several_styles_are_asked_at_once_checked_and_voted_for(workspace: Workspace, chat: AppTest) -> None:
    chat.toggle(key="at_once").set_value(True).run()
    chat.multiselect(key="also_styles").set_value(["严肃"]).run()
    press(chat, "chat_send")
    usual, serious = load_transcript(workspace).turns
    assert (usual.request, serious.request) == ("祝赵老师生日", "祝赵老师生日,严肃风格")
    assert usual.together == serious.together and not serious.continues
    assert any("✗ 称谓" in mark.value for mark in chat.markdown), "random words are no blessing"
    press(chat, "best_1")
    (vote,) = votes.listed(workspace.engine, "wishes")
    assert (vote.style, vote.loser_style, vote.chosen) == ("严肃", "正常", serious.answer)
    assert vote.winner_setting == vote.loser_setting == "T=0.7 · top_p=0.9"
    press(chat, "best_1")
    assert votes.listed(workspace.engine, "wishes") == []


def test_a_question_is_changed_and_asked_again(workspace: Workspace, chat: AppTest) -> None:
    press(chat, "chat_send")
    chat.toggle(key="multi_turn").set_value(True).run()
    press(chat, "chat_send")
    chat.text_area(key="question_1").set_value("祝您健康").run()
    press(chat, "resend_1")
    turns = load_transcript(workspace).turns
    assert [turn.request for turn in turns] == ["祝赵老师生日", "祝您健康"]
    assert turns[1].answer and turns[1].continues


def test_a_talk_is_put_aside_and_taken_out_again(workspace: Workspace, chat: AppTest) -> None:
    press(chat, "chat_send")
    said = load_transcript(workspace)
    chat.text_input(key="talk_name").set_value("第一次").run()
    press(chat, "talk_save")
    press(chat, "chat_clear")
    press(chat, "talk_open")
    assert load_transcript(workspace) == said
    press(chat, "talk_delete")
    assert names_aside(workspace) == []


def test_a_service_of_another_make_is_asked_what_it_has_and_talked_to(workspace: Workspace) -> None:
    """As Ollama is reached: an address that ends in /v1, a model's name with a colon, no key."""
    test = page()
    with serving("qwen2.5:0.5b", "glm4") as url:
        test.text_input(key="service_url").set_value(url)
        press(test, "service_use")
        assert (test.query_params["service"], test.query_params["service_model"]) == (url, "qwen2.5:0.5b")
        press(test, "chat_send")
    (turn,) = load_transcript(workspace).turns
    assert (turn.answer, turn.error) == ("qwen2.5:0.5b：祝赵老师生日，平安喜乐", "")
    press(test, "chat_again")
    assert "连不上" in load_transcript(workspace).turns[0].error


def test_another_program_is_started_on_this_machine_where_it_is_installed(
    workspace: Workspace,
    folders: Folders,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    register_folder(workspace, folders.merged, name="合并")
    monkeypatch.setenv("PATH", str(tmp_path))
    test = page(model="合并")
    test.segmented_control(key="program").set_value("vllm")
    test.selectbox(key="program_model").set_value("合并")
    test.number_input(key="program_port").set_value(free_port(None)).run()
    assert any("--program vllm --install" in caption.value for caption in test.caption)
    install(tmp_path, "vllm")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    press(test.run(), "program_start")
    (job,) = jobs.listed(workspace, kind="serve")
    try:
        wait_ready(workspace, job.id, timeout=60)
        press(test.run(), "chat_send")
        assert load_transcript(workspace).turns[0].answer == "合并：祝赵老师生日，平安喜乐"
        press(test, f"stop_server_{job.id}")
        assert jobs.wait(workspace, job.id, timeout=60).state == "stopped"
        assert test.run().button(key="chat_send").disabled
    finally:
        if jobs.get(workspace, job.id).active:
            jobs.stop(workspace, job.id)
            jobs.wait(workspace, job.id, timeout=60)


def test_a_question_without_words_is_not_sent(workspace: Workspace, chat: AppTest) -> None:
    chat.text_area(key="request_赵老师_生日_正常").set_value("  ").run()
    press(chat, "chat_send")
    assert load_transcript(workspace).turns == []
    assert any("要问的话是空的" in warning.value for warning in chat.warning)
    chat.text_area(key="request_赵老师_生日_正常").set_value("祝" * 100_000).run()
    press(chat, "chat_send")
    assert "请至少缩短" in load_transcript(workspace).turns[0].error
    assert not any(len(each.value) > 1000 for each in chat.markdown)


def test_a_recipe_without_an_enabled_scene_is_talked_about_in_own_words_only(
    workspace: Workspace,
    server: Server,  # noqa: F811
) -> None:
    stored = recipes.current(workspace.engine, "wishes")
    scenes = [scene.model_copy(update={"enabled": False}) for scene in stored.recipe.scenes]
    recipes.save(workspace.engine, changed(stored.recipe, scenes=scenes), stored.revision, "")
    remember_service(workspace, server.url)
    test = page(service=server.url, service_model="red")
    test.number_input(key="chat_max_tokens").set_value(12).run()
    press(test, "chat_send")
    assert any("要问的话是空的" in warning.value for warning in test.warning)
    test.text_area(key="request_赵老师__正常").set_value("祝老师一切都好").run()
    press(test, "chat_send")
    (turn,) = load_transcript(workspace).turns
    assert (turn.name, turn.scene, turn.style) == ("赵老师", "", "正常")


@pytest.mark.usefixtures("servers_ended")
def test_where_nothing_can_be_asked_one_button_loads_the_usual_model(workspace: Workspace) -> None:
    test = page()
    assert [button.key for button in test.button if button.proto.type == "primary"] == ["start_usual"]
    press(test, "start_usual")
    (started,) = servers(workspace)
    assert started.models == ("nano-base",)
    wait_ready(workspace, started.job.id, timeout=120)
    test.run()
    assert not test.button(key="chat_send").disabled


def test_the_choices_fold_for_a_narrow_screen_and_keep_what_is_chosen(chat: AppTest) -> None:
    chat.selectbox(key="name").set_value("母亲").run()
    press(chat, "chat_fold")
    assert chat.selectbox(key="name").value == "母亲"
    assert "母亲" in chat.button(key="chat_fold").label
    press(chat, "chat_fold")
    assert chat.selectbox(key="name").value == "母亲"
