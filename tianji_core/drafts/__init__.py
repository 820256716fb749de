"""What a person has typed and not sent or saved yet, kept in the workspace by form."""

from tianji_core.drafts.chosen_files import MOST_KEPT, ChosenFile, chosen_files, keep_files
from tianji_core.drafts.form import FormDraft, Typed, changing_draft, load_draft
from tianji_core.drafts.table import (
    Cell,
    EditedRow,
    TableEdits,
    edited_rows,
    merged_edits,
    row_names,
    with_typed,
)

__all__ = [
    "MOST_KEPT",
    "Cell",
    "ChosenFile",
    "EditedRow",
    "FormDraft",
    "TableEdits",
    "Typed",
    "changing_draft",
    "chosen_files",
    "edited_rows",
    "keep_files",
    "load_draft",
    "merged_edits",
    "row_names",
    "with_typed",
]
