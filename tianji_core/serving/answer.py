"""Turns one request into OpenAI's answer: the engine runs its choices and delivers their text. Imported by
the server process only."""

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tianji_core.i18n import _
from tianji_core.model_folders.own_sampling import OwnSampling
from tianji_core.serving.answer_forms import AnswerChoice, AnswerForm
from tianji_core.serving.generation import Generation, QueueFullError, TextPiece
from tianji_core.serving.guide import Guide
from tianji_core.serving.loading import Served
from tianji_core.serving.metrics import Metrics
from tianji_core.serving.prompts import Prompt
from tianji_core.serving.protocol import ApiError, usage
from tianji_core.serving.request_bodies import ChatRequest, CompletionRequest
from tianji_core.serving.sampling import Drawing

GONE = -1
"""The number, in place of a choice's, under which the departure of the client is told."""


class Mailbox:
    """Carries text from the decode thread to the event loop. One wake-up of the loop serves all text that
    is waiting."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._posted: deque[tuple[asyncio.Queue[tuple[int, TextPiece]], int, TextPiece]] = deque()
        self._woken = False

    def post(self, queue: "asyncio.Queue[tuple[int, TextPiece]]", index: int, piece: TextPiece) -> None:
        """Puts a piece of text into a queue of the loop. Safe to call from any thread.

        Raises:
            RuntimeError: the loop is closed.
        """
        self._posted.append((queue, index, piece))
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._open)

    def _open(self) -> None:
        self._woken = False  # first, so that text posted from now on wakes the loop again
        while self._posted:
            queue, index, piece = self._posted.popleft()
            queue.put_nowait((index, piece))


class ServedAnswer:
    """One request: the engine runs its choices, and their text arrives here. Choice ``at`` continues prompt
    ``at // n``."""

    def __init__(
        self,
        asked: ChatRequest | CompletionRequest,
        entry: Served,
        prompts: list[Prompt],
        form: AnswerForm,
        guide: Guide | None,
        mailbox: Mailbox,
        metrics: Metrics,
    ) -> None:
        """``guide`` limits every choice; none is for an answer of any form.

        Raises:
            ApiError: a prompt leaves no room for an answer.
        """
        self._asked = asked
        self._entry = entry
        self._form = form
        self._guide = guide
        self._id = f"{form.prefix}-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._started = time.monotonic()
        self._pieces: asyncio.Queue[tuple[int, TextPiece]] = asyncio.Queue()
        self._mailbox = mailbox
        self._metrics = metrics
        self._outcome = "aborted"
        self._closed = False
        self._prompt_tokens = sum(len(prompt.tokens) for prompt in prompts)
        self._generations = [
            self._generation(at, prompts[at // asked.n]) for at in range(len(prompts) * asked.n)
        ]
        self._tokens = [0] * len(self._generations)

    def _generation(self, at: int, prompt: Prompt) -> Generation:
        asked = self._asked

        def deliver(piece: TextPiece) -> None:
            self._mailbox.post(self._pieces, at, piece)

        guide = self._guide if self._guide is None or at == 0 else self._guide.copy()
        return Generation(
            prompt=prompt.tokens,
            adapter=self._entry.adapter,
            drawing=_drawing(asked, at % asked.n, self._entry.own),
            max_tokens=min(asked.token_limit, prompt.room),
            stop=tuple(asked.stop),
            deliver=deliver,
            streamed=asked.stream,
            shared=prompt.shared,
            guide=guide,
            likely=asked.likely,
        )

    def start(self) -> None:
        """Queues every choice.

        Raises:
            ApiError: 429, too many are waiting.
        """
        try:
            self._entry.engine.submit(self._generations)
        except QueueFullError as error:
            message = _("模型正忙，排队的请求太多，请稍后再试")
            self._metrics.refused(self._entry.name)
            raise ApiError(429, message, "rate_limit_error", "queue_full") from error

    async def whole(self, request: Request) -> dict[str, Any]:
        """Returns the whole answer. Cancels the generation when the client disconnects."""
        choices = [AnswerChoice() for _generation in self._generations]
        watch = asyncio.create_task(self._tell_of_departure(request))
        try:
            while not all(choice.reason for choice in choices):
                index, piece = await self._pieces.get()
                if index == GONE:
                    return {}
                if piece.error is not None:
                    self._outcome = "failed"
                    raise ApiError(500, piece.error, "server_error", "generation_failed")
                self._tokens[index] = piece.tokens
                choices[index].text += piece.text
                choices[index].likelihoods += piece.likelihoods
                choices[index].reason = piece.finish_reason or ""
            self._outcome = "answered"
        finally:
            watch.cancel()
            self.close()
        written = [self._form.whole(at, choice) for at, choice in enumerate(choices)]
        return {**self._object(self._form.whole_kind, written), "usage": self._usage()}

    async def _tell_of_departure(self, request: Request) -> None:
        """Waits until the client disconnects. Asking now and then instead costs a fifth of all work
        on a request."""
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self._pieces.put_nowait((GONE, TextPiece("", 0)))

    async def events(self) -> AsyncIterator[str]:
        """Yields the answer as server-sent events. The caller calls :meth:`close` afterwards, however it
        ends."""
        open_choices = set(range(len(self._generations)))
        for index in sorted(open_choices):
            if opening := self._form.opening(index):
                yield self._event(opening)
        while open_choices:
            index, piece = await self._pieces.get()
            if piece.error is not None:
                self._outcome = "failed"
                error = ApiError(500, piece.error, "server_error", "generation_failed")
                yield _line(error.body)
                return
            self._tokens[index] = piece.tokens
            if piece.text or piece.likelihoods:
                yield self._event(self._form.piece(index, piece.text, piece.likelihoods))
            if piece.finish_reason is not None:
                open_choices.discard(index)
                yield self._event(self._form.closing(index, piece.finish_reason))
        self._outcome = "answered"
        if self._counted:
            yield _line({**self._object(self._form.event_kind, []), "usage": self._usage()})
        yield "data: [DONE]\n\n"

    @property
    def _counted(self) -> bool:
        """Whether the stream carries the token counts: in its last event, and as null in all others."""
        return self._asked.stream_options is not None and self._asked.stream_options.include_usage

    def _event(self, choice: dict[str, Any]) -> str:
        event = self._object(self._form.event_kind, [choice])
        return _line({**event, "usage": None} if self._counted else event)

    def _object(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._entry.name,
            "choices": choices,
        }

    def _usage(self) -> dict[str, int]:
        return usage(self._prompt_tokens, sum(self._tokens))

    def close(self) -> None:
        """Cancels what still runs, counts the request, and logs one line. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for generation in self._generations:
            generation.cancelled = True
        seconds = time.monotonic() - self._started
        first = min(
            (generation.first for generation in self._generations if generation.first is not None),
            default=None,
        )
        self._metrics.ended(
            self._entry.name,
            self._outcome,
            self._prompt_tokens,
            sum(self._tokens),
            None if first is None else first - self._started,
            seconds,
        )
        print(
            f"{self._entry.name} {self._outcome} prompt={self._prompt_tokens} "
            f"answer={sum(self._tokens)} tokens {seconds:.2f} s",
            flush=True,
        )


class Stream(StreamingResponse):
    """A streamed answer that cancels its generation when the client disconnects, even before the first
    event."""

    def __init__(self, answer: ServedAnswer) -> None:
        super().__init__(answer.events(), media_type="text/event-stream")
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._answer.close()


def _line(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _drawing(asked: ChatRequest | CompletionRequest, number: int, own: OwnSampling) -> Drawing:
    """Returns the sampling parameters of one of ``n`` choices; each has a seed of its own. What the request
    does not name is the model's ``own``, else 1."""
    temperature = own.temperature if asked.temperature is None else asked.temperature
    top_p = own.top_p if asked.top_p is None else asked.top_p
    return Drawing(
        temperature=1.0 if temperature is None else temperature,
        top_p=1.0 if top_p is None else top_p,
        repetition_penalty=asked.repetition_penalty,
        seed=None if asked.seed is None else (asked.seed + number) % 2**63,
        top_k=asked.top_k,
        min_p=asked.min_p,
        presence_penalty=asked.presence_penalty,
        frequency_penalty=asked.frequency_penalty,
        bias=tuple(asked.logit_bias.items()),
    )
