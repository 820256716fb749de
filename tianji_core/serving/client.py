"""A client for model servers with OpenAI's chat API: the studio's own and any other."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tianji_core.access.hosts import LOCAL_NAMES
from tianji_core.addresses import address_problem, without_credentials
from tianji_core.errors import GateError, InputError
from tianji_core.gate import bounded_client, decoded, read_json, read_models, remember_secret
from tianji_core.i18n import _
from tianji_core.model_folders.own_sampling import USUAL_TOP_P
from tianji_core.roles import check_may_write
from tianji_core.serving.streaming import ChatChunk, answer_chunks, request, unreadable
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
    top_p: float = USUAL_TOP_P
    max_tokens: int | None = 512
    seed: int | None = None
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()


def base_url(text: str) -> str:
    """Returns the API address up to the version, also for an address with a longer path.

    Raises:
        InputError: not an http or https address.
    """
    url = text.strip().rstrip("/").removesuffix("/chat/completions").rstrip("/")
    if problem := address_problem(url):
        shown = without_credentials(text.strip())[:200]
        raise InputError(
            _(
                "服务地址应当像 http://127.0.0.1:8000/v1，现在是“{url}”：{problem}",
                url=shown,
                problem=problem,
            )
        )
    return url if urlsplit(url).path else f"{url}/v1"


def connect(url: str, key: str | None = None) -> "OpenAI":
    """Returns an OpenAI client without retries. Servers on this machine are reached without a proxy.

    Raises:
        ForbiddenError: the person who acts may not send requests.
        InputError: not an address, or a key that cannot be sent.
    """
    import httpx2
    import openai

    check_may_write()
    address = base_url(url)
    if key and not sendable(key):
        raise InputError(_("给 {url} 的密钥里有空格、换行或中文，请重新复制一次", url=address))
    remember_secret(key)
    parts = urlsplit(address)
    timeout = httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
    local = parts.hostname in LOCAL_NAMES
    return openai.OpenAI(
        base_url=address,
        api_key=key or "none",
        max_retries=0,
        timeout=timeout,
        # loading the certificates takes 30 ms, and plain HTTP does not use them
        http_client=bounded_client(httpx2)(
            timeout=timeout, trust_env=not local, verify=not (local and parts.scheme == "http")
        ),
    )


def model_names(url: str, key: str | None = None) -> list[str]:
    """Returns the model names that a server offers.

    Raises:
        InputError: not an address.
        ServerError: it cannot be reached or has no such list.
    """
    import httpx2

    with connect(url, key) as client:
        quick = client.with_options(timeout=CONNECT_TIMEOUT)
        response = request(client, url, lambda: quick.get("/models", cast_to=httpx2.Response))
    try:
        return read_models(read_json(decoded(response.content, response.headers.get("content-type", ""))))
    except GateError as error:
        raise unreadable(url, error) from None


def chat_stream(
    url: str, model: str, messages: Sequence[Message], sampling: ChatSampling, key: str | None = None
) -> Generator[ChatChunk, None, None]:
    """Yields an answer chunk by chunk. The request is sent when the first chunk is requested. Closing the
    iterator disconnects, and the server cancels the generation.

    Raises:
        InputError: ``url`` is not an address (at once).
        ServerError: the server cannot be reached, refuses, or breaks off (while iterating).
    """
    return answer_chunks(connect(url, key), url, _arguments(model, messages, sampling), READ_TIMEOUT)


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
        value["repetition_penalty"] = sampling.repetition_penalty
    return value
