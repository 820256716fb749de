"""One process of a training: ``python -m tianji_core.training.xtuner_engine.trainer <arguments of xtuner's
train.py>``.

It runs xtuner's own program with seven changes. A checkpoint runs no code that it names. It dies with its
parent, so that no process and no GPU memory is left when that one is killed. Several processes can train on a
machine without a card, where mmengine would ask for a card for each of them even with gloo. Code in the
base's folder loads whatever the folder is called. Conversations become the same token ids as in chat. A
checkpoint is also saved at the end of each pass, and that of the first pass stays. And the trial answers
between two checkpoints are written to files like those at a checkpoint, where xtuner only logs them.
"""

import ctypes
import os
import runpy
import signal
import sys
from typing import Any

from tianji_core.model_folders.foreign_code import prepare_transformers
from tianji_core.training.xtuner_engine.checkpoint_reading import read_every_checkpoint_so
from tianji_core.training.xtuner_engine.health import xtuner_tool
from tianji_core.training.xtuner_engine.prompt_ids import use_our_ids
from tianji_core.training.xtuner_engine.quick_xtuner import import_xtuner

_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""


def end_with_parent() -> None:
    """Have this process killed when its parent ends; on Linux only."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the call
            os.kill(os.getpid(), signal.SIGKILL)


def without_cards() -> None:
    """Let mmengine start and wrap a process that has no card."""
    import mmengine.runner.runner as runner
    import torch
    from mmengine.model import MMDistributedDataParallel

    class ProcessorParallel(MMDistributedDataParallel):
        def __init__(self, module: torch.nn.Module, device_ids: object = None, **options: object) -> None:
            super().__init__(module=module, **options)

    torch.cuda.set_device = lambda device: None
    runner.MMDistributedDataParallel = ProcessorParallel


def keep_every_answer() -> None:
    """Have xtuner write the trial answers to a file each time it generates them."""
    from xtuner.engine.hooks import EvaluateChatHook

    def after_train_iter(
        self: Any, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        every = self.every_n_iters
        if every is not None and (
            self._is_save_checkpoint(runner) or self.every_n_train_iters(runner, every)
        ):
            runner.logger.info("after_train_iter in EvaluateChatHook.")
            self._generate_samples(runner, save_eval_output=True)

    EvaluateChatHook.after_train_iter = after_train_iter


def save_each_pass() -> None:
    """Have mmengine save at the end of each pass as well, and keep the end of the first one beside the
    newest: most trainings are at their best there."""
    from mmengine.hooks import CheckpointHook

    at_interval, save = CheckpointHook.every_n_train_iters, CheckpointHook._save_checkpoint_with_step

    def every_n_train_iters(self: Any, runner: Any, n: int, start: int = 0) -> bool:
        ends_pass = (runner.iter + 1) % len(runner.train_dataloader) == 0
        return ends_pass or bool(at_interval(self, runner, n, start))

    def save_with_step(self: Any, runner: Any, step: int, meta: Any) -> None:
        save(self, runner, step, meta)
        if step == len(runner.train_dataloader) and step in self.keep_ckpt_ids:
            self.keep_ckpt_ids.remove(step)
            runner.message_hub.update_info("keep_ckpt_ids", list(self.keep_ckpt_ids))

    CheckpointHook.every_n_train_iters = every_n_train_iters
    CheckpointHook._save_checkpoint_with_step = save_with_step


def main() -> None:
    """Run xtuner's train.py in this process."""
    end_with_parent()
    import_xtuner()
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "" and "RANK" in os.environ:
        without_cards()
    prepare_transformers()
    read_every_checkpoint_so()
    use_our_ids()
    keep_every_answer()
    save_each_pass()
    tool = str(xtuner_tool("train.py"))
    sys.argv[0] = tool
    runpy.run_path(tool, run_name="__main__")


if __name__ == "__main__":
    main()
