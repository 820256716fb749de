"""Mends JSON in which only commas are surplus: ``{"input": "…",}``, and reads lists as Python writes them.
Pure."""

import ast
import json
import re
from typing import Any, NamedTuple

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_STRUCTURE = re.compile(r"[\s,:{}\[\]]+")
_WRITTEN = re.compile(
    r"""'(?:[^'\\]|\\.)*+(?:'|\Z)|"(?:[^"\\]|\\.)*+(?:"|\Z)|\b(?:None|True|False|nan)\b"""
    r"|\}[^\S\n]*+\n\s*+(?=\{)",
    re.DOTALL,
)
_WORDS = {"None": "null", "True": "true", "False": "false", "nan": "null"}


class MendedValue(NamedTuple):
    """A value that was read after surplus commas had been removed, and the position of its end."""

    value: Any
    end: int


def mended(text: str, start: int, at: int) -> MendedValue | None:
    """Returns the value that begins at ``start`` if the fault at ``at`` is a comma before a closing bracket;
    None where more than commas would change."""
    if (
        text[at : at + 64].lstrip(", \t\r\n")[:1] not in ("}", "]")
        or "," not in text[max(0, at - 64) : at + 64]
    ):
        return None
    end = _end(text, start)
    if end is None:
        return None
    import json_repair

    segment = text[start:end]
    value = json_repair.loads(segment)
    if not isinstance(value, dict | list):
        return None
    kept = _STRUCTURE.sub("", segment)
    same = any(
        kept == _STRUCTURE.sub("", json.dumps(value, ensure_ascii=escaped)) for escaped in (False, True)
    )
    return MendedValue(value, end) if same else None


def python_list(text: str) -> Any:
    """Returns the list or object that a text holds as Python writes it, which pandas puts into the cells of a
    table: strings in single quotes, None and True, and objects of an array without commas between them.

    Raises:
        ValueError: it is none. RecursionError: it is nested too deep.
    """
    return json.loads(_WRITTEN.sub(_in_json, text))


def _in_json(found: re.Match[str]) -> str:
    written = found[0]
    if written.startswith("}"):
        return "},"
    if written in _WORDS:
        return _WORDS[written]
    try:
        return json.dumps(ast.literal_eval(written.replace("\n", "\\n")), ensure_ascii=False)
    except SyntaxError as error:
        raise ValueError(str(error)) from None


def _end(text: str, start: int) -> int | None:
    """Returns the position after the bracket that closes the value at ``start``."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if token.group() in ("{", "["):
            depth += 1
        elif token.group() in ("}", "]"):
            depth -= 1
            if depth == 0:
                return token.end()
    return None
