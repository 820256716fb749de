"""Products with frozen weights in 8-bit floating point, for cards that multiply it (compute capability 8.9
and later).

Weights are scaled once, per row for the forward product and per column for the gradient's; activations and
gradients are scaled per row each time. All of them are float8 e4m3, the products are summed in float32 and
returned in bfloat16.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

SINCE = (8, 9)
"""Ada: the first compute capability with float8 products."""


def _quantised(x: Tensor) -> tuple[Tensor, Tensor]:
    if x.is_cuda:
        from tianji_core.training.arithmetic import triton_kernels

        return triton_kernels.quantise(x)
    scales = x.abs().amax(1, keepdim=True).float().clamp_min(1e-12) / 448.0
    return (x.float() / scales).to(torch.float8_e4m3fn), scales


def _product(left: Tensor, left_scales: Tensor, right: Tensor, right_scales: Tensor) -> Tensor:
    """``left @ right.T`` in bfloat16 from (N, K) and (M, K) with scales (N, 1) and (M, 1)."""
    if left.is_cuda:
        return torch._scaled_mm(
            left,
            right.t(),
            scale_a=left_scales,
            scale_b=right_scales.t(),
            out_dtype=torch.bfloat16,
            use_fast_accum=True,
        )
    return ((left.float() * left_scales) @ (right.float() * right_scales).t()).to(torch.bfloat16)


@dataclass(frozen=True)
class Float8Weight:
    """A frozen matrix (M, K), and its transpose, each with a scale per row."""

    weight: Tensor
    scales: Tensor
    turned: Tensor
    turned_scales: Tensor

    @classmethod
    def of(cls, weight: Tensor) -> "Float8Weight":
        """From a matrix in 16 or 32 bits."""
        return cls(*_quantised(weight), *_quantised(weight.t().contiguous()))

    def product(self, x: Tensor) -> Tensor:
        """``x @ weight.T`` (N, M) for ``x`` (N, K)."""
        return _product(*_quantised(x), self.weight, self.scales)

    def gradient(self, grad: Tensor) -> Tensor:
        """``grad @ weight`` (N, K) for ``grad`` (N, M)."""
        return _product(*_quantised(grad), self.turned, self.turned_scales)

    def layer(self, part: slice, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
        """The forward function of a linear layer whose weights are these rows."""
        chosen = Float8Weight(
            self.weight[part], self.scales[part], self.turned[:, part].contiguous(), self.turned_scales
        )

        def forward(x: Tensor) -> Tensor:
            flat = x.reshape(-1, x.shape[-1]).to(torch.bfloat16)
            result = _Frozen.apply(flat, chosen).view(*x.shape[:-1], -1)
            return result if bias is None else result + bias

        return forward


class _Frozen(torch.autograd.Function):
    """A product with a frozen float8 matrix, differentiable in its input."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Float8Weight) -> Tensor:
        context.weight = weight
        return weight.product(x)

    @staticmethod
    def backward(context: Any, grad: Tensor) -> Any:
        return context.weight.gradient(grad.contiguous()), None
