"""The reviewer: whose name each review step is recorded under."""

import streamlit as st

from pages.review.session import put_in_address
from pages.shared.kept import held
from pages.shared.text import plain
from pages.shared.visitors import visitor
from tianji_core import cleaning
from tianji_core.i18n import _
from tianji_core.roles import Role, permitted
from tianji_core.workspace import Workspace


def reviewer(workspace: Workspace) -> str:
    """Returns the name of the person's account; without one, the name in the address or in the settings."""
    if (who := visitor()) is not None and who.account:
        return who.account
    return " ".join(st.query_params.get("who", "").split())[:40] or workspace.settings().reviewer


def reviewer_menu(workspace: Workspace, recipe_key: str) -> None:
    """Draws the button behind which :func:`reviewer_fields` stand."""
    who = plain(reviewer(workspace))
    with st.popover(who, icon="👤", key="reviewer_menu", help=_("审核人：{who}", who=who)):
        reviewer_fields(workspace, recipe_key)


def reviewer_fields(workspace: Workspace, recipe_key: str) -> None:
    """Draws the reviewer, who can be changed unless the name comes from a login, and the button that checks
    every sample again."""
    who, default = reviewer(workspace), workspace.settings().reviewer
    if (visiting := visitor()) is None or not visiting.account:
        st.session_state["pick_who"] = who
        st.text_input(_("审核人"), key="pick_who", max_chars=40, on_change=_keep_reviewer, args=(default,))
        st.caption(
            _(
                "写进每一步记录；撤销、重做和按键都是各人自己的。地址里的 who=名字 也可以换人，平常的名字在设置页改。"
            )
        )
    if st.button(_("重新检查全部"), key="check_again", icon="🔁"):
        with permitted(Role.REVIEWER), st.spinner(_("正在重新检查")):
            cleaning.check_again(workspace, recipe_key)
        st.rerun()
    st.caption(_("改过配方或规则之后会自动重新检查；不放心时可以用它让规则再看一遍所有样本。"))


def _keep_reviewer(default: str) -> None:
    """Callback: writes the typed name into the address; the default name is not written."""
    if held("pick_who"):
        who = " ".join(st.session_state["pick_who"].split())
        put_in_address("who", "" if who == default else who)
