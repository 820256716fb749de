"""A training that does not wait for the card after every micro-batch. Imported only by training configs.

mmengine reads each loss and each gradient norm back as soon as they are computed, and copies each micro-batch
to the card once the card is done with the one before: the card then idles until the next launches arrive.
Here both are read where something needs them: for a line of the log, for a checkpoint, and at the end.
"""

from typing import Any

import torch
from mmengine.hooks import CheckpointHook, LoggerHook, RuntimeInfoHook
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from tianji_core.training.arithmetic import switches
from tianji_core.training.arithmetic.answer_loss import answer_places

FULL, ANSWERS = "full", "answers"
"""Keys of a micro-batch: whether it is full (:func:`full`), and the places of its labels
(:func:`answer_places`)."""


def full(inputs: dict[str, Tensor]) -> bool:
    """Whether no token is padding and each row counts its places from 0, as packs do."""
    mask, places = inputs.get("attention_mask"), inputs.get("position_ids")
    if mask is not None and not bool(mask.all()):
        return False
    if places is None:
        return True
    return bool((places == torch.arange(places.shape[-1], device=places.device)).all())


class PackPreprocessor(BaseDataPreprocessor):
    """Copies micro-batches to the card without waiting for it; looks at them before, on the processor."""

    def __init__(self) -> None:
        super().__init__(non_blocking=True)

    def forward(self, data: dict[str, Any], training: bool = False) -> Any:
        """The micro-batch on the card; in a training with :data:`FULL` and :data:`ANSWERS`."""
        inputs = data["data"]
        if training and inputs["labels"].device.type == "cpu":
            places = answer_places(inputs["labels"])
            places = places.pin_memory() if torch.cuda.is_available() else places
            data = {**data, "data": {**inputs, FULL: full(inputs), ANSWERS: places}}
        return self.cast_data(data)


class LateScalars(RuntimeInfoHook):
    """Keeps losses and gradient norms on the card until something reads them; the log's values are those of
    mmengine's own hook."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, Any]] = []

    def before_train(self, runner: Any) -> None:
        """Also keeps the norms to which the gradients are clipped."""
        super().before_train(runner)
        wrapper = runner.optim_wrapper
        clip = getattr(wrapper, "clip_func", None)
        if clip is None or not getattr(wrapper, "clip_grad_kwargs", None) or not switches.on("run_ahead"):
            return

        def clip_and_keep(*values: Any, **options: Any) -> None:
            norm = clip(*values, **options)
            if norm is not None:
                self._kept.append((f"train/{wrapper.grad_name}", norm))

        wrapper.clip_func = clip_and_keep

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Keeps the iteration's values; hands all on in their order where they are read."""
        for key, value in (outputs or {}).items():
            self._kept.append((f"train/{key}", value.detach() if isinstance(value, Tensor) else value))
        if not switches.on("run_ahead") or self._is_read(runner, batch_idx):
            for name, value in self._kept:
                runner.message_hub.update_scalar(name, value)
            self._kept.clear()

    def _is_read(self, runner: Any, batch_idx: int) -> bool:
        if runner.iter + 1 == runner.max_iters or self.end_of_epoch(runner.train_dataloader, batch_idx):
            return True
        for hook in runner.hooks:
            if isinstance(hook, LoggerHook) and hook.every_n_inner_iters(batch_idx, hook.interval):
                return True
            if isinstance(hook, CheckpointHook) and hook.every_n_train_iters(runner, hook.interval):
                return True
        return False
