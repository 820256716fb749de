"""账号: who is logged in, the own password, and the own logins; where nobody logs in, how that begins."""

import streamlit as st

from pages.settings.people import people_part
from pages.shared.frame import remember_notice, report_errors
from pages.shared.header import page_header
from pages.shared.login_table import login_table
from pages.shared.text import plain
from pages.shared.visitors import accounts, visitor
from tianji_core.access.visitors import Accounts, Visitor
from tianji_core.errors import LoginError
from tianji_core.i18n import _
from tianji_core.roles import Role, permitted

workspace = page_header("account", _("账号"), _("您是谁，能做什么，在哪些地方登录着。"))


def password_form(known: Accounts, who: Visitor) -> None:
    """Draws the form that replaces the person's own password. Other logins of the person end."""
    with st.form("password_form", clear_on_submit=True, width=480):
        old = st.text_input(
            _("现在的密码"), type="password", key="old_password", autocomplete="current-password"
        )
        new = st.text_input(_("新密码"), type="password", key="new_password", autocomplete="new-password")
        again = st.text_input(_("再输一次"), type="password", key="new_again", autocomplete="new-password")
        if not st.form_submit_button(_("换密码"), key="change_password"):
            return
    with report_errors(), permitted(Role.VIEWER):
        if new != again:
            raise LoginError(_("两次输入的密码不一样"))
        known.replace_password(who, old, new)
        remember_notice(_("密码已换，别处的登录都已失效"))
        st.rerun()


with report_errors():
    known, who = accounts(), visitor()
    if known is None or who is None:
        people_part(workspace)
        st.caption(_("或者用命令："))
        st.code("python -m tianji_core users add NAME --role owner", language=None, wrap_lines=True)
        st.stop()
    st.markdown(_("**{name}**，{role}", name=plain(who.name), role=who.role.title))
    st.html(f'<a href="logout" target="_self" style="color:inherit">{_("退出登录")}</a>')
    user = known.users.find(who.account) if who.account else None
    if user is not None and user.password:
        st.subheader(_("密码"))
        password_form(known, who)
    st.subheader(_("登录着的地方"))
    login_table(known, who, only=who.account)
