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
    the peak of a model of :data:`BILLIONS`."""

    key: str
    card_gb: float
    dtype: str
    quantised: bool
    tokens: int
    checkpointed: float
    peak_gb: float


PROFILES = (
    Profile("141gb", 140, "bfloat16", False, 8 * 2048, 0.0, 132),
    Profile("80gb", 79, "bfloat16", False, 4 * 2048, 0.0, 76),
    Profile("48gb", 45, "bfloat16", False, 2 * 2048, 0.25, 42),
    Profile("40gb", 40, "bfloat16", True, 2 * 2048, 0.0, 37),
    Profile("24gb", 22, "bfloat16", True, 2 * 2048, 0.625, 21.1),
    Profile("16gb", 14, "bfloat16", True, 2048, 0.875, 12.5),
    Profile("12gb", 12, "bfloat16", True, 2048, 1.0, 11),
    Profile("24gb-fp16", 22, "float16", True, 2 * 2048, 0.625, 22),
    Profile("16gb-fp16", 14, "float16", True, 2048, 0.875, 13),
)
"""From the largest card to the smallest, those for cards older than Ampere last. Measured on an H100: 80gb at
12,000 and 24gb at 7,300 tokens per second, 3,200 with the tutorial's config; the memory of the others is
derived from those two."""


def profile_for(memory_gb: float, capability: tuple[int, int], billions: float = BILLIONS) -> Profile:
    """The profile for a card with this memory, in GB, and a model with this many billion parameters. A card
    older than Ampere computes in float16.

    Raises:
        TrainingError: the card is too small for any.
    """
    modern = capability >= BF16_SINCE
    room = memory_gb * BILLIONS / max(billions, 0.1)
    for candidate in PROFILES:
        if candidate.card_gb <= room and modern == (candidate.dtype == "bfloat16"):
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
        if candidate.key == key:
            return candidate
    known = _("、").join(other.key for other in PROFILES)
    raise TrainingError(_("没有性能档位“{key}”，有的是：{known}", key=key, known=known))


def profile_title(chosen: Profile) -> str:
    """A profile's name for people: the card that it is for."""
    card = _("{gb} GB 显卡", gb=chosen.key.partition("gb")[0])
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


def profiled(source: str, chosen: Profile, device: str = "cuda") -> str:
    """A config's text under this profile: lines at its end change what the preset has built. On a CPU only
    the computation of the gradient changes."""
    lines = [
        "",
        f"# ---- profile {chosen.key}: the same training, with other arithmetic ----",
        "from tianji_core.training.fast import FastFinetune",
        "",
        f"model.update(type=FastFinetune, checkpointed={chosen.checkpointed!r})",
    ]
    if device != "cpu":
        half = f"torch.{chosen.dtype}"
        lines.insert(2, "import torch")
        lines.append(f'model["llm"].update(torch_dtype={half})')
        if chosen.quantised:
            lines.insert(3, "from transformers import BitsAndBytesConfig")
            lines += [
                'model["llm"]["quantization_config"] = dict(',
                "    type=BitsAndBytesConfig,",
                "    load_in_4bit=True,",
                f"    bnb_4bit_compute_dtype={half},",
                "    bnb_4bit_use_double_quant=True,",
                '    bnb_4bit_quant_type="nf4",',
                ")",
            ]
        else:
            lines.append('model["llm"].pop("quantization_config", None)')
        scale = '"dynamic"' if chosen.dtype == "float16" else "dict(enabled=False)"
        lines += [
            f'optim_wrapper.update(dtype="{chosen.dtype}", loss_scale={scale})',
            'optim_wrapper["optimizer"].update(fused=True)',
            "train_dataloader.update(num_workers=2, persistent_workers=True, pin_memory=True)",
        ]
    return source.rstrip("\n") + "\n" + "\n".join(lines) + "\n"
