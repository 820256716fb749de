"""The values of keys that this process knows, and how texts lose them.

Servers repeat the key that they were sent, plain or encoded. Every text that comes from outside, and every
report, passes :func:`without_secrets`; a stream passes :class:`StreamMask`, because a key may be spread over
its pieces.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence

import regex

from tianji_core.gate.spellings import SPELLINGS, ResolvedText, Spelling, unfinished

MASK = "••••"
SHORTEST = 8
"""Characters. A shorter value, such as the ``none`` or ``EMPTY`` of a local server, is a word and no
secret."""
_LONGEST_HELD = 16_384
"""Characters of a stream that wait for the rest of a secret; a secret that is spelled longer is none."""

_NAMED_AS_SECRET = regex.compile(
    r"(?:^|_)(?:\w*KEY|\w*TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_|$)", regex.IGNORECASE
)
_PATH = regex.compile(r"(?:~|\.{0,2})/.*/")


class _Wanted:
    """A spelling and the forms in it of all known values."""

    def __init__(self, spelling: Spelling, values: Sequence[str]) -> None:
        self.spelling = spelling
        forms = {form for value in values for form in spelling.forms(value)}
        self.forms = sorted(form for form in forms if len(form) >= SHORTEST)
        self.longest = max(map(len, self.forms), default=0)
        self.pattern = regex.compile("|".join(map(regex.escape, self.forms)))

    def found(self, reading: ResolvedText) -> Iterator[tuple[int, int]]:
        """Yields where a text has one of the forms."""
        text = self.spelling.folded(reading.text)
        for form in self.forms:
            at = text.find(form)
            while at >= 0:
                yield reading.place(at, at + len(form))
                at = text.find(form, at + len(form))

    def begun(self, reading: ResolvedText) -> int | None:
        """Returns where a form begins at the end of a text that may go on; None where none does."""
        text = self.spelling.folded(reading.text)
        open_escape = unfinished(text)
        ends = {len(text), open_escape if open_escape is not None else len(text)}
        places = [found for end in ends if (found := self._begun(text[:end], end)) is not None]
        if open_escape is not None:
            places.append(open_escape)
        return min((reading.place(place, place + 1)[0] for place in places), default=None)

    def _begun(self, text: str, end: int) -> int | None:
        first = max(0, end - self.longest)
        found = self.pattern.search(text, first, partial=True) if self.forms else None
        return found.start() if found is not None and found.partial and found.start() < end else None


class _Known:
    """The known values and their forms in each spelling."""

    def __init__(self) -> None:
        self._values: frozenset[str] = frozenset()
        self._wanted: list[_Wanted] | None = None
        self._lock = threading.Lock()

    def add(self, values: set[str]) -> None:
        """Adds values; their forms are made when they are needed."""
        with self._lock:
            if not values <= self._values:
                self._values, self._wanted = self._values | values, None

    def readings(self, text: str, whole: bool) -> Iterator[tuple[_Wanted, ResolvedText]]:
        """Yields the readings in which a text may hold a form, or the beginning of one where the text is not
        ``whole``; none while nothing is known."""
        with self._lock:
            if self._wanted is None:
                values = sorted(self._values)
                self._wanted = [_Wanted(spelling, values) for spelling in SPELLINGS] if values else []
            wanted = self._wanted
        unread, made = ResolvedText(text), {}
        for each in wanted:
            if each.forms and (not whole or each.spelling.fits(text)):
                read = each.spelling.read
                if read not in made:
                    made[read] = read(unread)
                yield each, made[read]


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
    space or invisible characters inside, percent-encoded, with JSON, C, Python, HTML or quoted-printable
    escapes, as the numbers of its bytes (decimal or hexadecimal), or inside base64."""
    if len(text) < SHORTEST:
        return text
    spans = sorted(span for wanted, reading in _KNOWN.readings(text, True) for span in wanted.found(reading))
    if not spans:
        return text
    parts: list[str] = []
    at = 0
    for start, end in spans:
        if start >= at:
            parts += (text[at:start], MASK)
        at = max(at, end)
    return "".join((*parts, text[at:]))


class StreamMask:
    """Masks a text that comes in pieces. What may be the beginning of a secret waits for the next piece."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Takes the next piece; returns what is certain to hold no part of a secret."""
        text = without_secrets(self._held + piece)
        begun = [wanted.begun(reading) for wanted, reading in _KNOWN.readings(text, False)]
        cut = min((place for place in begun if place is not None), default=len(text))
        cut = max(cut, len(text) - _LONGEST_HELD)
        self._held = text[cut:]
        return text[:cut]

    def rest(self) -> str:
        """Returns what is still held, when no piece follows."""
        held, self._held = self._held, ""
        return held
