"""What the drivers of the peers share: the packs of the benchmark as a dataset, and a callback that times
optimizer steps.

A driver prints one line ``RESULT {json}``. It runs in the peer's own environment, so it imports nothing of
the studio.
"""

import json
import statistics
import time
from typing import Any

import numpy
import torch
from transformers import TrainerCallback

CARD = torch.cuda.is_available()
PACKS_A_STEP = 16


def packs(path: str, count: int) -> Any:
    """The first ``count`` packs of an ``.npz`` file with ``ids`` and ``labels`` (packs, tokens).

    The first label of a pack is never predicted, but a trainer that divides by the number of labels counts
    it: it is taken out, so that the losses of all compare.
    """
    from datasets import Dataset

    stored = numpy.load(path)
    ids, labels = stored["ids"][:count], stored["labels"][:count]
    labels[:, 0] = -100
    columns = {"input_ids": ids, "labels": labels, "attention_mask": numpy.ones_like(ids)}
    return Dataset.from_dict({name: values.tolist() for name, values in columns.items()})


def limit_memory(gigabytes: float) -> None:
    """Let this process take no more than so much of the card; 0 for all of it."""
    if CARD and gigabytes:
        whole = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, gigabytes * 1e9 / whole))


class Timer(TrainerCallback):
    """Times each optimizer step; the first, which compiles and allocates, is left out of the rate."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.seconds: list[float] = []
        self.losses: list[float] = []
        self._began: float | None = None

    def _lap(self) -> None:
        if CARD:
            torch.cuda.synchronize()
        now = time.perf_counter()
        if self._began is not None:
            self.seconds.append(now - self._began)
        self._began = now

    def on_step_begin(self, *_values: Any, **_options: Any) -> None:
        self._lap()

    def on_log(self, *_values: Any, logs: dict[str, float] | None = None, **_options: Any) -> None:
        if logs and "loss" in logs:
            self.losses.append(logs["loss"])

    def on_train_end(self, *_values: Any, **_options: Any) -> None:
        self._lap()
        steady = self.seconds[1:]
        tail = self.losses[-max(1, len(self.losses) // 4) :]
        result = {
            "tokens_per_s": self.tokens * len(steady) / sum(steady),
            "allocated_gb": torch.cuda.max_memory_allocated() / 1e9 if CARD else 0.0,
            "loss": statistics.fmean(tail) if tail else None,
            "losses": self.losses,
        }
        print("RESULT " + json.dumps(result), flush=True)
