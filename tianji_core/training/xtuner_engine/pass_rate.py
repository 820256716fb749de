"""通过率: the share of answers to held-out questions that pass the checks, measured while a model learns from
preference pairs. Imported only by training configs.

The points go into the same ``scalars.json`` as the losses, as lines ``{"pass_rate": …, "step": …}``. Where
the share falls, the training ends with the weights of the last measurement that had not.
"""

from typing import Any, Protocol

import torch
from mmengine.dist import broadcast_object_list
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from xtuner.registry import BUILDER

from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.prompt import encode, stop_tokens, with_system

FALL = 0.01
"""The pass rate may fall by this much below that of the beginning."""
_AT_ONCE = 25
"""Questions that are answered in one batch."""


class JudgedQuestions(Protocol):
    """Questions with a judge of their answers."""

    asked: list[tuple[str, str]]
    """(system prompt, question); [] for none."""

    def pass_rate(self, answers: list[str]) -> float:
        """The share of answers that pass, 0 to 1."""


class PassRateHook(Hook):
    """Answers the questions greedily before the first iteration, every ``every_n_iters`` and after the last
    one; ends the training where the pass rate has fallen by more than :data:`FALL`.

    No questions: nothing is done. A resumed training is held to what the model answers without its adapter.
    """

    priority = "NORMAL"  # before the trial answers and the checkpoint of the same iteration

    def __init__(
        self, questions: Any, tokenizer: Any, template: str, every_n_iters: int, max_new_tokens: int
    ) -> None:
        self._questions: JudgedQuestions = BUILDER.build(questions)
        self._tokenizer = BUILDER.build(tokenizer)
        self._template, self._interval, self._longest = template, every_n_iters, max_new_tokens
        self._first = 0.0
        self._kept: dict[str, torch.Tensor] = {}
        self._kept_at = 0

    def before_train(self, runner: Any) -> None:
        """Measure what the training begins with."""
        if not self._questions.asked:
            return
        self._kept_at = runner.iter
        self._keep(runner)
        if runner.iter:
            with _bare(runner).llm.disable_adapter():
                self._first = self._measured(runner)
        else:
            self._first = self._measured(runner)
            self._log(runner, self._first, 0)

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Measure at the interval and after the last iteration; end where the pass rate fell."""
        last = runner.iter + 1 == runner.max_iters
        if not self._questions.asked or not (last or self.every_n_train_iters(runner, self._interval)):
            return
        rate = self._measured(runner)
        if rate < self._first - FALL - 1e-9:
            self._log(runner, rate, runner.iter + 1, {"kept_step": self._kept_at})
            self._end(runner)
        else:
            self._log(runner, rate, runner.iter + 1)
            self._kept_at = runner.iter + 1
            self._keep(runner)

    def _end(self, runner: Any) -> None:
        """Puts the kept weights back and makes this iteration the last one, which saves a checkpoint."""
        for name, parameter in _learnt(runner):
            parameter.data.copy_(self._kept[name])
        last = runner.iter + 1
        runner.train_loop._max_iters = last
        # In the form of a logged iteration, from which the total is read: this one may not be logged.
        said = f"ended early: pass_rate was {self._first:.4f}; weights of iteration {self._kept_at}"
        print_log(f"Iter(train) [{last}/{last}]  {said}", "current")

    def _keep(self, runner: Any) -> None:
        self._kept = {name: value.detach().to("cpu", copy=True) for name, value in _learnt(runner)}

    def _log(self, runner: Any, rate: float, iteration: int, more: dict[str, int] | None = None) -> None:
        print_log(f"pass_rate: {rate:.4f} at iteration {iteration}", "current")
        runner.visualizer.add_scalars({"pass_rate": rate, **(more or {})}, step=iteration)

    def _measured(self, runner: Any) -> float:
        """The pass rate now; every process answers, and that of the first one counts."""
        model = _bare(runner)
        uses_cache = model.llm.config.use_cache
        model.llm.config.use_cache = True
        model.eval()
        try:
            told = [self._questions.pass_rate(self._answers(model.llm))]
        finally:
            model.llm.config.use_cache = uses_cache
            model.train()
        broadcast_object_list(told)
        return told[0]

    @torch.no_grad()
    def _answers(self, llm: Any) -> list[str]:
        told = [
            with_system([ChatMessage(role="user", content=question)], system)
            for system, question in self._questions.asked
        ]
        ids = [encode(self._tokenizer, self._template, messages) for messages in told]
        ends = sorted(stop_tokens(self._tokenizer, llm.generation_config.eos_token_id))
        device, texts = next(llm.parameters()).device, []
        for start in range(0, len(ids), _AT_ONCE):
            batch = ids[start : start + _AT_ONCE]
            width = max(map(len, batch))
            rows = [[ends[0]] * (width - len(row)) + row for row in batch]
            seen = [[0] * (width - len(row)) + [1] * len(row) for row in batch]
            made = llm.generate(
                input_ids=torch.tensor(rows, device=device),
                attention_mask=torch.tensor(seen, device=device),
                max_new_tokens=self._longest,
                do_sample=False,
                eos_token_id=ends,
                pad_token_id=ends[0],
            )
            texts += self._tokenizer.batch_decode(made[:, width:], skip_special_tokens=True)
        return texts


def _bare(runner: Any) -> Any:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _learnt(runner: Any) -> list[tuple[str, torch.Tensor]]:
    """The weights that are trained, by their names."""
    named = _bare(runner).named_parameters()
    return [(name, parameter) for name, parameter in named if parameter.requires_grad]
