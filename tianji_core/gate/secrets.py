"""The values of keys that this process knows, and how texts lose them.

Servers repeat the key that they were sent, plain or encoded. Every text that comes from outside, and every
report, passes :func:`without_secrets`; a stream passes :class:`StreamMask`, because a key may be spread over
its pieces.
"""

import base64
import threading
from collections.abc import Mapping

import regex

MASK = "••••"
SHORTEST = 8
"""Characters. A shorter value, such as the ``none`` or ``EMPTY`` of a local server, is a word and no
secret."""

_NAMED_AS_SECRET = regex.compile(
    r"(?:^|_)(?:\w*KEY|\w*TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_|$)", regex.IGNORECASE
)
_PATH = regex.compile(r"(?:~|\.{0,2})/.*/")
_ZERO_WIDTH = "\u00ad\u200b-\u200d\u2060\ufeff"
_RUNS = regex.compile(rf"[!-~\s{_ZERO_WIDTH}]{{{SHORTEST},}}")
"""A spelling of a key is made of ASCII, white space and invisible characters; other text is not searched."""
_GAP = rf"(?:[\s{_ZERO_WIDTH}]|\\{{1,8}}[nrt]|%(?:25){{0,4}}(?:20|09|0a|0d)){{0,64}}"
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


class _Known:
    """The known values and the pattern that finds all their spellings."""

    def __init__(self) -> None:
        self._values: frozenset[str] = frozenset()
        self._pattern: regex.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, values: set[str]) -> None:
        """Adds values; the pattern is made when it is needed."""
        with self._lock:
            if not values <= self._values:
                self._values, self._pattern = self._values | values, None

    @property
    def pattern(self) -> "regex.Pattern[str] | None":
        """The pattern; None while nothing is known."""
        with self._lock:
            if self._pattern is None and self._values:
                spelled = [_spellings(value) for value in sorted(self._values, key=len, reverse=True)]
                self._pattern = regex.compile("|".join(spelled))
            return self._pattern


_KNOWN = _Known()


def remember_secret(value: str | None) -> None:
    """Makes a value known as a secret; one shorter than :data:`SHORTEST` is ignored."""
    if value and len(value) >= SHORTEST:
        _KNOWN.add({value})


def remember_secrets(variables: Mapping[str, str | None]) -> None:
    """Makes the values known of all variables that are named like a secret (``…_API_KEY``, ``…_TOKEN``,
    ``…PASSWORD``); a path is none."""
    for name, value in variables.items():
        if value and _NAMED_AS_SECRET.search(name) and not _PATH.match(value):
            remember_secret(value.strip())


def without_secrets(text: str) -> str:
    """Returns ``text`` with every known secret replaced by dots, however it is spelled: plain, with white
    space inside, percent-encoded, with JSON, Python or HTML escapes, in hexadecimal, or inside base64."""
    pattern = _KNOWN.pattern
    if pattern is None:
        return text
    return _RUNS.sub(lambda run: pattern.sub(MASK, run[0]), text)


class StreamMask:
    """Masks a text that comes in pieces. What may be the beginning of a secret waits for the next piece."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Takes the next piece; returns what is certain to hold no part of a secret."""
        text = without_secrets(self._held + piece)
        pattern = _KNOWN.pattern
        if pattern is None:
            self._held = ""
            return text
        begun = pattern.search(text, partial=True)
        cut = begun.start() if begun is not None and begun.partial else len(text)
        self._held = text[cut:]
        return text[:cut]

    def rest(self) -> str:
        """Returns what is still held, when no piece follows."""
        held, self._held = self._held, ""
        return held


def _spellings(secret: str) -> str:
    data = secret.encode("utf-8", "replace")
    characters = _GAP.join(_spelled(character) for character in secret)
    digits = r"[\s:]{0,2}".join(f"{byte:02x}" for byte in data)
    inside = "|".join(_in_base64(data, offset) for offset in range(3))
    return f"(?i:{characters}|{digits})|{inside}"


def _spelled(character: str) -> str:
    """The pattern of one character in any escaping."""
    code = ord(character)
    forms = [rf"\\{{0,8}}{regex.escape(character, literal_spaces=True)}"]
    forms.append(rf"\\{{1,8}}(?:u0{{0,4}}{code:04x}|u\{{0{{0,8}}{code:x}\}}|x{code:02x})")
    forms.append(rf"&#(?:0{{0,8}}{code}|x0{{0,8}}{code:x});?")
    forms.append("".join(rf"%(?:25){{0,4}}{byte:02x}" for byte in character.encode("utf-8", "replace")))
    if character in _ENTITIES:
        forms.append(f"&{_ENTITIES[character]};")
    return f"(?:{'|'.join(forms)})"


def _in_base64(data: bytes, offset: int) -> str:
    """The characters of base64 that these bytes alone decide where ``offset`` bytes of a group of three
    precede them."""
    encoded = base64.b64encode(bytes(offset) + data).decode("ascii").rstrip("=")
    first = (offset * 8 + 5) // 6
    last = (offset + len(data)) * 8 // 6
    classes = {"+": r"(?:[+\-]|%2[bB])", "/": r"(?:[/_]|%2[fF]|\\/)"}
    return r"\s{0,4}".join(classes.get(letter, letter) for letter in encoded[first:last])
