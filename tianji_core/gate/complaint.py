"""What a server says is wrong: the body of an error status, or an error object in place of an answer."""

import html
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.errors import GateError
from tianji_core.gate.limits import EXAMINED_CHARACTERS, SENTENCE_CHARACTERS
from tianji_core.gate.structure import decoded, read_json
from tianji_core.gate.text import clean_name, clean_sentence, shortened

_FINE = ("", "0", "200", "ok", "success", "true", "none")
_MESSAGE_KEYS = (
    "message",
    "msg",
    "status_msg",
    "error_msg",
    "errorMsg",
    "errorMessage",
    "detail",
    "Message",
    "title",
)
_CODE_KEYS = ("code", "status_code", "error_code", "errorCode", "type", "status", "Code", "reason")
_NESTED = ("error", "base_resp", "Error", "errors", "header", "detail", "Response")
_ERROR_KEYS = ("error", "Error", "errors", "error_msg", "errorMsg", "errorMessage", "msg")
_CODE_CHARACTERS = 60


class Complaint(BaseModel):
    """``message`` is one sentence; ``codes`` are in lower case, as the provider names them; ``page`` says
    that a web page came back, so that a proxy or a firewall answered and not the API."""

    model_config = ConfigDict(frozen=True)

    message: str = Field(default="", max_length=SENTENCE_CHARACTERS)
    codes: tuple[str, ...] = ()
    page: bool = False

    @property
    def status(self) -> int | None:
        """The HTTP status that one of the codes is, None where none is."""
        numbers = [int(code) for code in self.codes if code.isascii() and code.isdigit() and len(code) == 3]
        return next((number for number in numbers if 400 <= number < 600), None)

    @property
    def said(self) -> str:
        """The message with the codes, as a person reads it."""
        return shortened(" · ".join(filter(None, (self.message, *self.codes))), SENTENCE_CHARACTERS)


def read_complaint(body: bytes, content_type: str = "") -> Complaint:
    """Returns what the body of an error says; anything can be read as a complaint."""
    try:
        text = decoded(body, content_type)
    except GateError:
        return Complaint(message=clean_sentence(body))
    if text.lstrip()[:1] == "<":
        return Complaint(message=clean_sentence(_of_page(text[: 4 * EXAMINED_CHARACTERS])), page=True)
    try:
        value = read_json(text)
    except GateError:
        return Complaint(message=clean_sentence(text))
    return _complaint(value) or Complaint(message=clean_sentence(text))


def complaint_in(value: dict[str, Any]) -> Complaint | None:
    """Returns the error in a body that has no answer and came with status 200; None where it holds none."""
    found = _complaint(value)
    if found is None:
        return None
    named = any(value.get(key) for key in _ERROR_KEYS)
    return found if found.codes or named or value.get("success") is False else None


def _complaint(value: Any) -> Complaint | None:
    levels = _levels(value)
    texts = [level for level in levels if isinstance(level, str) and level.strip()]
    objects = [level for level in levels if isinstance(level, dict)]
    messages = [each.get(key) for each in reversed(objects) for key in _MESSAGE_KEYS]
    said = [message for message in messages if isinstance(message, str) and message.strip()] or texts
    codes = [_code(each.get(key)) for each in reversed(objects) for key in _CODE_KEYS]
    codes = [code for code in dict.fromkeys(codes) if code not in _FINE]
    if not said and not codes:
        return None
    return Complaint(message=clean_sentence(said[0]) if said else "", codes=tuple(codes[:4]))


def _levels(value: Any) -> list[Any]:
    """A body and the objects in which providers wrap their errors, from outside in."""
    levels = [value]
    for _depth in range(3):
        inner = levels[-1]
        if isinstance(inner, list):
            inner = inner[0] if inner else None
        elif isinstance(inner, dict):
            inner = next((inner[key] for key in _NESTED if inner.get(key)), None)
        else:
            break
        levels.append(inner)
    return levels


def _code(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    if isinstance(value, int):
        return str(value) if -99_999_999 < value < 99_999_999 else ""
    return clean_name(value, _CODE_CHARACTERS).lower()


def _of_page(text: str) -> str:
    """The title of a web page, or its text."""
    title = re.search(r"<title[^>]{0,200}>([^<]{1,500})", text, re.IGNORECASE)
    return html.unescape(title[1] if title is not None else re.sub(r"<[^<>]{0,2000}>", " ", text))
