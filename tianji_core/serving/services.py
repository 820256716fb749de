"""Foreign model services: which environment variable holds the key of which address.

An address may come from a link, but the variable must not: a link could send any secret anywhere. So the
workspace stores the pair once a person has entered it.
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


def remember_key_variable(workspace: Workspace, url: str, variable: str) -> None:
    """Stores the variable for an address; '' removes it.

    Raises:
        InputError: not an address, or not the name of a variable.
    """
    address = base_url(url)
    if variable and not _VARIABLE.fullmatch(variable):
        raise InputError(_("“{name}”不是环境变量名，应当像 OPENAI_API_KEY", name=variable))
    known = {
        known_address: name for known_address, name in _known(workspace).items() if known_address != address
    }
    if variable:
        known[address] = variable
    write_json(workspace.home / "services.json", known)


def _known(workspace: Workspace) -> dict[str, str]:
    try:
        value = json.loads((workspace.home / "services.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(url): str(name) for url, name in value.items()} if isinstance(value, dict) else {}
