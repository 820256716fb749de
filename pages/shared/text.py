"""Showing a text literally: nothing of it may become markup, a link or a picture in Streamlit's Markdown
elements."""

import re

_MARKUP = re.compile(r"[\\`*_\[\]<>#~$:^&=|@+-]")
_NUMBERED = re.compile(r"^(\s*\d+)(?=[.)])", re.MULTILINE)
_ADDRESS = re.compile(
    r"((?:https?://|www\.)[!-~]*[0-9A-Za-z/]|(?<![-.\w+])[-.\w+]+@[-\w]+\.[-.\w]*\w)",
    re.ASCII | re.IGNORECASE,
)
"""Addresses that Streamlit turns into links even where they are escaped, except inside code. A name is not
matched from its middle, which would take quadratic time on a long run of letters."""


def plain(text: str) -> str:
    """``text`` for a Markdown element, with markup escaped and line breaks kept; addresses are shown as
    code."""
    pieces = _ADDRESS.split(text)
    pieces[::2] = [_escaped(piece) for piece in pieces[::2]]
    pieces[1::2] = [_code(piece) for piece in pieces[1::2]]
    return _NUMBERED.sub(r"\1" + r"\\", "".join(pieces)).replace("\n", "  \n")


def signed(text: str, who: str) -> str:
    """``text`` with the account of the person who did it; alone where nobody had logged in."""
    return f"{text} · {who}" if who else text


def badge(text: str, colour: str) -> str:
    """``text`` as a coloured badge in Markdown; ``st.badge`` would escape the brackets a second time, which
    brings them back."""
    return f":{colour}-badge[{plain(text)}]"


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", text)


def _code(address: str) -> str:
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", address)), default=0))
    return f"{fence}{address}{fence}"
