"""Texts from outside, as every file, database, page and message can keep them."""

import re

from tianji_core.addresses import without_credentials
from tianji_core.files import storable
from tianji_core.gate.limits import EXAMINED_CHARACTERS, NAME_CHARACTERS, SENTENCE_CHARACTERS
from tianji_core.gate.secrets import StreamMask, without_secrets

_ADVERTISEMENT = re.compile(
    r"[\s(\[]*(?:Background on this error at|For (?:further|more) information,? (?:visit|check|see))"
    r":?\s*https?://\S+"
)
"""Where libraries send a developer: of no use to the person who reads a message."""


def clean_text(text: str) -> str:
    """Returns ``text`` without secrets, NULs and halves of characters."""
    return without_secrets(storable(text))


def shortened(text: str, limit: int) -> str:
    """Returns at most ``limit`` characters of ``text``; an ellipsis marks what is cut off."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_beginning(text: str, limit: int) -> str:
    """Returns at most ``limit`` characters of a text, clean; an ellipsis marks what is cut off. A secret that
    the cut parts would no longer be recognised, so its beginning is left out as well."""
    if len(text) <= limit:
        return clean_text(text)
    return StreamMask().feed(storable(text[: limit - 1])) + "…"


def clean_sentence(said: object, limit: int = SENTENCE_CHARACTERS) -> str:
    """Returns what a server or a library said on one line of at most ``limit`` characters, without secrets,
    passwords in addresses and links to a library's manual. It is shortened before it is formatted: a body of
    megabytes costs nothing."""
    if isinstance(said, bytes):
        said = said[: EXAMINED_CHARACTERS + 1].decode("utf-8", "replace")
    text = said if isinstance(said, str) else _written_out(said)
    text = clean_beginning(text, EXAMINED_CHARACTERS)
    text = without_credentials(_ADVERTISEMENT.sub("", text))
    return shortened(" ".join(text.split()), limit)


def first_line(error: BaseException) -> str:
    """Returns the first line of a library's error as :func:`clean_sentence`; the kind of error where it says
    nothing."""
    lines = clean_beginning(_written_out(error), EXAMINED_CHARACTERS).strip().splitlines()
    return clean_sentence(lines[0] if lines else type(error).__name__)


def clean_name(value: object, limit: int = NAME_CHARACTERS) -> str:
    """Returns the name of a model or the number of a request on one line; '' where it is no text."""
    return clean_sentence(value, limit) if isinstance(value, str) else ""


def _written_out(value: object) -> str:
    """The text of an exception or a number; of a container only its kind, which may be deep or large."""
    if isinstance(value, dict | list | tuple | set):
        return f"{type(value).__name__}[{len(value)}]"
    try:
        return str(value)
    except (ValueError, RecursionError):
        return type(value).__name__
