"""One base in memory that loads the weights of one checkpoint after the other. Imported only by the
worker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.model_folders.quick_imports import import_bitsandbytes
from tianji_core.training.engine import checkpoint_weights

_LORA_A = ".lora_A.default.weight"


class SwappableModel:
    """A base that :func:`~tianji_core.model_folders.answering.load` returned; ``again`` loads it once more.
    ``alpha`` is the training's LoRA alpha."""

    def __init__(self, base: Any, alpha: int, again: Callable[[], Any]) -> None:
        self.network = base
        self._alpha, self._again = alpha, again
        self._wrapped, self._changed = False, False

    def be_base(self) -> None:
        """Makes the weights those of the base again."""
        if self._wrapped:
            self.network.disable_adapter_layers()
        elif self._changed:
            self.network = None  # freed first: a card may hold it only once
            self.network = self._again()
            self._changed = False

    def load(self, checkpoint: Path) -> None:
        """Loads a checkpoint that this studio's trainer wrote: LoRA matrices, or all weights.

        Raises:
            ModelError: the checkpoint cannot be read, or belongs to another base.
        """
        state = checkpoint_weights(checkpoint)
        if any(".lora_A." in name for name in state) and not self._wrapped:
            self._wrap(state)
        own = self.network.state_dict()
        foreign = [name for name, value in state.items() if name not in own or own[name].shape != value.shape]
        if foreign:
            raise ModelError(
                _("检查点 {file} 不属于这个基座（例如 {name}）", file=checkpoint, name=foreign[0])
            )
        self.network.load_state_dict(state, strict=False)
        self._changed = True
        if self._wrapped:
            self.network.enable_adapter_layers()

    def _wrap(self, state: dict[str, Any]) -> None:
        import_bitsandbytes()
        from peft import LoraConfig, get_peft_model

        matrices = {name: value for name, value in state.items() if name.endswith(_LORA_A)}
        rank = next(iter(matrices.values())).shape[0]
        names = [name.removeprefix("base_model.model.").removesuffix(_LORA_A) for name in matrices]
        config = LoraConfig(
            r=rank, lora_alpha=self._alpha, target_modules=names, lora_dropout=0.0, task_type="CAUSAL_LM"
        )
        self.network = get_peft_model(self.network, config).eval()
        self._wrapped = True
