"""What every page starts from: the workspace, the recipe in use, and errors as one sentence."""

import contextlib
from collections.abc import Iterator

import streamlit as st

from pages.shared.text import plain
from pages.shared.visitors import role
from tianji_core.errors import StudioError
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _, set_language, shown, stored
from tianji_core.recipe import Words
from tianji_core.recipe.comparing import changed_entries
from tianji_core.roles import Role
from tianji_core.store import recipes
from tianji_core.store.recipes import StoredRecipe
from tianji_core.workspace import Workspace, open_workspace

LOOKS = 5.0
"""Seconds between two looks whether somebody else has saved the recipe."""
_NOTICE = "_notice"
_SWITCHED = "_recipe_switched"
"""Says that the next run belongs to another recipe."""


@st.cache_resource(show_spinner=False)
def _workspace(home: str | None) -> Workspace:
    return open_workspace(home)


def current_workspace() -> Workspace:
    """The workspace of this server (TIANJI_HOME), opened once."""
    import os

    return _workspace(os.environ.get("TIANJI_HOME"))


def use_language() -> None:
    """Switches the messages to the language in the settings."""
    with contextlib.suppress(StudioError):
        set_language(current_workspace().settings().language)


def current_recipe() -> StoredRecipe:
    """The recipe chosen in the settings, at its newest revision."""
    workspace = current_workspace()
    return recipes.current(workspace.engine, workspace.settings().recipe)


def spoken() -> Words:
    """The words of the recipe in use, as the pages show them."""
    return current_recipe().recipe.words.shown()


def recipe_switch() -> None:
    """Draws the choice of the recipe in use, in the sidebar of every page."""
    _forget_recipe()
    workspace = current_workspace()
    settings = workspace.settings()
    titles = recipes.titles(workspace.engine)
    st.session_state["recipe_switch"] = settings.recipe if settings.recipe in titles else next(iter(titles))
    st.selectbox(
        _("配方"),
        list(titles),
        format_func=lambda key: titles.get(key, key),
        key="recipe_switch",
        on_change=use_recipe,
        disabled=role() < Role.OWNER,
        help=_("换成另一种任务：每个配方有自己的列表、适配度、样本和数据集版本。"),
    )


def use_recipe(key: str | None = None) -> None:
    """Callback: switches every page to another recipe; ``key`` None means the one chosen in the sidebar."""
    workspace = current_workspace()
    chosen = key or st.session_state["recipe_switch"]
    workspace.save_settings(workspace.settings().model_copy(update={"recipe": chosen}))
    st.query_params.from_dict({})  # clear() refuses while a widget is bound to the address
    st.session_state[_SWITCHED] = True
    remember_notice(_("正在用配方“{title}”", title=recipes.titles(workspace.engine)[chosen]))


def _forget_recipe() -> None:
    """Forgets filters, ticked rows and an opened run, which belong to the recipe that was in use before. The
    callback of the choice cannot: Streamlit would then call those of all other fields, as if changed."""
    if not st.session_state.pop(_SWITCHED, False):
        return
    notice = st.session_state.get(_NOTICE, "")
    for name in list(st.session_state):
        del st.session_state[name]
    remember_notice(notice)


def opened_recipe(page: str) -> StoredRecipe:
    """The recipe at the revision at which this tab began to edit it, so that a save is refused where
    somebody else has saved since; that is shown within :data:`LOOKS` seconds, without drawing the page anew,
    with a button that opens the newest. After a save call :func:`reopen_recipe`."""
    newest = current_recipe()
    key = newest.recipe.key
    opened = st.session_state.setdefault(f"_opened_{page}_{key}", newest.revision)
    _saved_by_others(page, key, opened)
    if opened == newest.revision:
        return newest
    return recipes.at(current_workspace().engine, key, opened)


@st.fragment(run_every=LOOKS)
def _saved_by_others(page: str, key: str, opened: int) -> None:
    """Draws who has saved the recipe since this tab opened it, and what; what is typed here stays as it
    is."""
    with report_errors():
        newest = next(iter(recipes.history(current_workspace().engine, key, 1)), None)
        if newest is None or newest.revision == opened:
            return
        line = st.columns([5, 1], vertical_alignment="center")
        line[0].warning(
            plain(
                _(
                    "{who} 已经保存了第 {n} 版（{what}），这里显示的是第 {old} 版；没保存的修改载入最新以后还在",
                    who=newest.who or _("另一个页面"),
                    n=newest.revision,
                    what=newest.note,
                    old=opened,
                )
            ),
            icon="👥",
        )
        engine = current_workspace().engine
        shown_here, there = (recipes.at(engine, key, n).recipe for n in (opened, newest.revision))
        for sentence in changed_entries(shown_here, there):
            line[0].caption(plain(sentence))
        if line[1].button(_("载入最新"), key=f"reopen_{page}", width="stretch"):
            reopen_recipe(page)
            st.rerun()


def reopen_recipe(page: str) -> None:
    """Continues this tab with the newest revision."""
    for slot in [name for name in st.session_state if str(name).startswith(f"_opened_{page}_")]:
        del st.session_state[slot]


@contextlib.contextmanager
def report_errors() -> Iterator[None]:
    """Shows a :class:`StudioError` as one sentence in place of what cannot be drawn or done. A fragment
    needs it as a decorator: its errors do not reach the block around its call."""
    try:
        yield
    except StudioError as error:
        st.error(plain(str(error)), icon="⚠️")
    except OSError as error:  # a folder without permission or a full disk can fail anywhere
        where, detail = error.filename or _("工作区"), error.strerror or error
        st.error(
            plain(_("{file} 读写不了（{detail}）；请检查权限和磁盘空间", file=where, detail=detail)), icon="⚠️"
        )


@contextlib.contextmanager
def report_figure() -> Iterator[None]:
    """Shows one sentence in place of a figure that cannot be drawn, so that the rest of the page is."""
    try:
        yield
    except (StudioError, ArithmeticError, ValueError, TypeError) as error:
        st.caption(_("这一项画不出来（{detail}）", detail=plain(clean_sentence(error))))


def asked_number(name: str) -> int | None:
    """A number in the page's address, or None where there is no valid one."""
    value = st.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None


def remember_notice(text: str) -> None:
    """Shows ``text`` as a toast after the next rerun, in the language of that run."""
    st.session_state[_NOTICE] = stored(text)


def show_notice() -> None:
    """Shows the text of :func:`remember_notice`."""
    if text := st.session_state.pop(_NOTICE, None):
        st.toast(plain(shown(text)), icon="✅")
