"""Kernels of Liger in place of a model's own element-wise arithmetic, where a card is there to run them.

A layer's norms, its SwiGLU and its rotary embedding are one pass over memory each instead of five to ten.
They are found by what they are made of, so that a model that brings its own code, as InternLM2 does, is
served too.
"""

import importlib.util
import sys
import traceback
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tianji_core.training.arithmetic.blocks import gated


def available() -> bool:
    """Whether Liger and what compiles its kernels are installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("liger_kernel", "triton"))


def compiles(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether a kernel of Liger, compiled at its first use, runs on this device. If not, prints why."""
    try:
        from liger_kernel.ops import LigerRMSNormFunction

        weight = torch.ones(64, device=device, dtype=dtype)
        with torch.inference_mode(), torch.cuda.device_of(weight):
            LigerRMSNormFunction.apply(weight[None], weight, 1e-6, 0.0, "llama", False).tolist()
    except Exception as error:
        traceback.print_exception(error)
        print("Liger's kernels are off: they cannot be compiled or run here", flush=True)
        return False
    return True


def _norm(module: Any, epsilon: float) -> Callable[[Tensor], Tensor]:
    from liger_kernel.ops import LigerRMSNormFunction

    usual = module.forward

    def forward(x: Tensor) -> Tensor:
        if not x.is_cuda:
            return usual(x)
        return LigerRMSNormFunction.apply(x, module.weight, epsilon, 0.0, "llama", False)

    return forward


def _mlp(module: Any, gate: str, value: str, out: str) -> Callable[[Tensor], Tensor]:
    from liger_kernel.ops import LigerSiLUMulFunction

    usual = module.forward

    def forward(x: Tensor) -> Tensor:
        if not x.is_cuda:
            return usual(x)
        # Looked up each time: an adapter that is loaded later takes a layer's place.
        product = LigerSiLUMulFunction.apply(getattr(module, gate)(x), getattr(module, value)(x))
        made: Tensor = getattr(module, out)(product)
        return made

    return forward


def _rotary(usual: Callable[..., Any]) -> Callable[..., Any]:
    from liger_kernel.ops import LigerRopeFunction

    def rotate(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor, *rest: Any, **options: Any) -> Any:
        if rest or options or not q.is_cuda:
            return usual(q, k, cos, sin, *rest, **options)
        return LigerRopeFunction.apply(q, k, cos, sin)

    rotate.fused = True  # type: ignore[attr-defined]
    return rotate


def use_kernels(model: nn.Module) -> dict[str, int]:
    """Put the kernels into a model; how many norms, MLPs and attention modules were found."""
    found = {"norm": 0, "mlp": 0, "rotary": 0}
    for module in model.modules():
        name = type(module).__name__
        epsilon = getattr(module, "variance_epsilon", None)
        if name.endswith("RMSNorm") and epsilon is not None:
            module.forward = _norm(module, epsilon)
            found["norm"] += 1
        names = gated(module)
        if names is not None:
            module.forward = _mlp(module, *names)
            found["mlp"] += 1
        if name in ("LlamaAttention", "Qwen2Attention"):
            home: Any = sys.modules[type(module).__module__]
            if not getattr(home.apply_rotary_pos_emb, "fused", False):
                home.apply_rotary_pos_emb = _rotary(home.apply_rotary_pos_emb)
            found["rotary"] += 1
    return found
