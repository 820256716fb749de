"""The login in front of a server: without one a visitor gets the login page and nothing else. Pure ASGI, for
HTTP and WebSocket.

Every address it sends is relative, so that it also holds behind a proxy that cuts off a part of the path.
"""

import asyncio
import time
from collections.abc import Iterable
from math import ceil
from urllib.parse import parse_qs, quote, unquote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from tianji_core.access.attempts import address_key, name_key
from tianji_core.access.login_page import login_page, logout_page
from tianji_core.access.sessions import LONGEST
from tianji_core.access.visitors import Accounts, Visitor
from tianji_core.i18n import _

_MOST_BYTES = 8192
"""Of a login form."""
_LOOK_AGAIN_S = 1.0
"""Seconds after which a message to an open page asks again whether its login still counts."""

_SIGN_ON_PATH = "/login/single-sign-on"
"""Leads on to the identity provider."""
_SIGNED_ON = "signed-on"
"""Marks the way back from the provider."""
_BACK = "-back"
"""Ending of the name of the cookie with the page that was asked for before the single sign-on."""
_SIGN_ON_S = 900
"""Seconds that a person has at the identity provider."""


class LoginRequired:
    """Passes on the requests of visitors with a login, and those for one of ``open_paths``. A page asked for
    without a login leads to the login page and back; everything else gets status 401, a WebSocket is not
    opened (status 403). The WebSocket of a login that ends is closed.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts, open_paths: Iterable[str] = ()) -> None:
        self._app = app
        self._accounts = accounts
        base = accounts.base_path
        self._open = {base + path for path in open_paths}
        self._callback = ""
        if (other := accounts.single_sign_on) is not None:
            self._open.add(base + other.begin_path)
            self._callback = base + other.callback_path
        self._forms = _Forms(accounts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in self._open):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] == self._callback:
            await self._app(scope, receive, _leading_to_the_login(send))
            return
        visitor = self._accounts.visitor(HTTPConnection(scope).cookies)
        if scope["type"] == "websocket":
            await self._websocket(visitor, scope, receive, send)
        elif (answer := await self._forms.answer(visitor, scope, receive)) is not None:
            await answer(scope, receive, send)
        elif visitor is not None:
            await self._app(scope, receive, send)
        else:
            await self._refused(scope)(scope, receive, send)

    def _refused(self, scope: Scope) -> Response:
        wants_page = "text/html" in Headers(scope=scope).get("accept", "")
        if scope["method"] not in ("GET", "HEAD") or not wants_page:
            return PlainTextResponse(_("请先登录") + "\n", status_code=401)
        path = scope["path"].removeprefix(self._accounts.base_path).removeprefix("/")
        query = scope.get("query_string", b"").decode("latin-1")
        asked = quote(path, safe="/") + ("?" + query if query else "")
        up = "../" * path.count("/")
        return RedirectResponse(f"{up or './'}login?{urlencode({'next': asked})}", 303)

    async def _websocket(self, visitor: Visitor | None, scope: Scope, receive: Receive, send: Send) -> None:
        if visitor is None:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "login required"})
            return
        cookies, looked = HTTPConnection(scope).cookies, time.monotonic()

        async def still_received() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and self._accounts.visitor(cookies) is None:
                await send({"type": "websocket.close", "code": 1008, "reason": "login ended"})
                return {"type": "websocket.disconnect", "code": 1008}
            return message

        async def still_sent(message: Message) -> None:
            nonlocal looked
            if message["type"] == "websocket.send" and time.monotonic() - looked > _LOOK_AGAIN_S:
                looked = time.monotonic()
                if self._accounts.visitor(cookies) is None:
                    await send({"type": "websocket.close", "code": 1008, "reason": "login ended"})
                    raise WebSocketDisconnect(1008)
            await send(message)

        await self._app(scope, still_received, still_sent)


class _Forms:
    """The answers at ``/login`` and ``/logout``."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._attempts = accounts.attempts
        self._one_at_a_time = asyncio.Lock()
        """A check takes 32 MiB, and the next one must know the outcome."""

    async def answer(self, visitor: Visitor | None, scope: Scope, receive: Receive) -> Response | None:
        """Returns the answer, or None for another path."""
        path = scope["path"].removeprefix(self._accounts.base_path)
        request = Request(scope, receive)
        if path == "/login":
            return await self._login(request) if request.method == "POST" else self._asked(request, visitor)
        if path == "/logout":
            return self._logout(request, visitor)
        if path == _SIGN_ON_PATH:
            return self._led_to_the_provider(request)
        return None

    def _asked(self, request: Request, visitor: Visitor | None) -> Response:
        token, back = request.query_params.get("token", ""), _local(request.query_params.get("next", ""))
        if token and self._accounts.takes_token(token):
            return self._begun(request, "", back)
        if visitor is not None:
            return RedirectResponse(back, 303)
        if _SIGNED_ON in request.query_params:
            return self._signed_on(request)
        used = _("这个一次性地址已经用过，或者不对；重新启动工坊会得到新的。")
        return self._form(back, error=used if token else "")

    def _led_to_the_provider(self, request: Request) -> Response | None:
        """Leads to the single sign-on, and remembers the page that was asked for."""
        other = self._accounts.single_sign_on
        if other is None:
            return None
        answer = RedirectResponse(f"..{other.begin()}", 303, {"Cache-Control": "no-store"})
        back = _local(request.query_params.get("next", ""))
        self._set_cookie(answer, request, self._accounts.cookie + _BACK, quote(back), _SIGN_ON_S)
        return answer

    def _signed_on(self, request: Request) -> Response:
        """Begins the login of a person who comes from the single sign-on, and removes its cookies."""
        other, cookies = self._accounts.single_sign_on, request.cookies
        email = other.email(cookies) if other is not None else ""
        user = self._accounts.users.find(email) if email else None
        back = _local(unquote(cookies.get(self._accounts.cookie + _BACK, "")).removeprefix("./"))
        if user is not None:
            answer = self._begun(request, user.name, back)
        elif email:
            unknown = _("{email} 不在工坊的用户名单里；请工坊的所有者添加这个邮箱", email=email[:100])
            answer = self._form(back, error=unknown, status=403)
        else:
            failed = _("单点登录没有成功，或者登录服务没有确认您的邮箱；请再试一次，或用名字和密码登录")
            answer = self._form(back, error=failed, status=401)
        path = self._accounts.base_path or "/"
        proofs = [name for name in cookies if other is not None and name.startswith(other.cookies)]
        for name in (*proofs, self._accounts.cookie + _BACK):
            answer.delete_cookie(name, path=path)
        return answer

    def _logout(self, request: Request, visitor: Visitor | None) -> Response:
        if visitor is None:
            return RedirectResponse("./login", 303)
        if request.method != "POST":
            return logout_page("./logout", "./", visitor.name)
        self._accounts.sessions.end(visitor.session)
        answer = RedirectResponse("./login", 303)
        answer.delete_cookie(self._accounts.cookie, path=self._accounts.base_path or "/")
        return answer

    def _form(self, next_path: str, name: str = "", error: str = "", status: int = 200) -> Response:
        asked = next_path.removeprefix("./")
        other = ""
        if self._accounts.single_sign_on is not None:
            other = f".{_SIGN_ON_PATH}?{urlencode({'next': asked})}"
        return login_page("./login", asked, name, error, status, other)

    async def _login(self, request: Request) -> Response:
        fields = await _form_fields(request)
        name, password = fields.get("name", ""), fields.get("password", "")
        back = _local(fields.get("next", ""))
        client = request.client.host if request.client else ""
        keys = [address_key(client), name_key(name)]
        async with self._one_at_a_time:
            if wait := ceil(self._attempts.wait(keys)):
                error = _("错的次数太多了，请等 {n} 秒再试", n=wait)
                answer = self._form(back, name, error, 429)
                answer.headers["Retry-After"] = str(wait)
                return answer
            user = await run_in_threadpool(self._accounts.users.checked, name, password)
            if user is None:
                self._attempts.failed(keys)
                return self._form(back, name, _("名字或密码不对"), 401)
            self._attempts.succeeded(keys)
        return self._begun(request, user.name, back)

    def _begun(self, request: Request, user: str, back: str) -> Response:
        """Begins a login and leads to ``back``. The cookie is kept from scripts, from other sites' requests,
        and, where the browser uses TLS, from requests without it."""
        client = request.client.host if request.client else ""
        token = self._accounts.sessions.begin(user, client, request.headers.get("user-agent", ""))
        answer = RedirectResponse(back, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        self._set_cookie(answer, request, self._accounts.cookie, token, int(LONGEST.total_seconds()))
        return answer

    def _set_cookie(self, answer: Response, request: Request, name: str, value: str, age_s: int) -> None:
        encrypted = request.url.scheme == "https" or request.headers.get("origin", "").startswith("https:")
        answer.set_cookie(
            name,
            value,
            max_age=age_s,
            path=self._accounts.base_path or "/",
            secure=encrypted,
            httponly=True,
            samesite="lax",
        )


def _leading_to_the_login(send: Send) -> Send:
    """Returns a ``send`` whose redirects lead to the login page, beside the path that was asked for: there
    the proof in the cookies becomes a login."""

    async def changed(message: Message) -> None:
        if message["type"] == "http.response.start" and 300 <= message["status"] < 400:
            MutableHeaders(scope=message)["location"] = f"./login?{_SIGNED_ON}=1"
        await send(message)

    return changed


def _local(asked: str) -> str:
    """Returns the address of a page of this server relative to the login page; ``asked`` cannot lead to
    another one."""
    return f"./{asked}" if asked.isascii() and asked.isprintable() and len(asked) < 2000 else "./"


async def _form_fields(request: Request) -> dict[str, str]:
    """Returns the fields of a submitted form, none where it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return {}
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    except ValueError:  # more fields than the form has
        return {}
    return {name: values[0] for name, values in fields.items()}
