"""负载: cards, processors and memory that a training uses, sampled beside it. Needs no torch."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import psutil

from tianji_core.jobs.processes import alive
from tianji_core.training.lock import card, training_works
from tianji_core.workspace import Workspace

INTERVAL = 3.0
"""Seconds between two samples."""
SETTLED = 10
"""Samples after which all processes of a training have started, and between two searches for new ones."""
FILE = "load.jsonl"


@dataclass(frozen=True)
class Card:
    """A graphics card now: ``load`` in percent, memory in bytes."""

    index: int
    load: float
    used: int
    total: int


@dataclass(frozen=True)
class Load:
    """One sample. ``moment`` in seconds since the epoch, ``processor`` in percent of one core, ``memory`` is
    the resident memory of all processes of the training in bytes."""

    moment: float
    processor: float
    memory: int
    cards: tuple[Card, ...] = ()


def cards(indices: Sequence[int] | None = None) -> list[Card]:
    """The NVIDIA cards of this machine as its driver reports them, all of them for None; [] where there is
    none."""
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    devices = []
    try:
        for index in range(pynvml.nvmlDeviceGetCount()) if indices is None else indices:
            with contextlib.suppress(pynvml.NVMLError):  # a card that fell off the bus
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
                load = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
                devices.append(Card(index, float(load), int(memory.used), int(memory.total)))
    finally:
        pynvml.nvmlShutdown()
    return devices


def free_cards() -> list[str]:
    """The places of all cards, the one with the most free memory first."""
    return [f"gpu{device.index}" for device in sorted(cards(), key=lambda device: device.used - device.total)]


def one_card(
    workspace: Workspace | None, wanted: int | None = None, found: Sequence[Card] | None = None
) -> dict[str, str]:
    """The environment in which a program sees one card only: the card of number ``wanted``, else one that no
    training of ``workspace`` holds, the one with the most free memory first. {} where there is no choice to
    make: with fewer than two cards, or where CUDA_VISIBLE_DEVICES says which ones to use. ``found`` are the
    machine's cards, None to ask the driver."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return {}
    found = cards() if found is None else found
    chosen = [each for each in found if wanted is None or each.index == wanted]
    if len(found) < 2 or not chosen:
        return {}

    def quality(each: Card) -> tuple[bool, int]:
        held = workspace is not None and training_works(workspace, card(each.index))
        return not held, each.total - each.used

    best = max(chosen, key=quality)
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(best.index)}


class Sampler:
    """Writes a sample every few seconds for the length of a block, and calls ``beside`` as often. ``places``
    are those that the training holds."""

    def __init__(
        self,
        work_dir: Path,
        places: Sequence[str],
        beside: Callable[[], None] = lambda: None,
        interval: float = INTERVAL,
    ) -> None:
        self._path = work_dir / FILE
        self._cards = [int(place.removeprefix("gpu")) for place in places if place.startswith("gpu")]
        self._beside, self._interval = beside, interval
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._known: dict[int, psutil.Process] = {}
        self._looks = 0

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._done.wait(self._interval):
            with contextlib.suppress(OSError):  # files may be gone by then
                self._beside()
            with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as file:  # a full disk
                file.write(json.dumps(asdict(self._sample())) + "\n")

    def _sample(self) -> Load:
        processor, memory = 0.0, 0
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                processor += process.cpu_percent()
                memory += process.memory_info().rss
        devices = tuple(cards(self._cards)) if self._cards else ()
        return Load(time.time(), processor, memory, devices)

    def _family(self) -> list[psutil.Process]:
        """All processes of the training. Finding them means looking at every process of the machine, so later
        on that happens only now and then, or when one is gone."""
        settled = self._looks > SETTLED and all(
            alive(process.pid, process.create_time()) for process in self._known.values()
        )
        if not settled or self._looks % SETTLED == 0:
            children = psutil.Process().children(recursive=True)
            # psutil counts a process's share since the last call on the same object.
            self._known = {child.pid: self._known.get(child.pid, child) for child in children}
        self._looks += 1
        return list(self._known.values())


def loads(work_dir: Path, newest: int = 2000) -> list[Load]:
    """The newest samples of a training, oldest first."""
    try:
        with (work_dir / FILE).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - newest * 200))
            lines = file.read().decode("utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return []
    samples = []
    for line in lines:
        try:
            value = json.loads(line)
            value["cards"] = tuple(Card(**card) for card in value["cards"])
            samples.append(Load(**value))
        except (ValueError, KeyError, TypeError):
            continue  # the first may be cut, the last half written
    return samples[-newest:]
