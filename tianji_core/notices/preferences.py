"""What a person wants to be told, and where mail goes. Secrets are elsewhere: in the environment or
``.env``."""

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from tianji_core.errors import SettingsError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.workspace import Workspace

FILE = "notices.json"
LEAST_MINUTES, MOST_MINUTES = 0, 7 * 24 * 60
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\r\n]*$")]


class NoticePreferences(BaseModel):
    """``minutes`` is how long a job must have taken for its end to be told; ``host`` and ``port`` are those
    of the mail server, ``user`` the account and sender, ``to`` the receiver."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    minutes: int = Field(default=5, ge=LEAST_MINUTES, le=MOST_MINUTES)
    host: Line = ""
    port: int = Field(default=465, ge=1, le=65535)
    user: Line = ""
    to: Line = ""

    @field_validator("user", "to")
    @classmethod
    def _one_mailbox(cls, value: str) -> str:
        name, at, domain = value.partition("@")
        if value and not (name and at and domain and value.isascii() and not set(value) & set(" ,;<>")):
            raise ValueError("not a mailbox")
        return value


def load_preferences(workspace: Workspace) -> NoticePreferences:
    """Returns the saved preferences, or the defaults.

    Raises:
        SettingsError: the file is not valid.
    """
    path = workspace.home / FILE
    try:
        return NoticePreferences.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return NoticePreferences()
    except (OSError, ValueError) as error:
        raise SettingsError(_("通知的设置文件 {file} 坏了，请修好或删掉它", file=path)) from error


def changed_preferences(minutes: int, host: str, port: int, user: str, to: str) -> NoticePreferences:
    """Returns the preferences that a person entered.

    Raises:
        SettingsError: names the field that is not valid.
    """
    try:
        return NoticePreferences(minutes=minutes, host=host, port=port, user=user, to=to)
    except ValidationError as error:
        field = str(error.errors(include_url=False)[0]["loc"][0])
        names = {
            "minutes": _("至少多少分钟"),
            "host": _("邮件服务器"),
            "port": _("端口"),
            "user": _("发件邮箱"),
            "to": _("收件邮箱"),
        }
        raise SettingsError(
            _("“{field}”填得不对；邮箱只写一个，像 name@example.com", field=names[field])
        ) from error


def save_preferences(workspace: Workspace, preferences: NoticePreferences) -> None:
    """Replaces the saved preferences."""
    write_json(workspace.home / FILE, preferences.model_dump(mode="json"))
