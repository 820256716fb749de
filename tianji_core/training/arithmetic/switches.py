"""Which optimisations of this package are on. Each can be switched off alone, to measure what it brings.

``TIANJI_FAST_OFF`` names those that are off, separated by commas; ``all`` switches off every one.
"""

import functools
import os

NAMES = {
    "mask": "keep a full attention mask, so that attention runs its causal kernel",
    "gqa": "let attention share keys and values between heads instead of repeating them",
    "fused_lora": "a linear layer with its LoRA adapter as one operation",
    "dropout_kernels": "dropout inside the thin products of LoRA, its mask computed again instead of stored",
    "fused_attention": "queries, keys and values with their adapters and rotary embedding as one operation",
    "fused_mlp": "a gated MLP with its adapters as one operation that keeps no product of the gate",
    "liger": "Liger's kernels for norms, rotary embedding and SwiGLU",
    "answer_loss": "logits of answer tokens alone, a chunk at a time",
    "packed_kernel": "4-bit weights of a group unpacked at once, with scales unpacked beforehand",
    "run_ahead": "read losses where they are needed instead of waiting for the card at each micro-batch",
    "fp8": "products of the frozen base in 8-bit floating point, in profiles that ask for it",
}


@functools.cache
def _named(text: str) -> frozenset[str]:
    named = {name.strip() for name in text.split(",") if name.strip()}
    return frozenset(NAMES) if "all" in named else frozenset(named)


def off() -> frozenset[str]:
    """The names in ``TIANJI_FAST_OFF``."""
    return _named(os.environ.get("TIANJI_FAST_OFF", ""))


def on(name: str) -> bool:
    """Whether an optimisation is on; ``name`` is one of :data:`NAMES`."""
    if name not in NAMES:
        raise KeyError(name)
    return name not in off()
