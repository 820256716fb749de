"""The check in front of every server of the studio: only requests for its own names, and only from its own
pages. Pure ASGI, for HTTP and WebSocket."""

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from tianji_core.access.hosts import (
    ALLOWED_HOSTS_VARIABLE,
    AllowedHosts,
    origin_authority,
    parse_authority,
)
from tianji_core.i18n import _

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers by which a request shows that a proxy has passed it on."""

Refusal = Callable[[str], ASGIApp]
"""Makes the answer to a refused HTTP request from one sentence."""


class HostCheck:
    """Passes on the requests whose Host header names this server and whose Origin, where there is one, is a
    page of this server. Others get the answer of ``refusal``, a WebSocket is not opened (status 403).

    A request of another site's page without an Origin (an image, a script, a frame) is known by
    ``Sec-Fetch-Site``; following a link to the studio is allowed.

    With ``direct`` the server has no login because only this machine reaches it: a request that a proxy has
    passed on is refused, which comes from another machine under the name of this one.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts, refusal: Refusal, direct: bool = False) -> None:
        self._app = app
        self._hosts = hosts
        self._refusal = refusal
        self._direct = direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        reason = self._reason(scope)
        if not reason:
            await self._app(_as_the_browser_sees_it(scope), receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "host or origin not allowed"})
        else:
            await self._refusal(reason)(scope, receive, send)

    def _reason(self, scope: Scope) -> str:
        """Returns why the request is refused, or ''."""
        headers = Headers(scope=scope)
        given = headers.getlist("host")
        host = parse_authority(given[0]) if len(given) == 1 else None
        if host is None or host not in self._hosts:
            return _(
                "这里不用 {host} 这个地址访问：请用启动时显示的地址；经过代理或端口转发时，先设置"
                " {variable}={host} 再启动",
                host=(given[0][:100] if given else "''"),
                variable=ALLOWED_HOSTS_VARIABLE,
            )
        if self._direct and any(name in headers for name in FORWARDED):
            return _(
                "这个请求经过了代理，而工坊没有设登录：请用 --allow-host 写上代理的名字，或先用 python -m tianji_core users add"
                " 添加用户，再启动"
            )
        if origins := headers.getlist("origin"):
            origin = origin_authority(origins[0]) if len(origins) == 1 else None
            if origin is None or not (origin.is_page_of(host) or origin in self._hosts):
                return _(
                    "不接受来自别的网页（{origin}）的请求；要让那个网页用它，先设置 {variable}={page} 再启动",
                    origin=origins[0][:100],
                    variable=ALLOWED_HOSTS_VARIABLE,
                    page=origin or "HOST:PORT",
                )
        elif headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_navigation(
            scope, headers
        ):
            return _("不接受来自别的网页的请求")
        return ""


def _is_navigation(scope: Scope, headers: Headers) -> bool:
    """Returns whether a person followed a link here, in a window and not in a frame."""
    asked = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return scope.get("method") in ("GET", "HEAD") and asked == ("navigate", "document")


def _as_the_browser_sees_it(scope: Scope) -> Scope:
    """Returns the request with the Host of its Origin, which differs where a proxy writes its own Host, so
    that the application sees its own page asking."""
    headers = MutableHeaders(scope=dict(scope))
    origin = headers.get("origin", "")
    if not origin or origin.partition("://")[2] == headers.get("host"):
        return scope
    headers["host"] = origin.partition("://")[2]
    return {**scope, "headers": headers.raw}
