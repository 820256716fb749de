"""What cannot be served is refused with one sentence and exit code 2."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.conftest import ROOT, Folders
from tests.serving.tiny import copy
from tianji_core.errors import ModelError
from tianji_core.model_folders.folders import check_model, named_folder
from tianji_core.models.nano import nano_base


def refusal(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tianji_core.serving.server", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_a_taken_port_is_reported_before_anything_is_loaded(folders: Folders) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}" in refusal("--model", str(folders.base), "--port", str(port))


def test_an_adapter_of_another_base_is_refused(folders: Folders) -> None:
    message = refusal("--model", str(folders.other_base), "--lora-modules", f"red={folders.red}")
    assert "对不上" in message and str(folders.red) in message


def test_weights_that_lack_a_tensor_are_refused(folders: Folders, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = copy(folders.base, tmp_path / "broken")
    tensors = load_file(broken / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    assert "缺 1 个张量（如 model.layers.1.mlp.up_proj.weight）" in refusal("--model", str(broken))


def test_two_models_of_one_name_are_refused(folders: Folders) -> None:
    assert "都叫 a" in refusal("--model", f"a={folders.base}", "--model", f"a={folders.merged}")


def test_an_adapter_whose_base_is_not_loaded_is_refused(folders: Folders) -> None:
    message = refusal(
        *("--model", str(folders.other_base), "--model", str(folders.merged)),
        *("--lora-modules", f"red={folders.red}"),
    )
    assert "red" in message and "不在要加载的模型里" in message


def test_missing_parts_are_named(folders: Folders, tmp_path: Path) -> None:
    def without(*names: str) -> Path:
        folder = copy(folders.base, tmp_path / "-".join(names))
        for name in names:
            (folder / name).unlink()
        return folder

    for names, word in (
        (("config.json",), "config.json"),
        (("tokenizer.json",), "分词器"),
        (("model.safetensors",), "权重"),
    ):
        with pytest.raises(ModelError, match=word):
            check_model(without(*names))


def test_a_cut_off_shard_is_named(folders: Folders, tmp_path: Path) -> None:
    folder = copy(folders.base, tmp_path / "cut")
    shard = folder / "model.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"model\.safetensors 已损坏"):
        check_model(folder)
    shard.write_bytes(b"version https://git-lfs")
    with pytest.raises(ModelError, match=r"model\.safetensors 已损坏"):
        check_model(folder)


def test_a_missing_shard_of_the_index_is_named(folders: Folders, tmp_path: Path) -> None:
    folder = copy(folders.base, tmp_path / "sharded")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="model-00002-of-00002"):
        check_model(folder)


def test_an_adapter_is_not_a_full_model(folders: Folders) -> None:
    with pytest.raises(ModelError, match="适配器"):
        check_model(folders.red)


def test_a_name_may_stand_before_the_folder(folders: Folders, tmp_path: Path) -> None:
    odd = tmp_path / "a=b"
    odd.mkdir()
    assert named_folder(str(folders.base)).name == "base"
    assert named_folder(f"mine={folders.base}").name == "mine"
    assert named_folder(str(odd)).path == odd
    with pytest.raises(ModelError, match="没有文件夹"):
        named_folder(f"mine={tmp_path / 'nowhere'}")


IN_FOUR_BITS = """
import sys
from pathlib import Path

import torch

from tianji_core.model_folders.folders import named_folder
from tianji_core.serving.loading import Format, _load_base

folder = named_folder(sys.argv[1])
form = Format(quantization="4bit")
model, tokenizer = _load_base(folder, torch.device("cpu"), form, False)
whole, _ = _load_base(folder, torch.device("cpu"), Format(), False)
ids = tokenizer.encode("祝妹妹生日快乐", return_tensors="pt")
with torch.inference_mode():
    found, wanted = (one(input_ids=ids).logits.float() for one in (model, whole))
print("RESULT", ((found - wanted).norm() / wanted.norm()).item())
"""


@pytest.mark.training
def test_the_embedded_model_answers_in_four_bits_without_a_card() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_FOUR_BITS, str(nano_base())],
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout.rpartition("RESULT ")[2]) < 0.2  # with the scales of other blocks 0.28
