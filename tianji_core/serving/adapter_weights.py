"""Reads the weights of an adapter's folder into memory, whatever a stranger put there. Imported by the
server process only."""

import traceback
import zipfile
from pathlib import Path
from typing import Any

import psutil
import torch

from tianji_core.errors import ModelError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.model_folders.adapter import PICKLED_WEIGHTS, WEIGHTS

MAX_TENSORS = 100_000
"""Tensors of one adapter; one on every linear layer of the largest models has about two thousand."""


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Returns the matrices in ``folder`` by name, each with two dimensions of floating-point numbers.

    Raises:
        ModelError: the file is missing, broken, larger than the free memory, or holds anything else.
    """
    path = folder / WEIGHTS
    if not path.exists():
        path = folder / PICKLED_WEIGHTS
    _check_file(path)
    try:
        value = _loaded(path)
    except Exception as error:  # whatever a broken file makes of the two libraries
        traceback.print_exception(error)
        raise _broken(path, first_line(error)) from error
    if not isinstance(value, dict) or not value or len(value) > MAX_TENSORS:
        raise _broken(path, _("里面不是一组张量"))
    for key, tensor in value.items():
        _check_tensor(path, key, tensor)
    return value


def _loaded(path: Path) -> Any:
    if path.name == WEIGHTS:
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ModelError(_("没有适配器权重 {file}，或者它不是普通文件", file=path))
    size = path.stat().st_size
    if zipfile.is_zipfile(path):  # torch's own format, which may also be compressed
        with zipfile.ZipFile(path) as archive:
            size = max(size, sum(entry.file_size for entry in archive.infolist()))
    free = psutil.virtual_memory().available
    if size > free:
        raise ModelError(
            _(
                "适配器权重 {file} 有 {size} 字节，内存只剩 {free} 字节，放不下",
                file=path,
                size=size,
                free=free,
            )
        )


def _check_tensor(path: Path, key: Any, tensor: Any) -> None:
    if not isinstance(key, str) or not isinstance(tensor, torch.Tensor):
        raise _broken(path, _("里面不是一组张量"))
    name = key[:100]
    if tensor.layout != torch.strided or tensor.is_meta or not tensor.is_floating_point():
        raise _broken(path, _("{key} 不是普通的浮点张量", key=name))
    if tensor.dim() != 2:
        raise _broken(path, _("{key} 有 {count} 维，应当是 2 维", key=name, count=tensor.dim()))
    if not bool(tensor.isfinite().all()):  # 0 × NaN is NaN, which would spread to rows of other adapters
        raise ModelError(
            _(
                "适配器 {folder} 的权重坏了（{key} 里有 NaN 或无穷大），请换一个检查点，或者调小学习率重新训练",
                folder=path.parent,
                key=name,
            )
        )


def _broken(path: Path, detail: str) -> ModelError:
    return ModelError(_("适配器权重 {file} 读不了（{detail}），请重新转换", file=path, detail=detail[:200]))
