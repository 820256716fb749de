"""The notation of sentence patterns: ``<slot>`` is filled from a bank of phrases, ``<name>`` and ``<you>``
with the receiver, ``<fact>`` with a detail about them, ``<scene>`` and ``<greeting>`` with the
occasion, and a part in ``(…)`` may be left
out. None of these marks needs quoting in YAML."""

import re
from dataclasses import dataclass, field
from functools import cached_property

NAME, YOU, SCENE, GREETING, FACT = "name", "you", "scene", "greeting", "fact"
FIXED = (NAME, YOU, SCENE, GREETING, FACT)
"""The slots that the task fills, not a bank."""
CLAUSE_CHARS = 16
_TOKEN = re.compile(r"<([a-z][a-z0-9_]*)>|([()])|([^()<>]+)|([<>])")


@dataclass(frozen=True)
class Slot:
    """A gap for a phrase of bank ``bank``; ``optional`` is the number of the ``(…)`` around it, or -1."""

    bank: str
    optional: int


@dataclass(frozen=True)
class Literal:
    """Fixed text; ``optional`` as in :class:`Slot`."""

    text: str
    optional: int


@dataclass(frozen=True)
class Phrase:
    """One parsed pattern or phrase, told from others by its source; ``optionals``: how many ``(…)``."""

    source: str
    parts: tuple[Slot | Literal, ...] = field(compare=False)
    optionals: int = field(compare=False)

    @cached_property
    def pairs(self) -> frozenset[str]:
        """Adjacent pairs of Chinese characters in the fixed text: two phrases that share one sound
        repetitive. Empty for whole sentences, which may share a word."""
        if len(self.source) > CLAUSE_CHARS:
            return frozenset()
        return frozenset(
            part.text[i : i + 2]
            for part in self.parts
            if isinstance(part, Literal)
            for i in range(len(part.text) - 1)
            if "\u4e00" <= part.text[i] <= "\u9fff" and "\u4e00" <= part.text[i + 1] <= "\u9fff"
        )

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """The banks of its slots, in order, one entry per use."""
        return tuple(p.bank for p in self.parts if isinstance(p, Slot) and p.bank not in FIXED)


def parse(source: str) -> Phrase:
    """Parses one pattern.

    Raises:
        ValueError: brackets that do not pair up, or an optional part inside another.
    """
    parts: list[Slot | Literal] = []
    optional, count = -1, 0
    for match in _TOKEN.finditer(source):
        slot, bracket, literal, stray = match.groups()
        if slot:
            parts.append(Slot(slot, optional))
        elif literal:
            parts.append(Literal(literal, optional))
        elif stray or (bracket == "(") == (optional >= 0):
            raise ValueError(source)
        elif bracket == "(":
            optional, count = count, count + 1
        else:
            optional = -1
    if optional >= 0 or not parts:
        raise ValueError(source)
    return Phrase(source, tuple(parts), count)
