"""How a model's makers draw its answers: ``temperature`` and ``top_p`` of its ``generation_config.json``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tianji_core.model_folders.config_files import optional_object

GENERATION_CONFIG = "generation_config.json"


@dataclass(frozen=True)
class OwnSampling:
    """What a model's folder says of drawing, None for what it does not say."""

    temperature: float | None = None
    top_p: float | None = None


USUAL_TOP_P = 0.9
"""For models that say none of their own, and for those that no folder is known of."""


def own_sampling(folder: Path) -> OwnSampling:
    """What the folder of a full model says; values that no answer can be drawn with count as unsaid."""
    said = optional_object(folder, GENERATION_CONFIG)
    return OwnSampling(
        temperature=_number(said.get("temperature"), 0.0, 2.0),
        top_p=_number(said.get("top_p"), 0.0, 1.0),
    )


def usual_top_p(folder: Path) -> float:
    """The ``top_p`` with which the studio draws answers of a full model where nobody chose another."""
    return own_sampling(folder).top_p or USUAL_TOP_P


def _number(value: Any, low: float, high: float) -> float | None:
    """``value`` where it is a number above ``low`` and at most ``high``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if low < value <= high else None
