"""Known base models, from ``configs/models/bases.yaml``: their sources and what their training needs."""

from functools import cache

from pydantic import BaseModel, ConfigDict

from tianji_core.project import CONFIGS
from tianji_core.training.memory import Shape, need_of
from tianji_core.training.settings import TrainingSettings
from tianji_core.yaml_reading import read_yaml


class KnownBase(BaseModel):
    """One base. ``modelscope`` and ``huggingface`` are its names there, ``size_gb`` is the download in GB
    (1e9 bytes), ``code`` whether it brings Python code, ``apply`` whether commercial use requires an
    application."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    modelscope: str
    huggingface: str
    template: str
    licence: str
    apply: bool = False
    size_gb: float
    code: bool
    shape: Shape

    @property
    def billions(self) -> float:
        """Parameters in billions."""
        return self.shape.parameters / 1e9

    def memory_gb(self, method: str) -> int:
        """Returns whole GB of a card for 'qlora', 'lora' or 'full' with the tutorial's values: micro-batch
        1 of 2,048 tokens, rank 64, activation checkpointing; full training without sharding."""
        return need_of(self.shape, _TUTORIAL, method).card_gb


_TUTORIAL = TrainingSettings(
    base="-",
    learning_rate=2e-4,
    epochs=1,
    batch_size=1,
    accumulation=16,
    max_length=2048,
    warmup_ratio=0.03,
    weight_decay=0,
    max_norm=1,
    save_interval=500,
    keep_checkpoints=2,
    log_interval=10,
    seed=42,
    system="",
    eval_prompts=["-"],
    eval_tokens=1,
)


@cache
def known_bases() -> tuple[KnownBase, ...]:
    """Returns all known bases, in the order of the file."""
    entries = read_yaml(CONFIGS / "models" / "bases.yaml")
    return tuple(KnownBase.model_validate(entry) for entry in entries)
