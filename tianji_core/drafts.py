"""What stands in a form before it is sent, kept in the workspace under the form's name: a refresh or another page loses
nothing."""

import json
from typing import Any, TypeVar

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
    """The draft of a form; an empty one where none can be read: the form opens with its defaults."""
    try:
        return shape.model_validate_json((workspace.home / "drafts" / f"{form}.json").read_bytes())
    except (OSError, ValidationError):
        return shape()


def merged(before: Shape, after: Shape, stored: Shape) -> Shape:
    """``stored`` with what changed from ``before`` to ``after``, and nothing else: what another tab wrote meanwhile
    stays."""
    whole = stored.model_dump()
    _apply(before.model_dump(), after.model_dump(), whole)
    return type(stored).model_validate(whole)


def _apply(before: dict[str, Any], after: dict[str, Any], onto: dict[str, Any]) -> None:
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if key not in after:
            onto.pop(key, None)
        elif isinstance(new, dict) and isinstance(onto.get(key), dict):
            _apply(old if isinstance(old, dict) else {}, new, onto[key])
        else:
            onto[key] = new


def save_draft(workspace: Workspace, form: str, draft: BaseModel) -> None:
    """Replace the draft of a form in one step."""
    text = json.dumps(draft.model_dump(exclude_defaults=True), ensure_ascii=False, indent=2)
    write_text(workspace.home / "drafts" / f"{form}.json", storable(text) + "\n")
