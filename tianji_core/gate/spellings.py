"""The ways in which servers spell a text: with white space inside, escaped, as numbers, in base64.

A :class:`ResolvedText` is a text with one kind of spelling resolved; it knows where each of its parts stands
in the text as it came. It is made in a time that grows with the length of the text.
"""

import base64
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

_UNSEEN = (
    "\\x00-\\x08\\x0e-\\x1f\\x7f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f"
)
"""Characters that nobody sees, as a character class: controls, joiners, directions, variations and tags."""
_LONGEST_GAP = 64
"""Characters; what lies further apart belongs to two texts."""
_APART = "\ue000"
"""Stands for a longer gap."""
_PASSES = 5
"""How often escapes within escapes are resolved."""
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_BASE64_OF_ADDRESSES = str.maketrans("-_", "+/")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

_GAP = re.compile(rf"(?P<gap>[\s{_UNSEEN}]++)")
_ESCAPE = re.compile(
    rf"(?P<gap>(?:[\s{_UNSEEN}]|\\++[nrt])++)"
    r"|\\++(?:u\{0*+(?P<braced>[0-9a-f]{1,5})\}|u(?:0000)?+(?P<four>[0-9a-f]{4})|x(?P<two>[0-9a-f]{2})"
    r"|0?(?P<octal>[0-7]{3}))"
    r"|&\#(?:0*+(?P<decimal>[0-9]{1,6})|x0*+(?P<entity>[0-9a-f]{1,5}));?"
    r"|&(?P<named>amp|lt|gt|quot|apos);"
    r"|%(?:25)*(?P<percent>[0-7][0-9a-f])|(?P<bytes>(?:%(?:25)*[89a-f][0-9a-f])++)"
    r"|(?P<open>\\{1,64}(?:u\{?[0-9a-f]{0,6}|x[0-9a-f]?|[0-7]{0,3})\Z)|(?P<backslash>\\++)",
    re.IGNORECASE,
)
_PRINTABLE = re.compile(rf"(?P<gap>(?:[\s{_UNSEEN}]|=\r?\n)++)|=(?P<two>[0-9a-f]{{2}})", re.IGNORECASE)
_SEPARATOR = re.compile(rf"(?P<gap>(?:[\s{_UNSEEN}:,._'\"-]|0x|0\Z)++)", re.IGNORECASE)
_UNFINISHED = re.compile(
    r"(?:\\{1,64}(?:u\{?[0-9a-f]{0,8}|x[0-9a-f]?|[0-7]{0,3})?|&(?:\#x?[0-9a-f]{0,9}|[a-z]{0,4})"
    r"|%(?:25)*+(?:2?|[0-9a-f])|(?:%[89a-f][0-9a-f]){1,3}%?|=[0-9a-f]?\r?)\Z",
    re.IGNORECASE,
)
"""An escape at the end of a text that the next piece may complete."""


class ResolvedText:
    """``text`` is what one kind of spelling stands for."""

    def __init__(self, text: str, before: "ResolvedText | None" = None) -> None:
        self.text = text
        self._before = before
        self._starts: list[int] = []
        self._units: list[tuple[int, int, int]] = []

    def resolved(self, unit: re.Pattern[str]) -> "ResolvedText":
        """Returns the reading with every ``unit`` replaced by what it stands for; itself where there is
        none."""
        made = ResolvedText("", self)
        parts: list[str] = []
        at = size = 0
        for found in unit.finditer(self.text):
            meaning = _meaning(found)
            size += found.start() - at
            made._starts.append(size)
            made._units.append((found.start(), found.end(), len(meaning)))
            parts += (self.text[at : found.start()], meaning)
            size += len(meaning)
            at = found.end()
        if not parts:
            return self
        made.text = "".join((*parts, self.text[at:]))
        return made

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Returns where the characters from ``start`` to ``end`` (exclusive) stand in the first text."""
        if self._before is None:
            return start, end
        first, last = self._earlier(start)[0], self._earlier(end - 1)[1]
        return self._before.place(first, last)

    def _earlier(self, position: int) -> tuple[int, int]:
        """The range of a character in the text before."""
        at = bisect_right(self._starts, position) - 1
        if at < 0:
            return position, position + 1
        start, end, length = self._units[at]
        beyond = position - self._starts[at] - length
        return (start, end) if beyond < 0 else (end + beyond, end + beyond + 1)


def _meaning(found: re.Match[str]) -> str:
    kind, said = found.lastgroup, found[found.lastgroup or 0]
    if kind == "gap":
        return "" if len(said) <= _LONGEST_GAP else _APART
    if kind == "backslash":
        return ""
    if kind == "open":
        return said
    if kind == "named":
        return _ENTITIES[said.lower()]
    if kind == "bytes":
        return bytes(int(each, 16) for each in re.findall(r"[89a-fA-F][0-9a-fA-F](?=%|\Z)", said)).decode(
            "utf-8", "replace"
        )
    base = 8 if kind == "octal" else 10 if kind == "decimal" else 16
    code = int(said, base)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _plain(text: ResolvedText) -> ResolvedText:
    return text.resolved(_GAP)


def _unescaped(text: ResolvedText) -> ResolvedText:
    for _pass in range(_PASSES):
        further = text.resolved(_ESCAPE)
        if further is text:
            break
        text = further
    return text


def _printable(text: ResolvedText) -> ResolvedText:
    return text.resolved(_PRINTABLE)


def _digits(text: ResolvedText) -> ResolvedText:
    return text.resolved(_SEPARATOR)


def _letters(text: str) -> str:
    return text.translate(_LOWER)


def _groups(text: str) -> str:
    return text.translate(_BASE64_OF_ADDRESSES)


class Spelling:
    """One way to spell a text. ``read`` resolves it, ``folded`` makes equal what means the same, ``forms``
    are the folded texts that stand for a value, and a text without one of ``marks`` is not spelled like
    this."""

    def __init__(
        self,
        read: Callable[[ResolvedText], ResolvedText],
        folded: Callable[[str], str],
        forms: Callable[[str], Iterator[str]],
        marks: str = "",
    ) -> None:
        self.read, self.folded, self.forms = read, folded, forms
        self._marks = re.compile(f"[{re.escape(marks)}]") if marks else None

    def fits(self, text: str) -> bool:
        """Returns whether a text may be spelled like this."""
        return self._marks is None or self._marks.search(text) is not None


def _as_read(read: Callable[[ResolvedText], ResolvedText]) -> Callable[[str], Iterator[str]]:
    return lambda value: iter((_letters(read(ResolvedText(value)).text),))


def _as_numbers(value: str) -> Iterator[str]:
    yield ",".join(map(str, _data(value)))


def _as_hexadecimal(value: str) -> Iterator[str]:
    yield _data(value).hex()


def _in_base64(value: str) -> Iterator[str]:
    """The characters of base64 that the bytes of a value alone decide, for each place of its first byte in a
    group of three."""
    data = _data(value)
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + data).decode("ascii").rstrip("=")
        yield encoded[(offset * 8 + 5) // 6 : (offset + len(data)) * 8 // 6]


def _data(value: str) -> bytes:
    return value.encode("utf-8", "replace")


SPELLINGS = (
    Spelling(_plain, _letters, _as_read(_plain)),
    Spelling(_plain, _letters, _as_numbers, ","),
    Spelling(_plain, _groups, _in_base64),
    Spelling(_unescaped, _letters, _as_read(_unescaped), "\\%&"),
    Spelling(_unescaped, _groups, _in_base64, "\\%&"),
    Spelling(_printable, _letters, _as_read(_plain), "="),
    Spelling(_digits, _letters, _as_hexadecimal),
)
"""Plain, numbers of bytes, base64, escapes (percent, JSON, C, Python, HTML, also within each other), escaped
base64, quoted-printable, hexadecimal."""


def unfinished(text: str) -> int | None:
    """Returns where an escape begins that is not complete at the end of a text; None where there is none."""
    found = _UNFINISHED.search(text, max(0, len(text) - 64))
    return found.start() if found is not None else None
