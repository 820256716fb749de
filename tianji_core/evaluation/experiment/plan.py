"""The plan of an experiment: what is held fixed, and the settings in which its trainings differ."""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.sentences import Sentence
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import TrainingSettings, checked_settings
from tianji_core.training.settings import field_title

AXES = (
    "learning_rate",
    "lora_r",
    "lora_alpha",
    "lora_dropout",
    "epochs",
    "samples",
    "batch_size",
    "accumulation",
    "max_length",
    "warmup_ratio",
    "weight_decay",
    "max_norm",
    "vary_names",
    "vary_occasions",
    "seed",
)
"""The settings that trainings of one experiment may differ in."""
MOST_TRAININGS = 64
"""Trainings in one experiment."""

Values = dict[str, float]
"""Setting → value, for the settings that differ."""


class ExperimentPlan(BaseModel):
    """Trainings of ``preset`` on the dataset version with this id: ``settings``, changed by each of
    ``variants`` in turn. ``hours`` of training in all, None for no limit. ``end_early`` ends trainings whose
    validation loss is clearly worse than the best at the same step. Each is measured with ``limit`` held-out
    questions."""

    model_config = ConfigDict(frozen=True)

    preset: str
    version_id: int
    settings: TrainingSettings
    variants: tuple[Values, ...] = Field(min_length=1, max_length=MOST_TRAININGS)
    title: Sentence = ""
    hours: float | None = Field(default=None, gt=0, le=10_000)
    end_early: bool = True
    limit: int = Field(default=60, ge=1, le=2000)

    @model_validator(mode="after")
    def _no_variant_twice(self) -> Self:
        if len({tuple(sorted(values.items())) for values in self.variants}) != len(self.variants):
            raise ValueError(_("同样的设置写了两次"))
        return self

    @property
    def axes(self) -> tuple[str, ...]:
        """The settings that differ, in the order of :data:`AXES`."""
        return tuple(name for name in AXES if any(name in values for values in self.variants))

    @property
    def compares_losses(self) -> bool:
        """Whether a training may be ended by its loss: those on other samples or with another length of the
        packed sequences have other losses at the same step."""
        return self.end_early and not {"samples", "max_length", "batch_size"} & set(self.axes)

    def settings_of(self, values: Values) -> TrainingSettings:
        """Returns the settings of one training.

        Raises:
            TrainingError: a value is out of bounds; names the setting.
        """
        return checked_settings({**self.settings.model_dump(), **values})


def short_trainings(
    preset: str, settings: TrainingSettings, version: DatasetVersion, sizes: Sequence[int]
) -> ExperimentPlan:
    """Returns the experiment that measures how the pass rate grows with the number of samples."""
    return ExperimentPlan(
        preset=preset,
        version_id=version.id,
        settings=settings,
        variants=tuple({"samples": size} for size in sizes),
        title=_("{name} 要多少样本", name=version.name),
    )


def grid(axes: Mapping[str, Sequence[float]]) -> tuple[Values, ...]:
    """Returns every combination of the values, the last axis changing fastest.

    Raises:
        InputError: no axis, an unknown one or one without a value, or more than :data:`MOST_TRAININGS`
            combinations.
    """
    check_axes(axes)
    number = 1
    for name, values in axes.items():
        if not values:
            raise InputError(_("“{name}”至少要写一个值", name=field_title(name)))
        number *= len(values)
    if number > MOST_TRAININGS:
        raise InputError(_("一共 {n} 个训练，一次实验最多 {most} 个", n=number, most=MOST_TRAININGS))
    return tuple(dict(zip(axes, values, strict=True)) for values in product(*axes.values()))


def check_axes(axes: Mapping[str, object]) -> None:
    """Checks that each axis is a setting that may differ.

    Raises:
        InputError: none is given, or one is not.
    """
    if not axes:
        raise InputError(_("实验至少要有一项设置取几个不同的值"))
    for name in axes:
        if name not in AXES:
            known = _("、").join(AXES)
            raise InputError(_("实验里不能变“{name}”，能变的是：{known}", name=name, known=known))


def read_values(text: str) -> list[float]:
    """Returns the numbers of a list such as '1e-3, 2e-3', each once; whole ones as integers.

    Raises:
        InputError: a part is no number.
    """
    numbers: dict[float, None] = {}
    for part in text.replace("，", ",").replace("、", ",").split(","):
        if not part.strip():
            continue
        try:
            number = float(part)
            if not math.isfinite(number):
                raise ValueError
        except ValueError as error:
            raise InputError(_("“{text}”不是数字；几个值用逗号分开", text=part.strip())) from error
        numbers[int(number) if number == int(number) else number] = None
    return list(numbers)
