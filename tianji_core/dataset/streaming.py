"""Reads item after item from a text that may be larger than the memory: a JSON list, or JSON Lines."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TextIO

from tianji_core.errors import ImportFileError
from tianji_core.i18n import _

CHUNK = 1024 * 1024
"""Characters read at a time."""
LONGEST = 16 * CHUNK
"""Longest item in characters; a longer one is not a conversation."""
WHOLE = 4 * LONGEST
"""Longest file in characters whose outermost value is an object, which has to be read at once."""
_SPACE = re.compile(r"[ \t\r\n]*")
_NEAR_THE_END = 16
"""Number of characters before the end of the buffer within which a value may look broken only because it
continues."""
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class BrokenLine:
    """A line of a JSON Lines file that is not JSON, or too long."""

    reason: str


def json_items(stream: TextIO, name: str) -> Iterator[Any]:
    """Yields the elements of a JSON list, or of the list under ``data``, ``train`` or ``items`` of an object;
    any other object is one item. Holds at most one element of a list at a time.

    Raises:
        ImportFileError: not JSON (with line and column), nested too deep, or neither list nor object.
    """
    text = _Window(stream, name)
    first = text.peek()
    if first == "[":
        yield from text.elements()
        return
    text.read_all(WHOLE)
    value = text.value(WHOLE)
    if text.peek():
        text.refuse("Extra data")
    if isinstance(value, dict):
        lists = (value[key] for key in ("data", "train", "items") if isinstance(value.get(key), list))
        yield from next(lists, [value])
        return
    raise ImportFileError(_("{file} 的最外层应当是一个列表", file=name))


class _Window:
    """A window that moves over the text; ``at`` is the current position in it."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self.stream, self.name = stream, name
        self.window, self.at, self.ended = "", 0, False
        self.line, self.column = 1, 1  # of the window's first character

    def peek(self) -> str:
        """Returns the next character that is no white space, '' at the end."""
        while True:
            match = _SPACE.match(self.window, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.window) or not self._more(CHUNK):
                return self.window[self.at : self.at + 1]

    def read_all(self, longest: int) -> None:
        """Returns the rest of the text; refuses one longer than ``longest`` before it is parsed."""
        while self._more_of_one(longest):
            pass

    def elements(self) -> Iterator[Any]:
        """Yields the elements of the list that begins here."""
        self.at += 1
        if self.peek() != "]":
            while True:
                yield self.value(LONGEST)
                following = self.peek()
                if following == "]":
                    break
                if following != ",":
                    self.refuse("Expecting ',' delimiter")
                self.at += 1
                if self.peek() == "]":
                    self.refuse("Illegal trailing comma before end of array")
        self.at += 1
        if self.peek():
            self.refuse("Extra data")

    def value(self, longest: int) -> Any:
        """Returns the value that begins here."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.window, self.at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self.window) - _NEAR_THE_END
                if not cut or not self._more_of_one(longest):
                    self.refuse(error.msg, error.pos)
            except RecursionError as error:
                raise ImportFileError(_("{file} 的 JSON 套得太深，不是对话数据", file=self.name)) from error
            except ValueError:  # Python does not read numbers of thousands of digits
                self.refuse("Number too long")
            else:
                if end < len(self.window) or not self._more_of_one(longest):
                    self.at = end
                    return value

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
        return True


def line_items(stream: TextIO) -> Iterator[Any]:
    """Yields the value on each line that is not blank; a :class:`BrokenLine` if there is none."""
    number = 0
    while line := stream.readline(LONGEST):
        number += 1
        if len(line) == LONGEST and not line.endswith("\n"):
            while (rest := stream.readline(LONGEST)) and not rest.endswith("\n"):
                pass
            yield BrokenLine(_("第 {line} 行超过 {n} MB，不像一段对话", line=number, n=LONGEST // CHUNK))
        elif line.strip():
            yield one_line(line, number)


def one_line(line: str, number: int) -> Any:
    """Returns the value on one line, or the reason why there is none."""
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        column, detail = error.colno, said(error.msg)
    except RecursionError:
        return BrokenLine(_("第 {line} 行的 JSON 套得太深", line=number))
    except ValueError:
        column, detail = 1, said("Number too long")
    return BrokenLine(
        _("第 {line} 行第 {column} 列不是合法的 JSON：{detail}", line=number, column=column, detail=detail)
    )


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
        "Illegal trailing comma before end of array": _("列表末尾多了一个逗号"),
        "Illegal trailing comma before end of object": _("对象末尾多了一个逗号"),
        "Number too long": _("这里有一个几千位的数字"),
    }
    return known.get(message, message)
