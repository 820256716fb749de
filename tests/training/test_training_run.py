"""A real training on the CPU: from a frozen dataset to a merged model that answers, and every way it can
end."""

import json
import os
import signal

import psutil
import pytest

from tests.processes import left_behind, until
from tests.tiny_base import SYSTEM, add_version, write_tiny_base
from tianji_core import jobs, models, training
from tianji_core.dataset import training_file
from tianji_core.errors import ModelError, TrainingError
from tianji_core.store import training as rows
from tianji_core.training.launch import begin
from tianji_core.training.overfitting import signs
from tianji_core.training.xtuner_engine.source import replaced_constants

pytestmark = pytest.mark.training
KEY = "nano-cpu-qlora"


@pytest.fixture
def settings(tmp_path):
    base = write_tiny_base(tmp_path / "base")
    changes = {"base": str(base), "epochs": 4, "max_length": 272, "save_interval": 16, "eval_tokens": 12}
    return training.default_settings(KEY).model_copy(update=changes)


def test_from_dataset_to_merged_model(workspace, settings, tmp_path):
    hostile = settings.model_copy(update={"system": '{x} "\'\n__import__("os").abort()', "eval_interval": 8})
    run = training.start_training(workspace, KEY, hostile, add_version(workspace), "试训")
    job = jobs.wait(workspace, run.job_id, 240)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)

    run = rows.get(workspace.engine, run.id)
    state = training.training_state(workspace, run)
    assert state.finished and state.total == 40 and state.iteration == 40
    assert state.points[0].loss > state.points[-1].loss
    assert [each.iteration for each in state.checkpoints] == [10, 32, 40]  # the first pass ends at 10
    assert {trial.iteration for trial in state.trials} == {0, 8, 10, 16, 20, 24, 30, 32, 40}
    assert {trial.prompt for trial in state.trials} == set(settings.eval_prompts)
    progress = jobs.read_progress(workspace, job.id)
    assert (progress.done, progress.total) == (40, 40)
    with pytest.raises(TrainingError, match="训练完"):
        training.resume_training(workspace, run)

    job = jobs.wait(workspace, models.start_convert_and_merge(workspace, run, device="auto").id, 240)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    adapter, merged = [each for each in models.artefacts(workspace) if each.kind != "base"]
    assert (adapter.kind, adapter.checkpoint, adapter.base) == ("adapter", 40, settings.base_folder)
    assert (merged.kind, merged.adapter, merged.training_run_id) == ("merged", adapter.name, run.id)
    assert merged.system == SYSTEM and merged.template == "internlm2_chat" and merged.sample
    assert merged.dataset_sha256 == run.settings["dataset_sha256"]

    other = write_tiny_base(tmp_path / "other", seed=1)
    with pytest.raises(ModelError, match="不是训练时"):
        models.start_merge(workspace, adapter, base=other)
    with pytest.raises(ModelError, match="没有第 7 步"):
        models.start_convert(workspace, run, 7)
    (settings.base_folder / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(ModelError, match="不是训练时"):
        models.start_convert(workspace, run)


def trainers(workspace):
    """The processes that train, not those that look after them."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"--work-dir {workspace.home}" in " ".join(process.info["cmdline"] or [])
        and "torch.distributed.run" not in process.info["cmdline"]
    ]


def test_a_training_of_two_processes_outlives_what_is_killed(workspace, settings):
    """One process of it, then its supervisor: the state that is shown is true, it goes on from its
    checkpoint, and a stop leaves nothing behind."""
    long = settings.model_copy(update={"epochs": 80, "save_interval": 10, "eval_tokens": 1})
    target = training.checked_target("cpu", {"processes": 2})
    version = add_version(workspace)
    foretold = training.preflight(workspace, training.preset(KEY, workspace), long, version, target).estimate
    run = training.start_training(workspace, KEY, long, version, target=target)

    def now():
        return training.training_state(workspace, rows.get(workspace.engine, run.id))

    until(lambda: now().checkpoints or not now().active, 240)
    assert now().total == 400, jobs.log_tail(workspace, run.job_id)  # 10 packs for two processes, 80 times
    assert foretold.iterations == 400
    killed = trainers(workspace)
    assert len(killed) == 2
    killed[0].kill()
    job = jobs.wait(workspace, run.job_id, 120)
    assert job.state == "failed" and "SIGKILL" in job.note and "接着训练" in job.note
    assert left_behind(str(workspace.home)) == []
    broken = now()
    assert broken.checkpoints and not broken.finished

    run = training.resume_training(workspace, broken.run)
    until(lambda: now().iteration > broken.iteration or not now().active, 240)
    steps = [point.iteration for point in now().points]
    assert steps[-1] > broken.iteration and steps == sorted(set(steps))
    os.kill(now().job.supervisor_pid, signal.SIGKILL)
    until(lambda: now().state == "lost")
    seen = now()
    assert seen.orphaned
    until(lambda: now().iteration > seen.iteration)
    with pytest.raises(TrainingError, match="还在训练"):
        training.resume_training(workspace, seen.run)
    jobs.stop(workspace, run.job_id)
    assert now().state == "stopped" and not now().orphaned
    assert left_behind(str(workspace.home)) == []


def test_what_vanished_or_changed_before_its_turn_is_named(workspace, settings):
    version = add_version(workspace)
    run = training.prepare_training(workspace, KEY, settings, version)
    weights, data = settings.base_folder / "model.safetensors", training_file(workspace, version)
    weights.rename(weights.with_suffix(".away"))
    job = jobs.wait(workspace, begin(workspace, run).job_id, 240)
    assert job.state == "failed" and "缺少权重" in job.note
    weights.with_suffix(".away").rename(weights)
    data.write_bytes(data.read_bytes() + b" ")
    job = jobs.wait(workspace, begin(workspace, run).job_id, 240)
    assert job.state == "failed" and "不一样" in job.note
    assert training.training_state(workspace, run).points == ()


def test_a_diverging_training_is_a_failure(workspace, settings):
    base = settings.base_folder
    from safetensors.numpy import load_file, save_file

    weights = load_file(base / "model.safetensors")
    words = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    # of a character that only the answers have: the trial before the start computes without it
    weights["model.embed_tokens.weight"][words["康"]] = float("nan")
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    run = training.start_training(workspace, KEY, settings, add_version(workspace))
    job = jobs.wait(workspace, run.job_id, 240)
    assert job.state == "failed" and "NaN" in job.note
    assert json.loads(json.dumps(jobs.read_progress(workspace, job.id).error)) == job.note


def test_a_learning_rate_of_ten_thousand_is_named(workspace, settings):
    """The form refuses it; a config changed by hand does not. The loss stays finite: gradients explode once,
    then the saturated weights have none any more."""
    short = settings.model_copy(update={"epochs": 2, "eval_tokens": 1})
    run = training.prepare_training(workspace, KEY, short, add_version(workspace))
    config = training.work_folder(workspace, run) / "config.py"
    config.write_text(replaced_constants(config.read_text(encoding="utf-8"), {"lr": 1e4}), encoding="utf-8")
    job = jobs.wait(workspace, begin(workspace, run).job_id, 240)
    state = training.training_state(workspace, rows.get(workspace.engine, run.id))
    assert job.state == state.state == "failed", jobs.log_tail(workspace, job.id)
    assert "权重已经坏了" in job.note and "学习率最高到了 9900" in job.note, job.note
    assert state.reason == job.note and state.checkpoints  # what there is stays
    assert signs(workspace, state)[0].text == job.note


def test_every_preset_is_a_config_that_mmengine_reads(workspace, tmp_path):
    hostile = 'a"b\'c\n{x} __import__("os").abort()'
    lines = []
    for chosen in training.presets():
        settings = training.default_settings(chosen.key).model_copy(
            update={"system": hostile, "eval_prompts": [hostile], "lora_r": 8, "warmup_ratio": 0.0}
        )
        path = training.write_config(chosen, settings, tmp_path / "train.json", tmp_path / chosen.key)
        lines.append(str(path))
    program = "\n".join(
        [
            "import sys",
            "from mmengine.config import Config",
            "for path in sys.argv[1:]:",
            "    c = Config.fromfile(path)",
            f"    assert c.custom_hooks[1].evaluation_inputs == [{hostile!r}]",
            f"    assert c.custom_hooks[1].system.format() == {hostile!r}",
            "    assert len(c.param_scheduler) == 1",
            "    assert ('full' in path.split('/')[-2]) == ('lora' not in c.model)",
            "    assert 'lora' not in c.model or c.model.lora.r == 8",
            "    assert c.train_dataloader.dataset.dataset_map_fn is None",
        ]
    )
    from tianji_core.training.child import run_tool, tool_environment

    ended = run_tool(["-c", program, *lines], tool_environment(workspace, "cpu"), lambda _line: None)
    assert ended.code == 0, ended.tail
