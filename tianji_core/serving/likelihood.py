"""The log probabilities of a token and of the likeliest ones beside it. Imported by the server process
only."""

from dataclasses import dataclass

import torch

LEAST = -9999.0
"""Stands for minus infinity, which JSON does not have, as in OpenAI's answers."""


@dataclass(frozen=True)
class Likelihood:
    """The natural logarithm of a token's probability by the model itself, before temperature, penalties and
    limits; ``top`` holds the likeliest tokens with theirs, likeliest first."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]


def likelihood(scores: torch.Tensor, token: int, count: int) -> Likelihood:
    """Returns the likelihood of ``token`` and of the ``count`` likeliest tokens by the logits (V)."""
    logs = scores.float().log_softmax(-1).nan_to_num(nan=LEAST, neginf=LEAST).clamp(min=LEAST)
    top = logs.topk(min(count, len(logs)))
    pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
    return Likelihood(token, float(logs[token]), tuple(pairs))
