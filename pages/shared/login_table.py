"""The list of logins, each with a button that ends it."""

import streamlit as st

from pages.shared.clock import MINUTE, local_time
from pages.shared.frame import remember_notice
from pages.shared.text import plain
from tianji_core.access.browsers import browser_title
from tianji_core.access.sessions import Session
from tianji_core.access.users import same_name
from tianji_core.access.visitors import Accounts, Visitor
from tianji_core.i18n import _
from tianji_core.roles import Role, permitted


def login_table(known: Accounts, who: Visitor, only: str | None = None) -> None:
    """Draws the logins, those of the user ``only`` or everybody's."""
    for session in known.sessions.listed():
        if only is None or same_name(session.user, only):
            _line(known, who, session)


def _line(known: Accounts, who: Visitor, session: Session) -> None:
    columns = st.columns([2, 2, 4, 1.4], vertical_alignment="center")
    columns[0].markdown(plain(session.user) or _("一次性地址"))
    columns[1].caption(local_time(session.seen_at, MINUTE))
    columns[2].caption(f"{plain(session.address)} · {plain(browser_title(session.browser))}")
    if session.id == who.session:
        columns[3].caption(_("就是这里"))
    elif columns[3].button(_("退出"), key=f"end_{session.id}", width="stretch"):
        with permitted(Role.VIEWER if same_name(session.user, who.account) else Role.OWNER):
            known.sessions.end(session.id)
        remember_notice(_("这个登录已失效"))
        st.rerun()
