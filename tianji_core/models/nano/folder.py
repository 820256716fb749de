"""The folder of the shipped base and its list of hashes."""

import json
from pathlib import Path

from tianji_core.errors import ModelError
from tianji_core.files import sha256, write_json
from tianji_core.i18n import _
from tianji_core.project import NANO_FOLDER

FOLDER = NANO_FOLDER
MANIFEST = "manifest.json"
REBUILD = "python -m tianji_core.models.nano.build --out {folder} --seed 0"


def write_manifest(folder: Path) -> None:
    """Writes the SHA-256 of every file of a model folder. Written last, so that its presence means the
    folder is complete."""
    files = sorted(
        p for p in folder.iterdir() if p.is_file() and p.name != MANIFEST and not p.name.startswith(".")
    )
    write_json(folder / MANIFEST, {"sha256": {path.name: sha256(path) for path in files}})


def nano_base(folder: Path = FOLDER) -> Path:
    """Returns the folder of the nano base in Hugging Face format after comparing every file with its hash
    (some 15 MB, a few hundredths of a second; loads no model).

    Raises:
        ModelError: a file is missing or differs; the message says which, and how to build the base again.
    """
    command = REBUILD.format(folder=folder)
    try:
        recorded = dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"])
    except FileNotFoundError as error:
        raise ModelError(
            _(
                "内置小模型不完整：{folder} 里缺少 {file}；请重新构建：{command}",
                folder=folder,
                file=MANIFEST,
                command=command,
            )
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            _(
                "内置小模型的清单 {file} 读不了；请重新构建：{command}",
                file=folder / MANIFEST,
                command=command,
            )
        ) from error
    for name, digest in recorded.items():
        path = folder / name
        if not path.is_file():
            raise ModelError(
                _(
                    "内置小模型不完整：{folder} 里缺少 {file}；请重新构建：{command}",
                    folder=folder,
                    file=name,
                    command=command,
                )
            )
        if sha256(path) != digest:
            raise ModelError(
                _("内置小模型的文件 {file} 已损坏或被改动；请重新构建：{command}", file=path, command=command)
            )
    return folder
