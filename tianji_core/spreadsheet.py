"""CSV that spreadsheets show as text: no cell is taken for a formula, and every cell reads back as it was."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from tianji_core.errors import CsvError
from tianji_core.i18n import _

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings that spreadsheets take for a formula; East Asian ones also take the full-width signs."""


_UNPAIRED_WORDS = ("expected after", "unexpected end")
"""Words of the csv module's errors about quotes."""
UNPAIRED: list[str] = []
_MOST_EMPTY = 10_000
MOST_COLUMNS = 256
"""Columns of a sheet that are read."""


def safe_cell(text: str) -> str:
    """Returns a cell that no spreadsheet takes for a formula: an apostrophe precedes a text that could be
    one, or that begins with an apostrophe itself."""
    return f"'{text}" if text.startswith(_FORMULA) or text.startswith("'") else text


def plain_cell(cell: str) -> str:
    """Returns the text of a cell made by :func:`safe_cell`, or by a program that writes ``="text"``."""
    if cell.startswith('="') and cell.endswith('"') and len(cell) > 2:
        return cell[2:-1].replace('""', '"')
    return cell[1:] if cell.startswith("'") and cell[1:2] in (*_FORMULA, "'") else cell


def sheet_rows(sheet: Any, columns: int) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of a sheet that openpyxl reads cell by cell, each with ``columns`` values. What the
    sheet says of its own size is not believed: openpyxl would fill it up. It ends where 10,000 rows in a row
    are empty."""
    sheet.reset_dimensions()
    empty = 0
    for row in sheet.iter_rows(max_col=columns, values_only=True):
        empty = empty + 1 if all(value is None for value in row) else 0
        if empty > _MOST_EMPTY:
            return
        yield row


def csv_row(cells: Iterable[str]) -> str:
    """Returns one line of CSV with :func:`safe_cell` cells. Each is quoted: a spreadsheet that separates at
    semicolons would otherwise begin a cell, and so a formula, in the middle of a text."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(map(safe_cell, cells))
    return out.getvalue()


def csv_rows(
    lines: Iterable[str], delimiter: str = ",", strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yields (number of the last line, cells) of each row, the cells as they stand in the text. ``strict``
    yields a row whose quotes do not pair with the number of its first line and :data:`UNPAIRED` in place of
    its cells, which would not be those that were meant.

    Raises:
        CsvError: a cell is longer than :func:`csv.field_size_limit`, often because a quote is never closed,
            or a line break is none of a text file.
    """
    rows = csv.reader(lines, delimiter=delimiter, strict=strict)
    while True:
        begun = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            if strict and any(words in str(error) for words in _UNPAIRED_WORDS):
                yield begun, UNPAIRED
                continue
            raise CsvError(_fault(error, begun)) from error
        yield rows.line_num, cells


def _fault(error: csv.Error, line: int) -> str:
    if "field limit" in str(error):
        limit = csv.field_size_limit()
        return _("第 {line} 行起有一格超过 {limit:,} 个字符，请检查引号是不是成对", line=line, limit=limit)
    return _("第 {line} 行读不懂，请检查换行和引号", line=line)
