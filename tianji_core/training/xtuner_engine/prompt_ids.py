"""Has xtuner make the same token ids of a conversation as the model server does. Imported by the trainer
only.

xtuner 0.2.0 knows by class name which tokenizers have no beginning token and raises a TypeError for all
others without one; its trial answers begin with whatever the tokenizer adds by itself, which may be an end
token. It knows no tokenizer's own chat template.
"""

from typing import Any

from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.prompt import beginning, conversation, encode, stop_tokens
from tianji_core.model_folders.template import OWN_TEMPLATE

_OWN = {"SYSTEM": "{system}", "INSTRUCTION": "{input}", "TIANJI": OWN_TEMPLATE}
"""What stands for the tokenizer's own template among xtuner's; no conversation is written with it."""


def use_our_ids() -> None:
    """Changes the xtuner of this process."""
    from mmengine.config import ConfigDict
    from xtuner.dataset import huggingface, map_fns, utils
    from xtuner.engine.hooks import EvaluateChatHook
    from xtuner.utils import PROMPT_TEMPLATE

    utils.get_bos_eos_token_ids = bos_eos_token_ids
    PROMPT_TEMPLATE[OWN_TEMPLATE] = ConfigDict(_OWN)
    own_factory, own_encode, prepare = (
        map_fns.template_map_fn_factory,
        utils.encode_fn,
        EvaluateChatHook.__init__,
    )

    def factory(template: Any) -> Any:
        return _marked if _is_own(template) else own_factory(template)

    def encode_fn(example: Any, tokenizer: Any, max_length: int, *values: Any, **options: Any) -> Any:
        if not example["conversation"][0].get(OWN_TEMPLATE):
            return own_encode(example, tokenizer, max_length, *values, **options)
        made = conversation(tokenizer, example["conversation"])
        return {"input_ids": made.ids[:max_length], "labels": made.labels[:max_length]}

    def remember_template(self: Any, *values: Any, **options: Any) -> None:
        prepare(self, *values, **options)
        self.tianji_own = _is_own(options.get("prompt_template"))

    map_fns.template_map_fn_factory = factory
    utils.encode_fn = huggingface.encode_fn = encode_fn
    EvaluateChatHook.__init__ = remember_template
    EvaluateChatHook._eval_language = _answer_trials


def _is_own(template: Any) -> bool:
    """Whether xtuner's name of a template, or the template, stands for the tokenizer's own."""
    if isinstance(template, str):
        return template.rpartition(".")[2] == OWN_TEMPLATE
    return bool(template) and template.get("TIANJI") == OWN_TEMPLATE


def _marked(example: Any) -> Any:
    """Marks a conversation as one for the tokenizer's own template."""
    for turn in example["conversation"]:
        turn[OWN_TEMPLATE] = True
    return {"conversation": example["conversation"]}


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
    """Takes the place of xtuner's method of the same arguments; only the ids of the prompts differ, and with
    the tokenizer's own template the answer is written without its prompt."""
    import torch

    answers = []
    own = getattr(self, "tianji_own", False)
    ends = {"eos_token_id": sorted(stop_tokens(self.tokenizer, None))} if own else {}
    for asked in self.evaluation_inputs:
        ids = _own_ids(self, asked) if own else _ids(self, asked, runner.cfg)
        made = model.generate(
            input_ids=torch.tensor([ids], device=device),
            max_new_tokens=max_new_tokens,
            generation_config=self.gen_config,
            stopping_criteria=self.stop_criteria,
            **ends,
        )
        told = made[0][len(ids) :] if own else made[0]
        answer = self.tokenizer.decode(told, skip_special_tokens=own)
        runner.logger.info(f"Sample output:\n{answer}\n")
        answers.append(f"{answer}\n")
    if save_eval_output:
        self._save_eval_output(runner, answers)


def _ids(hook: Any, asked: str, values: Any) -> list[int]:
    """The ids of a trial prompt by a template of xtuner's."""
    text = (hook.system + hook.instruction).format(input=asked, round=1, **values)
    ids: list[int] = hook.tokenizer.encode(text, add_special_tokens=False)
    return beginning(hook.tokenizer) + ids


def _own_ids(hook: Any, asked: str) -> list[int]:
    """The ids of a trial prompt by the tokenizer's own template. The system prompt of a config has its braces
    doubled."""
    system = hook.system.format()
    head = [ChatMessage(role="system", content=system)] if system else []
    return encode(hook.tokenizer, OWN_TEMPLATE, [*head, ChatMessage(role="user", content=asked)])
