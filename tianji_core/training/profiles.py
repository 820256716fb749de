"""性能档位: how a training uses its card. A profile keeps what is learnt, the effective batch and the data, and
changes only the arithmetic; the preset as written is always available too. Imports no torch."""

from dataclasses import dataclass

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.training.settings import TrainingSettings

AS_WRITTEN = ""
"""No profile: the preset exactly as in its file, with the tutorial's values."""
AUTO = "auto"
"""The profile that fits the card, chosen when the training is prepared."""
BF16_SINCE = (8, 0)
"""Ampere: the first compute capability that multiplies bfloat16."""
VARIABLES = {"PYTORCH_ALLOC_CONF": "expandable_segments:True"}
"""The environment of a training with a profile: avoids fragmentation where micro-batches differ in the length
of their answers."""
BILLIONS = 7.7
"""Parameters, in billions, of the model that the profiles were measured with: InternLM2-7B's shape."""


@dataclass(frozen=True)
class Profile:
    """One way to use a card. ``card_gb`` is the memory it asks for, in GB; ``tokens`` are those of one
    micro-batch; ``checkpointed`` is the share of layers whose activations are computed twice; ``peak_gb`` is
    the peak of a model of :data:`BILLIONS`; ``float8`` multiplies with the frozen base in 8-bit floating
    point, on cards of :data:`FLOAT8_SINCE` and only where a person asks for it."""

    key: str
    card_gb: float
    dtype: str
    quantised: bool
    tokens: int
    checkpointed: float
    peak_gb: float
    float8: bool = False


FLOAT8_SINCE = (8, 9)
"""Ada: the first compute capability that multiplies 8-bit floating point."""
PROFILES = (
    Profile("96gb", 90, "bfloat16", False, 8 * 2048, 0.0, 85.3),
    Profile("80gb", 60, "bfloat16", False, 4 * 2048, 0.0, 54),
    Profile("40gb", 39, "bfloat16", False, 2 * 2048, 0.0, 37.5),
    Profile("24gb", 23, "bfloat16", True, 2 * 2048, 0.25, 22.5),
    Profile("16gb", 15.5, "bfloat16", True, 2048, 0.5, 14.5),
    Profile("12gb", 11.5, "bfloat16", True, 2048, 1.0, 11),
    Profile("24gb-fp16", 23, "float16", True, 2 * 2048, 0.25, 22.5),
    Profile("16gb-fp16", 15.5, "float16", True, 2048, 0.5, 14.5),
    Profile("96gb-fp8", 90, "bfloat16", False, 8 * 2048, 0.0, 87.5, float8=True),
    Profile("80gb-fp8", 60, "bfloat16", False, 4 * 2048, 0.0, 55.9, float8=True),
)
"""From the largest card to the smallest, then those for cards older than Ampere and those in 8-bit floating
point. On an H200 (760 to 795 TFLOP/s in bf16), tokens per second and GB that the card gave: 96gb 17,258 and
85.3, 80gb-fp8 22,232 and 56.0, 24gb 13,264 and 23.6, 16gb 8,314 and 15.0, 12gb 7,626 and 11.5, the last three
held to 24, 16 and 12 GB. ``peak_gb`` of 96gb and 80gb-fp8 is what the card gave; that of the others is their
tensors, measured without an optimizer, with its moments and a share for driver and fragmentation."""
RENAMED = {"141gb": "96gb", "48gb": "40gb"}
"""Keys of profiles that stand in older trainings, and what takes their place."""


def profile_for(memory_gb: float, capability: tuple[int, int], billions: float = BILLIONS) -> Profile:
    """The profile for a card with this memory, in GB, and a model with this many billion parameters. A card
    older than Ampere computes in float16.

    Raises:
        TrainingError: the card is too small for any.
    """
    modern = capability >= BF16_SINCE
    room = memory_gb * BILLIONS / max(billions, 0.1)
    for candidate in PROFILES:
        fits = candidate.card_gb <= room and modern == (candidate.dtype == "bfloat16")
        if fits and not candidate.float8:
            return candidate
    raise TrainingError(
        _(
            "显存 {have} GB 太小，性能档位至少要 {need} GB；照预设写的训练，或换小一点的模型",
            have=f"{memory_gb:.0f}",
            need=f"{min(other.card_gb for other in PROFILES) * billions / BILLIONS:.0f}",
        )
    )


def profile(key: str) -> Profile:
    """The profile of this key.

    Raises:
        TrainingError: there is none.
    """
    for candidate in PROFILES:
        if candidate.key == RENAMED.get(key, key):
            return candidate
    known = _("、").join(other.key for other in PROFILES)
    raise TrainingError(_("没有性能档位“{key}”，有的是：{known}", key=key, known=known))


def profile_title(chosen: Profile) -> str:
    """A profile's name for people: the card that it is for."""
    card = _("{gb} GB 显卡", gb=chosen.key.partition("gb")[0])
    if chosen.float8:
        return _("{card}，冻结的权重用 8 位浮点乘（更快）", card=card)
    return _("{card}（bf16 之前的）", card=card) if chosen.dtype == "float16" else card


def adapted(settings: TrainingSettings, chosen: Profile) -> TrainingSettings:
    """The settings under this profile: larger micro-batches and proportionally fewer of them per optimizer
    step, so that each step sees the same samples. Intervals are counted in micro-batches and shrink with
    them."""
    most = max(1, chosen.tokens // settings.max_length)
    whole = settings.batch_size * settings.accumulation
    batch = max(size for size in range(1, min(most, whole) + 1) if whole % size == 0)

    def fewer(interval: int) -> int:
        return max(1, round(interval * settings.batch_size / batch)) if interval else 0

    return settings.model_copy(
        update={
            "profile": chosen.key,
            "batch_size": batch,
            "accumulation": whole // batch,
            "save_interval": fewer(settings.save_interval),
            "eval_interval": fewer(settings.eval_interval),
            "log_interval": fewer(settings.log_interval),
        }
    )
