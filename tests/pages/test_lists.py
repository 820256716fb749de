"""列表页 and 适配度页: what a person changes is a new revision, and can be taken back."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tianji_core.recipe import kept_cells
from tianji_core.recipe.editing import changed
from tianji_core.store import recipes
from tianji_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def open_page(path: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    at = at.switch_page(path).run()
    assert not at.exception
    return at


def errors(at: AppTest) -> str:
    return " ".join(element.value for element in at.error)


def test_prompts_are_saved_and_undone(workspace: Workspace) -> None:
    at = open_page("pages/data/lists.py")
    at.text_area(key="system_0").set_value("你是祝福大师").run()
    at.button(key="save_prompts").click().run()
    assert recipes.current(workspace.engine, "wishes").recipe.prompts.system == "你是祝福大师"
    at.button(key="undo_save").click().run()
    assert recipes.current(workspace.engine, "wishes").recipe.prompts.system != "你是祝福大师"


def test_a_teacher_prompt_without_its_fields_is_refused_in_one_sentence(workspace: Workspace) -> None:
    at = open_page("pages/data/lists.py")
    at.text_area(key="teacher_0").set_value("写一句祝福").run()
    at.button(key="save_prompts").click().run()
    assert "模板缺少字段" in errors(at)
    assert recipes.current(workspace.engine, "wishes").revision == 0


def test_the_preview_shows_the_prompt_of_the_style_being_edited(workspace: Workspace) -> None:
    at = open_page("pages/data/lists.py")
    at.selectbox(key="style_detail").select("小红书").run()
    assert not at.exception
    assert any("小红书" in block.value for block in at.code)


def test_another_tab_saved_first_and_nothing_is_overwritten_or_lost(workspace: Workspace) -> None:
    at = open_page("pages/data/lists.py")
    at.text_area(key="system_0").set_value("这一页的").run()
    recipe = recipes.current(workspace.engine, "wishes").recipe
    recipes.save(workspace.engine, changed(recipe, title="另一页的"), 0, "另一页")
    at.button(key="save_prompts").click().run()
    assert "没有覆盖" in errors(at)
    assert at.text_area(key="system_0").value == "这一页的"
    assert recipes.current(workspace.engine, "wishes").recipe.title == "另一页的"
    at.button(key="reopen_lists").click().run()
    assert at.text_area(key="system_1").value == recipe.prompts.system


@pytest.mark.parametrize("value", [0, 2])
def test_the_threshold_changes_how_many_cells_are_kept(workspace: Workspace, value: int) -> None:
    at = open_page("pages/data/heatmap.py")
    before = recipes.current(workspace.engine, "wishes").recipe
    at.segmented_control(key="threshold_0").set_value(value).run()
    assert not at.exception
    after = recipes.current(workspace.engine, "wishes").recipe
    assert after.threshold == value
    shown = {metric.label: metric.value for metric in at.metric}
    assert shown["会造数的格子"] == str(len(kept_cells(after, value)))
    assert len(kept_cells(after, value)) != len(kept_cells(before, before.threshold))


def test_cells_can_be_changed_without_a_mouse(workspace: Workspace) -> None:
    at = open_page("pages/data/heatmap.py")
    at.multiselect(key="cell_names").set_value(["姐姐", "妹妹"])
    at.multiselect(key="cell_scenes").set_value(["生日"])
    at.selectbox(key="cell_value").set_value(0)
    at.text_input(key="cell_reason").set_value("试试")
    next(b for b in at.button if b.label == "修改").click().run()
    matrix = recipes.current(workspace.engine, "wishes").recipe.matrix()
    assert [matrix.rating(name, "生日") for name in ("姐姐", "妹妹")] == [(0, "试试"), (0, "试试")]
    at.button(key="undo_recipe").click().run()
    assert recipes.current(workspace.engine, "wishes").recipe.matrix().value("姐姐", "生日") == 2
