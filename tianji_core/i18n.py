"""Messages in the person's language: the Chinese text is the message id; English comes from ``locale/en``.

The catalogue is read from the ``.po`` file itself, so there is no compiled file to forget.
"""

import gettext as _gettext
import io
import os
from functools import cache

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tianji_core.project import LOCALE

LANGUAGES = {"zh": "中文", "en": "English"}
LANGUAGE = "TIANJI_LANGUAGE"
"""The environment variable with the language of a process until :func:`set_language`; children get it."""
_language = "en" if os.environ.get(LANGUAGE) == "en" else "zh"


@cache
def _catalogue(language: str) -> _gettext.NullTranslations:
    path = LOCALE / language / "LC_MESSAGES" / "studio.po"
    if not path.exists():
        return _gettext.NullTranslations()
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


def _(text: str, /, **values: object) -> str:
    """Returns the text in the current language, with ``{placeholders}`` filled in from ``values``."""
    translated = _catalogue(_language).gettext(text) if _language != "zh" and text else text
    return translated.format(**values) if values else translated


def _c(context: str, text: str, /, **values: object) -> str:
    """Like :func:`_`, for a text that has another translation in this context (采用: a state, or a
    button)."""
    translated = _catalogue(_language).pgettext(context, text) if _language != "zh" else text
    return translated.format(**values) if values else translated


def N_(text: str) -> str:
    """Marks a text that is translated when it is shown; returns it unchanged."""
    return text
