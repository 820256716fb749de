"""A preset of a card is tried on the CPU with two layers of its base; nothing of the trial stays but what it
says."""

import json
import shutil

import pytest

from tests.families.bases import FAMILIES, written
from tests.tiny_base import add_version
from tianji_core import jobs, models, training
from tianji_core.errors import StudioError, TrainingError
from tianji_core.ownership import new_folder
from tianji_core.training.cpu_trial import FOLDER, STEPS, few, run_cpu_trial, trial_settings
from tianji_core.training.estimate import estimate
from tianji_core.training.lock import CPU, Hold

pytestmark = pytest.mark.training
OF_A_CARD = {"internlm2": "internlm2-chat-7b-qlora", "qwen2": "qwen2-5-1-5b-instruct-qlora"}


@pytest.fixture(params=OF_A_CARD)
def asked(request, workspace, tmp_path):
    """(preset, settings, version): a preset of a card with a base of its family that has three layers."""
    key = {"internlm2": "own code", "qwen2": "qwen2.5 tied"}[request.param]
    family = next(each for each in FAMILIES if each.key == key)
    base = written(family, tmp_path)
    _three_layers(base)
    models.register_folder(workspace, base, trust_remote_code=key == "own code")
    preset = OF_A_CARD[request.param]
    settings = training.default_settings(preset).model_copy(update={"base": str(base)})
    return preset, settings, add_version(workspace, count=12)


def _three_layers(base):
    """Gives the base a third layer, a copy of its second."""
    from safetensors.torch import load_file, save_file

    weights = load_file(base / "model.safetensors")
    for name in [name for name in weights if ".layers.1." in name]:
        weights[name.replace(".layers.1.", ".layers.2.")] = weights[name].clone()
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config |= {"num_hidden_layers": 3} | (
        {"layer_types": ["full_attention"] * 3} if "layer_types" in config else {}
    )
    (base / "config.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.timeout(300)
def test_a_trial_trains_two_layers_for_a_few_steps_and_leaves_only_its_sentence(workspace, asked):
    preset, settings, version = asked
    left = new_folder(workspace.runs / FOLDER)  # of a trial that was killed
    (left / "iter_4.pth").write_bytes(b"half")
    held = [model.name for model in models.artefacts(workspace)]

    job = jobs.wait(workspace, training.start_cpu_trial(workspace, preset, settings, version).id, 240)
    log = jobs.log_tail(workspace, job.id)
    assert job.state == "succeeded", log[-3000:]
    trial = training.kept_cpu_trial(workspace, preset, settings, version)
    assert trial is not None and trial.iterations >= 2 and trial.first > 0
    assert "没有留下模型" in trial.sentence and trial.sentence in log
    assert [path.name for path in workspace.runs.iterdir() if path.suffix != ".lock"] == []
    assert [model.name for model in models.artefacts(workspace)] == held
    other = settings.model_copy(update={"learning_rate": 1e-5})
    assert training.kept_cpu_trial(workspace, preset, other, version) is None


@pytest.mark.timeout(120)
def test_a_trial_that_fails_says_why_and_leaves_nothing(workspace, asked):
    preset, settings, version = asked
    (settings.base_folder / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    for path in settings.base_folder.glob("vocab.json"):
        path.write_text("{}", encoding="utf-8")
    for path in settings.base_folder.glob("tokenizer.model"):
        path.write_bytes(b"no model")
    with pytest.raises(StudioError):
        run_cpu_trial(workspace, preset, settings, version)
    assert not (workspace.runs / FOLDER).exists()
    assert training.kept_cpu_trial(workspace, preset, settings, version) is None


def test_a_trial_waits_for_no_training_but_says_that_the_processor_is_taken(workspace, asked):
    preset, settings, version = asked
    hold = Hold(workspace)
    assert hold.take([CPU])
    try:
        with pytest.raises(TrainingError, match="CPU 上正在训练"):
            run_cpu_trial(workspace, preset, settings, version)
    finally:
        hold.release()


def test_a_missing_base_and_a_changed_dataset_are_told_before_a_job_starts(workspace, asked):
    preset, settings, version = asked
    file = workspace.home / version.folder / "train.json"
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(StudioError, match="不一样"):
        training.start_cpu_trial(workspace, preset, settings, version)
    shutil.rmtree(settings.base_folder)
    with pytest.raises(StudioError, match="不存在"):
        training.start_cpu_trial(workspace, preset, settings, version)
    assert jobs.listed(workspace) == []


def test_the_data_fill_the_steps_of_a_trial_however_few_they_are(workspace):
    here = training.preset("nano-cpu-lora")
    settings = training.default_settings("nano-cpu-lora")
    tried = trial_settings(training.preset("internlm2-chat-7b-full"), settings, here)
    assert (tried.max_length, tried.accumulation, tried.lora_r) == (512, 1, here.values["lora_r"])
    turn = {"system": "", "input": "祝妹妹生日", "output": "生日快乐"}
    one, many = few([turn], tried), few([turn] * 100_000, tried)
    assert len(one) == len(many) and estimate(one, tried).iterations >= STEPS
