"""What stands in a form before it is sent, kept in the workspace under the form's name: a refresh or another page loses
nothing."""

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tianji_core.files import storable, write_text
from tianji_core.workspace import Workspace

Typed = bool | int | float | str | list[int] | list[float] | list[str]
"""The value of one widget, right or wrong."""
Shape = TypeVar("Shape", bound=BaseModel)


class FormDraft(BaseModel):
    """The widgets of a form that a person changed, by key."""

    values: dict[str, Typed] = {}


def load_draft(workspace: Workspace, form: str, shape: type[Shape]) -> Shape:
    """The draft of a form; an empty one where there is none or its file is damaged: the form opens with its defaults."""
    try:
        return shape.model_validate_json((workspace.home / "drafts" / f"{form}.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return shape()


def save_draft(workspace: Workspace, form: str, draft: BaseModel) -> None:
    """Replace the draft of a form in one step."""
    text = json.dumps(draft.model_dump(exclude_defaults=True), ensure_ascii=False, indent=2)
    write_text(workspace.home / "drafts" / f"{form}.json", storable(text) + "\n")
