"""What a base model folder must hold, and how to tell two of them apart."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tianji_core.errors import ModelError
from tianji_core.i18n import _

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "tokenizer_config.json")
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
EDGE = 1 << 20
"""Bytes read at each end of a weight file for the fingerprint: 15 GB must not be read to compare two folders."""


@dataclass(frozen=True)
class BaseFolder:
    """A complete model folder. ``weights`` are its weight files, ``size`` their bytes together; ``architecture`` is the
    first one its config names, '' where it names none."""

    path: Path
    architecture: str
    weights: tuple[Path, ...]
    size: int


def checked_base(folder: Path) -> BaseFolder:
    """The folder, once config, tokenizer and every weight file its index names are there.

    Raises:
        ModelError: says what is missing.
    """
    if not folder.is_dir():
        raise ModelError(_("模型文件夹 {folder} 不存在，请先下载或改路径", folder=folder))
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(_("模型文件夹 {folder} 里没有 config.json", folder=folder)) from error
    except ValueError as error:
        raise ModelError(_("{folder} 里的 config.json 读不懂，请重新下载", folder=folder)) from error
    if not any((folder / name).exists() for name in TOKENIZERS):
        raise ModelError(_("模型文件夹 {folder} 里没有分词器文件", folder=folder))
    weights = _weights(folder)
    missing = [path.name for path in weights if not path.is_file() or path.stat().st_size == 0]
    if missing or not weights:
        names = _("、").join(missing[:3]) or "*.safetensors"
        raise ModelError(
            _(
                "模型文件夹 {folder} 缺少权重 {names}（共缺 {n} 个），请重新下载",
                folder=folder,
                names=names,
                n=len(missing) or 1,
            )
        )
    architecture = (config.get("architectures") or [""])[0]
    return BaseFolder(folder, architecture, weights, sum(path.stat().st_size for path in weights))


def _weights(folder: Path) -> tuple[Path, ...]:
    for name in INDEXES:
        index = folder / name
        if index.exists():
            try:
                files = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
            except (ValueError, KeyError) as error:
                raise ModelError(_("权重索引 {file} 读不懂，请重新下载", file=index)) from error
            return tuple(folder / file for file in sorted(set(files)))
    for pattern in ("model*.safetensors", "pytorch_model*.bin"):
        if found := sorted(folder.glob(pattern)):
            return tuple(found)
    return ()


def fingerprint(folder: Path) -> str:
    """A short hash that tells two base models apart: config, and name, size and both ends of each weight file.

    Raises:
        ModelError: the folder is not complete.
    """
    base = checked_base(folder)
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for path in base.weights:
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(EDGE))
            file.seek(max(0, size - EDGE))
            digest.update(file.read(EDGE))
    return digest.hexdigest()[:32]
