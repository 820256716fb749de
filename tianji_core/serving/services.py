"""Foreign model services: which addresses a person has confirmed, and which environment variable holds the
key of each.

An address may come from a link; nothing is sent there before a person has confirmed it. The variable never
comes from a link, which could send any secret anywhere. The workspace stores both once a person has entered
them.
"""

import json
import re

from tianji_core.errors import InputError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.serving.client import base_url
from tianji_core.workspace import Workspace

_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def key_variable_of(workspace: Workspace, url: str) -> str:
    """Returns the variable with the key for an address; '' where none is stored."""
    try:
        return _known(workspace).get(base_url(url), "")
    except InputError:
        return ""


def is_confirmed(workspace: Workspace, url: str) -> bool:
    """Returns whether a person has confirmed that requests may go to an address."""
    try:
        return base_url(url) in _known(workspace)
    except InputError:
        return False


def remember_service(workspace: Workspace, url: str, variable: str = "") -> None:
    """Stores an address that a person has confirmed, with the variable of its key ('' for none).

    Raises:
        InputError: not an address, or not the name of a variable.
    """
    address = base_url(url)
    if variable and not _VARIABLE.fullmatch(variable):
        raise InputError(_("“{name}”不是环境变量名，应当像 OPENAI_API_KEY", name=variable))
    write_json(workspace.home / "services.json", {**_known(workspace), address: variable})


def _known(workspace: Workspace) -> dict[str, str]:
    try:
        value = json.loads((workspace.home / "services.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(url): str(name) for url, name in value.items()} if isinstance(value, dict) else {}
