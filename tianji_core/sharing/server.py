"""The page of a shared model and its answers, in front of the login. Pure ASGI.

What a link opens is this page and the answers to its questions: no other path, no WebSocket, no cookie.
"""

import json
from collections.abc import AsyncIterator, Iterator
from math import ceil
from urllib.parse import quote

import anyio
from pydantic import ValidationError
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tianji_core.access.visitors import Accounts
from tianji_core.errors import InputError, ServerError, StudioError
from tianji_core.i18n import LANGUAGES, _, in_language, language
from tianji_core.recipe import Recipe
from tianji_core.sharing.links import Share, Shares
from tianji_core.sharing.pace import SharePace
from tianji_core.sharing.page import closed_page, share_page
from tianji_core.sharing.questions import VisitorQuestion, answer, question
from tianji_core.store import recipes
from tianji_core.workspace import Workspace

PREFIX = "/share/"
MOST_BYTES = 8192
"""Of the body of a question."""
_QUIET = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


class SharePages:
    """Answers ``/share/TOKEN`` and ``/share/TOKEN/ask`` below ``base_path``; every other request, and every
    WebSocket, goes on to ``app``. ``accounts`` say who has an account, for the links that ask for one."""

    def __init__(
        self, app: ASGIApp, workspace: Workspace, base_path: str = "", accounts: Accounts | None = None
    ) -> None:
        self._app, self._workspace, self._accounts = app, workspace, accounts
        self._prefix = base_path + PREFIX
        self._shares = Shares(workspace)
        self._pace = SharePace()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        token, slash, rest = scope["path"].removeprefix(self._prefix).partition("/")
        response = await self._answer(request, token, slash + rest)
        for name, value in _QUIET.items():
            response.headers[name] = value
        await response(scope, receive, send)

    async def _answer(self, request: Request, token: str, rest: str) -> Response:
        spoken = _language_of(request)
        asks = rest == "/ask" and request.method == "POST"
        if not asks and not (rest == "" and request.method in ("GET", "HEAD")):
            return closed_page(spoken)
        try:
            share, recipe = await run_in_threadpool(self._opened, token)
        except (StudioError, OSError):
            share, recipe = None, None
        if share is None or recipe is None:
            gone = in_language(_("这个链接不对、已经到期或者被收回了"), spoken)
            return JSONResponse({"error": gone}, 404) if asks else closed_page(spoken)
        if share.login and self._accounts is not None and self._accounts.visitor(request.cookies) is None:
            if asks:
                return JSONResponse({"error": in_language(_("请先登录"), spoken)}, 401)
            return RedirectResponse(f"../login?next={quote(f'share/{token}', safe='')}", 303)
        return (
            await self._asked(request, token, share, recipe, spoken)
            if asks
            else share_page(share, recipe, spoken)
        )

    def _opened(self, token: str) -> tuple[Share | None, Recipe | None]:
        share = self._shares.find(token)
        if share is None:
            return None, None
        return share, recipes.current(self._workspace.engine, share.recipe).recipe

    async def _asked(
        self, request: Request, token: str, share: Share, recipe: Recipe, spoken: str
    ) -> Response:
        def refused(reason: str, status: int, wait: int = 0) -> Response:
            headers = {"Retry-After": str(wait)} if wait else None
            return JSONResponse({"error": in_language(reason, spoken)}, status, headers)

        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return refused(_("请在页面上提问"), 415)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return refused(_("问得太长了"), 413)
        try:
            asked = VisitorQuestion.model_validate_json(body)
            text = question(recipe, asked)
        except ValidationError:
            return refused(_("问得太长了"), 422)
        except StudioError as error:
            return refused(_for_visitors(error), 422)
        ticket, wait = self._pace.begin(share.id, share.per_minute)
        if not ticket:
            seconds = max(1, ceil(wait))
            return refused(_("现在问的人太多，请等 {n} 秒再试", n=seconds), 429, seconds)
        pieces = answer(self._workspace, self._shares, token, recipe, text)
        stream = self._streamed(_lines(text, pieces, spoken), ticket)
        return StreamingResponse(stream, media_type="application/x-ndjson")

    async def _streamed(self, lines: Iterator[str], ticket: int) -> AsyncIterator[str]:
        try:
            async for line in iterate_in_threadpool(lines):
                yield line
        finally:
            self._pace.end(ticket)
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(lines.close)  # type: ignore[attr-defined]


def _lines(text: str, pieces: Iterator[str], spoken: str) -> Iterator[str]:
    """The answer as lines of JSON: the question as it is asked, pieces of the answer, an end or an error."""

    def line(**said: object) -> str:
        return json.dumps(said, ensure_ascii=False) + "\n"

    yield line(question=text)
    try:
        for piece in pieces:
            yield line(piece=piece)
    except (StudioError, OSError) as error:
        yield line(error=in_language(_for_visitors(error), spoken))
    else:
        yield line(end=True)


def _for_visitors(error: Exception) -> str:
    """What a visitor is told of an error: the sentences of :mod:`tianji_core.sharing.questions`, and of any
    other error nothing, since it may name folders, addresses or settings of the studio."""
    told = type(error) in (InputError, ServerError)  # a more special one, as SettingsError, names files
    return str(error) if told else _("模型没有答上来，请再试一次")


def _language_of(request: Request) -> str:
    """The language of the page: the one in its address, else the browser's first, else the studio's."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    first = request.headers.get("accept-language", "").split(",")[0].strip().lower()[:2]
    return first if first in LANGUAGES else language()
