"""Base model folders: whether one is complete, and how to tell two of them apart."""

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.model_folders.config_files import CONFIG, TOKENIZER_CONFIG, read_object
from tianji_core.project import NANO_FOLDER

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
NUMBERED = re.compile(r"-\d+-of-\d+\.")
"""Part of the name of one weight file of several; only an index says which files there are."""
EDGE = 1 << 20
"""Bytes read at each end of a weight file for the fingerprint: comparing two folders must not read 15 GB."""


@dataclass(frozen=True)
class BaseFolder:
    """A complete model folder. ``weights`` are its weight files, ``size`` their bytes together;
    ``architecture`` is the first one in its config, '' where it names none."""

    path: Path
    architecture: str
    weights: tuple[Path, ...]
    size: int


def checked_base(folder: Path) -> BaseFolder:
    """The folder, after checking that config, tokenizer and every weight file of its index are there.

    Raises:
        ModelError: says what is missing.
    """
    try:
        return _checked(folder)
    except ModelError as error:
        if folder != NANO_FOLDER:
            raise
        raise ModelError(
            _(
                "内置纳米模型 {folder} 不见了或不完整；它随工坊提供，不用下载，请重新安装工坊",
                folder=folder,
            )
        ) from error


def _checked(folder: Path) -> BaseFolder:
    if not folder.is_dir():
        if folder.exists():
            raise ModelError(_("{folder} 是一个文件，这里要填模型所在的文件夹", folder=folder))
        raise ModelError(_("模型文件夹 {folder} 不存在，请先下载或改路径", folder=folder))
    if not (folder / CONFIG).exists():
        raise ModelError(_("{folder} 里没有 config.json，不是模型文件夹，请重新下载或改路径", folder=folder))
    config = read_object(folder, CONFIG)
    _check_tokenizer(folder)
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
    for path in weights:
        if path.suffix == ".safetensors":
            check_safetensors(path)
        else:
            _check_archive(path)
    named = config.get("architectures")
    architecture = str(named[0]) if isinstance(named, list) and named else ""
    return BaseFolder(folder, architecture, weights, sum(path.stat().st_size for path in weights))


def _check_tokenizer(folder: Path) -> None:
    files = [folder / name for name in TOKENIZERS if (folder / name).exists()]
    if not files:
        raise ModelError(_("模型文件夹 {folder} 里没有分词器文件，请重新下载", folder=folder))
    for path in files:
        if not path.is_file() or path.stat().st_size == 0 or _cut_off(path):
            raise ModelError(
                _("{folder} 里的分词器文件 {name} 不完整，请重新下载", folder=folder, name=path.name)
            )
    if (folder / TOKENIZER_CONFIG).exists():
        read_object(folder, TOKENIZER_CONFIG)


def _cut_off(path: Path) -> bool:
    """Whether a JSON file lacks its end; it may have many megabytes."""
    if path.suffix != ".json":
        return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1024))
        return not file.read().rstrip().endswith(b"}")


def _check_archive(path: Path) -> None:
    """That a torch file has its end, where the list of its tensors stands. Files from before torch 1.6 have
    none."""
    with path.open("rb") as file:
        archive = file.read(4) == b"PK\x03\x04"
    if archive and not zipfile.is_zipfile(path):
        raise ModelError(_("权重文件 {file} 已损坏（只有前面一部分），请重新下载或合并", file=path))


def _weights(folder: Path) -> tuple[Path, ...]:
    for name in INDEXES:
        index = folder / name
        if index.exists():
            try:
                files = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
                if any(Path(file).name != file for file in files):
                    raise ValueError("not a name in this folder")
            except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
                raise ModelError(_("权重索引 {file} 读不懂，请重新下载", file=index)) from error
            return tuple(folder / file for file in files)
    for pattern, index_name in zip(("model*.safetensors", "pytorch_model*.bin"), INDEXES, strict=True):
        if files := sorted(folder.glob(pattern)):
            if any(NUMBERED.search(path.name) for path in files):
                raise ModelError(
                    _(
                        "模型文件夹 {folder} 的权重分成几个文件，却没有索引 {name}，不知道全不全，请重新下载",
                        folder=folder,
                        name=index_name,
                    )
                )
            return tuple(files)
    return ()


def check_safetensors(path: Path) -> None:
    """That a safetensors file's header fits its size.

    Raises:
        ModelError: it is cut off or not such a file.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= size - 8:
                raise ValueError("header")
            header = json.loads(file.read(length))
        end = max(
            (entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"), default=0
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            _("权重文件 {file} 已损坏（文件头读不出来），请重新下载或合并", file=path)
        ) from error
    if 8 + length + end != size:
        raise ModelError(
            _(
                "权重文件 {file} 已损坏（应有 {want} 字节，实际 {have} 字节），请重新下载或合并",
                file=path,
                want=8 + length + end,
                have=size,
            )
        )


def fingerprint(folder: Path) -> str:
    """A short hash that tells two base models apart, over the config, and name, size and both ends of each
    weight file.

    Raises:
        ModelError: the folder is not complete.
    """
    base = checked_base(folder)
    digest = hashlib.sha256((folder / CONFIG).read_bytes())
    for path in base.weights:
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(EDGE))
            file.seek(max(0, size - EDGE))
            digest.update(file.read(EDGE))
    return digest.hexdigest()[:32]


def check_same_base(folder: Path, expected: str) -> None:
    """That ``folder`` holds the base with the fingerprint ``expected``. A checkpoint or an adapter on another
    base loads and merges without an error, and answers nonsense.

    Raises:
        ModelError: it holds another one, or is incomplete.
    """
    if fingerprint(folder) != expected:
        raise ModelError(
            _(
                "{folder} 不是训练时用的那个基座模型（内容不同，或者工坊换了新的内置模型），不能用它接着训练、转换或合并；已经合并好的模型照常能用",
                folder=folder,
            )
        )
