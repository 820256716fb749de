"""A chat completion from outside as a record: typed, bounded, clean. Servers answer whole or in the chunks of
a stream."""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.errors import GateError
from tianji_core.files import storable
from tianji_core.gate.complaint import Complaint, complaint_in
from tianji_core.gate.limits import (
    MODELS,
    NAME_CHARACTERS,
    REASONING_CHARACTERS,
    SENTENCE_CHARACTERS,
    TEXT_CHARACTERS,
    TOKENS,
)
from tianji_core.gate.text import clean_beginning, clean_name, clean_sentence, clean_text
from tianji_core.i18n import _

Finish = Literal["stop", "length", "cut", "filtered", "broken", ""]
"""Why an answer ended: complete; at the limit of tokens or context; for a reason that is not known, so that
it may be cut; by a content filter; by a fault of the server. '' where the server does not say."""

_FINISHES: dict[str, Finish] = {
    **dict.fromkeys(
        ("stop", "end_turn", "eos", "eos_token", "stop_sequence", "complete", "completed"), "stop"
    ),
    **dict.fromkeys(("tool_calls", "function_call"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    "model_context_window_exceeded": "length",
    **dict.fromkeys(("content_filter", "sensitive", "safety", "recitation", "blocklist"), "filtered"),
    "prohibited_content": "filtered",
    **dict.fromkeys(("network_error", "insufficient_system_resource", "error", "abort", "aborted"), "broken"),
}


class Completion(BaseModel):
    """One answer. Tokens are None where the server does not count them, or counts what cannot be. ``called``
    are the arguments with which it calls a function in place of a text, as JSON."""

    model_config = ConfigDict(frozen=True, strict=True)

    text: str = Field(default="", max_length=TEXT_CHARACTERS)
    reasoning: str = Field(default="", max_length=REASONING_CHARACTERS)
    called: str = Field(default="", max_length=TEXT_CHARACTERS)
    refusal: str = Field(default="", max_length=SENTENCE_CHARACTERS)
    finish: Finish = ""
    model: str = Field(default="", max_length=NAME_CHARACTERS)
    request_id: str = Field(default="", max_length=NAME_CHARACTERS)
    prompt_tokens: int | None = Field(default=None, ge=0, le=TOKENS)
    completion_tokens: int | None = Field(default=None, ge=0, le=TOKENS)


def read_completion(value: Any) -> Completion | Complaint:
    """Returns the answer in the JSON of a completion, or the error that stands in its place.

    Raises:
        GateError: it is neither.
    """
    return _read(value, "message")


def read_chunk(value: Any) -> Completion | Complaint:
    """Returns what one chunk of a stream adds to an answer, not yet masked: a secret may be spread over
    several.

    Raises:
        GateError: it is no chunk.
    """
    return _read(value, "delta")


def read_models(value: Any) -> list[str]:
    """Returns the names in a list of models.

    Raises:
        GateError: it is no list of models.
    """
    entries = value.get("data") if isinstance(value, dict) else value
    if entries is None and isinstance(value, dict):
        entries = value.get("models")
    if not isinstance(entries, list):
        raise GateError(_("模型清单里没有列表"))
    named = [entry.get("id") if isinstance(entry, dict) else entry for entry in entries[:MODELS]]
    return list(dict.fromkeys(filter(None, map(clean_name, named))))


def _read(value: Any, key: Literal["message", "delta"]) -> Completion | Complaint:
    if not isinstance(value, dict):
        raise GateError(_("应当是一个 JSON 对象，现在是 {kind}", kind=type(value).__name__))
    if isinstance(value.get("done"), bool) and "choices" not in value:
        value = _of_ollama(value, key)
    choice = _first_choice(value)
    if (failed := _base_fault(value) or _choice_fault(choice)) is not None:
        return failed
    if choice is None:
        if (complaint := complaint_in(value)) is not None:
            return complaint
        if key == "message":
            raise GateError(_("没有内容（choices 为空）"))
        choice = {}
    elif value.get("error") and key == "delta":
        return complaint_in(value) or Complaint()
    message = choice.get(key)
    if message is None:
        message = {"content": choice.get("text")}  # the older form of completions
    if not isinstance(message, dict):
        raise GateError(_("{key} 应当是一个 JSON 对象，现在是 {kind}", key=key, kind=type(message).__name__))
    whole = key == "message"
    return Completion(
        text=_bounded(_text(message.get("content")), whole),
        reasoning=_reasoning(message, whole),
        called=_bounded(_called(message), whole),
        refusal=clean_sentence(refusal) if isinstance(refusal := message.get("refusal"), str) else "",
        finish=read_finish(choice.get("finish_reason")),
        **_margin(value, choice),
    )


def _base_fault(value: dict[str, Any]) -> Complaint | None:
    """The fault that MiniMax names beside what it has written so far."""
    base = value.get("base_resp")
    failed = isinstance(base, dict) and base.get("status_code") not in (None, 0, "0")
    return complaint_in({"base_resp": base}) if failed else None


def _choice_fault(choice: dict[str, Any] | None) -> Complaint | None:
    """The fault that OpenRouter names within a choice, beside what was written so far."""
    fault = choice.get("error") if choice is not None else None
    return complaint_in({"error": fault}) or Complaint() if fault else None


def _first_choice(value: dict[str, Any]) -> dict[str, Any] | None:
    """The first of the answers, of which a stream may send several by turns; None without any."""
    choices = value.get("choices")
    if choices is None or choices == []:
        return None
    if not isinstance(choices, list) or not isinstance(choices[0], dict):
        raise GateError(_("choices 应当是一个装着对象的列表"))
    for choice in choices:
        if isinstance(choice, dict) and choice.get("index") in (None, 0):
            return choice
    return {} if "delta" in choices[0] else choices[0]


def _of_ollama(value: dict[str, Any], key: Literal["message", "delta"]) -> dict[str, Any]:
    """An answer of Ollama's own interfaces, of chats and of completions, in the form of the others; an error
    in its place stays as it is."""
    message = value.get("message")
    if message is None and isinstance(value.get("response"), str):
        message = {"content": value["response"]}
    if message is None and (value.get("error") or not value["done"]):
        return value
    message = {} if message is None else message
    if isinstance(message, dict):
        thinking = message.get("thinking") or value.get("thinking")
        message = {**message, "reasoning": thinking}
    usage = {"prompt_tokens": value.get("prompt_eval_count"), "completion_tokens": value.get("eval_count")}
    reason = (value.get("done_reason") or "stop") if value["done"] else None
    return {**value, "choices": [{key: message, "finish_reason": reason}], "usage": usage}


def _called(message: dict[str, Any]) -> str:
    """The arguments of the first function that a message calls, '' where it calls none."""
    calls = message.get("tool_calls")
    first = calls[0] if isinstance(calls, list) and calls else message
    if not isinstance(first, dict) or first.get("index") not in (None, 0):
        return ""
    function = first.get("function") or message.get("function_call")
    given = function.get("arguments") if isinstance(function, dict) else None
    if isinstance(given, dict):
        return json.dumps(given, ensure_ascii=False)
    return given if isinstance(given, str) else ""


def _margin(value: dict[str, Any], choice: dict[str, Any]) -> dict[str, Any]:
    """What stands beside the answer. Nothing of it is worth losing a text for, so what is not usable is left
    out. Moonshot counts the tokens within the choice."""
    usage = value.get("usage") or choice.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return {
        "model": clean_name(value.get("model")),
        "request_id": clean_name(value.get("request_id")) or clean_name(value.get("id")),
        "prompt_tokens": _tokens(usage.get("prompt_tokens")),
        "completion_tokens": _tokens(usage.get("completion_tokens")),
    }


def read_finish(reason: object) -> Finish:
    """Returns why an answer ended; a reason that is not known is 'cut'."""
    if reason is None or reason == "":
        return ""
    if not isinstance(reason, str):
        return "cut"
    said = reason[:NAME_CHARACTERS].partition(":")[0]  # Gemini: content_filter: PROHIBITED_CONTENT
    return _FINISHES.get(said.strip().lower(), "cut")


def _text(content: object) -> str:
    """The text of ``content``: a string, nothing, or a list of parts of which the text ones count."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise GateError(_("content 应当是文本，现在是 {kind}", kind=type(content).__name__))
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return "".join(part for part in parts if isinstance(part, str))


def _bounded(text: str, whole: bool) -> str:
    if len(text) > TEXT_CHARACTERS:
        raise too_long(len(text))
    return clean_text(text) if whole else storable(text)


def too_long(characters: int) -> GateError:
    """The error for a text over the limit."""
    return GateError(_("正文太长（{n:,} 字，最多 {limit:,} 字）", n=characters, limit=TEXT_CHARACTERS))


def _reasoning(message: dict[str, Any], whole: bool) -> str:
    thought = message.get("reasoning_content") or message.get("reasoning")
    if not isinstance(thought, str):
        return ""
    if len(thought) > REASONING_CHARACTERS:
        return clean_beginning(thought, REASONING_CHARACTERS).strip()
    return clean_text(thought).strip() if whole else storable(thought)


def _tokens(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer() and 0 <= value <= TOKENS:
        return int(value)
    return value if type(value) is int and 0 <= value <= TOKENS else None
