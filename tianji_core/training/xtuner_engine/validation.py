"""验证损失: the loss on conversations that the model does not train on. Imported only by training configs.

The points go into the same ``scalars.json`` as the training loss, as lines ``{"val_loss": …,
"val_conversations": …, "step": …}``; the loss is the mean over all tokens of the answers.
"""

from typing import Any

import torch
from datasets import load_dataset
from mmengine.dataset import DefaultSampler
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from xtuner.dataset import process_hf_dataset
from xtuner.dataset.collate_fns import default_collate_fn
from xtuner.dataset.map_fns import template_map_fn_factory

IGNORED = -100
"""The label of a token that is not part of an answer."""


class ValidationLossHook(Hook):
    """Computes the loss over ``data_path`` before the first iteration, every ``every_n_iters`` and after the
    last one.

    An empty ``data_path`` does nothing. At most ``most`` conversations are used, evenly spread over the file,
    ``batch_size`` at a time and padded, not packed: a small file would not fill one pack.
    """

    priority = "LOW"

    def __init__(
        self,
        data_path: str,
        tokenizer: Any,
        prompt_template: str,
        max_length: int,
        every_n_iters: int,
        batch_size: int = 4,
        most: int = 256,
        map_num_proc: int | None = None,
    ) -> None:
        self._path, self._tokenizer, self._template = data_path, tokenizer, prompt_template
        self._max_length, self._interval = max_length, every_n_iters
        self._batch_size, self._most, self._processes = batch_size, most, map_num_proc
        self._loader: Any = None

    def before_train(self, runner: Any) -> None:
        """Prepare the data; a resumed training has its first point already."""
        if not self._path:
            return
        self._loader = runner.build_dataloader(
            {
                "batch_size": self._batch_size,
                "num_workers": 0,
                "dataset": self._dataset(),
                "sampler": {"type": DefaultSampler, "shuffle": False},
                "collate_fn": {"type": default_collate_fn, "use_varlen_attn": False},
            }
        )
        if runner.iter == 0:
            self._evaluate(runner, 0)

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Evaluate at the interval and after the last iteration."""
        if self._loader is None:
            return
        last = runner.iter + 1 == runner.max_iters
        if last or self.every_n_train_iters(runner, self._interval):
            self._evaluate(runner, runner.iter + 1)

    def _dataset(self) -> Any:
        conversations = load_dataset("json", data_files={"train": self._path}, split="train")
        if len(conversations) > self._most:
            step = len(conversations) / self._most
            conversations = conversations.select([int(number * step) for number in range(self._most)])
        return process_hf_dataset(
            dataset=conversations,
            tokenizer=self._tokenizer,
            max_length=self._max_length,
            dataset_map_fn=None,
            template_map_fn=template_map_fn_factory(self._template),
            remove_unused_columns=True,
            shuffle_before_pack=False,
            pack_to_max_length=False,
            map_num_proc=self._processes,
        )

    def _evaluate(self, runner: Any, iteration: int) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        device = next(model.parameters()).device
        total = torch.zeros(2, dtype=torch.float64)  # summed loss, answer tokens
        model.eval()
        with torch.no_grad(), _precision(runner, device):
            for batch in self._loader:
                data = {name: value.to(device) for name, value in batch["data"].items()}
                tokens = int((data["labels"][:, 1:] != IGNORED).sum())
                if tokens:
                    loss = float(model(data, mode="loss")["loss"])
                    total += torch.tensor([loss * tokens, tokens], dtype=torch.float64)
        model.train()
        total = total.to(device=device, dtype=torch.float32 if device.type == "mps" else torch.float64)
        all_reduce(total)
        if not total[1]:
            return
        value = float(total[0] / total[1])
        print_log(f"val_loss: {value:.4f} at iteration {iteration}", "current")
        count = len(self._loader.dataset)
        runner.visualizer.add_scalars({"val_loss": value, "val_conversations": count}, step=iteration)


def _precision(runner: Any, device: torch.device) -> Any:
    """The precision in which the training computes; DeepSpeed keeps the parameters themselves in it."""
    dtype = getattr(runner.optim_wrapper, "cast_dtype", None)
    mixed = type(runner.optim_wrapper).__name__ == "AmpOptimWrapper"
    return torch.autocast(device.type, dtype=dtype, enabled=mixed)
