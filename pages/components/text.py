"""Showing a text as it is: in Streamlit's Markdown elements nothing of it may become markup, a link or a picture."""

import re

_MARKUP = re.compile(r"[\\`*_\[\]<>#~$:^&=|@+-]|(?<=www)\.")
_NUMBERED = re.compile(r"^(\s*\d+)(?=[.)])", re.MULTILINE)


def plain(text: str) -> str:
    """``text`` for a Markdown element, so that all its signs stay signs and its lines stay lines."""
    escaped = _MARKUP.sub(r"\\\g<0>", text)
    return _NUMBERED.sub(r"\1" + r"\\", escaped).replace("\n", "  \n")
