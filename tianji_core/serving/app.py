"""The HTTP face of the model server: OpenAI's chat API over the engines. Imported by the server process only."""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import Receive, Scope, Send

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.recipe import explain
from tianji_core.serving.engine import Generation, Piece, QueueFullError
from tianji_core.serving.loading import Served
from tianji_core.serving.protocol import ApiError, ChatRequest, bad_request, chunk, completion, usage
from tianji_core.serving.sampling import Drawing
from tianji_core.serving.template import encode, with_system

MAX_BODY = 2_000_000
"""Bytes of a request; far above any context that is served here."""


def build_app(
    served: list[Served], system: str | None, device: str, local: bool, ready: Callable[[], None]
) -> FastAPI:
    """The application. ``system`` overrides every model's own; ``local`` refuses foreign Host headers, so that a web
    page cannot reach the server through a name of its own; ``ready`` is called once requests are accepted."""
    by_name = {entry.name: entry for entry in served}
    engines = list({id(entry.engine): entry.engine for entry in served}.values())
    began = int(time.time())

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        ready()
        yield

    app = FastAPI(title="Tianji", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    if local:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]", "::1"])

    @app.exception_handler(ApiError)
    async def on_api_error(_request: Request, error: ApiError) -> Response:
        return JSONResponse(error.body, status_code=error.status)

    @app.exception_handler(StarletteHTTPException)
    async def on_http_error(_request: Request, error: HTTPException) -> Response:
        wrapped = bad_request(str(error.detail), "not_found" if error.status_code == 404 else "http_error")
        return JSONResponse(wrapped.body, status_code=error.status_code)

    @app.get("/health")
    async def health() -> Response:
        alive = all(engine.alive for engine in engines)
        body = {
            "status": "ok" if alive else "failed",
            "models": list(by_name),
            "active": sum(engine.active for engine in engines),
            "queued": sum(engine.queued for engine in engines),
            "device": device,
        }
        return JSONResponse(body, status_code=200 if alive else 503)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        entries = [
            {
                "id": entry.name,
                "object": "model",
                "created": began,
                "owned_by": "tianji",
                "parent": entry.parent or None,
                "max_model_len": entry.context,
            }
            for entry in served
        ]
        return {"object": "list", "data": entries}

    @app.post("/v1/chat/completions")
    async def chat_completions(request: Request) -> Response:
        asked = await _read(request)
        entry = by_name.get(asked.model)
        if entry is None:
            known = _("、").join(by_name)
            message = _("没有模型“{model}”，有的是：{known}", model=asked.model, known=known)
            raise bad_request(message, "model_not_found", "model", status=404)
        answer = _Answer(asked, entry, system)
        answer.start()
        if asked.stream:
            return _Stream(answer)
        return JSONResponse(await answer.whole(request))

    return app


async def _read(request: Request) -> ChatRequest:
    # A page of another site can post plain text without asking first, but not JSON.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise bad_request(_("请求头 Content-Type 应当是 application/json"), "content_type", status=415)
    body = await request.body()
    if len(body) > MAX_BODY:
        raise bad_request(_("请求太大，最多 {limit} 字节", limit=MAX_BODY), "too_large", status=413)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise bad_request(_("请求不是合法的 JSON：{detail}", detail=error), "invalid_json") from error
    try:
        return ChatRequest.model_validate(value)
    except ValidationError as error:
        param = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        raise bad_request(explain(error), "invalid_value", param or None) from error


class _Answer:
    """One request: its choices run in the engine, their pieces arrive here."""

    def __init__(self, asked: ChatRequest, entry: Served, system: str | None) -> None:
        self._asked = asked
        self._entry = entry
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._started = time.monotonic()
        self._pieces: asyncio.Queue[tuple[int, Piece]] = asyncio.Queue()
        self._tokens = [0] * asked.n
        messages = with_system(asked.messages, entry.system if system is None else system)
        try:
            self._prompt = encode(entry.tokenizer, entry.template, messages)
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
        asked, loop = self._asked, asyncio.get_running_loop()

        def deliver(piece: Piece) -> None:
            loop.call_soon_threadsafe(self._pieces.put_nowait, (index, piece))

        seed = None if asked.seed is None else (asked.seed + index) % 2**63
        return Generation(
            prompt=self._prompt,
            adapter=self._entry.adapter,
            drawing=Drawing(asked.temperature, asked.top_p, asked.repetition_penalty, seed),
            max_tokens=min(asked.token_limit, room),
            stop=tuple(asked.stop),
            deliver=deliver,
        )

    def start(self) -> None:
        """Queue every choice.

        Raises:
            ApiError: 429, too many are waiting.
        """
        try:
            self._entry.engine.submit(self._generations)
        except QueueFullError as error:
            message = _("模型正忙，排队的请求太多，请稍后再试")
            raise ApiError(429, message, "rate_limit_error", "queue_full") from error

    async def whole(self, request: Request) -> dict[str, Any]:
        """The answer in one piece; a client that hangs up ends it."""
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
                    raise ApiError(500, piece.error, "server_error", "generation_failed")
                self._tokens[index] = piece.tokens
                texts[index] += piece.text
                reasons[index] = piece.finish_reason or ""
        finally:
            self.close()
        choices = [
            {"index": at, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
            for at, (text, reason) in enumerate(zip(texts, reasons, strict=True))
        ]
        return completion(self._id, self._created, self._entry.name, choices, self._usage())

    async def events(self) -> AsyncIterator[str]:
        """The answer as server-sent events; :meth:`close` belongs after it, however it ended."""
        open_choices = set(range(self._asked.n))
        for index in sorted(open_choices):
            yield self._event(index, {"role": "assistant", "content": ""})
        while open_choices:
            index, piece = await self._pieces.get()
            if piece.error is not None:
                error = ApiError(500, piece.error, "server_error", "generation_failed")
                yield _line(error.body)
                return
            self._tokens[index] = piece.tokens
            if piece.text:
                yield self._event(index, {"content": piece.text})
            if piece.finish_reason is not None:
                open_choices.discard(index)
                yield self._event(index, {}, piece.finish_reason)
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
        """End what still runs and write one line to the log."""
        for generation in self._generations:
            generation.cancelled = True
        seconds = time.monotonic() - self._started
        print(
            f"{self._entry.name} prompt={len(self._prompt)} answer={sum(self._tokens)} tokens {seconds:.2f} s",
            flush=True,
        )


class _Stream(StreamingResponse):
    """Ends the generation when the client hangs up, even before the first event was asked for."""

    def __init__(self, answer: _Answer) -> None:
        super().__init__(answer.events(), media_type="text/event-stream")
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._answer.close()


def _line(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
