"""Turns one chat request into OpenAI's answer: the engine runs its choices and delivers their text.
Imported by the server process only."""

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

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.model_folders.prompt import encode, with_system
from tianji_core.serving.generation import Generation, QueueFullError, TextPiece
from tianji_core.serving.loading import Served
from tianji_core.serving.metrics import Metrics
from tianji_core.serving.protocol import ApiError, ChatRequest, bad_request, chunk, completion, usage
from tianji_core.serving.sampling import Drawing


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


class ChatAnswer:
    """One request: the engine runs its choices, and their text arrives here."""

    def __init__(
        self, asked: ChatRequest, entry: Served, system: str | None, mailbox: Mailbox, metrics: Metrics
    ) -> None:
        self._asked = asked
        self._entry = entry
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._started = time.monotonic()
        self._pieces: asyncio.Queue[tuple[int, TextPiece]] = asyncio.Queue()
        self._tokens = [0] * asked.n
        self._mailbox = mailbox
        self._metrics = metrics
        self._outcome = "aborted"
        self._closed = False
        messages = with_system(asked.messages, entry.system if system is None else system)
        try:
            self._prompt = encode(entry.tokenizer, entry.template, messages)
            self._shared = entry.shared(messages[0])
        except InputError as error:
            raise bad_request(str(error), "invalid_messages", "messages") from error
        room = entry.context - len(self._prompt)
        if room < 1:
            message = _(
                "对话太长：{have} 个 token，模型最多 {limit} 个（还要留给回答），请至少缩短 {over} 个 token",
                have=len(self._prompt),
                limit=entry.context,
                over=1 - room,
            )
            raise bad_request(message, "context_length_exceeded", "messages")
        self._generations = [self._generation(index, room) for index in range(asked.n)]

    def _generation(self, index: int, room: int) -> Generation:
        asked = self._asked

        def deliver(piece: TextPiece) -> None:
            self._mailbox.post(self._pieces, index, piece)

        seed = None if asked.seed is None else (asked.seed + index) % 2**63
        return Generation(
            prompt=self._prompt,
            adapter=self._entry.adapter,
            drawing=Drawing(asked.temperature, asked.top_p, asked.repetition_penalty, seed),
            max_tokens=min(asked.token_limit, room),
            stop=tuple(asked.stop),
            deliver=deliver,
            streamed=asked.stream,
            shared=self._shared,
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
        texts = [""] * self._asked.n
        reasons = [""] * self._asked.n
        try:
            while not all(reasons):
                try:
                    index, piece = await asyncio.wait_for(self._pieces.get(), timeout=0.5)
                except TimeoutError:
                    if await request.is_disconnected():
                        return {}
                    continue
                if piece.error is not None:
                    self._outcome = "failed"
                    raise ApiError(500, piece.error, "server_error", "generation_failed")
                self._tokens[index] = piece.tokens
                texts[index] += piece.text
                reasons[index] = piece.finish_reason or ""
            self._outcome = "answered"
        finally:
            self.close()
        choices = [
            {"index": at, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
            for at, (text, reason) in enumerate(zip(texts, reasons, strict=True))
        ]
        return completion(self._id, self._created, self._entry.name, choices, self._usage())

    async def events(self) -> AsyncIterator[str]:
        """Yields the answer as server-sent events. The caller calls :meth:`close` afterwards, however it
        ends."""
        open_choices = set(range(self._asked.n))
        for index in sorted(open_choices):
            yield self._event(index, {"role": "assistant", "content": ""})
        while open_choices:
            index, piece = await self._pieces.get()
            if piece.error is not None:
                self._outcome = "failed"
                error = ApiError(500, piece.error, "server_error", "generation_failed")
                yield _line(error.body)
                return
            self._tokens[index] = piece.tokens
            if piece.text:
                yield self._event(index, {"content": piece.text})
            if piece.finish_reason is not None:
                open_choices.discard(index)
                yield self._event(index, {}, piece.finish_reason)
        self._outcome = "answered"
        options = self._asked.stream_options
        if options is not None and options.include_usage:
            yield _line(chunk(self._id, self._created, self._entry.name, [], self._usage()))
        yield "data: [DONE]\n\n"

    def _event(self, index: int, delta: dict[str, str], reason: str | None = None) -> str:
        choice = {"index": index, "delta": delta, "finish_reason": reason}
        return _line(chunk(self._id, self._created, self._entry.name, [choice]))

    def _usage(self) -> dict[str, int]:
        return usage(len(self._prompt), sum(self._tokens))

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
            len(self._prompt),
            sum(self._tokens),
            None if first is None else first - self._started,
            seconds,
        )
        print(
            f"{self._entry.name} {self._outcome} prompt={len(self._prompt)} "
            f"answer={sum(self._tokens)} tokens {seconds:.2f} s",
            flush=True,
        )


class Stream(StreamingResponse):
    """A streamed answer that cancels its generation when the client disconnects, even before the first
    event."""

    def __init__(self, answer: ChatAnswer) -> None:
        super().__init__(answer.events(), media_type="text/event-stream")
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._answer.close()


def _line(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
