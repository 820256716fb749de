"""A hook for the config of a training that records where the time of some iterations goes on each card.

:class:`StepProfile` runs PyTorch's profiler over the last iterations of a training and writes one file per
process: the seconds in which a kernel other than NCCL's ran, in which only NCCL ran, and in which nothing
ran, the loss of each iteration, and the highest memory of the process. ``benchmarks/training_scaling.py``
puts it into the config and reads the files.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook

from tianji_core.files import write_json

EXCHANGES = ("nccl", "gloo")


def length(spans: Iterable[tuple[float, float]]) -> float:
    """The length of the union of (start, end) spans."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def shares(events: list[tuple[str, float, float]], seconds: float) -> dict[str, float]:
    """Splits ``seconds`` by what the card did: ``computing``; ``exchanging`` where nothing computed beside
    it; and ``idle``. ``exchanging_at_all`` also counts the exchange that runs beside computation. ``events``
    are (name, start, end) of kernels and copies, in microseconds."""
    exchange = [
        (start, end) for name, start, end in events if any(word in name.lower() for word in EXCHANGES)
    ]
    others = [
        (start, end) for name, start, end in events if not any(word in name.lower() for word in EXCHANGES)
    ]
    busy, computing = length(exchange + others) / 1e6, length(others) / 1e6
    return {
        "seconds": seconds,
        "computing": computing,
        "exchanging": busy - computing,
        "exchanging_at_all": length(exchange) / 1e6,
        "idle": max(0.0, seconds - busy),
    }


class StepProfile(Hook):
    """Profiles ``count`` iterations from number ``first`` (from 0) and writes ``profile-RANK.json`` into
    ``folder``, with the losses of all iterations up to then."""

    priority = "VERY_LOW"

    def __init__(self, folder: str, first: int, count: int) -> None:
        self._path = Path(folder) / f"profile-{os.environ.get('RANK', '0')}.json"
        self._first, self._last = first, first + count - 1
        self._on_card = torch.cuda.is_available()
        self._profiler: Any = None
        self._began = 0.0
        self._losses: list[torch.Tensor] = []

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Starts the profiler before the first of its iterations."""
        if runner.iter != self._first:
            return
        activity = torch.profiler.ProfilerActivity
        self._profiler = torch.profiler.profile(activities=[activity.CUDA if self._on_card else activity.CPU])
        self._settle()
        self._profiler.start()
        self._began = time.perf_counter()

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Stops it after the last one and writes the file."""
        self._losses.append(torch.as_tensor(outputs["loss"]).detach())  # read at the end: that waits
        if runner.iter != self._last or self._profiler is None:
            return
        self._settle()
        seconds = time.perf_counter() - self._began
        self._profiler.stop()
        kind = "CUDA" if self._on_card else "CPU"
        events = [
            (event.name, event.time_range.start, event.time_range.end)
            for event in self._profiler.events()
            if event.device_type.name == kind
        ]
        found: dict[str, Any] = shares(events, seconds)
        found |= {"top": _longest(events), "losses": [float(loss) for loss in self._losses]}
        if self._on_card:
            found["reserved_gb"] = torch.cuda.max_memory_reserved() / 1e9
        write_json(self._path, found)

    def _settle(self) -> None:
        if self._on_card:
            torch.cuda.synchronize()


def _longest(events: list[tuple[str, float, float]], count: int = 12) -> dict[str, float]:
    """The names with the most time, in seconds."""
    total: dict[str, float] = {}
    for name, start, end in events:
        total[name[:80]] = total.get(name[:80], 0.0) + (end - start) / 1e6
    return dict(sorted(total.items(), key=lambda item: -item[1])[:count])
