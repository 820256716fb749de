"""``adapter_config.json`` is read in one place, by peft's own rules."""

import json
import math

import pytest

from tianji_core.errors import ModelError
from tianji_core.model_folders.adapter import AdapterConfig, adapter_base, is_adapter, read_adapter_config


def write_config(folder, **values):
    (folder / "adapter_config.json").write_text(json.dumps(values))
    return folder


def test_a_config_that_peft_itself_wrote_is_read(tmp_path):
    from peft import LoraConfig

    LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"], base_model_name_or_path="base").save_pretrained(
        str(tmp_path)
    )
    config = read_adapter_config(tmp_path)
    assert (config.r, config.scale(), config.peft_type, config.special()) == (4, 2.0, "LORA", [])
    assert config.targets("model.layers.0.self_attn.q_proj")
    assert not config.targets("model.layers.0.self_attn.v_proj")
    with pytest.raises(ModelError, match="没有适配器权重"):
        adapter_base(tmp_path)
    (tmp_path / "adapter_model.bin").touch()
    assert adapter_base(tmp_path) == "base"


def test_rank_and_alpha_may_differ_between_layers():
    config = AdapterConfig(r=4, lora_alpha=8, rank_pattern={"v_proj": 16}, alpha_pattern={"v_proj": 32})
    assert config.scale("layers.0.q_proj") == 2.0 and config.scale("layers.0.v_proj") == 2.0
    rooted = config.model_copy(update={"use_rslora": True})
    assert rooted.scale("layers.0.v_proj") == 32 / math.sqrt(16)


def test_layers_are_chosen_by_name_pattern_and_number():
    config = AdapterConfig(
        target_modules=["q_proj"], exclude_modules=["first.q_proj"], layers_to_transform=[1]
    )
    assert config.targets("model.layers.1.q_proj") and not config.targets("model.layers.2.q_proj")
    assert not config.targets("model.layers.1.first.q_proj")
    assert AdapterConfig(target_modules=r".*\.[qv]_proj").targets("layers.7.v_proj")
    assert not AdapterConfig().targets("layers.7.v_proj")


def test_what_the_studio_cannot_compute_is_named():
    config = AdapterConfig.model_validate({"use_dora": True, "modules_to_save": ["lm_head"], "bias": "all"})
    assert config.special() == ["use_dora", "modules_to_save", "bias"]


@pytest.mark.parametrize("text", ["", "[]", '{"r": 0}', '{"r": "many"}', "[" * 99_999, "\ud800"])
def test_a_broken_config_is_refused_with_its_path(tmp_path, text):
    assert not is_adapter(tmp_path)
    with pytest.raises(ModelError, match="不是 LoRA 适配器"):
        read_adapter_config(tmp_path)
    (tmp_path / "adapter_config.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ModelError, match=r"adapter_config\.json 坏了"):
        read_adapter_config(tmp_path)
    assert is_adapter(tmp_path)
