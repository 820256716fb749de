"""The profile of a training on this machine: resolves 'auto' by the cards that are there, and fits the
settings to the profile."""

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.training.check import PASS, STOP, WARN, Check
from tianji_core.training.machine_checks import GB, Gpu
from tianji_core.training.memory import Shape
from tianji_core.training.presets import Preset
from tianji_core.training.profiles import (
    AS_WRITTEN,
    AUTO,
    BILLIONS,
    FLOAT8_SINCE,
    Profile,
    adapted,
    profile,
    profile_for,
)
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.target import Target


def with_profile(
    chosen: Preset, settings: TrainingSettings, target: Target, cards: list[Gpu], shape: Shape | None
) -> tuple[TrainingSettings, Check | None]:
    """The settings under their profile, and a check that describes it; None where the preset stays as
    written. With several cards the smallest decides."""
    if settings.profile == AS_WRITTEN:
        return settings, None
    title = _("性能档位")
    plain = settings.model_copy(update={"profile": AS_WRITTEN})
    if reason := _unfit(chosen, target):
        if settings.profile == AUTO:
            return plain, Check(PASS, title, _("{reason}，照预设写的训练", reason=reason))
        return plain, Check(STOP, title, _("{reason}，请把性能档位改成“照预设写的”", reason=reason))
    try:
        used = [card for card in cards if not target.gpus or card.index in target.gpus]
        if settings.profile != AUTO:
            selected = profile(settings.profile)
            _check_float8(selected, used)
        elif used:
            smallest = min(used, key=lambda card: card.total)
            billions = shape.parameters / 1e9 if shape is not None else BILLIONS
            selected = profile_for(smallest.total / GB, smallest.capability, billions)
        else:
            return plain, None  # the check of the card reports that there is none
    except TrainingError as error:
        return plain, Check(WARN if settings.profile == AUTO else STOP, title, str(error))
    changed = adapted(settings, selected)
    return changed, Check(PASS, title, described(selected, changed))


def _check_float8(selected: Profile, cards: list[Gpu]) -> None:
    """Raises:
    TrainingError: the profile multiplies in 8-bit floating point, and a card cannot.
    """
    old = [card for card in cards if selected.float8 and card.capability < FLOAT8_SINCE]
    if old:
        raise TrainingError(
            _(
                "显卡 {card} 不会乘 8 位浮点（要 Ada、Hopper 或更新的），请选不带 fp8 的性能档位",
                card=old[0].name,
            )
        )


def described(selected: Profile, settings: TrainingSettings) -> str:
    """One sentence on what a profile changes, with the effective batch size, which stays."""
    return _(
        "{key}：{bits}，每个微批 {batch} 条、累积 {steps} 次（有效批大小不变，仍是 {whole} 条），{share}% 的层省显存重算",
        key=selected.key,
        bits=_("4 位量化，{dtype} 计算", dtype=_SHORT[selected.dtype])
        if selected.quantised
        else _("不量化，{dtype}，冻结的权重用 8 位浮点乘", dtype=_SHORT[selected.dtype])
        if selected.float8
        else _("不量化，{dtype}", dtype=_SHORT[selected.dtype]),
        batch=settings.batch_size,
        steps=settings.accumulation,
        whole=settings.batch_size * settings.accumulation,
        share=round(selected.checkpointed * 100),
    )


_SHORT = {"bfloat16": "bf16", "float16": "fp16"}


def _unfit(chosen: Preset, target: Target) -> str:
    """Why a training cannot use a profile; '' where it can."""
    if chosen.device == "cpu":
        return _("这个预设在 CPU 上训练")
    if chosen.from_pairs:
        return _("从偏好对学习没有性能档位")
    if chosen.method == "full":
        return _("全参数微调没有性能档位")
    if "zero3" in target.deepspeed:
        return _("ZeRO-3 把权重分在各卡上，用不了性能档位")
    return ""
