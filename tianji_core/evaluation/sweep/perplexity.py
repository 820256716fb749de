"""The perplexity of a model on validation texts. Imported only by the worker."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple

from tianji_core.errors import DatasetError
from tianji_core.i18n import _
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.own_template import IGNORED, LabelledIds
from tianji_core.model_folders.prompt import conversation, encode
from tianji_core.model_folders.template import TEMPLATES

BATCH = 8
_LARGEST = 700.0
"""The exponential of more is no float."""


class Perplexity(NamedTuple):
    """``value`` is exp of the mean negative log-likelihood of the assistant's ``tokens``; ``high`` is its
    upper bound with 95 % confidence, over other texts of the kind."""

    value: float
    high: float
    tokens: int


def tokenized_texts(tokenizer: Any, template: str, file: Path, limit: int) -> list[LabelledIds]:
    """Returns the first ``limit`` conversations of a validation file, tokenized as in training.

    Raises:
        DatasetError: the file cannot be read.
    """
    try:
        items = json.loads(file.read_text(encoding="utf-8"))
        return [_tokenized(tokenizer, template, item["conversation"]) for item in items[:limit]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(_("读不了验证集 {file}，请重新冻结一个版本", file=file)) from error


def _tokenized(tokenizer: Any, template: str, turns: Sequence[dict[str, str]]) -> LabelledIds:
    if template not in TEMPLATES and tokenizer.chat_template:
        return conversation(tokenizer, turns)
    messages: list[ChatMessage] = []
    if system := turns[0].get("system", ""):
        messages.append(ChatMessage(role="system", content=system))
    ids: list[int] = []
    labels: list[int] = []
    ending = TEMPLATES[template].end if template in TEMPLATES else tokenizer.eos_token or ""
    for turn in turns:
        messages.append(ChatMessage(role="user", content=turn["input"]))
        prompt = encode(tokenizer, template, messages)
        asked = prompt[len(ids) :]
        answer = tokenizer.encode(turn["output"] + ending, add_special_tokens=False)
        ids = [*ids, *asked, *answer]
        labels = [*labels, *[IGNORED] * len(asked), *answer]
        messages.append(ChatMessage(role="assistant", content=turn["output"]))
    return LabelledIds(ids, labels)


def perplexity(
    model: Any, texts: Sequence[LabelledIds], report: Callable[[int], None] = lambda _done: None
) -> Perplexity:
    """Returns the perplexity over all texts; ``report`` is called with the number of texts that are done."""
    import torch

    losses: list[float] = []  # summed over the tokens of each text
    tokens: list[int] = []
    order = sorted(texts, key=lambda text: len(text.ids))
    with torch.inference_mode():
        for at in range(0, len(order), BATCH):
            part = order[at : at + BATCH]
            width = max(len(text.ids) for text in part)
            ids = torch.tensor([text.ids + [0] * (width - len(text.ids)) for text in part])
            labels = torch.tensor([text.labels + [IGNORED] * (width - len(text.labels)) for text in part])
            mask = torch.tensor([[1] * len(text.ids) + [0] * (width - len(text.ids)) for text in part])
            device = model.device
            logits = model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits  # (B, T, V)
            shifted = labels[:, 1:].to(device)
            each = torch.nn.functional.cross_entropy(
                logits[:, :-1].float().flatten(0, 1),
                shifted.flatten(),
                ignore_index=IGNORED,
                reduction="none",
            )
            losses += each.view(shifted.shape).sum(dim=1).tolist()
            tokens += (shifted != IGNORED).sum(dim=1).tolist()
            report(min(at + BATCH, len(order)))
    return _perplexity(losses, tokens)


def _perplexity(losses: Sequence[float], tokens: Sequence[int]) -> Perplexity:
    """From the summed loss and the number of tokens of each text: a ratio of two sums, whose error follows
    from the texts' deviations from it."""
    number = sum(tokens)
    if not number:
        return Perplexity(float("nan"), float("nan"), 0)
    mean = sum(losses) / number
    squares = sum((loss - mean * count) ** 2 for loss, count in zip(losses, tokens, strict=True))
    spare = max(1, len(tokens) - 1)
    error = math.sqrt(len(tokens) / spare * squares) / number
    return Perplexity(
        math.exp(min(mean, _LARGEST)),
        math.exp(min(mean + NormalDist().inv_cdf(0.975) * error, _LARGEST)),
        number,
    )
