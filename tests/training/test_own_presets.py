"""A person's own config files: checked in a child process, never executed in this one, kept, put away and
brought back."""

import os

import pytest

from tests.tiny_base import add_version, write_tiny_base
from tianji_core.dataset import training_file
from tianji_core.errors import TrainingError
from tianji_core.training import default_settings, own_presets, preset, presets, rendered_config
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
    line = f"\nopen({str(trace)!r}, 'w').write(open('/proc/self/stat').read())\n"
    line += "raise ValueError('花括号 {} 里\\n的错')\n"
    with pytest.raises(TrainingError, match=r"line \d+: ValueError: 花括号"):
        checked_source(workspace, source + line)
    assert int(trace.read_text().split()[0]) != os.getpid()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text.replace("lora_r = 64", "lora_r = = 64"), "语法错误"),
        (lambda text: text.replace("lora_r = 64\n", ""), "lora_r"),
        (
            lambda text: text.replace("lr = 0.003", "lr = __import__('os').getpid()"),
            "第 55 行的 lr 要直接写出值",
        ),
        (lambda text: text.replace("lr = 0.003", "lr = -1"), "学习率"),
        (lambda text: text.replace('data_path = "train.json"\n', ""), "data_path"),
        (lambda text: text + "\nx = " + "-" * 100_000 + "1\n", "不完整"),
        (lambda text: text + "\nx = a" + ".b" * 50_000 + "\n", "不完整"),
        (lambda text: text.replace('"memory_gb": 2', '"memory_gb": "2 GB"'), "memory_gb"),
        (lambda text: text.replace('"device": "cpu"', '"device": "tpu"'), "device"),
        (lambda text: text.replace('"disk_gb": 1', '"disk_gb": 1e400'), "disk_gb"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_runs(workspace, source, edit, message):
    with pytest.raises(TrainingError, match=message):
        checked_source(workspace, edit(source))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("__import__('os').system('sleep 60 &')\n__import__('os')._exit(0)", "结束"),
        ("while True:\n    pass", "循环"),
    ],
)
def test_a_file_that_ends_the_check_or_never_ends_is_no_preset(workspace, source, line, message, monkeypatch):
    monkeypatch.setattr(own_presets, "LONGEST_LOAD", 60.0 if "import" in line else 4.0)
    with pytest.raises(TrainingError, match=message):
        save_preset(workspace, "坏的", f"{source}\n{line}\n")
    assert all(not each.own for each in presets(workspace))


def test_a_title_names_one_preset_and_saving_the_edited_one_again_keeps_what_it_was(workspace, source):
    first = save_preset(workspace, "我的", source)
    edited = first.source.replace("lr = 0.003", "lr = 0.001")
    for taken in ("我的", preset(KEY).title):
        with pytest.raises(TrainingError, match="已经有"):
            save_preset(workspace, taken, edited, replaces=KEY)
    again = save_preset(workspace, "我的", edited, replaces=first.key)
    assert again.key == first.key and [
        each.values["learning_rate"] for each in presets(workspace) if each.own
    ] == [0.001]
    [token] = deleted_presets(workspace)
    assert restore_preset(workspace, token).values["learning_rate"] == 0.003
    assert restore_preset(workspace, deleted_presets(workspace)[0]).values["learning_rate"] == 0.001


def test_the_difference_from_the_preset_is_shown(source):
    chosen = preset(KEY)
    assert "+lr = 0.003" in difference(chosen.source, source)
    assert difference(chosen.source, chosen.source) == ""


def test_a_broken_file_in_the_folder_is_left_out(workspace):
    folder = workspace.home / "presets"
    folder.mkdir()
    (folder / "bad.py").write_text("preset = 1 +")
    assert all(not each.own for each in presets(workspace))
