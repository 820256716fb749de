"""The unsaved edits of a table, relative to its saved rows.

A saved row is known by its text and not by its place, so the edits still fit after another tab has saved the
table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

Cell = bool | int | float | str | None
Cells = dict[str, Cell]
"""The cells of a row by column."""


class TableEdits(BaseModel):
    """``changed``: the changed cells by the name of a saved row; ``added``: new rows by an id; ``deleted``:
    the names of saved rows that were deleted, each with True."""

    changed: dict[str, Cells] = {}
    added: dict[str, Cells] = {}
    deleted: dict[str, bool] = {}


@dataclass(frozen=True)
class EditedRow:
    """A row as a person left it. ``name`` is the name of a saved row, or the id of an ``added`` one."""

    name: str
    cells: Cells
    added: bool = False


def row_names(texts: Iterable[object]) -> list[str]:
    """A name for each saved row: its text, with a number where the same text comes again."""
    seen: dict[str, int] = {}
    names = []
    for text in map(str, texts):
        seen[text] = seen.get(text, 0) + 1
        names.append(text if seen[text] == 1 else f"{text}\n{seen[text]}")
    return names


def edited_rows(saved: Mapping[str, Cells], edits: TableEdits) -> list[EditedRow]:
    """The saved rows (cells by name) with the edits; edits of rows that are not there any more are left
    out."""
    rows = [
        EditedRow(name, {**cells, **edits.changed.get(name, {})})
        for name, cells in saved.items()
        if name not in edits.deleted
    ]
    return rows + [EditedRow(key, dict(cells), added=True) for key, cells in edits.added.items()]


def with_typed(
    edits: TableEdits,
    rows: Sequence[EditedRow],
    saved: Mapping[str, Cells],
    typed: Mapping[str, Any],
    ids: Sequence[str],
) -> TableEdits:
    """``edits``, which led to ``rows``, followed by what was typed into those rows.

    ``typed`` is the state of Streamlit's data editor: ``edited_rows`` cells by place, ``added_rows``, and
    ``deleted_rows`` places. ``ids`` names the added rows, at least one id for each. A cell that was set back
    to its saved value is no edit.
    """
    new = edits.model_copy(deep=True)
    for place, cells in typed.get("edited_rows", {}).items():
        row = rows[int(place)]
        own = {column: value for column, value in cells.items() if column in row.cells or row.added}
        (new.added if row.added else new.changed).setdefault(row.name, {}).update(own)
    for place in typed.get("deleted_rows", []):
        row = rows[int(place)]
        if row.added:
            new.added.pop(row.name, None)
        else:
            new.deleted[row.name] = True
    for key, cells in zip(ids, typed.get("added_rows", []), strict=False):
        new.added[key] = {column: value for column, value in cells.items() if column != "_index"}
    for name in list(new.changed):
        before = saved.get(name, {})
        kept = {
            column: value
            for column, value in new.changed[name].items()
            if column not in before or value != before[column]
        }
        new.changed[name] = kept
        if not kept:
            del new.changed[name]
    return new


def merged_edits(before: TableEdits, after: TableEdits, stored: TableEdits) -> TableEdits:
    """``stored`` with what changed from ``before`` to ``after``, and nothing else: what another tab stored
    meanwhile stays."""
    merged = stored.model_dump()
    _apply(before.model_dump(), after.model_dump(), merged)
    return TableEdits.model_validate(merged)


def _apply(before: dict[str, Any], after: dict[str, Any], onto: dict[str, Any]) -> None:
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key), after.get(key)
        if key in before and key in after and old == new:
            continue
        if key not in after:
            if isinstance(old, dict) and isinstance(onto.get(key), dict):
                _apply(old, {}, onto[key])
                if onto[key]:
                    continue
            onto.pop(key, None)
        elif isinstance(new, dict):
            _apply(old if isinstance(old, dict) else {}, new, onto.setdefault(key, {}))
        else:
            onto[key] = new
