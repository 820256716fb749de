"""What stands in a work folder is read as it is, and a failure is named in one sentence."""

import pytest

from tests.work_folders import write_checkpoint, write_sitting
from tianji_core.ownership import mark
from tianji_core.training.child import Ended
from tianji_core.training.engine import curve, total_iterations, trial_answers
from tianji_core.training.saved import checkpoints, drop_halves, keep_newest
from tianji_core.training.verdict import cause, failure_of


def test_curves_of_a_resumed_training_are_stitched(tmp_path):
    write_sitting(tmp_path, "20260101_000000", [(2, 3.0), (4, 2.5), (6, 2.0)])
    write_sitting(tmp_path, "20260101_010000", [(5, 2.2), (10, 1.0)])
    assert [(point.iteration, point.loss) for point in curve(tmp_path)] == [
        (2, 3.0),
        (4, 2.5),
        (5, 2.2),
        (10, 1.0),
    ]
    assert total_iterations(tmp_path) == 10


def test_a_nan_loss_is_a_gap_and_a_failure_even_with_exit_code_0(tmp_path):
    write_sitting(tmp_path, "20260101_000000", [(5, 2.0), (10, float("nan"))])
    write_checkpoint(tmp_path / "iter_10.pth")
    assert curve(tmp_path)[-1].loss is None
    assert "NaN" in failure_of(Ended(0, ""), tmp_path)


def test_success_needs_the_checkpoint_of_the_last_iteration(tmp_path):
    write_sitting(tmp_path, "20260101_000000", [(5, 2.0), (10, 1.0)])
    write_checkpoint(tmp_path / "iter_5.pth")
    assert "最终检查点" in failure_of(Ended(0, ""), tmp_path)
    whole = write_checkpoint(tmp_path / "iter_10.pth")
    mark(tmp_path)  # a work folder lies in a workspace, whose files the studio may remove
    (tmp_path / "iter_12.pth").write_bytes(whole[:-30])  # the trainer was killed while it wrote
    assert failure_of(Ended(0, ""), tmp_path) == ""
    found = checkpoints(tmp_path, curve(tmp_path))
    assert [(c.iteration, c.size, c.loss) for c in found] == [(5, len(whole), 2.0), (10, len(whole), 1.0)]
    drop_halves(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.pth")) == ["iter_10.pth", "iter_5.pth"]


def test_the_newest_whole_checkpoint_outlives_what_the_trainer_deletes(tmp_path):
    mark(tmp_path)
    for number in (5, 10):
        write_checkpoint(tmp_path / f"iter_{number}.pth")
        keep_newest(tmp_path)
    (tmp_path / "iter_5.pth").unlink()
    (tmp_path / "iter_10.pth").unlink()  # before it writes the next, which the full disk cuts off
    (tmp_path / "iter_15.pth").write_bytes(b"half")
    keep_newest(tmp_path)
    drop_halves(tmp_path)
    assert [(c.iteration, c.path.parent.name) for c in checkpoints(tmp_path, [])] == [(10, "kept")]


def test_an_empty_work_folder_is_no_success(tmp_path):
    assert failure_of(Ended(0, ""), tmp_path)


@pytest.mark.parametrize(
    ("tail", "word"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", "显存不够"),
        ("RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory", "内存不够"),
        ("OSError: [Errno 28] No space left on device", "磁盘满了"),
        ("ValueError: end should be larger than begin, but got begin=0, end=0", "样本太少"),
        ("datasets.exceptions.DatasetGenerationError: An error occurred", "训练文件"),
        ("safetensors_rust.SafetensorError: Error while deserializing header", "权重"),
        ("OSError: /x does not appear to have a file named config.json.", "基座模型"),
        ("ModuleNotFoundError: No module named 'mmengine'", "mmengine"),
        ("Traceback\nZeroError: 没见过的错误\n", "没见过的错误"),
    ],
)
def test_a_crash_is_explained(tail, word):
    assert word in cause(tail, 1)


def test_a_kill_by_the_system_is_explained():
    assert "内存" in cause("", -9)


def test_trial_answers_come_with_their_prompt_and_iteration(tmp_path):
    folder = write_sitting(tmp_path, "20260101_000000", [(10, 1.0)])
    answer = "<|im_start|>system\n你{}<|im_end|>\n<|im_start|>user\n祝妈妈<|im_end|>\n"
    answer += "<|im_start|>assistant\n{text}<|im_end|>\n\n\n"
    (folder / "vis_data" / "eval_outputs_iter_9.txt").write_text(
        "".join(f"Eval output {n}:\n" + answer.replace("{text}", t) for n, t in [(1, "甲\n乙"), (2, "丙")])
    )
    before = "2026/01/01 00:00:00 - mmengine - INFO - "
    (folder / "20260101_000000.log").write_text(
        before
        + "before_train in EvaluateChatHook.\n"
        + before
        + "Sample output:\n"
        + answer.replace("{text}", "前一")
        + before
        + "Sample output:\n"
        + answer.replace("{text}", "前二")
        + before
        + "Iter(train) [ 1/10] loss: 1"
    )
    found = [(a.iteration, a.prompt, a.answer) for a in trial_answers(tmp_path, ["A", "B"])]
    assert found == [(0, "A", "前一"), (0, "B", "前二"), (10, "A", "甲\n乙"), (10, "B", "丙")]


def test_a_warning_before_the_error_is_not_the_cause():
    tail = "Failed to load: No module named 'kernels'\n"
    tail += "Traceback (most recent call last):\nRuntimeError: 真正的原因"
    assert "真正的原因" in cause(tail, 1)
