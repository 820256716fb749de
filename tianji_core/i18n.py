"""Messages in the person's language: the Chinese text is the message id; English comes from ``locale/en``.

The catalogue is read from the ``.po`` file itself, so there is no compiled file to forget.
"""

import ast
import gettext as _gettext
import io
import json
import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tianji_core.english import in_the_singular
from tianji_core.project import LOCALE

LANGUAGES = {"zh": "中文", "en": "English"}
LANGUAGE = "TIANJI_LANGUAGE"
"""The environment variable with the language of a process until :func:`set_language`; children get it."""
_language = "en" if os.environ.get(LANGUAGE) == "en" else "zh"


class _Plain(_gettext.NullTranslations):
    """The messages of a ``.po`` file without contexts and plurals, for set-up, which speaks before Babel is
    there."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._texts: dict[str, str] = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        form = r"^(msgctxt .*\n)?msgid ((?:\".*\"\n)+)msgstr ((?:\".*\"\n?)+)"
        for context, *parts in re.findall(form, text, re.M):
            message, translation = (ast.literal_eval(f"({part})") for part in parts)
            if not context:
                self._texts[message] = translation

    def gettext(self, message: str) -> str:
        """Returns the translation, or the message itself where there is none."""
        return self._texts.get(message) or message


@cache
def _catalogue(language: str) -> _gettext.NullTranslations:
    path = LOCALE / language / "LC_MESSAGES" / "studio.po"
    if not path.exists() or find_spec("babel") is None:
        return _Plain(path)
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return _gettext.GNUTranslations(compiled)


def set_language(language: str) -> None:
    """Sets the language of the process; an unknown code means Chinese."""
    global _language
    _language = language if language in LANGUAGES else "zh"


def language() -> str:
    """Returns the current language code, ``zh`` or ``en``."""
    return _language


class Translated(str):
    """A text in one language that knows its message, so that it can be stored and shown in another:
    ``context`` ('' for none), message id and the values of its placeholders."""

    __slots__ = ("message",)
    message: tuple[str, str, dict[str, object]]

    def __str__(self) -> str:
        return self  # so that the message survives the text of an exception

    def strip(self, chars: str | None = None, /) -> str:
        """The text without the blanks around it, which is itself where there are none."""
        bare = super().strip(chars)
        return self if bare == self else bare

    def __copy__(self) -> "Translated":
        return self

    def __deepcopy__(self, _known: dict[int, object]) -> "Translated":
        return self  # dataclasses.asdict copies every value

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (self[:],)


def _(text: str, /, **values: object) -> str:
    """Returns the text in the current language, with ``{placeholders}`` filled in from ``values``."""
    translated = _catalogue(_language).gettext(text) if _language != "zh" and text else text
    return _translated(translated, "", text, values)


def _c(context: str, text: str, /, **values: object) -> str:
    """Like :func:`_`, for a text that has another translation in this context (采用: a state, or a
    button)."""
    translated = _catalogue(_language).pgettext(context, text) if _language != "zh" else text
    return _translated(translated, context, text, values)


def _translated(text: str, context: str, message: str, values: dict[str, object]) -> Translated:
    if _language == "en" and values:
        text = in_the_singular(text, values)
    made = Translated(text.format(**values) if values else text)
    made.message = (context, message, values)
    return made


def filled(text: str, **values: object) -> str:
    """Returns a text of :func:`_` whose ``{placeholders}`` were left open, filled in from ``values``."""
    context, message, earlier = text.message if isinstance(text, Translated) else ("", text, {})
    return _translated(text[:], context, message, {**earlier, **values})


_MARK = "\x1e"
"""Begins a stored message. No other stored text begins so."""


def stored(text: str) -> str:
    """Returns what is stored of a text: of one that :func:`_` made its message and values, which
    :func:`shown` turns into the language of its reader; every other text stays as it is."""
    if not isinstance(text, Translated):
        return text.lstrip(_MARK)
    return _MARK + json.dumps(_parts(text), ensure_ascii=False)


def _parts(text: Translated) -> list[object]:
    context, message, values = text.message
    return [context, message, {name: _plain(value) for name, value in values.items()}]


def _plain(value: object) -> object:
    if isinstance(value, Translated):
        return {"message": _parts(value)}
    return value if isinstance(value, (bool, int, float)) else str(value)


def shown(text: str) -> str:
    """Returns a stored text in the current language."""
    if not text.startswith(_MARK):
        return text
    return _of_parts(*json.loads(text[1:]))


def _of_parts(context: str, message: str, values: dict[str, object]) -> str:
    ready = {
        name: _of_parts(*value["message"]) if isinstance(value, dict) else value
        for name, value in values.items()
    }
    return _c(context, message, **ready) if context else _(message, **ready)


@cache
def _messages() -> frozenset[tuple[str, str]]:
    """Returns all messages as (context, text)."""
    from babel.messages.pofile import read_po

    with (LOCALE / "en" / "LC_MESSAGES" / "studio.po").open("rb") as file:
        catalogue = read_po(file)
    return frozenset(
        (message.context or "", message.id)
        for message in catalogue
        if isinstance(message.id, str) and message.id
    )


def brought(text: str, longest: int) -> str:
    """Returns a stored text that comes from outside in the current language: as :func:`shown`, but only a
    message of this program is a template, and only for plain values.

    Raises:
        ValueError: it is no stored text, or is longer than ``longest`` characters.
    """
    if len(text) > longest:
        raise ValueError(f"{len(text)} characters")
    if not text.startswith(_MARK):
        return text
    parts = json.loads(text[1:])
    _check_parts(parts, nested=2)
    try:
        made = _of_parts(*parts)
    except LookupError as error:
        raise ValueError("not a message") from error
    if len(made) > longest:
        raise ValueError(f"{len(made)} characters")
    return made


def _check_parts(parts: object, nested: int) -> None:
    if not isinstance(parts, list) or len(parts) != 3:
        raise ValueError("not a message")
    context, message, values = parts
    if not isinstance(values, dict) or (context, message) not in _messages():
        raise ValueError("not a message")
    for value in values.values():
        if isinstance(value, dict) and nested:
            _check_parts(value.get("message"), nested - 1)
        elif not isinstance(value, str | int | float):
            raise ValueError("not a value")


def N_(text: str) -> str:
    """Marks a text that is translated when it is shown; returns it unchanged."""
    return text


def in_language(text: str, code: str) -> str:
    """Returns a text of :func:`_` in the language ``code`` whatever that of the process is: for a visitor who
    reads another one than the studio's people. Every other text stays as it is."""
    if not isinstance(text, Translated):
        return text
    context, message, values = text.message
    if code not in LANGUAGES or not message:
        return text[:]
    found = message
    if code != "zh":
        catalogue = _catalogue(code)
        found = catalogue.pgettext(context, message) if context else catalogue.gettext(message)
    ready = {
        name: in_language(value, code) if isinstance(value, str) else value for name, value in values.items()
    }
    return found.format(**ready) if ready else found
