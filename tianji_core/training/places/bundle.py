"""The bundle: one file with everything that a training needs but its base, which is named by its folder and
its fingerprint. A manifest lists the other files with their sizes and hashes and comes first; their names are
fixed."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tianji_core.dataset import validation_file
from tianji_core.errors import PlaceError, RecipeError
from tianji_core.files import atomic_writer, sha256
from tianji_core.i18n import _
from tianji_core.ownership import check_replaceable
from tianji_core.project import DISTRIBUTION, PROJECT
from tianji_core.store import recipes
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.training import TrainingRun
from tianji_core.training import engine
from tianji_core.training.learnt_pairs import QUESTIONS
from tianji_core.training.mixed_data import Mix
from tianji_core.training.presets import Preset
from tianji_core.training.progress import work_folder
from tianji_core.training.record import record_of
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.target import Target
from tianji_core.workspace import Workspace

NAME = "bundle.tar"
MANIFEST, PRESET, CONFIG, DATA, HELD, RECIPE, DATASET = (
    "bundle.json",
    "preset.txt",
    "config.txt",
    "data.json",
    "held.json",
    "recipe.json",
    "dataset.json",
)
TEXTS = (PRESET, CONFIG, RECIPE, DATASET)
LOCKED = ("torch", "transformers", "peft", "datasets", engine.DISTRIBUTION)
"""Packages whose versions change what a training computes."""
FORMAT = 2
LARGEST_MANIFEST, LARGEST_TEXT = 4_000_000, 64_000_000
_BLOCK = 1024 * 1024


class Part(BaseModel):
    """One file of a bundle; ``size`` in bytes."""

    model_config = ConfigDict(frozen=True)

    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class BaseModelFolder(BaseModel):
    """The base of a bundle: the ``name`` of its folder, its ``fingerprint``, '' where it is not on the
    machine that made the bundle; ``inside`` is its path in the project where it belongs to the studio, else
    ''."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(max_length=300)
    fingerprint: str = Field(default="", pattern=r"^[0-9a-f]*$", max_length=64)
    inside: str = Field(default="", max_length=1000)

    @field_validator("name")
    @classmethod
    def _one_part(cls, value: str) -> str:
        if "/" in value or "\0" in value or value in ("", ".", ".."):
            raise ValueError("base.name")
        return value

    @field_validator("inside")
    @classmethod
    def _below(cls, value: str) -> str:
        if value.startswith("/") or "\0" in value or ".." in value.split("/"):
            raise ValueError("base.inside")
        return value


class Bundle(BaseModel):
    """What a bundle says of itself. ``id`` is made before it is sent, so that it can be sent again without
    training twice; ``versions`` are those of the packages on the machine that made it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = FORMAT
    id: str = Field(pattern=r"^[a-z0-9-]{8,60}$")
    title: str = Field(max_length=300)
    preset: str = Field(max_length=200)
    settings: TrainingSettings
    target: Target
    base: BaseModelFolder
    dataset_name: str = ""
    dataset_sha256: str = ""
    pairs_sha256: str = ""
    pairs_count: int = Field(default=0, ge=0)
    mixed: Mix | None = None
    versions: dict[str, str] = {}
    files: dict[str, Part]

    @field_validator("files")
    @classmethod
    def _known(cls, value: dict[str, Part]) -> dict[str, Part]:
        if not {PRESET, DATA} <= value.keys() <= {*TEXTS, DATA, HELD}:
            raise ValueError("files")
        if any(value[name].size > LARGEST_TEXT for name in TEXTS if name in value):
            raise ValueError("size")
        return value


def versions_here() -> dict[str, str]:
    """The versions of the studio and of :data:`LOCKED` in this environment, '' for what is missing."""
    return {name: _version(name) for name in (DISTRIBUTION, *LOCKED)}


def differing(there: Mapping[str, str]) -> str:
    """Returns the sentence for versions of packages that another machine has otherwise, '' where none is."""
    names = [
        f"{name} {there[name]} ≠ {here}"
        for name, here in versions_here().items()
        if here and there.get(name) and there[name] != here
    ]
    return _("两边的版本不同，结果可能不一样：{names}", names=_("、").join(names)) if names else ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def make_bundle(
    workspace: Workspace, run: TrainingRun, chosen: Preset, version: DatasetVersion, base: BaseModelFolder
) -> Path:
    """Writes the bundle of a prepared training into its work folder and returns its path.

    Raises:
        StudioError: a file of the dataset is gone, or the disk is full.
    """
    folder, record = work_folder(workspace, run), record_of(run)
    text = (folder / engine.CONFIG_NAME).read_text(encoding="utf-8")
    held = folder / QUESTIONS if chosen.from_pairs else validation_file(workspace, version)
    texts = {
        PRESET: chosen.source,
        CONFIG: text,
        DATASET: _json({"name": version.name, "recipe": version.recipe, "manifest": version.manifest}),
        RECIPE: _json(_recipe(workspace, version)),
    }
    files = {DATA: engine.data_file(text)}
    if held is not None and held.is_file():
        files[HELD] = held
    parts = {name: Part(size=path.stat().st_size, sha256=sha256(path)) for name, path in files.items()}
    for name, written in texts.items():
        encoded = written.encode("utf-8")
        parts[name] = Part(size=len(encoded), sha256=hashlib.sha256(encoded).hexdigest())
    draft = Bundle(
        id=record.bundle,
        title=run.title,
        preset=run.preset,
        settings=record.settings,
        target=record.target,
        base=base,
        dataset_name=record.dataset_name,
        dataset_sha256=record.dataset_sha256,
        pairs_sha256=record.pairs_sha256,
        pairs_count=record.pairs_count,
        mixed=record.mixed,
        versions=versions_here(),
        files=parts,
    )
    path = folder / NAME
    with atomic_writer(path) as file, tarfile.TarFile(fileobj=file.buffer, mode="w") as tar:
        _add_text(tar, MANIFEST, draft.model_dump_json(indent=1))
        for name, content in texts.items():
            _add_text(tar, name, content)
        for name, source in files.items():
            tar.add(source, name, recursive=False)
    return path


def _recipe(workspace: Workspace, version: DatasetVersion) -> object:
    try:
        return recipes.current(workspace.engine, version.recipe).recipe.model_dump(mode="json")
    except RecipeError:
        return None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode("utf-8")
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def read_manifest(path: Path) -> Bundle:
    """Returns what a bundle says of itself.

    Raises:
        PlaceError: it is no bundle.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            first = tar.next()
            if first is None or first.name != MANIFEST or first.size > LARGEST_MANIFEST:
                raise ValueError(MANIFEST)
            return _manifest(_content(tar, first).read())
    except (OSError, tarfile.TarError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> PlaceError:
    return PlaceError(_("训练包 {file} 不完整或坏了（{detail}），请重新送一次", file=path, detail=error))


def unpack(path: Path, folder: Path) -> Bundle:
    """Unpacks a bundle into ``folder`` and returns its manifest. Every file is compared with its hash;
    nothing but the known names is written.

    Raises:
        PlaceError: it is no bundle, is damaged, or is of a newer studio.
    """
    found: set[str] = set()
    try:
        with tarfile.open(path, "r:") as tar:
            bundle = read_manifest(path)
            tar.next()
            while (entry := tar.next()) is not None:
                expected = bundle.files.get(entry.name)
                plain = entry.isfile() and not entry.issparse() and entry.name not in found
                if expected is None or not plain or entry.size != expected.size:
                    raise ValueError(entry.name)
                _unpacked(_content(tar, entry), folder / entry.name, expected)
                found.add(entry.name)
        if missing := bundle.files.keys() - found:
            raise ValueError(", ".join(sorted(missing)))
    except (OSError, tarfile.TarError, ValueError) as error:
        raise _damaged(path, error) from error
    return bundle


def _manifest(content: bytes) -> Bundle:
    raw = json.loads(content)
    if isinstance(raw, dict) and raw.get("format") != FORMAT:
        raise PlaceError(
            _("训练包是另一个版本的工坊做的（格式 {n}），请让两边的工坊版本一致", n=raw.get("format"))
        )
    try:
        return Bundle.model_validate(raw)
    except ValidationError as error:
        raise ValueError(error.errors(include_url=False)[0]["msg"]) from error


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(entry)
    if content is None:
        raise ValueError(entry.name)
    return content


def _unpacked(content: IO[bytes], path: Path, expected: Part) -> None:
    check_replaceable(path)
    with atomic_writer(path) as file:
        while block := content.read(_BLOCK):
            file.buffer.write(block)
    if sha256(path) != expected.sha256:
        raise ValueError(path.name)


def base_of(folder: Path, fingerprint: str) -> BaseModelFolder:
    """How a bundle names a base."""
    resolved = folder.expanduser().resolve()
    inside = resolved.relative_to(PROJECT.resolve()) if resolved.is_relative_to(PROJECT.resolve()) else ""
    return BaseModelFolder(name=folder.name, fingerprint=fingerprint, inside=str(inside))
