"""The decode loop: one thread per loaded base, many requests at once. Imported by the server process only.

Each turn of the loop admits at most one waiting request, then gives every running one its next token. Requests that
must be reproducible (a seed, or temperature 0) are computed alone, because the same sums in another batch round
differently; all others share one forward pass, whatever their adapter.
"""

import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from tianji_core.i18n import _
from tianji_core.serving.batch import CacheBatch, can_batch
from tianji_core.serving.sampling import Drawing, Sampler
from tianji_core.serving.text import TextStream

BASE = "__base__"
"""peft's name for a row that uses no adapter."""


class QueueFullError(Exception):
    """As many requests wait as may wait."""


@dataclass(frozen=True)
class Piece:
    """New text of an answer; ``finish_reason`` is set on the last one, ``error`` where it broke off.
    ``tokens`` counts all tokens so far."""

    text: str
    tokens: int
    finish_reason: str | None = None
    error: str | None = None


@dataclass
class Generation:
    """One answer to make. ``deliver`` is called from the engine's thread; set ``cancelled`` to end it early."""

    prompt: list[int]
    adapter: str
    drawing: Drawing
    max_tokens: int
    stop: tuple[str, ...]
    deliver: Callable[[Piece], None]
    cancelled: bool = False

    @property
    def reproducible(self) -> bool:
        """Whether the person may expect the very same text again."""
        return self.drawing.seed is not None or self.drawing.temperature == 0


class _Row:
    """A running generation."""

    def __init__(
        self, job: Generation, tokenizer: Any, stop_tokens: frozenset[int], device: torch.device
    ) -> None:
        self.job = job
        self.last = -1
        self.count = 0
        self.cache: Any = None
        self.ended = False
        self._stop_tokens = stop_tokens
        self._sampler = Sampler(job.drawing, job.prompt, device)
        self._text = TextStream(tokenizer, job.stop)

    def take(self, scores: torch.Tensor) -> None:
        """Draw a token from its scores (V) and hand out what it adds."""
        self.last = self._sampler.next(scores)
        self.count += 1
        if self.last in self._stop_tokens:
            self._end(self._text.finish(), "stop")
            return
        text = self._text.push(self.last)
        if self._text.stopped:
            self._end(text, "stop")
        elif self.count >= self.job.max_tokens:
            self._end(text + self._text.finish(), "length")
        elif text:
            self._deliver(Piece(text, self.count))

    def fail(self, message: str) -> None:
        """End with an error."""
        self.ended = True
        self._deliver(Piece("", self.count, finish_reason="error", error=message))

    def _end(self, text: str, reason: str) -> None:
        self.ended = True
        self._deliver(Piece(text, self.count, finish_reason=reason))

    def _deliver(self, piece: Piece) -> None:
        try:
            self.job.deliver(piece)
        except RuntimeError:  # the listener's event loop is closed: nobody is left to read
            self.ended = True


class Engine:
    """Runs generations of one base model and its adapters."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        stop_tokens: frozenset[int],
        mixed: bool,
        max_active: int = 16,
        max_queue: int = 64,
    ) -> None:
        """``mixed``: the model takes peft's ``adapter_names``. ``max_active`` requests run, ``max_queue`` wait."""
        self._model = model
        self._tokenizer = tokenizer
        self._stop_tokens = stop_tokens
        self._mixed = mixed
        self._max_active = max_active
        self._max_queue = max_queue
        self._prefill = _prefill_options(model)
        self._waiting: deque[Generation] = deque()
        self._alone: list[_Row] = []
        self._together: list[_Row] = []
        self._caches = CacheBatch()
        self._wake = threading.Condition()
        self._closed = False
        self.admitting = 0
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    @property
    def active(self) -> int:
        """Requests that are being answered."""
        return len(self._alone) + len(self._together) + self.admitting

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    @property
    def alive(self) -> bool:
        """Whether the decode thread still runs."""
        return self._thread.is_alive()

    def submit(self, generations: list[Generation]) -> None:
        """Queue generations, all or none.

        Raises:
            QueueFullError: too many are waiting.
        """
        with self._wake:
            free = self._max_active - self.active + self._max_queue - len(self._waiting)
            if len(generations) > free:
                raise QueueFullError
            self._waiting.extend(generations)
            self._wake.notify()

    def close(self) -> None:
        """End the thread; running generations end with an error."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout=5)

    @torch.inference_mode()
    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._waiting or self.active or self._closed):
                    self._wake.wait()
                if self._closed:
                    break
                new = self._waiting.popleft() if self._waiting and self.active < self._max_active else None
                self.admitting = int(new is not None)
            if new is not None:
                self._admit(new)
                self.admitting = 0
            for row in self._alone:
                self._guarded([row], self._step_alone)
            if self._together:
                self._guarded(self._together, self._step_together)
            self._drop_ended()
        for row in self._alone + self._together:
            row.fail(_("模型服务正在停止"))

    def _admit(self, job: Generation) -> None:
        """Read the prompt and draw the first token."""
        if job.cancelled:
            return
        row = _Row(job, self._tokenizer, self._stop_tokens, self._model.device)

        def read(_rows: list[_Row]) -> None:
            ids = torch.tensor([job.prompt], device=self._model.device)  # (1, T)
            out = self._model(input_ids=ids, use_cache=True, **self._prefill, **self._adapters([row]))
            row.cache = out.past_key_values
            row.take(out.logits[0, -1])

        self._guarded([row], read)
        if row.ended:
            return
        if job.reproducible or not can_batch(row.cache):
            self._alone.append(row)
        else:
            self._guarded([row], self._join)

    def _join(self, rows: list[_Row]) -> None:
        for row in rows:
            self._caches.join(row.cache, len(row.job.prompt))
            row.cache = None
            self._together.append(row)

    def _step_alone(self, rows: list[_Row]) -> None:
        (row,) = rows
        if row.job.cancelled:
            row.ended = True
            return
        ids = torch.tensor([[row.last]], device=self._model.device)
        out = self._model(input_ids=ids, past_key_values=row.cache, use_cache=True, **self._adapters(rows))
        row.cache = out.past_key_values
        row.take(out.logits[0, -1])

    def _step_together(self, rows: list[_Row]) -> None:
        scores = self._caches.forward(self._model, [row.last for row in rows], **self._adapters(rows))
        for row, values in zip(rows, scores, strict=True):
            if row.job.cancelled:
                row.ended = True
            else:
                self._guarded([row], partial(_take, values))

    def _adapters(self, rows: list[_Row]) -> dict[str, list[str]]:
        return {"adapter_names": [row.job.adapter for row in rows]} if self._mixed else {}

    def _guarded(self, rows: list[_Row], step: Callable[[list[_Row]], None]) -> None:
        """A failing step ends its own requests with a message, and the loop goes on for the others."""
        try:
            step(rows)
        except torch.OutOfMemoryError:
            for row in rows:
                row.fail(_("显存不够，请减少同时的请求或缩短文本"))
            torch.cuda.empty_cache()
        except Exception as error:
            traceback.print_exc()
            for row in rows:
                row.fail(_("模型计算出错：{detail}", detail=error))

    def _drop_ended(self) -> None:
        self._alone = [row for row in self._alone if not row.ended]
        kept = [at for at, row in enumerate(self._together) if not row.ended]
        if len(kept) < len(self._together):
            self._caches.keep(kept)
            self._together = [self._together[at] for at in kept]
        if self._waiting and any(job.cancelled for job in list(self._waiting)):
            with self._wake:
                self._waiting = deque(job for job in self._waiting if not job.cancelled)


def _take(scores: torch.Tensor, rows: list[_Row]) -> None:
    rows[0].take(scores)


def _prefill_options(model: Any) -> dict[str, int]:
    """Only the last position's scores are needed of a prompt; older remote code always computes all."""
    import inspect

    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(inner.forward).parameters else {}
