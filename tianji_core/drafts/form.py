"""The draft of a form: the values that a person typed, stored as ``drafts/<form>.json`` in the workspace.

Every tab writes single values into the newest draft, never the whole form, so two tabs do not overwrite each
other.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, model_validator

from tianji_core.drafts.table import TableEdits
from tianji_core.files import storable, write_text
from tianji_core.workspace import Workspace

Typed = bool | int | float | str | list[int] | list[float] | list[str]
"""The value of one widget, valid or not."""

_writing = threading.Lock()
"""Held from reading a draft until it is written: the sessions of a server are threads of one process."""


class FormDraft(BaseModel):
    """The values of a form that differ from what the form shows by itself.

    ``values`` by widget; ``groups`` the same for the parts of a form that exist several times, such as the
    settings of each training preset; ``tables`` the unsaved edits of its tables.
    """

    values: dict[str, Typed] = {}
    groups: dict[str, dict[str, Typed]] = {}
    tables: dict[str, TableEdits] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_training_form(cls, data: Any) -> Any:
        """Reads the earlier layout of the training form, which had fields of its own."""
        if not isinstance(data, dict) or not data.keys() & {
            "presets",
            "target",
            "preset",
            "dataset",
            "title",
        }:
            return data
        groups = {"target": data.get("target", {})}
        for key, preset in data.get("presets", {}).items():
            expert = {f"expert_{name}": preset[name] for name in ("config", "title") if preset.get(name)}
            groups[key] = {**preset.get("values", {}), **expert}
        names = ("dataset", "preset", "title")
        return {"values": {name: data[name] for name in names if data.get(name)}, "groups": groups}

    def part(self, group: str = "") -> dict[str, Typed]:
        """The values of one group, to read and to change; '' for the values outside every group."""
        return self.groups.setdefault(group, {}) if group else self.values


def load_draft(workspace: Workspace, form: str) -> FormDraft:
    """The draft of a form; an empty one where none can be read, so that the form opens with its defaults."""
    try:
        return FormDraft.model_validate(json.loads((workspace.home / "drafts" / f"{form}.json").read_bytes()))
    except (OSError, ValueError, AttributeError, TypeError):
        return FormDraft()


@contextlib.contextmanager
def changing_draft(workspace: Workspace, form: str) -> Iterator[FormDraft]:
    """The newest draft of a form, to be changed in the block; it is replaced on disk in one step where it
    changed.

    Raises:
        StudioError: the draft cannot be written.
    """
    with _writing:
        draft = load_draft(workspace, form)
        before = draft.model_copy(deep=True)
        yield draft
        draft.groups = {group: values for group, values in draft.groups.items() if values}
        draft.tables = {name: edits for name, edits in draft.tables.items() if edits != TableEdits()}
        if draft != before:
            text = json.dumps(draft.model_dump(exclude_defaults=True), ensure_ascii=False, indent=2)
            write_text(workspace.home / "drafts" / f"{form}.json", storable(text) + "\n")
