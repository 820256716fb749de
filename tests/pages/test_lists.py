"""列表页 and 适配度页: what a person changes is a new revision, and can be taken back."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.loopback import loopback_api, says
from tianji_core import advice, jobs
from tianji_core.advice import ListKind
from tianji_core.drafts import FormDraft, changing_draft, load_draft
from tianji_core.recipe import dump_recipe, kept_cells
from tianji_core.recipe.editing import changed
from tianji_core.roles import Role, acting_as
from tianji_core.store import recipes, samples, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, NewSample
from tianji_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def open_page(path: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    for name, value in query.items():
        at.query_params[name] = value
    at = at.switch_page(path).run()
    assert not at.exception
    return at


def errors(at: AppTest) -> str:
    return " ".join(element.value for element in at.error)


def test_prompts_are_saved_and_undone(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="提示词")
    at.text_area(key="system_0").set_value("你是祝福大师").run()
    at.button(key="save_prompts").click().run()
    assert recipes.current(workspace.engine, "wishes").recipe.prompts.system == "你是祝福大师"
    at.button(key="undo_recipe").click().run()
    assert recipes.current(workspace.engine, "wishes").recipe.prompts.system != "你是祝福大师"


def test_prompts_that_are_not_saved_yet_are_there_again_until_they_are_or_are_given_up(
    workspace: Workspace,
) -> None:
    at = open_page("pages/lists/page.py", list="提示词")
    before = at.text_area(key="system_0").value
    at.text_area(key="system_0").set_value("你是祝福大师").run()
    at.text_area(key="teacher_0").set_value("写到一半").run()
    idle = open_page("pages/lists/page.py", list="称谓")
    idle.segmented_control(key="list").set_value("prompts").run()
    idle.run()
    again = open_page("pages/lists/page.py", list="提示词")
    assert again.text_area(key="system_0").value == "你是祝福大师"
    assert any("没保存" in caption.value for caption in again.caption)
    again.button(key="save_prompts").click().run()  # the template lacks its fields: refused, nothing is lost
    assert open_page("pages/lists/page.py", list="提示词").text_area(key="teacher_0").value == "写到一半"
    again.button(key="forget_prompts-wishes").click().run()
    assert again.text_area(key="system_0").value == before
    again.text_area(key="system_0").set_value("你是大师").run()
    again.button(key="save_prompts").click().run()
    other = recipes.current(workspace.engine, "wishes")
    prompts = other.recipe.prompts.model_copy(update={"system": "别处改的"})
    recipes.save(workspace.engine, changed(other.recipe, prompts=prompts.model_dump()), other.revision, "")
    assert open_page("pages/lists/page.py", list="提示词").text_area(key="system_2").value == "别处改的"


def test_a_save_takes_nothing_from_what_another_tab_typed_in_the_same_form(workspace: Workspace) -> None:
    first = open_page("pages/lists/page.py", list="提示词")
    second = open_page("pages/lists/page.py", list="提示词")
    first.text_area(key="system_0").set_value("你是祝福大师").run()
    second.text_area(key="teacher_0").set_value("第二页写到一半").run()
    first.button(key="save_prompts").click().run()
    assert recipes.current(workspace.engine, "wishes").recipe.prompts.system == "你是祝福大师"
    third = open_page("pages/lists/page.py", list="提示词")
    assert third.text_area(key="system_1").value == "你是祝福大师"
    assert third.text_area(key="teacher_1").value == "第二页写到一半"


def test_a_style_that_is_not_saved_yet_is_there_again(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="风格", style_detail="严肃")
    at.text_area(key="instruction_严肃_0").set_value("写得庄重").run()
    at.number_input(key="max_chars_严肃_0").set_value(77).run()
    again = open_page("pages/lists/page.py", list="风格", style_detail="严肃")
    assert again.text_area(key="instruction_严肃_0").value == "写得庄重"
    assert again.number_input(key="max_chars_严肃_0").value == 77
    again.button(key="save_style").click().run()
    style = recipes.current(workspace.engine, "wishes").recipe.style("严肃")
    assert style is not None and (style.instruction, style.max_chars) == ("写得庄重", 77)
    assert not any("没保存" in caption.value for caption in again.caption)


def test_a_teacher_prompt_without_its_fields_is_refused_in_one_sentence(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="提示词")
    at.text_area(key="teacher_0").set_value("写一句祝福").run()
    at.button(key="save_prompts").click().run()
    assert "模板缺少字段" in errors(at)
    assert recipes.current(workspace.engine, "wishes").revision == 0


def test_the_preview_shows_the_prompt_of_the_style_being_edited(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="风格")
    at.radio(key="style_detail").set_value("小红书").run()
    at.selectbox(key="preview_name").select("医生").run()
    at.selectbox(key="preview_scene").select("康复").run()
    at.number_input(key="max_chars_小红书_0").set_value(44).run()
    assert not at.exception and not at.error
    prompt, inputs = (block.value for block in at.code)
    assert "小红书" in prompt and "医生" in prompt and "不超过 44 个字" in prompt
    wishes = recipes.current(workspace.engine, "wishes").recipe
    assert len(inputs.splitlines()) == len(wishes.input_templates)
    assert inputs.splitlines()[0] == "祝医生康复,小红书风格"
    assert any(f"{len(prompt)} 字，约" in c.value for c in at.caption)


def test_a_style_is_edited_in_detail(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="风格")
    at.text_input(key="suffix_正常_0").set_value("，好好说话").run()
    at.number_input(key="min_chars_正常_0").set_value(70).run()
    assert "大于最多字数" in errors(at)
    at.number_input(key="min_chars_正常_0").set_value(15).run()
    at.button(key="save_style").click().run()
    style = recipes.current(workspace.engine, "wishes").recipe.styles[0]
    assert (style.suffix, style.min_chars) == ("，好好说话", 15)


def test_pasted_names_are_previewed_and_only_new_ones_added(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py")
    at.text_area(key="paste_names").set_value("班长\n赵老师 \n班主任，师长，您\n怪人，外星人\n班长").run()
    shown = at.dataframe[-1].value
    assert list(shown["行"]) == [1, 2, 3, 4, 5]
    assert [text.split()[-1] for text in shown["结果"]] == [
        "新增",
        "重复，跳过",
        "新增",
        "有错，跳过",
        "重复，跳过",
    ]
    assert shown["说明"][4] == "和第 1 行重复"
    at.button(key="paste_add_names").click().run()
    names = recipes.current(workspace.engine, "wishes").recipe.names
    assert [(n.text, n.relation, n.pronoun.value) for n in names[28:]] == [
        ("班长", "friend", "你"),
        ("班主任", "teacher", "您"),
    ]
    assert at.text_area(key="paste_names").value == ""
    at.button(key="undo_recipe").click().run()
    assert len(recipes.current(workspace.engine, "wishes").recipe.names) == 28


def test_a_recipe_is_copied_under_a_new_name_and_used(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py")
    at.text_input(key="copy_title").set_value("道歉").run()
    at.text_input(key="copy_key").set_value("wishes").run()
    at.button(key="copy_recipe").click().run()
    assert "已经有配方" in errors(at)
    at.text_input(key="copy_key").set_value("apologies").run()
    at.button(key="copy_recipe").click().run()
    assert workspace.settings().recipe == "apologies"
    assert at.sidebar.selectbox(key="recipe_switch").value == "apologies"
    assert any("道歉" in m.value for m in at.markdown)
    file = (
        "道歉.yaml",
        dump_recipe(recipes.current(workspace.engine, "apologies").recipe).encode(),
        "text/yaml",
    )
    at.file_uploader(key="import_recipe").set_value([file]).run()
    at.button(key="import_recipe_new").click().run()
    assert workspace.settings().recipe == "apologies-2"
    assert recipes.current(workspace.engine, "apologies-2").recipe.title == "道歉 2"


def test_suggestions_are_ticked_and_saved_as_one_revision(workspace: Workspace) -> None:
    with loopback_api() as api:
        own = f"lab:\n  title: 实验室\n  sdk: openai\n  base_url: {api.url}\n"
        own += "  models: [{name: loopback-model}]\n"
        (workspace.home / "providers.yaml").write_text(own, encoding="utf-8")
        api.default = says('[{"text": "开业", "kind": "career"}, {"text": "生日", "kind": "life_event"}]')
        at = open_page("pages/lists/page.py", list="场景")
        assert at.button(key="suggest_scenes").disabled
        assert any("离线造句" in i.value for i in at.info)
        at.selectbox(key="suggest_scenes_provider").select("lab").run()
        at.button(key="suggest_scenes").click().run()
        job = advice.suggesting_job(workspace, "wishes", ListKind.SCENES)
        assert job is not None
        jobs.wait(workspace, job.id, timeout=60)
        at = open_page("pages/lists/page.py", list="场景")  # another tab finds the answer
        assert any("已经有了" in t.value for t in at.text)
        with changing_draft(workspace, "typed") as draft:  # the tick of a suggestion was taken away there
            draft.values["suggested_wishes_scenes_"] = ["开业"]
        untaken = open_page("pages/lists/page.py", list="场景")
        assert untaken.button(key="suggest_take_scenes").disabled
        at.button(key="suggest_take_scenes").click().run()
    assert load_draft(workspace, "typed") == FormDraft()
    stored = recipes.current(workspace.engine, "wishes")
    assert stored.revision == 1 and stored.recipe.scenes[-1].text == "开业"


@pytest.mark.parametrize("part", ["称谓", "场景", "风格", "随机注入", "训练输入", "提示词"])
@pytest.mark.parametrize("key", ["toasts", "thanks"])
def test_every_list_of_the_other_recipes_is_shown(workspace: Workspace, key: str, part: str) -> None:
    workspace.save_settings(workspace.settings().model_copy(update={"recipe": key}))
    at = open_page("pages/lists/page.py", list=part)
    assert not at.error


def test_another_tab_saved_first_and_nothing_is_overwritten_or_lost(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="提示词")
    at.text_area(key="system_0").set_value("这一页的").run()
    recipe = recipes.current(workspace.engine, "wishes").recipe
    recipes.save(workspace.engine, changed(recipe, title="另一页的"), 0, "另一页")
    at.button(key="save_prompts").click().run()
    assert "没有覆盖" in errors(at)
    assert at.text_area(key="system_0").value == "这一页的"
    assert recipes.current(workspace.engine, "wishes").recipe.title == "另一页的"
    at.button(key="reopen_lists").click().run()
    assert at.text_area(key="system_1").value == "这一页的"  # on top of what the other tab saved
    at.button(key="save_prompts").click().run()
    newest = recipes.current(workspace.engine, "wishes").recipe
    assert (newest.title, newest.prompts.system) == ("另一页的", "这一页的")


def test_what_others_saved_is_named_with_who_and_which_entries(workspace: Workspace) -> None:
    before = recipes.current(workspace.engine, "wishes").recipe
    at = open_page("pages/lists/page.py")
    assert not at.warning
    names = (before.names[0].model_copy(update={"enabled": False}), *before.names[2:])
    scenes = (*before.scenes, before.scenes[0].model_copy(update={"text": "开业"}))
    acting_as(lambda: Role.OWNER, lambda: "王老师")
    try:
        recipes.save(workspace.engine, changed(before, names=names, scenes=scenes), 0, "称谓")
    finally:
        acting_as(lambda: Role.OWNER)
    at.run()
    assert "王老师 已经保存了第 1 版（称谓），这里显示的是第 0 版" in at.warning[0].value
    said = "\n".join(caption.value for caption in at.caption)
    assert "称谓：删去 大舅；改了 赵老师" in said and "场景：新增 开业" in said
    at.button(key="reopen_lists").click().run()
    assert not at.warning and not at.exception


@pytest.mark.parametrize("value", [0, 2])
def test_the_threshold_changes_how_many_cells_are_kept(workspace: Workspace, value: int) -> None:
    at = open_page("pages/heatmap/page.py")
    before = recipes.current(workspace.engine, "wishes").recipe
    at.segmented_control(key="threshold_0").set_value(value).run()
    assert not at.exception
    after = recipes.current(workspace.engine, "wishes").recipe
    assert after.threshold == value
    kept = len(kept_cells(after, value))
    assert any(f"**{kept}** 个会造数" in element.value for element in at.caption)
    assert len(kept_cells(after, value)) != len(kept_cells(before, before.threshold))


def test_cells_can_be_changed_without_a_mouse(workspace: Workspace) -> None:
    at = open_page("pages/heatmap/page.py")
    at.multiselect(key="cell_names").set_value(["姐姐", "妹妹"])
    at.multiselect(key="cell_scenes").set_value(["生日"])
    at.selectbox(key="cell_value").set_value(0)
    at.text_input(key="cell_reason").set_value("试试")
    next(b for b in at.button if b.label == "修改").click().run()
    matrix = recipes.current(workspace.engine, "wishes").recipe.matrix()
    assert [matrix.rating(name, "生日") for name in ("姐姐", "妹妹")] == [(0, "试试"), (0, "试试")]
    at.button(key="undo_recipe").click().run()
    assert recipes.current(workspace.engine, "wishes").recipe.matrix().value("姐姐", "生日") == 2


def shown_names(at: AppTest, key: str = "names_0") -> list[str]:
    return list(at.data_editor(key=key).value["text"])


def test_a_table_that_is_not_saved_yet_is_there_again_until_it_is_or_is_given_up(
    workspace: Workspace,
) -> None:
    at = open_page("pages/lists/page.py", list="称谓")
    before = shown_names(at)
    at.session_state["names_0"] = {
        "edited_rows": {0: {"text": "钱老师"}},
        "added_rows": [{"text": "班长", "relation": "friend", "pronoun": "你", "enabled": True}],
        "deleted_rows": [1],
    }
    at.run()
    typed = ["钱老师", *before[2:], "班长"]
    at.segmented_control(key="list").set_value("scenes").run()
    at.segmented_control(key="list").set_value("names").run()
    assert shown_names(at) == typed, "after another list"
    at.switch_page("pages/chat/page.py").run()
    at.switch_page("pages/lists/page.py").run()
    assert shown_names(at) == typed, "after another page"

    again = open_page("pages/lists/page.py", list="称谓")
    assert shown_names(again) == typed, "after a refresh, and in a second tab"
    assert any("没保存" in caption.value for caption in again.caption)
    again.button(key="forget_names").click().run()
    assert shown_names(again, "names_0_1") == before
    assert shown_names(open_page("pages/lists/page.py", list="称谓")) == before

    again.session_state["names_0_1"] = {"edited_rows": {0: {"text": "孙老师"}}}
    again.run()
    assert not any("改名" in note.value for note in again.info), "this name has no samples"
    again.button(key="save_names").click().run()
    recipe = recipes.current(workspace.engine, "wishes").recipe
    assert [name.text for name in recipe.names] == ["孙老师", *before[1:]]
    assert not any("没保存" in caption.value for caption in again.caption)


def test_two_tabs_edit_the_same_table_and_lose_nothing(workspace: Workspace) -> None:
    first = open_page("pages/lists/page.py", list="场景")
    second = open_page("pages/lists/page.py", list="场景")
    before = list(first.data_editor(key="scenes_0").value["text"])
    first.session_state["scenes_0"] = {"edited_rows": {0: {"text": "满月"}}}
    second.session_state["scenes_0"] = {"edited_rows": {1: {"greeting": "春节快乐呀"}}}
    first.run()
    second.run()
    third = open_page("pages/lists/page.py", list="场景")
    table = third.data_editor(key="scenes_0").value
    assert list(table["text"]) == ["满月", *before[1:]]
    assert table["greeting"][1] == "春节快乐呀"

    first.button(key="save_scenes").click().run()
    assert recipes.current(workspace.engine, "wishes").recipe.scenes[0].text == "满月"
    fourth = open_page("pages/lists/page.py", list="场景").data_editor(key="scenes_1").value
    assert list(fourth["text"]) == ["满月", *before[1:]]
    assert fourth["greeting"][1] == "春节快乐呀", "the other tab's edit stays, on top of what was saved"


def test_examples_that_are_not_saved_yet_are_there_again(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="风格", style_detail="严肃")
    before = list(at.data_editor(key="examples_严肃_0").value["text"])
    at.session_state["examples_严肃_0"] = {"added_rows": [{"text": "谨祝您生日快乐，福寿安康，阖家幸福。"}]}
    at.run()
    again = open_page("pages/lists/page.py", list="风格", style_detail="严肃")
    typed = list(again.data_editor(key="examples_严肃_0").value["text"])
    assert typed == [*before, "谨祝您生日快乐，福寿安康，阖家幸福。"]
    again.button(key="save_style").click().run()
    style = recipes.current(workspace.engine, "wishes").recipe.style("严肃")
    assert style is not None and list(style.examples) == typed
    assert not any("没保存" in caption.value for caption in again.caption)


def test_a_damaged_draft_of_a_table_opens_it_without_what_cannot_be_shown(workspace: Workspace) -> None:
    path = workspace.home / "drafts" / "lists-wishes.json"
    path.parent.mkdir()
    path.write_text(
        '{"tables": {"styles": {"changed": {"严肃": {"max_chars": "很多", "enabled": "?", "text": 7}}}}}',
        "utf-8",
    )
    at = open_page("pages/lists/page.py", list="风格")
    assert len(at.data_editor(key="styles_0").value) == len(
        recipes.current(workspace.engine, "wishes").recipe.styles
    )


def test_a_style_is_moved_and_the_move_can_be_undone(workspace: Workspace) -> None:
    names = [style.text for style in recipes.current(workspace.engine, "wishes").recipe.styles]
    at = open_page("pages/lists/page.py", list="风格", style_detail=names[1])
    at.button(key="style_up").click().run()
    moved = [style.text for style in recipes.current(workspace.engine, "wishes").recipe.styles]
    assert moved[:2] == [names[1], names[0]] and moved[2:] == names[2:]
    assert at.button(key="style_up").disabled
    at.button(key="undo_recipe").click().run()
    assert [style.text for style in recipes.current(workspace.engine, "wishes").recipe.styles] == names


def test_a_placeholder_is_offered_beside_the_template_and_added_by_a_click(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="提示词")
    before = at.text_area(key="teacher_0").value
    assert "place_teacher_0_name" not in {button.key for button in at.button}
    assert any("`{name}` `{relation}`" in caption.value for caption in at.caption)
    at.button(key="place_teacher_0_fact").click().run()
    assert at.text_area(key="teacher_0").value == before + "{fact}"
    again = open_page("pages/lists/page.py", list="提示词")
    assert again.text_area(key="teacher_0").value == before + "{fact}"


def test_the_other_requests_stand_in_a_view_of_their_own(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="提示词")
    assert "request_kind" not in {choice.key for choice in at.selectbox}
    at.segmented_control(key="prompts_of").select("requests").run()
    assert not at.exception and at.selectbox(key="request_kind").value
    linked = open_page("pages/lists/page.py", list="提示词", request_kind="rewriting")
    assert linked.segmented_control(key="prompts_of").value == "requests"
    assert linked.text_area(key="request_rewriting_0").value


def test_a_condition_is_switched_on_changed_and_added_by_clicking(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="条件")
    at.toggle(key="axis_on_length_0").set_value(True).run()
    assert recipes.current(workspace.engine, "wishes").recipe.axes[0].enabled
    at.text_area(key="words_length_short_1").set_value("短一点\n\n三言两语").run()
    at.button(key="save_option").click().run()
    at.text_input(key="new_axis_title").set_value("平台").run()
    at.text_input(key="new_axis_options").set_value("微信，短信").run()
    at.button(key="add_axis").click().run()
    assert not at.exception and not at.error
    axes = recipes.current(workspace.engine, "wishes").recipe.axes
    assert axes[0].options[0].words == ("短一点", "三言两语") and axes[0].enabled
    assert [option.title for option in axes[2].options] == ["微信", "短信"] and not axes[2].enabled


def test_limits_of_an_option_in_one_style_are_saved_and_wrong_ones_are_said(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="条件")
    at.selectbox(key="axis_style").select("正常").run()
    at.number_input(key="low_length_short_正常_0").set_value(90).run()
    at.button(key="save_option").click().run()
    assert "90" in errors(at) and "34" in errors(at)
    at.number_input(key="low_length_short_正常_0").set_value(12).run()
    at.button(key="save_option").click().run()
    short = recipes.current(workspace.engine, "wishes").recipe.axes[0].options[0]
    assert short.limits("正常") == (12, 34) and short.limits("严肃") == (25, 44)


def test_one_button_saves_both_sides_of_an_option(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="条件")
    at.text_area(key="words_length_short_0").set_value("三言两语").run()
    at.text_area(key="examples_length_short_所有风格_0").set_value("生日快乐，天天开心！\n\n万事顺意。").run()
    at.button(key="save_option").click().run()
    short = recipes.current(workspace.engine, "wishes").recipe.axes[0].options[0]
    assert short.words == ("三言两语",)
    assert short.examples == ("生日快乐，天天开心！", "万事顺意。")
    assert not [button for button in at.button if (button.key or "").startswith("forget_")]


def test_limits_and_examples_typed_for_one_style_stay_when_something_else_is_saved(
    workspace: Workspace,
) -> None:
    at = open_page("pages/lists/page.py", list="条件")
    at.selectbox(key="axis_style").select("正常").run()
    at.number_input(key="low_length_short_正常_0").set_value(12).run()
    at.text_area(key="examples_length_short_正常_0").set_value("妹妹，生日快乐，天天开心！").run()
    at.toggle(key="axis_on_length_0").set_value(True).run()  # saved at once: the recipe's next revision
    assert at.number_input(key="low_length_short_正常_1").value == 12
    assert at.text_area(key="examples_length_short_正常_1").value == "妹妹，生日快乐，天天开心！"


def test_a_condition_without_options_is_refused_and_what_was_typed_stays(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="条件")
    at.text_input(key="new_axis_title").set_value("平台").run()
    at.button(key="add_axis").click().run()
    assert "没有选项" in errors(at)
    assert at.text_input(key="new_axis_title").value == "平台"


def test_facts_are_pasted_told_in_inputs_and_taken_back(workspace: Workspace) -> None:
    at = open_page("pages/lists/page.py", list="细节")
    at.text_area(key="paste_facts").set_value("他刚带完高三\t赵老师\n他爱钓鱼\n坏的\t没有这人").run()
    at.button(key="paste_add_facts").click().run()
    assert not at.exception
    assert [fact.text for fact in recipes.current(workspace.engine, "wishes").recipe.facts] == [
        "他刚带完高三",
        "他爱钓鱼",
    ]
    at.slider(key="fact_share_1").set_value(80).run()
    at.toggle(key="facts_in_input_1").set_value(True).run()
    assert open_page("pages/lists/page.py", list="细节").slider(key="fact_share_1").value == 80
    at.button(key="save_facts_use").click().run()
    saved = recipes.current(workspace.engine, "wishes").recipe
    assert saved.fact_share == 0.8 and saved.facts_in_input
    at.button(key="undo_recipe").click().run()
    at.button(key="undo_recipe").click().run()
    assert recipes.current(workspace.engine, "wishes").recipe.facts == ()


def test_samples_follow_a_renamed_name_and_come_back_with_the_list(workspace: Workspace) -> None:
    asked = NewSample("wishes", "系统", "祝赵老师生日快乐", "赵老师，生日快乐！", "赵老师", "生日", "正常")
    with writing(workspace.engine) as connection:
        (number,) = samples.insert_new(connection, [asked], IMPORT)
    at = open_page("pages/lists/page.py", list="称谓")
    row = shown_names(at).index("赵老师")
    at.session_state["names_0"] = {"edited_rows": {row: {"text": "王\u200b老师"}}}
    at.run()
    assert samples.get(workspace.engine, number).name == "赵老师", "nothing happens before it is saved"
    assert "1 条样本跟着改名：“赵老师”→“王老师”" in at.toggle(key="samples_follow").label
    assert any("1 条正文里的称谓换成新的" in c.value for c in at.caption), [c.value for c in at.caption]
    assert any("1 条样本会跟着改名" in c.value for c in at.caption), "beside the button that saves"
    at.button(key="save_names").click().run()
    assert not at.exception
    followed = samples.get(workspace.engine, number)
    assert (followed.name, followed.input, followed.output) == (
        "王老师",
        "祝王老师生日快乐",
        "王老师，生日快乐！",
    )
    at.button(key="undo_recipe").click().run()
    assert samples.get(workspace.engine, number).output == "赵老师，生日快乐！"
    at.button(key="redo_recipe").click().run()
    now = samples.get(workspace.engine, number)
    assert now.name == "王老师"
    steps.edit(workspace.engine, "wishes", number, now.version, "王老师，改过的一句。", "我")
    at.button(key="undo_recipe").click().run()
    assert "列表也没有动" in errors(at)
    assert recipes.current(workspace.engine, "wishes").recipe.name("王老师") is not None
    at.button(key="restore_built_in").click().run()
    assert not at.exception
    now = samples.get(workspace.engine, number)
    assert (now.name, now.output) == ("赵老师", "赵老师，改过的一句。"), "a restored list takes them along"
    at.button(key="undo_recipe").click().run()
    assert samples.get(workspace.engine, number).name == "王老师"


def test_samples_keep_their_name_where_they_are_not_to_follow(workspace: Workspace) -> None:
    asked = NewSample("wishes", "系统", "祝姐姐生日快乐", "姐姐，生日快乐！", "姐姐", "生日", "正常")
    with writing(workspace.engine) as connection:
        (number,) = samples.insert_new(connection, [asked], IMPORT)
    at = open_page("pages/lists/page.py", list="场景")
    row = list(at.data_editor(key="scenes_0").value["text"]).index("生日")
    at.session_state["scenes_0"] = {"edited_rows": {row: {"text": "寿辰"}}}
    at.run()
    at.toggle(key="samples_follow").set_value(False).run()
    at.button(key="save_scenes").click().run()
    assert not at.exception and samples.get(workspace.engine, number).scene == "生日"
    assert recipes.current(workspace.engine, "wishes").recipe.scene("寿辰") is not None
