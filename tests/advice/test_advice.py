"""A teacher's proposals: broken JSON is repaired, every item is checked, nothing is taken over by itself."""

import asyncio
import json
import time

import pytest

from tests.loopback import LoopbackApi, completion, fails, says
from tianji_core import advice, jobs
from tianji_core.advice import ListKind, Question
from tianji_core.advice.suggestions import read_suggestions, request
from tianji_core.dispatch import Retry
from tianji_core.errors import InputError, TeacherAnswerError, TeacherAuthError
from tianji_core.recipe import Recipe, built_in_recipe
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace

TOASTS: Recipe = built_in_recipe("toasts")
QUICK = Retry(attempts=2, first_wait=0.01, longest_wait=0.02)


def teacher(api: LoopbackApi) -> TeacherChoice:
    return TeacherChoice(provider="custom", model="loopback-model", base_url=api.url)


def test_new_names_are_asked_for_and_checked_against_the_recipe(
    workspace: Workspace, api: LoopbackApi
) -> None:
    api.default = says(
        '好的：\n```json\n[{"text": "伴郎", "relation": "friend", "pronoun": "你"},'
        ' {"text": "ＡＡ领导", "relation": "alien", "pronoun": "您"},'
        ' {"text": " 领导 ", "relation": "superior", "pronoun": "您"},'
        ' {"text": "伴郎", "relation": "friend", "pronoun": "你"},]\n```'
    )
    question = Question(kind=ListKind.NAMES, count=4, wish="婚礼上的人")
    found = asyncio.run(advice.suggest(workspace, TOASTS, question, teacher(api)))
    assert advice.load_suggestions(workspace, TOASTS, ListKind.NAMES) == found
    assert [(s.text.strip(), bool(s.problem)) for s in found] == [
        ("伴郎", False),
        ("ＡＡ领导", True),
        ("领导", True),
        ("伴郎", True),
    ]
    assert "alien" in found[1].problem
    asked = api.prompts()[0]
    assert "再想 4 个称谓" in asked and "客户王总" in asked and "婚礼上的人" in asked
    grown = advice.with_suggestions(TOASTS, ListKind.NAMES, found)
    assert [n.text for n in grown.names] == [*(n.text for n in TOASTS.names), "伴郎"]


def test_examples_outside_the_limits_cannot_be_taken() -> None:
    good = "这一杯敬你，敬往后的路越走越宽，也敬今晚的灯火。"
    style = TOASTS.style("豪爽")
    assert style is not None
    text = json.dumps([{"text": good}, {"text": "干"}, style.examples[0]], ensure_ascii=False)
    found = read_suggestions(TOASTS, ListKind.EXAMPLES, text, "豪爽")
    assert [bool(s.problem) for s in found] == [False, True, True]
    grown = advice.with_suggestions(TOASTS, ListKind.EXAMPLES, found, "豪爽").style("豪爽")
    assert grown is not None and grown.examples == (*style.examples, good)


@pytest.mark.parametrize("kind", list(ListKind))
def test_every_question_is_about_this_recipe_and_wants_json(kind: ListKind) -> None:
    asked = request(TOASTS, kind, 5, "文雅", "")
    assert "敬酒词" in asked and "祝福" not in asked and "JSON 数组" in asked


def test_an_answer_without_a_list_is_one_sentence() -> None:
    with pytest.raises(TeacherAnswerError, match="没有按要求"):
        read_suggestions(TOASTS, ListKind.SCENES, "抱歉，我做不到。")


def test_the_offline_composer_says_that_it_cannot(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="离线造句"):
        asyncio.run(advice.suggest(workspace, TOASTS, Question(kind=ListKind.NAMES), TeacherChoice()))
    with pytest.raises(InputError, match="离线造句"):
        asyncio.run(advice.rate_cells(workspace, TOASTS, TeacherChoice()))


def rates(handler, body) -> None:
    """Finds every cell suitable but the first; one receiver's answer is no list."""
    prompt = body["messages"][0]["content"]
    if "对方是师傅" in prompt:
        handler.send_json(200, completion("不好说"))
        return
    items = [{"scene": s.text, "value": 2, "reason": "可以"} for s in TOASTS.scenes]
    items[0] |= {"value": 0, "reason": "不在一桌"}
    items += [{"scene": "火星宴", "value": 1}, {"scene": "婚宴", "value": 9}]
    handler.send_json(200, completion(json.dumps(items, ensure_ascii=False)))


def test_cells_are_rated_kept_and_taken_over_in_part(workspace: Workspace, api: LoopbackApi) -> None:
    api.default = rates
    seen: list[tuple[int, int]] = []
    result = asyncio.run(
        advice.rate_cells(
            workspace, TOASTS, teacher(api), progress=lambda *pair: seen.append(pair), retry=QUICK
        )
    )
    names = len(TOASTS.names)
    assert seen[-1] == (names, names)
    assert len(result.opinions) == (names - 1) * len(TOASTS.scenes)
    assert any("师傅" in fault for fault in result.faults) and any("火星宴" in f for f in result.faults)
    assert advice.load_rating(workspace, "toasts") == result
    found = advice.differences(TOASTS, result.opinions)
    assert all(d.before != d.value for d in found)
    first = next(d for d in found if (d.name, d.scene) == ("领导", "公司年会"))
    changed = advice.with_opinions(TOASTS, [first])
    assert changed.matrix().rating("领导", "公司年会") == (0, "不在一桌")
    assert len(changed.matrix().cells) == len(TOASTS.matrix().cells) + 1
    advice.forget_rating(workspace, "toasts")
    assert advice.load_rating(workspace, "toasts").opinions == []


def test_a_rating_that_fails_altogether_says_why(workspace: Workspace, api: LoopbackApi) -> None:
    api.default = fails(401, "no")
    with pytest.raises(TeacherAuthError):
        asyncio.run(advice.rate_cells(workspace, TOASTS, teacher(api)))


def test_a_rating_waits_for_a_server_that_has_too_much(workspace: Workspace, api: LoopbackApi) -> None:
    api.default = rates
    api.script.append(fails(429, "wait", {"Retry-After": "0.05"}))
    result = asyncio.run(advice.rate_cells(workspace, TOASTS, teacher(api), retry=QUICK))
    assert len(result.opinions) == (len(TOASTS.names) - 1) * len(TOASTS.scenes)


def test_a_rating_runs_as_a_job_and_says_why_it_failed(workspace: Workspace, api: LoopbackApi) -> None:
    def refuses_one(handler, body) -> None:
        if "对方是师傅" in body["messages"][-1]["content"]:
            handler.send_json(451, {"error": {"message": "不便评价"}})
        else:
            rates(handler, body)

    api.default = refuses_one
    job = advice.start_rating(workspace, "toasts", teacher(api))
    ended = jobs.wait(workspace, job.id, timeout=60)
    assert (ended.state, ended.exit_code) == ("failed", 1)
    assert f"还缺 {len(TOASTS.scenes)} 个" in ended.note and "不便评价" in ended.note
    found = advice.rating_job(workspace, "toasts")
    assert found is not None and found.id == job.id
    assert advice.rating_job(workspace, "wishes") is None
    assert len(advice.load_rating(workspace, "toasts").opinions) > 100
    api.default = fails(401, "no")
    failed = jobs.wait(workspace, advice.start_rating(workspace, "toasts", teacher(api)).id, timeout=60)
    assert (failed.state, failed.exit_code) == ("failed", 2) and "密钥" in failed.note
    assert len(advice.load_rating(workspace, "toasts").opinions) > 100, "a failed rating leaves the last one"
    with pytest.raises(InputError, match="离线造句"):
        advice.start_rating(workspace, "toasts", TeacherChoice())


def test_the_reason_for_missing_cells_is_the_most_frequent_not_the_last(
    workspace: Workspace, api: LoopbackApi
) -> None:
    last = TOASTS.names[-1].text

    def refuses(handler, body) -> None:
        alone = f"对方是{last}，" in body["messages"][-1]["content"]
        if alone:
            time.sleep(0.5)  # arrives behind the others
        handler.send_json(451, {"error": {"message": "只此一次" if alone else "不便评价"}})

    def rates_one(handler, body) -> None:
        (rates if f"对方是{TOASTS.names[0].text}，" in body["messages"][-1]["content"] else refuses)(
            handler, body
        )

    api.default = rates_one
    result = asyncio.run(advice.rate_cells(workspace, TOASTS, teacher(api), retry=QUICK))
    assert "只此一次" in result.faults[-1] and "不便评价" in result.reason


def test_a_question_runs_as_a_job_whose_answer_outlives_the_page(
    workspace: Workspace, api: LoopbackApi
) -> None:
    api.default = says('[{"text": "贺词里的人", "relation": "friend", "pronoun": "你"}]')
    asked = Question(kind=ListKind.NAMES, count=1)
    job = advice.start_suggesting(workspace, "toasts", asked, teacher(api))
    assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    assert advice.suggesting_job(workspace, "toasts", ListKind.SCENES) is None
    assert [s.text for s in advice.load_suggestions(workspace, TOASTS, ListKind.NAMES)] == ["贺词里的人"]
    api.default = fails(401, "no")
    failed = jobs.wait(
        workspace, advice.start_suggesting(workspace, "toasts", asked, teacher(api)).id, timeout=60
    )
    assert failed.state == "failed" and "密钥" in failed.note
    assert advice.load_suggestions(workspace, TOASTS, ListKind.NAMES) == [], (
        "an old answer is not a new one's"
    )


def test_only_the_cells_that_are_missing_are_asked_for_again(workspace: Workspace, api: LoopbackApi) -> None:
    api.default = rates
    asyncio.run(advice.rate_cells(workspace, TOASTS, teacher(api), retry=QUICK))
    asked = len(api.requests)

    def rates_every_cell(handler, body) -> None:
        items = [{"scene": scene.text, "value": 1} for scene in TOASTS.scenes]
        handler.send_json(200, completion(json.dumps(items, ensure_ascii=False)))

    api.default = rates_every_cell
    result = asyncio.run(advice.rate_cells(workspace, TOASTS, teacher(api), retry=QUICK))
    assert ["师傅" in prompt for prompt in api.prompts()[asked:]] == [True]
    assert advice.missing_cells(TOASTS, result.opinions) == []
    asked = len(api.requests)
    result = asyncio.run(advice.rate_cells(workspace, TOASTS, teacher(api), retry=QUICK))
    assert len(api.requests) - asked == len(TOASTS.names), "a whole rating is made anew"
    assert {opinion.value for opinion in result.opinions} == {1}


def test_scenes_that_an_answer_leaves_out_are_asked_for(workspace: Workspace, api: LoopbackApi) -> None:
    def rates_half(handler, body) -> None:
        prompt = body["messages"][-1]["content"]
        asked = [scene.text for scene in TOASTS.scenes if f"{scene.text}" in prompt.split("\n")[2]]
        items = [{"scene": scene, "value": 2} for scene in asked[: max(1, len(asked) // 2 + 1)]]
        handler.send_json(200, completion(json.dumps(items, ensure_ascii=False)))

    api.default = rates_half
    result = asyncio.run(advice.rate_cells(workspace, TOASTS, teacher(api), retry=QUICK))
    assert len(api.requests) > len(TOASTS.names)
    first = len(TOASTS.names) * (len(TOASTS.scenes) // 2 + 1)
    assert len(result.opinions) > first
    assert len({(each.name, each.scene) for each in result.opinions}) == len(result.opinions)


def test_suggestions_are_asked_for_again_after_prose_and_a_rate_limit(
    workspace: Workspace, api: LoopbackApi
) -> None:
    api.script.extend([fails(429, "wait"), says("好的，没问题。")])
    api.default = says('[{"text": "伴郎", "relation": "friend", "pronoun": "你"}]')
    quick = Retry(attempts=3, first_wait=0.01, longest_wait=0.02)
    question = Question(kind=ListKind.NAMES, count=1)
    found = asyncio.run(advice.suggest(workspace, TOASTS, question, teacher(api), retry=quick))
    assert [each.text for each in found] == ["伴郎"] and len(api.requests) == 3


def test_the_last_suggestion_of_an_answer_that_is_cut_off_is_left_out(
    workspace: Workspace, api: LoopbackApi
) -> None:
    said = '[{"text": "伴郎", "relation": "friend", "pronoun": "你"}, {"text": "证婚'
    api.default = says(said, "length")
    question = Question(kind=ListKind.NAMES, count=2)
    found = asyncio.run(advice.suggest(workspace, TOASTS, question, teacher(api), retry=QUICK))
    assert [each.text for each in found] == ["伴郎"]
    assert advice.load_suggestions(workspace, TOASTS, ListKind.NAMES) == found


@pytest.mark.parametrize(
    "answer",
    [
        [{"场景": "婚宴", "分数": 1, "理由": "看情况"}, {"场景": "「寿宴」", "分数": "2分"}],
        {"婚宴": 1, "寿宴": {"value": 2, "reason": "合适"}},
        [["婚宴", 1, "看情况"], ["寿宴", 2]],
        {"ratings": [{"scene": "婚宴", "score": "看情况"}, {"scene": "寿宴", "rating": "合适"}]},
        '{"scene": "婚宴", "value": 1}\n{"scene": "寿宴", "value": 2}',
        [{"scene": "婚宴", "value": 1}, {"scene": "寿宴", "value": 2}, {"scene": "婚宴", "value": 0}],
    ],
    ids=["Chinese keys", "object", "lists", "words", "lines", "said twice"],
)
def test_ratings_are_read_in_the_forms_in_which_models_write_them(
    workspace: Workspace, api: LoopbackApi, answer: object
) -> None:
    scenes = [scene for scene in TOASTS.scenes if scene.text in ("婚宴", "寿宴")]
    recipe = TOASTS.model_copy(update={"scenes": tuple(scenes), "names": TOASTS.names[:1]})
    api.default = says(answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False))
    result = asyncio.run(advice.rate_cells(workspace, recipe, teacher(api), retry=QUICK))
    assert ({o.scene: o.value for o in result.opinions}, len(result.opinions)) == ({"婚宴": 1, "寿宴": 2}, 2)
    assert (result.faults, len(api.requests)) == ([], 1)
