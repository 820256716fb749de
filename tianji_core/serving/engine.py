"""The decode loop: one thread per loaded base serves many requests at once. Imported by the server process
only.

Each iteration processes the prompts of waiting requests, several in one pass, and then decodes one token
for every running request in one pass, whatever its adapter. In float32, a choice within rounding error is
computed again for its row alone, so that greedy and seeded answers do not depend on the batch.
"""

import threading
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import torch

from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.serving.attention import quicken
from tianji_core.serving.batch import CacheBatch
from tianji_core.serving.between_steps import BetweenSteps
from tianji_core.serving.flight import Flight, goes_on, launch, may_fly
from tianji_core.serving.generation import BatchRow, Generation, QueueFullError
from tianji_core.serving.graphs import Graphs
from tianji_core.serving.lora import Adapters, LoraMatrices
from tianji_core.serving.prefixes import Key
from tianji_core.serving.reading import Reader, ReadPrompts, prefix_of
from tianji_core.serving.sampling import choose
from tianji_core.serving.slab import Slab, has_slab

READ_TOKENS = 4096
"""Prompt tokens computed per pass, padding included. Running answers wait that long for their next token."""
HELD_TOKENS = 4 * READ_TOKENS
"""Those of a pass together with the cached prefixes before them, which take memory only."""


class Engine:
    """Runs generations on one base model and its adapters."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        stop_tokens: frozenset[int],
        max_active: int = 128,
        max_queue: int = 256,
    ) -> None:
        """At most ``max_active`` requests run and ``max_queue`` wait."""
        quicken(model)
        self._model = model
        self._tokenizer = tokenizer
        self._stop_tokens = stop_tokens
        self._max_active = max_active
        self._max_queue = max_queue
        self._exact = model.dtype == torch.float32
        self._adapters = Adapters(model, model.dtype)
        self._reader = Reader(model, self._adapters)
        self._graphs = Graphs(model, self._adapters)
        self._waiting: deque[Generation] = deque()
        self._alone: list[BatchRow] = []
        self._together: list[BatchRow] = []
        self._caches: CacheBatch | Slab | None = None
        self._flight: Flight | None = None  # a step whose tokens are not read yet
        self._wake = threading.Condition()
        self._between_steps = BetweenSteps()
        self._closed = False
        self._admitting = 0
        self._full = False  # no memory for new requests until a running one ends
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    @property
    def active(self) -> int:
        """The number of requests that are being answered."""
        return len(self._alone) + len(self._together) + self._admitting

    @property
    def queued(self) -> int:
        """The number of waiting requests."""
        return len(self._waiting)

    @property
    def alive(self) -> bool:
        """Whether the decode thread is running."""
        return self._thread.is_alive()

    @property
    def model(self) -> Any:
        """The base model. Other threads may read the shapes of its layers."""
        return self._model

    def submit(self, generations: list[Generation]) -> None:
        """Queues all generations or none.

        Raises:
            QueueFullError: too many are waiting.
        """
        with self._wake:
            free = self._max_active - self.active + self._max_queue - len(self._waiting)
            if len(generations) > free:
                raise QueueFullError
            self._waiting.extend(generations)
            self._wake.notify()

    def add_adapter(self, name: str, pairs: dict[str, LoraMatrices]) -> Future[None]:
        """Adds an adapter to the base between two passes. The returned future completes when requests may
        use it."""

        def add() -> bool:
            self._adapters.add(name, pairs)
            return True

        return self._between(add)

    def remove_adapter(self, name: str) -> Future[None]:
        """Removes an adapter once the requests that use it have ended. The caller sends no new requests to
        it."""

        def remove() -> bool:
            with self._wake:
                jobs = [*self._waiting, *(row.job for row in self._alone + self._together)]
            if any(job.adapter == name and not job.cancelled for job in jobs):
                return False
            self._adapters.remove(name)
            self._free()
            return True

        return self._between(remove)

    def close(self) -> None:
        """Ends the thread. Running generations end with an error."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout=5)

    def _between(self, work: Callable[[], bool]) -> Future[None]:
        with self._wake:
            done = self._between_steps.add(work)
            self._wake.notify()
        return done

    @torch.inference_mode()
    def _run(self) -> None:
        if self._model.device.type == "cuda":
            torch.cuda.set_device(self._model.device)  # each thread begins with the first card
        while True:
            with self._wake:
                while not (self._waiting or self.active or self._between_steps or self._closed):
                    self._wake.wait()
                if self._closed:
                    break
            self._between_steps.run()  # before requests leave the queue: removing an adapter checks the queue
            with self._wake:
                new = self._next()
                self._admitting = len(new)
            if new:
                back = self._admit(new)
                with self._wake:
                    self._waiting.extendleft(reversed(back))
                    self._admitting = 0
            for row in self._alone:
                self._guarded([row], self._step_alone)
            if self._together:
                self._step_together()
            self._drop_ended()
        waiting = [
            BatchRow(job, self._tokenizer, self._stop_tokens, self._model.device) for job in self._waiting
        ]
        for row in self._alone + self._together + waiting:
            row.fail(_("模型服务正在停止"))
        self._between_steps.give_up(_("模型服务正在停止"))

    def _next(self) -> list[Generation]:
        """Takes waiting requests for which there is room, at most as many as one pass may process."""
        admitted: list[Generation] = []
        whole = computed = 0
        prefixes: set[Key] = set()
        beginnings = isinstance(self._caches, Slab)
        self._full &= self.active > self._admitting
        if self._full:
            return []
        while self._waiting and self.active - self._admitting + len(admitted) < self._max_active:
            first, rows = self._waiting[0], len(admitted) + 1
            whole = max(whole, len(first.prompt))
            computed = max(computed, len(first.prompt) - prefix_of(first, beginnings))
            prefixes |= self._reader.missing(first, beginnings)
            tokens = computed * rows + sum(len(prefix) for _adapter, prefix in prefixes)
            if admitted and (tokens > READ_TOKENS or whole * rows > HELD_TOKENS):
                break
            job = self._waiting.popleft()
            if not job.cancelled:
                admitted.append(job)
        return admitted

    def _admit(self, jobs: list[Generation]) -> list[Generation]:
        """Processes prompts and samples the first tokens. When memory is short, returns the requests that
        must wait until a running one ends; if none runs, splits them into smaller batches, and fails a
        single one."""
        rows = [BatchRow(job, self._tokenizer, self._stop_tokens, self._model.device) for job in jobs]
        if self._started(rows):
            return []
        self._free()
        running = {id(row) for row in self._alone + self._together}
        left = [row for row in rows if id(row) not in running]
        if running:
            self._full = True
            return [row.job for row in left]
        if len(left) == 1:
            left[0].fail(_("显存不够，请减少同时的请求或缩短文本"))
            return []
        half = len(left) // 2
        back, rest = self._admit([row.job for row in left[:half]]), [row.job for row in left[half:]]
        return [*back, *rest] if back else self._admit(rest)

    def _started(self, rows: list[BatchRow]) -> bool:
        """Starts rows. Returns False when memory is short and some may not have started. The memory of the
        failed pass is free only after this returns, because its traceback refers to it."""
        try:
            for read in self._reader.read(rows, beginnings=isinstance(self._caches, Slab)):
                self._put(read)
        except torch.OutOfMemoryError:
            return False
        except Exception as error:
            _fail(rows, error)
        return True

    def _put(self, read: ReadPrompts) -> None:
        """Starts rows whose prompts are processed."""
        if read.layers is None:
            for row in read.rows:
                row.cache = read.cache
                self._alone.append(row)
        else:
            if self._caches is None:
                slab = has_slab(self._model, read.cache)
                self._caches = (
                    Slab(self._graphs.keep) if slab else CacheBatch(not isinstance(read.cache, tuple))
                )
            lengths = [len(row.job.prompt) for row in read.rows]
            self._caches.join(read.layers, lengths, read.prefix)
            self._together += read.rows
        self._guarded(read.rows, lambda rows: self._take(rows, read.scores))

    def _step_alone(self, rows: list[BatchRow]) -> None:
        (row,) = rows
        if row.job.cancelled:
            row.ended = True
            return
        self._adapters.route([row.job.adapter])
        ids = torch.tensor([[row.ids[-1]]], device=self._model.device)
        out = self._model(input_ids=ids, past_key_values=row.cache, use_cache=True)
        row.cache = out.past_key_values
        self._take(rows, out.logits[:, -1])

    def _step_together(self) -> None:
        """Decodes one token for every row. When memory is short, the newest row fails and the others
        continue."""
        rows = self._together
        for row in rows:
            row.ended = row.ended or row.job.cancelled
        if any(row.ended for row in rows):
            self._drop_ended()
            rows = self._together
        if not rows or self._caches is None:
            self._flight = None
            return
        if isinstance(self._caches, Slab) and not self._exact and may_fly(rows):
            self._step_ahead(rows, self._caches)
            return
        if self._flight is not None:
            self._land(self._flight, None)
            return
        tokens, adapters = [row.ids[-1] for row in rows], [row.job.adapter for row in rows]
        try:
            if isinstance(self._caches, Slab):
                scores = self._graphs.forward(self._caches, tokens, adapters)
            else:
                self._adapters.route(adapters)
                scores = self._caches.forward(self._model, tokens)
        except torch.OutOfMemoryError:
            self._short(rows)
        except Exception as error:
            _fail(rows, error)
        else:
            self._guarded(rows, lambda those: self._take(those, scores))

    def _step_ahead(self, rows: list[BatchRow], slab: Slab) -> None:
        """Launches the next step before the tokens of the one before are read, so that the device never
        waits for the host. A row that those tokens end has then taken part in one step too many."""
        before, following = self._flight, None
        lengths = slab.lengths
        try:
            if before is None or goes_on(before, rows):
                step = partial(self._graphs.forward, slab)
                following = launch(rows, before, step, self._model.device)
        except torch.OutOfMemoryError:
            slab.lengths = lengths  # the tokens are fed again: those that were written do not count
            if before is None:
                self._short(rows)
                return
        except Exception as error:
            self._flight = None
            _fail(rows, error)
            return
        self._flight = following
        if before is not None:
            self._land(before, following)

    def _land(self, flight: Flight, following: Flight | None) -> None:
        """Appends the tokens of a launched step to the rows that still run."""
        self._flight = following
        try:
            tokens = flight.read()
        except Exception as error:
            self._flight = None
            _fail(self._together, error)
            return
        for row, token in zip(flight.rows, tokens, strict=True):
            if not row.ended:
                self._guarded([row], partial(_append, token))

    def _short(self, rows: list[BatchRow]) -> None:
        """Ends the newest row for lack of memory; what is freed is for the others."""
        self._free()
        rows[-1].fail(_("显存不够，请减少同时的请求或缩短文本"))
        self._drop_ended()
        self._full = True

    def _take(self, rows: list[BatchRow], scores: torch.Tensor) -> None:
        draws = [row.sampler.draw() for row in rows]
        tokens, unsure = choose(scores, [row.sampler for row in rows], draws)
        for at, row in enumerate(rows):
            again = draws[at] if unsure[at] and self._exact else None
            self._guarded([row], partial(self._settle, tokens[at], scores, at, again))

    def _settle(
        self, token: int, scores: torch.Tensor, at: int, again: float | None, rows: list[BatchRow]
    ) -> None:
        """Appends a token to one row, chosen from the logits at ``at`` of ``scores`` (B, V). An uncertain
        choice is made again from the row alone, with the random number ``again``."""
        (row,) = rows
        if again is not None:
            scores, at = self._reader.scores_of(row), 0
            token = choose(scores, [row.sampler], [again])[0][0]
        row.take(token, scores[at] if row.job.likely is not None else None)

    def _guarded(self, rows: list[BatchRow], step: Callable[[list[BatchRow]], None]) -> None:
        """Runs a step. If it fails, its own requests end with a message, and the loop continues."""
        try:
            step(rows)
        except torch.OutOfMemoryError:
            self._free()
            for row in rows:
                row.fail(_("显存不够，请减少同时的请求或缩短文本"))
        except Exception as error:
            _fail(rows, error)

    def _free(self) -> None:
        """Frees device memory that running requests do not need."""
        self._graphs.clear()
        self._reader.clear()
        if not self._together and isinstance(self._caches, Slab):
            self._caches.release()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _drop_ended(self) -> None:
        before = len(self._alone)
        self._alone = [row for row in self._alone if not row.ended]
        ended = [at for at, row in enumerate(self._together) if row.ended]
        if ended or len(self._alone) < before:
            self._full = False
        if ended and self._caches is not None:
            self._together = [self._together[at] for at in self._caches.drop(ended)]
        if self._waiting and any(job.cancelled for job in list(self._waiting)):
            with self._wake:
                self._waiting = deque(job for job in self._waiting if not job.cancelled)


def _append(token: int, rows: list[BatchRow]) -> None:
    rows[0].take(token)


def _fail(rows: list[BatchRow], error: Exception) -> None:
    traceback.print_exception(error)
    for row in rows:
        if not row.ended:
            row.fail(_("模型计算出错：{detail}", detail=first_line(error)))
