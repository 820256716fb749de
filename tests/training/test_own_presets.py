"""A person's own config files: checked in a child process, never executed in this one, kept, put away and brought back."""

import os

import pytest

from tests.tiny_base import add_version, write_tiny_base
from tianji_core.dataset import training_file
from tianji_core.errors import TrainingError
from tianji_core.training import default_settings, preset, presets, rendered_config
from tianji_core.training.own_presets import (
    checked_source,
    delete_preset,
    deleted_presets,
    difference,
    preset_source,
    restore_preset,
    save_preset,
)

KEY = "nano-cpu-lora"


@pytest.fixture
def source():
    return preset_source(preset(KEY), default_settings(KEY).model_copy(update={"learning_rate": 0.003}))


def test_an_edited_file_becomes_a_preset_and_can_be_deleted_and_restored(workspace, source, tmp_path):
    edited = source.replace("betas=(0.9, 0.999)", "betas=(0.9, 0.95)")
    hostile = "'''\"); __import__('os').abort() {x}"
    made = save_preset(workspace, hostile, edited)
    assert made.own and made.title == hostile and made in presets(workspace) and made not in presets()
    settings = default_settings(made.key, workspace)
    assert settings.learning_rate == 0.003
    data = training_file(workspace, add_version(workspace))
    base = str(write_tiny_base(tmp_path / "base"))
    text = rendered_config(made, settings.model_copy(update={"base": base}), data)
    assert "betas=(0.9, 0.95)" in text and repr(str(data)) in text
    token = delete_preset(workspace, made.key)
    assert made.key not in {each.key for each in presets(workspace)} and deleted_presets(workspace) == [token]
    assert restore_preset(workspace, token).source == made.source
    with pytest.raises(TrainingError, match="自带"):
        delete_preset(workspace, KEY)


def test_code_in_the_file_runs_in_a_child_only_and_its_failure_is_one_sentence(workspace, source, tmp_path):
    trace = tmp_path / "pid"
    line = f"\nopen({str(trace)!r}, 'w').write(open('/proc/self/stat').read())\nraise ValueError('花括号 {{}} 里\\n的错')\n"
    with pytest.raises(TrainingError, match="花括号"):
        checked_source(workspace, source + line)
    assert int(trace.read_text().split()[0]) != os.getpid()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text.replace("lora_r = 64", "lora_r = = 64"), "语法错误"),
        (lambda text: text.replace("lora_r = 64\n", ""), "lora_r"),
        (lambda text: text.replace("lr = 0.003", "lr = __import__('os').getpid()"), "不完整"),
        (lambda text: text.replace("lr = 0.003", "lr = -1"), "学习率"),
        (lambda text: text.replace('data_path = "train.json"\n', ""), "data_path"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_runs(workspace, source, edit, message):
    with pytest.raises(TrainingError, match=message):
        checked_source(workspace, edit(source))


def test_the_difference_from_the_preset_is_shown(source):
    chosen = preset(KEY)
    assert "+lr = 0.003" in difference(chosen.source, source)
    assert difference(chosen.source, chosen.source) == ""


def test_a_broken_file_in_the_folder_is_left_out(workspace):
    folder = workspace.home / "presets"
    folder.mkdir()
    (folder / "bad.py").write_text("preset = 1 +")
    assert all(not each.own for each in presets(workspace))
