"""Whether loading a model may run Python code that lies in its folder.

Some models (the original InternLM2 among them) bring code of their own, and loading them executes it. That happens only
where a person allowed it for this very folder: the choice stands in the workspace's manifest of the model, never in the
folder that is to be trusted. What was allowed is the code as it was then: its hash stands beside the choice, and code that
changed since has to be allowed again.
"""

import hashlib
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


def code_hash(folder: Path) -> str:
    """The SHA-256 over every Python file of a model's folder and over what names them; '' where it brings none."""
    if not brings_code(folder):
        return ""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}:{len(content)}:".encode() + content)
    for name in _NAMING_CODE:
        if (folder / name).is_file():
            value = json.loads((folder / name).read_text(encoding="utf-8", errors="replace"))
            named = value.get("auto_map") if isinstance(value, dict) else None
            digest.update(json.dumps(named, sort_keys=True).encode())
    return digest.hexdigest()


def code_allowed(workspace: Workspace, folder: Path) -> bool:
    """Whether a person allowed the code of the model in ``folder`` as it is now: what the workspace's manifest of it
    says. A manifest of an older studio holds no hash, and counts for the code that lies there."""
    wanted = folder.expanduser().resolve()
    for path in workspace.models.glob(f"*/{MANIFEST}"):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            here = Path(values.get("location") or path.parent).resolve()
        except (OSError, ValueError, AttributeError, TypeError):
            continue  # not a manifest; such a folder is not listed as a model either
        if here == wanted and not path.parent.name.startswith("."):
            allowed = values.get("trust_remote_code") is True
            return allowed and values.get("code_sha256", "") in ("", code_hash(folder))
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
