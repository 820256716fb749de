"""Reading files of conversations that somebody else wrote: encodings, JSON or JSON lines, folders."""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tianji_core.dataset.tables import csv_items
from tianji_core.errors import ImportFileError
from tianji_core.i18n import _

SUFFIXES = (".json", ".jsonl", ".csv")
LARGEST = 512 * 1024 * 1024
"""Bytes; a larger file is surely not a list of blessings, and reading it would fill the memory."""


@dataclass(frozen=True)
class Source:
    """The content of one file. ``items`` are (place, item): the index from 0, or a reason text where a line of a JSON
    lines file is no JSON."""

    name: str
    sha256: str
    encoding: str
    items: tuple[Any, ...]


@dataclass(frozen=True)
class BrokenLine:
    """A line of a JSON lines file that is not JSON."""

    reason: str


def files_under(path: Path) -> list[Path]:
    """The file itself, or the JSON, JSONL and CSV files in a folder and its subfolders, by name.

    Raises:
        ImportFileError: there is nothing to read.
    """
    if path.is_file():
        return [path]
    if not path.exists():
        raise ImportFileError(_("没有 {path} 这个文件或文件夹，请检查路径", path=path))
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise ImportFileError(_("文件夹 {path} 里没有 .json、.jsonl 或 .csv 文件", path=path))
    return found


def read_file(path: Path) -> Source:
    """Everything in a file.

    Raises:
        ImportFileError: unreadable, too large, of unknown encoding, or not JSON (with line and column).
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ImportFileError(_("{file} 超过 512 MB，请拆成几个文件再导入", file=path))
        content = path.read_bytes()
    except OSError as error:
        raise ImportFileError(_("读不了 {file}：{detail}", file=path, detail=error.strerror)) from error
    return read_bytes(content, path.name)


def read_bytes(content: bytes, name: str) -> Source:
    """Everything in the content of a file called ``name``; errors as for :func:`read_file`."""
    text, encoding = _decode(content, name)
    if not text.strip():
        raise ImportFileError(_("{file} 是空的", file=name))
    return Source(name, hashlib.sha256(content).hexdigest(), encoding, tuple(_items(text, name)))


def _decode(content: bytes, name: str) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, encoding
    raise ImportFileError(_("{file} 既不是 UTF-8 也不是 GBK 编码的文本，请另存为 UTF-8", file=name))


def _items(text: str, name: str) -> Iterator[Any]:
    if name.lower().endswith(".csv"):
        yield from _rows(text, name)
        return
    lines = text.split("\n")
    if name.lower().endswith(".jsonl") or _looks_like_lines(lines):
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _line(line, number)
        return
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ImportFileError(
            _(
                "{file} 第 {line} 行第 {column} 列不是合法的 JSON：{detail}",
                file=name,
                line=error.lineno,
                column=error.colno,
                detail=_said(error),
            )
        ) from error
    except RecursionError as error:
        raise ImportFileError(_("{file} 的 JSON 套得太深，不是对话数据", file=name)) from error
    if isinstance(value, dict):
        value = next(
            (value[k] for k in ("data", "train", "items") if isinstance(value.get(k), list)), [value]
        )
    if not isinstance(value, list):
        raise ImportFileError(_("{file} 的最外层应当是一个列表", file=name))
    yield from value


def _rows(text: str, name: str) -> Iterator[Any]:
    try:
        items = list(csv_items(text))
    except csv.Error as error:
        raise ImportFileError(_("{file} 不是合法的 CSV：{detail}", file=name, detail=error)) from error
    if items and not any("output" in item or "conversation" in item for item in items):
        raise ImportFileError(
            _("{file} 里没有“输入”和“输出”两列（input、output），第一行应当是表头", file=name)
        )
    yield from items


def _looks_like_lines(lines: list[str]) -> bool:
    """Whether the first two lines are an object each, whatever the file is called."""
    full = [line for line in lines[:20] if line.strip()][:2]
    if len(full) < 2:
        return False
    return all(isinstance(_line(line, 0), dict) for line in full)


def _line(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        return BrokenLine(
            _(
                "第 {line} 行第 {column} 列不是合法的 JSON：{detail}",
                line=number,
                column=error.colno,
                detail=_said(error),
            )
        )
    except RecursionError:
        return BrokenLine(_("第 {line} 行的 JSON 套得太深", line=number))


def _said(error: json.JSONDecodeError) -> str:
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
    }
    return known.get(error.msg, error.msg)
