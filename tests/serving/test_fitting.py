"""Adapters that change more than layers: found before another program is started, merged with all their
changes, or stripped of those."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.serving.conftest import Folders
from tests.serving.test_choosing import add_adapter
from tests.tiny_base import write_tiny_base
from tianji_core import jobs
from tianji_core.errors import InputError, ModelError
from tianji_core.model_folders.base import fingerprint
from tianji_core.model_folders.heads import outside_parts, without_outside
from tianji_core.model_folders.manifest import write_artefact
from tianji_core.models import artefact, register_folder
from tianji_core.models.launch import start_merge
from tianji_core.models.merging import merge_shards
from tianji_core.serving import ModelRef, external
from tianji_core.serving.fitting import merged_before, without_heads
from tianji_core.store.database import now
from tianji_core.workspace import Workspace

RANK, ALPHA = 4, 8
SHAPES = {
    "model.tok_embeddings": (40, 16),
    "model.layers.0.attention.wqkv": (32, 16),
    "model.layers.0.feed_forward.w2": (16, 24),
    "output": (40, 16),
}
"""Weights as InternLM2 calls them."""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A small model whose weights are called as InternLM2's are."""
    folder = write_tiny_base(tmp_path / "base")
    draw = np.random.default_rng(0)
    weights = {f"{name}.weight": draw.normal(size=shape).astype("f4") for name, shape in SHAPES.items()}
    save_file(weights, folder / "model.safetensors")
    return folder


def write_adapter(folder: Path, targets: list[str], saved: list[str] | None = None) -> dict[str, Any]:
    """An adapter as xtuner and peft write it, with LoRA on ``targets`` and whole weights of ``saved``."""
    draw = np.random.default_rng(1)
    tensors: dict[str, Any] = {}
    for name, (rows, columns) in SHAPES.items():
        path, last = f"base_model.model.{name}", name.rpartition(".")[2]
        if last in targets:
            tensors[f"{path}.lora_A.weight"] = draw.normal(size=(RANK, columns)).astype("f4")
            tensors[f"{path}.lora_B.weight"] = draw.normal(size=(rows, RANK)).astype("f4")
        if last in (saved or ()):
            tensors[f"{path}.weight"] = draw.normal(size=(rows, columns)).astype("f4")
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "target_modules": targets}
    (folder / "adapter_config.json").write_text(json.dumps({**config, "modules_to_save": saved}))
    return tensors


def test_what_lies_outside_the_layers_is_found_and_stripped_without_a_change_to_the_rest(
    tmp_path: Path,
) -> None:
    (whole, left) = (tmp_path / "whole", tmp_path / "left")
    before = write_adapter(whole, ["wqkv", "w2", "output"], ["tok_embeddings"])
    assert outside_parts(whole) == ["output", "tok_embeddings"]
    left.mkdir()
    without_outside(whole, left)
    after = load_file(left / "adapter_model.safetensors")
    assert set(after) == {name for name in before if ".layers." in name} and len(after) == 4
    assert all((after[name] == before[name]).all() for name in after)
    config = json.loads((left / "adapter_config.json").read_text())
    assert config["target_modules"] == ["wqkv", "w2"] and config["modules_to_save"] is None
    assert outside_parts(left) == []


def test_an_adapter_of_nothing_but_a_head_cannot_be_stripped(tmp_path: Path) -> None:
    write_adapter(tmp_path / "head", ["output"])
    (tmp_path / "left").mkdir()
    with pytest.raises(ModelError, match="什么也不剩"):
        without_outside(tmp_path / "head", tmp_path / "left")


def test_merging_takes_the_head_and_whole_weights_along(base: Path, tmp_path: Path) -> None:
    tensors = write_adapter(tmp_path / "adapter", ["wqkv", "output"], ["tok_embeddings"])
    (target := tmp_path / "merged").mkdir()
    merge_shards(base, tmp_path / "adapter", target, 10**9, "auto")
    before, merged = load_file(base / "model.safetensors"), load_file(target / "model.safetensors")
    saved = tensors["base_model.model.model.tok_embeddings.weight"]
    np.testing.assert_array_equal(merged["model.tok_embeddings.weight"], saved)
    path = "base_model.model.output"
    change = ALPHA / RANK * tensors[f"{path}.lora_B.weight"] @ tensors[f"{path}.lora_A.weight"]
    np.testing.assert_allclose(
        merged["output.weight"], before["output.weight"] + change, rtol=1e-5, atol=1e-5
    )
    name = "model.layers.0.feed_forward.w2.weight"
    np.testing.assert_array_equal(merged[name], before[name])


def make_head_adapter(folder: Path, base: Path) -> Path:
    """A real adapter by peft with LoRA in a layer and a head that is saved whole."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    settings = LoraConfig(r=4, target_modules=["q_proj"], modules_to_save=["lm_head"], task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), settings)
    for name, parameter in model.named_parameters():
        if "lora_B" in name or "modules_to_save" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return folder


def test_another_program_is_not_started_with_it_until_it_is_merged_or_stripped(
    workspace: Workspace, folders: Folders, tmp_path: Path
) -> None:
    register_folder(workspace, folders.base, name="底座")
    source = make_head_adapter(tmp_path / "source", folders.base)
    add_adapter(workspace, "头", source, folders.base)
    with pytest.raises(InputError, match=r"lm_head.*--head merge.*--head strip"):
        external.command(workspace, "vllm", ["头"])
    with pytest.raises(InputError, match=r"lm_head.*--program studio"):
        external.command(workspace, "vllm", ["底座"], [ModelRef("x", str(source))])

    names = without_heads(workspace, ["头"])
    assert names != ["头"] and without_heads(workspace, ["头"]) == names
    earlier = artefact(workspace, "头")
    for changed in ({"training_run_id": 7}, {"checkpoint": 9}, {"created_at": now()}):
        write_artefact(earlier.path, earlier.model_copy(update=changed), workspace.home)
        assert without_heads(workspace, ["头"]) != names, "another adapter of the same name"
    write_artefact(earlier.path, earlier, workspace.home)
    made = external.command(workspace, "vllm", names)
    assert made.adapters == tuple(names) and made.models == ("底座",)


def test_a_saved_head_is_merged_into_a_model_that_answers_as_the_adapter_does(
    workspace: Workspace, folders: Folders, tmp_path: Path
) -> None:
    source = make_head_adapter(tmp_path / "source", folders.base)
    add_adapter(workspace, "头", source, folders.base)
    adapter = artefact(workspace, "头").model_copy(update={"base_fingerprint": fingerprint(folders.base)})
    write_artefact(adapter.path, adapter, workspace.home)
    ended = jobs.wait(workspace, start_merge(workspace, adapter).id, timeout=500)
    assert ended.state == "succeeded", jobs.log_tail(workspace, ended.id)
    merged = merged_before(workspace, adapter)
    assert merged is not None and merged.figures["agreement"] >= 0.75
    assert external.command(workspace, "vllm", [merged.name]).models == (merged.name,)
    assert merged_before(workspace, adapter.model_copy(update={"base_fingerprint": "other"})) is None
