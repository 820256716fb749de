"""What xtuner logs of a training: one folder for each start, with a log of text and a file of figures. Needs
no torch and writes nothing."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from tianji_core.training.curve import Passing, Point, Validation, finite

_ITERATION = re.compile(r"Iter\(train\)\s*\[\s*(\d+)/(\d+)\]")
_LOSS = re.compile(r"\bloss: (\S+)")
_STAMP = re.compile(r"^\d{8}_\d{6}$")
_MADE = re.compile(r"iter_\d+\.pth(/[^/]+)*|\d{8}_\d{6}/([^/]+/)*[^/]+\.(log|json|jsonl|txt)")
P = TypeVar("P", Point, Validation, Passing)


@dataclass(frozen=True)
class LoggedStep:
    """What a line of output tells: the iterations done and in all, and the loss, None where the line has none
    or it is not finite; ``broken`` says that it is not finite."""

    done: int
    total: int
    loss: float | None = None
    broken: bool = False


def logged_step(line: str) -> LoggedStep | None:
    """The step that a line of the trainer's output reports; None for every other line."""
    iteration = _ITERATION.search(line)
    if iteration is None:
        return None
    loss = _LOSS.search(line)
    value = finite(loss[1]) if loss else None
    return LoggedStep(int(iteration[1]), int(iteration[2]), value, loss is not None and value is None)


def begun(work_dir: Path) -> bool:
    """Whether a training has ever started in this folder."""
    return bool(sittings(work_dir))


def log_tail(work_dir: Path, size: int) -> str:
    """The last ``size`` bytes of the newest log; '' where there is none."""
    folders = sittings(work_dir)
    return edge(log_file(folders[-1]), size, end=True) if folders else ""


def sittings(work_dir: Path) -> list[Path]:
    """The folders of each start and resume, oldest first."""
    if not work_dir.is_dir():
        return []
    return sorted(path for path in work_dir.iterdir() if path.is_dir() and _STAMP.match(path.name))


def made_by_training(name: str) -> bool:
    """Whether a path in a work folder is a checkpoint, a log, a curve or trial answers, and not what a
    training reads: its config, its data, or code."""
    return _MADE.fullmatch(name) is not None and not name.endswith(".py")


def curve(work_dir: Path) -> list[Point]:
    """The logged points in order; where a resume repeats iterations, the later run counts."""
    return _stitched(work_dir, _point)


def validations(work_dir: Path) -> list[Validation]:
    """The validation losses in order, joined as the curve is."""
    return _stitched(work_dir, _validation)


def pass_rates(work_dir: Path) -> list[Passing]:
    """The pass rates on held-out questions in order, joined as the curve is."""
    return _stitched(work_dir, _passing)


def _stitched(work_dir: Path, read: Callable[[dict[str, Any]], P]) -> list[P]:
    stitched: list[P] = []
    for folder in sittings(work_dir):
        values = _values(folder / "vis_data" / "scalars.json", read)
        if values:
            stitched = [point for point in stitched if point.iteration < values[0].iteration] + values
    return stitched


def _values(path: Path, read: Callable[[dict[str, Any]], P]) -> list[P]:
    try:
        about = path.stat()
    except FileNotFoundError:
        return []
    values = []
    for value in _decoded(path, about.st_size, about.st_mtime_ns):
        try:
            values.append(read(value))
        except (ValueError, KeyError, TypeError):
            continue  # a line of the other kind
    return values


@lru_cache(maxsize=8)
def _decoded(path: Path, _size: int, _modified: int) -> tuple[Any, ...]:
    """The lines of a file of figures, which one look at a training reads several times."""
    values = []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            values.append(json.loads(line))
        except ValueError:
            continue  # the last one, half written
    return tuple(values)


def _point(value: dict[str, Any]) -> Point:
    return Point(
        iteration=int(value.get("step", value["iter"])),
        loss=finite(value["loss"]),
        learning_rate=float(value["lr"]),
        seconds=float(value.get("time", 0.0)),
        memory=finite(value.get("memory")),
        gradient=finite(value.get("grad_norm")),
        margin=finite(value.get("reward_margin")),
        accuracy=finite(value.get("reward_acc")),
        chosen_loss=finite(value.get("chosen_loss", value.get("nll_loss"))),
        kl=finite(value.get("kl_per_answer")),
        kl_per_token=finite(value.get("kl")),
    )


def _validation(value: dict[str, Any]) -> Validation:
    return Validation(int(value["step"]), finite(value["val_loss"]))


def _passing(value: dict[str, Any]) -> Passing:
    kept = value.get("kept_step")
    return Passing(int(value["step"]), float(value["pass_rate"]), None if kept is None else int(kept))


def log_file(folder: Path) -> Path:
    """The trainer's log of one start."""
    return folder / f"{folder.name}.log"


def edge(path: Path, size: int, end: bool) -> str:
    """At most ``size`` bytes from the beginning or the end of a text file; '' where there is none."""
    try:
        with path.open("rb") as file:
            if end:
                file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read(size).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def total_iterations(work_dir: Path) -> int | None:
    """All iterations of the training, from the newest log; None before the first is logged."""
    for folder in reversed(sittings(work_dir)):
        counters = _ITERATION.findall(edge(log_file(folder), 200_000, end=True))
        if counters:
            return int(counters[-1][1])
    return None
