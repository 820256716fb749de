"""Lets xtuner 0.2.0 train on a CPU. Imported by the configs of CPU presets, never by the studio itself.

xtuner calls ``torch.cpu.is_bf16_supported()``, which torch does not have. A config cannot patch anything
(mmengine executes it lazily and ignores ``custom_imports``), but the class it names is imported before it is
used.
"""

import torch
from xtuner.model import SupervisedFinetune

from tianji_core.model_folders.four_bits import read_four_bits_right

if not hasattr(torch.cpu, "is_bf16_supported"):
    setattr(torch.cpu, "is_bf16_supported", lambda: False)  # noqa: B010

read_four_bits_right()

__all__ = ["SupervisedFinetune"]
