"""Turns the failure of a request into a :class:`TeacherError` with one sentence that says what to do. Servers
may echo the key, so every text from a server passes :meth:`Endpoint.clean` before it becomes part of a
message."""

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tianji_core.errors import (
    TeacherAnswerError,
    TeacherAuthError,
    TeacherError,
    TeacherRateLimitError,
    TeacherRefusalError,
    TeacherRequestError,
    TeacherTimeoutError,
    TeacherUnreachableError,
)
from tianji_core.i18n import _

_FILTERED = (
    "content_filter",
    "content filter",
    "content exists risk",
    "data_inspection_failed",
    "datainspectionfailed",
    "contentfilter",
    "敏感",
)
"""How providers name a request that their content filter stopped (OpenAI, Azure, DeepSeek, DashScope,
Zhipu)."""

_NO_CREDIT = (
    "insufficient_quota",
    "insufficient balance",
    "arrearage",
    "exceeded_current_quota",
    "欠费",
    "余额不足",
)
"""How providers name an empty account, sometimes with status 429 or 400, where waiting does not help."""

_KEY_SHAPE = re.compile(r"\b(?:sk|ak|tp)-[A-Za-z0-9_*\-]{6,}|(?<=Bearer )\S+")
MAX_DETAIL = 200
SHORTEST_SECRET = 4
"""Characters. A local server may take a single letter for a key, and removing it would garble every text."""


@dataclass(frozen=True)
class Endpoint:
    """A server as messages name it. ``secret`` serves only to remove the key from texts."""

    title: str
    base_url: str
    model: str
    key_variable: str | None
    timeout: float
    secret: str = field(default="", repr=False)

    def clean(self, text: object) -> str:
        """Returns ``text`` on one line, shortened, without the key and anything of the shape of a key."""
        shown = " ".join(str(text).split())
        if len(self.secret) >= SHORTEST_SECRET:
            shown = shown.replace(self.secret, "••••")
        shown = _KEY_SHAPE.sub("••••", shown)
        return shown if len(shown) <= MAX_DETAIL else shown[: MAX_DETAIL - 1] + "…"


def missing_key(endpoint: Endpoint) -> TeacherAuthError:
    """Returns the error for a key that is needed and not set."""
    return TeacherAuthError(
        _(
            "{title} 需要密钥：请在设置页填写，或设置环境变量 {variable}",
            title=endpoint.title,
            variable=endpoint.key_variable,
        )
    )


def from_status(
    endpoint: Endpoint,
    status: int,
    detail: str,
    headers: Mapping[str, str],
    known_models: list[str] | None = None,
) -> TeacherError:
    """Returns the error for an HTTP status of 400 or more; ``detail`` is the body of the answer."""
    message = _said(detail)
    said = endpoint.clean(message)
    lower = f"{detail} {message}".lower()  # the body has codes, the message has its \\u escapes resolved
    title = endpoint.title
    if status == 402 or any(mark in lower for mark in _NO_CREDIT):
        return TeacherAuthError(_("{title} 的账户余额或额度不足：{said}", title=title, said=said))
    if status in (401, 403):
        if endpoint.key_variable is None:
            return TeacherAuthError(
                _(
                    "{title} 要求密钥（HTTP {status}），请改选“其他 OpenAI 兼容接口”：{said}",
                    title=title,
                    status=status,
                    said=said,
                )
            )
        return TeacherAuthError(
            _(
                "{title} 不接受这个密钥（HTTP {status}）：请检查环境变量 {variable}，或在设置页重新填写。{said}",
                title=title,
                status=status,
                variable=endpoint.key_variable,
                said=said,
            )
        )
    if status == 429:
        return TeacherRateLimitError(
            _("{title} 限流了（HTTP 429），请降低并发或每分钟请求数：{said}", title=title, said=said),
            retry_after(headers),
        )
    if status == 408:
        return timed_out(endpoint)
    if status < 500 and status not in (404, 409, 425) and any(mark in lower for mark in _FILTERED):
        return TeacherRefusalError(_("{title} 的内容审核拦下了这个请求：{said}", title=title, said=said))
    if status == 404:
        return unknown_model(endpoint, said, known_models)
    if status >= 500 or status in (409, 425):
        return TeacherUnreachableError(
            _("{title} 的服务器出错（HTTP {status}）：{said}", title=title, status=status, said=said)
        )
    return TeacherRequestError(
        _(
            "{title} 不接受这个请求（HTTP {status}），请检查模型“{model}”和参数：{said}",
            title=title,
            status=status,
            model=endpoint.model,
            said=said,
        )
    )


def unknown_model(endpoint: Endpoint, said: str, known_models: list[str] | None) -> TeacherRequestError:
    """Returns the error for a 404, or for a model that the server does not list."""
    if known_models:
        shown = _("、").join(known_models[:12]) + ("…" if len(known_models) > 12 else "")
        return TeacherRequestError(
            _(
                "{title} 没有模型“{model}”，有的是：{known}",
                title=endpoint.title,
                model=endpoint.model,
                known=shown,
            )
        )
    return TeacherRequestError(
        _(
            "{title} 没有这个模型或地址（HTTP 404），请检查模型“{model}”和接口地址 {url}（通常以 /v1 结尾）：{said}",
            title=endpoint.title,
            model=endpoint.model,
            url=endpoint.base_url,
            said=said,
        )
    )


def timed_out(endpoint: Endpoint) -> TeacherTimeoutError:
    """Returns the error for no answer within the time limit."""
    return TeacherTimeoutError(
        _("{title} 在 {seconds} 秒内没有回答", title=endpoint.title, seconds=f"{endpoint.timeout:g}")
    )


def unreachable(endpoint: Endpoint, detail: object) -> TeacherUnreachableError:
    """Returns the error for a connection that cannot be made or breaks."""
    return TeacherUnreachableError(
        _(
            "连不上 {title}（{url}），请检查网络和接口地址：{said}",
            title=endpoint.title,
            url=endpoint.base_url,
            said=endpoint.clean(detail),
        )
    )


def unreadable(endpoint: Endpoint, detail: object) -> TeacherAnswerError:
    """Returns the error for an answer that this API does not define."""
    return TeacherAnswerError(
        _("{title} 的回答读不懂：{said}", title=endpoint.title, said=endpoint.clean(detail))
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds to wait by ``retry-after-ms`` or ``Retry-After`` (seconds or an HTTP date), or
    None."""
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        if "retry-after-ms" in lowered:
            return max(0.0, float(lowered["retry-after-ms"]) / 1000)
        if "retry-after" not in lowered:
            return None
        return max(0.0, float(lowered["retry-after"]))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(lowered.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def _said(text: str) -> str:
    """Returns the message in an error body; the whole text where it is not of the usual form."""
    try:
        body = json.loads(text)
    except ValueError:
        return text
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return text
    message = error.get("message") or error.get("msg") or error.get("detail")
    parts = [str(part) for part in (message, error.get("code"), error.get("type")) if part]
    return " · ".join(parts) or text
