"""The menu of a recipe: its title and description, copying it, YAML import and export."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.lists.recipe_words import begin_form, words_form
from pages.shared.frame import report_errors, use_recipe
from pages.shared.kept import TYPED, forget, forget_typed, kept_text
from pages.shared.kept_files import forget_files, kept_files
from pages.shared.text import plain
from tianji_core import models
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.recipe import DEFAULT_RECIPE, Recipe, built_in_recipes, dump_recipe, parse_recipe
from tianji_core.recipe.editing import changed
from tianji_core.store import recipes
from tianji_core.workspace import Workspace

Save = Callable[[Recipe, str, Callable[[], None] | None], None]


def recipe_menu(row: DeltaGenerator, workspace: Workspace, recipe: Recipe, revision: int, save: Save) -> None:
    """Draws the menu of the recipe into ``row``: what it is called, and what makes, moves or removes whole
    recipes; a built-in one cannot be removed."""
    removable = recipe.key not in built_in_recipes()
    with row.popover(_("改名 · 新建 · 导入导出"), icon="🌱"):
        titles = [_("改名和说明"), _("怎么叫"), _("新建配方"), _("复制成新配方"), _("YAML 导入导出")]
        named, called, begun, copied, moved, *removed = st.tabs(
            [*titles, _("删除配方")] if removable else titles
        )
        with named:
            _name_form(recipe, revision, save)
        with called:
            words_form(recipe, revision, save)
        with begun:
            begin_form(workspace)
        with copied:
            _copy_form(workspace, recipe)
        with moved:
            _files_form(workspace, recipe, save)
        for place in removed:
            with place:
                _remove_form(workspace, recipe)
    if error := st.session_state.pop("_menu_error", None):
        st.error(plain(error), icon="⚠️")


def _name_form(recipe: Recipe, revision: int, save: Save) -> None:
    titled, described = f"title_{recipe.key}", f"description_{recipe.key}"
    title = st.text_input(
        _("名称"), recipe.title, max_chars=40, **kept_text(f"title_{revision}", recipe.title, titled)
    )
    description = st.text_area(
        _("说明（写给人看，也会告诉提建议的模型）"),
        recipe.description,
        **kept_text(f"description_{revision}", recipe.description, described),
    )
    if st.button(_("保存"), key="save_title", type="primary", icon="💾"):
        with report_errors():
            forget(TYPED, {titled: f"title_{revision}", described: f"description_{revision}"})
            save(changed(recipe, title=title, description=description), _("名称和说明"), None)


def _copy_form(workspace: Workspace, recipe: Recipe) -> None:
    st.caption(_("列表、适配度、提示词都照抄一份，改成另一种任务；样本不会一起过去。"))
    title = st.text_input(_("新名称"), max_chars=40, placeholder=_("例如：道歉"), **kept_text("copy_title"))
    key = st.text_input(
        _("英文短名"), placeholder="apologies", help=_("小写字母、数字、- 和 _"), **kept_text("copy_key")
    )
    st.button(
        _("复制"),
        key="copy_recipe",
        type="primary",
        disabled=not (title.strip() and key.strip()),
        on_click=_copy,
        args=(workspace, recipe.key, key.strip(), title.strip()),
    )


def _files_form(workspace: Workspace, recipe: Recipe, save: Save) -> None:
    st.download_button(
        _("导出 YAML"),
        data=lambda: dump_recipe(recipe),
        file_name=f"{recipe.key}.yaml",
        key="export_recipe",
        icon="⬇️",
        on_click="ignore",
        width="stretch",
    )
    for upload in kept_files(_("配方文件"), ["yaml", "yml"], "import_recipe", largest=8):
        _import(workspace, recipe, upload.name, upload.getvalue(), save)


def _remove_form(workspace: Workspace, recipe: Recipe) -> None:
    st.write(_("配方和它的样本、数据集、训练、模型一起放进回收站（在模型页），可以恢复。"))
    st.button(
        _("确定删除"), key="remove_recipe", type="primary", on_click=_remove, args=(workspace, recipe.key)
    )


def _import(workspace: Workspace, recipe: Recipe, file: str, content: bytes, save: Save) -> None:
    """Draws the two ways of importing a recipe file: as a new recipe, or in place of the current one."""
    with report_errors():
        loaded = parse_recipe(content.decode("utf-8-sig", errors="replace"), file)
        st.button(
            _("作为新配方导入：{title}", title=plain(loaded.title)),
            key="import_recipe_new",
            type="primary",
            width="stretch",
            on_click=_add,
            args=(workspace, loaded),
        )
        if st.button(_("用它替换当前配方"), key="import_recipe_apply", width="stretch"):
            replaced = changed(loaded, key=recipe.key)
            forget_files("import_recipe")
            save(replaced, _("导入 {file}", file=file), None)


def _add(workspace: Workspace, loaded: Recipe) -> None:
    """Callback: stores the recipe beside the others, numbered where one has its short name or its title, and
    opens it."""
    try:
        key = recipes.add_beside(workspace.engine, loaded, _("导入配方")).recipe.key
        forget_files("import_recipe")
    except StudioError as error:
        st.session_state["_menu_error"] = str(error)
        return
    use_recipe(key)


def _copy(workspace: Workspace, source: str, key: str, title: str) -> None:
    """Callback: copies the recipe and opens the copy."""
    try:
        recipes.copy(workspace.engine, source, key, title)
        forget_typed("copy_title", "copy_key")
    except StudioError as error:
        st.session_state["_menu_error"] = str(error)
        return
    use_recipe(key)


def _remove(workspace: Workspace, key: str) -> None:
    """Callback: removes the recipe and opens the default one."""
    try:
        models.remove_recipe(workspace, key)
    except StudioError as error:
        st.session_state["_menu_error"] = str(error)
        return
    use_recipe(DEFAULT_RECIPE)
