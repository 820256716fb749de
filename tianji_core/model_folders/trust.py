"""Whether loading a model may run the Python code in its folder.

Some models (the original InternLM2 among them) bring code of their own, and loading them executes it. That
happens only where a person allowed it for this folder. The permission stands in the workspace's manifest of
the model, never in the folder that is to be trusted, together with a hash of the code: changed code has to be
allowed again.
"""

from pathlib import Path

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import MANIFEST, read_permission
from tianji_core.model_folders.remote_code import brings_code, code_hash
from tianji_core.workspace import Workspace


def code_allowed(workspace: Workspace, folder: Path) -> bool:
    """Whether a person allowed the code of the model in ``folder`` as it is now, by the workspace's manifest
    of it. A manifest of an older studio holds no hash and allows whatever code is there."""
    model = folder.expanduser().resolve()
    for path in workspace.models.glob(f"*/{MANIFEST}"):
        listed = path.parent
        permission = read_permission(listed)
        if permission is None or listed.name.startswith("."):
            continue  # not listed as a model either
        if Path(permission.location or listed).resolve() == model:
            return permission.trust_remote_code and permission.code_sha256 in ("", code_hash(folder))
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
    """:func:`checked_code` with the workspace's permission for the folder."""
    return checked_code(folder, code_allowed(workspace, folder))
