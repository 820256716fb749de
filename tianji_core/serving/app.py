"""The HTTP face of the model server: OpenAI's chat API over the engines. Imported by the server process only."""

import asyncio
import contextlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.recipe import explain
from tianji_core.serving.answer import Answer, Mailbox, Stream
from tianji_core.serving.client import LOCAL
from tianji_core.serving.loading import Served
from tianji_core.serving.metrics import CONTENT_TYPE, Metrics
from tianji_core.serving.protocol import ApiError, ChatRequest, LoadRequest, UnloadRequest, bad_request
from tianji_core.serving.registry import Registry

MAX_BODY = 2_000_000
"""Bytes of a request; far above any context that is served here."""

Body = TypeVar("Body", bound=BaseModel)


def build_app(
    registry: Registry, system: str | None, local: bool, ready: Callable[[], None], key: str = ""
) -> FastAPI:
    """The application. ``system`` overrides every model's own; ``local`` refuses foreign Host headers, so that a web
    page cannot reach the server through a name of its own; ``ready`` is called once requests are accepted; ``key`` is
    what clients must send, '' for nothing."""
    metrics = Metrics()
    mailboxes: list[Mailbox] = []

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        mailboxes.append(Mailbox(asyncio.get_running_loop()))
        ready()
        yield

    app = FastAPI(title="Tianji", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    if local:
        app.add_middleware(_LocalOnly)

    @app.exception_handler(ApiError)
    async def on_api_error(_request: Request, error: ApiError) -> Response:
        return JSONResponse(error.body, status_code=error.status)

    @app.exception_handler(StarletteHTTPException)
    async def on_http_error(_request: Request, error: HTTPException) -> Response:
        wrapped = bad_request(str(error.detail), "not_found" if error.status_code == 404 else "http_error")
        return JSONResponse(wrapped.body, status_code=error.status_code)

    @app.exception_handler(Exception)
    async def on_fault(_request: Request, error: Exception) -> Response:
        wrapped = ApiError(500, _("服务器内部出错：{detail}", detail=error), "server_error", "internal")
        return JSONResponse(wrapped.body, status_code=500)

    def admit(request: Request) -> None:
        said = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        if key and not hmac.compare_digest(said, key.encode()):
            message = _("密钥不对或没有给；请在请求头里写 Authorization: Bearer <密钥>")
            raise ApiError(401, message, "authentication_error", "invalid_api_key")

    def unknown(name: str) -> ApiError:
        known = _("、").join(registry.names)
        message = _("没有模型“{model}”，有的是：{known}", model=name, known=known)
        return bad_request(message, "model_not_found", "model", status=404)

    @app.get("/health")
    async def health() -> Response:
        alive = all(engine.alive for engine in registry.engines)
        process, on_gpu = registry.memory()
        body = {
            "status": "ok" if alive else "failed",
            "models": registry.names,
            "active": sum(engine.active for engine in registry.engines),
            "queued": sum(engine.queued for engine in registry.engines),
            "device": str(registry.device),
            "memory": on_gpu or process,
        }
        return JSONResponse(body, status_code=200 if alive else 503)

    @app.get("/metrics")
    async def exposition(request: Request) -> Response:
        admit(request)
        process, on_gpu = registry.memory()
        engines = registry.engines
        gauges = {
            "tianji_requests_running": ("Requests being answered.", sum(each.active for each in engines)),
            "tianji_requests_waiting": ("Requests in the queue.", sum(each.queued for each in engines)),
            "tianji_models": ("Model names that requests can use.", len(registry.names)),
            "tianji_process_memory_bytes": ("Memory of the process.", process),
            "tianji_gpu_memory_bytes": ("Memory of tensors on the GPU.", on_gpu),
        }
        return PlainTextResponse(metrics.text(gauges), media_type=CONTENT_TYPE)

    @app.get("/v1/models")
    async def models(request: Request) -> dict[str, Any]:
        admit(request)
        return {"object": "list", "data": [_card(entry, since) for entry, since in registry.entries]}

    @app.get("/v1/models/{name:path}")
    async def model(request: Request, name: str) -> dict[str, Any]:
        admit(request)
        for entry, since in registry.entries:
            if entry.name == name:
                return _card(entry, since)
        raise unknown(name)

    @app.post("/v1/chat/completions")
    async def chat_completions(request: Request) -> Response:
        admit(request)
        asked = await _read(request, ChatRequest)
        entry = registry.get(asked.model)
        if entry is None:
            raise unknown(asked.model)
        answer = Answer(asked, entry, system, mailboxes[0], metrics)
        answer.start()
        if asked.stream:
            return Stream(answer)
        return JSONResponse(await answer.whole(request))

    @app.post("/v1/load_lora_adapter")
    async def load_lora_adapter(request: Request) -> Response:
        admit(request)
        asked = await _read(request, LoadRequest)
        try:
            made = await registry.load(asked.lora_name, Path(asked.lora_path).expanduser(), asked.base_model)
        except StudioError as error:
            raise bad_request(str(error), "invalid_adapter", "lora_path") from error
        return PlainTextResponse(_("已在 {base} 上加载适配器 {name}", base=made.parent, name=made.name))

    @app.post("/v1/unload_lora_adapter")
    async def unload_lora_adapter(request: Request) -> Response:
        admit(request)
        asked = await _read(request, UnloadRequest)
        try:
            await registry.unload(asked.lora_name)
        except StudioError as error:
            raise bad_request(str(error), "model_not_found", "lora_name", status=404) from error
        return PlainTextResponse(_("已卸载适配器 {name}", name=asked.lora_name))

    return app


class _LocalOnly:
    """Refuses requests that reached this machine under a name of someone else, in the form of all other errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "") if scope["type"] == "http" else LOCAL[0]
        name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
        answer: ASGIApp = self._app
        if name not in LOCAL:
            error = bad_request(_("这个服务只给本机用，请用 {host} 访问它", host=LOCAL[0]), "invalid_host")
            answer = JSONResponse(error.body, status_code=error.status)
        await answer(scope, receive, send)


def _card(entry: Served, since: int) -> dict[str, Any]:
    return {
        "id": entry.name,
        "object": "model",
        "created": since,
        "owned_by": "tianji",
        "root": str(entry.path),
        "parent": entry.parent or None,
        "max_model_len": entry.context,
    }


async def _read(request: Request, form: type[Body]) -> Body:
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
        return form.model_validate(value)
    except ValidationError as error:
        param = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        raise bad_request(explain(error), "invalid_value", param or None) from error
