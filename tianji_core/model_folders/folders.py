"""Model folders: what the manifest says, and whether everything is there. No torch."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.model_folders.base import check_safetensors, checked_base


class Manifest(BaseModel):
    """``tianji.json`` beside a model that the studio made: which chat template and system prompt it was trained
    with, and the fingerprint of the base that an adapter belongs to."""

    model_config = ConfigDict(extra="ignore")

    template: str = ""
    system: str = ""
    base_fingerprint: str = ""


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


def read_manifest(folder: Path) -> Manifest:
    """The folder's manifest, or an empty one.

    Raises:
        ModelError: it cannot be read.
    """
    path = folder / "tianji.json"
    if not path.exists():
        return Manifest()
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, OSError, UnicodeDecodeError) as error:
        raise ModelError(
            _("{file} 坏了，请删掉它或重新合并：{detail}", file=path, detail=str(error).splitlines()[0])
        ) from error


def check_model(folder: Path) -> None:
    """That a base or merged model is complete, as far as files tell.

    Raises:
        ModelError: the first thing that is missing or broken, with the file.
    """
    if (folder / "adapter_config.json").exists():
        raise ModelError(
            _("{folder} 是 LoRA 适配器，不是完整模型；请和它的基座一起加载（--lora-modules）", folder=folder)
        )
    checked_base(folder)


def adapter_base(folder: Path) -> str:
    """The base that an adapter names in its configuration; '' where it names none.

    Raises:
        ModelError: not an adapter, or its configuration or weights are broken.
    """
    path = folder / "adapter_config.json"
    if not path.exists():
        raise ModelError(_("{folder} 里没有 adapter_config.json，不是 LoRA 适配器", folder=folder))
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        base = value.get("base_model_name_or_path") or ""
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(_("适配器配置 {file} 坏了，请重新转换", file=path)) from error
    weights = folder / "adapter_model.safetensors"
    if weights.exists():
        check_safetensors(weights)
    elif not (folder / "adapter_model.bin").exists():
        raise ModelError(_("{folder} 里没有适配器权重 adapter_model.safetensors", folder=folder))
    return str(base)
