"""Whether loading a model may run Python code that lies in its folder.

Some models (the original InternLM2 among them) bring code of their own, and loading them executes it. That happens only
where a person allowed it for this very folder: the choice stands in the workspace's manifest of the model, never in the
folder that is to be trusted.
"""

import json
from pathlib import Path

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.workspace import Workspace

MANIFEST = "tianji.json"
_NAMING_CODE = ("config.json", "tokenizer_config.json")


def brings_code(folder: Path) -> bool:
    """Whether a model's configuration or tokenizer names code of its own (``auto_map``)."""
    return any(
        '"auto_map"' in (folder / name).read_text(encoding="utf-8", errors="replace")
        for name in _NAMING_CODE
        if (folder / name).is_file()
    )


def code_allowed(workspace: Workspace, folder: Path) -> bool:
    """Whether a person allowed the code of the model in ``folder``: what the workspace's manifest of it says."""
    wanted = folder.expanduser().resolve()
    for path in workspace.models.glob(f"*/{MANIFEST}"):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            here = Path(values.get("location") or path.parent).resolve()
        except (OSError, ValueError, AttributeError, TypeError):
            continue  # not a manifest; such a folder is not listed as a model either
        if here == wanted and not path.parent.name.startswith("."):
            return values.get("trust_remote_code") is True
    return False


def checked_code(folder: Path, allowed: bool) -> bool:
    """Whether the model's own code will run: only where it brings any and that is allowed.

    Raises:
        ModelError: it brings code that nobody allowed; says how to allow it.
    """
    if not brings_code(folder):
        return False
    if not allowed:
        raise ModelError(
            _(
                "{folder} 自带 Python 代码，加载它就会运行这些代码；来源可信的话，请在模型页允许，"
                "或者：python -m tianji_core models --register {folder} --trust-remote-code",
                folder=folder,
            )
        )
    return True


def runs_code(workspace: Workspace, folder: Path) -> bool:
    """:func:`checked_code` with what the workspace says about the folder."""
    return checked_code(folder, code_allowed(workspace, folder))
