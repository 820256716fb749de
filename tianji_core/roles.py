"""What a person may do, and the check of it before anything is written, started or sent.

A page names who acts with :func:`acting_as`. Where nobody is named (the command line, a background job, a
studio without a login) the owner acts.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from enum import IntEnum

from tianji_core.errors import ForbiddenError
from tianji_core.i18n import _


class Role(IntEnum):
    """What a person may do; a higher role may do all that a lower one may."""

    VIEWER = 1
    """Looks at samples, comparisons and figures."""
    REVIEWER = 2
    """Also reviews samples, gives second verdicts and votes."""
    OWNER = 3
    """Does everything: only the owner makes data, trains, and sets paths, addresses, presets and keys."""

    @property
    def key(self) -> str:
        """Returns the name in files and on the command line."""
        return self.name.lower()

    @property
    def title(self) -> str:
        """Returns the name that is shown."""
        return {Role.VIEWER: _("查看者"), Role.REVIEWER: _("审核者"), Role.OWNER: _("所有者")}[self]


PERSON = "TIANJI_JOB_WHO"
"""The variable in which a background job gets the account of the person who started it."""

_resolve: Callable[[], Role] = lambda: Role.OWNER  # noqa: E731


def _starter() -> str:
    return os.environ.get(PERSON, "")


_name: Callable[[], str] = _starter
_permitted: ContextVar[bool] = ContextVar("permitted", default=False)


def acting_as(resolve: Callable[[], Role], name: Callable[[], str] = _starter) -> None:
    """Sets who acts in this process: ``resolve`` returns the role of the person for whom the calling thread
    works, ``name`` that person's account."""
    global _resolve, _name
    _resolve, _name = resolve, name


def acting_role() -> Role:
    """Returns the role of the person who acts."""
    return _resolve()


def acting_person() -> str:
    """Returns the account of the person who acts, within a background job that of the person who started it;
    '' where nobody has logged in."""
    return _name()


@contextlib.contextmanager
def permitted(least: Role) -> Iterator[None]:
    """Lets whoever has at least this role write within the block; also a decorator.

    Raises:
        ForbiddenError: the person's role is lower.
    """
    role = acting_role()
    if role < least:
        raise _forbidden(role)
    with bookkeeping():
        yield


@contextlib.contextmanager
def bookkeeping() -> Iterator[None]:
    """Lets the studio write within the block for itself, whoever happens to look: a job that has ended is
    recorded as ended. Nothing that is written may come from the person. Also a decorator."""
    token = _permitted.set(True)
    try:
        yield
    finally:
        _permitted.reset(token)


def check_may_write() -> None:
    """Is called before each write to the database or to a file, each start of a process and each request to
    another machine.

    Raises:
        ForbiddenError: the person is no owner, and no :func:`permitted` block allows it.
    """
    if not _permitted.get() and (role := acting_role()) < Role.OWNER:
        raise _forbidden(role)


def _forbidden(role: Role) -> ForbiddenError:
    return ForbiddenError(_("您的角色是{role}，不能做这件事；需要时请工坊的所有者来做", role=role.title))
