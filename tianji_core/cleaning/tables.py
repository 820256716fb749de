"""Finds the one answer of a table, of labels with values, or of a statement of a program. Pure.

The functions return what those of :mod:`tianji_core.cleaning.layers` return."""

import re
from collections.abc import Iterator

from tianji_core.cleaning.layers import Unwrapped
from tianji_core.cleaning.records import ANSWER, ASIDE, only_prose

_BOX = re.compile(r"[\u2500-\u257f]|^\+-", re.MULTILINE)
_RULED = re.compile(r"^[ \t+|]*(?:[\u2500-\u257f]|\+-)[\u2500-\u257f \t+|=-]*$\n?", re.MULTILINE)
"""A line of a table that is drawn of lines alone."""
_BARS = str.maketrans("│┃║｜", "||||")
_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)


def from_table(text: str) -> Unwrapped | None:
    """Returns the text with a table replaced by its one cell of prose."""
    if _BOX.search(text):
        text = _RULED.sub("", text).translate(_BARS)
    rows = _ROW.findall(text)
    if not rows:
        return _from_bare_table(text)
    cells = [cell.strip() for row in rows for cell in row.strip().strip("|").split("|")]
    answer = only_prose([("", re.sub(r"<br\s*/?>", "\n", cell)) for cell in cells])
    if answer is None:
        return Unwrapped("|…|", None)
    rest = [_ROW.sub("\0", text)]
    parts = [part.strip() for part in rest[0].split("\0") if part.strip()]
    before = [part.strip() for part in text[: text.index(rows[0])].split("\n") if part.strip()]
    return Unwrapped("|…|", "\n".join([*before, answer, *parts[len(before and [1]) :]]).strip())


_RULE_LINE = re.compile(r"[-:|\s]+")


def _from_bare_table(text: str) -> Unwrapped | None:
    """Returns the one cell of prose of a table whose cells are parted by marks alone, under a line of
    heads."""
    head, _newline, body = text.strip().partition("\n")
    for mark in ("|", "\t", ",", "，"):
        cells = [cell.strip() for cell in head.split(mark)]
        if len(cells) < 2 or not all(ASIDE.fullmatch(cell) or ANSWER.fullmatch(cell) for cell in cells):
            continue
        rows = [row for row in body.splitlines() if row.strip() and not _RULE_LINE.fullmatch(row)]
        found = [("", cell.strip().strip('"')) for row in rows for cell in row.split(mark, len(cells) - 1)]
        return Unwrapped(head, only_prose(found))
    return None


_LABEL = re.compile(
    r"(?:^[ \t]*|(?<=\s))(?:[*#]{1,6}[ \t]{0,4})?(?P<name>[A-Za-z]{2,12}|[\u4e00-\u9fff]{2,5})[ \t]*(?:\*+)?[:：][ \t]*(?:\*+)?"
    r"|[【\[](?P<boxed>[A-Za-z]{2,12}|[\u4e00-\u9fff]{2,5})[】\]][:：]?[ \t]*",
    re.MULTILINE,
)


def from_labels(text: str) -> Unwrapped | None:
    """Returns what stands behind the one label of an answer, in a text of labels and values that begins with
    the label of something else: a title, a receiver, a style."""
    labels = [(match, match["name"] or match["boxed"]) for match in _LABEL.finditer(text)]
    labels = [(m, name) for m, name in labels if ASIDE.fullmatch(name) or ANSWER.fullmatch(name)]
    answers = [n for n, (_match, name) in enumerate(labels) if ANSWER.fullmatch(name)]
    if len(labels) < 2 or not answers or text[: labels[0][0].start()].strip():
        return None
    if len(answers) > 1 or len({name for _match, name in labels}) < len(labels):
        return Unwrapped(labels[0][0].group().strip(), None)
    n = answers[0]
    end = labels[n + 1][0].start() if n + 1 < len(labels) else len(text)
    return Unwrapped(labels[0][0].group().strip(), text[labels[n][0].end() : end].strip() or None)


_HAN = re.compile(r"[\u3400-\u9fff]")
_COMMENT = re.compile(r"(?:#|//)[^\n]*")
_CODE = re.compile(
    r"\A\s*(?:(?:const|let|var|return|print|echo|console\.log)\b\s*\(?\s*)?"
    r"(?:[\w.\u4e00-\u9fff]{1,16}\s*(?::?=)\s*)?"
    r"(?P<quote>[\"'`])(?P<text>[^\"`]+)(?P=quote)\s*\)?\s*;?\s*\Z"
)
_TEX = re.compile(r"\A\s*\$*\s*(?:\\[a-z]+\s*\{\s*)+(?P<text>[^{}]+?)\s*\}+\s*\$*\s*\Z")


_FENCED = re.compile(r"\A\s*```[A-Za-z+#]{0,12}[ \t]*\n(?P<body>.*?)\n?[ \t]*```\s*\Z", re.DOTALL)
_STATEMENT = re.compile(
    r"^[ \t]*(?:[A-Za-z_][\w. ]{0,40}(?::[ \t]*\w+)?[ \t]*=|[A-Za-z_][\w.]{0,40}\()", re.MULTILINE
)


def from_program(text: str) -> Unwrapped | None:
    """Returns the one string of prose of a program of several lines, whose other words are all Latin."""
    fenced = _FENCED.match(text)
    body = fenced["body"] if fenced is not None else text
    if "\n" not in body.strip() or "=" not in body or _STATEMENT.search(body) is None:
        return None
    strings = [(string[1] or string[2] or "") for string in _STRING.finditer(body)]
    if not strings or _HAN.search(_COMMENT.sub("", _STRING.sub("", body))) is not None:
        return None
    return Unwrapped(body.strip()[:12], only_prose([("", string) for string in strings]))


def from_code(text: str) -> Unwrapped | None:
    """Returns the string of a statement of a program, or the content of commands of TeX."""
    match = (
        _TEX.match(text) if "\\" in text else _CODE.match(text) if text.rstrip()[-1:] in "\"'`);" else None
    )
    if match is None or match["text"] == text.strip()[1:-1]:
        return None
    return Unwrapped(text[: match.start("text")].strip()[:20], match["text"].strip() or None)


_CALL = re.compile(r"\A\s*(?:print\s*\(\s*)?(?:await\s+)?[A-Za-z_][\w.]{0,40}\s*\(")
_KEY = re.compile(r"([A-Za-z_]\w{0,20})\s{0,9}[=:]\s{0,9}\Z")
_STRING = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_QUOTE = re.compile(r"[\"']")
_BEFORE = 40
"""Characters before a string in which its name stands."""
_TUPLE = re.compile(r"\A\s*[(\[]\s*(?P<quote>[\"'])(?P<text>[^\"']+)(?P=quote)\s*,?\s*[)\]]\s*\Z")


def from_call(text: str) -> Unwrapped | None:
    """Returns the one argument of the call of a function that is prose, or the only element of a list."""
    if (single := _TUPLE.match(text)) is not None:
        return Unwrapped(text.strip()[:2], single["text"].strip())
    match = _CALL.match(text) if text.rstrip(" \t\r\n;").endswith(")") else None
    if match is None:
        return None
    first = _QUOTE.search(text, match.end())
    before = text[match.end() : first.start()].strip() if first is not None else "?"
    if before and not _KEY.fullmatch(before):
        return None
    return Unwrapped(match.group().strip()[:20], only_prose(list(_arguments(text, match.end()))))


def _arguments(text: str, at: int) -> Iterator[tuple[str, str]]:
    """Yields the names, '' for none, and the strings of a call, up to one that does not end."""
    while (quote := _QUOTE.search(text, at)) is not None:
        if (string := _STRING.match(text, quote.start())) is None:
            return
        key = _KEY.search(text[max(at, quote.start() - _BEFORE) : quote.start()])
        yield key[1] if key is not None else "", string[1] or string[2] or ""
        at = string.end()
