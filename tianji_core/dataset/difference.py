"""The difference between two dataset versions."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tianji_core.dataset.versions import training_file
from tianji_core.errors import DatasetError
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class Change:
    """A conversation: its last question, and the answer in the older and in the newer version ('' if a
    version lacks it)."""

    asked: str
    before: str
    after: str


@dataclass(frozen=True)
class VersionDifference:
    """The conversations of two versions: in both (``same``), only in the newer (``added``), only in the older
    (``removed``), and with another answer to the same question (``changed``). ``styles`` is the change in
    number by style."""

    same: int
    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    changed: tuple[Change, ...]
    styles: dict[str, int]


def difference(workspace: Workspace, older: DatasetVersion, newer: DatasetVersion) -> VersionDifference:
    """Compares the training files of two versions.

    Raises:
        DatasetError: a training file cannot be read.
    """
    before, after = _answers(workspace, older), _answers(workspace, newer)
    same = sum((before & after).values())
    gone, new = before - after, after - before
    lost: dict[tuple[str, ...], list[str]] = {}
    for question, answer in gone.elements():
        lost.setdefault(question, []).append(answer)
    added, changed = [], []
    for question, answer in new.elements():
        if lost.get(question):
            changed.append(Change(question[-1], lost[question].pop(0), answer))
        else:
            added.append(Change(question[-1], "", answer))
    removed = [Change(question[-1], answer, "") for question, answers in lost.items() for answer in answers]
    old, fresh = older.manifest.get("by_style", {}), newer.manifest.get("by_style", {})
    styles = {style: fresh.get(style, 0) - old.get(style, 0) for style in {**old, **fresh}}
    return VersionDifference(same, tuple(added), tuple(removed), tuple(changed), styles)


def _answers(workspace: Workspace, version: DatasetVersion) -> Counter[tuple[tuple[str, ...], str]]:
    items = _read(training_file(workspace, version), version.name)
    answers: Counter[tuple[tuple[str, ...], str]] = Counter()
    for item in items:
        turns = item["conversation"]
        earlier = [text for turn in turns[:-1] for text in (turn["input"], turn["output"])]
        answers[(turns[0]["system"], *earlier, turns[-1]["input"]), turns[-1]["output"]] += 1
    return answers


def _read(path: Path, name: str) -> list[dict[str, Any]]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(_("数据集“{name}”的文件 {file} 读不了", name=name, file=path)) from error
