"""A dataset version in the forms that other programs read."""

import json
from collections.abc import Iterator
from pathlib import Path

from tianji_core.dataset.conversation import ALPACA, MERGED, MESSAGES, SHAREGPT, as_item, conversation_of
from tianji_core.dataset.versions import training_file, verify
from tianji_core.errors import DatasetError
from tianji_core.files import atomic_writer
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.workspace import Workspace

EXPORT_SUFFIXES = {
    MERGED: ".json",
    ALPACA: ".alpaca.json",
    SHAREGPT: ".sharegpt.json",
    MESSAGES: ".messages.jsonl",
}
"""form → what the exported file's name ends in."""


def exported(workspace: Workspace, version: DatasetVersion, form: str) -> bytes:
    """A version as the content of one file: merged (the training file itself), alpaca, sharegpt, or messages (JSON
    lines).

    Raises:
        DatasetError: unknown form, or the version's file is not what was frozen.
    """
    return "".join(_pieces(workspace, version, form)).encode()


def export(workspace: Workspace, version: DatasetVersion, form: str, path: Path | None = None) -> Path:
    """Write a version to ``path`` (default: into the workspace's ``exports``); where it stands. Errors as for
    :func:`exported`."""
    target = path or workspace.exports / f"{version.name}{EXPORT_SUFFIXES.get(form, '')}"
    pieces = _pieces(workspace, version, form)
    with atomic_writer(target) as file:
        file.writelines(pieces)
    return target


def _pieces(workspace: Workspace, version: DatasetVersion, form: str) -> Iterator[str]:
    if form not in EXPORT_SUFFIXES:
        known = _("、").join(EXPORT_SUFFIXES)
        raise DatasetError(_("不能导出成 {form}，可以的是：{known}", form=form, known=known))
    verify(workspace, version)
    text = training_file(workspace, version).read_text(encoding="utf-8")
    return iter([text]) if form == MERGED else _converted(text, form)


def _converted(text: str, form: str) -> Iterator[str]:
    items = json.loads(text)
    lines = (json.dumps(as_item(conversation_of(item), form), ensure_ascii=False) for item in items)
    if form == MESSAGES:
        yield from (line + "\n" for line in lines)
        return
    for number, line in enumerate(lines):
        yield ("[\n" if not number else ",\n") + line
    yield "\n]\n"
