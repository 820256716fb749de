"""One item after another out of a text that may be larger than the memory: a JSON list, or JSON lines."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TextIO

from tianji_core.errors import ImportFileError
from tianji_core.i18n import _

CHUNK = 1024 * 1024
"""Characters read at once."""
LONGEST = 16 * CHUNK
"""Characters of one item; a longer one is no conversation, and whatever was meant as one."""
WHOLE = 4 * LONGEST
"""Characters of a file whose outermost value is an object, which has to be read at once."""
_SPACE = re.compile(r"[ \t\r\n]*")
_NEAR_THE_END = 16
"""Characters before the end of what was read in which a value may only look broken because it goes on."""
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class BrokenLine:
    """A line of a JSON lines file that is not JSON, or too long to be a conversation."""

    reason: str


def json_items(stream: TextIO, name: str) -> Iterator[Any]:
    """The elements of the list that a JSON text is, or those of the list under ``data``, ``train`` or ``items`` where it
    is an object; any other object is one item. Of a list no more than one element is kept at a time.

    Raises:
        ImportFileError: not JSON (with line and column), nested too deep, or neither list nor object.
    """
    text = _Text(stream, name)
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


class _Text:
    """A window that moves over the text; ``at`` is the place in it that is looked at."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self.stream, self.name = stream, name
        self.window, self.at, self.ended = "", 0, False
        self.line, self.column = 1, 1  # of the window's first character

    def peek(self) -> str:
        """The next character that is no space, '' at the end."""
        while True:
            match = _SPACE.match(self.window, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.window) or not self._more(CHUNK):
                return self.window[self.at : self.at + 1]

    def read_all(self, longest: int) -> None:
        """Read up to the end of the text at once; refuses one that is longer than ``longest`` before it is parsed."""
        while self._more_of_one(longest):
            pass

    def elements(self) -> Iterator[Any]:
        """The elements of the list that begins here."""
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
        """The value that begins here."""
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
        """Say what is wrong, and at which line and column."""
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
        """Read more of the value at hand, twice as much each time; False at the end of the text."""
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
    """The value on each line that is not blank; a :class:`BrokenLine` where there is none."""
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
    """The value on one line, or why there is none."""
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
    """What the JSON library says, in the person's language."""
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
