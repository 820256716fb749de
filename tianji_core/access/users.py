"""The people who may log in, with their roles; kept in ``access/users.json`` of the workspace (mode 600)."""

import json
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from tianji_core.access.passwords import hash_password, password_fits
from tianji_core.errors import LoginError, SettingsError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.locks import FileLock
from tianji_core.roles import Role
from tianji_core.store.schema import LONGEST_PERSON
from tianji_core.workspace import Workspace

StoredRole = Annotated[
    Role,
    BeforeValidator(lambda value: Role[value.upper()] if isinstance(value, str) else value),
    PlainSerializer(lambda role: role.key),
]


class User(BaseModel):
    """A person who may log in. ``password`` is a hash, '' for one who comes through the single sign-on."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=LONGEST_PERSON)
    role: StoredRole
    password: str = ""
    created_at: datetime


class Users:
    """The user accounts of a workspace. Every call reads the file, so that a change by another process counts
    at once."""

    def __init__(self, workspace: Workspace) -> None:
        self.path = access_folder(workspace) / "users.json"

    def listed(self) -> list[User]:
        """Returns all users by name.

        Raises:
            SettingsError: the file is damaged.
        """
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            return sorted((User.model_validate(entry) for entry in stored), key=lambda user: user.name)
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, KeyError, ValidationError) as error:
            raise SettingsError(_("用户文件 {file} 坏了，请修好或换回备份", file=self.path)) from error

    def find(self, name: str) -> User | None:
        """Returns the user of this name, in any case and width of letters, or None."""
        wanted = folded(name)
        return next((user for user in self.listed() if folded(user.name) == wanted), None)

    def checked(self, name: str, password: str) -> User | None:
        """Returns the user whose name and password these are, or None; takes equally long for an unknown
        name."""
        user = self.find(name)
        fits = password_fits(password, user.password if user is not None else "")
        return user if fits else None

    def add(self, name: str, role: Role, password: str = "") -> User:
        """Stores a new user. Without a password the person can only come through the single sign-on.

        Raises:
            LoginError: the name is not valid or taken, or the password is too short.
        """
        name = clean_name(name)
        hashed = hash_password(password) if password else ""
        user = User(name=name, role=role, password=hashed, created_at=datetime.now(UTC))
        with self._changing() as users:
            if any(folded(other.name) == folded(name) for other in users):
                raise LoginError(_("已经有一个用户叫 {name}", name=name))
            users.append(user)
        return user

    def set_password(self, name: str, password: str) -> None:
        """Replaces a user's password. Raises LoginError: no such user, or it is too short."""
        self._change(name, password=hash_password(password))

    def set_role(self, name: str, role: Role) -> None:
        """Replaces a user's role. Raises LoginError: no such user, or the only owner."""
        self._change(name, role=role)

    def remove(self, name: str) -> None:
        """Removes a user; the name stays in what the person did. Raises LoginError: no such user, or the only
        owner."""
        with self._changing() as users:
            users.remove(_named(users, name))

    def _change(self, name: str, **values: object) -> None:
        with self._changing() as users:
            user = _named(users, name)
            users[users.index(user)] = user.model_copy(update=values)

    @contextmanager
    def _changing(self) -> Iterator[list[User]]:
        """Holds the list for a change and stores it at the end of the block."""
        with FileLock(self.path.with_suffix(".lock")):
            users = self.listed()
            had_owner = any(user.role == Role.OWNER for user in users)
            yield users
            if had_owner and not any(user.role == Role.OWNER for user in users):
                raise LoginError(_("至少要留一个所有者"))
            write_json(self.path, [user.model_dump(mode="json") for user in users])


def access_folder(workspace: Workspace) -> Path:
    """Returns the folder of users and sessions, made if absent (mode 700)."""
    folder = workspace.home / "access"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def clean_name(name: str) -> str:
    """Returns a name as it is stored: one line, single spaces.

    Raises:
        LoginError: it is empty, too long, or has characters that cannot be seen.
    """
    cleaned = " ".join(unicodedata.normalize("NFC", name).split())
    if not cleaned or len(cleaned) > LONGEST_PERSON or not cleaned.isprintable():
        raise LoginError(_("名字应当有 1 到 {n} 个看得见的字符", n=LONGEST_PERSON))
    return cleaned


def folded(name: str) -> str:
    """Returns a name in the form in which two are compared."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def same_name(first: str, second: str) -> bool:
    """Returns whether two names are those of one user."""
    return folded(first) == folded(second)


def _named(users: list[User], name: str) -> User:
    for user in users:
        if folded(user.name) == folded(name):
            return user
    raise LoginError(_("没有叫 {name} 的用户", name=name[:100]))
