"""LoRA adapter folders: ``adapter_config.json`` as peft writes it, and whether the weights are there."""

import math
import re
import time
from pathlib import Path
from typing import Annotated

import regex
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from tianji_core.errors import ModelError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.model_folders.base import check_safetensors

ADAPTER_CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PICKLED_WEIGHTS = "adapter_model.bin"
SPECIAL = ("use_dora", "modules_to_save", "lora_bias", "fan_in_fan_out", "trainable_token_indices")
"""Settings under which an adapter holds more than two matrices per layer; the studio can neither serve nor
merge these."""

MAX_CONFIG = 1_000_000
"""Bytes of ``adapter_config.json``; peft writes about a thousand."""

MATCHING_S = 1.0
"""Seconds for matching the patterns of one adapter against the layers of a model. Real ones take
milliseconds; a pattern such as ``(a+)+b`` takes centuries."""

Rank = Annotated[int, Field(ge=1, le=1_000_000)]
Alpha = Annotated[float, Field(allow_inf_nan=False)]
Pattern = Annotated[str, Field(max_length=20_000)]


class PatternError(ModelError):
    """A pattern of an adapter's configuration is no regular expression, or takes too long to match."""


class AdapterConfig(BaseModel):
    """The fields of ``adapter_config.json`` that the studio uses; what is missing has peft's default."""

    model_config = ConfigDict(frozen=True, extra="allow")

    _seconds_left: float = PrivateAttr(default=MATCHING_S)

    r: Rank = 8
    lora_alpha: Alpha = 8
    peft_type: str = ""
    bias: str = "none"
    use_rslora: bool = False
    base_model_name_or_path: str | None = None
    target_modules: Pattern | list[str] | None = None
    exclude_modules: Pattern | list[str] | None = None
    layers_to_transform: int | list[int] | None = None
    rank_pattern: dict[Pattern, Rank] | None = None
    alpha_pattern: dict[Pattern, Alpha] | None = None

    def special(self) -> list[str]:
        """The names of :data:`SPECIAL` that are set, and 'bias' where the adapter trains biases."""
        extra = self.model_extra or {}
        return [name for name in SPECIAL if extra.get(name)] + (["bias"] if self.bias != "none" else [])

    def targets(self, path: str) -> bool:
        """Whether the adapter changes the layer at ``path``, by peft's own rules.

        Raises:
            PatternError: a pattern is wrong or takes too long.
        """
        targets = self.target_modules or []
        if self._named(self.exclude_modules or [], path) or not self._named(targets, path):
            return False
        layers = self.layers_to_transform
        if layers is None or isinstance(targets, str):
            return True
        number = re.match(r".*?\.[^.]*\.(\d+)\.", path)
        return number is not None and int(number[1]) in ([layers] if isinstance(layers, int) else layers)

    def rank(self, path: str = "") -> int:
        """The rank r of the layer's two matrices.

        Raises:
            PatternError: as for :meth:`targets`.
        """
        return int(self._by_pattern(self.rank_pattern, path, self.r))

    def scale(self, path: str = "") -> float:
        """The factor on the product of the layer's two matrices: alpha / r (Hu et al., 2021, section 4.1), or
        alpha / √r with ``use_rslora`` (Kalajdzievski, 2023).

        Raises:
            PatternError: as for :meth:`targets`.
        """
        rank = self.rank(path)
        alpha = self._by_pattern(self.alpha_pattern, path, self.lora_alpha)
        return alpha / (math.sqrt(rank) if self.use_rslora else rank)

    def _named(self, names: str | list[str], path: str) -> bool:
        if isinstance(names, str):
            return self._matches(names, path)
        return any(path == name or path.endswith(f".{name}") for name in names)

    def _by_pattern(
        self, patterns: dict[str, int] | dict[str, float] | None, path: str, default: float
    ) -> float:
        found = (value for key, value in (patterns or {}).items() if self._matches(rf"(.*\.)?({key})", path))
        return next(found, default)

    def _matches(self, pattern: str, path: str) -> bool:
        """Whether a pattern matches the whole path. All matches of one adapter share :data:`MATCHING_S`."""
        started = time.monotonic()
        try:
            re.compile(pattern)  # peft uses re, which has no time limit; regex knows forms that re refuses
            found = regex.fullmatch(pattern, path, timeout=max(self._seconds_left, 1e-3), concurrent=True)
        except (re.error, regex.error, TimeoutError, RecursionError, OverflowError, MemoryError) as error:
            shown = pattern if len(pattern) <= 80 else f"{pattern[:77]}..."
            detail = _("匹配太久") if isinstance(error, TimeoutError) else first_line(error)
            raise PatternError(
                _(
                    "适配器配置里的模式“{pattern}”不能用（{detail}），请改正或重新转换",
                    pattern=shown,
                    detail=detail,
                )
            ) from error
        self._seconds_left -= time.monotonic() - started
        return found is not None


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
        if not path.is_file() or path.stat().st_size > MAX_CONFIG:  # a named pipe never ends
            raise ValueError("not a small file")
        return AdapterConfig.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(_("适配器配置 {file} 坏了，请重新转换", file=path)) from error


def adapter_base(folder: Path) -> str:
    """The base that an adapter names in its configuration; '' where it names none.

    Raises:
        ModelError: not an adapter, or its configuration or weights are broken.
    """
    config = read_adapter_config(folder)
    weights = folder / WEIGHTS
    if weights.exists():
        if not weights.is_file():
            raise ModelError(_("适配器权重 {file} 不是普通文件", file=weights))
        check_safetensors(weights)
    elif not (folder / PICKLED_WEIGHTS).exists():
        raise ModelError(_("{folder} 里没有适配器权重 adapter_model.safetensors", folder=folder))
    return config.base_model_name_or_path or ""
