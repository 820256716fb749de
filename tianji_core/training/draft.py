"""What is typed in the form of a new training before it starts, kept in the workspace: a refresh, another page or another
preset loses nothing."""

import json
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from tianji_core.files import storable, write_text
from tianji_core.workspace import Workspace

Typed = str | int | float | list[int]
"""The value of one widget, right or wrong."""


class PresetDraft(BaseModel):
    """What differs from one preset: ``values`` by setting, ``config`` the edited file ('' where it was not touched) and
    ``title`` the name it would be saved under."""

    values: dict[str, Typed] = {}
    config: str = ""
    title: str = ""


class Draft(BaseModel):
    """The form as it was left. ``dataset`` is a version's name; ``target`` has the fields of
    :class:`~tianji_core.training.target.Target` that differ from its defaults; ``presets`` has a draft by preset."""

    dataset: str = ""
    preset: str = ""
    title: str = ""
    target: dict[str, Typed] = {}
    presets: dict[str, PresetDraft] = Field(default_factory=dict)

    def of(self, preset: str) -> PresetDraft:
        """The draft of one preset, an empty one where nothing was typed."""
        return self.presets.setdefault(preset, PresetDraft())


def _file(workspace: Workspace) -> Path:
    return workspace.home / "drafts" / "training.json"


def load_draft(workspace: Workspace) -> Draft:
    """The draft; an empty one where there is none or its file is damaged: the form then opens with its defaults."""
    try:
        return Draft.model_validate_json(_file(workspace).read_bytes())
    except (FileNotFoundError, ValidationError):
        return Draft()


def save_draft(workspace: Workspace, draft: Draft) -> None:
    """Replace the draft in one step; what has nothing in it is left out."""
    kept = {key: each for key, each in draft.presets.items() if each != PresetDraft()}
    values = draft.model_copy(update={"presets": kept}).model_dump(exclude_defaults=True)
    write_text(_file(workspace), storable(json.dumps(values, ensure_ascii=False, indent=2)) + "\n")
