"""Lists of the command line: a table on a terminal, one plain line per entry elsewhere, JSON where asked."""

import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tianji_core.verbs.common import show

GAP = "  "
"""What separates the cells of a plain line."""


def show_table(
    value: Any, as_json: bool, heads: Sequence[str], rows: Sequence[Sequence[object]], empty: str = ""
) -> None:
    """Prints ``value`` as JSON where ``as_json`` is set; else the rows, or ``empty`` where there are none.

    A cell of None or '' is left out of a plain line; numbers are aligned to the right in a table.
    """
    if as_json or not rows:
        show(value, as_json, empty)
    elif sys.stdout.isatty():
        Console(soft_wrap=False).print(_table(heads, rows))
    else:
        typer.echo("\n".join(plain_line(row) for row in rows))


def plain_line(row: Sequence[object]) -> str:
    """Returns the cells of a row that are not empty, as one line."""
    return GAP.join(_one_line(cell) for cell in row if cell not in (None, ""))


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column, head in enumerate(heads):
        numeric = all(isinstance(row[column], int | float) for row in rows)
        table.add_column(head, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else _one_line(cell)) for cell in row))
    return table


def _one_line(cell: object) -> str:
    return " ".join(str(cell).split())
