"""``python -m tianji_core.training.cut_base BASE FOLDER LAYERS``: writes the first layers of a base into a
folder, as a base of its own.

Runs in a process of its own, because it imports torch and may run the base's code.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from tianji_core.model_folders.foreign_code import prepare_transformers
from tianji_core.ownership import copy

_DEPTH = ("num_hidden_layers", "num_layers", "n_layer", "n_layers")
"""The names that configurations give to the number of layers."""
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".index.json")


def shorten(config: Any, layers: int) -> int:
    """Changes a configuration to that of its first ``layers`` layers, with its lists of one entry per layer;
    returns how many it has then, 0 where it names no number of layers."""
    name = next((each for each in _DEPTH if isinstance(getattr(config, each, None), int)), None)
    if name is None:
        return 0
    before = int(getattr(config, name))
    for each, value in list(vars(config).items()):
        if isinstance(value, list) and len(value) == before > layers:
            setattr(config, each, value[:layers])
    setattr(config, name, min(before, layers))
    return min(before, layers)


def cut(base: Path, folder: Path, layers: int, runs_code: bool) -> None:
    """Writes weights and configuration of the first ``layers`` layers, and copies everything else that a
    base holds beside its weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(str(base), trust_remote_code=runs_code)
    shorten(config, layers)
    network = AutoModelForCausalLM.from_pretrained(
        str(base),
        config=config,
        trust_remote_code=runs_code,
        torch_dtype=torch.bfloat16,
        low_cpu_mem_usage=True,
    )
    network.save_pretrained(folder)
    for path in base.iterdir():
        kept = (folder / path.name).exists() or path.name.endswith(_WEIGHTS)
        if path.is_file() and not kept and not path.name.startswith("."):
            copy(path, folder / path.name)


def main(argv: list[str]) -> int:
    """Cuts a base. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.training.cut_base")
    for name in ("base", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("layers", type=int)
    parser.add_argument("--trust-remote-code", action="store_true", help="run Python code in the folder")
    given = parser.parse_args(argv)
    prepare_transformers()
    cut(given.base, given.folder, given.layers, given.trust_remote_code)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
