"""Before a training starts, everything that would stop it is said together with the way out."""

import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest

from tests.tiny_base import add_version, write_tiny_base
from tianji_core import jobs
from tianji_core.errors import ModelError, TrainingError
from tianji_core.model_folders.base import checked_base, fingerprint
from tianji_core.training import (
    checked_settings,
    default_settings,
    preflight,
    prepare_training,
    preset,
    record_of,
    start_training,
)
from tianji_core.training.data_checks import length_checks
from tianji_core.training.estimate import estimate, fitted, read_training_file
from tianji_core.training.lock import working
from tianji_core.training.machine_checks import Gpu, machine_checks
from tianji_core.training.memory import Need
from tianji_core.training.target import Target


@pytest.fixture
def base(tmp_path):
    return write_tiny_base(tmp_path / "base")


@pytest.fixture
def settings(base):
    return default_settings("nano-cpu-qlora").model_copy(update={"base": str(base)})


def stops(workspace, settings, version, key="nano-cpu-qlora"):
    return {check.title: check.detail for check in preflight(workspace, preset(key), settings, version).stops}


def checks_of(checks, title):
    return [check for check in checks if check.title == title]


def test_nothing_stops_a_sound_training(workspace, settings):
    version = add_version(workspace)
    checked = preflight(workspace, preset("nano-cpu-qlora"), settings, version)
    assert checked.ok and checked.estimate.samples == 60 and checked.estimate.exact


@pytest.mark.parametrize(("rate", "word"), [(0.02, "10 倍"), (2e-5, "学不到"), (0.01, ""), (1e-4, "")])
def test_a_digit_too_many_in_the_learning_rate_is_told(workspace, settings, rate, word):
    changed = settings.model_copy(update={"learning_rate": rate})
    checked = preflight(workspace, preset("nano-cpu-qlora"), changed, add_version(workspace)).checks
    [found] = checks_of(checked, "学习率")
    assert found.level == ("warn" if word else "pass") and word in found.detail


def test_the_disk_is_reckoned_for_the_checkpoints_that_will_stay(workspace, settings):
    version, wide = add_version(workspace), {"lora_r": 1024, "save_interval": 1, "epochs": 100}

    def gigabytes(**changes):
        changed = settings.model_copy(update={**wide, **changes})
        checked = preflight(workspace, preset("nano-cpu-qlora"), changed, version)
        [found] = checks_of(checked.checks, "磁盘")
        number, unit = re.search(r"检查点约需 ([\d.]+) (\w+)", found.detail).groups()
        return float(number) * {"KB": 1e-6, "MB": 1e-3, "GB": 1.0}[unit]

    assert gigabytes(keep_checkpoints=100) > 10 * gigabytes(keep_checkpoints=1)
    assert gigabytes(keep_checkpoints=100, save_interval=1000) == gigabytes(keep_checkpoints=1)


def test_a_missing_model_folder_stops(workspace, settings, base):
    version = add_version(workspace)
    shutil.rmtree(base)
    assert "不存在" in stops(workspace, settings, version)["基座模型"]
    with pytest.raises(TrainingError, match="不存在"):
        start_training(workspace, "nano-cpu-qlora", settings, version)


def test_a_missing_shard_of_the_index_is_named(base):
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="model-00002-of-00002"):
        checked_base(base)


@pytest.mark.parametrize(("name", "word"), [("config.json", "config.json"), ("model.safetensors", "权重")])
def test_an_incomplete_folder_is_refused(base, name, word):
    (base / name).unlink()
    with pytest.raises(ModelError, match=word):
        checked_base(base)


@pytest.mark.parametrize("text", ["[]", "{", "\ufeff"])
def test_a_config_that_is_no_object_is_refused(base, text):
    (base / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="读不懂"):
        checked_base(base)


def _cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def _index(folder, weights):
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))


def _torch_file(folder):
    (folder / "model.safetensors").unlink()
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr("archive/data.pkl", b"0" * 500)
    _cut(folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda base: _cut(base / "model.safetensors"), "应有"),
        (lambda base: (base / "model.safetensors").rename(base / "model-00001-of-00003.safetensors"), "索引"),
        (_torch_file, "前面一部分"),
        (lambda base: _cut(base / "tokenizer.json"), "分词器"),
        (lambda base: (base / "tokenizer.json").write_bytes(b""), "分词器"),
        (lambda base: (base / "tokenizer_config.json").write_text("{"), "tokenizer_config.json"),
        (lambda base: _index(base, {"a": 5, "b": "model.safetensors"}), "索引"),
        (lambda base: _index(base, {"a": ["model.safetensors"]}), "索引"),
        (lambda base: _index(base, {"a": "../../other/model.safetensors"}), "索引"),
        (lambda base: (base / "config.json").write_text("[" * 100_000), "config.json"),
    ],
)
def test_a_half_downloaded_or_damaged_folder_stops_with_the_file_that_is_wrong(
    workspace, settings, base, spoil, word
):
    spoil(base)
    assert word in stops(workspace, settings, add_version(workspace))["基座模型"]


def test_what_is_no_model_folder_is_said_as_such(workspace, settings, base, tmp_path):
    version = add_version(workspace)
    (tmp_path / "circle").symlink_to("circle")
    for path, word in [(base / "config.json", "是一个文件"), (tmp_path / "circle", "打不开")]:
        wrong = settings.model_copy(update={"base": str(path)})
        assert word in stops(workspace, wrong, version)["基座模型"]
    for typed, word in [("/a" * 300 + "a" * 300, "太长"), ("~nobody-of-this-name/model", "~")]:
        with pytest.raises(TrainingError, match=word):
            checked_settings({**settings.model_dump(), "base": typed})


@pytest.mark.parametrize("size", ["1e400", "-4", "1" + "0" * 30])
def test_a_size_that_is_none_breaks_no_reckoning(workspace, settings, base, size):
    config = json.loads((base / "config.json").read_text()) | {
        "hidden_size": "SIZE",
        "architectures": {"a": 1},
    }
    (base / "config.json").write_text(json.dumps(config).replace('"SIZE"', size))
    checked = preflight(workspace, preset("nano-cpu-qlora"), settings, add_version(workspace))
    assert checked.ok and checked.need is None


def test_other_weights_under_the_same_names_have_another_fingerprint(base, tmp_path):
    other = write_tiny_base(tmp_path / "other", seed=1)
    assert fingerprint(base) == fingerprint(base) != fingerprint(other)


def test_a_training_file_that_changed_since_it_was_frozen_stops(workspace, settings):
    version = add_version(workspace)
    path = workspace.home / version.folder / "train.json"
    path.write_text(path.read_text() + "\n")
    assert "不一样" in stops(workspace, settings, version)["数据集"]
    path.unlink()
    assert "不见了" in stops(workspace, settings, version)["数据集"]


def test_a_preset_for_a_gpu_stops_where_there_is_none(workspace, settings, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    message = stops(workspace, settings, add_version(workspace), "internlm2-chat-7b-qlora")["显卡"]
    assert "没有找到" in message and "纳米" in message


def test_a_training_that_would_have_to_wait_is_told_so(workspace, settings):
    version = add_version(workspace)
    with working(workspace) as held:
        assert held
        checked = preflight(workspace, preset("nano-cpu-qlora"), settings, version)
    said = {check.title: check for check in checked.checks}["其他训练"]
    assert checked.ok and said.level == "warn" and "会等它结束" in said.detail


def test_too_few_steps_are_a_warning_and_turn_the_warm_up_off(workspace, settings):
    version = add_version(workspace, count=6)
    checked = preflight(workspace, preset("nano-cpu-qlora"), settings, version)
    assert checked.ok
    assert any(check.level == "warn" and check.title == "训练量" for check in checked.checks)
    assert (
        checked.settings.warmup_ratio == 0 and checked.settings.save_interval == checked.estimate.iterations
    )
    run = prepare_training(workspace, "nano-cpu-qlora", settings, version)
    assert "warmup_ratio = 0.0 " in (workspace.home / run.work_dir / "config.py").read_text()


def test_a_long_training_keeps_its_settings(settings):
    assert fitted(settings, 1000) == (settings, [])


def test_the_estimate_follows_packing_batch_and_epochs(workspace, settings):
    turns = read_training_file(workspace.home / add_version(workspace).folder / "train.json")
    once = estimate(turns, settings)
    assert once.packs == once.tokens // settings.max_length
    twice = estimate(turns, settings.model_copy(update={"epochs": 2, "batch_size": 1, "accumulation": 4}))
    assert twice.iterations == once.packs * 2 and twice.steps == -(-twice.iterations // 4)


def test_several_processes_share_the_iterations_and_may_have_too_few_to_learn(workspace, settings):
    version = add_version(workspace)
    few = settings.model_copy(update={"epochs": 2, "accumulation": 4, "batch_size": 1})
    alone = preflight(workspace, preset("nano-cpu-qlora"), few, version)
    shared = preflight(workspace, preset("nano-cpu-qlora"), few, version, Target(processes=8))
    assert alone.ok and alone.estimate.packs == 12
    assert shared.estimate.iterations == 4  # two packs for each of eight, twice
    spaced = few.model_copy(
        update={"epochs": 80, "save_interval": 300, "log_interval": 20, "warmup_ratio": 0.01}
    )
    four = Target(processes=4)
    foretold = preflight(workspace, preset("nano-cpu-qlora"), spaced, version, four)
    assert foretold.estimate.iterations == 240 and foretold.settings.save_interval == 240
    run = prepare_training(workspace, "nano-cpu-qlora", spaced, version, target=four)
    assert record_of(run).settings == foretold.settings  # what was checked is what is trained
    with_more = few.model_copy(update={"accumulation": 5})
    stopped = preflight(workspace, preset("nano-cpu-qlora"), with_more, version, Target(processes=8))
    assert [check.title for check in stopped.stops] == ["训练量"]


def test_braces_in_a_sample_do_no_harm(settings):
    assert estimate([{"system": "{x}", "input": "{", "output": "}{0}"}], settings).tokens > 0


def test_samples_longer_than_the_sequence_are_a_warning(workspace, settings):
    short = settings.model_copy(update={"max_length": 64})
    checked = preflight(workspace, preset("nano-cpu-qlora"), short, add_version(workspace))
    assert any(check.title == "序列长度" for check in checked.checks)


def found(workspace, settings, version, key="nano-cpu-qlora"):
    checks = preflight(workspace, preset(key), settings, version).checks
    return {check.title: check for check in checks}


def test_a_model_that_does_not_know_the_templates_marks_stops(workspace, settings, base):
    path = base / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["added_tokens"] = [each for each in tokenizer["added_tokens"] if "im_" not in each["content"]]
    path.write_text(json.dumps(tokenizer))
    assert "<|im_start|>" in stops(workspace, settings, add_version(workspace))["对话模板"]


def test_a_template_of_another_family_is_a_warning(workspace, tmp_path):
    base = write_tiny_base(tmp_path / "qwen", model_type="qwen2")
    settings = default_settings("nano-cpu-qlora").model_copy(update={"base": str(base)})
    version = add_version(workspace)
    check = found(workspace, settings, version)["对话模板"]
    assert check.level == "warn" and "qwen_chat" in check.detail
    fitting = settings.model_copy(update={"template": "qwen_chat"})
    assert found(workspace, fitting, version)["对话模板"].level == "pass"


def test_a_model_outside_the_allowed_folders_stops(workspace, settings, tmp_path, monkeypatch):
    version = add_version(workspace)
    monkeypatch.setenv("TIANJI_MODEL_ROOTS", str(tmp_path / "allowed"))
    assert "TIANJI_MODEL_ROOTS" in stops(workspace, settings, version)["基座模型"]
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(settings.base)
    linked = settings.model_copy(update={"base": str(tmp_path / "allowed" / "link")})
    assert "之外" in stops(workspace, linked, version)["基座模型"]
    shutil.copytree(settings.base, tmp_path / "allowed" / "own")
    (tmp_path / "allowed" / "own" / "model.safetensors").unlink()
    (tmp_path / "allowed" / "own" / "model.safetensors").symlink_to(Path(settings.base) / "model.safetensors")
    partly = settings.model_copy(update={"base": str(tmp_path / "allowed" / "own")})
    assert "之外" in stops(workspace, partly, version)["基座模型"]
    monkeypatch.setenv("TIANJI_MODEL_ROOTS", str(tmp_path))
    assert found(workspace, settings, version)["基座模型"].level == "pass"
    assert found(workspace, partly, version)["基座模型"].level == "pass"


def test_samples_that_all_lose_their_answer_stop(workspace, settings):
    long = [{"system": "祝" * 90, "input": "祝", "output": "祝"}]
    guess = estimate(long, settings.model_copy(update={"max_length": 64}))
    assert guess.cut == 1
    assert any(
        c.level == "stop" for c in length_checks(guess, settings.model_copy(update={"max_length": 64}))
    )


CARD = Gpu("旧卡", 24e9, 20e9, 0, (7, 5))


def machine(workspace, key, card, need=None):
    return {c.title: c for c in machine_checks(workspace, preset(key), need, Target(), [card])}


def test_a_card_without_bf16_stops_a_preset_that_computes_in_it(workspace):
    assert machine(workspace, "internlm2-chat-7b-lora", CARD)["bf16"].level == "stop"
    assert "bf16" not in machine(workspace, "internlm2-chat-7b-qlora", CARD)


def test_a_card_that_is_too_small_stops_and_a_full_one_warns(workspace):
    need = Need(30e9, 2e9, 3e9, 2e9, 15e9)
    small = machine(workspace, "internlm2-chat-7b-qlora", CARD, need)["显卡"]
    assert small.level == "stop" and "35 GB" in small.detail and "微批" in small.detail
    busy = machine(workspace, "internlm2-chat-7b-qlora", Gpu("大卡", 80e9, 20e9, 0, (9, 0)), need)["显卡"]
    assert busy.level == "warn" and "停掉" in busy.detail


def test_a_model_server_that_is_on_can_be_stopped_from_the_check(workspace, settings):
    import sys

    version = add_version(workspace)
    job = jobs.start(workspace, "serve", "模型服务", [sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        check = found(workspace, settings, version)["对话服务"]
        assert (check.level, check.job_id) == ("warn", job.id)
    finally:
        jobs.stop(workspace, job.id)
        jobs.wait(workspace, job.id, 30)
    assert found(workspace, settings, version)["对话服务"].level == "pass"


def test_deepspeed_that_is_asked_for_and_missing_stops(workspace):
    import importlib.util

    expected = "warn" if importlib.util.find_spec("deepspeed") else "stop"
    assert machine(workspace, "internlm2-chat-7b-full", CARD)["DeepSpeed"].level == expected


@pytest.mark.skipif(
    not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == Path("/").stat().st_dev,
    reason="needs a second file system",
)
def test_the_disk_is_that_of_the_linked_folder(workspace, settings):
    def detail():
        checked = preflight(workspace, preset("nano-cpu-qlora"), settings, version)
        [found] = checks_of(checked.checks, "磁盘")
        return found.detail

    version = add_version(workspace)
    assert detail().startswith("工作区所在磁盘") and not re.search(r"(?<![\d.])0(\.0)? GB", detail())
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        workspace.runs.rmdir()
        workspace.runs.symlink_to(place)
        assert re.match(r"runs/ 所在磁盘剩 .*；models/ 所在磁盘剩 ", detail())
        assert set(workspace.free_space()) == {workspace.home, workspace.runs}
