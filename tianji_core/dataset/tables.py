"""Conversations as tables: CSV that is safe in spreadsheets, Parquet, and a Hugging Face folder."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from tianji_core.dataset.conversation import Conversation, as_item
from tianji_core.dataset.fields import OUTPUT, TURNS, Repeated, field_of, keys_shown
from tianji_core.dataset.streaming import BrokenLine, FileItem
from tianji_core.errors import ImportFileError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.spreadsheet import UNPAIRED, csv_row, csv_rows, plain_cell

if TYPE_CHECKING:
    import pyarrow

COLUMNS = ("system", "input", "output", "history")
_NAMED_DELIMITER = re.compile(r'\ufeff?"?sep=([,;\t|])"?\s*$', re.IGNORECASE)
"""The line above the headings in which Excel names the character between cells."""
_LONGEST_HEAD = 64 * 1024
_ROWS_AT_ONCE = 2000
TITLES = 5
"""Rows among which the headings are, below a title or blank lines."""


def csv_lines(conversations: Iterable[Conversation]) -> Iterator[str]:
    """Yields CSV with a byte order mark, so that spreadsheets read it as UTF-8; earlier turns are JSON in
    ``history``."""
    head = "\ufeff" + csv_row(COLUMNS)
    for conversation in conversations:
        earlier = json.dumps([list(turn) for turn in conversation.turns[:-1]], ensure_ascii=False)
        last = conversation.turns[-1]
        cells = (conversation.system, last.input, last.output, earlier if conversation.turns[1:] else "")
        yield head + csv_row(cells)
        head = ""


def csv_items(text: TextIO, name: str) -> Iterator[FileItem]:
    """Yields the rows of a CSV file as objects whose keys are the headings. A row with more cells than
    headings becomes a :class:`BrokenLine`.

    Raises:
        ImportFileError: it has no column for answers. CsvError: it is no CSV.
    """
    first = text.readline(_LONGEST_HEAD)
    if (named := _NAMED_DELIMITER.match(first)) is None:
        text.seek(0)
        head = [first, *(text.readline(_LONGEST_HEAD) for _line in range(TITLES))]
        text.seek(0)
    delimiter = named[1] if named else _delimiter_in(head)
    rows = csv_rows(text, delimiter, strict=True)
    headings: list[str] = []
    seen: list[list[str]] = []
    for _number, row in islice(rows, TITLES):
        seen.append(row)
        headings = [heading.strip("\ufeff \t\u3000") for heading in row]
        if has_answers(headings):
            break
    else:
        raise without_answers(name, seen)
    for number, row in rows:
        line = number + (named is not None)
        if row is UNPAIRED:
            reason = _("第 {line} 行起的引号不成对，分不清有哪几格", line=line)
            yield FileItem(line, BrokenLine(reason))
            continue
        cells = [plain_cell(cell.strip() if delimiter == "|" else cell) for cell in row]
        if not any(cell.strip() for cell in cells) or (delimiter == "|" and _is_rule(cells)):
            continue
        if any(cell.strip() for cell in cells[len(headings) :]):
            reason = _("第 {line} 行比表头多了几格，检查逗号和引号", line=line)
            yield FileItem(line, BrokenLine(reason))
        else:
            yield FileItem(line, row_item(headings, cells))


def _is_rule(cells: list[str]) -> bool:
    """Returns whether a row of a table in Markdown is the line below its headings."""
    return all(re.fullmatch(r":?-*:?", cell) for cell in cells)


def delimiter_of(lines: str) -> str:
    """Returns the character that separates the headings in the first lines of a table."""
    return max(",;\t|", key=lines.count)


def _delimiter_in(head: list[str]) -> str:
    """Returns the character that separates the headings; the cells below may hold more of another one."""
    for line in head:
        delimiter = delimiter_of(line)
        if any(has_answers(row) for _number, row in csv_rows([line], delimiter)):
            return delimiter
    return delimiter_of("".join(head))


def has_answers(headings: Iterable[str]) -> bool:
    """Returns whether one of the headings means answers or whole conversations."""
    return any(field_of(heading) in (OUTPUT, TURNS) for heading in headings)


def without_answers(name: str, rows: Sequence[Sequence[str]]) -> ImportFileError:
    """Returns the error for a table whose first ``rows`` name no column for answers."""
    first = next((keys_shown(row) for row in rows if any(cell.strip() for cell in row)), "")
    return ImportFileError(
        _(
            "{file} 里没有“输入”和“输出”两列（input、output）：表头应当在前 {n} 行，第一行是 {first}",
            file=name,
            n=TITLES,
            first=first or "—",
        )
    )


def row_item(headings: list[str], cells: list[str]) -> dict[str, Any]:
    """Returns a row as an object; cells below the same heading stay together."""
    item: dict[str, Any] = {}
    for heading, cell in zip(headings, cells, strict=False):
        if heading in item:
            before = item[heading]
            values = before.values if isinstance(before, Repeated) else [before]
            item[heading] = Repeated([*values, cell])
        else:
            item[heading] = cell
    return item


def parquet_table(conversations: Iterable[Conversation]) -> "pyarrow.Table":
    """Returns a table with one row per conversation and the column ``conversation``, as in the training
    file."""
    import pyarrow

    turn = pyarrow.struct([(key, pyarrow.string()) for key in ("system", "input", "output")])
    items = [as_item(conversation, "merged")["conversation"] for conversation in conversations]
    return pyarrow.table({"conversation": pyarrow.array(items, type=pyarrow.list_(turn))})


def parquet_items(file: BinaryIO, name: str) -> Iterator[FileItem]:
    """Yields the rows of a Parquet file in batches; absent values are left out.

    Raises:
        ImportFileError: it cannot be read as Parquet.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        for batch in parquet.ParquetFile(file).iter_batches(_ROWS_AT_ONCE):
            for row in batch.to_pylist():
                yield FileItem(0, _without_none(row))
    except (pyarrow.ArrowException, OSError) as error:
        reason = first_line(error)
        raise ImportFileError(
            _("{file} 不是完好的 Parquet 文件：{detail}", file=name, detail=reason)
        ) from error


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def parquet_bytes(conversations: Iterable[Conversation]) -> bytes:
    """Returns the table as the content of a Parquet file."""
    import pyarrow
    from pyarrow import parquet

    sink = pyarrow.BufferOutputStream()
    parquet.write_table(parquet_table(conversations), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def hub_files(
    train: Iterable[Conversation], validation: Iterable[Conversation], card: str
) -> dict[Path, bytes]:
    """Returns path → content of a folder that the ``datasets`` library loads and a hub shows: Parquet files
    under ``data`` and a card that names the splits."""
    held = list(validation)
    files = {Path("data/train-00000-of-00001.parquet"): parquet_bytes(train)}
    splits = ["train"]
    if held:
        files[Path("data/validation-00000-of-00001.parquet")] = parquet_bytes(held)
        splits.append("validation")
    lines = ["---", "language: [zh]", "task_categories: [text-generation]", "configs:"]
    lines += ["- config_name: default", "  data_files:"]
    lines += [f"  - split: {split}\n    path: data/{split}-*" for split in splits]
    files[Path("README.md")] = ("\n".join([*lines, "---", ""]) + "\n" + card).encode()
    return files
