"""Turns the failure of a request into a :class:`TeacherError` with one sentence that says what to do. Servers
may echo the key, so every text from a server passes :meth:`Endpoint.clean` before it becomes part of a
message."""

import email.utils
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tianji_core.addresses import on_this_machine
from tianji_core.errors import (
    TeacherAnswerError,
    TeacherAuthError,
    TeacherRequestError,
    TeacherTimeoutError,
    TeacherUnreachableError,
    UnknownModelError,
)
from tianji_core.gate import MASK, clean_sentence
from tianji_core.i18n import _

_KEY_SHAPE = re.compile(r"\b(?:sk|ak|tp)-[A-Za-z0-9_*\-]{6,}|(?<=Bearer )\S+")
SHORTEST_SECRET = 4
"""Characters of a key that is removed from messages. A local server may take a single letter for a key, and
removing it would garble every text."""

_AGAIN = re.compile(
    r"(?:retry|try again|reset|wait)s? (?:in |after |for |about )?"
    r"(?=\d)(?:(\d{1,3}) ?h(?:ours?)?,? ?)?(?:(\d{1,5}) ?m(?:in(?:utes?)?)?,? ?)?"
    r"(?:(\d{1,7}(?:\.\d{1,9})?) ?s(?:ec(?:ond)?s?)?)?(?!\w)",
    re.IGNORECASE,
)

_BROKEN_OFF = ("RemoteProtocolError", "ReadError")
"""Errors of either HTTP library for a server that ends a connection before its answer is whole."""

CONNECT_SECONDS = 10.0
"""How long a connection may take to be made; less where the whole request may take less."""


@dataclass(frozen=True)
class Endpoint:
    """A server as messages name it. ``secret`` serves only to remove the key from texts;
    ``sends_finish_reason`` is False for one that never says why an answer ended."""

    title: str
    base_url: str
    model: str
    key_variable: str | None
    timeout: float
    secret: str = field(default="", repr=False)
    sends_finish_reason: bool = True

    def clean(self, text: object) -> str:
        """Returns ``text`` on one line, shortened, without the key and anything of the shape of a key."""
        shown = clean_sentence(text)
        if len(self.secret) >= SHORTEST_SECRET:
            shown = shown.replace(self.secret, MASK)
        return _KEY_SHAPE.sub(MASK, shown)


def missing_key(endpoint: Endpoint) -> TeacherAuthError:
    """Returns the error for a key that is needed and not set."""
    return TeacherAuthError(
        _(
            "{title} 需要密钥：请在设置页填写，或设置环境变量 {variable}",
            title=endpoint.title,
            variable=endpoint.key_variable,
        )
    )


def unknown_model(endpoint: Endpoint, said: str, known_models: list[str] | None) -> TeacherRequestError:
    """Returns the error for a 404, or for a model that the server does not list."""
    if known_models and endpoint.model not in known_models:
        shown = _("、").join(known_models[:12]) + ("…" if len(known_models) > 12 else "")
        return UnknownModelError(
            _(
                "{title} 没有模型“{model}”，有的是：{known}",
                title=endpoint.title,
                model=endpoint.model,
                known=shown,
            ),
            known_models,
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
    facts = {"title": endpoint.title, "url": endpoint.base_url, "said": endpoint.clean(detail)}
    if type(detail).__name__ in _BROKEN_OFF:
        return TeacherUnreachableError(_("{title}（{url}）没有答完就断开了连接：{said}", **facts))
    if on_this_machine(endpoint.base_url):
        return TeacherUnreachableError(
            _("连不上 {title}（{url}），请看它在本机启动了没有、端口对不对：{said}", **facts)
        )
    return TeacherUnreachableError(_("连不上 {title}（{url}），请检查网络和接口地址：{said}", **facts))


def unreadable(endpoint: Endpoint, detail: object) -> TeacherAnswerError:
    """Returns the error for an answer that this API does not define."""
    return TeacherAnswerError(
        _("{title} 的回答读不懂：{said}", title=endpoint.title, said=endpoint.clean(detail))
    )


def no_interface(endpoint: Endpoint, page: str) -> TeacherAnswerError:
    """Returns the error for a web page in the place of an answer; ``page`` is what it says."""
    return TeacherAnswerError(
        _(
            "{title} 的地址 {url} 回的是网页，不是接口的回答，请检查接口地址（通常以 /v1 结尾）和代理：{said}",
            title=endpoint.title,
            url=endpoint.base_url,
            said=endpoint.clean(page),
        )
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds to wait by ``retry-after-ms``, ``Retry-After`` (seconds, an HTTP date, or ``5s``)
    or the ``x-ratelimit-reset-…`` of a limit of which nothing remains, or None."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if "retry-after-ms" in lowered:
        return _seconds(lowered["retry-after-ms"], 1000)
    said = lowered.get("retry-after", "")
    if (seconds := _seconds(said)) is not None:
        return seconds
    try:
        moment = email.utils.parsedate_to_datetime(said)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, OSError):  # no date, or one that no clock reaches
        resets = [lowered.get(f"x-ratelimit-reset-{limit}", "") for limit in _used_up(lowered)]
        waits = [seconds_in(f"retry in {text.strip()}") for text in (said, *resets)]
        return max(filter(None, waits), default=None)


def _used_up(headers: Mapping[str, str]) -> list[str]:
    """The limits of OpenAI's headers of which nothing remains."""
    limits = ("requests", "tokens")
    return [limit for limit in limits if headers.get(f"x-ratelimit-remaining-{limit}", "").strip() == "0"]


def seconds_in(said: str) -> float | None:
    """Returns the seconds after which a sentence asks to try again, as those of Gemini, OpenAI and Moonshot
    do; None where it names none."""
    found = _AGAIN.search(said)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _seconds(text: str, in_one: int = 1) -> float | None:
    try:
        seconds = float(text) / in_one
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
