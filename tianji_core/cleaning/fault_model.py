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
from tianji_core.cleaning.talk_model import PACKED, WordScores, grams, unpacked, word_scores
from tianji_core.project import CONFIGS

FILE = CONFIGS / "cleaning" / "fault_model.json"
SCALE = 100
"""Weights are stored as integers: the weight times this number."""
MOURNFUL, LOVING, ELSEWHERE = PACKED
MODERN, SLANG, UNFINISHED = "modern", "slang", "unfinished"
SURELY_MOURNFUL = 1.25
"""The score from which a sentence is flagged."""
SURELY_LOVING = 0.5
"""The same for what only lovers say."""
_STOPS = "，。！？；：~…"
_DEAR, _AROUND_DEAR = "亲爱的", "，,！!：:~～ \n"
"""What friends call each other as well."""
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
    return {name: _Head(head["bias"], unpacked(head["weights"])) for name, head in file.items()}


def style_grams(text: str, name: str) -> list[str]:
    """Returns the n-grams by which styles are told apart: the marks at the end say nothing."""
    return grams(word_scores(text, name).plain.rstrip(_STOPS))


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
    found = style_grams(text, name)
    total = sum(map(weights.get, found, repeat(0))) / math.sqrt(len(found))
    return (total + bias) / SCALE


def unfinished_score(text: str) -> float:
    """Returns the log-odds that a text that ends with a word breaks off there."""
    bias, weights = _heads()[UNFINISHED]
    return (sum(map(weights.get, clause_features(text), repeat(0))) + bias) / SCALE


def most_mournful(cut: list[Piece], words: list[WordScores]) -> str | None:
    """Returns the sentence of a text in pieces that mourns or wishes ill, None if there is none."""
    for piece, scores in zip(cut, words, strict=True):
        if scores.mournful >= SURELY_MOURNFUL and len(piece.text) > _SHORT:
            return piece.text
    return None


def most_loving(cut: list[Piece], words: list[WordScores]) -> str | None:
    """Returns the sentence of a text in pieces that only lovers say, None if there is none."""
    for piece, scores in zip(cut, words, strict=True):
        if scores.loving >= SURELY_LOVING and piece.text.strip(_AROUND_DEAR) != _DEAR:
            return piece.text
    return None


def worst_sentence(head: str, cut: list[Piece], name: str, least: float) -> str | None:
    """Returns the sentence with the highest score for a fault, None if it does not reach ``least``."""
    scored = [
        (sentence_score(head, piece.text, name if name in piece.text else ""), piece.text)
        for piece in cut
        if len(piece.text) > _SHORT
    ]
    score, sentence = max(scored, default=(least - 1, ""))
    return sentence if score >= least else None
