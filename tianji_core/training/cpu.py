"""Lets xtuner 0.2.0 train on a CPU. Imported by the configs of CPU presets, never by the studio itself.

xtuner asks ``torch.cpu.is_bf16_supported()``, which torch does not have. A config cannot patch anything (mmengine
executes it lazily and ignores ``custom_imports``), but the class it names is imported before it is used.
"""

import torch
from xtuner.model import SupervisedFinetune

if not hasattr(torch.cpu, "is_bf16_supported"):
    setattr(torch.cpu, "is_bf16_supported", lambda: False)  # noqa: B010

__all__ = ["SupervisedFinetune"]
