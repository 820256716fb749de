"""What every page starts from: the workspace, the recipe in use, the page header and errors as one sentence."""

import contextlib
from collections.abc import Iterator

import streamlit as st

from pages.shared.text import plain
from tianji_core.errors import StudioError
from tianji_core.i18n import _, set_language
from tianji_core.store import recipes
from tianji_core.store.recipes import StoredRecipe
from tianji_core.workspace import Workspace, open_workspace


@st.cache_resource(show_spinner=False)
def _workspace(home: str | None) -> Workspace:
    return open_workspace(home)


def current_workspace() -> Workspace:
    """The workspace of this server (TIANJI_HOME), opened once."""
    import os

    return _workspace(os.environ.get("TIANJI_HOME"))


def use_language() -> None:
    """Switch messages to the language in the settings."""
    with contextlib.suppress(StudioError):
        set_language(current_workspace().settings().language)


def current_recipe() -> StoredRecipe:
    """The recipe chosen in the settings, at its newest revision."""
    workspace = current_workspace()
    return recipes.current(workspace.engine, workspace.settings().recipe)


def recipe_switch() -> None:
    """The recipe in use, to be changed in the sidebar of every page."""
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
        help=_("换成另一种任务：每个配方有自己的列表、适配度、样本和数据集版本。"),
    )


def use_recipe(key: str | None = None) -> None:
    """Callback: every page is about another recipe from now on; ``key`` None is what the sidebar says."""
    workspace = current_workspace()
    chosen = key or st.session_state["recipe_switch"]
    workspace.save_settings(workspace.settings().model_copy(update={"recipe": chosen}))
    # Filters, ticked rows and an opened run are about the recipe before.
    st.query_params.clear()
    for name in list(st.session_state):
        del st.session_state[name]
    remember_notice(_("正在用配方“{title}”", title=recipes.titles(workspace.engine)[chosen]))


def opened_recipe(page: str) -> StoredRecipe:
    """The recipe as it was when this tab began to edit it, so that a save can be refused where another tab saved
    meanwhile; says so and offers the newest. After a save of one's own call :func:`reopen_recipe`."""
    newest = current_recipe()
    slot = f"_opened_{page}_{newest.recipe.key}"
    opened = st.session_state.setdefault(slot, newest.revision)
    if opened == newest.revision:
        return newest
    line = st.columns([5, 1], vertical_alignment="center")
    line[0].warning(
        _("另一个页面已经保存了第 {n} 版，这里显示的是第 {old} 版", n=newest.revision, old=opened), icon="👥"
    )
    if line[1].button(_("载入最新"), key=f"reopen_{page}", width="stretch"):
        reopen_recipe(page)
        st.rerun()
    return recipes.at(current_workspace().engine, newest.recipe.key, opened)


def reopen_recipe(page: str) -> None:
    """Let the tab go on with the newest revision."""
    for slot in [name for name in st.session_state if str(name).startswith(f"_opened_{page}_")]:
        del st.session_state[slot]


@contextlib.contextmanager
def report_errors() -> Iterator[None]:
    """Show a :class:`StudioError` as one sentence in place of what could not be drawn or done. A fragment needs it as
    its decorator: what it raises does not reach the block around its call."""
    try:
        yield
    except StudioError as error:
        st.error(plain(str(error)), icon="⚠️")
    except OSError as error:  # a folder without permission or a full disk may strike anywhere
        where, detail = error.filename or _("工作区"), error.strerror or error
        st.error(
            plain(_("{file} 读写不了（{detail}）；请检查权限和磁盘空间", file=where, detail=detail)), icon="⚠️"
        )


def asked_number(name: str) -> int | None:
    """A row's number in the address, or None where there is none that could be one."""
    value = st.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None


def remember_notice(text: str) -> None:
    """Show ``text`` as a toast after the coming rerun."""
    st.session_state["_notice"] = text


def show_notice() -> None:
    """Show what :func:`remember_notice` kept."""
    if text := st.session_state.pop("_notice", None):
        st.toast(plain(text), icon="✅")


def page_header(title: str, lead: str) -> Workspace:
    """Title and one sentence that says what the page is for; returns the workspace."""
    if st.session_state.get("_shown") != title:  # what was opened on another page is no longer being edited
        st.session_state["_shown"] = title
        for slot in [name for name in st.session_state if str(name).startswith("_opened_")]:
            del st.session_state[slot]
    st.title(title)
    st.caption(lead)
    show_notice()
    return current_workspace()
