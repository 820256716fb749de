"""Drawing the next token. Imported by the server process only."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Drawing:
    """How tokens are drawn. Temperature 0 takes the likeliest; ``seed`` None draws a fresh one."""

    temperature: float = 1.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int | None = None


class Sampler:
    """The drawing of one request, with a random generator of its own, so that other requests do not disturb it."""

    def __init__(self, drawing: Drawing, prompt: list[int], device: torch.device) -> None:
        self._drawing = drawing
        self._generator = torch.Generator(device=device)
        if drawing.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(drawing.seed)
        penalised = drawing.repetition_penalty != 1.0
        self._seen = torch.tensor(prompt, device=device).unique() if penalised else None

    def next(self, logits: torch.Tensor) -> int:
        """The next token from the scores of all tokens (V)."""
        scores = logits.float()
        if self._seen is not None:
            scores = _penalised(scores, self._seen, self._drawing.repetition_penalty)
        token = self._draw(scores)
        if self._seen is not None:
            self._seen = torch.cat([self._seen, self._seen.new_tensor([token])]).unique()
        return token

    def _draw(self, scores: torch.Tensor) -> int:
        if self._drawing.temperature == 0:
            return int(scores.argmax())
        probabilities = torch.softmax(scores / self._drawing.temperature, dim=-1)
        if self._drawing.top_p < 1.0:
            ordered, order = probabilities.sort(descending=True)
            outside = ordered.cumsum(-1) - ordered >= self._drawing.top_p
            probabilities = torch.zeros_like(probabilities).scatter(
                -1, order, ordered.masked_fill(outside, 0.0)
            )
        return int(torch.multinomial(probabilities, 1, generator=self._generator))


def _penalised(scores: torch.Tensor, seen: torch.Tensor, penalty: float) -> torch.Tensor:
    """Scores of tokens that stood in prompt or answer made smaller (Keskar et al., 2019, section 4.1)."""
    values = scores[seen]
    return scores.scatter(0, seen, torch.where(values > 0, values / penalty, values * penalty))
