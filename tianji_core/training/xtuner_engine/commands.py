"""The arguments of ``python`` for the programs of this engine. Each runs as a child with ``-m``, so that the
names of this room do not shadow those of libraries."""

from pathlib import Path

from tianji_core.i18n import _
from tianji_core.training.xtuner_engine.config import CONFIG_NAME

DEEPSPEED = (
    "deepspeed_zero1",
    "deepspeed_zero2",
    "deepspeed_zero2_offload",
    "deepspeed_zero3",
    "deepspeed_zero3_offload",
)
"""The DeepSpeed settings that xtuner brings: the ZeRO stage, and whether it offloads to RAM."""
RESUME_VARIABLES = {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
"""The environment for resuming from one of the studio's own checkpoints: it holds more than tensors, which
torch.load refuses by default."""
PAIRS_FORM = "xtuner"
"""The name of the form of preference pairs that this engine reads."""
NEWEST_CHECKPOINT = "last_checkpoint"
"""The file of a work folder in which mmengine writes the path of a checkpoint once it is whole."""
LOADED = "tianji: the config is loaded"
"""The last line of ``load_check`` for a config that can train."""
MISSING = "tianji: these are missing: "
"""Begins the last line for a config that lacks a part."""


def trainer_arguments(
    work_dir: Path, deepspeed: str = "", distributed: bool = False, resume: Path | None = None
) -> list[str]:
    """The arguments that train by the config in a work folder; ``resume`` is the checkpoint to go on from,
    ``deepspeed`` one of :data:`DEEPSPEED` or ''. ``distributed`` says that torch.distributed starts the
    process."""
    arguments = ["-m", "tianji_core.training.xtuner_engine.trainer", str(work_dir / CONFIG_NAME)]
    arguments += ["--work-dir", str(work_dir)]
    arguments += ["--resume", str(resume)] if resume is not None else []
    arguments += ["--deepspeed", deepspeed] if deepspeed else []
    return [*arguments, "--launcher", "pytorch"] if distributed else arguments


def converter_arguments(work_dir: Path, checkpoint: Path, folder: Path) -> list[str]:
    """The arguments that turn a checkpoint of the training in ``work_dir`` into a LoRA adapter in Hugging
    Face format, or into a full model where all parameters were trained. They write into ``folder``."""
    program = ["-m", "tianji_core.training.xtuner_engine.converter"]
    return [*program, str(work_dir / CONFIG_NAME), str(checkpoint), str(folder), "--safe-serialization"]


def load_check_arguments(config: Path) -> list[str]:
    """The arguments that check whether a config loads; :func:`load_problem` reads the output."""
    return ["-m", "tianji_core.training.xtuner_engine.load_check", str(config)]


def load_problem(lines: list[str], code: int) -> str:
    """What is wrong with a config, from the lines of the check's output, empty ones left out, and its exit
    code; '' for nothing. An exit code alone is not enough, as the config may end the process itself."""
    if code == 0 and LOADED in lines[-1:]:
        return ""
    detail = lines[-1][:300] if lines else _("它自己结束了进程")
    if detail.startswith(MISSING):
        detail = _("里面没有 {names}", names=detail.removeprefix(MISSING))
    return _("mmengine 加载不了这个配置：{detail}", detail=detail)
