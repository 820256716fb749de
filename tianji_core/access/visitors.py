"""Who sends a request: a user with a login, the person with the one-time link, or a stranger."""

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

from tianji_core.access.attempts import Attempts, name_key
from tianji_core.access.sessions import Session, Sessions
from tianji_core.access.users import Users
from tianji_core.errors import LoginError
from tianji_core.i18n import _
from tianji_core.roles import Role
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class Visitor:
    """A person who has logged in. ``account`` is the user's name, '' for the person with the one-time link;
    ``session`` is the id of the login."""

    account: str
    role: Role
    session: str = ""

    @property
    def name(self) -> str:
        """Returns the name that is shown."""
        return self.account or _("所有者")


@dataclass(frozen=True)
class SingleSignOn:
    """Another way in, through an identity provider. The application behind the login leads there and takes
    the person back, and leaves the proof in cookies."""

    begin: Callable[[], str]
    """Returns the path that leads to the provider, such as ``/auth/login?provider=…``; it holds for about two
    minutes."""
    begin_path: str
    callback_path: str
    """Where the provider sends the person back to."""
    email: Callable[[Mapping[str, str]], str]
    """Returns the e-mail address that the provider vouched for in these cookies within the last minutes, or
    ''."""
    cookies: str
    """Beginning of the names of the cookies with the proof."""


class Accounts:
    """Who is who: the users, their logins and the one-time link of a server on ``port`` whose pages lie under
    ``base_path`` ('' or '/studio')."""

    def __init__(
        self, workspace: Workspace, port: int, base_path: str = "", single_sign_on: SingleSignOn | None = None
    ) -> None:
        self.users = Users(workspace)
        self.sessions = Sessions(workspace)
        self.base_path = base_path
        self.cookie = f"tianji-session-{port}"  # a browser sends its cookies to every port of a host
        self.single_sign_on = single_sign_on
        self.attempts = Attempts()
        self._token = secrets.token_urlsafe(32)

    def one_time_path(self) -> str:
        """Returns the path of the link that lets the person who started the server in, once."""
        return f"{self.base_path}/login?token={self._token}"

    def takes_token(self, token: str) -> bool:
        """Returns whether ``token`` is that of the one-time link, which then is used up."""
        if not self._token or not hmac.compare_digest(token.encode(), self._token.encode()):
            return False
        self._token = ""
        return True

    def visitor(self, cookies: Mapping[str, str]) -> Visitor | None:
        """Returns who sent a request with these cookies, or None for a stranger."""
        token = cookies.get(self.cookie, "")
        session = self.sessions.find(token) if token else None
        return self._of_session(session) if session is not None else None

    def replace_password(self, who: Visitor, old: str, new: str) -> None:
        """Replaces the person's own password and ends the person's other logins.

        Raises:
            LoginError: ``old`` is not the present one, the attempts have to wait, or ``new`` is too short.
        """
        keys = [name_key(who.account)]
        if wait := ceil(self.attempts.wait(keys)):
            raise LoginError(_("错的次数太多了，请等 {n} 秒再试", n=wait))
        if self.users.checked(who.account, old) is None:
            self.attempts.failed(keys)
            raise LoginError(_("现在的密码不对"))
        self.users.set_password(who.account, new)
        self.sessions.end_all(who.account, but=who.session)

    def _of_session(self, session: Session) -> Visitor | None:
        if not session.user:
            return Visitor("", Role.OWNER, session.id)
        user = self.users.find(session.user)
        return Visitor(user.name, user.role, session.id) if user is not None else None
