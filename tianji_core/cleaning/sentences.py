"""Splits a text into the pieces that are judged one by one: sentences, lines, remarks in brackets and the
first words before a comma. Pure."""

import itertools
import re
from typing import NamedTuple

from tianji_core.cleaning.quick import remembered
from tianji_core.cleaning.rule import only_han

_STOPS = "。！？!?~～…；;"
_ENDS = re.compile(
    r"(?:[。！？!?~～…；;]|(?<=[A-Za-z)]{2})\.(?=\s|$))+"  # a stop; a full stop behind Latin letters
    r"(?:[”』」’）)】\]]|\"(?=\s|$))*[ \t\u3000\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]*\s*"
    r"|(?<![ \t])[ \t]*(?:>{2,}|-+>|=+>|[→☞➜➤➡⇒►▶👉]\ufe0f?)[ \t]*|(?:(?<![0-9])：|：(?![0-9])|:(?![0-9/）)]))\s*|(?<![ \t])[ \t]*\n\s*|(?<=[。！？!?~～…；;\s])(?=[（(])"
)
_HAN_ENDS = re.compile("[。！？~～…；]+”*|：")
"""The same in a text of Chinese characters and their marks alone."""
_DASHED_HEAD = re.compile(r"\A[^—，。！？!?\n]{4,30}——[ \t]*(?=[^\s—])")
"""Words at the beginning that a dash parts from the text."""
_FIRST_WORDS = re.compile(r"[^，,。！？!?：:\n~～]{1,6}[，,]\s*")
_REMARK = re.compile(
    r"(?:(?<=[。！？!?~～…；;\s\ufe0f\u2600-\u27bf\U0001f000-\U0001faff])|\A)(?:[（(【\[〔][^（(【\[〔）)】\]〕\n]{1,200}[)）】\]〕])+"
    r"|[（(【\[〔][^（(【\[〔）)】\]〕\n]{1,200}[)）】\]〕](?=[ \t]*(?:\n|\Z))"
)
"""A remark in brackets at the edge of a sentence, or at the end of a line: one piece, whatever marks it
holds."""
_HEAD = re.compile(r"^[^\n，。！？、|｜丨=]{1,14}[|｜丨=][ \t]*(?=[^\s|｜丨=])", re.MULTILINE)
"""A heading that a mark parts from the text on the same line."""
_TAGS = re.compile(r"(?:#[^\s#，。！？；：、（(【\[]{1,20}#?[ \t]*){1,12}")
_HINT = re.compile(r"[（(【\[〔#|｜丨=]")
_LINE_END = re.compile(r"\n\s*\Z")
_BRACKETED = re.compile(
    r"(?:【[^】\n]{1,30}】|[「『〔\[][^」』〕\]\n，。！？]{1,8}[」』〕\]])[ \t]*[:：]?[ \t]*"
)


class Piece(NamedTuple):
    """A part of a text from ``start`` to ``end`` (in characters), the marks and the white space behind it
    included. ``own_line`` says that it fills a line of a text of several lines."""

    start: int
    end: int
    text: str
    own_line: bool


@remembered
def pieces(text: str) -> list[Piece]:
    """Returns the pieces of a text; joined they are the text."""
    return han_pieces(text) if only_han(text) and "丨" not in text else any_pieces(text)


def any_pieces(text: str) -> list[Piece]:
    """Returns the pieces of a text of any characters."""
    cuts = _cuts(text)
    line_starts = {0}
    several = "\n" in text
    if several:
        line_starts |= {cut for cut in cuts if _LINE_END.search(text, max(0, cut - 20), cut)}
    starts = []
    for start, end in itertools.pairwise(cuts):
        if start == end:
            continue
        starts.append(start)
        if start in line_starts or text[max(0, start - 3) : start].rstrip()[-1:] in ("：", ":"):
            head = _BRACKETED.match(text, start, end)
            if head is None and not text[:start].strip():
                head = _FIRST_WORDS.match(text, start, end)
            if head is not None and head.end() < end:
                starts.append(head.end())
    bounds = [*starts, len(text)]
    result = []
    for start, end in itertools.pairwise(bounds):
        alone = several and start in line_starts and (end == len(text) or end in line_starts)
        result.append(Piece(start, end, text[start:end], alone))
    return result


def han_pieces(text: str) -> list[Piece]:
    """Returns the pieces of a text of Chinese characters and their marks alone, as :func:`pieces` does."""
    ends = [match.end() for match in _HAN_ENDS.finditer(text)]
    if text and (not ends or ends[-1] < len(text)):
        ends.append(len(text))
    if "——" in text[:40] and (head := _DASHED_HEAD.match(text)) is not None:
        ends = sorted({*ends, head.end()})
    if ends and (head := _FIRST_WORDS.match(text, 0, ends[0])) is not None and head.end() < ends[0]:
        ends.insert(0, head.end())
    starts = [0, *ends]
    return [Piece(start, end, text[start:end], False) for start, end in zip(starts, ends, strict=False)]


def _cuts(text: str) -> list[int]:
    """Returns where pieces begin and end, the beginning and the end of the text included."""
    found = {0, len(text), *(match.end() for match in _ENDS.finditer(text))}
    if "——" in text[:40] and (head := _DASHED_HEAD.match(text)) is not None:
        found.add(head.end())
    if _HINT.search(text) is None:
        return sorted(found)
    for pattern, hint in ((_REMARK, "（(【[〔"), (_TAGS, "#")):
        if any(sign in text for sign in hint):
            for match in pattern.finditer(text):
                found.difference_update(range(match.start() + 1, match.end()))
                found |= {match.start(), _spaces_end(text, match.end())}
    if any(sign in text for sign in "|｜丨="):
        found |= {match.end() for match in _HEAD.finditer(text)}
    return sorted(found)


def _spaces_end(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start
