"""The attention and the gated MLP of a Llama-shaped layer as one operation each, for training with LoRA.

Queries, keys and values come out of one product and are turned by the rotary embedding where they stand. The
MLP keeps the products of its gate and value, and computes their gated product again in the backward pass.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tianji_core.training.arithmetic import dropout as thin
from tianji_core.training.arithmetic import elementwise, switches
from tianji_core.training.arithmetic.group import LoraGroup, fusable, layer_product
from tianji_core.training.arithmetic.hashing import Dropout

GATES = (("gate_proj", "up_proj", "down_proj"), ("w1", "w3", "w2"))
"""What a gated MLP's three products are called: in Llama and Qwen2, and in InternLM2."""


def gated(module: nn.Module) -> tuple[str, str, str] | None:
    """The names of a module's gate, value and last product where it computes ``out(silu(gate(x)) *
    value(x))``. None for any other, such as BitNet's MLP, which has a norm inside, and Falcon-H1's, which
    multiplies by two numbers."""
    layers = {name for name, _layer in module.named_children()}
    scaled = any(name.endswith("_multiplier") for name in vars(module))
    if scaled or not isinstance(getattr(module, "act_fn", None), nn.SiLU):
        return None
    return next((names for names in GATES if layers == {*names, "act_fn"}), None)


@dataclass(frozen=True)
class HeadLayout:
    """Where the heads stand in the product of an attention: ``queries``, then ``keys``, then as many values;
    or, where ``grouped``, each key's queries, the key and its value, as InternLM2 has them. ``width`` is that
    of one head."""

    queries: int
    keys: int
    width: int
    grouped: bool = False

    @property
    def turned(self) -> tuple[int, int]:
        """Of how many heads in a row the first ones are turned by the rotary embedding, all but values."""
        if self.grouped:
            return self.queries // self.keys + 2, self.queries // self.keys + 1
        return self.queries + 2 * self.keys, self.queries + self.keys

    def parts(self, product: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Views of the queries, keys and values in a product (N, M). Queries are (N, queries, D), or in
        groups (N, keys, queries / keys, D); the others are (N, keys, D)."""
        if not self.grouped:
            heads = product.view(len(product), -1, self.width)
            queries, keys, values = heads.split([self.queries, self.keys, self.keys], 1)
            return queries, keys, values
        heads = product.view(len(product), self.keys, -1, self.width)
        return heads[:, :, :-2], heads[:, :, -2], heads[:, :, -1]


class _Heads(torch.autograd.Function):
    """Queries, keys (both turned) and values, each (N, heads, D), of ``x`` (N, K)."""

    @staticmethod
    def forward(
        context: Any,
        x: Tensor,
        cosines: Tensor,
        sines: Tensor,
        group: LoraGroup,
        layout: HeadLayout,
        dropout: Dropout,
        *_matrices: Tensor,
    ) -> tuple[Tensor, ...]:
        product, inputs, low = group.forward(x, dropout)
        elementwise.rotate(product.view(len(x), -1, layout.width), cosines, sines, layout.turned)
        context.save_for_backward(inputs, low, cosines, sines)
        context.group, context.layout, context.dropout = group, layout, dropout
        queries, keys, values = layout.parts(product)
        return queries.reshape(len(x), layout.queries, layout.width), keys, values

    @staticmethod
    def backward(context: Any, *grads: Tensor) -> Any:
        inputs, low, cosines, sines = context.saved_tensors
        layout = context.layout
        grad = grads[0].new_empty(len(grads[0]), (layout.queries + 2 * layout.keys) * layout.width)
        for source, target in zip(grads, layout.parts(grad), strict=True):
            target.copy_(source.reshape(target.shape))
        elementwise.rotate(grad.view(len(grad), -1, layout.width), cosines, sines, layout.turned, back=True)
        by_input, matrices = context.group.backward(grad, inputs, low, context.dropout)
        return by_input, None, None, None, None, None, *matrices


class _GatedMlp(torch.autograd.Function):
    """``out(silu(gate(x)) * value(x))`` of ``x`` (N, K); ``pair`` holds gate and value, ``last`` the product
    after."""

    @staticmethod
    def forward(
        context: Any,
        x: Tensor,
        pair: LoraGroup,
        last: LoraGroup,
        first_dropout: Dropout,
        last_dropout: Dropout,
        *_matrices: Tensor,
    ) -> Tensor:
        both, inputs, low = pair.forward(x, first_dropout)
        wide = both.new_empty(len(both), last.width + last.rank)
        elementwise.gate(both, wide[:, : last.width])
        result, last_low = last.forward_in_place(wide, last_dropout)
        context.save_for_backward(inputs, low, both, last_low.clone())
        context.groups, context.dropouts, context.used = (pair, last), (first_dropout, last_dropout), False
        return result

    @staticmethod
    def backward(context: Any, grad: Tensor) -> Any:
        if context.used:
            raise RuntimeError("the gradient of a fused MLP can be taken once: its memory is used again")
        context.used = True
        inputs, low, both, last_low = context.saved_tensors
        pair, last = context.groups
        first_dropout, last_dropout = context.dropouts
        grad = grad.contiguous()
        by_product, by_low = last.low_gradient(grad)
        last.add_thin(by_product, by_low, last_dropout)
        elementwise.gate_gradient(
            both, by_product
        )  # now ``both`` is its gradient, ``by_product`` the product
        last_matrices = last.matrix_gradients(grad, by_low, by_product, last_low, last_dropout)
        del by_product
        by_input, matrices = pair.backward(both, inputs, low, first_dropout)
        return by_input, None, None, None, None, *matrices, *last_matrices


def _whole(group: LoraGroup) -> bool:
    return len(set(group.rates)) == 1


@dataclass
class Batch:
    """What the fused attention must know of a micro-batch: whether every row is full and counts its places
    from 0."""

    full: bool = False


def fuse_mlp(module: Any, float8: bool) -> list[LoraGroup]:
    """Let a gated MLP train as one operation where all its products carry an adapter; its groups, none where
    not."""
    layers = [getattr(module, name) for name in gated(module) or ()]
    if not layers or not all(map(fusable, layers)):
        return []
    pair, last = LoraGroup(layers[:2], float8), LoraGroup(layers[2:], float8)
    if not _whole(pair):
        return []
    usual = module.forward

    def forward(x: Tensor) -> Tensor:
        if not (module.training and pair.active and last.active):
            return usual(x)
        with torch.autocast(x.device.type, enabled=False):
            flat = x.reshape(-1, x.shape[-1]).to(pair.dtype)
            first, second = thin.new_dropout(pair.rates[0]), thin.new_dropout(last.rates[0])
            matrices = (*pair.parameters, *last.parameters)
            result = _GatedMlp.apply(flat, pair, last, first, second, *matrices)
        return result.view(*x.shape[:-1], -1)

    module.forward = forward
    return [pair, last]


def attend(queries: Tensor, keys: Tensor, values: Tensor, scale: float | None = None) -> Tensor:
    """Causal attention of (B, T, heads, D) tensors; several query heads may share a head of keys and
    values."""
    shared = queries.shape[2] != keys.shape[2]
    if shared and not switches.on("gqa"):
        times = queries.shape[2] // keys.shape[2]
        keys, values = (part.repeat_interleave(times, 2) for part in (keys, values))
        shared = False
    result = functional.scaled_dot_product_attention(
        queries.transpose(1, 2),
        keys.transpose(1, 2),
        values.transpose(1, 2),
        is_causal=True,
        scale=scale,
        enable_gqa=shared,
    )
    return result.transpose(1, 2)


def fuse_attention(module: Any, float8: bool, batch: Batch) -> list[LoraGroup]:
    """Let the attention of Llama, Qwen2 or InternLM2 train as one operation where its products carry an
    adapter; its groups, none where not."""
    if fusable(getattr(module, "wqkv", None)) and fusable(getattr(module, "wo", None)):
        return _fuse_internlm2(module, float8, batch)
    layers = [getattr(module, name, None) for name in ("q_proj", "k_proj", "v_proj", "o_proj")]
    normed = getattr(module, "q_norm", None) is not None or getattr(module, "k_norm", None) is not None
    sliding = getattr(module, "sliding_window", None) is not None
    if normed or sliding or not hasattr(module, "head_dim") or not all(map(fusable, layers)):
        return []
    group, last = LoraGroup(layers[:3], float8), LoraGroup(layers[3:], float8)
    if not _whole(group):
        return []
    usual, width = module.forward, module.head_dim
    layout = HeadLayout(group.outputs[0] // width, group.outputs[1] // width, width)

    def forward(
        hidden_states: Tensor, position_embeddings: Any, attention_mask: Any = None, **rest: Any
    ) -> Any:
        cached = rest.get("past_key_value") is not None
        if cached or module.attention_dropout or not _ready(module, batch, group, last):
            return usual(hidden_states, position_embeddings, attention_mask, **rest)
        length = hidden_states.shape[1]
        turns = [part.expand(-1, length, -1).reshape(-1, width) for part in position_embeddings]
        return _attention(hidden_states, turns, group, last, layout, module.scaling), None

    module.forward = forward
    return [group, last]


def _fuse_internlm2(module: Any, float8: bool, batch: Batch) -> list[LoraGroup]:
    """InternLM2 brings its own code, which multiplies and masks all pairs of tokens. Its angles are computed
    here: its revisions do not agree on how a rotary embedding is called."""
    frequencies = getattr(getattr(module, "rotary_emb", None), "inv_freq", None)
    if frequencies is None:
        return []
    group, last = LoraGroup([module.wqkv], float8), LoraGroup([module.wo], float8)
    usual, rotary = module.forward, module.rotary_emb
    layout = HeadLayout(module.num_heads, module.num_key_value_heads, module.head_dim, grouped=True)
    stretch = rotary.scaling_factor if "Linear" in type(rotary).__name__ else 1.0

    def forward(hidden_states: Tensor, *values: Any, **options: Any) -> Any:
        length = hidden_states.shape[1]
        cached = options.get("past_key_value") is not None or options.get("use_cache")
        too_long = length > module.config.max_position_embeddings
        if values or cached or too_long or not _ready(module, batch, group, last):
            return usual(hidden_states, *values, **options)
        places = torch.arange(length, device=hidden_states.device, dtype=torch.float32) / stretch
        angles = torch.outer(places, rotary.inv_freq.to(places)).repeat(1, 2)
        mixed = _attention(hidden_states, [angles.cos(), angles.sin()], group, last, layout, None)
        return mixed, None, None

    module.forward = forward
    return [group, last]


def _ready(module: nn.Module, batch: Batch, group: LoraGroup, last: LoraGroup) -> bool:
    return batch.full and module.training and group.active and last.active


def _attention(
    hidden: Tensor,
    turns: list[Tensor],
    group: LoraGroup,
    last: LoraGroup,
    layout: HeadLayout,
    scale: float | None,
) -> Tensor:
    """The whole attention of ``hidden`` (B, T, K); ``turns`` are the cosines and sines (places, D)."""
    rows, length, size = hidden.shape
    with torch.autocast(hidden.device.type, enabled=False):
        flat = hidden.reshape(-1, size).to(group.dtype)
        cosines, sines = (part.to(group.dtype).contiguous() for part in turns)
        dropout = thin.new_dropout(group.rates[0])
        parts = _Heads.apply(flat, cosines, sines, group, layout, dropout, *group.parameters)
        queries, keys, values = (part.view(rows, length, -1, layout.width) for part in parts)
        mixed = attend(queries, keys, values, scale).reshape(rows, length, -1)
        return layer_product(mixed, last)
