"""列表: the names, scenes, styles, random clauses, prompts and input templates of the open recipe."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.lists.axis_editor import axis_editor
from pages.lists.bank_part import bank_box
from pages.lists.dragging import drag_box
from pages.lists.facts_part import facts_coverage, facts_settings
from pages.lists.list_paste import paste_box
from pages.lists.placeholders import offer_placeholders, placeholder_help
from pages.lists.prompts_part import prompts_part
from pages.lists.recipe_menu import recipe_menu
from pages.lists.recipe_tables import (
    facts_table,
    kinds_table,
    lines_table,
    names_table,
    scenes_table,
    styles_table,
    table_form,
)
from pages.lists.renaming import follow_switch
from pages.lists.style_editor import style_editor
from pages.lists.suggesting import suggest_box
from pages.shared.bound import bound
from pages.shared.frame import opened_recipe, remember_notice, reopen_recipe, report_errors
from pages.shared.header import page_header
from pages.shared.kept import save_bar
from pages.shared.kept_table import forget_table, table_is_edited
from pages.shared.list_titles import list_title
from pages.shared.recipe_history import follow, history_list, undo_redo
from pages.shared.text import plain
from tianji_core.advice import ListKind
from tianji_core.errors import RecipeError
from tianji_core.i18n import _, _c
from tianji_core.recipe import Recipe
from tianji_core.recipe.editing import (
    ListRow,
    edit_facts,
    edit_kinds,
    edit_lines,
    edit_names,
    edit_scenes,
    edit_styles,
)
from tianji_core.recipe.model import INPUT_FIELDS
from tianji_core.recipe.tables import Listing
from tianji_core.review import RenamedList, RenameEntries
from tianji_core.store import recipes

workspace = page_header(
    "lists", _("列表"), _("写给谁、写什么、怎么写，都在配方里。改完一张表就保存，任何一次保存都可以撤销。")
)
stored = opened_recipe("lists")
recipe, revision = stored.recipe, stored.revision
words = recipe.words.shown()


def reopen() -> None:
    """Shows the newest revision."""
    reopen_recipe("lists")


def save(
    new: Recipe,
    what: str,
    then: Callable[[], None] | None = None,
    renamed: RenameEntries | None = None,
) -> None:
    """Saves the edited recipe as a new revision; ``then`` is called once it is stored, and the samples of
    what is ``renamed`` follow."""
    recipes.save(workspace.engine, new, revision, what)
    if then is not None:
        then()
    reopen()
    remember_notice(_("已保存：{what}", what=what))
    if renamed is not None:
        follow(workspace, recipe.key, renamed)
    st.rerun()


def save_table(
    edit: Callable[[Recipe, Sequence[ListRow]], Recipe], rows: Sequence[ListRow], name: str, what: str
) -> None:
    """Draws the button that saves the table with this name, or the error of its first invalid row."""
    table = f"{name}_{revision}"

    def forget_edits() -> None:
        forget_table(table_form(recipe), name, table)

    edited = None
    try:
        edited = edit(recipe, rows)
    except RecipeError as error:
        st.error(plain(str(error)), icon="⚠️")
    changes = edited is not None and edited != recipe
    request, told = None, ""
    if edited is not None and changes and name in ("names", "scenes", "styles"):
        listing: RenamedList = name  # type: ignore[assignment]
        request, told = follow_switch(workspace, recipe, edited, rows, listing, revision)
    pressed = save_bar(f"save_{name}", name, table_is_edited(table), forget_edits, not changes, told)
    if pressed and edited is not None:
        save(edited, what, forget_edits, request)


def names_part() -> None:
    """Draws 称谓."""
    save_table(edit_names, names_table(recipe, f"names_{revision}"), "names", words.name)
    kinds_part("relations", _("关系有哪些"), _("关系"))
    drag_box(recipe, Listing.NAMES, words.name, save)
    paste_box(recipe, Listing.NAMES, words.name, save)
    suggest_box(workspace, recipe, ListKind.NAMES, words.name, save)


def kinds_part(field: str, label: str, title: str) -> None:
    """Draws the relations or the kinds of occasions, by which the list above is sorted."""
    with st.expander(label, icon="🗂️"):
        st.caption(_("一行一个；改名只换叫法，还有人用的不能删。提示词和提建议的请求都照这里说。"))
        rows = kinds_table(recipe, field, title, f"{field}_{revision}")
        save_table(lambda r, edited: edit_kinds(r, field, edited), rows, field, title)


def scenes_part() -> None:
    """Draws 场景."""
    save_table(edit_scenes, scenes_table(recipe, f"scenes_{revision}"), "scenes", words.scene)
    kinds_part("scene_kinds", _("类别有哪些"), _("类别"))
    drag_box(recipe, Listing.SCENES, words.scene, save)
    paste_box(recipe, Listing.SCENES, words.scene, save)
    suggest_box(workspace, recipe, ListKind.SCENES, words.scene, save)


def styles_part() -> None:
    """Draws 风格: the styles with the editor of one, then the table of all."""
    style = style_editor(recipe, revision, save)
    if style is not None:
        bank_box(recipe, style, save)
        suggest_box(workspace, recipe, ListKind.EXAMPLES, _("示例"), save, style)
    st.subheader(_("全部{style}", style=words.style), anchor=False)
    save_table(edit_styles, styles_table(recipe, f"styles_{revision}"), "styles", words.style)
    paste_box(recipe, Listing.STYLES, words.style, save)
    suggest_box(workspace, recipe, ListKind.STYLES, words.style, save)


def facts_part() -> None:
    """Draws 细节."""
    st.caption(
        _("对方的近况，用一句话写，例如“他刚带完高三”。造数时随机抽一条写进提示词，写出来的内容要用上它。")
    )
    save_table(edit_facts, facts_table(recipe, f"facts_{revision}"), "facts", _("细节"))
    paste_box(recipe, Listing.FACTS, _("细节"), save)
    with st.expander(_("给多少任务配细节，训练输入里写不写"), icon="🎚️", key="facts_use"):
        facts_settings(recipe, revision, save)
    facts_coverage(workspace, recipe)


def lines_part(listing: Listing, title: str, note: str) -> None:
    """Draws 随机注入 or 训练输入."""
    st.caption(note)
    if listing is Listing.TEMPLATES:
        offer_placeholders("offered_templates", {"#portal textarea": INPUT_FIELDS})
    rows = lines_table(recipe, listing, title, f"{listing.value}_{revision}")
    save_table(lambda r, edited: edit_lines(r, listing.value, edited), rows, listing.value, title)
    drag_box(recipe, listing, title, save)
    paste_box(recipe, listing, title, save)


PARTS: dict[str, tuple[str, Callable[[], None]]] = {
    "names": (list_title(recipe, "name"), names_part),
    "scenes": (list_title(recipe, "scene"), scenes_part),
    "styles": (list_title(recipe, "style"), styles_part),
    "axes": (_c("list", "条件"), lambda: axis_editor(recipe, revision, save)),
    "facts": (_c("list", "细节"), facts_part),
    "clauses": (
        _c("list", "随机注入"),
        lambda: lines_part(
            Listing.CLAUSES,
            _("随机注入"),
            _("每次请求随机抽一条加进提示词，让同一格子的几轮写得不一样；空行表示这次什么都不加。"),
        ),
    ),
    "templates": (
        _c("list", "训练输入"),
        lambda: lines_part(
            Listing.TEMPLATES,
            _("训练输入"),
            _("模仿真人会怎么问；第一条最常用，其余随机抽。") + "  \n" + placeholder_help(INPUT_FIELDS),
        ),
    ),
    "prompts": (_("提示词"), lambda: prompts_part(workspace, recipe, revision, save)),
}

if not recipe.receivers:
    del PARTS["names"], PARTS["facts"]

version = _("内置版本") if revision == 0 else _("第 {revision} 版", revision=revision)
counted = [
    *([(len(recipe.names), list_title(recipe, "name"))] if recipe.receivers else []),
    (len(recipe.scenes), list_title(recipe, "scene")),
    (len(recipe.styles), list_title(recipe, "style")),
]
sizes = " · ".join(f"{number} {title}" for number, title in counted)
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="recipe_line"):
    st.markdown(f"**{plain(recipe.title)}** · {version} · {sizes}")
    tools = st.container(horizontal=True, gap="small", width="content", key="recipe_menu")
with tools:
    undo_redo(workspace, stored, reopen)
with report_errors():
    recipe_menu(tools, workspace, recipe, revision, save)
    part = st.segmented_control(
        _c("view", "看什么"),
        list(PARTS),
        default=next(iter(PARTS)),
        required=True,
        **bound("list", PARTS, lambda name: PARTS[name][0]),
        label_visibility="collapsed",
    )
    PARTS[part if part in PARTS else next(iter(PARTS))][1]()
history_list(workspace, stored, reopen)
