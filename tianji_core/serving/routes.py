"""The routes of the model server, in groups: state, models, chat, adapters. Imported by the server process
only."""

import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ValidationError

from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.recipe import explain
from tianji_core.serving.answer import ChatAnswer, Mailbox, Stream
from tianji_core.serving.loading import Served
from tianji_core.serving.metrics import CONTENT_TYPE, Metrics
from tianji_core.serving.protocol import ApiError, ChatRequest, LoadRequest, UnloadRequest, bad_request
from tianji_core.serving.registry import Registry

MAX_BODY = 2_000_000
"""Maximum bytes of a request; far above any context that is served here."""

DRAINED = 10
"""A body up to this many times too large is read to its end, because most clients read no answer before they
have sent everything."""

MAX_DEPTH = 100
"""Objects and lists inside one another in a request; those of OpenAI's API and of JSON schemas have about
ten."""

SHOWN = 200
"""Characters of a name in a message."""

Body = TypeVar("Body", bound=BaseModel)


@dataclass
class Service:
    """State that the routes share. ``system`` overrides every model's own system prompt; clients must send
    ``key``, '' for none; ``mailbox`` is set when the event loop runs."""

    registry: Registry
    system: str | None
    key: str
    metrics: Metrics = field(default_factory=Metrics)
    mailbox: Mailbox | None = None

    async def admit(self, request: Request) -> None:
        """Refuses a request without the key.

        Raises:
            ApiError: with status 401.
        """
        scheme, _space, said = request.headers.get("authorization", "").strip().partition(" ")
        known = scheme.lower() == "bearer"  # its case is free: RFC 9110, section 11.1
        same = hmac.compare_digest(said.strip().encode("latin-1"), self.key.encode())
        if self.key and not (known and same):
            message = _("密钥不对或没有给；请在请求头里写 Authorization: Bearer <密钥>")
            raise ApiError(401, message, "authentication_error", "invalid_api_key")

    def unknown(self, name: str) -> ApiError:
        """Returns the error for a model name that is not served."""
        known = _("、").join(self.registry.names)
        message = _("没有模型“{model}”，有的是：{known}", model=name[:SHOWN], known=known)
        return bad_request(message, "model_not_found", "model", status=404)

    def add_gauges(self) -> None:
        """Adds gauges for requests, models and memory to the metrics."""
        registry, gauge = self.registry, self.metrics.gauge
        engines = registry.engines
        gauge("tianji_requests_running", "Requests being answered.", lambda: sum(e.active for e in engines))
        gauge("tianji_requests_waiting", "Requests in the queue.", lambda: sum(e.queued for e in engines))
        gauge("tianji_models", "Model names that requests can use.", lambda: len(registry.names))
        gauge("tianji_process_memory_bytes", "Memory of the process.", lambda: registry.memory()[0])
        gauge("tianji_gpu_memory_bytes", "Memory of tensors on the GPU.", lambda: registry.memory()[1])


def state_routes(service: Service) -> APIRouter:
    """Returns the routes for health, which needs no key, and metrics."""
    router = APIRouter()
    registry = service.registry

    @router.get("/health")
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

    @router.get("/metrics", dependencies=[Depends(service.admit)])
    async def metrics() -> Response:
        return PlainTextResponse(service.metrics.text(), media_type=CONTENT_TYPE)

    return router


def model_routes(service: Service) -> APIRouter:
    """Returns the routes that list all models and one model."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(service.admit)])

    @router.get("/models")
    async def models() -> dict[str, Any]:
        entries = service.registry.entries
        return {"object": "list", "data": [_card(entry, since) for entry, since in entries]}

    @router.get("/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        for entry, since in service.registry.entries:
            if entry.name == name:
                return _card(entry, since)
        raise service.unknown(name)

    return router


def chat_routes(service: Service) -> APIRouter:
    """Returns the route for chat completions, streamed or not."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(service.admit)])

    @router.post("/chat/completions")
    async def chat_completions(request: Request) -> Response:
        asked = await read_body(request, ChatRequest)
        entry = service.registry.get(asked.model)
        if entry is None:
            raise service.unknown(asked.model)
        assert service.mailbox is not None
        answer = ChatAnswer(asked, entry, service.system, service.mailbox, service.metrics)
        answer.start()
        if asked.stream:
            return Stream(answer)
        return JSONResponse(await answer.whole(request))

    return router


def adapter_routes(service: Service) -> APIRouter:
    """Returns the routes that load and unload adapters while the server runs."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(service.admit)])
    registry = service.registry

    @router.post("/load_lora_adapter")
    async def load_lora_adapter(request: Request) -> Response:
        asked = await read_body(request, LoadRequest)
        try:
            made = await registry.load(asked.lora_name, Path(asked.lora_path), asked.base_model)
        except StudioError as error:
            raise bad_request(str(error), "invalid_adapter", "lora_path") from error
        return PlainTextResponse(_("已在 {base} 上加载适配器 {name}", base=made.parent, name=made.name))

    @router.post("/unload_lora_adapter")
    async def unload_lora_adapter(request: Request) -> Response:
        asked = await read_body(request, UnloadRequest)
        try:
            await registry.unload(asked.lora_name)
        except StudioError as error:
            raise bad_request(str(error), "model_not_found", "lora_name", status=404) from error
        return PlainTextResponse(_("已卸载适配器 {name}", name=asked.lora_name))

    return router


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


async def read_body(request: Request, form: type[Body]) -> Body:
    """Returns the checked JSON body of a request.

    Raises:
        ApiError: not JSON, too large, or a field is wrong; the error names the field.
    """
    # A web page of another origin can post plain text without a preflight request, but not JSON.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise bad_request(_("请求头 Content-Type 应当是 application/json"), "content_type", status=415)
    value = _json(await _body(request))
    try:
        return form.model_validate(value)
    except ValidationError as error:
        param = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])[:SHOWN]
        message = explain(error, _("请求"))[: 5 * SHOWN]
        raise bad_request(message, "invalid_value", param or None) from error


async def _body(request: Request) -> bytes:
    """Returns the body of a request, keeping no more than :data:`MAX_BODY`.

    Raises:
        ApiError: it is larger.
    """
    body, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_BODY:
            body += part
        elif size > DRAINED * MAX_BODY:
            break
    if size > MAX_BODY:
        raise bad_request(_("请求太大，最多 {limit} 字节", limit=MAX_BODY), "too_large", status=413)
    return bytes(body)


def _json(body: bytes) -> Any:
    """Returns a body as JSON without the extensions of Python's parser, and as text that can be encoded.

    Raises:
        ApiError: it is something else.
    """

    def refused(name: str) -> Any:
        raise ValueError(_("{name} 不是 JSON 的数", name=name))

    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=refused)
        _check_depth(value)
        json.dumps(value, ensure_ascii=False).encode()  # fails for half of a character, such as "\ud800"
    except UnicodeEncodeError as error:
        message = _("请求里有半个字符（\\ud800 一类），请把文字换成完整的 Unicode")
        raise bad_request(message, "invalid_json") from error
    except (ValueError, RecursionError) as error:
        detail = str(error)[:SHOWN]
        raise bad_request(_("请求不是合法的 JSON：{detail}", detail=detail), "invalid_json") from error
    return value


def _check_depth(value: Any) -> None:
    """Checks that no more than :data:`MAX_DEPTH` objects and lists lie inside one another.

    Raises:
        ValueError: they do.
    """
    level = [value]
    for _depth in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise ValueError(_("嵌套超过 {limit} 层", limit=MAX_DEPTH))
