"""Naming the folders of models to serve, and whether they hold full models. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.model_folders.adapter import is_adapter
from tianji_core.model_folders.base import checked_base


@dataclass(frozen=True)
class NamedFolder:
    """A model to serve: the name that requests use, and its folder."""

    name: str
    path: Path


def named_folder(text: str) -> NamedFolder:
    """``NAME=DIR`` or ``DIR``, whose name is the folder's.

    Raises:
        ModelError: no such folder.
    """
    name, separator, rest = text.partition("=")
    path = Path(text) if not separator or Path(text).is_dir() else Path(rest)
    path = path.expanduser()
    if not path.is_dir():
        raise ModelError(_("没有文件夹 {folder}，请检查模型的路径", folder=path))
    path = path.resolve()
    return NamedFolder(path.name if not separator or Path(text).is_dir() else name.strip() or path.name, path)


def check_model(folder: Path) -> None:
    """That a base or merged model is complete, as far as files tell.

    Raises:
        ModelError: the first thing that is missing or broken, with the file.
    """
    if is_adapter(folder):
        raise ModelError(
            _("{folder} 是 LoRA 适配器，不是完整模型；请和它的基座一起加载（--lora-modules）", folder=folder)
        )
    checked_base(folder)
