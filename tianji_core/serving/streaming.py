"""Reads the answer of a model server as it arrives: whatever the server sends becomes chunks or one
:class:`~tianji_core.errors.ServerError`."""

import itertools
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tianji_core.errors import GateError, RedirectError, ServerError
from tianji_core.gate import (
    END,
    TEXT_CHARACTERS,
    Complaint,
    Completion,
    StreamMask,
    clean_sentence,
    events,
    is_event_stream,
    read_chunk,
    read_complaint,
    read_json,
    too_long,
)
from tianji_core.i18n import _
from tianji_core.teachers.kinds import meaning_of

if TYPE_CHECKING:
    from openai import OpenAI


@dataclass(frozen=True)
class ChatChunk:
    """A part of an answer. ``finish_reason`` (a :data:`~tianji_core.gate.Finish`) and the token counts come
    with the last ones, if the server reports them."""

    text: str
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def request(client: "OpenAI", url: str, send: Callable[[], Any]) -> Any:
    """Returns the response to a request that ``send`` sends with ``client``.

    Raises:
        ServerError: the server cannot be reached, refuses, or sends something that is no response.
    """
    import openai

    try:
        return send()
    except openai.APIStatusError as error:
        raise _from_status(url, error) from None
    except openai.APITimeoutError:
        raise _silent(url) from None
    except openai.APIConnectionError:
        raise ServerError(_("连不上模型服务 {url}，请确认它已经启动", url=url)) from None
    except GateError as error:
        raise unreadable(url, error) from None
    except Exception as error:  # a server may send what the SDK trips over
        raise unreadable(url, f"{type(error).__name__}: {error}") from None


def answer_chunks(
    client: "OpenAI", url: str, arguments: dict[str, Any], silence: float
) -> Generator[ChatChunk, None, None]:
    """Yields an answer; closing the iterator disconnects. ``silence`` is the longest time in seconds without
    any new text or thinking.

    Raises:
        ServerError: the server cannot be reached, refuses, sends no chunks, or breaks off.
    """
    import httpx2

    # A server may send the head of its response byte by byte for ever; each byte is within the read timeout.
    watch = threading.Timer(silence + 1, client.close)
    watch.daemon = True
    watch.start()
    with client:
        try:
            response = request(
                client,
                url,
                lambda: client.post(
                    "/chat/completions", cast_to=httpx2.Response, body=arguments, stream=True, stream_cls=None
                ),
            )
        finally:
            watch.cancel()
        try:
            yield from _chunks(url, response, silence)
        finally:
            response.close()


def _chunks(url: str, response: Any, silence: float) -> Iterator[ChatChunk]:
    import httpx2

    mask = StreamMask()
    heard = ended = False
    characters = thought = 0
    told = time.monotonic()
    try:
        arriving = response.iter_bytes()
        first = next(arriving, b"")
        if not is_event_stream(first, response.headers.get("content-type", "")):
            raise _no_stream(url, response, first)
        for data in events(itertools.chain((first,), arriving), silence):
            heard = True
            if data.strip() == END:
                ended = True
                break
            piece = read_chunk(read_json(data))
            if isinstance(piece, Complaint):
                raise ServerError(_("模型服务出错：{detail}", detail=piece.said or url))
            characters += len(piece.text)
            thought += len(piece.reasoning)
            if max(characters, thought) > TEXT_CHARACTERS:
                raise too_long(max(characters, thought))
            if piece.text or piece.reasoning:
                told = time.monotonic()
            elif (
                not piece.finish and time.monotonic() - told > silence
            ):  # chunks without words keep a chat waiting for ever
                raise _silent(url)
            _refuse(url, piece)
            ended = ended or bool(piece.finish)
            yield from _shown(piece, mask)
    except httpx2.TimeoutException:
        raise _silent(url) from None
    except httpx2.HTTPError:
        raise _broken_off(url) from None
    except GateError as error:
        raise unreadable(url, error) from None
    if rest := mask.rest():
        yield ChatChunk(rest)
    if not heard:
        raise _nothing(url)
    if not ended:  # a killed server closes the connection like one that has finished
        raise _broken_off(url)


def _shown(piece: Completion, mask: StreamMask) -> Iterator[ChatChunk]:
    text = mask.feed(piece.text)
    if piece.finish:
        text += mask.rest()
    if text or piece.finish:
        yield ChatChunk(text, piece.finish or None)
    if piece.prompt_tokens is not None or piece.completion_tokens is not None:
        yield ChatChunk("", None, piece.prompt_tokens, piece.completion_tokens)


def _refuse(url: str, piece: Completion) -> None:
    """Raises:
    ServerError: the model refuses, or the server fails in the middle of the answer."""
    if piece.refusal:
        raise ServerError(_("模型拒绝回答：{said}", said=piece.refusal))
    if piece.finish == "broken":
        raise _broken_off(url)


def _no_stream(url: str, response: Any, body: bytes) -> ServerError:
    """The error for a response that is no event stream: what it says is wrong, if it says so."""
    complaint = read_complaint(body, response.headers.get("content-type", ""))
    if complaint.codes or complaint.page:
        return ServerError(_("模型服务出错：{detail}", detail=complaint.said))
    return _nothing(url)


def unreadable(url: str, detail: object) -> ServerError:
    """Returns the error for an answer that the API does not define."""
    if isinstance(detail, RedirectError):
        return ServerError(f"{url}：{clean_sentence(detail)}")
    return ServerError(
        _(
            "读不懂模型服务 {url} 的回答（{detail}），它也许不是 OpenAI 兼容的服务",
            url=url,
            detail=clean_sentence(detail),
        )
    )


def _nothing(url: str) -> ServerError:
    return ServerError(
        _("模型服务 {url} 什么也没有回答，请看它是否还在运行、支不支持流式输出（stream）", url=url)
    )


def _silent(url: str) -> ServerError:
    return ServerError(_("模型服务 {url} 太久没有回答，请看它是否还在运行", url=url))


def _broken_off(url: str) -> ServerError:
    return ServerError(_("模型服务 {url} 答到一半就断开了，请看它是否还在运行，然后重新发送", url=url))


def _from_status(url: str, error: Any) -> ServerError:
    """Returns one sentence about an error status."""
    status, response = error.status_code, error.response
    complaint = read_complaint(response.content, response.headers.get("content-type", ""))
    detail = complaint.said
    meaning = meaning_of(complaint)
    if status in (401, 403) or (status == 400 and meaning == "key"):
        return ServerError(
            _("模型服务 {url} 不接受这个密钥，请在设置里检查：{detail}", url=url, detail=detail)
        )
    if status == 429:
        return ServerError(_("模型服务正忙：{detail}", detail=detail))
    if meaning == "long":
        return ServerError(
            _(
                "对话太长，模型服务的上下文放不下：请开始新的对话，调小最多生成的长度，或让服务用更大的上下文。{detail}",
                detail=detail,
            )
        )
    if status >= 500:
        return ServerError(_("模型服务出错（HTTP {status}）：{detail}", status=status, detail=detail))
    return ServerError(_("模型服务拒绝了请求（{status}）：{detail}", status=status, detail=detail))
