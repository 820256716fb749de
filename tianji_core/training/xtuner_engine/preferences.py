"""Learning from preference pairs with xtuner's ORPO and DPO. Imported only by training configs."""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from xtuner.dataset import preference_dataset, utils
from xtuner.model.dpo import DPO
from xtuner.model.orpo import ORPO
from xtuner.registry import BUILDER

if not torch.cuda.is_available():
    import tianji_core.training.xtuner_engine.cpu  # noqa: F401  what xtuner lacks there

__all__ = ["ORPO", "AnchoredDPO", "build_pairs"]


class AnchoredDPO(DPO):
    """xtuner's DPO with the loss on the chosen answers beside the preference, ``anchor`` times, as RPO has it
    (Pang and others, 2024): without it the chosen answers, too, become less likely and texts break. Without
    ``ref_llm`` the reference is the same model with its adapter switched off."""

    def __init__(self, *values: Any, anchor: float = 1.0, **options: Any) -> None:
        super().__init__(*values, **options)
        self._anchor = anchor
        self._gathered: list[tuple[Tensor, Tensor]] = []
        self._policy = self._kl = torch.zeros(())

    def _gather_masked_logits(self, logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        gathered: Tensor = super()._gather_masked_logits(logits, labels, mask)
        if self._gathered:  # the reference, which is gathered after the policy
            self._kl, self._policy = divergence(self._policy, logits, mask), torch.zeros(())
        else:
            self._policy = logits.detach()
        self._gathered.append((gathered, mask))
        return gathered

    def compute_loss(self, data: dict[str, Tensor], data_samples: Any = None) -> dict[str, Tensor]:
        """The loss of each pair, and what is logged of the micro-batch: rewards, margin, accuracy,
        ``chosen_loss``, the mean loss over the tokens of the chosen answers, and ``kl_per_answer``, how
        far the model has gone from the reference in nats per answer, the mean over both answers."""
        self._gathered.clear()
        losses: dict[str, Tensor] = super().compute_loss(data, data_samples)
        policy, mask = self._gathered[0]  # the reference is gathered after it
        self._gathered.clear()
        chosen = -policy[::2, :-1].sum() / mask[::2, :-1].sum().clamp(min=1)
        # mmengine adds every entry with "loss" in its name to what is differentiated
        total = losses["loss"] + self._anchor * chosen
        return {**losses, "loss": total, "chosen_loss": chosen.detach(), "kl_per_answer": self._kl}


@torch.no_grad()
def divergence(policy: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """The Kullback-Leibler divergence of the policy from the reference in nats per answer: summed over the
    tokens of ``mask`` (rows, length), the mean over the rows, from logits (rows, length, vocabulary); the
    last place of a row has no next token. Row by row, which bounds the memory."""
    total = policy.new_zeros((), dtype=torch.float32)
    for ours, theirs, counted in zip(policy[:, :-1], reference[:, :-1], mask[:, :-1], strict=True):
        ours, theirs = (logits[counted].float().log_softmax(-1) for logits in (ours, theirs))
        total += (ours.exp() * (ours - theirs)).sum()
    return total / max(1, len(mask))


def build_pairs(
    dataset: Any,
    tokenizer: Any,
    max_length: int,
    template_map_fn: Any,
    dataset_map_fn: Any = None,
) -> Any:
    """xtuner's preference dataset with the token ids that ordinary training makes of a question and an
    answer, where xtuner's own takes the tokenizer's template and learns the line break after the end."""
    mapped = BUILDER.build(template_map_fn)
    tokenizer = BUILDER.build(tokenizer)
    preference_dataset.tokenize = partial(_tokenized, template_map_fn=mapped)
    return preference_dataset.build_preference_dataset(
        dataset=dataset,
        tokenizer=tokenizer,
        max_length=max_length,
        dataset_map_fn=dataset_map_fn,
        is_dpo=True,
        is_reward=False,
        num_proc=1,
        use_varlen_attn=False,
    )


def _tokenized(
    pair: dict[str, Any], tokenizer: Any, max_length: int, template_map_fn: Any, **_rewards: Any
) -> dict[str, list[int]]:
    """Takes the place of xtuner's ``tokenize``: ids and labels of both answers of a pair."""
    *head, question = pair["prompt"]
    asked = {"system": head[0]["content"] if head else "", "input": question["content"]}
    made: dict[str, list[int]] = {}
    for side in ("chosen", "rejected"):
        turn = {**asked, "output": pair[side][0]["content"]}
        conversation = template_map_fn({"conversation": [turn]})
        encoded = utils.encode_fn(conversation, tokenizer, max_length)
        made |= {f"{side}_ids": encoded["input_ids"], f"{side}_labels": encoded["labels"]}
    return made
