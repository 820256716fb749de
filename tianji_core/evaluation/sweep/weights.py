"""One base in memory that takes on the weights of one checkpoint after the other. Imported only by the worker."""

from pathlib import Path
from typing import Any

from tianji_core.errors import ModelError
from tianji_core.i18n import _

_PREFIX = "llm."
_LORA_A = ".lora_A.default.weight"


class SwappableModel:
    """A base as :func:`~tianji_core.model_folders.answering.load` gives it. ``alpha`` is the training's LoRA alpha."""

    def __init__(self, base: Any, alpha: int) -> None:
        self.network = base
        self._alpha = alpha
        self._wrapped = False

    def take(self, checkpoint: Path) -> None:
        """Become the model of a checkpoint that this studio's trainer wrote: LoRA matrices, or all weights.

        Raises:
            ModelError: the file cannot be read, or belongs to another base.
        """
        state = checkpoint_weights(checkpoint)
        if any(".lora_A." in name for name in state) and not self._wrapped:
            self._wrap(state)
        wanted = self.network.state_dict()
        strange = [
            name for name, value in state.items() if name not in wanted or wanted[name].shape != value.shape
        ]
        if strange:
            raise ModelError(
                _("检查点 {file} 不属于这个基座（例如 {name}）", file=checkpoint, name=strange[0])
            )
        self.network.load_state_dict(state, strict=False)

    def _wrap(self, state: dict[str, Any]) -> None:
        from peft import LoraConfig, get_peft_model

        matrices = {name: value for name, value in state.items() if name.endswith(_LORA_A)}
        rank = next(iter(matrices.values())).shape[0]
        names = [name.removeprefix("base_model.model.").removesuffix(_LORA_A) for name in matrices]
        config = LoraConfig(
            r=rank, lora_alpha=self._alpha, target_modules=names, lora_dropout=0.0, task_type="CAUSAL_LM"
        )
        self.network = get_peft_model(self.network, config).eval()
        self._wrapped = True


def checkpoint_weights(path: Path) -> dict[str, Any]:
    """The language model's weights in a checkpoint, by their names in the model.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        if path.is_dir():  # DeepSpeed keeps them in pieces
            from xtuner.model.utils import guess_load_checkpoint

            state = guess_load_checkpoint(str(path))
        else:
            import torch

            # Written by this studio's own trainer, whose file also holds objects that are not plain tensors.
            loaded = torch.load(path, map_location="cpu", weights_only=False, mmap=True)
            state = loaded.get("state_dict", loaded)
        found = {
            name.removeprefix(_PREFIX): value for name, value in state.items() if name.startswith(_PREFIX)
        }
    except Exception as error:  # a torn file fails in many ways
        raise ModelError(
            _("读不了检查点 {file}：{detail}", file=path, detail=f"{type(error).__name__}: {error}"[:200])
        ) from error
    if not found:
        raise ModelError(_("检查点 {file} 里没有模型权重", file=path))
    return found
