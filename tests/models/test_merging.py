"""Merging matrix by matrix gives what adding the adapter gives, in files of the wished size, and refuses what
it cannot do."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.tiny_base import write_tiny_base
from tianji_core.errors import ModelError
from tianji_core.model_folders.base import checked_base
from tianji_core.models.merging import merge_shards

RANK, ALPHA = 4, 8
TARGETS = ("model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj", "lm_head")


@pytest.fixture
def base(tmp_path):
    return write_tiny_base(tmp_path / "base")


def write_adapter(folder, base, targets=TARGETS, **more):
    weights = load_file(base / "model.safetensors")
    draw, halves = np.random.default_rng(1), {}
    for name in targets:
        rows, columns = weights.get(f"{name}.weight", np.zeros((8, 8))).shape
        halves[f"base_model.model.{name}.lora_A.weight"] = draw.normal(size=(RANK, columns)).astype("f4")
        halves[f"base_model.model.{name}.lora_B.weight"] = draw.normal(size=(rows, RANK)).astype("f4")
    folder.mkdir()
    save_file(halves, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"r": RANK, "lora_alpha": ALPHA, **more}))
    return halves


def test_the_merged_weights_are_base_plus_scaled_product(base, tmp_path):
    halves = write_adapter(tmp_path / "adapter", base)
    (target := tmp_path / "merged").mkdir()
    (base / "README.md").write_text("somebody else's")
    merge_shards(base, tmp_path / "adapter", target, 60_000, "auto")
    found = checked_base(target)
    assert len(found.weights) > 3 and all(path.stat().st_size < 80_000 for path in found.weights)
    merged = {k: v for path in found.weights for k, v in load_file(path).items()}
    before = load_file(base / "model.safetensors")
    assert merged.keys() == before.keys()
    for name, weight in before.items():
        module = f"base_model.model.{name.removesuffix('.weight')}"
        change = 0
        if f"{module}.lora_A.weight" in halves:
            change = ALPHA / RANK * halves[f"{module}.lora_B.weight"] @ halves[f"{module}.lora_A.weight"]
        np.testing.assert_allclose(merged[name], weight + change, rtol=1e-5, atol=1e-5)
    assert (target / "tokenizer.json").exists() and not (target / "README.md").exists()


def test_another_number_format_stands_in_the_config(base, tmp_path):
    write_adapter(tmp_path / "adapter", base)
    (target := tmp_path / "merged").mkdir()
    merge_shards(base, tmp_path / "adapter", target, 10**9, "float16")
    assert [path.name for path in checked_base(target).weights] == ["model.safetensors"]
    assert {v.dtype.name for v in load_file(target / "model.safetensors").values()} == {"float16"}
    assert json.loads((target / "config.json").read_text())["torch_dtype"] == "float16"


@pytest.mark.parametrize(
    ("targets", "more", "message"),
    [(("model.layers.9.q",), {}, "不是同一个模型"), (TARGETS, {"use_dora": True}, "use_dora")],
)
def test_what_does_not_fit_is_refused(base, tmp_path, targets, more, message):
    write_adapter(tmp_path / "adapter", base, targets, **more)
    (target := tmp_path / "merged").mkdir()
    with pytest.raises(ModelError, match=message):
        merge_shards(base, tmp_path / "adapter", target, 10**9, "auto")
