"""The verb for the people who may log in: ``users add NAME --role reviewer``, ``users list`` and so on."""

import getpass
import sys
from enum import StrEnum
from typing import Annotated

import typer

from tianji_core.access.sessions import Sessions
from tianji_core.access.users import Users
from tianji_core.errors import LoginError
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.verbs.common import JsonOption, WorkspaceOption, opened, show
from tianji_core.verbs.tables import show_table


class Action(StrEnum):
    """What to do with the users."""

    LIST = "list"
    ADD = "add"
    PASSWORD = "password"
    ROLE = "role"
    REMOVE = "remove"


RoleName = StrEnum("RoleName", {role.name: role.key for role in Role})  # type: ignore[misc]


def users(
    action: Annotated[Action, typer.Argument(help="What to do.")] = Action.LIST,
    name: Annotated[str, typer.Argument(help="The user's name, or e-mail address for single sign-on.")] = "",
    role: Annotated[
        RoleName | None, typer.Option(help="What the user may do; for add and role.", show_default=False)
    ] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="With add: comes through the single sign-on only.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List, add, change or remove the people who may log in to the studio.

    A password is asked for, or read from standard input; it is never part of a command line.
    """
    space = opened(workspace)
    known, sessions = Users(space), Sessions(space)
    if action is Action.LIST:
        listed = known.listed()
        facts = [user.model_dump(mode="json", exclude={"password"}) for user in listed]
        rows = [(user.name, f"{user.role.title} ({user.role.key})") for user in listed]
        none = _("还没有用户；添加第一个：python -m tianji_core users add 名字 --role owner")
        show_table(facts, as_json, (_("名字"), _("角色")), rows, none)
        return
    if not name:
        raise LoginError(_("请写上名字，例如 python -m tianji_core users {action} 小王", action=action.value))
    if action in (Action.ADD, Action.ROLE) and role is None:
        raise LoginError(_("请用 --role 说明角色：{roles}", roles=_("、").join(role.key for role in Role)))
    chosen = Role[role.name] if role is not None else Role.VIEWER
    if action is Action.ADD:
        added = known.add(name, chosen, "" if no_password else _asked_password())
        said = _("已添加用户 {name}（{role}）", name=added.name, role=chosen.title)
    elif action is Action.PASSWORD:
        known.set_password(name, _asked_password())
        sessions.end_all(name)
        said = _("已换掉 {name} 的密码，原来的登录都已失效", name=name)
    elif action is Action.ROLE:
        known.set_role(name, chosen)
        said = _("{name} 现在是{role}", name=name, role=chosen.title)
    else:
        known.remove(name)
        sessions.end_all(name)
        said = _("已删除用户 {name}，原来的登录都已失效", name=name)
    show({"action": action.value, "name": name}, as_json, said)


def _asked_password() -> str:
    """Returns a password typed twice at the terminal, or the first line of standard input.

    Raises:
        LoginError: the two differ, or there is none.
    """
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise LoginError(_("标准输入里没有密码"))
        return password
    password = getpass.getpass(_("密码："))
    if getpass.getpass(_("再输一次：")) != password:
        raise LoginError(_("两次输入的密码不一样"))
    return password
