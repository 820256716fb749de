"""Linear models over character n-grams, one for each fault that is a matter of meaning: mourning and ill
will, everyday talk in a classical or solemn text, a clause that breaks off.

``scripts/talk_model/train_faults.py`` makes the file of their weights. Pure."""

import json
import math
import re
from functools import cache, lru_cache
from itertools import repeat
from typing import NamedTuple

from tianji_core.cleaning.sentences import Piece
from tianji_core.cleaning.talk_model import plain
from tianji_core.project import CONFIGS

FILE = CONFIGS / "cleaning" / "fault_model.json"
SCALE = 100
"""Weights are stored as integers: the weight times this number."""
MOURNFUL, MODERN, SLANG, UNFINISHED = "mournful", "modern", "slang", "unfinished"
SURELY_MOURNFUL = 0.8
"""The score from which a sentence is flagged."""
ALARM = 160
"""The stored weight from which a pair of characters makes a sentence worth looking at."""
_STOPS = "，。！？；：~…"
_SHORT = 6
"""Characters of a sentence that says too little."""
_CLAUSE = re.compile(
    r"[^，、；：,;:。！？!?~～…\n“”\"「」『』（）()《》\s\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]*\Z"
)
_LONGEST = 40
"""Characters of a clause that are looked at."""


class _Head(NamedTuple):
    bias: int
    weights: dict[str, int]


@cache
def _heads() -> dict[str, _Head]:
    file = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: _Head(head["bias"], head["weights"]) for name, head in file.items()}


def sentence_grams(text: str, name: str) -> list[str]:
    """Returns the 1- to 3-grams of a sentence to ``name``, its ends as marks; forms of address and occasions
    stand as one sign each, the marks at the end are left out."""
    signs = ["^", *"".join(plain(text, name).split()).rstrip(_STOPS), "$"]
    pairs = list(map(str.__add__, signs, signs[1:]))
    return [*signs[1:-1], *pairs, *map(str.__add__, pairs, signs[2:])]


def clause_features(text: str) -> list[str]:
    """Returns what is seen of the end of a text: the last characters of its last clause, its beginning, its
    length, and its other words."""
    match = _CLAUSE.search(text[-_LONGEST:])
    clause = match.group() if match is not None else ""
    before = text[: len(text) - len(clause)][-1:]
    size = min(len(clause), 12)
    found = [f"{n}{clause[-n:]}" for n in (1, 2, 3, 4) if len(clause) >= n]
    found += [f"#{size}", f"a{clause[:1]}", f"b{clause[:2]}", f"a{clause[:1]}{min(size, 9) // 2}"]
    found += [f"p{clause[-2:-1]}", f"q{clause[-3:-1]}", f"m{before if before in '，、；：“「' else '。'}"]
    return found + [f"w{clause[i : i + 2]}" for i in range(len(clause) - 3)]


@lru_cache(maxsize=50_000)
def sentence_score(head: str, text: str, name: str) -> float:
    """Returns the log-odds that a sentence has a fault. Cached, since samples have sentences in common."""
    bias, weights = _heads()[head]
    found = sentence_grams(text, name)
    total = sum(map(weights.get, found, repeat(0))) / math.sqrt(max(len(found), 1))
    return (total + bias) / SCALE


def unfinished_score(text: str) -> float:
    """Returns the log-odds that a text that ends with a word breaks off there."""
    bias, weights = _heads()[UNFINISHED]
    return (sum(map(weights.get, clause_features(text), repeat(0))) + bias) / SCALE


@cache
def _alarming(head: str) -> frozenset[str]:
    """Returns the pairs of characters that speak for a fault: a text without any need not be looked at."""
    _bias, weights = _heads()[head]
    return frozenset(gram for gram, weight in weights.items() if len(gram) == 2 and weight >= ALARM)


def is_mournful(text: str, name: str, cut: list[Piece]) -> str | None:
    """Returns the sentence of a text in pieces that mourns or wishes ill, None if there is none."""
    if _alarming(MOURNFUL).isdisjoint(map(str.__add__, text, text[1:])):
        return None
    return worst_sentence(MOURNFUL, cut, name, SURELY_MOURNFUL)


def worst_sentence(head: str, cut: list[Piece], name: str, least: float) -> str | None:
    """Returns the sentence with the highest score for a fault, None if it does not reach ``least``."""
    scored = [
        (sentence_score(head, piece.text, name if name in piece.text else ""), piece.text)
        for piece in cut
        if len(piece.text) > _SHORT
    ]
    score, sentence = max(scored, default=(least - 1, ""))
    return sentence if score >= least else None
