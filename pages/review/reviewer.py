"""The reviewer: whose name each review step is recorded under."""

import streamlit as st

from pages.review.session import put_in_address
from pages.shared.text import plain
from pages.shared.visitors import visitor
from tianji_core.i18n import _
from tianji_core.workspace import Workspace


def reviewer(workspace: Workspace) -> str:
    """Returns the name of the person's account; without one, the name in the address or in the settings."""
    if (who := visitor()) is not None and who.account:
        return who.account
    return " ".join(st.query_params.get("who", "").split())[:40] or workspace.settings().reviewer


def reviewer_field(workspace: Workspace) -> None:
    """Draws the button that shows the reviewer and changes it; a name that comes from the login stays."""
    if (visiting := visitor()) is not None and visiting.account:
        return
    who, default = reviewer(workspace), workspace.settings().reviewer
    st.session_state["pick_who"] = who
    with st.popover(_("审核人：{who}", who=plain(who)), icon="👤", key="reviewer_menu"):
        st.text_input(_("审核人"), key="pick_who", max_chars=40, on_change=_keep_reviewer, args=(default,))
        st.caption(
            _(
                "写进每一步记录；撤销、重做和按键都是各人自己的。地址里的 who=名字 也可以换人，平常的名字在设置页改。"
            )
        )


def _keep_reviewer(default: str) -> None:
    """Callback: writes the typed name into the address; the default name is not written."""
    who = " ".join(st.session_state["pick_who"].split())
    put_in_address("who", "" if who == default else who)
