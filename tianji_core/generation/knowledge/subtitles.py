"""The words of subtitles: srt, vtt, ass, and the JSON that Bilibili offers."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby, zip_longest
from typing import Any

_TIMES = re.compile(r"^\s*(?:\d+:)?\d+:\d+[,.]\d+\s*-->")
_TAGS = re.compile(r"</?[a-zA-Z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}|\{\\an?\d\}")
_BLOCKS = ("NOTE", "STYLE", "REGION", "WEBVTT")
_FIELDS = 10
"""Fields of a line of dialogue in ass, the text last, where the file does not say."""


def words_of_cues(text: str) -> str:
    """Returns the words of srt or vtt, a line for each; what a rolling caption repeats stands once."""
    lines: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        shown = block.strip("\n").split("\n")
        if not shown[0].startswith(_BLOCKS[:3]):
            lines += _shown(shown)
    return "\n".join(_once(_TAGS.sub("", line) for line in lines))


def _shown(block: list[str]) -> list[str]:
    """Returns what a block shows: one cue, or several with no empty line between them."""
    starts = [number for number, line in enumerate(block) if _TIMES.match(line)]
    numbered = bool(starts) and starts[0] > 0 and block[starts[0] - 1].strip().isdigit()
    lines = []
    for start, following in zip_longest(starts, starts[1:], fillvalue=len(block)):
        cue = block[start + 1 : following]
        if numbered and following < len(block) and cue and cue[-1].strip().isdigit():
            del cue[-1]
        lines += cue
    return lines


def words_of_dialogue(text: str) -> str:
    """Returns the words of the lines of dialogue of ass or ssa, in the order of the file."""
    fields, lines = _FIELDS, []
    for line in text.splitlines():
        kind, _colon, rest = line.partition(":")
        if kind.strip() == "[Events]":
            fields = _FIELDS
        elif kind.strip() == "Format" and "Text" in rest:
            fields = rest.count(",") + 1
        elif kind.strip() == "Dialogue":
            said = rest.split(",", fields - 1)[-1]
            lines += re.split(r"\\[Nn]", _TAGS.sub("", said).replace(r"\h", " "))
    return "\n".join(_once(lines))


def words_of_bilibili(value: Any) -> str | None:
    """Returns the words of ``{"body": [{"content": …}, …]}``; None where the JSON has another form."""
    body = value.get("body") if isinstance(value, dict) else None
    if not isinstance(body, list) or not all(isinstance(each, dict) and "from" in each for each in body):
        return None
    return "\n".join(_once(str(each.get("content", "")) for each in body))


def _once(lines: Iterable[str]) -> Iterator[str]:
    """Yields the lines that hold something, each once where it is repeated at once."""
    for line, _same in groupby(filter(None, (" ".join(line.split()) for line in lines))):
        yield line
