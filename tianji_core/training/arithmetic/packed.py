"""Weights that bitsandbytes packed into four bits."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def precision(weight: Any) -> Any:
    """The dtype in which a layer with this weight computes."""
    packed = getattr(weight, "quant_state", None)
    return weight.dtype if packed is None else packed.dtype


def unpacked(weight: Any, packed: Any = None, out: Tensor | None = None) -> Tensor:
    """The weight as a matrix; itself where it is not packed. ``packed`` is its quantisation where the tensor
    lost it. ``out`` is a matrix of the same shape and dtype to write into."""
    packed = packed if packed is not None else getattr(weight, "quant_state", None)
    if packed is None:
        return weight if out is None else out.copy_(weight)
    from bitsandbytes.functional import dequantize_4bit

    return dequantize_4bit(weight.data, packed, out=out)


def is_packed(weight: Any) -> bool:
    """Whether bitsandbytes holds this weight in four bits, or will once it is on a card."""
    return type(weight).__name__ == "Params4bit"


class PackedWeights:
    """4-bit weights of the same width, one behind the other, which are unpacked by one kernel.

    bitsandbytes unpacks the scales of a weight with double quantisation before each use; here it is done
    once, for half a bit more per parameter. The layers' own weights become parts of the joined ones.
    """

    def __init__(self, weights: Sequence[Any]) -> None:
        from bitsandbytes.functional import dequantize_blockwise

        states = [weight.quant_state for weight in weights]
        self._first = states[0]
        self.shape = (sum(state.shape[0] for state in states), states[0].shape[1])
        scales = []
        for state in states:
            scale = state.absmax
            if state.nested:
                scale = dequantize_blockwise(scale, state.state2) + state.offset
            scales.append(scale.float().flatten())
        self._scales = torch.cat(scales)
        self._data = torch.cat([weight.data.flatten() for weight in weights])
        begin = 0
        for weight in weights:
            count, shape = weight.data.numel(), weight.data.shape
            weight.data = self._data[begin : begin + count].view(shape)
            begin += count

    @staticmethod
    def joins(weights: Sequence[Any]) -> bool:
        """Whether these weights can be joined: packed alike, in whole blocks."""
        states = [weight.quant_state for weight in weights]
        alike = {(state.quant_type, state.blocksize, state.dtype, state.shape[1]) for state in states}
        whole = all(state.shape.numel() % state.blocksize == 0 for state in states)
        return len(alike) == 1 and whole and all(weight.data.dtype == torch.uint8 for weight in weights)

    def unpacked(self) -> Tensor:
        """All of them as one matrix (rows, width)."""
        state = self._first
        return torch.ops.bitsandbytes.dequantize_4bit(
            self._data, self._scales, state.blocksize, state.quant_type, self.shape, state.dtype
        )
