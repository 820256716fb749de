"""How close two texts are: in wording, by the character 3-grams that they share, and in structure, by the
lengths of their clauses, their punctuation, their function words, and how they open and close. Pure."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

GRAM = 3
MOST_CLAUSES = 150
"""Clauses of a text that are compared; a longer text is known by them well enough."""
LENGTHS, MARKS, FUNCTION_WORDS, OPENING, CLOSING = "lengths", "marks", "function_words", "opening", "closing"
PART_TITLES = {
    LENGTHS: "句子长短",
    MARKS: "标点",
    FUNCTION_WORDS: "虚词",
    OPENING: "开头",
    CLOSING: "结尾",
}
WEIGHTS = {LENGTHS: 0.3, MARKS: 0.2, FUNCTION_WORDS: 0.3, OPENING: 0.1, CLOSING: 0.1}
_CLAUSE = re.compile(r"([^，。！？；：、…～~—,.!?;:\n]+)([，。！？；：、…～~—,.!?;:\n]*)")
_BARE = re.compile(r"[\W_]+")
_WORDS = re.compile(
    "因为|所以|虽然|但是|可是|不过|如果|只要|就是|还是|而且|然后|已经|一直|总是|有时|时候|什么|怎么|这么|那么|"
    "[的地得了着过是在有和跟与就都也还又再才却而并但把被让给对从向到为以于之其所很太真最更不没别要会能可想"
    "我你您他她它们这那哪谁啊呀吧呢吗嘛哦啦呐]"
)
_ALIKE = {
    **dict.fromkeys(("但是", "可是", "不过", "却"), "但"),
    **dict.fromkeys(("和", "与"), "跟"),
    **dict.fromkeys(("就是", "还是"), "是"),
    "您": "你",
}
"""Function words that change nothing when one stands for the other."""


@dataclass(frozen=True)
class Likeness:
    """How close a text is to another one, from 0 to 1. ``parts`` holds the parts of the structure."""

    wording: float = 0.0
    structure: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)

    def closest_parts(self, least: float = 0.75) -> list[str]:
        """Returns the parts that are about the same, the closest first."""
        close = [part for part in WEIGHTS if self.parts.get(part, 0.0) >= least]
        return sorted(close, key=lambda part: -self.parts[part])


def likeness(text: str, other: str, common: Collection[str] = ()) -> Likeness:
    """Returns how close ``text`` is to ``other``; words in ``common``, such as the receiver, which both must
    have, do not count as wording."""
    wording = _shared(_grams(text, tuple(common)), _grams(other, tuple(common)))
    mine, theirs = _clauses(text), _clauses(other)
    if not mine or not theirs:
        return Likeness(wording)
    parts = {
        LENGTHS: _alike_lengths([len(clause) for clause, _mark in mine], [len(c) for c, _mark in theirs]),
        MARKS: _alike([mark for _c, mark in mine if mark], [mark for _c, mark in theirs if mark]),
        FUNCTION_WORDS: _alike(_function_words(text), _function_words(other)),
        OPENING: _alike_clauses(mine[0][0], theirs[0][0]),
        CLOSING: _alike_clauses(mine[-1][0], theirs[-1][0]),
    }
    structure = sum(WEIGHTS[part] * value for part, value in parts.items())
    return Likeness(wording, structure, parts)


def clauses(text: str) -> tuple[str, ...]:
    """Returns the clauses of a text, without marks and white space."""
    return tuple(clause for clause, _mark in _clauses(text))


@lru_cache(maxsize=4096)
def _grams(text: str, common: tuple[str, ...]) -> frozenset[str]:
    for word in sorted(common, key=len, reverse=True):
        text = text.replace(word, "\n") if word else text
    grams: set[str] = set()
    for piece in _BARE.split(text):
        grams.update(piece[at : at + GRAM] for at in range(len(piece) - GRAM + 1))
    return frozenset(grams)


def _shared(mine: frozenset[str], theirs: frozenset[str]) -> float:
    """The share of the grams of the shorter text that the other has."""
    least = min(len(mine), len(theirs))
    return len(mine & theirs) / least if least else 0.0


@lru_cache(maxsize=4096)
def _clauses(text: str) -> tuple[tuple[str, str], ...]:
    """The clauses of a text without white space, each with the mark after it."""
    found = ((_BARE.sub("", clause), mark[:1]) for clause, mark in _CLAUSE.findall(text))
    return tuple((clause, mark) for clause, mark in found if clause)[:MOST_CLAUSES]


def _function_words(text: str) -> list[str]:
    return [_ALIKE.get(word, word) for word in _WORDS.findall(text)][: 4 * MOST_CLAUSES]


def _alike(mine: Sequence[str], theirs: Sequence[str]) -> float:
    """The share that two sequences have in the same order; two that are empty say nothing: one half."""
    from rapidfuzz.distance import Indel

    return Indel.normalized_similarity(mine, theirs) if mine or theirs else 0.5


def _alike_lengths(mine: Sequence[int], theirs: Sequence[int]) -> float:
    """How well two sequences of lengths lie on each other: a length beside another costs their relative
    difference, one without a counterpart 1."""
    row = [float(at) for at in range(len(theirs) + 1)]
    for number, length in enumerate(mine, start=1):
        before, row = row, [float(number)]
        for at, other in enumerate(theirs, start=1):
            beside = before[at - 1] + abs(length - other) / max(length, other)
            row.append(min(beside, before[at] + 1.0, row[at - 1] + 1.0))
    return 1.0 - row[-1] / max(len(mine), len(theirs))


def _alike_clauses(mine: str, theirs: str) -> float:
    """How close two clauses are: the same words, or the same function words in the same places."""
    from rapidfuzz.distance import Indel

    return max(
        Indel.normalized_similarity(mine, theirs),
        Indel.normalized_similarity(_skeleton(mine), _skeleton(theirs)),
    )


def _skeleton(clause: str) -> str:
    """A clause with one mark for every two characters that are no function words."""
    return "".join(
        part if number % 2 else "○" * ((len(part) + 1) // 2)
        for number, part in enumerate(re.split(f"({_WORDS.pattern})", clause))
    )
