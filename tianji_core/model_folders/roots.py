"""The folders from which a training, a registration or a running server may read models."""

import os
from pathlib import Path

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.project import PROJECT
from tianji_core.workspace import Workspace

VARIABLE = "TIANJI_MODEL_ROOTS"
"""Folders, separated as in PATH, outside of which no model is taken; unset: anywhere but the system's
folders."""
SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/boot", "/run", "/bin", "/sbin", "/usr/bin", "/usr/sbin")
SHOWN = 300
"""Characters of a path in a message."""


def checked_root(workspace: Workspace | None, folder: Path) -> Path:
    """``folder`` with every link resolved, after checking that it and the targets of the links in it may be
    used. Models in ``workspace`` are always allowed; None stands for a program without one.

    Raises:
        InputError: it is outside the allowed folders; says which these are and how to allow it.
    """
    try:
        real = folder.expanduser().resolve()
        _check(workspace, real)
        for path in real.iterdir() if real.is_dir() else ():
            if path.is_symlink():
                _check(workspace, path.resolve())
    except (OSError, RuntimeError, ValueError) as error:
        # a circle of links, a name too long or with a NUL, no such user after ~, a folder without permission
        detail = getattr(error, "strerror", None) or error
        shown = str(folder)[:SHOWN]
        raise InputError(_("打不开文件夹 {folder}：{detail}", folder=shown, detail=detail)) from error
    return real


def _check(workspace: Workspace | None, real: Path) -> None:
    listed = [
        Path(root).expanduser().resolve() for root in os.environ.get(VARIABLE, "").split(os.pathsep) if root
    ]
    if listed:
        roots = [*([workspace.home.resolve()] if workspace else []), PROJECT, *listed]
        if not any(real.is_relative_to(root) for root in roots):
            raise InputError(
                _(
                    "{folder} 在允许的文件夹之外；允许的是：{roots}。请把模型放进去，或在环境变量 {variable} 里加上它",
                    folder=str(real)[:SHOWN],
                    roots=_("、").join(map(str, roots)),
                    variable=VARIABLE,
                )
            )
    else:
        for root in SYSTEM:
            if real.is_relative_to(root):
                raise InputError(
                    _("{folder} 在系统文件夹 {root} 里，不能当模型用", folder=str(real)[:SHOWN], root=root)
                )
