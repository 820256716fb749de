"""Cross-entropy over the vocabulary without holding all logits.

A pack of 2048 tokens over 92,544 words is 760 MB of float32 logits, several times over with their gradient.
Only answer tokens have a label, so only their rows are multiplied with the head, one chunk at a time, and the
gradient of a chunk is computed while its logits are in memory.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tianji_core.training.arithmetic.packed import unpacked

IGNORED = -100
"""The label of a token that is not part of an answer."""
CHUNK = 1024
"""Rows of logits held at once: 380 MB in float32 over 92,544 words."""


class _HeadLoss(torch.autograd.Function):
    """Summed cross-entropy of ``rows @ head.T + low @ up.T``; the gradient of ``head`` is computed where it
    is trained."""

    @staticmethod
    def forward(
        context: Any,
        rows: Tensor,  # (N, H)
        head: Tensor,  # (V, H)
        labels: Tensor,  # (N,)
        low: Tensor | None,  # (N, R)
        up: Tensor | None,  # (V, R)
    ) -> Tensor:
        needs = context.needs_input_grad
        grad_rows = torch.empty_like(rows) if needs[0] else None
        grad_head = torch.zeros_like(head, dtype=torch.float32) if needs[1] else None
        grad_low = torch.empty_like(low) if low is not None and needs[3] else None
        grad_up = torch.zeros_like(up, dtype=torch.float32) if up is not None and needs[4] else None
        weight = head.to(rows.dtype)
        raised = None if up is None else up.to(rows.dtype)
        total = torch.zeros((), dtype=torch.float32, device=rows.device)
        for begin in range(0, len(rows), CHUNK):
            part = slice(begin, begin + CHUNK)
            logits = rows[part] @ weight.t()
            if low is not None and raised is not None:
                logits.addmm_(low[part], raised.t())
            chances = functional.log_softmax(logits, dim=-1, dtype=torch.float32)
            chosen = labels[part, None]
            total -= chances.gather(1, chosen).sum()
            if not any(needs):
                continue
            slope = chances.exp_()
            slope.scatter_add_(1, chosen, slope.new_full((len(chosen), 1), -1.0))
            grad = logits.copy_(slope)  # in [-1, 1], so float16 holds it; the mean is taken at the end
            if grad_rows is not None:
                torch.mm(grad, weight, out=grad_rows[part])
            if grad_head is not None:
                grad_head += grad.t() @ rows[part]
            if grad_low is not None and raised is not None:
                torch.mm(grad, raised, out=grad_low[part])
            if grad_up is not None and low is not None:
                grad_up += grad.t() @ low[part]
        context.save_for_backward(grad_rows, grad_head, grad_low, grad_up)
        context.dtypes = head.dtype, None if up is None else up.dtype
        return total

    @staticmethod
    def backward(context: Any, upstream: Tensor) -> Any:
        rows, head, low, up = context.saved_tensors
        kinds = context.dtypes

        def scaled(grad: Tensor | None, dtype: torch.dtype | None = None) -> Tensor | None:
            return None if grad is None else (grad * upstream).to(dtype or grad.dtype)

        return scaled(rows), scaled(head, kinds[0]), None, scaled(low), scaled(up, kinds[1])


def answer_places(labels: Tensor) -> Tensor:
    """The places, in the flattened rows of ``labels[:, 1:]``, that have a label (N). On a card this waits
    until it has computed all before."""
    return (labels[:, 1:].reshape(-1) != IGNORED).nonzero().squeeze(1)


def answer_loss(hidden: Tensor, head: Any, labels: Tensor, answers: Tensor | None = None) -> Tensor:
    """The mean cross-entropy over the tokens that have a label, a float32 scalar.

    ``hidden`` (B, T, H) is the input of the head; ``labels`` (B, T) are those of the same tokens, -100 for
    none; ``answers`` are their :func:`answer_places` where those are known. A LoRA adapter on the head is
    applied.
    """
    following = labels[:, 1:].reshape(-1)
    answers = answer_places(labels) if answers is None else answers
    adapted = hasattr(head, "lora_A") and not head.disable_adapters
    layer = head.get_base_layer() if hasattr(head, "lora_A") else head
    weight = unpacked(layer.weight)
    rows = hidden[:, :-1].reshape(-1, hidden.shape[-1]).index_select(0, answers).to(weight.dtype)
    labels = following.index_select(0, answers)
    low = up = None
    if adapted:
        [name] = head.active_adapters
        up = head.lora_B[name].weight
        down = head.lora_A[name].weight.to(rows.dtype)
        low = functional.linear(head.lora_dropout[name](rows), down) * head.scaling[name]
        low = low.to(rows.dtype)
    with torch.autocast(rows.device.type, enabled=False):
        total = _HeadLoss.apply(rows, weight, labels, low, up)
    return total / max(len(labels), 1)
