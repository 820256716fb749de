"""Where a training runs becomes exact command lines, and what does not fit is refused by name."""

import shlex
import subprocess

import pytest

from tests.tiny_base import add_version, write_tiny_base
from tests.work_folders import write_checkpoint
from tianji_core import training
from tianji_core.errors import TrainingError
from tianji_core.store import training as rows
from tianji_core.training.commands import arguments, node_commands
from tianji_core.training.launch import by_hand
from tianji_core.training.lock import Hold, training_works
from tianji_core.training.queue import PlaceRequest
from tianji_core.training.slurm import slurm_script
from tianji_core.training.target import checked_target, places_of


@pytest.mark.parametrize(
    ("device", "values", "sentence"),
    [
        ("cpu", {"gpus": [0]}, "不能选显卡"),
        ("cuda", {"gpus": [1, 1]}, "“显卡编号”每张卡写一次编号"),
        ("cuda", {"gpus": [0, 1], "processes": 3}, "进程数就应当是 2，填的是 3"),
        ("cuda", {"deepspeed": "zero9"}, "“DeepSpeed”要填 deepspeed_zero1"),
        ("cuda", {"nodes": 2}, "要填第一台机器的地址"),
        ("cuda", {"nodes": 2, "address": "a; rm -rf /"}, "“第一台机器的地址”要填主机名或 IP"),
        ("cuda", {"port": 80}, "“第一台机器的端口”应当不小于 1024"),
    ],
)
def test_a_target_that_does_not_fit_is_refused_by_name(device, values, sentence):
    with pytest.raises(TrainingError, match=sentence):
        checked_target(device, values)


def test_one_process_needs_no_launcher_and_deepspeed_always_has_one(tmp_path):
    assert "torch.distributed.run" not in arguments(checked_target("cuda", {}), tmp_path)
    whole = arguments(checked_target("cuda", {"deepspeed": "deepspeed_zero2"}), tmp_path, tmp_path / "x")
    assert "torch.distributed.run" in whole and whole[-2:] == ["--launcher", "pytorch"]
    assert whole[whole.index("--deepspeed") + 1] == "deepspeed_zero2" and "--resume" in whole


def test_each_machine_gets_its_own_rank_and_all_meet_at_one_address(tmp_path):
    folder = tmp_path / "工作 区;$(x)"
    values = {
        "gpus": [2, 3],
        "nodes": 3,
        "address": "10.0.0.1",
        "port": 29555,
        "deepspeed": "deepspeed_zero3",
    }
    target = checked_target("cuda", values)
    lines = node_commands(training.preset("internlm2-chat-7b-qlora"), target, folder)
    for rank, line in enumerate(lines):
        words = shlex.split(line)
        assert words[0] == "cd" and f"--node_rank={rank}" in words and "--nnodes=3" in words
        assert "--nproc_per_node=2" in words and "CUDA_VISIBLE_DEVICES=2,3" in words
        assert "--master_addr=10.0.0.1" in words and "--master_port=29555" in words
        assert str(folder / "config.py") in words
    assert len(lines) == 3


def test_the_slurm_script_is_sound_shell_and_asks_for_the_cards(tmp_path):
    folder = tmp_path / "it's"
    target = checked_target("cuda", {"processes": 4, "nodes": 2, "address": "n1"})
    script = slurm_script(training.preset("internlm2-chat-7b-qlora"), target, folder, "祝福 7B; x")
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    assert "#SBATCH --nodes=2" in script and "#SBATCH --gpus-per-node=4" in script
    assert "#SBATCH --job-name=7B-x" in script and '"$SLURM_NODEID"' in script


def test_commands_by_hand_carry_what_the_studio_would_set_itself(workspace, tmp_path):
    settings = training.default_settings("nano-cpu-qlora").model_copy(
        update={"base": str(write_tiny_base(tmp_path / "base"))}
    )
    run = training.prepare_training(workspace, "nano-cpu-qlora", settings, add_version(workspace))
    lines, script = by_hand(workspace, run)
    assert "OMP_WAIT_POLICY=PASSIVE" in lines[0] and "OMP_WAIT_POLICY=PASSIVE" in script
    run = rows.change(workspace.engine, run.id, settings={**run.settings, "profile": "24gb"})
    write_checkpoint(training.work_folder(workspace, run) / "iter_10.pth")
    lines, script = by_hand(workspace, run)
    for text in (lines[0], script):
        assert "PYTORCH_ALLOC_CONF=expandable_segments:True" in text and "--resume" in text
        assert "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1" in text


def test_a_training_takes_the_cards_that_are_free_or_none_at_all(workspace):
    first, second, third = Hold(workspace), Hold(workspace), Hold(workspace)
    cards = ["gpu1", "gpu0", "gpu2"]  # the freest first
    assert first.take(cards, 1) and first.places == ("gpu1",)
    assert not second.take(["gpu0", "gpu1"]) and second.places == ()
    assert second.take(cards, 2) and second.places == ("gpu0", "gpu2")
    assert not third.take(cards, 1) and training_works(workspace, "gpu0")
    second.release()
    assert third.take(["gpu0"]) and not training_works(workspace, "gpu2")


def test_who_waits_for_whom():
    processor, first, second = (PlaceRequest((place,), 1) for place in ("cpu", "gpu0", "gpu1"))
    both = PlaceRequest(("gpu0", "gpu1"), 2)
    any_card = PlaceRequest((), 1)
    assert processor.blocks(processor) and not processor.blocks(first) and not any_card.blocks(processor)
    assert both.blocks(first) and second.blocks(both) and not first.blocks(second)
    assert any_card.blocks(first) and not first.blocks(any_card)
    assert places_of(checked_target("cpu", {"processes": 4}), "cpu") == (["cpu"], 1)
    assert places_of(checked_target("cuda", {"processes": 2}), "cuda") == ([], 2)
