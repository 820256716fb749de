"""曲线: the points a training logged, read from its work folder and joined over all its starts. Needs no torch
and writes nothing."""

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ITERATION = re.compile(r"Iter\(train\)\s*\[\s*(\d+)/(\d+)\]")
LOSS = re.compile(r"\bloss: (\S+)")
_STAMP = re.compile(r"^\d{8}_\d{6}$")


@dataclass(frozen=True)
class Point:
    """One logged point. ``loss`` is None where it was not finite; ``seconds`` per iteration; ``memory`` in
    MiB of GPU memory, None on a CPU; ``gradient`` is the norm before clipping, None where it was not logged.
    """

    iteration: int
    loss: float | None
    learning_rate: float
    seconds: float
    memory: float | None
    gradient: float | None = None


@dataclass(frozen=True)
class Validation:
    """The loss on held-out samples after ``iteration`` iterations; None where it was not finite."""

    iteration: int
    loss: float | None


WINDOW = 10
"""Least number of iterations over which the trainer averages what it logs."""
FAR, EARLY = 2.0, 6
"""Factor over the first loss from which newer losses count as diverged, and the points needed to tell."""
P = TypeVar("P", Point, Validation)


def sittings(work_dir: Path) -> list[Path]:
    """The folders of each start and resume, oldest first."""
    if not work_dir.is_dir():
        return []
    return sorted(path for path in work_dir.iterdir() if path.is_dir() and _STAMP.match(path.name))


def curve(work_dir: Path) -> list[Point]:
    """The logged points in order; where a resume repeats iterations, the later run counts."""
    return _stitched(work_dir, _point)


def validations(work_dir: Path) -> list[Validation]:
    """The validation losses in order, joined as the curve is."""
    return _stitched(work_dir, _validation)


def _stitched(work_dir: Path, read: Callable[[dict[str, Any]], P]) -> list[P]:
    stitched: list[P] = []
    for folder in sittings(work_dir):
        values = _values(folder / "vis_data" / "scalars.json", read)
        if values:
            stitched = [point for point in stitched if point.iteration < values[0].iteration] + values
    return stitched


def _values(path: Path, read: Callable[[dict[str, Any]], P]) -> list[P]:
    values = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            values.append(read(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            continue  # a line of the other kind, or the last one, half written
    return values


def _point(value: dict[str, Any]) -> Point:
    return Point(
        iteration=int(value.get("step", value["iter"])),
        loss=finite(value["loss"]),
        learning_rate=float(value["lr"]),
        seconds=float(value.get("time", 0.0)),
        memory=finite(value.get("memory")),
        gradient=finite(value.get("grad_norm")),
    )


def _validation(value: dict[str, Any]) -> Validation:
    return Validation(int(value["step"]), finite(value["val_loss"]))


def finite(value: object) -> float | None:
    """A number, or None where it is missing, NaN or infinite."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def diverged(points: Sequence[Point]) -> float | None:
    """The first loss, where the newest three are all far above it; None otherwise."""
    known = [point.loss for point in points if point.loss is not None]
    if len(known) < EARLY or min(known[-3:]) < known[0] * FAR:
        return None
    return known[0]


def stalled(points: Sequence[Point]) -> int | None:
    """The iteration from which the gradient is exactly zero to the end, None where it is not. That happens
    where weights grew beyond all bounds: nothing is learnt any more. Logged values are means over ten
    iterations or more, so one point is enough."""
    still = 0
    while still < len(points) and points[-1 - still].gradient == 0:
        still += 1
    return points[-still].iteration if still and points[-1].iteration >= WINDOW else None


def smoothed(values: list[float | None], weight: float = 0.9) -> list[float | None]:
    """The exponential moving average of a curve, bias-corrected at its beginning (Kingma and Ba, 2015); gaps
    stay gaps. ``weight`` is that of the past."""
    result: list[float | None] = []
    mean, seen = 0.0, 0
    for value in values:
        if value is None:
            result.append(None)
            continue
        seen += 1
        mean = weight * mean + (1 - weight) * value
        result.append(mean / (1 - weight**seen))
    return result


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
        counters = ITERATION.findall(edge(log_file(folder), 200_000, end=True))
        if counters:
            return int(counters[-1][1])
    return None
