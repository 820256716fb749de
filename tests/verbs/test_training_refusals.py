"""Trainings, conversions and merges that cannot work are refused before anything is made, and never two at
once."""

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.processes import until
from tests.tiny_base import add_version, write_tiny_base
from tests.verbs.conftest import ended
from tianji_core import jobs, models, training
from tianji_core.errors import JobError
from tianji_core.model_folders.base import fingerprint
from tianji_core.model_folders.manifest import Artefact, write_artefact
from tianji_core.store import training as rows
from tianji_core.training import queue


@pytest.fixture
def base(tmp_path):
    return write_tiny_base(tmp_path / "base")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("epochs", "--set 要写成 名字=值"),
        ("size=3", "名字是其中之一：base"),
        ("epochs=many", "“轮数（遍）”应当是整数，填的是 'many'"),
        ("epochs=0", "“轮数（遍）”应当不小于 1"),
        ("epochs=1.5", "“轮数（遍）”应当是整数"),
        ("learning_rate=NaN", "“学习率”应当是有限的数字"),
        ("learning_rate=-1", "“学习率”应当大于 0"),
        ("lora_dropout=1", "“LoRA dropout（概率）”应当小于 1"),
        ("max_length=7", "“序列长度（token）”应当不小于 64"),
        ("eval_prompts=hi", "“试写输入（每行一条）”应当是一个列表"),
        ("eval_prompts=[]", "“试写输入（每行一条）”至少要有 1 项"),
        ("system=3", "“试写用的系统提示词”应当是文字"),
        ("accumulation=1000", "凑不满一次梯度累积（1000 个微批）"),
    ],
)
def test_settings_that_make_no_sense(verb, workspace, change, sentence):
    add_version(workspace)
    assert sentence in verb("train", "--set", change).refusal
    assert rows.listed(workspace.engine) == [] and jobs.listed(workspace) == []


@pytest.mark.parametrize("option", [("--place", "lab"), ("--bundle", "a.tar"), ("--commands",), ("--check",)])
def test_an_option_of_a_new_training_is_not_dropped_when_an_earlier_one_goes_on(verb, workspace, option):
    for earlier in ("--resume", "--more"):
        assert "--resume 和 --more 不能和 --place" in verb("train", earlier, 1, *option).refusal


def test_what_is_missing_for_a_training(verb, workspace):
    add_version(workspace)
    assert "没有名叫“v9”的数据集版本，有的是：v1" in verb("train", "--dataset", "v9").refusal
    assert (
        "没有训练预设“huge”，有的是：internlm2-chat-7b-qlora、nano-cpu-qlora"
        in verb("train", "--preset", "huge").refusal
    )
    assert "没有名叫“nobody”的模型" in verb("train", "--base", "nobody").refusal
    assert "模型文件夹 /no/where 不存在" in verb("train", "--base", "/no/where").refusal


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda base: (base / "config.json").unlink(), "里没有 config.json"),
        (lambda base: (base / "config.json").write_text("{"), "config.json 读不懂"),
        (lambda base: (base / "tokenizer.json").unlink(), "里没有分词器文件"),
        (lambda base: (base / "model.safetensors").unlink(), "缺少权重 *.safetensors"),
        (
            lambda base: (base / "model.safetensors.index.json").write_text(
                json.dumps({"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}})
            ),
            "缺少权重 model-2.safetensors",
        ),
        (
            lambda base: (base / "model.safetensors").write_bytes(
                (base / "model.safetensors").read_bytes()[:-100]
            ),
            "model.safetensors 已损坏",
        ),
    ],
)
def test_half_a_model_is_refused_with_the_file_that_is_missing(verb, workspace, base, spoil, sentence):
    add_version(workspace)
    spoil(base)
    for command in (("train", "--base", base), ("models", "--register", base)):
        assert sentence in verb(*command).refusal
    assert [each.kind for each in models.artefacts(workspace)] == ["base"]
    assert rows.listed(workspace.engine) == []


def test_few_samples_are_a_warning_beside_the_answer(verb, workspace, base):
    add_version(workspace, count=6)
    said = verb("train", "--base", base, "--check")
    assert said.code == 0 and "太少，学不到什么" in said.out


def test_of_four_trainings_started_at_the_same_instant_one_runs_and_the_others_follow(
    started, workspace, base
):
    add_version(workspace)
    starts = [started("train", "--base", base, "--title", f"第{n}个", "--detach") for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(ended, starts))
    assert [one.code for one in said] == [0, 0, 0, 0]
    try:
        until(lambda: len(queue.waiting(workspace)) == 3)
        first, second, third = queue.waiting(workspace)
        queue.move(workspace, third, -1)
        assert queue.waiting(workspace) == [first, third, second]
        queue.cancel(workspace, first)
        assert queue.waiting(workspace) == [third, second]
        (running,) = [run for run in rows.listed(workspace.engine) if run.id not in (first, second, third)]
        jobs.stop(workspace, running.job_id)
        until(lambda: queue.waiting(workspace) == [second])
        assert training.training_state(workspace, rows.get(workspace.engine, third)).state == "running"
    finally:
        for run in rows.listed(workspace.engine):
            with contextlib.suppress(JobError):  # it has ended
                jobs.stop(workspace, run.job_id)
            jobs.wait(workspace, run.job_id, 60)


def test_the_commands_of_two_machines_are_printed_and_nothing_starts(verb, workspace, base):
    add_version(workspace)
    call = ("train", "--base", base, "--nodes", 2, "--address", "10.0.0.1", "--commands", "--json")
    said = verb(*call).json()
    assert len(said["commands"]) == 2 and "--node_rank=1" in said["commands"][1]
    assert "sbatch" not in said["slurm"] and said["slurm"].startswith("#!/bin/bash\n#SBATCH")
    assert jobs.listed(workspace) == [] and verb("queue").out.strip() == "没有训练在排队"
    assert "0,1 这样的编号" in verb("train", "--base", base, "--gpus", "all").refusal
    assert "要填第一台机器的地址" in verb("train", "--base", base, "--nodes", 2).refusal
    assert "没有在排队" in verb("queue", "--up", said["training"]).refusal


def test_a_training_without_a_checkpoint_cannot_be_converted_or_resumed(verb, workspace, base):
    settings = training.default_settings("nano-cpu-qlora").model_copy(update={"base": str(base)})
    run = training.prepare_training(workspace, "nano-cpu-qlora", settings, add_version(workspace), "试训")
    sitting = training.work_folder(workspace, run) / "20260101_000000" / "vis_data"
    sitting.mkdir(parents=True)
    (sitting / "scalars.json").write_text('{"lr": 0.1, "loss": 2.0, "iter": 1, "step": 1}')
    assert "“试训”还没有检查点" in verb("convert", "--training", 1).refusal
    assert "“试训”还没有检查点" in verb("convert", "--training", 1, "--merge").refusal
    assert "“试训”没有检查点，只能重新训练" in verb("train", "--resume", 1).refusal
    assert jobs.listed(workspace) == []


def test_an_adapter_is_not_merged_with_another_base(verb, workspace, base, tmp_path):
    folder = workspace.models / "mine"
    folder.mkdir()
    made = Artefact(
        name="mine", kind="adapter", title="试", path=folder, base=base, base_fingerprint=fingerprint(base)
    )
    write_artefact(folder, made, workspace.home)
    other = write_tiny_base(tmp_path / "other", seed=1)
    assert "不是训练时用的那个基座模型" in verb("merge", "mine", "--base", other).refusal
    assert "已经有名叫“mine”的模型了" in verb("merge", "mine", "--name", "mine").refusal
    assert "只能用文字、数字" in verb("merge", "mine", "--name", "../up").refusal
    assert jobs.listed(workspace) == []
