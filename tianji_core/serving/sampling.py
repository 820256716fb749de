"""Samples the next tokens of many rows at once. Imported by the server process only.

Each row has its own random numbers. A choice within rounding error is reported as uncertain; the engine
then computes that row alone, so that the answer does not depend on the batch.
"""

import random
from dataclasses import dataclass

import torch

TIE = 1e-3
"""Logits closer than this (times the larger one, where above 1) may swap in another batch. Sums in float32
differ by about 1e-5 there."""
EDGE = 2e-4
"""The same limit for sums of probabilities."""


@dataclass(frozen=True)
class Drawing:
    """Sampling parameters. Temperature 0 takes the most likely token; ``seed`` None uses a random seed."""

    temperature: float = 1.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int | None = None


class TokenSampler:
    """Sampling state of one request: its random numbers and the tokens so far."""

    def __init__(self, drawing: Drawing, prompt: list[int], device: torch.device) -> None:
        self.drawing = drawing
        self._random = random.Random(drawing.seed)
        self._prompt, self._device = prompt, device
        self._seen: torch.Tensor | None = None

    def draw(self) -> float:
        """Returns the random number for the next token, in [0, 1)."""
        return self._random.random() if self.drawing.temperature > 0 else 0.0

    def took(self, token: int) -> None:
        """Records a chosen token."""
        if self.penalises:
            seen = self._known()
            self._seen = torch.cat([seen, seen.new_tensor([token])]).unique()

    def penalised(self, scores: torch.Tensor) -> torch.Tensor:
        """Returns the logits (V) with those of tokens in prompt or answer reduced (Keskar et al., 2019,
        section 4.1)."""
        if not self.penalises:
            return scores
        seen = self._known()
        values, penalty = scores[seen], self.drawing.repetition_penalty
        return scores.scatter(0, seen, torch.where(values > 0, values / penalty, values * penalty))

    @property
    def penalises(self) -> bool:
        """Whether :meth:`penalised` changes the logits."""
        return self.drawing.repetition_penalty != 1.0

    def _known(self) -> torch.Tensor:
        """Created on first use, where the engine reports a failure, not with the request."""
        if self._seen is None:
            self._seen = torch.tensor(self._prompt, device=self._device).unique()
        return self._seen


def choose(
    scores: torch.Tensor, samplers: list[TokenSampler], draws: list[float]
) -> tuple[list[int], list[bool]]:
    """Returns the next token of each row from its logits (B, V) and its random number, and whether it is
    uncertain."""
    scores = scores.float()
    for at, sampler in enumerate(samplers):
        if sampler.penalises:
            scores[at] = sampler.penalised(scores[at])
    top = scores.topk(2, dim=-1).values  # (B, 2)
    tokens = scores.argmax(-1)
    unsure = top[:, 0] - top[:, 1] < TIE * top[:, 0].abs().clamp(min=1)
    rows = [at for at, sampler in enumerate(samplers) if sampler.drawing.temperature > 0]
    if rows:
        some = torch.tensor(rows, device=scores.device)
        wishes = torch.tensor(
            [(samplers[at].drawing.temperature, samplers[at].drawing.top_p, draws[at]) for at in rows],
            device=scores.device,
            dtype=torch.float64,
        )
        tokens[some], unsure[some] = _drawn(scores[some], *wishes.unbind(-1))
    both = torch.stack([tokens, unsure.long()]).tolist()  # one synchronisation with the device, not two
    return both[0], [bool(value) for value in both[1]]


def _drawn(
    scores: torch.Tensor, temperatures: torch.Tensor, top_p: torch.Tensor, draws: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples one token per row from the cumulative probabilities. Returns the tokens, and whether another
    batch might choose differently."""
    weights = torch.softmax(scores / temperatures[:, None].float(), dim=-1)
    unsure = torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
    if bool((top_p < 1).any()):
        ordered, order = weights.sort(descending=True)
        before = ordered.double().cumsum(-1) - ordered
        outside = before >= top_p[:, None]
        outside[:, 0] = False
        last = (~outside).sum(-1, keepdim=True) - 1
        after = (last + 1).clamp(max=weights.shape[-1] - 1)
        cut = outside.any(-1)
        near = (before.gather(-1, after) - top_p[:, None]).abs() < EDGE
        near |= ((before.gather(-1, last) - top_p[:, None]).abs() < EDGE) & (last > 0)
        alike = ordered.gather(-1, last) - ordered.gather(-1, after) < TIE * ordered.gather(-1, last)
        unsure |= ((near | alike)[:, 0]) & cut
        weights = torch.zeros_like(weights).scatter(-1, order, ordered.masked_fill(outside, 0.0))
    line = weights.double().cumsum(-1)
    place = (draws * line[:, -1])[:, None]
    tokens = (line <= place).sum(-1, keepdim=True).clamp(max=weights.shape[-1] - 1)
    lower = torch.where(tokens > 0, line.gather(-1, (tokens - 1).clamp(min=0)), -torch.inf)
    upper = line.gather(-1, tokens)
    edge = EDGE * line[:, -1:]
    last_one = upper >= line[:, -1:]  # the last token has no upper neighbour
    unsure |= ((place - lower < edge) | ((upper - place < edge) & ~last_one))[:, 0]
    return tokens[:, 0], unsure
