"""CSV that spreadsheets show as text: no cell is taken for a formula, and every cell reads back as it was."""

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings that spreadsheets take for a formula; East Asian ones also take the full-width signs."""


def safe_cell(text: str) -> str:
    """Returns a cell that no spreadsheet takes for a formula: an apostrophe precedes a text that could be
    one, or that begins with an apostrophe itself."""
    return f"'{text}" if text.startswith(_FORMULA) or text.startswith("'") else text


def plain_cell(cell: str) -> str:
    """Returns the text of a cell made by :func:`safe_cell`."""
    return cell[1:] if cell.startswith("'") and cell[1:2] in (*_FORMULA, "'") else cell


def csv_row(cells: Iterable[str]) -> str:
    """Returns one line of CSV with :func:`safe_cell` cells. Each is quoted: a spreadsheet that separates at
    semicolons would otherwise begin a cell, and so a formula, in the middle of a text."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(map(safe_cell, cells))
    return out.getvalue()
