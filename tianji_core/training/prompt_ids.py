"""Has xtuner make the same token ids of a conversation as the model server does. Imported by the trainer
only.

xtuner 0.2.0 knows by class name which tokenizers have no beginning token and raises a TypeError for all
others without one; its trial answers begin with whatever the tokenizer adds by itself, which may be an end
token.
"""

from typing import Any

from tianji_core.model_folders.prompt import beginning


def use_our_beginning() -> None:
    """Changes the xtuner of this process."""
    from xtuner.dataset import utils
    from xtuner.engine.hooks import EvaluateChatHook

    utils.get_bos_eos_token_ids = bos_eos_token_ids
    EvaluateChatHook._eval_language = _answer_trials


def bos_eos_token_ids(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Returns the ids before a conversation, and those after an answer whose template does not end it."""
    end = tokenizer.eos_token_id
    return beginning(tokenizer), [] if end is None else [end]


def _answer_trials(
    self: Any,
    runner: Any,
    model: Any,
    device: Any,
    max_new_tokens: Any = None,
    save_eval_output: bool = False,
) -> None:
    """Takes the place of xtuner's method of the same arguments; only the ids of the prompts differ."""
    import torch

    answers = []
    for asked in self.evaluation_inputs:
        text = (self.system + self.instruction).format(input=asked, round=1, **runner.cfg)
        ids = beginning(self.tokenizer) + self.tokenizer.encode(text, add_special_tokens=False)
        made = model.generate(
            input_ids=torch.tensor([ids], device=device),
            max_new_tokens=max_new_tokens,
            generation_config=self.gen_config,
            stopping_criteria=self.stop_criteria,
        )
        answer = self.tokenizer.decode(made[0])
        runner.logger.info(f"Sample output:\n{answer}\n")
        answers.append(f"{answer}\n")
    if save_eval_output:
        self._save_eval_output(runner, answers)
