"""A linear layer with its LoRA adapter as one operation.

peft runs the base layer, casts, dropout, two products, a scaling and a sum one after the other, and keeps what each needs
for the gradient. Here the second product is added in place, the dropout is undone from its mask, and where the base is
quantised its weights are unpacked once per pass.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tianji_core.training.fast.packed import precision, unpacked


class _LoraLinear(torch.autograd.Function):
    """``x @ W.T + bias + scaling * dropout(x) @ A.T @ B.T``; W is frozen, A and B are trained in their own precision."""

    @staticmethod
    def forward(
        context: Any,
        x: Tensor,  # (N, K)
        weight: Tensor,  # (M, K), or packed into 4 bits
        packed: Any,
        bias: Tensor | None,
        down: Tensor,  # (R, K)
        up: Tensor,  # (M, R)
        scaling: float,
        dropout: float,
    ) -> Tensor:
        base = unpacked(weight, packed).to(x.dtype)
        result = functional.linear(x, base, None if bias is None else bias.to(x.dtype))
        mask = None
        dropped = x
        if dropout > 0:
            dropped, mask = torch.native_dropout(x, dropout, True)
        low = dropped @ down.to(x.dtype).t()
        result.addmm_(low, up.to(x.dtype).t(), alpha=scaling)
        context.save_for_backward(x, weight, down, up, mask, low)
        context.packed, context.scaling, context.dropout = packed, scaling, dropout
        return result

    @staticmethod
    def backward(context: Any, grad: Tensor) -> Any:
        x, weight, down, up, mask, low = context.saved_tensors
        scaling, keep = context.scaling, 1 / (1 - context.dropout)
        grad_low = (grad @ up.to(x.dtype)).mul_(scaling)
        grad_up = (grad.t() @ low).to(up.dtype).mul_(scaling)
        dropped = x if mask is None else torch.ops.aten.native_dropout_backward(x, mask, keep)
        grad_down = (grad_low.t() @ dropped).to(down.dtype)
        del dropped
        grad_x = None
        if context.needs_input_grad[0]:
            grad_x = grad @ unpacked(weight, context.packed).to(x.dtype)
            if mask is None:
                grad_x.addmm_(grad_low, down.to(x.dtype))
            else:
                # Two passes of wide reads; one addcmul_ with a mask of booleans takes twice their time.
                grad_x.add_(torch.ops.aten.native_dropout_backward(grad_low @ down.to(x.dtype), mask, keep))
        return grad_x, None, None, None, grad_down, grad_up, None, None


def _fusable(layer: nn.Module) -> bool:
    base = layer.get_base_layer()  # type: ignore[operator]
    plain = type(base) is nn.Linear or type(base).__name__ == "Linear4bit"
    return plain and len(layer.lora_A) == 1 and not layer.lora_variant  # type: ignore[arg-type]


def _fused(layer: Any) -> Callable[..., Tensor]:
    usual, base = layer.forward, layer.get_base_layer()
    [name] = layer.lora_A.keys()
    down, up, dropout, scaling = (
        layer.lora_A[name],
        layer.lora_B[name],
        layer.lora_dropout[name],
        layer.scaling[name],
    )

    def forward(x: Tensor, *rest: Any, **options: Any) -> Tensor:
        if layer.disable_adapters or layer.merged or rest or options or not layer.training:
            return usual(x, *rest, **options)
        packed = getattr(base.weight, "quant_state", None)
        share = getattr(dropout, "p", 0.0)
        with torch.autocast(x.device.type, enabled=False):
            flat = x.reshape(-1, x.shape[-1]).to(precision(base.weight))
            result = _LoraLinear.apply(
                flat, base.weight, packed, base.bias, down.weight, up.weight, scaling, share
            )
        return result.view(*x.shape[:-1], -1)

    return forward


def fuse_lora(model: nn.Module) -> int:
    """Let each plain linear LoRA layer of a peft model train as one operation; how many there are. In evaluation, or with
    the adapter merged or switched off, a layer answers as before."""
    from peft.tuners.lora import LoraLayer

    found = [each for each in model.modules() if isinstance(each, LoraLayer) and _fusable(each)]
    for layer in found:
        layer.forward = _fused(layer)
    return len(found)
