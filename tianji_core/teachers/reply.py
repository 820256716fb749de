"""Reads the JSON that a teacher was asked to reply with."""

from typing import Any

from tianji_core.errors import GateError, TeacherAnswerError
from tianji_core.gate import read_loose_json
from tianji_core.i18n import _
from tianji_core.teachers.base import Answer


def read_reply(text: str) -> Any:
    """Returns the JSON in a reply, fenced, surrounded by words or broken; '' or [] where there is none.

    Raises:
        TeacherAnswerError: it has too many or too deep parts, or is broken beyond repair.
    """
    try:
        return read_loose_json(text)
    except GateError as error:
        raise TeacherAnswerError(_("回答里的 JSON 用不了：{detail}", detail=error)) from None


def finished_part(answer: Answer) -> str:
    """Returns the text of an answer, of one that is cut off only up to the end of its last whole JSON object:
    what follows may lack its end. '' where it holds none."""
    closed = answer.text.rstrip().removesuffix("```").rstrip().endswith(("]", "}"))
    if answer.finish_reason not in ("length", "cut") or closed:
        return answer.text
    return answer.text[: answer.text.rfind("}") + 1]
