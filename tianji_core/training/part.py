"""A part of a training file: as many of its samples as the settings ask for, drawn by the seed."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from tianji_core.files import write_json
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training.settings import TrainingSettings

PART_TRAIN = "part_train.json"
"""The drawn samples, in the work folder of a training that learns from a part."""

Item = TypeVar("Item")


def samples_of(settings: TrainingSettings, version: DatasetVersion) -> int:
    """Returns the number of samples of its own version that a training learns from."""
    return min(settings.samples, version.count) if settings.samples else version.count


def drawn(items: Sequence[Item], settings: TrainingSettings) -> list[Item]:
    """Returns ``settings.samples`` of the items in their order, all where there are no more. With the same
    seed fewer samples are among the more ones, so that trainings on different numbers differ by nothing
    else."""
    if not settings.samples or settings.samples >= len(items):
        return list(items)
    order = list(range(len(items)))
    random.Random(f"samples|{settings.seed}").shuffle(order)
    return [items[at] for at in sorted(order[: settings.samples])]


def part_of(file: Path, settings: TrainingSettings, folder: Path) -> Path:
    """Returns the file to learn from: ``file``, or a part of it written into ``folder``."""
    if not settings.samples:
        return file
    items = json.loads(file.read_text(encoding="utf-8"))
    if settings.samples >= len(items):
        return file
    write_json(folder / PART_TRAIN, drawn(items, settings), indent=4)
    return folder / PART_TRAIN
