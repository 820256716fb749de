"""Every preset is a config that mmengine loads and xtuner trains, on a tiny model of the preset's
architecture."""

import json
import math

import pytest

from tests.preference_versions import add_pairs
from tests.remote_code import write_own_code_base
from tests.tiny_base import add_version, write_tiny_base
from tianji_core.comparison import preference_pairs
from tianji_core.dataset import training_file
from tianji_core.training import default_settings, presets, write_config
from tianji_core.training.child import run_tool, tool_environment
from tianji_core.training.engine import PAIRS_FORM

pytestmark = pytest.mark.training
STEPS = 2


@pytest.fixture
def bases(tmp_path):
    """A model like each family's: InternLM2 and 3 bring their own code, Qwen and the nano model do not."""
    return {
        "internlm": write_own_code_base(tmp_path / "internlm", tmp_path / "trace"),
        "qwen2": write_tiny_base(tmp_path / "qwen2", model_type="qwen2"),
        "qwen3": write_tiny_base(tmp_path / "qwen3", model_type="qwen3"),
        "nano": write_tiny_base(tmp_path / "nano"),
    }


def test_every_preset_trains_a_small_model_of_its_architecture(workspace, bases, tmp_path):
    data = training_file(workspace, add_version(workspace, count=24))
    data.with_name("val.json").write_bytes(data.read_bytes())
    # What is exported for the engine is what it reads; no questions beside it: random weights pass nothing.
    exported = preference_pairs.read_pairs(add_pairs(workspace))
    preference_pairs.write_pairs(workspace, exported, PAIRS_FORM, tmp_path / "exported")
    pairs = tmp_path / "exported" / "train.json"
    configs = {}
    for chosen in presets():
        base = next(folder for start, folder in bases.items() if chosen.key.startswith(start))
        small = {"base": str(base), "max_length": 128, "eval_tokens": 1, "log_interval": 1, "lora_r": 4}
        small |= {"save_interval": 100, "eval_prompts": ["祝妹妹生日"], "accumulation": 1}
        settings = default_settings(chosen.key).model_copy(update=small)
        configs[chosen.key] = write_config(
            chosen, settings, pairs if chosen.from_pairs else data, tmp_path / chosen.key, runs_code=True
        )
    results = {}

    def on_line(line):
        if line.startswith("RESULT "):
            found = json.loads(line.removeprefix("RESULT "))
            results[found["name"]] = found

    ended = run_tool(
        ["-m", "tests.training.tiny_presets", str(STEPS), *map(str, configs.values())],
        tool_environment(workspace, "cpu"),
        on_line,
    )
    assert ended.code == 0, ended.tail
    assert set(results) == set(configs)
    for chosen in presets():
        found = results[chosen.key]
        assert len(found["losses"]) == STEPS and all(map(math.isfinite, found["losses"])), chosen.key
        assert len(found["validation"]) == (0 if chosen.from_pairs else 2) and all(
            map(math.isfinite, found["validation"])
        ), chosen.key
        assert found["quantised"] == (chosen.method == "qlora"), chosen.key
        assert (found["trained"] == found["parameters"]) == (chosen.method == "full"), chosen.key
        families = {"internlm": "own", "qwen2": "qwen2", "qwen3": "qwen3", "nano": "llama"}
        expected = next(kind for start, kind in families.items() if chosen.key.startswith(start))
        assert found["architecture"] == expected, chosen.key
