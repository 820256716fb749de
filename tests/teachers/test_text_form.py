"""Texts that are asked for as the field of a JSON object, with a system message and several examples."""

import json

import pytest

from tests.loopback import LoopbackApi, completion, fails, says
from tianji_core.errors import TeacherAnswerError
from tianji_core.recipe import Brief, Task, brief, built_in_recipe
from tianji_core.teachers import (
    Answer,
    ModelEntry,
    Provider,
    Sampling,
    TeacherChoice,
    make_teacher,
    save_provider,
)
from tianji_core.workspace import Workspace

RECIPE = built_in_recipe("wishes")
ASKED: Brief = brief(RECIPE, Task(0, "大舅", "生日", "小红书", 0), seed=1)


@pytest.fixture(params=["openai", "zhipu"])
def choice(request, workspace: Workspace, api: LoopbackApi, monkeypatch) -> TeacherChoice:
    monkeypatch.setenv("LAB_API_KEY", "number.secret")
    entry = ModelEntry(name="m", response_format="json_object")
    lab = Provider(
        key="lab",
        title="Lab",
        sdk=request.param,
        base_url=api.url,
        key_variable="LAB_API_KEY",
        models=(entry,),
    )
    save_provider(workspace, lab)
    return TeacherChoice(provider="lab")


async def written(workspace: Workspace, choice: TeacherChoice, times: int = 1) -> list[Answer]:
    teacher = make_teacher(workspace, choice)
    try:
        return [await teacher.answer(ASKED, Sampling()) for _number in range(times)]
    finally:
        await teacher.aclose()


async def test_the_field_is_the_text_and_the_system_message_is_a_message_of_its_own(workspace, api, choice):
    api.default = says(json.dumps({"text": "大舅生日快乐！"}, ensure_ascii=False))
    (answer,) = await written(workspace, choice)
    assert answer.text == "大舅生日快乐！"
    sent = api.requests[0]
    assert sent["response_format"] == {"type": "json_object"}
    system, asked = sent["messages"]
    assert system == {"role": "system", "content": RECIPE.prompts.teacher_system}
    assert (
        asked["role"] == "user" and asked["content"].startswith(ASKED.prompt) and "JSON" in asked["content"]
    )


async def test_a_server_that_refuses_the_form_is_asked_for_plain_text_from_then_on(workspace, api, choice):
    def refuses(handler, body):
        if "response_format" in body:
            handler.send_json(400, {"error": {"message": "response_format is not supported"}})
        else:
            handler.send_json(200, completion("大舅生日快乐！"))

    api.default = refuses
    answers = await written(workspace, choice, times=2)
    assert [answer.text for answer in answers] == ["大舅生日快乐！"] * 2
    assert ["response_format" in request for request in api.requests] == [True, False, False]
    assert "JSON" not in api.prompts()[-1]


@pytest.mark.parametrize(
    ("content", "finish"),
    [('{"text": "大舅生日快乐！"}', "stop"), ('{"text": "大舅生日快', "cut")],
)
async def test_an_object_with_its_end_shows_that_the_text_is_whole(workspace, api, choice, content, finish):
    api.default = says(content, None)
    (answer,) = await written(workspace, choice)
    assert answer.finish_reason == finish


async def test_a_refusal_of_another_cause_keeps_its_reason(workspace, api, choice):
    api.default = fails(400, "temperature out of range")
    with pytest.raises(Exception, match="temperature out of range"):
        await written(workspace, choice)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("大舅生日快乐！", "大舅生日快乐！"),
        ('```json\n{"text": "大舅生日快乐！"}\n```', "大舅生日快乐！"),
        ('{"祝福": "大舅生日快乐！"}', "大舅生日快乐！"),
        ('{"text": "大舅生日', "大舅生日"),
    ],
)
async def test_what_comes_instead_of_the_object_is_read_where_it_can_be(workspace, api, choice, said, text):
    api.default = says(said, "stop" if said.endswith(("}", "！", "`")) else "length")
    (answer,) = await written(workspace, choice)
    assert answer.text == text


@pytest.mark.parametrize("said", ["{}", '{"text": ""}', '{"a": "x", "b": "y"}', '{"text": 3}'])
async def test_an_object_without_a_text_can_be_asked_for_again(workspace, api, choice, said):
    api.default = says(said)
    with pytest.raises(TeacherAnswerError) as caught:
        await written(workspace, choice)
    assert caught.value.retryable


async def test_a_schema_names_the_field(workspace, api, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    api.default = says('{"text": "好"}')
    await written(workspace, TeacherChoice(provider="openai", base_url=api.url))
    schema = api.requests[0]["response_format"]["json_schema"]
    assert schema["schema"]["required"] == ["text"] and schema["strict"]


def test_the_number_of_examples_is_that_of_the_request_and_changes_nothing_else():
    style = RECIPE.style("小红书")
    assert style is not None and len(style.examples) >= 3
    task = Task(0, "大舅", "生日", "小红书", 0)
    asked = [brief(RECIPE, task, 1, number) for number in range(6)]
    shown = [sum(example in each.prompt for example in style.examples) for each in asked]
    assert shown == [min(number, len(style.examples)) for number in range(6)]
    assert len({each.input for each in asked}) == len({each.seed for each in asked}) == 1
    assert asked[1] == brief(RECIPE, task, 1)
