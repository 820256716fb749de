"""What a checkpoint of xtuner is: a file of torch, or a folder where DeepSpeed writes it. Imports torch and
xtuner only where weights are read, in a process of their own."""

import zipfile
from pathlib import Path
from typing import Any

from tianji_core.errors import ModelError
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _
from tianji_core.training.xtuner_engine.checkpoint_reading import read_checkpoint, read_every_checkpoint_so

LEFT_BY_CONVERTER = ("xtuner_config.py",)
"""Files beside an adapter or model that the converter leaves: they name paths of this machine."""
_PREFIX = "llm."


def checkpoint_files(folder: Path) -> list[tuple[int, Path]]:
    """(iteration, path) of the checkpoints in a folder, complete or not."""
    named = [(path.stem.removeprefix("iter_"), path) for path in folder.glob("iter_*.pth")]
    return [(int(number), path) for number, path in named if number.isdigit()]


def is_whole(path: Path) -> bool:
    """Whether a checkpoint is complete. torch writes a zip archive, whose directory comes last."""
    try:
        if path.is_dir():  # DeepSpeed
            files = [file for file in path.rglob("*.pt") if file.is_file()]
            return any("model_states" in file.name for file in files) and all(map(zipfile.is_zipfile, files))
        return zipfile.is_zipfile(path)
    except FileNotFoundError:  # xtuner removes old ones meanwhile
        return False


def checkpoint_weights(path: Path) -> dict[str, Any]:
    """The language model's weights of a checkpoint, by their names in the model: LoRA matrices as peft names
    them, or all weights.

    Raises:
        ModelError: it cannot be read, or holds no weights.
    """
    try:
        if path.is_dir():  # DeepSpeed writes a folder of shards
            from xtuner.model.utils import guess_load_checkpoint

            read_every_checkpoint_so()
            state = guess_load_checkpoint(str(path))
        else:
            loaded = read_checkpoint(path, map_location="cpu", mmap=True)
            state = loaded.get("state_dict", loaded)
        weights = {
            name.removeprefix(_PREFIX): value for name, value in state.items() if name.startswith(_PREFIX)
        }
        if odd := [name for name, value in weights.items() if not hasattr(value, "shape")]:
            raise ValueError(odd[0])
    except Exception as error:  # a damaged file fails in many ways
        raise ModelError(
            _(
                "读不了检查点 {file}：{detail}",
                file=path,
                detail=clean_sentence(f"{type(error).__name__}: {error}"),
            )
        ) from error
    if not weights:
        raise ModelError(_("检查点 {file} 里没有模型权重", file=path))
    return weights
