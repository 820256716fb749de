"""A tiny model that brings Python code of its own, which leaves a trace when it is executed."""

import json
from pathlib import Path

from tests.tiny_base import write_tiny_base

_CODE = """\
from pathlib import Path
from transformers import LlamaConfig, LlamaForCausalLM

Path({trace!r}).write_text("executed")


class OwnConfig(LlamaConfig):
    model_type = "own"


class OwnForCausalLM(LlamaForCausalLM):
    config_class = OwnConfig
"""


def write_own_code_base(folder: Path, trace: Path) -> Path:
    """A complete model folder whose code writes the file ``trace`` as soon as it is imported."""
    write_tiny_base(folder)
    (folder / "modeling_own.py").write_text(_CODE.format(trace=str(trace)), encoding="utf-8")
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["model_type"] = "own"
    config["architectures"] = ["OwnForCausalLM"]
    config["auto_map"] = {
        "AutoConfig": "modeling_own.OwnConfig",
        "AutoModelForCausalLM": "modeling_own.OwnForCausalLM",
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    return folder
