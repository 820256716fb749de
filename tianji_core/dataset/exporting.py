"""Exporting a dataset version in the forms that other programs read."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tianji_core.dataset.conversation import (
    ALPACA,
    CSV,
    HUB,
    MERGED,
    MESSAGES,
    PARQUET,
    SHAREGPT,
    Conversation,
    as_item,
    frozen_conversation,
)
from tianji_core.dataset.tables import csv_lines, hub_files, parquet_bytes
from tianji_core.dataset.versions import training_file, validation_file, verify
from tianji_core.errors import DatasetError
from tianji_core.i18n import _
from tianji_core.outputs import output_file, write_output_folder
from tianji_core.store.datasets import DatasetVersion
from tianji_core.workspace import Workspace

EXPORT_SUFFIXES = {
    MERGED: ".json",
    ALPACA: ".alpaca.json",
    SHAREGPT: ".sharegpt.json",
    MESSAGES: ".messages.jsonl",
    CSV: ".csv",
    PARQUET: ".parquet",
    HUB: ".huggingface.zip",
}
"""form → extension of the exported file."""
TRAINING, VALIDATING = "train", "validation"


def exported(workspace: Workspace, version: DatasetVersion, form: str, split: str = TRAINING) -> bytes:
    """Returns a version as the content of one file: merged (the training file itself), alpaca, sharegpt,
    messages (JSON lines), csv, parquet, or huggingface (a zipped folder with both splits).

    Raises:
        DatasetError: unknown form, no such split, or the version's files are not what was frozen.
    """
    if form == HUB:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in _hub(workspace, version).items():
                archive.writestr(str(path), content)
        return buffer.getvalue()
    if form == PARQUET:
        return parquet_bytes(_conversations(_source(workspace, version, form, split)))
    return "".join(_pieces(workspace, version, form, split)).encode()


def export(
    workspace: Workspace,
    version: DatasetVersion,
    form: str,
    path: Path | None = None,
    split: str = TRAINING,
    overwrite: bool = False,
) -> Path:
    """Writes a version to ``path`` (default: the workspace's ``exports``) and returns the path. The form
    huggingface writes a folder. ``overwrite`` replaces what an earlier export wrote there. Raises as
    :func:`exported`.

    Raises:
        InputError: something is at ``path`` already.
    """
    suffix = EXPORT_SUFFIXES.get(form, "").removesuffix(".zip")
    middle = "" if split == TRAINING else f".{split}"
    target = path or workspace.exports / f"{version.name}{middle}{suffix}"
    if form == HUB:
        files = _hub(workspace, version)
        write_output_folder(workspace, target, lambda draft: _fill(draft, files), overwrite)
        return target
    pieces = (
        iter([parquet_bytes(_conversations(_source(workspace, version, form, split)))])
        if form == PARQUET
        else (piece.encode() for piece in _pieces(workspace, version, form, split))
    )
    with output_file(workspace, target, overwrite) as draft, draft.open("r+b") as file:
        file.writelines(pieces)
    return target


def _source(workspace: Workspace, version: DatasetVersion, form: str, split: str) -> Path:
    if form not in EXPORT_SUFFIXES:
        known = _("、").join(EXPORT_SUFFIXES)
        raise DatasetError(_("不能导出成 {form}，可以的是：{known}", form=form, known=known))
    verify(workspace, version)
    path = training_file(workspace, version) if split == TRAINING else validation_file(workspace, version)
    if path is None:
        raise DatasetError(_("数据集“{name}”没有验证集", name=version.name))
    return path


def _conversations(path: Path) -> Iterator[Conversation]:
    return map(frozen_conversation, json.loads(path.read_text(encoding="utf-8")))


def _hub(workspace: Workspace, version: DatasetVersion) -> dict[Path, bytes]:
    train = _source(workspace, version, HUB, TRAINING)
    held = validation_file(workspace, version)
    card = train.with_name("README_zh.md")
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {version.name}\n"
    return hub_files(_conversations(train), _conversations(held) if held else (), text)


def _fill(folder: Path, files: dict[Path, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("xb") as file:
            file.write(content)


def _pieces(workspace: Workspace, version: DatasetVersion, form: str, split: str) -> Iterator[str]:
    path = _source(workspace, version, form, split)
    if form == MERGED:
        return iter([path.read_text(encoding="utf-8")])
    if form == CSV:
        return csv_lines(_conversations(path))
    return _json(path, form)


def _json(path: Path, form: str) -> Iterator[str]:
    lines = (
        json.dumps(as_item(conversation, form), ensure_ascii=False) for conversation in _conversations(path)
    )
    if form == MESSAGES:
        yield from (line + "\n" for line in lines)
        return
    for number, line in enumerate(lines):
        yield ("[\n" if not number else ",\n") + line
    yield "\n]\n"
