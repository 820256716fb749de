"""Joins the lines of a page that were broken only because the page ended there. Pure."""

import re
import unicodedata

_FULL = 0.8
"""Share of the usual width of the text from which a line counts as full."""
_NARROWEST = 30
"""Columns below which a line is never full."""
_ENDS = "。！？!?…；;：:”』」）)】》.|"
_STARTS = re.compile(
    r"\s*(?:[-*•·●○▪#>|]|\(?\d{1,3}[.)、）]|[（(]?[一二三四五六七八九十]{1,3}[、）)]|第.{1,4}[章节条])"
)
_LATIN_END = re.compile(r"[A-Za-z0-9,;.)'\"]$")
_LATIN_START = re.compile(r"[A-Za-z0-9('\"]")


def without_line_wraps(text: str) -> str:
    """Returns the text of pages with lines joined that only the width of the page has broken, even where the
    reader of the file has put a blank line between them. A line continues if it is about as wide as the
    others and does not end a sentence; headings, entries of lists and ends of paragraphs stay apart."""
    lines = [line.strip() for line in text.split("\n")]
    full = max(_NARROWEST, _FULL * _usual_width(lines))
    paragraphs: list[str] = []
    gap, continues = "", False
    for line in lines:
        if not line:
            gap = "\n\n" if paragraphs else ""
            continue
        if continues and paragraphs and not _STARTS.match(line):
            before = paragraphs[-1]
            spaced = _LATIN_END.search(before) and _LATIN_START.match(line)
            paragraphs[-1] = f"{before}{' ' if spaced else ''}{line}"
        else:
            paragraphs.append(f"{gap or ('' if not paragraphs else chr(10))}{line}")
        gap = ""
        continues = _width(line) >= full and line[-1] not in _ENDS
    return "".join(paragraphs)


def _usual_width(lines: list[str]) -> int:
    """Returns the width that nine of ten lines do not exceed, in columns."""
    widths = sorted(_width(line) for line in lines if line)
    return widths[(len(widths) - 1) * 9 // 10] if widths else 0


def _width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)
