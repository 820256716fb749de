"""Drawing the next tokens of many rows at once. Imported by the server process only.

Each row has random numbers of its own, so that others do not disturb it. A choice that rounding could turn round is
reported as unsure; the engine then computes that row alone, and the answer does not depend on who else was there.
"""

import random
from dataclasses import dataclass

import torch

TIE = 1e-3
"""Scores closer than this (times the larger one, where above 1) may change places in another batch. Sums in float32
differ by some 1e-5 there."""
EDGE = 2e-4
"""The same for sums of probabilities."""


@dataclass(frozen=True)
class Drawing:
    """How tokens are drawn. Temperature 0 takes the likeliest; ``seed`` None draws a fresh one."""

    temperature: float = 1.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int | None = None


class TokenSampler:
    """The drawing of one request: its random numbers and the tokens that were there already."""

    def __init__(self, drawing: Drawing, prompt: list[int], device: torch.device) -> None:
        self.drawing = drawing
        self._random = random.Random(drawing.seed)
        self._prompt, self._device = prompt, device
        self._seen: torch.Tensor | None = None

    def draw(self) -> float:
        """The random number of the next token, in [0, 1)."""
        return self._random.random() if self.drawing.temperature > 0 else 0.0

    def took(self, token: int) -> None:
        """Remember a token that was chosen."""
        if self.penalises:
            seen = self._known()
            self._seen = torch.cat([seen, seen.new_tensor([token])]).unique()

    def penalised(self, scores: torch.Tensor) -> torch.Tensor:
        """The scores (V) with those of tokens that stood in prompt or answer made smaller (Keskar et al., 2019, section
        4.1)."""
        if not self.penalises:
            return scores
        seen = self._known()
        values, penalty = scores[seen], self.drawing.repetition_penalty
        return scores.scatter(0, seen, torch.where(values > 0, values / penalty, values * penalty))

    @property
    def penalises(self) -> bool:
        """Whether scores must go through :meth:`penalised`."""
        return self.drawing.repetition_penalty != 1.0

    def _known(self) -> torch.Tensor:
        """Made at the first need, not with the request: there the engine can tell what failed."""
        if self._seen is None:
            self._seen = torch.tensor(self._prompt, device=self._device).unique()
        return self._seen


def choose(
    scores: torch.Tensor, samplers: list[TokenSampler], draws: list[float]
) -> tuple[list[int], list[bool]]:
    """The next token of each row from its scores (B, V) and its random number, and whether it is unsure."""
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
    both = torch.stack([tokens, unsure.long()]).tolist()  # one wait for the device, not two
    return both[0], [bool(value) for value in both[1]]


def _drawn(
    scores: torch.Tensor, temperatures: torch.Tensor, top_p: torch.Tensor, draws: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """One token per row by its place on the line of probabilities, and whether another batch may see another."""
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
    last_one = upper >= line[:, -1:]  # nothing lies beyond it
    unsure |= ((place - lower < edge) | ((upper - place < edge) & ~last_one))[:, 0]
    return tokens[:, 0], unsure
