"""Activation checkpointing of some layers instead of all or none: activations that are not kept are computed
again."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def chosen_layers(count: int, share: float) -> list[int]:
    """The numbers of ``share`` (0 to 1) of ``count`` layers, spread evenly."""
    return [number for number in range(count) if int((number + 1) * share) > int(number * share)]


def checkpoint_layers(layers: nn.ModuleList, share: float) -> int:
    """Checkpoint the activations of ``share`` of the layers while training; returns how many do."""
    chosen = chosen_layers(len(layers), share)
    for number in chosen:
        layer = layers[number]
        layer.forward = _forgetting(layer, layer.forward)
    return len(chosen)


def _forgetting(layer: nn.Module, usual: Callable[..., Any]) -> Callable[..., Any]:
    def forward(*values: Any, **options: Any) -> Any:
        if layer.training and torch.is_grad_enabled():
            return checkpoint(usual, *values, use_reentrant=False, **options)
        return usual(*values, **options)

    return forward
