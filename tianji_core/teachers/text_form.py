"""Asks for a text as the field of a JSON object, so that nothing else can stand around it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from tianji_core.errors import GateError, TeacherAnswerError, TeacherRequestError
from tianji_core.gate import read_loose_json
from tianji_core.i18n import _
from tianji_core.teachers.base import Answer
from tianji_core.teachers.providers import TextForm

REQUEST = '把成品放进一个 JSON 对象返回，除此之外什么都不写：{"text": "成品"}'
"""Ends the prompt; several servers take ``json_object`` only where the prompt names JSON."""
_SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


def form_fields(form: TextForm) -> dict[str, Any]:
    """Returns the fields of a request that ask for the object; none for the form ''."""
    if form == "json_schema":
        schema = {"name": "written_text", "strict": True, "schema": _SCHEMA}
        return {"response_format": {"type": form, "json_schema": schema}}
    return {"response_format": {"type": form}} if form else {}


class FormRequest:
    """Asks for texts in the form of a model, and for plain text from then on where its server refuses the
    form."""

    def __init__(self, form: TextForm) -> None:
        self._form = form

    def asked(self, prompt: str) -> tuple[str, dict[str, Any]]:
        """Returns the prompt that asks for the form, and the fields of the request."""
        return (f"{prompt}\n{REQUEST}" if self._form else prompt), form_fields(self._form)

    def read(self, answer: Answer) -> Answer:
        """Returns an answer to a request in the form, with the text out of it.

        Raises:
            TeacherAnswerError: an object without a text.
        """
        return text_of(answer) if self._form else answer

    async def answer(self, prompt: str, ask: Callable[[str, dict[str, Any]], Awaitable[Answer]]) -> Answer:
        """Returns what ``ask`` gets for a prompt and further fields of the request.

        Raises:
            TeacherError: one of its kinds.
        """
        if not self._form:
            return await ask(prompt, {})
        try:
            return text_of(await ask(*self.asked(prompt)))
        except TeacherRequestError:
            answer = await ask(prompt, {})
            self._form = ""  # the request was fine but for the form, which is not asked for again
            return answer


def text_of(answer: Answer) -> Answer:
    """Returns an answer whose text is the field of the object that it holds. A text that is no JSON stays as
    it is: the server did not do what it was asked for. An object with its end shows that the text is whole,
    where the server does not say so.

    Raises:
        TeacherAnswerError: an object without a text.
    """
    bare = answer.text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if not bare.startswith("{"):
        return answer
    try:
        value = read_loose_json(bare)
    except GateError as error:
        raise TeacherAnswerError(_("回答里的 JSON 用不了：{detail}", detail=error)) from None
    if isinstance(value, list):
        value = next((part for part in value if isinstance(part, dict)), None)
    text = text_field(value) if isinstance(value, dict) else ""
    if not text:
        shown = json.dumps(value, ensure_ascii=False)[:80]
        raise TeacherAnswerError(_("回答的 JSON 里没有 text：{said}", said=shown))
    whole = answer.finish_reason == "cut" and bare.endswith("}")
    return replace(answer, text=text, finish_reason="stop" if whole else answer.finish_reason)


def text_field(value: dict[str, Any]) -> str:
    """Returns the text under its name, or the only text that there is; '' without one."""
    given = value.get("text")
    texts = [part for part in value.values() if isinstance(part, str)]
    found = given if isinstance(given, str) else texts[0] if len(texts) == 1 else ""
    return found.strip()
