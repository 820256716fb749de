"""``tianji.json``, the studio's own file in a model folder, written last: what the model is, how to ask it,
and whether its Python code may run."""

import contextlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from tianji_core.errors import ModelError
from tianji_core.files import write_json
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.model_folders.built_in import base_here
from tianji_core.model_folders.learnt import LearntPairs, LearntPart
from tianji_core.model_folders.remote_code import code_hash
from tianji_core.model_folders.template import TEMPLATE, native_template
from tianji_core.project import CONFIGS
from tianji_core.store.database import now

MANIFEST = "tianji.json"
DEFAULT_SYSTEM = "你现在是一个送祝福大师，帮我针对不同人和事情、节日送对应的祝福"

Kind = Literal["base", "adapter", "merged", "gguf"]


class Artefact(BaseModel):
    """A model on disk. ``path`` is the folder to load; ``base`` the folder an adapter belongs to, or a
    merged model or a GGUF file came from, None for a base. ``template`` and ``system`` are what it was
    trained with and must be asked with. ``mix`` are the dataset versions that it learned from where they
    were several, ``pairs`` the versions of preference pairs, in the order of the trainings. ``figures``
    holds numbers such as loss or size in bytes; ``sample`` an answer it gave when it was made, ``samples``
    the answers to fixed prompts then. ``trust_remote_code``
    says that a person allowed the Python code in the folder to run, which hashed to ``code_sha256`` then.
    ``removable`` is False for the built-in base. ``created_at`` in UTC. ``who`` is the account of the
    person who made it, '' where nobody had logged in."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    kind: Kind
    title: str
    path: Path = Field(exclude=True)
    location: str = ""
    base: Path | None = None
    base_fingerprint: str = ""
    adapter: str = ""
    training_run_id: int | None = None
    checkpoint: int | None = None
    template: str = TEMPLATE
    system: str = DEFAULT_SYSTEM
    dataset_name: str = ""
    dataset_sha256: str = ""
    mix: tuple[LearntPart, ...] = ()
    pairs: tuple[LearntPairs, ...] = ()
    figures: dict[str, float] = Field(default_factory=dict)
    sample: str = ""
    samples: dict[str, str] = Field(default_factory=dict)
    source: str = ""
    trust_remote_code: bool = False
    code_sha256: str = ""
    created_at: datetime = Field(default_factory=now)
    who: str = ""
    removable: bool = Field(default=True, exclude=True)


def kind_title(kind: str) -> str:
    """A kind of artefact for people."""
    titles = {
        "base": _("基座模型"),
        "adapter": _("LoRA 适配器"),
        "merged": _("合并模型"),
        "gguf": _("GGUF 文件"),
    }
    return titles.get(kind, kind)


def write_artefact(folder: Path, artefact: Artefact, home: Path) -> None:
    """Write ``tianji.json``; a base inside the workspace ``home`` is kept relative, so that the workspace can
    move."""
    values = json.loads(artefact.model_dump_json())
    if artefact.trust_remote_code and not artefact.code_sha256:
        values["code_sha256"] = code_hash(artefact.path)
    if artefact.base is not None and artefact.base.is_relative_to(home):
        values["base"] = str(artefact.base.relative_to(home))
    write_json(folder / MANIFEST, values)


def read_artefact(folder: Path, home: Path) -> Artefact:
    """The artefact in ``folder``.

    Raises:
        ModelError: no manifest, or one that cannot be read.
    """
    if not has_manifest(folder):
        raise ModelError(_("{folder} 里没有 {file}，不是完整的模型", folder=folder, file=MANIFEST))
    try:
        values = _values(folder)
        if values.get("base"):
            values["base"] = base_here(home / values["base"], str(values.get("base_fingerprint", "")))
        location = values.get("location")
        artefact = Artefact.model_validate({**values, "path": Path(location) if location else folder})
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            _("模型说明 {file} 读不懂，请删掉这个文件夹后重做", file=folder / MANIFEST)
        ) from error
    return artefact.model_copy(update={"name": folder.name})


class Manifest(BaseModel):
    """What ``tianji.json`` says to a program that asks the model: what kind of artefact it is, its chat
    template and system prompt, '' where unknown, and the fingerprint of the base that an adapter belongs
    to."""

    model_config = ConfigDict(extra="ignore")

    kind: str = ""
    template: str = ""
    system: str = ""
    base_fingerprint: str = ""


def read_manifest(folder: Path) -> Manifest:
    """How to ask the model in ``folder``; an empty manifest where there is none.

    Raises:
        ModelError: it cannot be read.
    """
    if not has_manifest(folder):
        return Manifest()
    try:
        return Manifest.model_validate(_values(folder))
    except (OSError, ValueError) as error:
        detail = first_line(error)
        raise ModelError(
            _("{file} 坏了，请删掉它或重新合并：{detail}", file=folder / MANIFEST, detail=detail)
        ) from error


def fitting_template(folder: Path) -> str:
    """The template to train and ask the model in ``folder`` with: the one that the studio trained it with,
    else its makers' own (:func:`~tianji_core.model_folders.template.native_template`); '' where nothing
    tells."""
    if folder.is_relative_to(CONFIGS):
        return TEMPLATE
    with contextlib.suppress(ModelError):
        manifest = read_manifest(folder)
        if manifest.template and manifest.kind != "base":  # that of a base is a guess
            return manifest.template
    return native_template(folder)


class CodePermission(BaseModel):
    """What ``tianji.json`` says about running the Python code of the model at ``location`` ('': the folder
    itself); ``code_sha256`` is the hash of the code that a person allowed, '' in manifests of an older
    studio."""

    model_config = ConfigDict(extra="ignore")

    location: str = ""
    trust_remote_code: StrictBool = False
    code_sha256: str = ""


def read_permission(folder: Path) -> CodePermission | None:
    """The permission in the manifest of ``folder``; None where there is no readable one."""
    try:
        return CodePermission.model_validate(_values(folder))
    except (OSError, ValueError):
        return None


def has_manifest(folder: Path) -> bool:
    """Whether the studio made or listed the model in ``folder``, completely."""
    return (folder / MANIFEST).exists()


def _values(folder: Path) -> dict[str, Any]:
    """The content of the manifest.

    Raises:
        OSError, ValueError: it is missing, cannot be read, or is no JSON object.
    """
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    try:
        values = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("not an object")
    return values


def size_text(size: float) -> str:
    """A number of bytes for people: 369 KB, 14.8 GB (powers of ten)."""
    for unit, width in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= width:
            return f"{size / width:.1f} {unit}" if size < 100 * width else f"{size / width:.0f} {unit}"
    return f"{size:.0f} B"
