"""Decode steps whose tokens stay on the device: the next step is launched with them before the host has read
them. Imported by the server process only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tianji_core.serving.generation import BatchRow
from tianji_core.serving.sampling import chosen
from tianji_core.serving.slab import sent

Step = Callable[[torch.Tensor, list[str]], torch.Tensor]
"""Feeds one token (B) to each row, whose adapters are named; returns the logits of the next (B, V)."""


@dataclass(frozen=True)
class Flight:
    """A launched step of these rows: their next tokens on the device (B), and on the host once ``landed``."""

    rows: Sequence[BatchRow]
    tokens: torch.Tensor
    host: torch.Tensor
    landed: Any

    def read(self) -> list[int]:
        """Waits for the step and returns the tokens."""
        if self.landed is not None:
            self.landed.synchronize()
        values: list[int] = self.host.tolist()
        return values


def may_fly(rows: Sequence[BatchRow]) -> bool:
    """Whether the next tokens of rows can be chosen without knowing their last ones on the host."""
    return not any(row.sampler.adjusts or row.job.likely is not None for row in rows)


def goes_on(flight: Flight, rows: Sequence[BatchRow]) -> bool:
    """Whether any of these rows may have a further token after those of this step."""
    flying = {id(row) for row in flight.rows}
    return any(id(row) not in flying or len(row.ids) + 1 < row.job.max_tokens for row in rows)


def launch(rows: Sequence[BatchRow], before: Flight | None, step: Step, device: torch.device) -> Flight:
    """Launches a step. Rows of ``before`` receive the tokens that it chooses; the others their last ones.

    Raises:
        torch.OutOfMemoryError: no space, perhaps after ``step``; the samplers are as they were.
    """
    places = {id(row): at for at, row in enumerate(before.rows)} if before else {}
    tokens = sent([row.ids[-1] for row in rows], device)
    if before is not None:
        at = sent([places.get(id(row), -1) for row in rows], device)
        tokens = torch.where(at >= 0, before.tokens[at.clamp(min=0)], tokens)
    scores = step(tokens, [row.job.adapter for row in rows])
    draws = [row.sampler.draw() for row in rows]
    try:
        following, _unsure = chosen(scores, [row.sampler for row in rows], draws, asked=False)
    except torch.OutOfMemoryError:
        for row, draw in zip(rows, draws, strict=True):
            row.sampler.put_back(draw)
        raise
    if device.type != "cuda":
        return Flight(list(rows), following, following, None)
    host = torch.empty(following.shape, dtype=following.dtype, pin_memory=True)
    host.copy_(following, non_blocking=True)
    landed = torch.cuda.Event()
    landed.record()
    return Flight(list(rows), following, host, landed)
