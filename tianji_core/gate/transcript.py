"""The words of a recording, as a server has written them down."""

from typing import Any

from tianji_core.errors import GateError
from tianji_core.gate.characters import standard_characters
from tianji_core.gate.complaint import Complaint, complaint_in
from tianji_core.gate.completion import too_long
from tianji_core.gate.limits import TEXT_CHARACTERS
from tianji_core.gate.text import clean_text
from tianji_core.i18n import _


def read_transcript(value: Any) -> str | Complaint:
    """Returns the words in the JSON of a transcription, '' where nothing was heard, or the error that stands
    in their place.

    Raises:
        GateError: it is neither, or there are more than :data:`TEXT_CHARACTERS`.
    """
    if not isinstance(value, dict):
        raise GateError(_("应当是一个 JSON 对象，现在是 {kind}", kind=type(value).__name__))
    text = value.get("text")
    if isinstance(text, str) and text.strip():
        if len(text) > TEXT_CHARACTERS:
            raise too_long(len(text))
        return standard_characters(clean_text(text)).strip()
    if (complaint := complaint_in(value)) is not None:
        return complaint
    if not isinstance(text, str):
        raise GateError(_("没有转写出来的文字（text）"))
    return ""
