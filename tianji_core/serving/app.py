"""The web application of the model server: OpenAI's chat API over the engines. Imported by the server
process only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp

from tianji_core.access.host_check import HostCheck
from tianji_core.access.hosts import AllowedHosts
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.serving.answer import Mailbox
from tianji_core.serving.protocol import ApiError, bad_request
from tianji_core.serving.registry import Registry
from tianji_core.serving.routes import Service, adapter_routes, chat_routes, model_routes, state_routes


def build_app(
    registry: Registry, system: str | None, hosts: AllowedHosts, ready: Callable[[], None], key: str = ""
) -> FastAPI:
    """Returns the application. ``system`` overrides every model's own system prompt; only requests for
    ``hosts`` are answered; ``ready`` is called once requests are accepted; clients must send ``key``, '' for
    none."""
    service = Service(registry, system, key)
    service.add_gauges()

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        service.mailbox = Mailbox(asyncio.get_running_loop())
        ready()
        yield

    app = FastAPI(title="Tianji", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    # Inside the check, which lets only pages of this server and of the allowed hosts through.
    app.add_middleware(
        CORSMiddleware, allow_origin_regex=".*", allow_methods=["GET", "POST"], allow_headers=["*"]
    )
    app.add_middleware(HostCheck, hosts=hosts, refusal=_foreign)
    _add_error_answers(app)
    for routes in (state_routes, model_routes, chat_routes, adapter_routes):
        app.include_router(routes(service))
    return app


def _add_error_answers(app: FastAPI) -> None:
    """Answers every error in OpenAI's format."""

    @app.exception_handler(ApiError)
    async def on_api_error(_request: Request, error: ApiError) -> Response:
        return JSONResponse(error.body, status_code=error.status)

    @app.exception_handler(StarletteHTTPException)
    async def on_http_error(_request: Request, error: HTTPException) -> Response:
        wrapped = bad_request(str(error.detail), "not_found" if error.status_code == 404 else "http_error")
        return JSONResponse(wrapped.body, status_code=error.status_code)

    @app.exception_handler(Exception)
    async def on_fault(_request: Request, error: Exception) -> Response:
        wrapped = ApiError(
            500, _("服务器内部出错：{detail}", detail=first_line(error)), "server_error", "internal"
        )
        return JSONResponse(wrapped.body, status_code=500)


def _foreign(reason: str) -> ASGIApp:
    """The answer to a request for another host or from another site's page, in OpenAI's format."""
    error = bad_request(reason, "invalid_host")
    return JSONResponse(error.body, status_code=error.status)
