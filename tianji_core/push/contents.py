"""The files of a push. What a folder says about this machine (paths, numbers of trainings) stays here."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tianji_core import dataset
from tianji_core.dataset import DatasetVersion
from tianji_core.errors import PushError
from tianji_core.files import storable
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import MANIFEST, Artefact
from tianji_core.models.card import CARD
from tianji_core.push.cards import dataset_readme, model_readme
from tianji_core.push.licences import original_base
from tianji_core.push.target import PushTarget
from tianji_core.training.engine import LEFT_BY_CONVERTER
from tianji_core.workspace import Workspace

_LEFT = (CARD, MANIFEST, *LEFT_BY_CONVERTER, "training_args.bin")
"""Written anew, or about this machine only."""
_WANTED = (".safetensors", ".bin", ".json", ".model", ".txt", ".tiktoken", ".jinja", ".py", ".gguf")
_PATHS = ("_name_or_path", "name_or_path", "base_model_name_or_path")
"""Keys of configuration files that name the folder a model was loaded from."""
_KEPT = (
    *("name", "kind", "title", "base_fingerprint", "checkpoint", "template", "system", "created_at"),
    *("dataset_name", "dataset_sha256", "mix", "pairs", "figures", "sample", "samples"),
)


@dataclass(frozen=True)
class PushFile:
    """One file: its ``path`` in the repository and its ``content``, a file of this machine or bytes."""

    path: str
    content: Path | bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


def size_of(files: list[PushFile]) -> int:
    """Returns the bytes of all files."""
    return sum(file.size for file in files)


def dataset_files(
    workspace: Workspace, version: DatasetVersion, target: PushTarget, licence: str
) -> list[PushFile]:
    """Returns the files of a dataset version with its card.

    Raises:
        DatasetError: a file is missing or has been changed.
    """
    dataset.verify(workspace, version)
    folder = workspace.home / version.folder
    names = sorted(path.name for path in folder.iterdir() if path.suffix in (".json", ".md"))
    card = dataset_readme(workspace, version, target, licence)
    return [
        PushFile(CARD, card.encode()),
        *(PushFile(name, folder / name) for name in names if name != CARD),
    ]


def model_files(workspace: Workspace, model: Artefact, target: PushTarget, licence: str) -> list[PushFile]:
    """Returns the files of an adapter, a merged model or a GGUF file with its card.

    Raises:
        PushError: a base model, which was not made here.
    """
    if model.kind == "base":
        raise PushError(
            _("“{name}”是基座，不是在这里做出来的；可以推适配器、合并模型和 GGUF", name=model.name)
        )
    base = original_base(workspace, model)
    card = model_readme(workspace, model, base, target, licence)
    base_id = "" if base is None else (base.modelscope if target.hub == "modelscope" else base.huggingface)
    files = [
        PushFile(CARD, card.encode()),
        PushFile(MANIFEST, _json({key: value for key, value in _facts(model).items() if key in _KEPT})),
    ]
    for path in _weights_and_configs(model.path):
        name = path.relative_to(model.path).as_posix()
        files.append(PushFile(name, _without_paths(path, base_id or _base_name(model))))
    return files


def _weights_and_configs(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        wanted = path.suffix in _WANTED or path.name in ("Modelfile", "LICENSE", "NOTICE")
        if path.is_file() and wanted and not path.name.startswith(".") and path.name not in _LEFT:
            yield path


def _facts(model: Artefact) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(model.model_dump_json())
    return values


def _base_name(model: Artefact) -> str:
    return model.base.name if model.base is not None else ""


def _without_paths(path: Path, base_id: str) -> Path | bytes:
    """Returns the file, or its text with the base's name in place of a folder of this machine."""
    if path.suffix != ".json" or path.name in ("tokenizer.json", "vocab.json"):
        return path
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return path
    if not isinstance(values, dict):
        return path
    found = [key for key in _PATHS if isinstance(values.get(key), str) and _is_path(values[key])]
    if not found:
        return path
    return _json({**values, **dict.fromkeys(found, base_id)})


def _is_path(value: str) -> bool:
    return value.startswith(("/", "~", ".")) or "\\" in value or value.count("/") > 1


def _json(values: dict[str, Any]) -> bytes:
    return (storable(json.dumps(values, ensure_ascii=False, indent=2)) + "\n").encode()
