"""The thin products of LoRA and the dropout in front of them.

Whether an element is kept is a hash of a seed, its row and its column. On a card the products compute it
while they read their input, forward and backward, so that no mask of one byte per element is stored and no
dropped copy is written. Elsewhere, or with the switch ``dropout_kernels`` off, PyTorch's own dropout keeps
its mask.
"""

import torch
from torch import Tensor

from tianji_core.training.arithmetic import switches
from tianji_core.training.arithmetic.hashing import Dropout


def new_dropout(rate: float) -> Dropout:
    """A dropout with a seed from PyTorch's CPU generator, so that a checkpointed layer draws the same one
    again."""
    return Dropout(rate, int(torch.randint(0, 2**31 - 1, (1,))) if rate else 0)


def _in_kernels(x: Tensor) -> bool:
    return x.is_cuda and switches.on("dropout_kernels")


def _dropped(x: Tensor, dropout: Dropout) -> Tensor:
    """``x`` after its dropout; the first call draws the mask, later ones repeat it."""
    if dropout.rate == 0:
        return x
    if dropout.mask is None:
        result, dropout.mask = torch.native_dropout(x, dropout.rate, True)
        return result
    return torch.ops.aten.native_dropout_backward(x, dropout.mask, 1 / (1 - dropout.rate))


def thin_product(x: Tensor, down: Tensor, dropout: Dropout, out: Tensor, copy: Tensor | None = None) -> None:
    """Write ``dropout(x) @ down.T`` (N, R) into ``out``, from ``x`` (N, K) and ``down`` (R, K), and x into
    ``copy``."""
    if _in_kernels(x):
        from tianji_core.training.arithmetic import triton_kernels

        triton_kernels.thin_product(x, down, dropout, out, copy)
        return
    if copy is not None:
        copy.copy_(x)
    torch.mm(_dropped(x, dropout), down.t(), out=out)


def down_gradient(low: Tensor, x: Tensor, dropout: Dropout) -> Tensor:
    """``low.T @ dropout(x)``, shape (R, K), from ``low`` (N, R) and ``x`` (N, K)."""
    if _in_kernels(x):
        from tianji_core.training.arithmetic import triton_kernels

        return triton_kernels.down_gradient(low, x, dropout)
    return low.t() @ _dropped(x, dropout)


def add_input_gradient(grad: Tensor, low: Tensor, down: Tensor, dropout: Dropout, out: Tensor) -> None:
    """Write ``grad + mask * (low @ down) / (1 - rate)`` into ``out``, all (N, K), from ``low`` (N, R) and
    ``down`` (R, K). ``out`` may be ``grad``."""
    if _in_kernels(grad):
        from tianji_core.training.arithmetic import triton_kernels

        triton_kernels.add_input_gradient(grad, low, down, dropout, out)
        return
    through = low @ down
    torch.add(grad, _dropped(through, dropout), out=out)
