"""A training under a profile that reads its losses late logs what one that reads them at once does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_base import write_tiny_base
from tianji_core.training import default_settings, preset, rendered_config
from tianji_core.training.profiles import PROFILES, adapted

ROOT = Path(__file__).resolve().parents[2]
PRESET = "nano-cpu-lora"

pytestmark = pytest.mark.training


def curve(base: Path, folder: Path, off: str) -> list[dict[str, Any]]:
    """The lines of the log of a short training of this base with these switches off."""
    folder.mkdir()
    people = ["妈妈", "王老师", "表弟", "房东", "教练", "邻居"]
    talks = [
        {
            "conversation": [
                {"system": "送祝福", "input": f"祝{who}第{n}天", "output": f"{who}，愿您日日好{n}。"}
            ]
        }
        for n, who in enumerate(people * 12)
    ]
    (folder / "train.json").write_text(json.dumps(talks, ensure_ascii=False), encoding="utf-8")
    changes: dict[str, object] = {
        "max_length": 64,
        "batch_size": 1,
        "accumulation": 2,
        "epochs": 2,
        "eval_interval": 0,
    }
    changes |= {"base": str(base), "eval_tokens": 1, "save_interval": 7}
    settings = default_settings(PRESET).model_copy(update=changes)
    settings = adapted(settings, PROFILES[0]).model_copy(update={"log_interval": 3})
    config = rendered_config(preset(PRESET), settings, folder / "train.json")
    (folder / "config.py").write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "tianji_core.training.xtuner_engine.trainer", str(folder / "config.py")]
    environment = {**os.environ, "TIANJI_FAST_OFF": off, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [*command, "--work-dir", str(folder)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    [scalars] = folder.glob("*/vis_data/scalars.json")
    return [json.loads(line) for line in scalars.read_text().splitlines()]


def test_the_log_is_the_same_where_losses_are_read_late(tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base")
    late, at_once = curve(base, tmp_path / "late", ""), curve(base, tmp_path / "at-once", "run_ahead")
    kept = ("iter", "loss", "grad_norm", "lr")
    assert [{key: each.get(key) for key in kept} for each in late] == [
        {key: each.get(key) for key in kept} for each in at_once
    ]
    assert sum("loss" in each for each in late) >= 3
    assert any(each.get("grad_norm") for each in late)
