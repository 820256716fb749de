"""Rows of Excel workbooks (xlsx), read as those of a table in CSV."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from tianji_core.dataset.streaming import BrokenLine, FileItem, LeftOut
from tianji_core.dataset.tables import TITLES, has_answers, row_item, without_answers
from tianji_core.errors import ImportFileError
from tianji_core.gate import clean_name, first_line
from tianji_core.i18n import _
from tianji_core.spreadsheet import MOST_COLUMNS, plain_cell, sheet_rows

_BESIDE = 8
"""Columns beside those with a heading in which a text is noticed."""
_LONGEST_NAME = 31
"""Characters of a sheet's name, the most that Excel allows."""
UNPACKED = 1024**3
"""Bytes of all members together after decompression."""
_BOOK = "xl/workbook.xml"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]{0,80}?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_PIECE, _LONGEST_MARK = 1024 * 1024, 200
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
"""A character that the format writes by its number, such as a carriage return."""


def is_workbook(opened: Callable[[], BinaryIO], name: str) -> bool:
    """Returns whether an archive is a workbook.

    Raises:
        ImportFileError: it is one and would be too large unpacked.
    """
    try:
        with opened() as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
    if _BOOK not in {member.filename for member in members}:
        return False
    if sum(member.file_size for member in members) > UNPACKED:
        raise ImportFileError(
            _("{file} 解开后超过 {n} GB，请拆成几个文件再导入", file=name, n=UNPACKED // 1024**3)
        )
    return True


def workbook_items(file: BinaryIO, name: str) -> Iterator[FileItem]:
    """Yields the rows of all sheets that have a column for answers, as objects whose keys are the headings.
    Values are as last calculated; a row with more cells than headings becomes a :class:`BrokenLine`.

    Raises:
        ImportFileError: it cannot be read, or no sheet has such a column.
    """
    import openpyxl

    try:
        content = file.read()
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        found, seen, without = False, [], []
        for sheet in book.worksheets:
            titles = [list(map(_text, row)) for row in islice(sheet_rows(sheet, MOST_COLUMNS), TITLES)]
            above = next((number for number, cells in enumerate(titles, 1) if has_answers(cells)), 0)
            if not above:
                seen += titles
                if any(cell.strip() for cells in titles for cell in cells):
                    without.append(clean_name(sheet.title, _LONGEST_NAME))
                continue
            found = True
            yield from _sheet_items(sheet, above, titles[above - 1], _merged_cells(content, sheet))
    except ImportFileError:
        raise
    except Exception as error:  # openpyxl lets every kind of error of a damaged file through
        raise ImportFileError(
            _("{file} 不是完好的 Excel 文件：{detail}", file=name, detail=first_line(error))
        ) from error
    if not found:
        raise without_answers(name, seen)
    for title in without:
        yield FileItem(0, LeftOut(_("工作表“{title}”里没有“输入”和“输出”两列，没有导入", title=title)))


def _sheet_items(
    sheet: Any, above: int, titles: list[str], merged: dict[int, list["_Merged"]]
) -> Iterator[FileItem]:
    headings = [cell.strip("\ufeff \t\u3000") for cell in titles]
    while not headings[-1]:
        headings.pop()
    name = clean_name(sheet.title, _LONGEST_NAME)
    rows = sheet_rows(sheet, len(headings) + _BESIDE)
    held: dict[int, tuple[int, str]] = {}
    for number, row in enumerate(rows, 1):
        cells = list(map(_text, row))
        blank = not any(cell.strip() for cell in cells)
        for column, (last, value) in list(held.items()):
            if last < number:
                del held[column]
            elif not cells[column]:
                cells[column] = value
        for range_ in merged.get(number, ()):
            if range_.column < len(headings):
                held[range_.column] = (range_.last, cells[range_.column])
        if number <= above or blank:
            continue
        if any(cell.strip() for cell in cells[len(headings) :]):
            broken = _("工作表“{sheet}”第 {line} 行比表头多了几格", sheet=name, line=number)
            yield FileItem(number, BrokenLine(broken), sheet=name)
            continue
        kept = [(heading, cell) for heading, cell in zip(headings, cells, strict=False) if heading]
        item = row_item([heading for heading, _cell in kept], [cell for _head, cell in kept])
        yield FileItem(number, item, sheet=name)


class _Merged(NamedTuple):
    """Cells of a column that are merged over several rows: ``column`` counts from 0, ``last`` is the number
    of the last row."""

    column: int
    last: int


def _merged_cells(content: bytes, sheet: Any) -> dict[int, list[_Merged]]:
    """Returns first row → cells merged downwards, which openpyxl does not tell of a sheet that it reads row
    by row. The cells below the first one are empty in the file."""
    from openpyxl.utils.cell import range_boundaries

    found: dict[int, list[_Merged]] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(sheet._worksheet_path) as member:
        before = b""
        for chunk in iter(lambda: member.read(_PIECE), b""):
            piece = before + chunk
            end = 0
            for named in _MERGED.finditer(piece):
                end = named.end()
                left, top, _right, bottom = range_boundaries(named[1].decode())
                if bottom > top:
                    found.setdefault(top, []).append(_Merged(left - 1, bottom))
            before = piece[max(end, len(piece) - _LONGEST_MARK) :]
    return found


def _text(value: Any) -> str:
    """Returns a cell as a person sees it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return plain_cell(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(value)))
