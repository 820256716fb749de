"""xtuner's fine-tuning with the loss, the LoRA layers and the checkpointing of this package."""

from typing import Any

import torch
from mmengine import print_log
from mmengine.runner import load_checkpoint
from peft import get_peft_model
from torch import Tensor
from xtuner.model import SupervisedFinetune
from xtuner.model.utils import find_all_linear_names

from tianji_core.training.fast.answer_loss import answer_loss
from tianji_core.training.fast.checkpointing import checkpoint_layers
from tianji_core.training.fast.kernels import available, use_kernels
from tianji_core.training.fast.lora import fuse_lora

if not torch.cuda.is_available():
    import tianji_core.training.cpu  # noqa: F401  what xtuner lacks there


class FastFinetune(SupervisedFinetune):
    """Learns what :class:`SupervisedFinetune` learns, for a LoRA adapter on a base model.

    ``checkpointed`` is the share of layers, 0 to 1, whose activations are computed twice instead of kept. ``kernels``:
    use Liger's where it is installed and the model is on a card. A base that is not quantised stays in 16 bits; xtuner
    turns it into float32.
    """

    llm: Any

    def __init__(self, *values: Any, checkpointed: float = 1.0, kernels: bool = True, **options: Any) -> None:
        if options.get("lora") is None:
            raise ValueError("FastFinetune trains a LoRA adapter; take SupervisedFinetune for all parameters")
        self._share, self._kernels = checkpointed, kernels
        options["use_activation_checkpointing"] = False
        super().__init__(*values, **options)

    def _prepare_for_lora(self, peft_model: Any = None, use_activation_checkpointing: bool = False) -> None:
        self.llm.requires_grad_(False)
        words = self.llm.get_input_embeddings().weight
        for parameter in self.llm.parameters():
            # float16 ends at 65,504, which the sum over all layers may pass; bfloat16 reaches as far as float32.
            if parameter.dtype == torch.float16 and (parameter.ndim == 1 or parameter is words):
                parameter.data = parameter.data.float()
        if self.lora.target_modules is None:
            self.lora.target_modules = find_all_linear_names(self.llm)
        self.llm = get_peft_model(self.llm, self.lora)
        if peft_model is not None:
            load_checkpoint(self, peft_model)
        base = self.llm.get_base_model()
        fused = fuse_lora(base.model)
        kernels = use_kernels(base) if self._kernels and torch.cuda.is_available() and available() else {}
        doubled = checkpoint_layers(base.model.layers, self._share)
        torch.backends.cuda.matmul.allow_tf32 = True
        print_log(
            f"fast: {fused} LoRA layers, kernels {kernels or 'none'}, {doubled} layers checkpointed",
            "current",
        )

    def compute_loss(self, data: dict[str, Tensor], data_samples: Any = None) -> dict[str, Tensor]:
        """The mean loss over the answer tokens of a micro-batch."""
        inputs = dict(data)
        labels = inputs.pop("labels")
        mask = inputs.get("attention_mask")
        if mask is not None and bool(mask.all()):
            # Packs are full: without a mask the attention takes its fastest kernel.
            inputs.pop("attention_mask")
        base = self.llm.get_base_model()
        hidden = base.model(**inputs)[0]
        return {"loss": answer_loss(hidden, base.get_output_embeddings(), labels)}
