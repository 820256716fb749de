"""Lets xtuner 0.2.0 train on a CPU. Imported by the configs of CPU presets, never by the studio itself.

xtuner calls ``torch.cpu.is_bf16_supported()``, which torch does not have. A config cannot patch anything
(mmengine executes it lazily and ignores ``custom_imports``), but the class it names is imported before it is
used.

bitsandbytes repacks 4-bit weights the first time a layer runs in evaluation mode on a CPU with AVX512-BF16,
and keeps them so. After the trial answers of xtuner's hook no gradient would pass through them, and the loss
would diverge.
"""

import bitsandbytes.nn.modules
import torch
from xtuner.model import SupervisedFinetune

if not hasattr(torch.cpu, "is_bf16_supported"):
    setattr(torch.cpu, "is_bf16_supported", lambda: False)  # noqa: B010

bitsandbytes.nn.modules.has_avx512bf16 = lambda: False

__all__ = ["SupervisedFinetune"]
