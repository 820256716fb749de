"""The answer to a browser whose WebSocket a proxy does not pass on. Such a proxy asks for the address of the
WebSocket as for a page; the browser then asks whether the server is there and shows what that answer says.
Pure ASGI."""

import time

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tianji_core.i18n import _

STREAM, ASKED_BEFORE = "/_stcore/stream", "/_stcore/host-config"
"""The address of the WebSocket, and what a browser asks for before it opens one."""
_REMEMBERED_S = 60.0
_MOST = 1000


class UpgradeNeeded:
    """Says in one sentence that the proxy has to pass the WebSocket on, to those whose last try came without
    it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._failed: dict[tuple[str, str], float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] == "http" and path.endswith(STREAM):
            if len(self._failed) >= _MOST:
                self._failed.clear()
            self._failed[_visitor(scope)] = time.monotonic()
            await _refusal()(scope, receive, send)
            return
        if scope["type"] == "websocket":
            self._failed.pop(_visitor(scope), None)
        elif scope["type"] == "http" and path.endswith(ASKED_BEFORE):
            since = self._failed.get(_visitor(scope))
            if since is not None and time.monotonic() - since < _REMEMBERED_S:
                await _refusal()(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _visitor(scope: Scope) -> tuple[str, str]:
    """Who asks: the address and the browser."""
    client = scope.get("client")
    return (client[0] if client else "", Headers(scope=scope).get("user-agent", ""))


def _refusal() -> JSONResponse:
    said = _(
        "前面的代理没有放行 WebSocket，页面打不开；请照 docs/nginx.conf 给代理加上 Upgrade 和 Connection 两行，再刷新"
    )
    # Of an answer that is no JSON the page shows the status alone.
    return JSONResponse(said, 426, {"Cache-Control": "no-store", "Upgrade": "websocket"})
