"""One generation: the request, and the batch row that grows token by token. Imported by the server process
only."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from tianji_core.serving.guide import Guide
from tianji_core.serving.likelihood import Likelihood, likelihood
from tianji_core.serving.sampling import Drawing, TokenSampler
from tianji_core.serving.text import TextStream


class QueueFullError(Exception):
    """The queue is full."""


@dataclass(frozen=True)
class TextPiece:
    """New text of an answer. ``finish_reason`` is set on the last piece, ``error`` when the generation
    failed. ``tokens`` counts all tokens so far; ``likelihoods`` are those of the tokens of ``text``, where
    they are asked for."""

    text: str
    tokens: int
    finish_reason: str | None = None
    error: str | None = None
    likelihoods: tuple[Likelihood, ...] = ()


@dataclass
class Generation:
    """A request for one answer. ``deliver`` is called from the engine's thread; setting ``cancelled`` ends
    the generation early. ``streamed`` False delivers the text at the end. The first ``shared`` tokens of
    the prompt are likely to begin other prompts too. ``guide`` limits the answer to a form. ``likely`` is
    the number of likely tokens to name beside each token, None for no likelihoods. ``first`` is the time of
    the first token, in monotonic seconds."""

    prompt: list[int]
    adapter: str
    drawing: Drawing
    max_tokens: int
    stop: tuple[str, ...]
    deliver: Callable[[TextPiece], None]
    streamed: bool = True
    shared: int = 0
    guide: Guide | None = None
    likely: int | None = None
    cancelled: bool = False
    first: float | None = field(default=None, init=False)


class BatchRow:
    """A running generation: one row of the batch. ``ids`` are the tokens of its answer."""

    def __init__(
        self, job: Generation, tokenizer: Any, stop_tokens: frozenset[int], device: torch.device
    ) -> None:
        self.job = job
        self.ids: list[int] = []
        self.cache: Any = None
        self.ended = False
        self.sampler = TokenSampler(job.drawing, job.prompt, device, job.guide)
        self._stop_tokens = stop_tokens
        self._text = TextStream(tokenizer, job.stop)
        self._unsaid = ""  # text of an answer that is not streamed
        self._unread: list[int] = []  # tokens that are not decoded to text yet
        self._eager = job.streamed or bool(job.stop) or job.likely is not None
        self._likelihoods: list[Likelihood] = []  # of tokens whose text is not delivered yet

    def take(self, token: int, scores: torch.Tensor | None = None) -> None:
        """Appends a token and delivers the text that it completes. ``scores`` (V) are the logits from which
        it was chosen, needed for likelihoods only.

        Raises:
            GuideError: the form of the answer is too complex to go on.
        """
        if self.job.first is None:
            self.job.first = time.monotonic()
        self.ids.append(token)
        ended = token in self._stop_tokens
        if not ended:
            self.sampler.took(token)
            self._unread.append(token)
            if scores is not None and self.job.likely is not None:
                self._likelihoods.append(likelihood(scores, token, self.job.likely))
        full = len(self.ids) >= self.job.max_tokens
        text = self._read() if self._eager or ended or full else ""
        if ended or self._text.stopped:
            self._end(text, "stop")
        elif full:
            self._end(text, "length")
        elif text and self.job.streamed:
            self._deliver(TextPiece(text, len(self.ids), likelihoods=self._said()))
        else:
            self._unsaid += text

    def fail(self, message: str) -> None:
        """Ends the generation with an error."""
        self.ended = True
        self._deliver(TextPiece("", len(self.ids), finish_reason="error", error=message))

    def _read(self) -> str:
        text = self._text.push(*self._unread)
        self._unread = []
        return text

    def _end(self, text: str, reason: str) -> None:
        self.ended = True
        said = self._unsaid + text + self._text.finish()
        self._deliver(TextPiece(said, len(self.ids), finish_reason=reason, likelihoods=self._said()))

    def _said(self) -> tuple[Likelihood, ...]:
        """Takes the likelihoods of the tokens whose text is delivered; those of a stop string never are."""
        if not self._likelihoods:
            return ()
        left = self._text.unsaid_tokens
        said = self._likelihoods[: len(self._likelihoods) - left]
        self._likelihoods = self._likelihoods[len(said) :]
        return tuple(said)

    def _deliver(self, piece: TextPiece) -> None:
        try:
            self.job.deliver(piece)
        except RuntimeError:  # the event loop of the receiver is closed
            self.ended = True
