"""Weights that bitsandbytes packed into four bits."""

from typing import Any

from torch import Tensor


def precision(weight: Any) -> Any:
    """The dtype in which a layer with this weight computes."""
    packed = getattr(weight, "quant_state", None)
    return weight.dtype if packed is None else packed.dtype


def unpacked(weight: Any, packed: Any = None) -> Tensor:
    """The weight as a matrix; unchanged where it is not packed. ``packed`` is its quantisation state where
    the tensor has lost it."""
    packed = packed if packed is not None else getattr(weight, "quant_state", None)
    if packed is None:
        return weight
    from bitsandbytes.functional import dequantize_4bit

    return dequantize_4bit(weight.data, packed)


def is_packed(weight: Any) -> bool:
    """Whether bitsandbytes holds this weight in four bits, or will once it is on a card."""
    return type(weight).__name__ == "Params4bit"
