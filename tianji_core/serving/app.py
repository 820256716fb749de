"""The web application of the model server: OpenAI's chat API over the engines. Imported by the server
process only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from tianji_core.i18n import _
from tianji_core.serving.answer import Mailbox
from tianji_core.serving.client import LOCAL
from tianji_core.serving.protocol import ApiError, bad_request
from tianji_core.serving.registry import Registry
from tianji_core.serving.routes import Service, adapter_routes, chat_routes, model_routes, state_routes


def build_app(
    registry: Registry, system: str | None, local: bool, ready: Callable[[], None], key: str = ""
) -> FastAPI:
    """Returns the application. ``system`` overrides every model's own system prompt; ``local`` refuses
    foreign Host headers, so that a web page cannot reach the server through a name of its own; ``ready``
    is called once requests are accepted; clients must send ``key``, '' for none."""
    service = Service(registry, system, key)
    service.add_gauges()

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        service.mailbox = Mailbox(asyncio.get_running_loop())
        ready()
        yield

    app = FastAPI(title="Tianji", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    if local:
        app.add_middleware(_LocalOnly)
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
        wrapped = ApiError(500, _("服务器内部出错：{detail}", detail=error), "server_error", "internal")
        return JSONResponse(wrapped.body, status_code=500)


class _LocalOnly:
    """Refuses requests whose Host header is not a local name, with an error in OpenAI's format."""

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
