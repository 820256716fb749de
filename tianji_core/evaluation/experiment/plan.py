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
from tianji_core.training.mix_parts import read_share
from tianji_core.training.settings import short_title

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
"""The settings that trainings of one experiment may differ in, beside the shares of what is mixed in."""
MIXED = "mix:"
"""The beginning of an axis that is the share of a dataset version; its name follows."""
ALL_SAMPLES, NOT_MIXED, ALL_MIXED = 0, 0.0, 1.0
"""The shares of a version that is not mixed in, and of one of which every sample is taken once."""
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
        """The settings that differ, in the order of :data:`AXES`, then the versions whose shares do."""
        given = dict.fromkeys(name for values in self.variants for name in values)
        return (*(name for name in AXES if name in given), *(name for name in given if mixed_version(name)))

    @property
    def compares_losses(self) -> bool:
        """Whether a training may be ended by its loss: those on other samples or with another length of the
        packed sequences have other losses at the same step."""
        apart = {"samples", "max_length", "batch_size"} & set(self.axes)
        return self.end_early and not apart and not any(map(mixed_version, self.axes))

    def settings_of(self, values: Values) -> TrainingSettings:
        """Returns the settings of one training.

        Raises:
            TrainingError: a value is out of bounds; names the setting.
        """
        parts = {part.version: part.share for part in self.settings.mix}
        for name, value in values.items():
            if version := mixed_version(name):
                parts[version] = None if value == ALL_MIXED else value
        mix = [{"version": name, "share": share} for name, share in parts.items() if share != NOT_MIXED]
        plain = {name: value for name, value in values.items() if not mixed_version(name)}
        return checked_settings({**self.settings.model_dump(), **plain, "mix": mix})

    def value_of(self, values: Values, name: str) -> float:
        """Returns the value of an axis in one training: its own, else that of the settings."""
        if name in values or not (version := mixed_version(name)):
            return values.get(name, getattr(self.settings, name, 0))
        shares = {part.version: part.share for part in self.settings.mix}
        share = shares.get(version, NOT_MIXED)
        return ALL_MIXED if share is None else share


def mixed_version(name: str) -> str:
    """Returns the dataset version whose share an axis is, '' for a setting."""
    return name.removeprefix(MIXED) if name.startswith(MIXED) else ""


def axis_title(name: str) -> str:
    """An axis for people."""
    version = mixed_version(name)
    return _("混入 {name}", name=version) if version else short_title(name)


def value_text(name: str, value: float) -> str:
    """A value of an axis for people."""
    if name == "samples" and value == ALL_SAMPLES:
        return _("全部")
    if not mixed_version(name):
        return f"{value:g}"
    return {NOT_MIXED: _("不混入"), ALL_MIXED: _("全部")}.get(value) or f"{100 * value:g}%"


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
            raise InputError(_("“{name}”至少要写一个值", name=axis_title(name)))
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
        if name not in AXES and not mixed_version(name):
            known = _("、").join((*AXES, f"{MIXED}{_('版本')}"))
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


def read_shares(version: str, text: str) -> list[float]:
    """Returns the shares of a list such as '0, 20%, all', each once: 0 does not mix the version in.

    Raises:
        InputError: a part is no share.
    """
    shares: dict[float, None] = {}
    for part in text.replace("，", ",").replace("、", ",").split(","):
        if not (written := part.strip()):
            continue
        share = NOT_MIXED if written in ("0", "0%") else read_share(version, written)
        shares[ALL_MIXED if share is None else share] = None
    return list(shares)
