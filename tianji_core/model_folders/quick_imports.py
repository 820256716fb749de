"""Importing the libraries of models faster. Used by subprocess entries only: each of them spends most of the
seconds of a small job on its imports.

bitsandbytes 0.50 hands its fallback operations to ``torch.compile`` while it is imported, which loads the
compiler (1.5 s of processor time in every process that imports peft or xtuner). On a CPU those operations run
natively or a few times a training, and compiling them would ask for a C++ compiler.

transformers 4.53 loads scipy's optimisers together with every model, for the losses of object detection. The
garbage collector meanwhile walks all that has just been imported again and again, and none of it is garbage.
"""

import contextlib
import gc
import importlib
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def quick_imports() -> Iterator[None]:
    """Within it modules are imported without collecting garbage, and afterwards no collection walks them any
    more; a second call inside does nothing more."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def import_transformers() -> None:
    """Imports what every model of transformers is made of, without the optimisers of scipy that only losses
    of object detection call. What cannot be imported here fails again where it is needed, and is named there.
    """
    with quick_imports(), contextlib.suppress(Exception):  # a version that does not fit may raise anything
        import transformers.utils as utils

        asked = utils.is_scipy_available
        setattr(utils, "is_scipy_available", lambda: False)  # noqa: B010
        try:
            importlib.import_module("transformers.loss.loss_utils")
        finally:
            setattr(utils, "is_scipy_available", asked)  # noqa: B010
        importlib.import_module("transformers.modeling_utils")


def import_bitsandbytes() -> None:
    """Imports bitsandbytes where torch and it are installed and there is no card, its fallback operations
    uncompiled and its weights of four bits read right; elsewhere it does nothing."""
    try:
        import torch
    except ImportError:
        return
    if torch.cuda.is_available():
        return
    compiled = torch.compile
    setattr(torch, "compile", _as_it_is)  # noqa: B010
    try:
        with quick_imports():
            importlib.import_module("bitsandbytes")
            from tianji_core.model_folders.four_bits import read_four_bits_right
        read_four_bits_right()
    except ImportError:  # peft does without
        pass
    finally:
        setattr(torch, "compile", compiled)  # noqa: B010


def _as_it_is(function: Callable[..., Any] | None = None, **_options: Any) -> Any:
    """Stands for ``torch.compile``, as a call and as a decorator with options."""
    return function if function is not None else lambda decorated: decorated
