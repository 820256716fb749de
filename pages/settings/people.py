"""The part of the settings about the people who may log in."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import forget_typed, kept_text
from pages.shared.login_table import login_table
from pages.shared.secret_field import forget_secret, secret_field
from pages.shared.visitors import accounts, visitor
from tianji_core.access.sessions import Sessions
from tianji_core.access.users import LONGEST_PERSON, Users
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.workspace import Workspace


def people_title(workspace: Workspace) -> str:
    """Returns the name of the part with the number of users."""
    count = len(Users(workspace).listed())
    return _("谁可以登录 · {who}", who=_("{n} 个用户", n=count) if count else _("只有本机，不用登录"))


def people_part(workspace: Workspace) -> None:
    """Draws the users with their roles, the form that adds one, and the logins."""
    users = Users(workspace)
    listed = users.listed()
    if not listed:
        st.caption(
            _(
                "还没有用户：只有这台机器上的人能打开工坊，不用登录。添加第一个用户（所有者）之后，重新启动工坊，每个人都要登录。"
            )
        )
    for number, user in enumerate(listed):
        # An address is longer than a phone has room for beside the rest: the row then has two lines.
        row = st.container(horizontal=True, vertical_alignment="center", gap="small")
        row.text(user.name, width=240)
        role = row.selectbox(
            _("角色"),
            list(Role),
            index=list(Role).index(user.role),
            format_func=lambda role: role.title,
            key=f"role_{number}_{user.name}_{user.role.key}",
            label_visibility="collapsed",
            width=180,
        )
        with report_errors():
            if role is not None and role is not user.role:
                users.set_role(user.name, role)
                remember_notice(_("{name} 现在是{role}", name=user.name, role=role.title))
                st.rerun()
            if row.button(_("删除"), key=f"remove_{number}_{user.name}"):
                users.remove(user.name)
                Sessions(workspace).end_all(user.name)
                remember_notice(_("已删除用户 {name}，原来的登录都已失效", name=user.name))
                st.rerun()
    _new_user(users, first=not listed)
    known, who = accounts(), visitor()
    if known is not None and who is not None:
        st.markdown(_("**登录**"))
        login_table(known, who)


def _new_user(users: Users, first: bool) -> None:
    with st.container(border=True):
        columns = st.columns([3, 2, 3, 1.4], vertical_alignment="bottom")
        name = columns[0].text_input(
            _("名字"), max_chars=LONGEST_PERSON, autocomplete="off", **kept_text("user_name")
        )
        roles = [Role.OWNER] if first else list(Role)
        role = columns[1].selectbox(_("角色"), roles, format_func=lambda role: role.title, key="user_role")
        password = secret_field(
            columns[2],
            _("密码"),
            "user_password",
            autocomplete="new-password",
            help=_("告诉本人，让他在“账号”页换掉。只用单点登录的人，名字写邮箱，密码空着。"),
        )
        if columns[3].button(_("添加"), key="add_user", width="stretch"):
            with report_errors():
                added = users.add(name, role, password)
                forget_typed("user_name")
                forget_secret("user_password")
                remember_notice(_("已添加用户 {name}（{role}）", name=added.name, role=role.title))
                st.rerun()
