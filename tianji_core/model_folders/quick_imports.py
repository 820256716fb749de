"""Importing bitsandbytes on a machine without a card in half of the time.

bitsandbytes 0.50 hands its fallback operations to ``torch.compile`` while it is imported, which loads the
compiler (1.5 s of processor time in every process that imports peft or xtuner). On a CPU those operations run
natively or a few times a training, and compiling them would ask for a C++ compiler.
"""

import importlib
from collections.abc import Callable
from typing import Any


def import_bitsandbytes() -> None:
    """Imports bitsandbytes where torch and it are installed and there is no card, its fallback operations
    uncompiled; elsewhere it does nothing."""
    try:
        import torch
    except ImportError:
        return
    if torch.cuda.is_available():
        return
    compiled = torch.compile
    setattr(torch, "compile", _as_it_is)  # noqa: B010
    try:
        importlib.import_module("bitsandbytes")
    except ImportError:  # peft does without
        pass
    finally:
        setattr(torch, "compile", compiled)  # noqa: B010


def _as_it_is(function: Callable[..., Any] | None = None, **_options: Any) -> Any:
    """Stands for ``torch.compile``, as a call and as a decorator with options."""
    return function if function is not None else lambda decorated: decorated
