"""Linear layers that read the same input, with their LoRA adapters, as few products.

Where the base is not quantised, its weights stand in one matrix that has room for the adapters' second
factors behind them: ``[x | low] @ [W | scaling * B].T`` is the whole layer, and the same matrix gives the
gradients of ``x`` and ``low`` in one product. In four bits or in float8 the adapters are products of their
own; the sum with the base's is rounded so that what an adapter has learnt in its first steps, less than half
of bfloat16's grain, is not lost.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tianji_core.training.arithmetic import dropout as thin
from tianji_core.training.arithmetic import elementwise, switches
from tianji_core.training.arithmetic.fp8 import Float8Weight
from tianji_core.training.arithmetic.hashing import Dropout
from tianji_core.training.arithmetic.packed import PackedWeights, is_packed, precision, unpacked

PLAIN, PACKED, FLOAT8 = "plain", "packed", "float8"


def fusable(layer: Any) -> bool:
    """Whether a module is a linear layer with one plain LoRA adapter, over a plain or 4-bit base."""
    if not hasattr(layer, "lora_A") or not hasattr(layer, "get_base_layer"):
        return False
    base = layer.get_base_layer()
    known = type(base) is nn.Linear or type(base).__name__ == "Linear4bit"
    return known and len(layer.lora_A) == 1 and not layer.lora_variant


def _parts(sizes: Sequence[int]) -> list[slice]:
    """The slices of pieces of these sizes that stand behind each other."""
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]


class LoraGroup:
    """Layers of one input (N, K): their frozen weights as one product (N, M), and their adapters.

    ``layers`` are peft's LoRA layers of one dropout rate. ``float8`` turns their frozen weights into float8
    and gives up the weights in 16 bits.
    """

    def __init__(self, layers: Sequence[Any], float8: bool = False) -> None:
        self.layers = list(layers)
        self.bases = [layer.get_base_layer() for layer in layers]
        names = [next(iter(layer.lora_A)) for layer in layers]
        self.downs = [layer.lora_A[name] for layer, name in zip(layers, names, strict=True)]
        self.ups = [layer.lora_B[name] for layer, name in zip(layers, names, strict=True)]
        self.scalings = [layer.scaling[name] for layer, name in zip(layers, names, strict=True)]
        self.rates = [
            getattr(layer.lora_dropout[name], "p", 0.0) for layer, name in zip(layers, names, strict=True)
        ]
        self.ranks = [down.weight.shape[0] for down in self.downs]
        self.outputs = [base.out_features for base in self.bases]
        self.width, self.rank = self.bases[0].in_features, sum(self.ranks)
        self.parameters = [m.weight for pair in zip(self.downs, self.ups, strict=True) for m in pair]
        """The trained matrices: A and B of each layer in turn."""
        self._rows, columns = _parts(self.outputs), _parts(self.ranks)
        self._each = list(zip(self._rows, columns, self.ups, self.scalings, strict=True))
        self.outdated = True
        self._down = torch.empty(0)
        self._joined: Tensor | None = None
        self._float8: Float8Weight | None = None
        self._packed: PackedWeights | None = None
        self._factors: list[Tensor] = []
        packed = any(is_packed(base.weight) for base in self.bases)
        self.kind = PACKED if packed else FLOAT8 if float8 else PLAIN

    @property
    def dtype(self) -> torch.dtype:
        """The dtype in which the layers compute."""
        return precision(self.bases[0].weight)

    def _joined_on(self, device: torch.device) -> Tensor:
        """The joined matrix. It is made on the device where the model computes, after it was moved there; the
        layers' own weights become parts of it."""
        if self._joined is None or self._joined.device != device:
            first = self.bases[0].weight
            rows = sum(self.outputs)
            self._joined = torch.zeros(rows, self.width + self.rank, dtype=first.dtype, device=device)
            for base, part in zip(self.bases, self._rows, strict=True):
                place = self._joined[part, : self.width]
                place.copy_(base.weight.data)
                base.weight.data = place
            self.outdated = True
        return self._joined

    def _float8_on(self, device: torch.device) -> Float8Weight:
        """The weights in float8, which the layers then use in evaluation too; their own are given up."""
        if self._float8 is None:
            self._float8 = Float8Weight.of(torch.cat([base.weight.data for base in self.bases]).to(device))
            for base, part in zip(self.bases, self._rows, strict=True):
                base.weight.data = base.weight.data.new_empty(0)
                base.forward = self._float8.layer(part, base.bias)
        return self._float8

    def prepare(self) -> None:
        """Join the weights on the device where they are now, and give up what takes their place."""
        device = self.downs[0].weight.device
        if self.kind == PLAIN:
            self._joined_on(device)
        elif self.kind == FLOAT8:
            self._float8_on(device)
        elif switches.on("packed_kernel"):
            self._join_packed()

    def _join_packed(self) -> None:
        weights = [base.weight for base in self.bases]
        if self._packed is None and PackedWeights.joins(weights):
            self._packed = PackedWeights(weights)

    @property
    def active(self) -> bool:
        """Whether the layers are to answer with their adapters now, as in training."""
        return not any(layer.disable_adapters or layer.merged for layer in self.layers)

    def bias(self) -> Tensor | None:
        """The biases of all layers behind each other, or None where no layer has one."""
        if all(base.bias is None for base in self.bases):
            return None
        parts = [
            torch.zeros(count, dtype=self.dtype, device=self._down.device) if base.bias is None else base.bias
            for base, count in zip(self.bases, self.outputs, strict=True)
        ]
        return torch.cat(parts).to(self.dtype)

    def refresh(self) -> None:
        """Take over A and B where they are outdated."""
        joined = self._joined_on(self.downs[0].weight.device) if self.kind == PLAIN else None
        if not self.outdated:
            return
        self.outdated = False
        self._down = torch.cat([down.weight.detach() for down in self.downs]).to(self.dtype)
        if joined is None:
            self._factors = [
                (up.weight.detach() * scaling).to(self.dtype) for _r, _c, up, scaling in self._each
            ]
            return
        for rows, ranks, up, scaling in self._each:
            place = joined[rows, self.width + ranks.start : self.width + ranks.stop]
            place.copy_(up.weight.detach()).mul_(scaling)

    def forward(self, x: Tensor, dropout: Dropout) -> tuple[Tensor, Tensor, Tensor]:
        """The layers' results (N, M), and what :meth:`backward` needs: the input (N, K) and the low products
        (N, R)."""
        self.refresh()
        if self.kind == PLAIN:
            wide = x.new_empty(len(x), self.width + self.rank)
            inputs, low = wide[:, : self.width], wide[:, self.width :]
            thin.thin_product(x, self._down, dropout, low, copy=inputs)
            return self.through(wide), inputs, low
        low = x.new_empty(len(x), self.rank)
        thin.thin_product(x, self._down, dropout, low)
        return self._summed(x, low), x, low

    def forward_in_place(self, wide: Tensor, dropout: Dropout) -> tuple[Tensor, Tensor]:
        """As :meth:`forward`, for an input that stands in the first K columns of ``wide`` (N, K + R)."""
        self.refresh()
        x, low = wide[:, : self.width], wide[:, self.width :]
        thin.thin_product(x, self._down, dropout, low)
        if self.kind == PLAIN:
            return self.through(wide), low
        return self._summed(x, low), low

    def through(self, wide: Tensor) -> Tensor:
        """The product of ``[x | low]`` with the joined matrix."""
        return functional.linear(wide, self._joined_on(wide.device), self.bias())

    def _summed(self, x: Tensor, low: Tensor) -> Tensor:
        """The base's product and those of the adapters, (N, M). The seeds of the rounding come from PyTorch's
        CPU generator, so that a checkpointed layer rounds alike again."""
        bias = self.bias()
        if self.kind == FLOAT8:
            result = self._float8_on(x.device).product(x)
        else:
            result = functional.linear(x, self._unpacked())
        if bias is not None:
            result.add_(bias)
        seeds = torch.randint(0, 2**31 - 1, (len(self._each),)).tolist()
        for (rows, ranks, _up, _scaling), factor, seed in zip(self._each, self._factors, seeds, strict=True):
            elementwise.add_product(result[:, rows], low[:, ranks], factor, seed)
        return result

    def _unpacked(self) -> Tensor:
        if self._packed is not None:
            return self._packed.unpacked()
        weights = [base.weight for base in self.bases]
        whole = torch.empty(sum(self.outputs), self.width, dtype=self.dtype, device=weights[0].device)
        for weight, part in zip(weights, self._rows, strict=True):
            unpacked(weight, out=whole[part])
        return whole

    def backward(
        self, grad: Tensor, inputs: Tensor, low: Tensor, dropout: Dropout, in_place: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """The gradients of the input (N, K) and of each matrix, in the order of :attr:`parameters`.

        ``grad`` is (N, M). The input's gradient is a tensor of its own unless ``in_place``, which gives the
        first columns of a wider one where there is one.
        """
        base, by_low = self.low_gradient(grad)
        target = base if in_place or base.is_contiguous() else base.new_empty(base.shape)
        thin.add_input_gradient(base, by_low, self._down, dropout, target)
        return target, self.matrix_gradients(grad, by_low, inputs, low, dropout)

    def low_gradient(self, grad: Tensor) -> tuple[Tensor, Tensor]:
        """``grad`` (N, M) through the frozen weights, (N, K), and through the B matrices with their scaling,
        (N, R)."""
        if self.kind == PLAIN:
            wide = grad @ self._joined_on(grad.device)
            return wide[:, : self.width], wide[:, self.width :]
        by_low = grad.new_empty(len(grad), self.rank)
        for (rows, ranks, _up, _scaling), factor in zip(self._each, self._factors, strict=True):
            torch.mm(grad[:, rows], factor, out=by_low[:, ranks])
        if self.kind == FLOAT8:
            return self._float8_on(grad.device).gradient(grad), by_low
        return grad @ self._unpacked(), by_low

    def add_thin(self, grad: Tensor, by_low: Tensor, dropout: Dropout) -> None:
        """Add, in place, what reaches the input through the adapters."""
        thin.add_input_gradient(grad, by_low, self._down, dropout, grad)

    def matrix_gradients(
        self, grad: Tensor, by_low: Tensor, inputs: Tensor, low: Tensor, dropout: Dropout
    ) -> list[Tensor]:
        """The gradients of A and B of each layer."""
        downs = thin.down_gradient(by_low, inputs, dropout)
        result = []
        for (rows, ranks, up, scaling), down in zip(self._each, self.downs, strict=True):
            result.append(downs[ranks].to(down.weight.dtype))
            result.append((grad[:, rows].t() @ low[:, ranks]).to(up.weight.dtype).mul_(scaling))
        return result


class _Layer(torch.autograd.Function):
    """One linear layer with its adapter."""

    @staticmethod
    def forward(context: Any, x: Tensor, group: LoraGroup, dropout: Dropout, *_matrices: Tensor) -> Tensor:
        result, inputs, low = group.forward(x, dropout)
        context.save_for_backward(inputs, low)
        context.group, context.dropout = group, dropout
        return result

    @staticmethod
    def backward(context: Any, grad: Tensor) -> Any:
        inputs, low = context.saved_tensors
        by_input, matrices = context.group.backward(grad.contiguous(), inputs, low, context.dropout)
        return by_input, None, None, *matrices


def layer_product(x: Tensor, group: LoraGroup) -> Tensor:
    """The answer (…, M) of a group of one layer to ``x`` (…, K), differentiable in x and in the adapter."""
    with torch.autocast(x.device.type, enabled=False):
        flat = x.reshape(-1, x.shape[-1]).to(group.dtype)
        result = _Layer.apply(flat, group, thin.new_dropout(group.rates[0]), *group.parameters)
    return result.view(*x.shape[:-1], -1)
