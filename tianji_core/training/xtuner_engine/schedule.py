"""The learning rate over a training under a profile, counted in optimizer steps."""

import math
from typing import Any

from mmengine.optim.scheduler.param_scheduler import _ParamScheduler


class StepCosineLR(_ParamScheduler):
    """Linear warm-up over a share of the optimizer steps, then a cosine to zero.

    The rate changes with the optimizer step and stays the same over its ``accumulation`` micro-batches, so
    that trainings which cut the same steps into other micro-batches, or over other numbers of cards, have the
    same rates. mmengine's own schedulers count micro-batches: the rate of a step then depends on its last
    one, and a short warm-up may round to none. ``total`` is the number of micro-batches.
    """

    def __init__(
        self, optimizer: Any, total: int, accumulation: int, warmup_ratio: float, **options: Any
    ) -> None:
        self.total, self.accumulation, self.warmup_ratio = total, accumulation, warmup_ratio
        super().__init__(optimizer, param_name="lr", by_epoch=False, **options)

    @classmethod
    def build_iter_from_epoch(
        cls, optimizer: Any, end: int, epoch_length: int, by_epoch: bool = True, **options: Any
    ) -> "StepCosineLR":
        """The schedule of a training of ``end`` epochs of ``epoch_length`` micro-batches each."""
        assert by_epoch
        return cls(optimizer, total=end * epoch_length, **options)

    def factor(self, step: int) -> float:
        """The share of the full rate in an optimizer step, counted from 0."""
        steps = self.total / self.accumulation
        warm = self.warmup_ratio * steps
        if step < warm:
            return (step + 1) / (warm + 1)
        return (1 + math.cos(math.pi * min(1.0, (step - warm) / max(steps - warm, 1e-9)))) / 2

    def _get_value(self) -> list[float]:
        factor = self.factor(self.last_step // self.accumulation)
        return [base * factor for base in self.base_values]
