"""Reading files of conversations from elsewhere: encodings, file forms, folders. A file is read twice, for
its hash and encoding and for its items, and never held in memory as a whole."""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO

from tianji_core.dataset.column_names import ColumnNames, described
from tianji_core.dataset.encodings import KEEPING, text_encoding
from tianji_core.dataset.streaming import BLANK, CHUNK, FileItem, json_items, line_items, one_line
from tianji_core.dataset.tables import csv_items, delimiter_of, has_answers, parquet_items
from tianji_core.dataset.workbooks import is_workbook, workbook_items
from tianji_core.errors import CsvError, ImportFileError
from tianji_core.i18n import _
from tianji_core.spreadsheet import csv_rows

SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".xlsx")
LARGEST = 4 * 1024**3
"""Bytes; larger files are refused."""
NO_DATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "manifest.json")
"""Files that describe a dataset and lie beside it."""
_BINARY, _WORKBOOK = "parquet", "xlsx"
_BY_LINE = (".jsonl", ".ndjson")
_TABLE, _LINES, _VALUES = "table", "lines", "values"
_ZIP = b"PK\x03\x04"
_PACKED = (
    _ZIP,
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"BZh",
    b"\xfd7zX",
    b"7z\xbc\xaf",
    b"\xd0\xcf\x11\xe0",
)
"""Beginnings of archives and of old Excel files."""
_POINTER = b"version https://git-lfs"
_PAGES = (b"<!doctype", b"<html")
_HEAD = 256 * 1024

Progress = Callable[[int], None]
"""Called with the bytes of a file read so far."""


@dataclass(frozen=True)
class Source:
    """One file. ``size`` is in bytes; ``opened`` opens its bytes from the start; ``names`` are those that a
    description beside it gives to its columns."""

    name: str
    sha256: str
    encoding: str
    size: int
    opened: Callable[[], BinaryIO]
    names: ColumnNames | None = None

    def items(self, progress: Progress | None = None) -> Iterator[FileItem]:
        """Yields the items of the file; a :class:`~tianji_core.dataset.streaming.BrokenLine` stands for one
        that cannot be read. What the file contains decides how it is read, not its name.

        Raises:
            ImportFileError: it is not what its beginning says, with line and column for JSON.
        """
        with self.opened() as binary:
            for number, item in enumerate(self._items(binary)):
                if progress is not None and number % 500 == 0:
                    progress(binary.tell())
                yield item if self.names is None else item._replace(value=self.names.usual(item.value))
        if progress is not None:
            progress(self.size)

    def _items(self, binary: BinaryIO) -> Iterator[FileItem]:
        if self.encoding == _BINARY:
            return parquet_items(binary, self.name)
        if self.encoding == _WORKBOOK:
            return workbook_items(binary, self.name)
        head = self._text(binary, "\n").read(_HEAD)
        binary.seek(0)
        form = _form_of(head, self.name)
        if form == _TABLE:
            return self._rows(self._text(binary, "" if "\n" in head else None))
        text = self._text(binary, "\n")
        return line_items(text) if form == _LINES else json_items(text, self.name)

    def _text(self, binary: BinaryIO, newline: str | None) -> "_OpenText":
        keeping = "strict" if self.encoding.startswith(("utf-16", "utf-32")) else KEEPING
        return _OpenText(binary, self.encoding, errors=keeping, newline=newline)

    def _rows(self, text: TextIO) -> Iterator[FileItem]:
        try:
            yield from csv_items(text, self.name)
        except CsvError as error:
            raise ImportFileError(
                _("{file} 不是合法的 CSV：{detail}", file=self.name, detail=error)
            ) from error


class _OpenText(io.TextIOWrapper):
    """Text that does not close its bytes, which are read a second time."""

    def __del__(self) -> None:
        if not self.closed:
            self.detach()


def files_under(path: Path) -> list[Path]:
    """Returns the file itself, or the JSON, JSONL, CSV, Excel and Parquet files in a folder and its
    subfolders, by name. Hidden files and files that only describe a dataset are left out.

    Raises:
        ImportFileError: there is nothing to read.
    """
    if path.is_file():
        return [path]
    if not path.exists():
        raise ImportFileError(_("没有 {path} 这个文件或文件夹，请检查路径", path=path))
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and file.is_file()
        and file.name not in NO_DATA
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not files:
        raise ImportFileError(
            _("文件夹 {path} 里没有 .json、.jsonl、.csv、.tsv、.xlsx 或 .parquet 文件", path=path)
        )
    return files


def file_source(path: Path, name: str = "", encoding: str = "") -> Source:
    """Returns a file to be read item by item. ``encoding`` is the one that a person names, '' to recognise
    it.

    Raises:
        ImportFileError: unreadable, empty, too large, or of unknown encoding.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ImportFileError(
                _("{file} 超过 {n} GB，请拆成几个文件再导入", file=path, n=LARGEST // 1024**3)
            )
        source = _source(lambda: path.open("rb"), name or path.name, encoding)
        return replace(source, names=described(path))
    except OSError as error:
        raise ImportFileError(_("读不了 {file}：{detail}", file=path, detail=error.strerror)) from error


def bytes_source(content: bytes, name: str, encoding: str = "") -> Source:
    """Returns uploaded content as a file called ``name``; raises as :func:`file_source`."""
    return _source(lambda: io.BytesIO(content), name, encoding)


def _source(opened: Callable[[], BinaryIO], name: str, encoding: str = "") -> Source:
    hashed, size = hashlib.sha256(), 0
    blank = True
    with opened() as file:
        start = file.read(len(_POINTER))
        file.seek(0)
        for chunk in iter(partial(file.read, CHUNK), b""):
            hashed.update(chunk)
            size += len(chunk)
            blank = blank and not chunk.strip()
    if blank:
        raise ImportFileError(_("{file} 是空的", file=name))
    if start.startswith(_POINTER):
        raise ImportFileError(
            _("{file} 只是 Git LFS 的指针，不是数据本身；请在那个仓库里运行 git lfs pull", file=name)
        )
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith(_PAGES):
        raise ImportFileError(_("{file} 是一个网页，不是数据文件；请下载数据文件本身", file=name))
    if start.startswith(_ZIP) and is_workbook(opened, name):
        return Source(name, hashed.hexdigest(), _WORKBOOK, size, opened)
    if start.startswith(_ZIP) and name.lower().endswith(".xlsx"):
        raise ImportFileError(
            _("{file} 不完整或者坏了，打不开；请重新下载，或者在 Excel 里另存一次", file=name)
        )
    if start.startswith(_PACKED):
        raise ImportFileError(
            _("{file} 是压缩包或者旧版 Excel 文件，不是数据本身；请先解开，或者另存为 xlsx、CSV", file=name)
        )
    codec = _BINARY if start.startswith(b"PAR1") else text_encoding(opened, name, encoding)
    return Source(name, hashed.hexdigest(), codec, size, opened)


def _form_of(head: str, name: str) -> str:
    """Returns whether a text is a table, JSON Lines, or JSON values that may span lines."""
    lines = [line for line in head.replace("\r", "\n").split("\n")[:20] if line.strip(BLANK)][:2]
    first = lines[0] if lines else ""
    opening = first.strip(BLANK)[:1]
    table = name.lower().endswith((".csv", ".tsv"))
    if opening not in ("[", "{"):
        if name.lower().endswith(_BY_LINE) and any(line.lstrip().startswith("{") for line in lines):
            return _LINES  # the first line is a comment, or broken
        rows = csv_rows([first], delimiter_of(first)) if len(first) < CHUNK else iter(())
        headings = next(rows, (0, []))[1]
        return _TABLE if table or (len(headings) > 1 and has_answers(headings)) else _VALUES
    whole = [isinstance(one_line(line, 0).value, dict | list) for line in lines]
    if table and not whole[0]:
        return _TABLE
    by_line = name.lower().endswith(_BY_LINE)
    if len(lines) == 2 and whole[1] and lines[1][:1].strip():
        if opening == "{" or (whole[0] and lines[1].lstrip("\ufeff").startswith("[")):
            return _LINES
        if by_line and first.strip() != "[" and not lines[0].rstrip().endswith(",") and not whole[0]:
            return _LINES  # the first line is broken
    return _LINES if by_line and opening == "{" and len(first.strip()) > 1 else _VALUES
