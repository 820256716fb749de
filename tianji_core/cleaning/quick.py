"""Patterns that are searched only where they may be found: of every pattern it is worked out once which
characters, or pairs of characters, each of its matches has. Most texts have none of them, and to see that
costs far less than a search. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, wraps
from typing import Any, ParamSpec, Protocol, TypeVar

_WORDS = frozenset(
    {"快乐", "平安", "安康", "幸福", "健康", "生日", "新年", "祝福", "顺利", "愉快", "开心", "身体"}
)
"""Pairs that many texts have."""
_EVERYDAY = frozenset("你您祝愿的是，。！").union(*_WORDS)
"""Signs that most texts have."""
_FREQUENT = 20
"""How many other pairs one of these counts for, where the rarest are looked for."""
_SIGN = 4
"""The same for a single character."""
_MOST = 4_000
"""Signs or pairs of a pattern; to look for more is no longer quick."""
_FOLDED = {"i": "\u0130\u0131", "s": "\u017f", "k": "\u212a"}
"""Letters beside the two cases of one that stand for it where case is ignored."""
_REPEATED = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_Needs = frozenset[str]


AT_ONCE = 256
"""Texts that go through one rule before the next one is asked, which then finds its own words near at
hand."""
SIGNS_AT_ONCE = 20_000
"""Characters that these have at most, unless one alone has more."""
_LONG = 1_000
"""Characters from which a text is one of few that are remembered."""
_Given = ParamSpec("_Given")
_Told_co = TypeVar("_Told_co", covariant=True)


class Remembered(Protocol[_Given, _Told_co]):
    """A function that remembers what it said, until ``cache_clear``."""

    def __call__(self, *args: _Given.args, **kwargs: _Given.kwargs) -> _Told_co: ...
    def cache_clear(self) -> None: ...


def remembered(function: Callable[_Given, _Told_co]) -> Remembered[_Given, _Told_co]:
    """Remembers what a function says of the texts of a round (:data:`AT_ONCE`), its first arguments, since
    many rules ask about the same text."""
    short = lru_cache(maxsize=2 * AT_ONCE)(function)
    long = lru_cache(maxsize=2 * SIGNS_AT_ONCE // _LONG)(function)

    @wraps(function)
    def told(text: str, *more: Any) -> Any:
        return short(text, *more) if len(text) < _LONG else long(text, *more)

    def cache_clear() -> None:
        short.cache_clear()
        long.cache_clear()

    told.cache_clear = cache_clear  # type: ignore[attr-defined]
    return told  # type: ignore[return-value]


@lru_cache(maxsize=2 * AT_ONCE)
def signs_in(text: str) -> frozenset[str]:
    """Returns the characters of a text. Cached, as its pairs are."""
    return frozenset(text)


@remembered
def pairs_in(text: str) -> frozenset[str]:
    """Returns the pairs of neighbouring characters of a text."""
    return frozenset(map(str.__add__, text, text[1:]))


class QuickPattern:
    """A compiled pattern that knows what its matches need: each has one of ``pairs`` of neighbouring
    characters or one of ``signs``. Where that cannot be told, both are empty and every text is searched."""

    def __init__(self, pattern: str, flags: int = 0, usual: _Needs = frozenset()) -> None:
        """``usual`` are pairs that most texts have: others are chosen if possible."""
        self.pattern = re.compile(pattern, flags)
        parser = getattr(re, "_parser", None)  # missing in another Python
        flags = self.pattern.flags
        parsed = parser.parse(pattern, flags) if parser is not None else ()
        needs = _needed(parsed, usual, frozenset(), bool(flags & re.IGNORECASE)) or frozenset()
        self.pairs = frozenset(each for each in needs if len(each) == 2)
        self.signs = needs - self.pairs

    def may_match(self, text: str) -> bool:
        """Returns whether a text has what a match needs; never False where there is a match."""
        if self.pairs and not self.pairs.isdisjoint(pairs_in(text)):
            return True
        if self.signs:
            return not self.signs.isdisjoint(signs_in(text))
        return not self.pairs

    def most_matches(self, text: str) -> int:
        """Returns a number that the matches in a text do not exceed: 0 where there can be none."""
        if not self.pairs and not self.signs:
            return len(text) + 1
        seen = [*(self.pairs & pairs_in(text)), *(self.signs & signs_in(text))]
        return sum(map(text.count, seen)) if seen else 0

    def search(self, text: str) -> re.Match[str] | None:
        """Returns the first match in a text, None without one."""
        return self.pattern.search(text) if self.may_match(text) else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Returns the matches in a text."""
        return self.pattern.finditer(text) if self.may_match(text) else iter(())

    def sub(self, replacement: str, text: str) -> str:
        """Returns a text with its matches replaced."""
        return self.pattern.sub(replacement, text) if self.may_match(text) else text


def _rarest(found: list[_Needs]) -> _Needs | None:
    few = [needs for needs in found if len(needs) <= _MOST]
    return min(few, key=_frequent, default=None)


def _frequent(needs: _Needs) -> int:
    """Returns how many texts have one of these, as an order."""
    everyday = sum(each in _EVERYDAY or each in _WORDS for each in needs)
    return _FREQUENT * everyday + sum(_SIGN if len(each) == 1 else 1 for each in needs)


def _inner(kind: str, operand: Any, ignoring: bool) -> list[tuple[Any, bool]]:
    """Returns the parts of which one must match inside a part of a pattern, each with whether case is
    ignored in it; none if it has no parts that must."""
    if kind == "SUBPATTERN":
        _group, added, removed, part = operand
        return [(part, (ignoring or bool(added & re.IGNORECASE)) and not removed & re.IGNORECASE)]
    if kind == "BRANCH":
        return [(branch, ignoring) for branch in operand[1]]
    if kind in _REPEATED:
        return [(operand[2], ignoring)] if operand[0] > 0 else []
    return [(operand, ignoring)] if kind == "ATOMIC_GROUP" else []


def _needed(
    parsed: Iterable[tuple[Any, Any]], usual: _Needs, before: _Needs, ignoring: bool
) -> _Needs | None:
    """Returns signs and pairs of which every match of a parsed pattern has one, None if none can be told;
    ``before`` are the signs one of which stands before it."""
    found: list[_Needs] = []
    for operator, operand in parsed:
        kind = str(operator)
        signs = _signs(kind, operand, ignoring)
        if signs:
            found.append(signs)
        if before and signs and len(before) * len(signs) <= _MOST:
            found.append(frozenset(one + other for one in before for other in signs))
        if kind in _REPEATED and operand[0] > 1 and len(operand[2]) == 1:
            again = _signs(str(operand[2][0][0]), operand[2][0][1], ignoring)
            if again and len(again) ** 2 <= _MOST:
                found.append(frozenset(one + other for one in again for other in again))
        ahead = before if kind not in _REPEATED else frozenset()
        inner = [_needed(part, usual, ahead, case) for part, case in _inner(kind, operand, ignoring)]
        if inner and None not in inner:
            found.append(frozenset().union(*filter(None, inner)))
        before = signs
    rare = [needs for needs in found if needs.isdisjoint(usual)]
    return _rarest(rare or found)


def _signs(kind: str, operand: Any, ignoring: bool) -> _Needs:
    """Returns the signs that a part of a pattern may be, none if these are not a few."""
    codes: list[int] = []
    if kind == "LITERAL":
        codes = [operand]
    elif kind == "IN":
        for entry, value in operand:
            if str(entry) == "LITERAL":
                codes.append(value)
            elif str(entry) == "RANGE" and value[1] - value[0] < _MOST:
                codes += range(value[0], value[1] + 1)
            else:
                return frozenset()
    signs = set(map(chr, codes))
    if not ignoring:
        return frozenset(signs)
    if any(not sign.isascii() and sign.lower() != sign.upper() for sign in signs):
        return frozenset()
    both = {case for sign in signs for case in (sign.lower(), sign.upper())}
    return frozenset(both.union(*(_FOLDED.get(sign, "") for sign in both)))
