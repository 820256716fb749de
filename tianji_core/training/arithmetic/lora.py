"""Puts the fused operations of this package into a peft model.

peft runs the base layer, casts, dropout, two products, a scaling and a sum one after the other, and keeps
what each needs for the gradient. In evaluation, with the adapter merged or switched off, and for padded
batches a layer answers as peft has it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from tianji_core.training.arithmetic import switches
from tianji_core.training.arithmetic.blocks import Batch, fuse_attention, fuse_mlp
from tianji_core.training.arithmetic.group import LoraGroup, fusable, layer_product


class _Steps:
    """Counts the steps of all optimizers of this process: PyTorch's fused ones change parameters without
    counting it in their versions."""

    taken = 0

    @classmethod
    def count(cls, *_values: Any) -> None:
        cls.taken += 1


register_optimizer_step_post_hook(_Steps.count)


@dataclass
class Fused:
    """What was fused: ``counts`` by kind, and the groups of layers."""

    counts: dict[str, int] = field(default_factory=lambda: {"attention": 0, "mlp": 0, "layer": 0})
    groups: list[LoraGroup] = field(default_factory=list)
    batch: Batch = field(default_factory=Batch)

    _seen: tuple[int, int] = (-1, -1)
    _prepared: bool = False

    def begin(self, full: bool, refresh: bool = False) -> None:
        """To be called before each micro-batch: say what it is like, see :class:`Batch`, and take over the
        adapters' matrices where a step has changed them. ``refresh``: also where PyTorch has not counted a
        change, as when DeepSpeed writes them."""
        self.batch.full = full
        if not self._prepared:
            for group in self.groups:
                group.prepare()
            self._prepared = True
            if torch.cuda.is_available():
                torch.cuda.empty_cache()  # what was given up lies between what is kept
        versions = sum(matrix._version for group in self.groups for matrix in group.parameters)
        if refresh or (versions, _Steps.taken) != self._seen:
            self._seen = (versions, _Steps.taken)
            for group in self.groups:
                group.outdated = True


def fuse_lora(model: nn.Module, float8: bool = False) -> Fused:
    """Fuse the attention, the MLPs and the remaining linear layers that carry an adapter.

    ``float8``: multiply with the frozen weights in 8-bit floating point.
    """
    fused = Fused()
    inside: set[int] = set()
    for module in list(model.modules()):
        attention = fuse_attention(module, float8, fused.batch) if switches.on("fused_attention") else []
        mlp = fuse_mlp(module, float8) if switches.on("fused_mlp") else []
        fused.counts["attention"] += bool(attention)
        fused.counts["mlp"] += bool(mlp)
        fused.groups += attention + mlp
        if attention or mlp:
            inside |= {id(part) for part in module.modules()}
    if not switches.on("fused_lora"):
        return fused
    for layer in list(model.modules()):
        if fusable(layer) and id(layer) not in inside:
            group = LoraGroup([layer], float8)
            layer.forward = _fused(layer, group)
            fused.counts["layer"] += 1
            fused.groups.append(group)
    return fused


def _fused(layer: Any, group: LoraGroup) -> Callable[..., Tensor]:
    usual = layer.forward

    def forward(x: Tensor, *rest: Any, **options: Any) -> Tensor:
        if rest or options or not layer.training or not group.active:
            return usual(x, *rest, **options)
        return layer_product(x, group)

    return forward
