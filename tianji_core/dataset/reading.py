"""Reading files of conversations from elsewhere: encodings, file forms, folders. A file is read twice, for
its hash and encoding and for its items, and never held in memory as a whole."""

import codecs
import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from tianji_core.dataset.streaming import CHUNK, json_items, line_items, one_line
from tianji_core.dataset.tables import csv_items, parquet_items
from tianji_core.errors import ImportFileError
from tianji_core.gate import first_line
from tianji_core.i18n import _

SUFFIXES = (".json", ".jsonl", ".csv", ".parquet")
LARGEST = 4 * 1024**3
"""Bytes; larger files are refused."""
NO_DATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "manifest.json")
"""Files that describe a dataset and lie beside it."""
_BINARY = "parquet"
_HEAD = 256 * 1024

Progress = Callable[[int], None]
"""Called with the bytes of a file read so far."""


@dataclass(frozen=True)
class Source:
    """One file. ``size`` is in bytes; ``opened`` opens its bytes from the start."""

    name: str
    sha256: str
    encoding: str
    size: int
    opened: Callable[[], BinaryIO]

    def items(self, progress: Progress | None = None) -> Iterator[Any]:
        """Yields the items of the file; a :class:`~tianji_core.dataset.streaming.BrokenLine` stands for a
        line that is not JSON.

        Raises:
            ImportFileError: it is not what its name or its beginning says, with line and column for JSON.
        """
        with self.opened() as binary:
            for number, item in enumerate(self._items(binary)):
                if progress is not None and number % 500 == 0:
                    progress(binary.tell())
                yield item
        if progress is not None:
            progress(self.size)

    def _items(self, binary: BinaryIO) -> Iterator[Any]:
        if self.encoding == _BINARY:
            return parquet_items(binary, self.name)
        table = self.name.lower().endswith(".csv")
        text = io.TextIOWrapper(binary, self.encoding, newline="" if table else "\n")
        if table:
            return self._rows(text)
        head = text.read(_HEAD)
        text.seek(0)
        if self.name.lower().endswith(".jsonl") or _looks_like_lines(head):
            return line_items(text)
        return json_items(text, self.name)

    def _rows(self, text: io.TextIOWrapper) -> Iterator[Any]:
        try:
            yield from csv_items(text, self.name)
        except csv.Error as error:
            raise ImportFileError(
                _("{file} 不是合法的 CSV：{detail}", file=self.name, detail=first_line(error))
            ) from error


def files_under(path: Path) -> list[Path]:
    """Returns the file itself, or the JSON, JSONL, CSV and Parquet files in a folder and its subfolders, by
    name. Hidden files and files that only describe a dataset are left out.

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
        raise ImportFileError(_("文件夹 {path} 里没有 .json、.jsonl、.csv 或 .parquet 文件", path=path))
    return files


def file_source(path: Path, name: str = "") -> Source:
    """Returns a file to be read item by item.

    Raises:
        ImportFileError: unreadable, empty, too large, or of unknown encoding.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ImportFileError(
                _("{file} 超过 {n} GB，请拆成几个文件再导入", file=path, n=LARGEST // 1024**3)
            )
        return _source(lambda: path.open("rb"), name or path.name)
    except OSError as error:
        raise ImportFileError(_("读不了 {file}：{detail}", file=path, detail=error.strerror)) from error


def bytes_source(content: bytes, name: str) -> Source:
    """Returns uploaded content as a file called ``name``; raises as :func:`file_source`."""
    return _source(lambda: io.BytesIO(content), name)


def _source(opened: Callable[[], BinaryIO], name: str) -> Source:
    hashed, size = hashlib.sha256(), 0
    blank, nul = True, False
    with opened() as file:
        start = file.read(4)
        file.seek(0)
        for chunk in iter(partial(file.read, CHUNK), b""):
            hashed.update(chunk)
            size += len(chunk)
            blank = blank and not chunk.strip()
            nul = nul or b"\x00" in chunk
    if blank:
        raise ImportFileError(_("{file} 是空的", file=name))
    wide = start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    if start == b"PAR1" and name.lower().endswith(".parquet"):
        encoding: str | None = _BINARY
    elif nul and not wide:
        encoding = None
    else:
        fitting = (
            codec for codec in (["utf-16"] if wide else ["utf-8-sig", "gb18030"]) if _decodes(opened, codec)
        )
        encoding = next(fitting, None)
    if encoding is None:
        raise ImportFileError(_("{file} 既不是 UTF-8 也不是 GBK 编码的文本，请另存为 UTF-8", file=name))
    return Source(name, hashed.hexdigest(), encoding, size, opened)


def _decodes(opened: Callable[[], BinaryIO], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with opened() as file:
        try:
            for chunk in iter(partial(file.read, CHUNK), b""):
                if "\x00" in decoder.decode(chunk):
                    return False
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _looks_like_lines(head: str) -> bool:
    """Returns whether each of the first two lines is a JSON object, whatever the name of the file."""
    full = [line for line in head.split("\n")[:20] if line.strip()][:2]
    return len(full) == 2 and all(isinstance(one_line(line, 0), dict) for line in full)
