"""Showing a text as it is: in Streamlit's Markdown elements nothing of it may become markup, a link or a picture."""

import re

_MARKUP = re.compile(r"[\\`*_\[\]<>#~$:^&=|@+-]")
_NUMBERED = re.compile(r"^(\s*\d+)(?=[.)])", re.MULTILINE)
_ADDRESS = re.compile(
    r"((?:https?://|www\.)[!-~]*[0-9A-Za-z/]|(?<![-.\w+])[-.\w+]+@[-\w]+\.[-.\w]*\w)",
    re.ASCII | re.IGNORECASE,
)
"""What Streamlit would turn into a link, even where its signs are escaped; only inside code it does not. No
name is looked for from its middle, or a long run of letters would take its square."""


def plain(text: str) -> str:
    """``text`` for a Markdown element, so that all its signs stay signs and its lines stay lines; addresses are shown as
    code."""
    pieces = _ADDRESS.split(text)
    pieces[::2] = [_escaped(piece) for piece in pieces[::2]]
    pieces[1::2] = [_code(piece) for piece in pieces[1::2]]
    return _NUMBERED.sub(r"\1" + r"\\", "".join(pieces)).replace("\n", "  \n")


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", text)


def _code(address: str) -> str:
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", address)), default=0))
    return f"{fence}{address}{fence}"
