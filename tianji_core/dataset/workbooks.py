"""Rows of Excel workbooks (xlsx), read as those of a table in CSV."""

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any, BinaryIO

from tianji_core.dataset.streaming import BrokenLine, FileItem
from tianji_core.dataset.tables import TITLES, has_answers, row_item
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
        book = openpyxl.load_workbook(io.BytesIO(file.read()), read_only=True, data_only=True)
        found = False
        for sheet in book.worksheets:
            for item in _sheet_items(sheet):
                found = True
                yield item
    except ImportFileError:
        raise
    except Exception as error:  # openpyxl lets every kind of error of a damaged file through
        raise ImportFileError(
            _("{file} 不是完好的 Excel 文件：{detail}", file=name, detail=first_line(error))
        ) from error
    if not found:
        raise ImportFileError(
            _("{file} 里没有“输入”和“输出”两列（input、output），第一行应当是表头", file=name)
        )


def _sheet_items(sheet: Any) -> Iterator[FileItem]:
    above, headings = 0, [""]
    for number, row in enumerate(islice(sheet_rows(sheet, MOST_COLUMNS), TITLES), 1):
        cells = list(map(_text, row))
        if has_answers(cells):
            above, headings = number, [cell.strip("\ufeff \t\u3000") for cell in cells]
            break
    while headings and not headings[-1]:
        headings.pop()
    if not headings:
        return
    name = clean_name(sheet.title, _LONGEST_NAME)
    rows = sheet_rows(sheet, len(headings) + _BESIDE)
    for number, row in enumerate(islice(rows, above, None), above + 1):
        cells = list(map(_text, row))
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(headings) :]):
            broken = _("工作表“{sheet}”第 {line} 行比表头多了几格", sheet=name, line=number)
            yield FileItem(number, BrokenLine(broken), sheet=name)
            continue
        kept = [(heading, cell) for heading, cell in zip(headings, cells, strict=False) if heading]
        item = row_item([heading for heading, _cell in kept], [cell for _head, cell in kept])
        yield FileItem(number, item, sheet=name)


def _text(value: Any) -> str:
    """Returns a cell as a person sees it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return plain_cell(str(value))
