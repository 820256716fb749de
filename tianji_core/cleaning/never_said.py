"""Tells by what a text says that it is for somebody else than its receiver, for another occasion, or said the
wrong way round: what holds of an age, a work, a relation. Pure; what is never said to whom stands in
``configs/cleaning/never_said.yaml``."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from tianji_core.cleaning.relations import same_relation
from tianji_core.cleaning.rule import Subject
from tianji_core.project import CONFIGS
from tianji_core.yaml_reading import read_yaml

_EVERYDAY = frozenset("你您祝愿的是")
"""Signs that most texts have."""
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
    """What is never said in one pattern, and pairs of characters of which every match has one; None where
    that cannot be told."""

    pattern: re.Pattern[str]
    pairs: frozenset[str] | None


@lru_cache(maxsize=4_000)
def _never(name: str, scene: str) -> tuple[_Never, ...]:
    """Returns what is never said to a receiver on an occasion."""
    rows = [row.said for row in _rows() if row.holds(name, scene)]
    return tuple(_compiled(row, name if "{own}" in row else "") for row in rows)


@lru_cache(maxsize=1_000)
def _compiled(said: str, name: str) -> _Never:
    words = same_relation(name)
    own = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    whole = said.replace("{own}", f"(?:{own})").replace("{clause}", _CLAUSE)
    called = frozenset(word[i : i + 2] for word in words for i in range(len(word) - 1))
    return _Never(re.compile(whole), _needed_pairs(whole, called))


def _needed_pairs(pattern: str, usual: frozenset[str]) -> frozenset[str] | None:
    """Returns pairs of characters, if possible none of the ``usual`` ones, of which every match of a pattern
    has at least one, None if none can be told. A search for pairs costs far less than one for the pattern."""
    parser = getattr(re, "_parser", None)
    return None if parser is None else _needed(parser.parse(pattern), usual)


def _needed(
    parsed: Iterable[tuple[Any, Any]], usual: frozenset[str], before: frozenset[str] = frozenset()
) -> frozenset[str] | None:
    """Returns the pairs that a parsed pattern needs; ``before`` are the signs one of
    which stands before it."""
    found: list[frozenset[str]] = []
    for operator, operand in parsed:
        kind, inner = str(operator), []
        signs = _signs(kind, operand)
        if before and signs:
            found.append(frozenset(one + other for one in before for other in signs))
        if kind == "SUBPATTERN":
            inner = [_needed(operand[-1], usual, before)]
        elif kind == "BRANCH":
            inner = [_needed(branch, usual, before) for branch in operand[1]]
        elif kind in ("MAX_REPEAT", "MIN_REPEAT") and operand[0] > 0:
            inner = [_needed(operand[2], usual)]
        if inner and None not in inner:
            found.append(frozenset().union(*filter(None, inner)))
        before = signs
    rare = [pairs for pairs in found if pairs.isdisjoint(usual)]
    return min(rare or found, key=_frequent, default=None)


def _frequent(pairs: frozenset[str]) -> int:
    """Returns how many texts have one of these pairs, as an order."""
    return len(pairs) + 20 * sum(not _EVERYDAY.isdisjoint(pair) for pair in pairs)


def _signs(kind: str, operand: Any) -> frozenset[str]:
    """Returns the signs that a part of a pattern may be, none if these are not a few."""
    if kind == "LITERAL":
        return frozenset(chr(operand))
    if kind == "IN" and all(str(entry[0]) == "LITERAL" for entry in operand):
        return frozenset(chr(code) for _kind, code in operand)
    return frozenset()


def never_said(text: str, subject: Subject) -> str | None:
    """Returns words of a text that are never said to its receiver on its occasion, None if there are none."""
    if not subject.name:
        return None
    said = frozenset(map(str.__add__, text, text[1:]))
    for row in _never(subject.name, subject.scene):
        if row.pairs is not None and row.pairs.isdisjoint(said):
            continue
        if (found := row.pattern.search(text)) is not None:
            return found.group().strip(" \n，。！？：~～")
    return None
