"""Profiles: which one a card gets, and that only arithmetic changes."""

import ast
from pathlib import Path

import pytest

from tianji_core.errors import TrainingError
from tianji_core.training import default_settings, preset, rendered_config
from tianji_core.training.card_profile import with_profile
from tianji_core.training.machine_checks import Gpu, machine_checks
from tianji_core.training.memory import Shape, profile_need
from tianji_core.training.profiles import PROFILES, adapted, profile, profile_for
from tianji_core.training.target import Target

PRESET = "internlm2-chat-7b-qlora"


@pytest.mark.parametrize(
    ("card", "memory", "capability", "key"),
    [
        ("H200", 150.7, (9, 0), "96gb"),
        ("H100", 85.5, (9, 0), "80gb"),
        ("L40S", 48.3, (8, 9), "40gb"),
        ("A100 40 GB", 42.3, (8, 0), "40gb"),
        ("RTX 4090", 25.3, (8, 9), "24gb"),
        ("RTX 3090", 25.4, (8, 6), "24gb"),
        ("V100 32 GB", 34.1, (7, 0), "24gb-fp16"),
        ("T4", 15.8, (7, 5), "16gb-fp16"),
    ],
)
def test_a_card_gets_the_profile_of_its_memory_and_age(card, memory, capability, key):
    found = profile_for(memory, capability)
    assert found.key == key, card
    assert found.dtype == ("float16" if key.endswith("-fp16") else "bfloat16")
    assert profile(found.key) == found
    assert found.peak_gb < memory


def test_a_card_with_float8_gets_it_only_where_a_person_asks_for_it():
    assert not profile_for(150.7, (9, 0)).float8
    source = rendered_config(
        preset(PRESET), adapted(default_settings(PRESET), profile("80gb-fp8")), Path("t")
    )
    assert "float8=True" in source.partition("# ---- profile 80gb-fp8")[2]


@pytest.mark.parametrize(("old", "new"), [("141gb", "96gb"), ("48gb", "40gb")])
def test_a_training_of_before_keeps_a_profile_of_its_card(old, new):
    assert profile(old) == profile(new)


def test_a_small_model_gets_the_profile_of_a_larger_card():
    assert profile_for(25.3, (8, 9), billions=1.9).key == "96gb"


def test_a_card_that_is_too_small_is_told_so():
    with pytest.raises(TrainingError, match="照预设写的"):
        profile_for(8, (8, 6))


@pytest.mark.parametrize("kind", PROFILES, ids=lambda kind: kind.key)
@pytest.mark.parametrize("whole", [16, 6, 1])
def test_every_profile_keeps_the_effective_batch_and_how_often_it_saves(kind, whole):
    settings = default_settings(PRESET).model_copy(update={"accumulation": whole, "eval_interval": 250})
    found = adapted(settings, kind)
    assert found.batch_size * found.accumulation == whole
    assert found.batch_size * found.max_length <= kind.tokens
    assert found.save_interval * found.batch_size == pytest.approx(500, abs=found.batch_size)
    assert found.eval_interval * found.batch_size == pytest.approx(250, abs=found.batch_size)
    assert found.learning_rate == settings.learning_rate and found.epochs == settings.epochs


def test_without_a_profile_the_config_is_the_presets_and_with_one_its_values_stay(tmp_path):
    chosen, settings = preset(PRESET), default_settings(PRESET)
    plain = rendered_config(chosen, settings, tmp_path / "train.json")
    assert "# ---- profile" not in plain and "FastFinetune" not in plain
    fast = rendered_config(chosen, adapted(settings, profile("80gb")), tmp_path / "train.json")
    head, _mark, tail = fast.partition("# ---- profile 80gb")
    assert len(ast.parse(head).body) == len(ast.parse(plain).body)
    differing = [
        (old, new)
        for old, new in zip(plain.splitlines(), head.splitlines(), strict=False)
        if old != new and new.strip()
    ]
    names = {new.partition(" =")[0] for _old, new in differing}
    assert names <= {"batch_size", "accumulative_counts", "save_steps", "evaluation_freq", "log_interval"}
    assert "FastFinetune" in tail and "quantization_config" in tail


H100 = Gpu("H100", 85.5e9, 85e9, 0, (9, 0))
SMALLER = Gpu("RTX 4090", 25.3e9, 25e9, 1, (8, 9))


def chosen_way(key, cards, wanted="auto", **where):
    settings = default_settings(key).model_copy(update={"profile": wanted})
    return with_profile(preset(key), settings, Target(**where), cards, None)


def test_auto_follows_the_card_that_is_used_and_the_smallest_of_several():
    assert chosen_way(PRESET, [H100, SMALLER], gpus=(0,))[0].profile == "80gb"
    settings, said = chosen_way(PRESET, [H100, SMALLER], gpus=(0, 1), processes=2)
    assert settings.profile == "24gb" and (settings.batch_size, settings.accumulation) == (2, 8)
    assert said.level == "pass" and "16" in said.detail
    again, _said = with_profile(preset(PRESET), settings, Target(), [SMALLER], None)
    assert again == settings


def test_where_no_profile_can_be_taken_auto_trains_as_written_and_a_named_one_stops():
    for key, where in (
        ("nano-cpu-qlora", {}),
        ("internlm2-chat-7b-full", {}),
        (PRESET, {"deepspeed": "deepspeed_zero3"}),
    ):
        settings, said = chosen_way(key, [H100], **where)
        assert settings == default_settings(key) and said.level == "pass"
        assert chosen_way(key, [H100], "80gb", **where)[1].level == "stop"
    tiny = Gpu("GTX 1650", 4e9, 4e9, 0, (7, 5))
    settings, said = chosen_way(PRESET, [tiny])
    assert settings.profile == "" and said.level == "warn"
    unknown = chosen_way(PRESET, [], "81gb")[1]
    assert unknown.level == "stop" and "80gb" in unknown.detail
    ampere = Gpu("RTX A6000", 48.3e9, 48e9, 0, (8, 6))
    assert chosen_way(PRESET, [ampere], "80gb-fp8")[1].level == "stop"
    assert chosen_way(PRESET, [H100], "80gb-fp8")[1].level == "pass"


def test_the_memory_reckoned_for_a_profile_is_what_was_measured():
    shape = Shape(4096, 32, 14336, 4096, 1024, 92544, False)
    for kind in PROFILES:
        settings = adapted(default_settings(PRESET), kind)
        need = profile_need(shape, settings, kind.quantised, kind.checkpointed, kind.float8)
        assert need.card / 1e9 == pytest.approx(kind.peak_gb, rel=0.05)
        assert need.card / 1e9 < kind.card_gb * 1.01


def test_a_profile_of_a_small_card_quantises_what_the_preset_does_not(tmp_path):
    key = "internlm2-chat-7b-lora"
    config = rendered_config(preset(key), adapted(default_settings(key), profile("24gb")), tmp_path)
    assert "load_in_4bit=True" in config.partition("# ---- profile 24gb")[2]


def test_a_card_that_is_too_old_for_a_named_profile_stops_the_training(workspace):
    turing = Gpu("T4", 15.8e9, 15e9, 0, (7, 5))
    for key, level in (("16gb", "stop"), ("16gb-fp16", None)):
        found = machine_checks(workspace, preset(PRESET), None, Target(), [turing], profile(key).dtype)
        assert {check.title: check.level for check in found}.get("bf16") == level
