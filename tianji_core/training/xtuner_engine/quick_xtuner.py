"""Importing xtuner without its data sets of picture regions, which load matplotlib and scikit-image (a second
of processor time in each process of a training). The studio trains models of text."""

import importlib
import sys
from types import ModuleType

from tianji_core.model_folders.quick_imports import import_bitsandbytes, import_transformers, quick_imports

_REGIONS = "xtuner.dataset.refcoco_json"
_NAMES = ("InvRefCOCOJsonDataset", "RefCOCOJsonDataset", "RefCOCOJsonEvalDataset")


def import_xtuner() -> None:
    """Imports xtuner's data sets, models and hooks with transformers and bitsandbytes; what
    ``xtuner.dataset`` names of picture regions is None.

    Raises:
        ImportError: xtuner or a package that it needs is missing.
    """
    with quick_imports():
        import_transformers()
        import_bitsandbytes()
        left_out = ModuleType(_REGIONS)
        vars(left_out).update(dict.fromkeys(_NAMES))
        sys.modules.setdefault(_REGIONS, left_out)
        importlib.import_module("xtuner.engine.hooks")
