"""The keys of the review on screen, and changing them."""

from collections.abc import Mapping

import streamlit as st

from pages.review.desk import Desk, show_panel
from pages.shared.review_parts import say_done, say_error
from tianji_core import review
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.review import ACTIONS

_COLUMNS = 4


def key_list(keys: Mapping[str, str]) -> None:
    """Every key and what it does, with a way to change them."""
    with st.container(border=True, key="key_list"):
        columns = st.columns(_COLUMNS)
        for number, (action, (title, _default)) in enumerate(ACTIONS.items()):
            columns[number % _COLUMNS].caption(f"`{shown(keys[action])}` {_(title)}")
        row = st.columns([1, 1, 4])
        row[0].button(_("改按键"), key="change_keys", icon="✏️", on_click=show_panel, args=("keys",))
        row[1].button(_("收起"), key="close_keys", on_click=show_panel, args=("",))


def shown(key: str) -> str:
    """'ctrl+enter' → 'Ctrl+Enter'."""
    return "+".join(part.capitalize() for part in key.split("+"))


def key_form(desk: Desk) -> None:
    """One field per action; kept for this person in this workspace."""
    with st.form("keys_form"):
        st.caption(
            _(
                "这是“{who}”的按键，存在工作区里。可以写字母、数字、left 这样的方向键、f2，或 ctrl+enter 这样的组合。",
                who=desk.who,
            )
        )
        columns = st.columns(_COLUMNS)
        slots = {action: f"key_{action}_{key}" for action, key in desk.keys.items()}
        for number, (action, slot) in enumerate(slots.items()):
            title, _default = ACTIONS[action]
            columns[number % _COLUMNS].text_input(_(title), value=desk.keys[action], key=slot)
        row = st.columns([1, 1.4, 1, 3])
        row[0].form_submit_button(
            _("保存"), type="primary", key="save_keys", on_click=_save, args=(desk, slots)
        )
        row[1].form_submit_button(_("恢复默认按键"), key="reset_keys", on_click=_reset, args=(desk,))
        row[2].form_submit_button(_("收起"), key="close_key_form", on_click=show_panel, args=("",))


def _save(desk: Desk, slots: dict[str, str]) -> None:
    try:
        review.save_keys(
            desk.workspace, desk.who, {action: st.session_state[slot] for action, slot in slots.items()}
        )
    except StudioError as error:
        say_error(error)
        return
    say_done(_("按键已保存"))
    show_panel("help")


def _reset(desk: Desk) -> None:
    review.reset_keys(desk.workspace, desk.who)
    say_done(_("按键恢复了默认"))
    show_panel("help")
