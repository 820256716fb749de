"""Who looks at the page: the name and the role of the person behind the running script."""

from dataclasses import dataclass

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from tianji_core import roles
from tianji_core.access.visitors import Accounts, Visitor
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.workspace import Workspace


@dataclass
class _Checks:
    """What this process checks about a request before Streamlit sees it."""

    installed: bool = False
    accounts: Accounts | None = None


_checks = _Checks()


def requests_are_checked(accounts: Accounts | None) -> None:
    """Is called by the launcher, which checks each request; ``accounts`` where visitors must log in."""
    _checks.installed, _checks.accounts = True, accounts
    roles.acting_as(_acting_role, _acting_person)


def refuse_unchecked_server() -> None:
    """Ends the page where ``streamlit run`` serves it, which would answer requests that nobody checked."""
    # Streamlit's AppTest, which serves nobody, puts a look-alike in the runtime's place.
    served = runtime.exists() and type(runtime.get_instance()) is runtime.Runtime
    if served and not _checks.installed:
        st.error(
            _("请用 {command} 打开工坊：这样打开的网页不检查是谁在访问", command="`tianji studio`"), icon="🔒"
        )
        st.stop()


def accounts() -> Accounts | None:
    """Returns the accounts of this server, or None where nobody logs in."""
    return _checks.accounts


def visitor() -> Visitor | None:
    """Returns the person who has logged in, or None where nobody logs in. A person whose login has just ended
    is a nameless viewer until the page is closed."""
    if _checks.accounts is None:
        return None
    found = _checks.accounts.visitor(st.context.cookies)
    return found or Visitor("", Role.VIEWER)


def role() -> Role:
    """Returns the role of the person, the owner where nobody logs in."""
    who = visitor()
    return Role.OWNER if who is None else who.role


def reviewer_name(workspace: Workspace) -> str:
    """Returns the name under which the person's steps and votes are recorded: that of the account, else the
    one in the settings."""
    who = visitor()
    return who.account if who is not None and who.account else workspace.settings().reviewer


def _acting_role() -> Role:
    """The role for whom this thread works. Threads without a page belong to the server itself."""
    return role() if get_script_run_ctx(suppress_warning=True) is not None else Role.OWNER


def _acting_person() -> str:
    """The account of the person for whom this thread works, '' where there is none."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return ""
    who = visitor()
    return "" if who is None else who.account
