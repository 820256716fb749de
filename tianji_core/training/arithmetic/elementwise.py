"""Rotary embedding and SwiGLU, forward and backward, and the sum of a product with an adapter's: Triton
kernels on a card, PyTorch elsewhere."""

import torch
from torch import Tensor
from torch.nn import functional

from tianji_core.training.arithmetic.hashing import rounded


def rotate(
    heads: Tensor, cosines: Tensor, sines: Tensor, turned: tuple[int, int], back: bool = False
) -> None:
    """Rotary embedding, in place, of some of the ``heads`` (N, heads, D).

    ``cosines`` and ``sines`` (places, D) hold each angle twice, as transformers makes them; row n stands at
    place ``n % places``. ``turned`` = (period, count): of each ``period`` heads the first ``count`` are
    turned. ``back`` turns the other way, which is the gradient.
    """
    sign = -1.0 if back else 1.0
    if heads.is_cuda:
        from tianji_core.training.arithmetic import triton_kernels

        triton_kernels.rotate(heads, cosines, sines, turned, sign)
        return
    period, count = turned
    chosen = heads.view(len(heads), -1, period, heads.shape[-1])[:, :, :count]
    half = heads.shape[-1] // 2
    place = torch.arange(len(heads), device=heads.device) % len(cosines)
    cosine, sine = cosines[place, None, None, :half], sines[place, None, None, :half] * sign
    left, right = chosen[..., :half], chosen[..., half:]
    chosen.copy_(torch.cat([left * cosine - right * sine, right * cosine + left * sine], -1))


def gate(both: Tensor, out: Tensor) -> None:
    """``silu(both[:, :I]) * both[:, I:]`` into ``out`` (N, I); ``both`` is (N, 2 I)."""
    if both.is_cuda:
        from tianji_core.training.arithmetic import triton_kernels

        triton_kernels.gate(both, out)
        return
    left, right = both.chunk(2, -1)
    torch.mul(functional.silu(left), right, out=out)


def gate_gradient(both: Tensor, grad: Tensor) -> None:
    """In place: ``both`` (N, 2 I) becomes its gradient, and ``grad`` (N, I), the gradient of :func:`gate`'s
    result, becomes that result again."""
    if both.is_cuda:
        from tianji_core.training.arithmetic import triton_kernels

        triton_kernels.gate_gradient(both, grad)
        return
    left, right = both.chunk(2, -1)
    chance = left.sigmoid()
    swish = left * chance
    by_left = grad * right * chance * (1 + left * (1 - chance))
    by_right = grad * swish
    grad.copy_(swish * right)
    left.copy_(by_left)
    right.copy_(by_right)


def add_product(result: Tensor, low: Tensor, factor: Tensor, seed: int) -> None:
    """Add ``low @ factor.T`` to ``result`` (N, M), in place, from ``low`` (N, R) and ``factor`` (M, R).

    A result in bfloat16 is rounded up or down by chance (:func:`rounded`): an adapter that has learnt little
    yet adds less than half of the grain to most elements, and all of that would be lost.
    """
    if result.dtype != torch.bfloat16:
        result.addmm_(low, factor.t())
    elif result.is_cuda:
        from tianji_core.training.arithmetic import triton_kernels

        triton_kernels.add_product(result, low, factor, seed)
    else:
        result.copy_(rounded(result.float() + low.float() @ factor.float().t(), seed))
