"""The routes of the model server, in groups: state, models, chat, adapters. Imported by the server process
only."""

import asyncio
import hmac
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.serving.answer import Mailbox, ServedAnswer, Stream
from tianji_core.serving.answer_forms import AnswerForm, ChatForm, CompletionForm
from tianji_core.serving.body_reading import read_body
from tianji_core.serving.guide import Guide
from tianji_core.serving.loading import Served
from tianji_core.serving.metrics import CONTENT_TYPE, Metrics
from tianji_core.serving.prompts import Prompt, chat_prompt, check_bias, completion_prompts
from tianji_core.serving.protocol import ApiError, bad_request
from tianji_core.serving.registry import Registry
from tianji_core.serving.request_bodies import (
    ChatRequest,
    CompletionRequest,
    LoadRequest,
    SamplingRequest,
    UnloadRequest,
)

SHOWN = 200
"""Characters of a name in a message."""


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

    def served(self, asked: SamplingRequest) -> Served:
        """Returns the model that a request names.

        Raises:
            ApiError: there is none of that name, or it lacks a token of ``logit_bias``.
        """
        entry = self.registry.get(asked.model)
        if entry is None:
            raise self.unknown(asked.model)
        check_bias(asked, entry)
        return entry

    async def answer(
        self,
        request: Request,
        asked: ChatRequest | CompletionRequest,
        entry: Served,
        prompts: list[Prompt],
        form: AnswerForm,
        guide: Guide | None = None,
    ) -> Response:
        """Returns the answer to a request, whole or as a stream.

        Raises:
            ApiError: too many requests are waiting, or the model fails.
        """
        assert self.mailbox is not None
        answer = ServedAnswer(asked, entry, prompts, form, guide, self.mailbox, self.metrics)
        answer.start()
        return Stream(answer) if asked.stream else JSONResponse(await answer.whole(request))

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
    """Returns the routes for chats and completions, streamed or not."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(service.admit)])

    @router.post("/chat/completions")
    async def chat_completions(request: Request) -> Response:
        asked = await read_body(request, ChatRequest)
        entry = service.served(asked)
        prompt = chat_prompt(asked, entry, service.system)
        form = ChatForm(entry.vocabulary, asked.likely)
        return await service.answer(request, asked, entry, [prompt], form, await _guide(asked, entry))

    @router.post("/completions")
    async def completions(request: Request) -> Response:
        asked = await read_body(request, CompletionRequest)
        entry = service.served(asked)
        prompts = completion_prompts(asked, entry)
        texts = [_text(prompt, entry) if asked.echo else "" for prompt in asked.prompts]
        beginnings = [text for text in texts for _choice in range(asked.n)]
        form = CompletionForm(entry.vocabulary, asked.likely, beginnings)
        return await service.answer(request, asked, entry, prompts, form)

    return router


def _text(prompt: str | list[int], entry: Served) -> str:
    return prompt if isinstance(prompt, str) else entry.tokenizer.decode(prompt)


async def _guide(asked: ChatRequest, entry: Served) -> Guide | None:
    """Returns what limits the answer to the response format, None for any text.

    Raises:
        ApiError: the schema cannot be used.
    """
    schema = asked.response_format.schema_value
    if schema is None:
        return None
    try:
        return await asyncio.to_thread(entry.vocabulary.guide, schema)
    except StudioError as error:
        raise bad_request(str(error), "invalid_schema", "response_format") from error


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
