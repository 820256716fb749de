"""Edited recipes: every save is kept, a stale save is refused, undo is a new revision."""

import pytest

from tianji_core.errors import ConflictError, RecipeError
from tianji_core.recipe import Name, built_in_recipes, load_recipe
from tianji_core.recipe.editing import ListRow, changed, edit_names, edit_scenes, edit_style, edit_styles
from tianji_core.roles import Role, acting_as
from tianji_core.store import recipes
from tianji_core.workspace import Workspace


def wishes():
    return load_recipe(built_in_recipes()["wishes"])


def rows(entries) -> list[ListRow]:
    return [ListRow(i, entry.model_dump(mode="json")) for i, entry in enumerate(entries)]


def test_before_the_first_save_the_built_in_recipe_is_current(workspace: Workspace) -> None:
    stored = recipes.current(workspace.engine, "wishes")
    assert (stored.revision, len(stored.recipe.names), len(stored.recipe.scenes)) == (0, 28, 18)


def test_save_undo_and_history(workspace: Workspace) -> None:
    recipe = wishes()
    longer = changed(recipe, names=(*recipe.names, Name(text="班主任", relation="teacher", pronoun="您")))
    first = recipes.save(workspace.engine, longer, 0, "加一个称谓")
    assert first.revision == 1
    recipes.restore(workspace.engine, "wishes", 0, 1)
    assert recipes.current(workspace.engine, "wishes").recipe == recipe
    assert [h.revision for h in recipes.history(workspace.engine, "wishes")] == [2, 1]


def test_the_second_of_two_tabs_is_told_and_nothing_is_overwritten(workspace: Workspace) -> None:
    recipe = wishes()
    recipes.save(workspace.engine, changed(recipe, title="甲"), 0, "甲")
    with pytest.raises(ConflictError, match="没有覆盖"):
        recipes.save(workspace.engine, changed(recipe, title="乙"), 0, "乙")
    assert recipes.current(workspace.engine, "wishes").recipe.title == "甲"


def test_an_unknown_recipe_lists_what_there_is(workspace: Workspace) -> None:
    with pytest.raises(RecipeError, match="wishes"):
        recipes.current(workspace.engine, "nothing")


def test_a_renamed_name_keeps_its_suitability() -> None:
    recipe = wishes()
    unsuitable = [(n, s) for (n, s), r in recipe.matrix().cells.items() if n == "爷爷" and r.value == 0]
    assert unsuitable
    table = rows(recipe.names)
    index = [n.text for n in recipe.names].index("爷爷")
    table[index] = ListRow(index, {**table[index].values, "text": "祖父"})
    edited = edit_names(recipe, table)
    assert all(edited.matrix().value("祖父", scene) == 0 for _name, scene in unsuitable)
    assert edited.name("爷爷") is None


def test_a_deleted_scene_takes_its_suitability_along() -> None:
    recipe = wishes()
    table = [row for row in rows(recipe.scenes) if row.values["text"] != "七夕节"]
    edited = edit_scenes(recipe, table)
    assert edited.scene("七夕节") is None
    assert not any("七夕节" in g.scenes for g in edited.suitability)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "  "}, "第 3 行没有填名字"),
        ({"text": None}, "第 3 行没有填名字"),
        ({"text": "赵老师 "}, "和第 1 行重复"),
        ({"relation": "alien"}, "第 3 行.*alien"),
        ({"text": "长" * 41}, "最多 40 个字"),
    ],
)
def test_a_wrong_row_is_named_by_its_number(change: dict[str, object], message: str) -> None:
    table = rows(wishes().names)
    table[2] = ListRow(2, {**table[2].values, **change})
    with pytest.raises(RecipeError, match=message):
        edit_names(wishes(), table)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(RecipeError, match="至少要留一个"):
        edit_names(wishes(), [])


def test_the_style_table_leaves_instruction_and_examples_alone() -> None:
    recipe = wishes()
    table = rows(recipe.styles)
    values = {k: v for k, v in table[0].values.items() if k not in ("instruction", "examples")}
    table[0] = ListRow(0, {**values, "max_chars": 66.0})
    table.append(
        ListRow(
            None,
            {"text": "播音腔", "min_chars": 10, "max_chars": 50, "suffix": ",播音腔风格", "enabled": True},
        )
    )
    edited = edit_styles(recipe, table)
    assert edited.styles[0].max_chars == 66
    assert edited.styles[0].examples == recipe.styles[0].examples
    assert "播音腔" in edited.styles[-1].instruction


def test_limits_in_the_wrong_order_are_refused() -> None:
    recipe = wishes()
    with pytest.raises(RecipeError, match="大于最多字数"):
        edit_style(recipe, recipe.styles[0].text, min_chars=90, max_chars=20)


def test_undo_walks_back_edit_by_edit_and_redo_forward_again(workspace: Workspace) -> None:
    def title() -> str:
        return recipes.current(workspace.engine, "wishes").recipe.title

    def newest() -> int:
        return recipes.current(workspace.engine, "wishes").revision

    for text in ("甲", "乙"):
        recipes.save(workspace.engine, changed(wishes(), title=text), newest(), text)
    assert recipes.redo_move(workspace.engine, "wishes") is None
    seen = []
    while recipes.undo(workspace.engine, "wishes", newest()):
        seen.append(title())
    assert seen == ["甲", wishes().title]
    move = recipes.redo_move(workspace.engine, "wishes")
    assert move is not None and move.note == "甲"
    while recipes.redo(workspace.engine, "wishes", newest()):
        seen.append(title())
    assert seen[2:] == ["甲", "乙"]


def test_an_edit_after_an_undo_leaves_nothing_to_redo(workspace: Workspace) -> None:
    recipes.save(workspace.engine, changed(wishes(), title="甲"), 0, "甲")
    recipes.undo(workspace.engine, "wishes", 1)
    recipes.save(workspace.engine, changed(wishes(), title="丙"), 2, "丙")
    assert recipes.redo_move(workspace.engine, "wishes") is None
    recipes.undo(workspace.engine, "wishes", 3)
    move = recipes.redo_move(workspace.engine, "wishes")
    assert move is not None and move.note == "丙"


def test_restoring_an_old_revision_can_be_undone(workspace: Workspace) -> None:
    recipes.save(workspace.engine, changed(wishes(), title="甲"), 0, "甲")
    recipes.restore(workspace.engine, "wishes", 0, 1)
    recipes.undo(workspace.engine, "wishes", 2)
    assert recipes.current(workspace.engine, "wishes").recipe.title == "甲"


def test_a_copy_is_a_recipe_of_its_own_that_cannot_be_undone_away(workspace: Workspace) -> None:
    made = recipes.copy(workspace.engine, "toasts", "family-toasts", "家宴敬酒")
    assert (made.recipe.title, made.recipe.key) == ("家宴敬酒", "family-toasts")
    assert recipes.titles(workspace.engine)["family-toasts"] == "家宴敬酒"
    assert recipes.undo_move(workspace.engine, "family-toasts") is None
    with pytest.raises(RecipeError, match="已经有配方"):
        recipes.copy(workspace.engine, "wishes", "toasts", "又一个")
    with pytest.raises(RecipeError, match="key"):
        recipes.copy(workspace.engine, "wishes", "家宴", "又一个")


def test_every_built_in_recipe_has_its_title_and_the_default_one_comes_first(workspace: Workspace) -> None:
    assert recipes.titles(workspace.engine) == {
        "wishes": "送祝福",
        "thanks": "答谢与送礼留言",
        "toasts": "敬酒词",
        "tutorial": "送祝福（教程）",
    }


def test_style_gaps_follow_renamed_entries_and_go_with_deleted_ones() -> None:
    recipe = load_recipe(built_in_recipes()["toasts"])
    styles = rows(recipe.styles)
    index = [s.text for s in recipe.styles].index("幽默")
    styles[index] = ListRow(index, {**styles[index].values, "text": "诙谐"})
    scenes = [row for row in rows(recipe.scenes) if row.values["text"] != "寿宴"]
    edited = edit_scenes(edit_styles(recipe, styles), scenes)
    assert edited.gap("诙谐", "客户王总", "商务宴请") is not None
    assert not any(g.styles == ("诙谐",) and not g.names for g in edited.style_gaps), "never widens"


def test_a_removed_recipe_is_not_listed_and_can_be_brought_back(workspace: Workspace) -> None:
    engine = workspace.engine
    recipes.copy(engine, "wishes", "apologies", "道歉")
    recipes.remove(engine, "apologies")
    assert "apologies" not in recipes.keys(engine) and "apologies" not in recipes.titles(engine)
    assert recipes.removed(engine) == {"apologies"}
    with pytest.raises(RecipeError, match="已经有"):
        recipes.copy(engine, "wishes", "apologies", "道歉")
    assert recipes.free_key(engine, "apologies") == "apologies-2"
    recipes.bring_back(engine, "apologies")
    assert recipes.titles(engine)["apologies"] == "道歉"
    with pytest.raises(RecipeError, match="没有被删除"):
        recipes.bring_back(engine, "apologies")
    with pytest.raises(RecipeError, match="内置"):
        recipes.remove(engine, "wishes")


def test_who_saved_is_kept_and_named_to_whoever_saves_on_an_older_revision(workspace: Workspace) -> None:
    recipe = wishes()
    acting_as(lambda: Role.OWNER, lambda: "小王")
    try:
        recipes.save(workspace.engine, recipe, 0, "改了称谓")
        acting_as(lambda: Role.OWNER, lambda: "小李")
        with pytest.raises(ConflictError, match="小王 已经保存了第 1 版（改了称谓）"):
            recipes.save(workspace.engine, recipe, 0, "改了场景")
    finally:
        acting_as(lambda: Role.OWNER)
    assert [entry.who for entry in recipes.history(workspace.engine, "wishes")] == ["小王"]
