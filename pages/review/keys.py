"""The list of review keys, and the form that changes them."""

from collections.abc import Mapping

import streamlit as st

from pages.review.session import ReviewSession, show_panel
from pages.shared.cells import cells
from pages.shared.kept import forget_typed, kept_text
from pages.shared.review_parts import say_done, say_error
from pages.shared.text import plain
from tianji_core import review
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.review import ACTIONS
from tianji_core.roles import Role, permitted

_COLUMNS = 4


def key_list(keys: Mapping[str, str]) -> None:
    """Draws every key with its action, and the button that opens the form."""
    with st.container(border=True, key="key_list"):
        entries = st.columns(_COLUMNS)
        for number, (action, (title, _default)) in enumerate(ACTIONS.items()):
            entries[number % _COLUMNS].caption(f"`{key_title(keys[action])}` {_(title)}")
        columns = st.columns([1, 1, 4])
        columns[0].button(_("改按键"), key="change_keys", icon="✏️", on_click=show_panel, args=("keys",))
        columns[1].button(_("收起"), key="close_keys", on_click=show_panel, args=("",))


def key_title(key: str) -> str:
    """Returns a key as it is shown: 'ctrl+enter' → 'Ctrl+Enter'."""
    return "+".join(part.capitalize() for part in key.split("+"))


def key_form(session: ReviewSession) -> None:
    """Draws one field per action; the keys are saved for this reviewer in this workspace."""
    with st.container(border=True):
        st.caption(
            _(
                "这是“{who}”的按键，存在工作区里。可以写字母、数字、left 这样的方向键、f2，或 ctrl+enter 这样的组合。",
                who=plain(session.who),
            )
        )
        cell = cells(_COLUMNS)
        widgets = {action: f"key_{action}_{key}" for action, key in session.keys.items()}
        for action, widget in widgets.items():
            title, _default = ACTIONS[action]
            next(cell).text_input(
                _(title), value=session.keys[action], **kept_text(widget, session.keys[action])
            )
        buttons = st.columns([1, 1.4, 1, 3])
        buttons[0].button(_("保存"), type="primary", key="save_keys", on_click=_save, args=(session, widgets))
        buttons[1].button(_("恢复默认按键"), key="reset_keys", on_click=_reset, args=(session, widgets))
        buttons[2].button(_("收起"), key="close_key_form", on_click=show_panel, args=("",))


def _save(session: ReviewSession, widgets: dict[str, str]) -> None:
    try:
        with permitted(Role.REVIEWER):
            review.save_keys(
                session.workspace,
                session.who,
                {action: st.session_state[widget] for action, widget in widgets.items()},
            )
    except StudioError as error:
        say_error(error)
        return
    forget_typed(*widgets.values())
    say_done(_("按键已保存"))
    show_panel("help")


def _reset(session: ReviewSession, widgets: dict[str, str]) -> None:
    try:
        with permitted(Role.REVIEWER):
            review.reset_keys(session.workspace, session.who)
    except StudioError as error:
        say_error(error)
        return
    forget_typed(*widgets.values())
    say_done(_("按键恢复了默认"))
    show_panel("help")
