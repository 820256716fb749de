"""LoRA adapter folders: ``adapter_config.json`` as peft writes it, and whether the weights are there."""

import math
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.model_folders.base import check_safetensors

ADAPTER_CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PICKLED_WEIGHTS = "adapter_model.bin"
SPECIAL = ("use_dora", "modules_to_save", "lora_bias", "fan_in_fan_out", "trainable_token_indices")
"""Settings under which an adapter holds more than two matrices per layer; the studio can neither serve nor
merge these."""


class AdapterConfig(BaseModel):
    """The fields of ``adapter_config.json`` that the studio uses; what is missing has peft's default."""

    model_config = ConfigDict(frozen=True, extra="allow")

    r: int = Field(default=8, ge=1)
    lora_alpha: float = 8
    peft_type: str = ""
    bias: str = "none"
    use_rslora: bool = False
    base_model_name_or_path: str | None = None
    target_modules: str | list[str] | None = None
    exclude_modules: str | list[str] | None = None
    layers_to_transform: int | list[int] | None = None
    rank_pattern: dict[str, int] | None = None
    alpha_pattern: dict[str, float] | None = None

    def special(self) -> list[str]:
        """The names of :data:`SPECIAL` that are set, and 'bias' where the adapter trains biases."""
        extra = self.model_extra or {}
        return [name for name in SPECIAL if extra.get(name)] + (["bias"] if self.bias != "none" else [])

    def targets(self, path: str) -> bool:
        """Whether the adapter changes the layer at ``path``, by peft's own rules."""
        targets = self.target_modules or []
        if _named(self.exclude_modules or [], path) or not _named(targets, path):
            return False
        layers = self.layers_to_transform
        if layers is None or isinstance(targets, str):
            return True
        number = re.match(r".*?\.[^.]*\.(\d+)\.", path)
        return number is not None and int(number[1]) in ([layers] if isinstance(layers, int) else layers)

    def scale(self, path: str = "") -> float:
        """The factor on the product of the layer's two matrices: alpha / r (Hu et al., 2021, section 4.1), or
        alpha / √r with ``use_rslora`` (Kalajdzievski, 2023)."""
        rank = _by_pattern(self.rank_pattern, path, self.r)
        alpha = _by_pattern(self.alpha_pattern, path, self.lora_alpha)
        return alpha / (math.sqrt(rank) if self.use_rslora else rank)


def _named(names: str | list[str], path: str) -> bool:
    if isinstance(names, str):
        return re.fullmatch(names, path) is not None
    return any(path == name or path.endswith(f".{name}") for name in names)


def _by_pattern(patterns: dict[str, int] | dict[str, float] | None, path: str, default: float) -> float:
    matching = (value for key, value in (patterns or {}).items() if re.match(rf"(.*\.)?({key})$", path))
    return next(matching, default)


def is_adapter(folder: Path) -> bool:
    """Whether the folder holds an adapter, complete or not."""
    return (folder / ADAPTER_CONFIG).exists()


def read_adapter_config(folder: Path) -> AdapterConfig:
    """The configuration of the adapter in ``folder``.

    Raises:
        ModelError: not an adapter, or its configuration is broken.
    """
    path = folder / ADAPTER_CONFIG
    if not path.exists():
        raise ModelError(_("{folder} 里没有 adapter_config.json，不是 LoRA 适配器", folder=folder))
    try:
        return AdapterConfig.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise ModelError(_("适配器配置 {file} 坏了，请重新转换", file=path)) from error


def adapter_base(folder: Path) -> str:
    """The base that an adapter names in its configuration; '' where it names none.

    Raises:
        ModelError: not an adapter, or its configuration or weights are broken.
    """
    config = read_adapter_config(folder)
    weights = folder / WEIGHTS
    if weights.exists():
        check_safetensors(weights)
    elif not (folder / PICKLED_WEIGHTS).exists():
        raise ModelError(_("{folder} 里没有适配器权重 adapter_model.safetensors", folder=folder))
    return config.base_model_name_or_path or ""
