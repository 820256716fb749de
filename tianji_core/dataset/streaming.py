"""Reads item after item from a text that may be larger than the memory: a JSON list, or JSON Lines."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, TextIO

from tianji_core.dataset.mending import mended
from tianji_core.dataset.outer_objects import items_within
from tianji_core.errors import ImportFileError
from tianji_core.i18n import _

CHUNK = 1024 * 1024
"""Characters read at a time."""
LONGEST = 16 * CHUNK
"""Longest item in characters; a longer one is not a conversation."""
WHOLE = 4 * LONGEST
"""Longest file in characters whose outermost value is an object, which has to be read at once."""
_SPACE = re.compile(r"[ \t\r\n\ufeff\x1e]*")
_HALF = re.compile("[\ud800-\udfff]")
BLANK = " \t\r\n\ufeff\x1e"
_NEAR_THE_END = 16
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
"""Number of characters before the end of the buffer within which a value may look broken only because it
continues."""
_DECODER = json.JSONDecoder(strict=False)
"""Reads line breaks within strings too, which hurried programs do not escape."""


@dataclass(frozen=True)
class BrokenLine:
    """A line of a JSON Lines file that is not JSON, or too long."""

    reason: str


@dataclass(frozen=True)
class LeftOut:
    """A part of a file that is no item and is not read, such as a sheet without answers."""

    notice: str


class FileItem(NamedTuple):
    """One item of a file: the ``line`` on which it begins, counted from 1 (0: the file has no lines), its
    value, whether surplus commas were removed from it, and the sheet of a workbook that it stands in."""

    line: int
    value: Any
    mended: bool = False
    sheet: str = ""


def json_items(stream: TextIO, name: str) -> Iterator[FileItem]:
    """Yields the elements of a JSON list, or of the lists under ``data``, ``train`` and the like of an
    object; any other object is one item. Several lists and objects may follow each other. Holds at most one
    element of a list at a time.

    Raises:
        ImportFileError: not JSON (with line and column), nested too deep, or neither list nor object.
    """
    text = _Window(stream, name)
    first = text.peek()
    while first:
        if first == "[":
            yield from text.elements()
        else:
            yield from _items_of(text.value(WHOLE), name)
        first = text.peek()
        if first == ",":
            text.at += 1
            first = text.peek()
        if first and first not in "[{":
            text.refuse("Extra data")


def _items_of(found: FileItem, name: str) -> Iterator[FileItem]:
    """Yields the items in an outermost object, or the object itself."""
    if isinstance(found.value, BrokenLine):
        yield found
        return
    if not isinstance(found.value, dict):
        raise ImportFileError(_("{file} 的最外层应当是一个列表", file=name))
    yield from (found._replace(value=item) for item in items_within(found.value))


class _Window:
    """A window that moves over the text; ``at`` is the current position in it."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self.stream, self.name = stream, name
        self.window, self.at, self.ended = "", 0, False
        self.line, self.column = 1, 1  # of the window's first character
        self.counted = (0, 1)  # a position in the window and its line

    def peek(self) -> str:
        """Returns the next character that is no white space, '' at the end."""
        while True:
            match = _SPACE.match(self.window, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.window) or not self._more(CHUNK):
                return self.window[self.at : self.at + 1]

    def elements(self) -> Iterator[FileItem]:
        """Yields the elements of the list that begins here."""
        self.at += 1
        first = True
        if self.peek() != "]":
            while True:
                item = self.value(LONGEST, first=first)
                yield item
                first, following = False, self.peek()
                if not following and isinstance(item.value, BrokenLine):
                    break
                if following == "]":
                    break
                if following != ",":
                    self.refuse("Expecting ',' delimiter")
                self.at += 1
                if self.peek() == "]":  # a surplus comma
                    break
        self.at += 1

    def value(self, longest: int, first: bool = True) -> FileItem:
        """Returns the value that begins here; a :class:`BrokenLine` if it has bytes that are no character, or
        if the text ends within it and it is not the ``first``."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.window, self.at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self.window) - _NEAR_THE_END
                if cut and self._more_of_one(longest):
                    continue
                repaired = mended(self.window, self.at, error.pos)
                if repaired is None and self._breaks_off(error) and not first:
                    reason = _("第 {line} 行起的一项没有写完，文件到这里就断了", line=self._line_here())
                    return self._found(BrokenLine(reason), len(self.window))
                if repaired is None:
                    self.refuse(error.msg, error.pos)
                return self._found(repaired.value, repaired.end, True)
            except RecursionError as error:
                raise ImportFileError(_("{file} 的 JSON 套得太深，不是对话数据", file=self.name)) from error
            except ValueError:  # Python does not read numbers of thousands of digits
                self.refuse("Number too long")
            else:
                if end < len(self.window) or not self._more_of_one(longest):
                    return self._found(value, end)

    def _breaks_off(self, error: json.JSONDecodeError) -> bool:
        """Whether a value is right as far as the text goes, and the text ends within it."""
        rest = self.window[error.pos :].strip()
        return error.msg.startswith("Unterminated") or any(word.startswith(rest) for word in _LITERALS)

    def _found(self, value: Any, end: int, repaired: bool = False) -> FileItem:
        line = self._line_here()
        if (spoiled := _HALF.search(self.window, self.at, end)) is not None:
            line += self.window.count("\n", self.at, spoiled.start())
            value = BrokenLine(_("第 {line} 行有解不开的字节", line=line))
        self.at = end
        return FileItem(line, value, repaired)

    def _line_here(self) -> int:
        at, line = self.counted
        line += self.window.count("\n", at, self.at)
        self.counted = (self.at, line)
        return line

    def refuse(self, what: str, at: int | None = None) -> NoReturn:
        """Raises an error with the reason, line and column."""
        place = self.at if at is None else at
        before = self.window[:place]
        line = self.line + before.count("\n")
        column = place - before.rfind("\n") if "\n" in before else self.column + place
        raise ImportFileError(
            _(
                "{file} 第 {line} 行第 {column} 列不是合法的 JSON：{detail}",
                file=self.name,
                line=line,
                column=column,
                detail=said(what),
            )
        )

    def _more_of_one(self, longest: int) -> bool:
        """Reads more of the current value, twice as much each time; returns False at the end of the text."""
        length = len(self.window) - self.at
        if length > longest:
            raise ImportFileError(
                _(
                    "{file} 第 {line} 行开始的一项超过 {n} MB，不像一段对话；列表里应当一段对话一项",
                    file=self.name,
                    line=self.line + self.window.count("\n", 0, self.at),
                    n=longest // CHUNK,
                )
            )
        return self._more(max(CHUNK, length))

    def _more(self, number: int) -> bool:
        if self.ended:
            return False
        read = self.stream.read(number)
        self.ended = not read
        if not read:
            return False
        gone = self.window[: self.at]
        if "\n" in gone:
            self.line += gone.count("\n")
            self.column = len(gone) - gone.rfind("\n")
        else:
            self.column += len(gone)
        self.window, self.at = self.window[self.at :] + read, 0
        self.counted = (0, self.line)
        return True


def line_items(stream: TextIO) -> Iterator[FileItem]:
    """Yields the value on each line that is not blank; a :class:`BrokenLine` if there is none."""
    number = 0
    while line := stream.readline(LONGEST):
        number += 1
        if len(line) == LONGEST and not line.endswith("\n"):
            while (rest := stream.readline(LONGEST)) and not rest.endswith("\n"):
                pass
            reason = _("第 {line} 行超过 {n} MB，不像一段对话", line=number, n=LONGEST // CHUNK)
            yield FileItem(number, BrokenLine(reason))
        elif line.strip(BLANK):
            yield one_line(line, number)


def one_line(line: str, number: int) -> FileItem:
    """Returns the value on one line, or the reason why there is none. A byte order mark and a comma after the
    value are ignored."""
    text = line.strip(BLANK).removesuffix(",")
    surplus = text != line.strip(BLANK)
    if _HALF.search(line):
        return FileItem(number, BrokenLine(_("第 {line} 行有解不开的字节", line=number)))
    try:
        return FileItem(number, json.loads(text, strict=False), surplus)
    except json.JSONDecodeError as error:
        repaired = mended(text, 0, error.pos)
        if repaired is not None and repaired.end == len(text):
            return FileItem(number, repaired.value, True)
        column, detail = error.colno, said(error.msg)
    except RecursionError:
        return FileItem(number, BrokenLine(_("第 {line} 行的 JSON 套得太深", line=number)))
    except ValueError:
        column, detail = 1, said("Number too long")
    reason = _(
        "第 {line} 行第 {column} 列不是合法的 JSON：{detail}", line=number, column=column, detail=detail
    )
    return FileItem(number, BrokenLine(reason))


def said(message: str) -> str:
    """Returns the message of the JSON library in the person's language."""
    known = {
        "Expecting value": _("这里缺一个值"),
        "Expecting ',' delimiter": _("这里缺一个逗号，或者前面的引号没有配对"),
        "Expecting ':' delimiter": _("这里缺一个冒号"),
        "Expecting property name enclosed in double quotes": _(
            "这里应当是双引号括起来的键，检查前面有没有多余的逗号"
        ),
        "Unterminated string starting at": _("从这里开始的引号没有结束"),
        "Invalid control character at": _("引号里有没转义的换行或控制字符"),
        "Extra data": _("到这里 JSON 已经结束，后面还有内容"),
        "Number too long": _("这里有一个几千位的数字"),
    }
    return known.get(message, message)
