"""Tables whose unsaved edits are kept in the workspace, as :mod:`pages.shared.kept` keeps the values of
widgets.

Streamlit's data editor cannot be given edits, only rows. A tab therefore opens the table with the stored
edits already in its rows, and what is typed from then on is added to those edits.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from pages.shared.frame import current_workspace, report_errors
from pages.shared.kept import held
from tianji_core.drafts import (
    Cell,
    EditedRow,
    TableEdits,
    changing_draft,
    edited_rows,
    load_draft,
    merged_edits,
    row_names,
    with_typed,
)

TableRows = list[tuple[int | None, dict[str, Any]]]
"""The rows of a table with the place of each in the saved table, None for a new row."""


@dataclass
class _OpenTable:
    """A table in this tab: the saved rows by name, and the edits it was opened with, which led to
    ``rows``."""

    saved: dict[str, dict[str, Cell]]
    opened: TableEdits
    rows: list[EditedRow]
    noted: TableEdits
    """The edits of this tab as they were stored last."""
    ids: list[str] = field(default_factory=list)


def kept_table(
    form: str, name: str, frame: pd.DataFrame, key: str, columns: Mapping[str, Any], **options: Any
) -> TableRows:
    """Draws an editable table of ``frame``, whose rows are known by their column ``text``; returns its rows.

    The edits are stored in ``form`` under ``name``. ``key`` names the widget; it must change with the
    saved rows.
    """
    widget = _widget(key)
    if widget not in st.session_state or _slot(key) not in st.session_state:
        _open(form, name, frame, key)
    table: _OpenTable = st.session_state[_slot(key)]
    edited = st.data_editor(
        _frame(frame, table),
        key=widget,
        column_config=dict(columns),
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        on_change=_note,
        args=(form, name, key),
        **options,
    )
    _note(form, name, key)
    places = {saved: place for place, saved in enumerate(table.saved)}
    rows = []
    for index, cells in zip(edited.index, _records(edited), strict=True):
        old = table.rows[index] if index < len(table.rows) else None
        rows.append((places.get(old.name) if old and not old.added else None, cells))
    return rows


def table_is_edited(key: str) -> bool:
    """Whether the table that was drawn under ``key`` has unsaved edits."""
    table: _OpenTable | None = st.session_state.get(_slot(key))
    return table is not None and table.noted != TableEdits()


def forget_table(form: str, name: str, key: str) -> None:
    """Removes the edits of this tab's table, from the screen too; what another tab has stored meanwhile
    stays."""
    table: _OpenTable | None = st.session_state.pop(_slot(key), None)
    if table is not None:
        with report_errors(), changing_draft(current_workspace(), form) as draft:
            stored = draft.tables.get(name, TableEdits())
            draft.tables[name] = merged_edits(table.noted, TableEdits(), stored)
    # A data editor keeps what was typed for as long as its key is the same.
    st.session_state[_turn(key)] = st.session_state.get(_turn(key), 0) + 1


def _slot(key: str) -> str:
    return f"_table_{key}"


def _turn(key: str) -> str:
    return f"_turn_{key}"


def _widget(key: str) -> str:
    turn = st.session_state.get(_turn(key), 0)
    return f"{key}_{turn}" if turn else key


def _open(form: str, name: str, frame: pd.DataFrame, key: str) -> None:
    names = row_names(frame["text"])
    saved = dict(zip(names, _records(frame), strict=True))
    edits = load_draft(current_workspace(), form).tables.get(name, TableEdits())
    st.session_state[_slot(key)] = _OpenTable(saved, edits, edited_rows(saved, edits), edits)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(column): cell for column, cell in row.items()} for row in frame.to_dict("records")]


def _frame(frame: pd.DataFrame, table: _OpenTable) -> pd.DataFrame:
    """The rows the table was opened with; the saved ``frame`` as it is where they are the same."""
    if table.opened == TableEdits():
        return frame
    rows = pd.DataFrame([row.cells for row in table.rows], columns=list(frame.columns))
    for column, kind in frame.dtypes.items():
        rows[column] = _fitting(rows[column], kind)
    return rows


def _fitting(cells: pd.Series, kind: Any) -> pd.Series:
    """Cells of the column's type, empty ones where a stored cell is of another; of the very type if none
    is empty."""
    if pd.api.types.is_bool_dtype(kind):
        fit = cells.map(lambda cell: cell if isinstance(cell, bool) else None)
    elif pd.api.types.is_numeric_dtype(kind):
        fit = pd.to_numeric(cells, errors="coerce")
    else:
        fit = cells.map(lambda cell: cell if isinstance(cell, str) else None)
    return fit if fit.isna().any() else fit.astype(kind)


def _note(form: str, name: str, key: str) -> None:
    """Stores what was typed since the last time. The callback does so even where the run it begins is
    interrupted."""
    if not held(_slot(key)):
        return
    table: _OpenTable = st.session_state[_slot(key)]
    typed = st.session_state.get(_widget(key), {})
    while len(table.ids) < len(typed.get("added_rows", [])):
        table.ids.append(uuid.uuid4().hex)
    edits = with_typed(table.opened, table.rows, table.saved, typed, table.ids)
    if edits == table.noted:
        return
    with report_errors():
        with changing_draft(current_workspace(), form) as draft:
            stored = draft.tables.get(name, TableEdits())
            draft.tables[name] = merged_edits(table.noted, edits, stored)
        table.noted = edits
