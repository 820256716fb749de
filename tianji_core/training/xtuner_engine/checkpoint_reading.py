"""Reading checkpoints without running what they name. A checkpoint is a pickle, and may have been made on
another machine: of the classes and functions that it names only those are used that a trainer's state needs.
The others become objects without content."""

import importlib
import pickle
import types
from typing import Any

_KNOWN = {
    "builtins": (
        *("bool", "bytearray", "complex", "dict", "float", "frozenset", "int", "list", "set", "slice"),
        *("str", "tuple"),
    ),
    "collections": ("Counter", "OrderedDict", "defaultdict", "deque"),
    "mmengine.logging.history_buffer": ("HistoryBuffer",),
    "numpy": ("dtype", "ndarray"),
    "torch": (
        *("Size", "device", "bfloat16", "float16", "float32", "float64", "int8", "int16", "int32"),
        *("int64", "uint8", "bool"),
    ),
    "torch._utils": ("_rebuild_parameter", "_rebuild_tensor_v2"),
    "torch.serialization": ("_get_layout",),
} | dict.fromkeys(("numpy._core.multiarray", "numpy.core.multiarray"), ("_reconstruct", "scalar"))
_DEEPSPEED = ("deepspeed.runtime.zero.config", "deepspeed.runtime.fp16.loss_scaler")
"""Modules whose classes stand in DeepSpeed's part of a checkpoint."""


class Nothing:
    """Stands for an object of a class that is not known."""

    def __new__(cls, *_values: object, **_named: object) -> "Nothing":
        return super().__new__(cls)

    def __init__(self, *_values: object, **_named: object) -> None:
        pass

    def __call__(self, *_values: object, **_named: object) -> "Nothing":
        return self

    def __setstate__(self, _state: object) -> None:
        pass

    def __setitem__(self, _key: object, _value: object) -> None:
        pass

    def append(self, _value: object) -> None:
        """Keeps nothing."""

    def extend(self, _values: object) -> None:
        """Keeps nothing."""


def _statistic(owner: object, name: object) -> object:
    """``getattr`` for the methods by which mmengine's HistoryBuffer names its statistics."""
    history = importlib.import_module("mmengine.logging.history_buffer").HistoryBuffer
    if owner is history and name in ("current", "max", "mean", "min"):
        return getattr(history, str(name))
    return Nothing


def _latin(text: object, _encoding: object = "latin1") -> bytes:
    """``_codecs.encode`` as pickle uses it for bytes."""
    return text.encode("latin1") if isinstance(text, str) else b""


class Unpickler(pickle.Unpickler):
    """Knows only what a checkpoint needs."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns what is known by a name, else :class:`Nothing`."""
        module = "builtins" if module == "__builtin__" else module
        if (module, name) == ("builtins", "getattr"):
            return _statistic
        if (module, name) == ("_codecs", "encode"):
            return _latin
        if name in _KNOWN.get(module, ()):
            return getattr(importlib.import_module(module), name)
        if module in _DEEPSPEED and name.isidentifier():
            found = getattr(importlib.import_module(module), name, Nothing)
            if isinstance(found, type) and found.__module__ == module:
                return found
        return Nothing


READER = types.SimpleNamespace(Unpickler=Unpickler, __name__="checkpoint_reading")
"""The module that torch.load is given. It has no ``load``, by which torch reads its form before 1.6."""


def read_checkpoint(path: Any, **options: Any) -> Any:
    """Returns the content of a checkpoint; ``options`` are torch.load's.

    Raises:
        AttributeError: it is no zip archive.
    """
    import torch

    return torch.load(path, **{**options, "weights_only": False, "pickle_module": READER})


def read_every_checkpoint_so() -> None:
    """Has every torch.load of this process that does not ask for tensors alone read by :class:`Unpickler`."""
    import torch

    load = torch.load

    if load.__module__ == __name__:
        return

    def read(path: Any, *given: Any, **options: Any) -> Any:
        if options.get("weights_only") is True:
            return load(path, *given, **options)
        return load(path, *given[:1], **{**options, "weights_only": False, "pickle_module": READER})

    torch.load = read  # type: ignore[assignment]
