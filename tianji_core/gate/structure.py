"""JSON from outside: bounded in size, depth and number of parts before it is read."""

import json
import re
from typing import Any

from tianji_core.errors import GateError
from tianji_core.gate.characters import standard_characters
from tianji_core.gate.limits import JSON_DEPTH, JSON_MARKS, REPAIRED_CHARACTERS
from tianji_core.gate.text import clean_sentence, clean_text
from tianji_core.i18n import _

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
CHARSETS = {
    *("utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii"),
    *("gbk", "gb2312", "gb18030", "big5", "shift_jis", "euc-kr"),
    *("iso-8859-1", "latin-1", "windows-1252"),
}
"""Encodings of text that a server may name. Python knows others, such as punycode, that are slow or no
text."""
_OPENING = re.compile(r"[\[{]")
_MARK = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL)


def charset_of(content_type: str) -> str | None:
    """Returns the encoding that a ``Content-Type`` names, in lower case; None where it names none that is
    known."""
    named = _CHARSET.search(content_type)
    return named[1].lower() if named is not None and named[1].lower() in CHARSETS else None


def decoded(content: bytes, content_type: str = "") -> str:
    """Returns the text of a body: UTF-8, as JSON is, and only where it is not, in the encoding that the
    server names.

    Raises:
        GateError: it is neither.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    charset = charset_of(content_type)
    try:
        if charset is not None:
            return content.decode(charset)
    except UnicodeError:
        pass
    raise GateError(_("不是 UTF-8 编码的文本：{shown}", shown=clean_sentence(content)))


def read_json(text: str) -> Any:
    """Returns the value of a JSON text.

    Raises:
        GateError: it is not JSON, or has too many or too deep parts.
    """
    _check_marks(text)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # ValueError: also a number of more than 4,300 digits
        raise GateError(_("不是合法的 JSON：{shown}", shown=clean_sentence(text))) from None


def _check_marks(text: str) -> None:
    opened = text.count("[") + text.count("{")
    if opened <= JSON_DEPTH and opened + text.count(",") <= JSON_MARKS:
        return
    depth = marks = 0
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark[0] == '"':
            continue
        marks += 1
        depth += (mark in "[{") - (mark in "]}")
        if depth > JSON_DEPTH:
            raise GateError(_("JSON 套得太深（超过 {limit} 层）", limit=JSON_DEPTH))
        if marks > JSON_MARKS:
            raise GateError(_("JSON 里的项太多（超过 {limit:,}）", limit=JSON_MARKS))


def read_loose_json(text: str) -> Any:
    """Returns the JSON in what a model wrote, fenced, surrounded by words or broken; '' or [] where there is
    none. Its strings are clean.

    Raises:
        GateError: it is broken and too long to be repaired, or has too many or too deep parts.
    """
    import json_repair

    try:
        return _clean(read_json(text))
    except GateError:
        pass
    if len(text) > REPAIRED_CHARACTERS:
        raise GateError(_("不是合法的 JSON，又太长（{n:,} 字），修不了", n=len(text)))
    _check_brackets(text)
    try:
        return _clean(json_repair.loads(text))
    except (ValueError, RecursionError):
        raise GateError(_("不是合法的 JSON：{shown}", shown=clean_sentence(text))) from None


def json_parts(text: str) -> list[Any]:
    """Returns every whole JSON object and list in what a model wrote, in their order: several lists, one
    object a line, or those in a list that is not closed. Their strings are clean; [] where there is none.

    Raises:
        GateError: it is too long, or has too many or too deep parts.
    """
    if len(text) > REPAIRED_CHARACTERS:
        raise GateError(_("不是合法的 JSON，又太长（{n:,} 字），修不了", n=len(text)))
    _check_brackets(text)
    decoder, parts, at = json.JSONDecoder(), [], 0
    while (opened := _OPENING.search(text, at)) is not None:
        try:
            part, at = decoder.raw_decode(text, opened.start())
        except (ValueError, RecursionError):
            at = opened.end()
            continue
        parts.append(_clean(part))
    return parts


def _check_brackets(text: str) -> None:
    """Refuses brackets that are opened without end: repairing them takes a time that grows with the
    square."""
    depth = 0
    for mark in re.finditer(r"[\[\]{}]", text):
        depth = depth + 1 if mark[0] in "[{" else max(0, depth - 1)
        if depth > JSON_DEPTH:
            raise GateError(_("JSON 套得太深（超过 {limit} 层）", limit=JSON_DEPTH))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return standard_characters(clean_text(value))
    if isinstance(value, list):
        return [_clean(part) for part in value]
    if isinstance(value, dict):
        return {clean_text(str(name)): _clean(part) for name, part in value.items()}
    return value
