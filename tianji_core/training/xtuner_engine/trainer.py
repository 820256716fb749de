"""One process of a training: ``python -m tianji_core.training.xtuner_engine.trainer <arguments of xtuner's
train.py>``.

It runs xtuner's own program with five changes. It dies with its parent, so that no process and no GPU memory
is left when that one is killed. Several processes can train on a machine without a card, where mmengine would
ask for a card for each of them even with gloo. Code in the base's folder loads whatever the folder is called.
Conversations become the same token ids as in chat. And the trial answers between two checkpoints are written
to files like those at a checkpoint, where xtuner only logs them.
"""

import ctypes
import os
import runpy
import signal
import sys
from typing import Any

from tianji_core.model_folders.foreign_code import prepare_transformers
from tianji_core.training.xtuner_engine.health import xtuner_tool
from tianji_core.training.xtuner_engine.prompt_ids import use_our_ids

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


def main() -> None:
    """Run xtuner's train.py in this process."""
    end_with_parent()
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "" and "RANK" in os.environ:
        without_cards()
    prepare_transformers()
    use_our_ids()
    keep_every_answer()
    tool = str(xtuner_tool("train.py"))
    sys.argv[0] = tool
    runpy.run_path(tool, run_name="__main__")


if __name__ == "__main__":
    main()
