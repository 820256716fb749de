"""The written config is the preset with other values; nothing a person types becomes code."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.errors import TrainingError
from tianji_core.ownership import new_folder
from tianji_core.training import (
    checked_settings,
    default_settings,
    engine,
    preset,
    presets,
    rendered_config,
    write_config,
)
from tianji_core.training.config import write_base
from tianji_core.training.curve_writers import curves_check
from tianji_core.training.presets import TUTORIAL
from tianji_core.training.settings import MAIN_FIELDS, TrainingSettings, field_help, field_title
from tianji_core.training.xtuner_engine.source import CONSTANTS, constants, replaced_constants

HOSTILE = [
    '"); import os; os.system("touch /tmp/owned"); ("',
    "'''\n__import__('os').system('id')\n'''",
    "{lr} {0} {{}} }{",
    "多行\n第二行\r\n\t\\ \\n 'a' \"b\"",
    "\u2028\x00\ud800",
]


def value_of(source, name):
    return ast.literal_eval(constants(source)[name])


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_typed_text_stays_one_string(hostile, tmp_path):
    chosen = preset("nano-cpu-qlora")
    settings = default_settings("nano-cpu-qlora").model_copy(
        update={"system": hostile, "eval_prompts": [hostile], "base": hostile}
    )
    text = rendered_config(chosen, settings, tmp_path / hostile.replace("/", "_").replace("\0", "0"))
    assert value_of(text, "evaluation_inputs") == [hostile]
    assert value_of(text, "pretrained_model_name_or_path") == hostile
    assert value_of(text, "SYSTEM").format() == hostile
    kinds = lambda source: [type(node).__name__ for node in ast.parse(source).body]  # noqa: E731
    assert kinds(text) == kinds(chosen.source)


@given(st.text(max_size=60))
def test_any_system_prompt_survives_the_format_call_of_the_trial_hook(system):
    chosen = preset("nano-cpu-qlora")
    settings = default_settings("nano-cpu-qlora").model_copy(update={"system": system})
    assert value_of(rendered_config(chosen, settings, chosen.path), "SYSTEM").format(lr=1) == system


def test_everything_but_the_settings_stays_as_the_preset_has_it(tmp_path):
    for chosen in presets():
        settings = default_settings(chosen.key)
        changed = settings.model_copy(update={"learning_rate": 1e-5, "lora_r": 8})
        old = rendered_config(chosen, settings, tmp_path).splitlines()
        new = rendered_config(chosen, changed, tmp_path).splitlines()
        differing = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
        expected = ["lr = 1e-05"] if chosen.method == "full" else ["lr = 1e-05", "lora_r = 8"]
        assert [b.split("#")[0].strip() for _, b in differing] == expected


def test_a_config_that_the_trainer_wrote_anew_still_says_what_it_is():
    source = (Path(__file__).parent / "older_configs" / "with_a_profile.txt").read_text(encoding="utf-8")
    card, values = engine.read_card(source, "config.py"), engine.read_values(source, "config.py")
    assert (card["device"], card["method"], values["epochs"], values["lora_r"]) == ("cpu", "lora", 2, 64)


def test_a_card_that_has_to_be_computed_is_refused():
    for text in ("preset = dict(other, a=1)", "preset = dict(**other)", "preset = dict(a=f())"):
        with pytest.raises(TrainingError, match="第 1 行的 preset"):
            engine.read_card(text, "config.py")


def test_a_preset_without_a_constant_is_refused():
    with pytest.raises(TrainingError, match="lr"):
        replaced_constants("x = 1\n", {"lr": 1.0})


def test_the_config_is_kept_in_the_work_folder(tmp_path):
    chosen = preset("nano-cpu-qlora")
    path = write_config(chosen, default_settings(chosen.key), tmp_path / "train.json", tmp_path / "work")
    assert path.parent.name == "work"
    assert value_of(path.read_text(), "data_path") == str(tmp_path / "train.json")


def test_the_large_preset_holds_the_values_of_the_tutorial():
    settings = default_settings("internlm2-chat-7b-qlora")
    assert (settings.lora_r, settings.lora_alpha, settings.lora_dropout) == (64, 16, 0.1)
    assert (settings.learning_rate, settings.batch_size, settings.accumulation) == (2e-4, 1, 16)
    assert (settings.max_length, settings.warmup_ratio, settings.epochs) == (2048, 0.03, 1)
    assert preset("internlm2-chat-7b-qlora").model_id == "Shanghai_AI_Laboratory/internlm2-chat-7b"


def test_each_family_keeps_its_template():
    templates = {chosen.key: default_settings(chosen.key).template for chosen in presets()}
    assert templates["internlm2-5-chat-7b-qlora"] == templates["nano-cpu-lora"] == "internlm2_chat"
    assert {name for key, name in templates.items() if "qwen" in key} == {"qwen_chat"}
    assert {name for key, name in templates.items() if "qwen" not in key} == {"internlm2_chat"}
    assert templates["qwen2-5-7b-instruct-qlora"] == templates["qwen2-5-1-5b-instruct-qlora"] == "qwen_chat"
    with pytest.raises(TrainingError, match="对话模板"):
        checked_settings({**default_settings("nano-cpu-qlora").model_dump(), "template": "__import__('os')"})


def test_the_validation_file_of_a_version_is_evaluated_and_others_have_none(tmp_path):
    chosen, settings = preset("nano-cpu-qlora"), default_settings("nano-cpu-qlora")
    assert value_of(rendered_config(chosen, settings, tmp_path / "train.json"), "validation_path") == ""
    (tmp_path / "val.json").write_text("[]")
    text = rendered_config(chosen, settings, tmp_path / "train.json")
    assert value_of(text, "validation_path") == str(tmp_path / "val.json")


def test_the_trial_prompts_come_from_the_recipe(workspace):
    settings = default_settings("nano-cpu-qlora", workspace, "toasts")
    assert settings.eval_prompts and all("敬" in prompt for prompt in settings.eval_prompts)
    assert settings.system != default_settings("nano-cpu-qlora").system


def test_every_preset_says_how_to_get_and_start_it():
    for chosen in presets():
        assert f"--preset {chosen.key}" in chosen.description
        assert "Memory:" in chosen.description and "Download:" in chosen.description


def test_the_tutorials_preset_comes_first_and_says_that_it_is():
    first = presets()[0]
    assert first.key == TUTORIAL and "教程" in first.title and "教程" in first.summary


def test_the_nano_preset_uses_the_built_in_base_and_no_gpu():
    chosen = presets()[1]
    assert chosen.key == "nano-cpu-qlora" and chosen.device == "cpu"
    assert default_settings(chosen.key).base.endswith("configs/models/nano-base")


def test_every_setting_has_a_title_and_an_explanation():
    for name in TrainingSettings.model_fields:
        assert field_title(name) and field_help(name)
    # the profile is no constant: it changes other lines
    assert set(CONSTANTS) == set(TrainingSettings.model_fields) - {
        "profile",
        "curves",
        "samples",
        "vary_names",
        "vary_occasions",
        "pairs",
        "mix",
    }
    assert set(MAIN_FIELDS) <= set(CONSTANTS)


def test_a_wrong_setting_is_named():
    values = default_settings("nano-cpu-qlora").model_dump()
    with pytest.raises(TrainingError, match="学习率"):
        checked_settings({**values, "learning_rate": -1})
    with pytest.raises(TrainingError, match="学习率"):
        checked_settings({**values, "learning_rate": float("nan")})
    with pytest.raises(TrainingError, match="没有训练预设"):
        preset("不存在的")


@pytest.mark.parametrize("program", ["tensorboard", "swanlab"])
def test_the_curves_go_to_another_program_beside_the_file_that_the_studio_reads(program, tmp_path):
    chosen, settings = preset("nano-cpu-qlora"), default_settings("nano-cpu-qlora")
    plain = rendered_config(chosen, settings, tmp_path / "data.json")
    asked = rendered_config(chosen, settings.model_copy(update={"curves": program}), tmp_path / "data.json")
    assert asked.startswith(plain.rstrip("\n")) and program not in plain
    backends = ast.unparse(constants(asked)["visualizer"])
    assert "LocalVisBackend" in backends and backends.lower().count(f"{program}visbackend") == 1


def test_curves_for_a_program_that_is_not_installed_stop_the_training():
    settings = default_settings("nano-cpu-qlora").model_copy(update={"curves": "swanlab"})
    if find_spec("swanlab") is None:
        (check,) = curves_check(settings)
        assert check.level == "stop" and "pip install swanlab" in check.detail
    assert curves_check(settings.model_copy(update={"curves": ""})) == []


def test_the_base_of_a_moved_program_is_written_wherever_the_config_names_it(tmp_path):
    old, new = "/old/configs/models/nano-base", tmp_path / "nano-base"
    file = new_folder(tmp_path / "training-1") / "config.py"
    file.write_text(f"pretrained_model_name_or_path = '{old}'\nllm = dict(path='{old}')\n")
    write_base(file.parent, new)
    moved = file.read_text()
    assert moved == f"pretrained_model_name_or_path = '{new}'\nllm = dict(path='{new}')\n"
    written = file.stat().st_ino
    write_base(file.parent, new)
    assert file.stat().st_ino == written, "nothing to change"
