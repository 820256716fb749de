"""What a task is called on the pages, and recipes that begin anew."""

from collections.abc import Callable

import streamlit as st

from pages.shared.cells import cells
from pages.shared.frame import report_errors, use_recipe
from pages.shared.kept import forget, forget_typed, kept, kept_text, save_bar
from pages.shared.usable import any_text, switch
from tianji_core.i18n import N_, _
from tianji_core.recipe import Recipe, Words
from tianji_core.recipe.beginning import begun_recipe
from tianji_core.recipe.editing import changed
from tianji_core.store import recipes
from tianji_core.workspace import Workspace

Save = Callable[[Recipe, str, Callable[[], None] | None], None]
_NEW = ("begin_title", "begin_key", "begin_names", "begin_scenes", "begin_styles")


def _labels() -> dict[str, str]:
    return {
        "text": _("一条内容叫什么"),
        "name": _("写给的人叫什么"),
        "scene": _("写的事叫什么"),
        "style": _("写法叫什么"),
        "to_whom": _("怎么问写给谁"),
        "what_for": _("怎么问写什么"),
    }


def words_form(recipe: Recipe, revision: int, save: Save) -> None:
    """Draws the words of the recipe and the switch of what is checked of blessings alone."""
    st.caption(_("各页和提示里就这样叫；换成道歉、文案这样的任务时改。"))
    form, shown = f"words-{recipe.key}", recipe.words.shown()
    typed: dict[str, str] = {}
    keys = {name: f"word_{name}_{revision}" for name in (*_labels(), "blessings")}
    cell = cells(2)
    for name, label in _labels().items():
        if name in ("name", "to_whom") and not recipe.receivers:
            continue
        saved = getattr(shown, name)
        word = next(cell).text_input(
            label, saved, max_chars=40, **kept(form, keys[name], any_text, saved, name)
        )
        if word.strip() != saved:
            typed[name] = word
    blessings = st.toggle(
        _("写的是祝福：节日说错、看不出祝福、助手腔这些只管祝福的检查都用上"),
        recipe.blessings,
        **kept(form, keys["blessings"], switch, recipe.blessings, "blessings"),
    )
    unsaved = bool(typed) or blessings != recipe.blessings
    if save_bar("save_words", form, unsaved, lambda: forget(form, keys)):
        with report_errors():
            words = {**recipe.words.model_dump(), **typed}
            save(changed(recipe, words=words, blessings=blessings), _("叫法"), lambda: forget(form, keys))


def begin_form(workspace: Workspace) -> None:
    """Draws the form of a recipe that begins anew, from its words and lists."""
    st.caption(
        _(
            "先写三张表，提示词和训练输入照它们写好，都可以再改；对谁都先称“您”，该称“你”的到列表里改。不写给谁的任务（如商品文案）第一张表空着。"
        )
    )
    columns = st.columns(3)
    title = columns[0].text_input(_("新名称"), max_chars=40, **kept_text("begin_title"))
    key = columns[1].text_input(_("英文短名"), help=_("小写字母、数字、- 和 _"), **kept_text("begin_key"))
    words = {"text": columns[2].text_input(_("一条内容叫什么"), max_chars=40, **kept_text("begin_text"))}
    lists: dict[str, list[str]] = {}
    for column, (word, field, label, entries, default) in zip(
        st.columns(3),
        (
            ("name", "names", _("写给的人叫什么"), _("写给哪些人（每行一个，可空着）"), N_("对象")),
            ("scene", "scenes", _("写的事叫什么"), _("写哪些事（每行一个）"), N_("主题")),
            ("style", "styles", _("写法叫什么"), _("有哪些写法（每行一个）"), N_("风格")),
        ),
        strict=True,
    ):
        words[word] = column.text_input(
            label, max_chars=40, placeholder=_(default), **kept_text(f"begin_{word}")
        )
        words[word] = words[word].strip() or default
        text = column.text_area(entries, height=100, **kept_text(f"begin_{field}"))
        lists[field] = text.splitlines()
    ready = bool(title.strip() and key.strip() and words["text"].strip())
    if st.button(_("建配方"), key="begin_recipe", type="primary", icon="🌱", disabled=not ready):
        with report_errors():
            words |= {"to_whom": words["name"], "what_for": words["scene"]}
            new = begun_recipe(key.strip(), title.strip(), Words(**words), **lists)
            recipes.add(workspace.engine, new, _("新配方"))
            forget_typed(*_NEW, "begin_text", "begin_name", "begin_scene", "begin_style")
            use_recipe(new.key)
            st.rerun()
