"""xtuner's fine-tuning with the loss, the LoRA layers and the checkpointing of this package."""

import sys
from typing import Any

import torch
from mmengine import print_log
from mmengine.runner import load_checkpoint
from peft import get_peft_model
from torch import Tensor
from torch.nn import functional
from xtuner.model import SupervisedFinetune
from xtuner.model.utils import find_all_linear_names

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.training.arithmetic import switches
from tianji_core.training.arithmetic.answer_loss import answer_loss
from tianji_core.training.arithmetic.checkpointing import checkpoint_layers
from tianji_core.training.arithmetic.kernels import available, use_kernels
from tianji_core.training.arithmetic.lora import fuse_lora
from tianji_core.training.xtuner_engine.run_ahead import ANSWERS, FULL, PackPreprocessor, full

if not torch.cuda.is_available():
    import tianji_core.training.xtuner_engine.cpu  # noqa: F401  what xtuner lacks there


class FastFinetune(SupervisedFinetune):
    """Learns what :class:`SupervisedFinetune` learns, for a LoRA adapter on a base model.

    ``checkpointed`` is the share of layers, 0 to 1, whose activations are computed twice instead of kept.
    ``float8``: multiply with the frozen base in 8-bit floating point. A base that is not quantised stays in
    16 bits; xtuner turns it into float32.
    """

    llm: Any

    def __init__(self, *values: Any, checkpointed: float = 1.0, float8: bool = False, **options: Any) -> None:
        if options.get("lora") is None:
            raise TrainingError(
                _(
                    "FastFinetune 只训练 LoRA 适配器；要训练全部参数，请把配置里 model 的 type 改成 SupervisedFinetune"
                )
            )
        self._share, self._float8 = checkpointed, float8
        options["use_activation_checkpointing"] = False
        super().__init__(*values, **options)
        if switches.on("run_ahead"):
            self.data_preprocessor = PackPreprocessor()

    def _prepare_for_lora(self, peft_model: Any = None, use_activation_checkpointing: bool = False) -> None:
        self.llm.requires_grad_(False)
        words = self.llm.get_input_embeddings().weight
        for parameter in self.llm.parameters():
            # float16 ends at 65,504, which the sum over all layers may pass; bfloat16 reaches as far as
            # float32.
            if parameter.dtype == torch.float16 and (parameter.ndim == 1 or parameter is words):
                parameter.data = parameter.data.float()
        if self.lora.target_modules is None:
            self.lora.target_modules = find_all_linear_names(self.llm)
        self.llm = get_peft_model(self.llm, self.lora)
        if peft_model is not None:
            load_checkpoint(self, peft_model)
        base = self.llm.get_base_model()
        kernels = {}
        if switches.on("liger") and torch.cuda.is_available() and available():
            kernels = use_kernels(base)
        self._fused = fuse_lora(base.model, self._float8 and switches.on("fp8"))
        doubled = checkpoint_layers(base.model.layers, self._share)
        torch.backends.cuda.matmul.allow_tf32 = True
        print_log(
            f"fast: fused {self._fused.counts}, kernels {kernels or 'none'}, {doubled} layers checkpointed",
            "current",
        )

    def compute_loss(self, data: dict[str, Tensor], data_samples: Any = None) -> dict[str, Tensor]:
        """The mean loss over the answer tokens of a micro-batch."""
        inputs = dict(data)
        known, answers = inputs.pop(FULL, None), inputs.pop(ANSWERS, None)
        whole = full(inputs) if known is None else bool(known)
        self._fused.begin(whole, refresh="deepspeed" in sys.modules)
        labels = inputs.pop("labels")
        if not switches.on("mask"):
            # Without a mask transformers takes a batch for packed sequences and builds a mask of (B, 1, T,
            # T).
            inputs.pop("attention_mask", None)
        base = self.llm.get_base_model()
        hidden = base.model(**inputs)[0]
        if not switches.on("answer_loss"):
            logits = base.get_output_embeddings()(hidden).float()
            return {"loss": functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())}
        return {"loss": answer_loss(hidden, base.get_output_embeddings(), labels, answers)}
