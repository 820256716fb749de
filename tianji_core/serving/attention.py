"""Attention of a decode step: the heads that share keys and values read them once. Imported by the server
process only.

transformers repeats keys and values for each of those heads, and copies what is no whole tensor: at 7B width
several times the bytes of the cache in each step.
"""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from tianji_core.training.arithmetic.kernels import available, compiles, use_kernels

GROUPED = "grouped_decode"
"""The name under which transformers finds it."""


def grouped_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Maps queries (B, H, T, D), keys and values (B, H / n, S, D) to (B, T, H, D). For a single token with a
    mask (B, 1, 1, S), the n heads that share keys and values are n queries of one head; else it is
    transformers' own. Values may have another width than queries and keys, as in DeepSeek-V3; the result has
    theirs."""
    rows, heads, tokens, width = query.shape
    if tokens > 1 or attention_mask is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)
    shared = heads // key.shape[1]
    together = query.reshape(rows, key.shape[1], shared, width)
    mask = attention_mask[..., : key.shape[2]].expand(rows, key.shape[1], shared, key.shape[2])
    out = scaled_dot_product_attention(together, key, value, attn_mask=mask, scale=scaling)
    return out.reshape(rows, 1, heads, value.shape[-1]), None


def quicken(model: Any) -> None:
    """Lets a model of transformers use :func:`grouped_attention` where it would use PyTorch's attention, and
    in 16 bits on a card Liger's kernels, where they are installed and compile, for norms, SwiGLU and rotary
    embedding."""
    if not type(model).__module__.startswith("transformers.models."):
        return
    if getattr(model.config, "_attn_implementation", None) == "sdpa":
        AttentionInterface.register(GROUPED, grouped_attention)
        AttentionMaskInterface.register(GROUPED, sdpa_mask)
        model.config._attn_implementation = GROUPED
    card = model.device.type == "cuda" and model.dtype != torch.float32
    if card and available() and compiles(model.device, model.dtype):
        use_kernels(model)
