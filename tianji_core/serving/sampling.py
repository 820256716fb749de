"""Samples the next tokens of many rows at once. Imported by the server process only.

The logits of a row pass the same steps in the same order as in transformers' ``generate``: logit bias,
penalties, the form of the answer, then temperature, top-k, top-p and min-p. Each row has its own random
numbers. A choice within rounding error is reported as uncertain; the engine then computes that row alone, so
that the answer does not depend on the batch.
"""

import random
from collections import Counter
from dataclasses import dataclass

import torch

from tianji_core.serving.guide import Guide
from tianji_core.serving.slab import sent

TIE = 1e-3
"""Logits closer than this (times the larger one, where above 1) may swap in another batch. Sums in float32
differ by about 1e-5 there."""
EDGE = 2e-4
"""The same limit for sums of probabilities."""


@dataclass(frozen=True)
class Drawing:
    """Sampling parameters. Temperature 0 takes the most likely token; ``top_k`` below 1 and ``min_p`` 0 are
    off; ``bias`` is added to the logits of tokens; ``seed`` None uses a random seed."""

    temperature: float = 1.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    top_k: int = 0
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    bias: tuple[tuple[int, float], ...] = ()


class TokenSampler:
    """Sampling state of one request: its random numbers and the tokens so far. ``adjusts`` says whether
    :meth:`adjusted` changes the logits."""

    def __init__(
        self, drawing: Drawing, prompt: list[int], device: torch.device, guide: Guide | None = None
    ) -> None:
        self.drawing = drawing
        self._random = random.Random(drawing.seed)
        self._unused: float | None = None
        self._prompt, self._device, self._guide = prompt, device, guide
        self._seen: torch.Tensor | None = None
        self._answered: Counter[int] = Counter()
        self._counts = bool(drawing.presence_penalty or drawing.frequency_penalty)
        self._repeats = drawing.repetition_penalty != 1.0
        self.adjusts = bool(self._counts or self._repeats or drawing.bias or guide)

    def draw(self) -> float:
        """Returns the random number for the next token, in [0, 1)."""
        if self.drawing.temperature <= 0:
            return 0.0
        unused, self._unused = self._unused, None
        return self._random.random() if unused is None else unused

    def put_back(self, draw: float) -> None:
        """Makes the number of the last :meth:`draw`, for which no token was chosen, the next one."""
        self._unused = draw

    def took(self, token: int) -> None:
        """Records a chosen token.

        Raises:
            GuideError: the form of the answer is too complex to go on.
        """
        if not self.adjusts:
            return
        if self._repeats:
            seen = self._known()
            self._seen = torch.cat([seen, seen.new_tensor([token])]).unique()
        if self._counts:
            self._answered[token] += 1
        if self._guide is not None:
            self._guide.took(token)

    def adjusted(self, scores: torch.Tensor) -> torch.Tensor:
        """Returns the logits (V) after bias, penalties and the form of the answer. ``repetition_penalty``
        reduces those of tokens in prompt or answer (Keskar et al., 2019, section 4.1); the other two subtract
        for tokens of the answer, once and per occurrence, as OpenAI's API defines them."""
        drawing = self.drawing
        if drawing.bias:
            tokens, biases = zip(*drawing.bias, strict=True)
            scores = scores.index_add(0, self._tensor(tokens), scores.new_tensor(biases))
        if self._repeats:
            seen = self._known()
            values, penalty = scores[seen], drawing.repetition_penalty
            scores = scores.scatter(0, seen, torch.where(values > 0, values / penalty, values * penalty))
        if self._answered:
            minus = [
                -drawing.presence_penalty - drawing.frequency_penalty * count
                for count in self._answered.values()
            ]
            scores = scores.index_add(0, self._tensor(tuple(self._answered)), scores.new_tensor(minus))
        return scores if self._guide is None else self._guide.limited(scores)

    def _tensor(self, tokens: tuple[int, ...]) -> torch.Tensor:
        return torch.tensor(tokens, device=self._device)

    def _known(self) -> torch.Tensor:
        """Created on first use, where the engine reports a failure, not with the request."""
        if self._seen is None:
            self._seen = torch.tensor(self._prompt, device=self._device).unique()
        return self._seen


def choose(
    scores: torch.Tensor, samplers: list[TokenSampler], draws: list[float]
) -> tuple[list[int], list[bool]]:
    """Returns the next token of each row from its logits (B, V) and its random number, and whether it is
    uncertain. The logits stay unchanged."""
    tokens, unsure = chosen(scores, samplers, draws)
    both = torch.stack([tokens, unsure.long()]).tolist()  # one synchronisation with the device, not two
    return both[0], [bool(value) for value in both[1]]


def chosen(
    scores: torch.Tensor, samplers: list[TokenSampler], draws: list[float], asked: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """Like :func:`choose`, but the tokens (B) and whether they are uncertain (B) stay on the device, which
    need not have computed them yet. ``asked`` False: nobody needs to know about greedy rows."""
    adjusting = [at for at, sampler in enumerate(samplers) if sampler.adjusts]
    scores = scores.clone().float() if adjusting else scores.float()
    for at in adjusting:
        scores[at] = samplers[at].adjusted(scores[at])
    tokens = scores.argmax(-1)
    unsure = torch.zeros_like(tokens, dtype=torch.bool)
    if asked:
        top = scores.topk(2, dim=-1).values  # (B, 2)
        unsure = top[:, 0] - top[:, 1] < TIE * top[:, 0].abs().clamp(min=1)
    rows = [at for at, sampler in enumerate(samplers) if sampler.drawing.temperature > 0]
    if rows:
        some = sent(rows, scores.device)
        wishes = [samplers[at].drawing for at in rows]
        tokens[some], unsure[some] = _drawn(scores[some], wishes, [draws[at] for at in rows])
    return tokens, unsure


def _drawn(
    scores: torch.Tensor, wishes: list[Drawing], draws: list[float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples one token per row from the cumulative probabilities. Returns the tokens, and whether another
    batch might choose differently."""
    values = sent(
        [(wish.temperature, wish.top_p, wish.min_p, draw) for wish, draw in zip(wishes, draws, strict=True)],
        scores.device,
        torch.float64,
    )
    temperatures, top_p, min_p, places = values.unbind(-1)
    unsure = torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
    if any(0 < wish.top_k < scores.shape[-1] for wish in wishes):
        scores, unsure = _top_k(scores, [wish.top_k for wish in wishes])
    weights = torch.softmax(scores / temperatures[:, None].float(), dim=-1)
    if any(wish.top_p < 1 for wish in wishes):
        weights, near = _top_p(weights, top_p)
        unsure |= near
    if any(wish.min_p > 0 for wish in wishes):
        least = min_p[:, None] * weights.max(-1, keepdim=True).values
        unsure |= ((weights - least).abs() < TIE * least).any(-1)
        weights = weights.masked_fill(weights < least, 0.0)
    line = weights.double().cumsum(-1)
    place = (places * line[:, -1])[:, None]
    tokens = (line <= place).sum(-1, keepdim=True).clamp(max=weights.shape[-1] - 1)
    lower = torch.where(tokens > 0, line.gather(-1, (tokens - 1).clamp(min=0)), -torch.inf)
    upper = line.gather(-1, tokens)
    edge = EDGE * line[:, -1:]
    last_one = upper >= line[:, -1:]  # the last token has no upper neighbour
    unsure |= ((place - lower < edge) | ((upper - place < edge) & ~last_one))[:, 0]
    return tokens[:, 0], unsure


def _top_k(scores: torch.Tensor, counts: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Removes the logits (B, V) below the k-th of each row; equal ones stay. A count below 1 removes
    nothing."""
    size = scores.shape[-1]
    counts = [count if 0 < count < size else size for count in counts]
    most = min(max(count for count in counts if count < size) + 1, size)
    top = scores.topk(most, dim=-1).values  # (B, most)
    off = sent([count == size for count in counts], scores.device, torch.bool)
    last = sent([min(count, most) - 1 for count in counts], scores.device)[:, None]
    kept, next_one = top.gather(-1, last), top.gather(-1, (last + 1).clamp(max=most - 1))
    unsure = (kept - next_one < TIE * kept.abs().clamp(min=1))[:, 0] & ~off
    return scores.masked_fill((scores < kept) & ~off[:, None], -torch.inf), unsure


def _top_p(weights: torch.Tensor, top_p: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Keeps the likeliest tokens of each row (B, V) whose probabilities before them sum to less than
    ``top_p`` (Holtzman et al., 2020)."""
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
    kept = torch.zeros_like(weights).scatter(-1, order, ordered.masked_fill(outside, 0.0))
    return kept, ((near | alike)[:, 0]) & cut
