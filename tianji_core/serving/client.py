"""A client for model servers with OpenAI's chat API: the studio's own and any other."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tianji_core.access.hosts import LOCAL_NAMES
from tianji_core.errors import InputError, ServerError
from tianji_core.i18n import _
from tianji_core.workspace import sendable

if TYPE_CHECKING:
    from openai import OpenAI

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 300.0
"""Seconds to connect, and seconds without data before a request fails. A CPU with a long queue answers
slowly."""


@dataclass(frozen=True)
class Message:
    """One message of a conversation. ``role`` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True)
class ChatSampling:
    """Sampling parameters. ``max_tokens`` in tokens; None uses the server's default.
    ``repetition_penalty`` is not part of OpenAI's API, so 1.0 is not sent."""

    temperature: float = 0.7
    top_p: float = 0.9
    max_tokens: int | None = 512
    seed: int | None = None
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChatChunk:
    """A piece of a streamed answer. ``finish_reason`` and the token counts come with the last chunks, if
    the server sends them."""

    text: str
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def base_url(text: str) -> str:
    """Returns the API address up to the version, also for an address with a longer path.

    Raises:
        InputError: not an http or https address.
    """
    url = text.strip().rstrip("/").removesuffix("/chat/completions").rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # unmatched brackets, or a port above 65535
        usable = False
    if not usable:
        raise InputError(_("服务地址应当像 http://127.0.0.1:8000/v1，现在是“{url}”", url=text.strip()))
    return url if parts.path else f"{url}/v1"


def connect(url: str, key: str | None = None) -> "OpenAI":
    """Returns an OpenAI client without retries. Servers on this machine are reached without a proxy.

    Raises:
        InputError: not an address, or a key that cannot be sent.
    """
    import openai

    address = base_url(url)
    if key and not sendable(key):
        raise InputError(_("给 {url} 的密钥里有空格、换行或中文，请重新复制一次", url=address))
    parts = urlsplit(address)
    local = parts.hostname in LOCAL_NAMES
    return openai.OpenAI(
        base_url=address,
        api_key=key or "none",
        max_retries=0,
        timeout=openai.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
        # loading the certificates takes 30 ms, and plain HTTP does not use them
        http_client=openai.DefaultHttpxClient(
            trust_env=not local, verify=not (local and parts.scheme == "http")
        ),
    )


def model_names(url: str, key: str | None = None) -> list[str]:
    """Returns the model names that a server offers.

    Raises:
        InputError: not an address.
        ServerError: it cannot be reached or has no such list.
    """
    import openai

    with connect(url, key) as client:
        try:
            return [model.id for model in client.with_options(timeout=CONNECT_TIMEOUT).models.list()]
        except openai.OpenAIError as error:
            raise server_error(error, url) from error


def chat_stream(
    url: str, model: str, messages: Sequence[Message], sampling: ChatSampling, key: str | None = None
) -> Generator[ChatChunk, None, None]:
    """Yields an answer chunk by chunk. The request is sent when the first chunk is requested. Closing the
    iterator disconnects, and the server cancels the generation.

    Raises:
        InputError: ``url`` is not an address (at once).
        ServerError: the server cannot be reached, refuses, or breaks off (while iterating).
    """
    return _stream(connect(url, key), url, _arguments(model, messages, sampling))


def _stream(client: "OpenAI", url: str, arguments: dict[str, Any]) -> Generator[ChatChunk, None, None]:
    import openai

    begun = heard = ended = False
    with client:
        try:
            with client.chat.completions.create(**arguments) as events:
                begun = True
                for event in events:
                    heard = True
                    for piece in _chunks(event):
                        ended = ended or piece.finish_reason is not None
                        yield piece
        except openai.OpenAIError as error:
            broken = begun and isinstance(error, openai.APIConnectionError)
            raise _broken_off(url) if broken else server_error(error, url) from error
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            message = _(
                "读不懂模型服务 {url} 的回答（{detail}），它也许不是 OpenAI 兼容的服务", url=url, detail=error
            )
            raise ServerError(message) from error
    if not heard:
        message = _("模型服务 {url} 什么也没有回答，请看它是否还在运行、支不支持流式输出（stream）", url=url)
        raise ServerError(message)
    if not ended:  # a killed server closes the connection like one that has finished
        raise _broken_off(url)


def _arguments(model: str, messages: Sequence[Message], sampling: ChatSampling) -> dict[str, Any]:
    value: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if sampling.max_tokens is not None:
        value["max_tokens"] = sampling.max_tokens
    if sampling.seed is not None:
        value["seed"] = sampling.seed
    if sampling.stop:
        value["stop"] = list(sampling.stop)
    if sampling.repetition_penalty != 1.0:
        value["extra_body"] = {"repetition_penalty": sampling.repetition_penalty}
    return value


def _chunks(event: Any) -> Iterator[ChatChunk]:
    for choice in event.choices or ():
        text = (choice.delta.content if choice.delta is not None else None) or ""
        if text or choice.finish_reason:
            yield ChatChunk(text, choice.finish_reason)
    if event.usage is not None:
        yield ChatChunk("", None, event.usage.prompt_tokens, event.usage.completion_tokens)


def _broken_off(url: str) -> ServerError:
    return ServerError(_("模型服务 {url} 答到一半就断开了，请看它是否还在运行，然后重新发送", url=url))


def server_error(error: Exception, url: str) -> ServerError:
    """Returns an error with one sentence about the failure of a request."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return ServerError(_("模型服务 {url} 太久没有回答，请看它是否还在运行", url=url))
    if isinstance(error, openai.APIConnectionError):
        return ServerError(_("连不上模型服务 {url}，请确认它已经启动", url=url))
    detail = _detail(error)
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return ServerError(
            _("模型服务 {url} 不接受这个密钥，请在设置里检查：{detail}", url=url, detail=detail)
        )
    if isinstance(error, openai.RateLimitError):
        return ServerError(_("模型服务正忙：{detail}", detail=detail))
    if isinstance(error, openai.APIStatusError):
        return ServerError(
            _("模型服务拒绝了请求（{status}）：{detail}", status=error.status_code, detail=detail)
        )
    return ServerError(_("模型服务出错：{detail}", detail=detail))


def _detail(error: Exception) -> str:
    body = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    return str(message or getattr(error, "message", None) or error)[:500]
