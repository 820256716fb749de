"""Tells by what a text says that it is for somebody else than its receiver, for another occasion, or said the
wrong way round: what holds of an age, a work, a relation. Pure; what is never said to whom stands in
``configs/cleaning/never_said.yaml``."""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from tianji_core.cleaning.quick import QuickPattern, pairs_in, signs_in
from tianji_core.cleaning.relations import same_relation
from tianji_core.cleaning.rule import Subject
from tianji_core.project import CONFIGS
from tianji_core.yaml_reading import read_yaml

_CLAUSE = r"(?:^|[，。！？!?~～；：:\s])"


class _Row(NamedTuple):
    """What is never ``said`` to receivers of ``names`` or on ``scenes``, those of ``but`` excepted."""

    names: re.Pattern[str] | None
    scenes: re.Pattern[str] | None
    but: re.Pattern[str] | None
    said: str

    def holds(self, name: str, scene: str) -> bool:
        """Returns whether the row is about this receiver on this occasion."""
        if self.but is not None and self.but.search(name) is not None:
            return False
        named = self.names is not None and self.names.search(name) is not None
        return named or (self.scenes is not None and self.scenes.search(scene) is not None)


@cache
def _rows() -> tuple[_Row, ...]:
    def pattern(text: str) -> re.Pattern[str] | None:
        return re.compile(text) if text else None

    return tuple(
        _Row(
            pattern(row.get("names", "")),
            pattern(row.get("scenes", "")),
            pattern(row.get("not", "")),
            "|".join(row["said"]),
        )
        for row in read_yaml(CONFIGS / "cleaning" / "never_said.yaml")
    )


class _Never(NamedTuple):
    """What is never said to a receiver on an occasion: all patterns, the numbers of those of which it cannot
    be told what they need, and the characters and pairs that others need with the numbers of these."""

    patterns: tuple[QuickPattern, ...]
    unknown: frozenset[int]
    by_need: dict[str, tuple[int, ...]]
    pairs: frozenset[str]
    signs: frozenset[str]


@lru_cache(maxsize=4_000)
def _never(name: str, scene: str) -> _Never:
    """Returns what is never said to a receiver on an occasion."""
    rows = [row.said for row in _rows() if row.holds(name, scene)]
    patterns = tuple(_compiled(row, name if "{own}" in row else "") for row in rows)
    by_need: dict[str, tuple[int, ...]] = {}
    for number, pattern in enumerate(patterns):
        for need in pattern.pairs | pattern.signs:
            by_need[need] = (*by_need.get(need, ()), number)
    unknown = frozenset(n for n, pattern in enumerate(patterns) if not pattern.pairs and not pattern.signs)
    pairs = frozenset(need for need in by_need if len(need) == 2)
    return _Never(patterns, unknown, by_need, pairs, frozenset(by_need) - pairs)


@lru_cache(maxsize=1_000)
def _compiled(said: str, name: str) -> QuickPattern:
    words = same_relation(name)
    own = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    whole = said.replace("{own}", f"(?:{own})").replace("{clause}", _CLAUSE)
    called = frozenset(word[i : i + 2] for word in words for i in range(len(word) - 1))
    return QuickPattern(whole, usual=called)


def never_said(text: str, subject: Subject) -> str | None:
    """Returns words of a text that are never said to its receiver on its occasion, None if there are none."""
    if not subject.name:
        return None
    never = _never(subject.name, subject.scene)
    numbers = set(never.unknown)
    for need in (*(never.pairs & pairs_in(text)), *(never.signs & signs_in(text))):
        numbers.update(never.by_need[need])
    for number in sorted(numbers):
        if (found := never.patterns[number].pattern.search(text)) is not None:
            return found.group().strip(" \n，。！？：~～")
    return None
