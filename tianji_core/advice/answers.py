"""Reads a list of JSON objects from a model's answer: repairs broken JSON and checks each item."""

from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from tianji_core.errors import TeacherAnswerError
from tianji_core.i18n import _
from tianji_core.recipe import explain
from tianji_core.teachers.reply import read_reply

T = TypeVar("T", bound=BaseModel)
LIST_TOKENS = 4096
"""The most tokens of a list; a thinking model needs tokens before it."""


class Fault(NamedTuple):
    """An item that cannot be used: its beginning, and why."""

    shown: str
    reason: str


def read_list(text: str, model: type[T], filled: dict[str, Any] | None = None) -> tuple[list[T], list[Fault]]:
    """Returns (valid items, faults) of a JSON array of objects, an object around one, or a list of texts.
    ``filled`` holds fields that are the same for every item and that the answer need not repeat.

    Raises:
        TeacherAnswerError: there is no list in the answer at all.
    """
    return checked_items(_list_in(read_reply(text)), text, model, filled)


def checked_items(
    items: list[Any], text: str, model: type[T], filled: dict[str, Any] | None = None
) -> tuple[list[T], list[Fault]]:
    """Returns (valid items, faults) of the items that were read from an answer; ``filled`` as for
    :func:`read_list`.

    Raises:
        TeacherAnswerError: there are none.
    """
    if not items:
        shown = " ".join(text.split())[:60]
        raise TeacherAnswerError(_("造数模型没有按要求回答一张列表，它说的是：{text}", text=shown))
    valid: list[T] = []
    faults = []
    for item in items:
        fields = {"text": item} if isinstance(item, str) else item
        if not isinstance(fields, dict):
            faults.append(Fault(str(item)[:40], _("不是一项")))
            continue
        known = {key: value for key, value in fields.items() if key in model.model_fields}
        try:
            valid.append(model.model_validate({**known, **(filled or {})}))
        except ValidationError as error:
            faults.append(Fault(str(fields.get("text") or fields)[:40], explain(error)))
    return valid, faults


def _list_in(value: Any) -> list[Any]:
    if isinstance(value, list):
        if value and all(isinstance(part, list) for part in value):
            return [item for part in value for item in part]
        return value
    if isinstance(value, dict):
        lists = [part for part in value.values() if isinstance(part, list)]
        return lists[0] if len(lists) == 1 else [value]
    return []
