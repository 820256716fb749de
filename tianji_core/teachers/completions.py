"""Reads a chat completion from any server: the text, the thinking, the finish reason and the tokens."""

import json
import re
from dataclasses import dataclass
from typing import Any

from tianji_core.errors import TeacherAnswerError, TeacherError, TeacherRefusalError
from tianji_core.files import storable
from tianji_core.i18n import _
from tianji_core.teachers.base import Answer
from tianji_core.teachers.faults import Endpoint, from_status, unreadable

_THINKING = re.compile(r"<think(?:ing)?>(.*?)</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_CLOSING = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_OPENING = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_STOPPED_BY_FILTER = ("content_filter", "sensitive")


@dataclass(frozen=True)
class Split:
    """A text without its thinking, and the thinking."""

    text: str
    reasoning: str


def split_thinking(content: str) -> Split:
    """Splits ``<think>…</think>`` off a text. Some servers omit the opening tag; a block without an end is
    all thinking."""
    pieces = [piece.strip() for piece in _THINKING.findall(content)]
    text = _THINKING.sub("", content)
    if closing := _CLOSING.search(text):
        pieces.insert(0, text[: closing.start()].strip())
        text = text[closing.end() :]
    if opening := _OPENING.search(text):
        pieces.append(text[opening.end() :].strip())
        text = text[: opening.start()]
    return Split(text.strip(), "\n".join(piece for piece in pieces if piece))


def read_completion(endpoint: Endpoint, body: Any, latency: float, request_id: str = "") -> Answer:
    """Returns the answer in the JSON of a chat completion.

    Raises:
        TeacherAnswerError: no choice, no text, or not a completion at all.
        TeacherRefusalError: the model or the content filter declined.
        TeacherError: an error object instead of a completion; the class depends on its code.
    """
    if not isinstance(body, dict):
        raise unreadable(endpoint, body)
    if body.get("error") and not body.get("choices"):
        raise _error_in_answer(endpoint, body["error"])
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise TeacherAnswerError(_("{title} 的回答里没有内容（choices 为空）", title=endpoint.title))
    message = choices[0].get("message")
    message = message if isinstance(message, dict) else {}
    finish = str(choices[0].get("finish_reason") or "")
    split = split_thinking(storable(_text_of(endpoint, message.get("content"))))
    reasoning = "\n".join(filter(None, (_thought(message), split.reasoning)))
    if finish in _STOPPED_BY_FILTER or message.get("refusal"):
        said = endpoint.clean(message.get("refusal") or finish)
        raise TeacherRefusalError(_("{title} 拒绝写这一条：{said}", title=endpoint.title, said=said))
    if not split.text:
        raise _empty(endpoint, finish, reasoning)
    raw_usage = body.get("usage")
    usage = raw_usage if isinstance(raw_usage, dict) else {}
    return Answer(
        text=split.text,
        model=str(body.get("model") or endpoint.model),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        latency=latency,
        request_id=str(request_id or body.get("request_id") or body.get("id") or ""),
        finish_reason=finish[:30],
        reasoning=reasoning,
    )


def assembled(stream: str) -> dict[str, Any]:
    """Returns the completion in the chunks of an event stream; some servers stream without being asked.

    Raises:
        ValueError: a chunk is not JSON.
    """
    whole: dict[str, Any] = {}
    text: list[str] = []
    thought: list[str] = []
    finish = refusal = None
    for line in stream.splitlines():
        if not line.startswith("data:") or line.strip() == "data: [DONE]":
            continue
        chunk = json.loads(line.removeprefix("data:"))
        if not isinstance(chunk, dict):
            raise ValueError(line)
        if chunk.get("error"):
            return {"error": chunk["error"]}
        whole.update(
            {name: value for name, value in chunk.items() if name in ("id", "model", "usage") and value}
        )
        for choice in (chunk.get("choices") or [])[:1]:
            delta = choice.get("delta") or {}
            text.append(delta.get("content") or "")
            thought.append(delta.get("reasoning_content") or delta.get("reasoning") or "")
            finish = choice.get("finish_reason") or finish
            refusal = delta.get("refusal") or refusal
    message = {"content": "".join(text), "reasoning_content": "".join(thought), "refusal": refusal}
    return {**whole, "choices": [{"message": message, "finish_reason": finish}]}


def _text_of(endpoint: Endpoint, content: object) -> str:
    """Returns the text of ``content``: a string, None, or a list of parts whose texts are joined."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [
            part if isinstance(part, str) else part.get("text")
            for part in content
            if isinstance(part, str | dict)
        ]
        return "".join(part for part in parts if isinstance(part, str))
    raise unreadable(endpoint, content)


def _thought(message: dict[str, Any]) -> str:
    thought = message.get("reasoning_content") or message.get("reasoning")
    return storable(thought.strip()) if isinstance(thought, str) else ""


def _empty(endpoint: Endpoint, finish: str, reasoning: str) -> TeacherAnswerError:
    if finish == "length" or reasoning:
        return TeacherAnswerError(
            _("{title} 只思考没有写出正文，请加大 max_tokens 或关掉思考", title=endpoint.title)
        )
    return TeacherAnswerError(_("{title} 的回答是空的", title=endpoint.title))


def _error_in_answer(endpoint: Endpoint, error: object) -> TeacherError:
    if isinstance(error, dict):
        code = str(error.get("code"))
        status = int(code) if code.isdigit() and 400 <= int(code) < 600 else 500
        return from_status(endpoint, status, json.dumps({"error": error}, ensure_ascii=False), {})
    return from_status(endpoint, 500, str(error), {})


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
