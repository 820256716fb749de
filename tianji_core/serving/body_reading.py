"""Reads the JSON body of a request within limits. Imported by the server process only."""

import json
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from tianji_core.i18n import _
from tianji_core.recipe import explain
from tianji_core.serving.protocol import bad_request

MAX_BODY = 2_000_000
"""Maximum bytes of a request; far above any context that is served here."""

DRAINED = 10
"""A body up to this many times too large is read to its end, because most clients read no answer before they
have sent everything."""

MAX_DEPTH = 100
"""Objects and lists inside one another in a request; those of OpenAI's API and of JSON schemas have about
ten."""

MAX_DIGITS = 100
"""Digits of a whole number in a request."""

SHOWN = 200
"""Characters of a detail in a message."""

Body = TypeVar("Body", bound=BaseModel)


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

    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise bad_request(_("请求不是 UTF-8 编码的 JSON"), "invalid_json") from error
    try:
        value = json.loads(text, parse_constant=_no_number, parse_int=_whole_number)
        _check_depth(value)
        json.dumps(value, ensure_ascii=False).encode()  # fails for half of a character, such as "\ud800"
    except UnicodeEncodeError as error:
        message = _("请求里有半个字符（\\ud800 一类），请把文字换成完整的 Unicode")
        raise bad_request(message, "invalid_json") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError):
            detail = _("第 {line} 行第 {column} 列", line=error.lineno, column=error.colno)
        elif isinstance(error, RecursionError):
            detail = _("嵌套超过 {limit} 层", limit=MAX_DEPTH)
        else:
            detail = str(error)[:SHOWN]
        raise bad_request(_("请求不是合法的 JSON：{detail}", detail=detail), "invalid_json") from error
    return value


def _no_number(name: str) -> Any:
    raise ValueError(_("{name} 不是 JSON 的数", name=name))


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(_("有一个数超过 {limit} 位", limit=MAX_DIGITS))
    return int(digits)


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
