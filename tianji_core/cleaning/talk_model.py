"""A linear model that tells a piece of a blessing from talk about it: an agreement, a heading, a remark on
length or style, an offer of another version, in Chinese or English.

The features are the 1- to 3-grams of a piece over Chinese characters, Latin words and marks, each with the
value 1 / √(number of different grams), and some facts about the piece's place. The weights are those of a
logistic regression; ``scripts/talk_model/train.py`` makes the file. Pure."""

import json
import math
import re
from functools import cache, lru_cache
from itertools import repeat
from typing import NamedTuple

from tianji_core.cleaning.sentences import Piece
from tianji_core.project import CONFIGS

FILE = CONFIGS / "cleaning" / "talk_model.json"
SCALE = 100
"""Weights are stored as integers: the weight times this number."""
_TOKEN = re.compile(r"[a-z][a-z']*|0+|\S")
_WORD = re.compile(r"[a-z0]")
_NUMBER = re.compile(r"^\s*(?:\d{1,2}[.、)）]\s*(?=\D)|[\u2460-\u2473]\s*|\d\ufe0f?\u20e3\s*)")
_ALIKE = str.maketrans('!?:,;()123456789～“”"', '！？：，；（）000000000~"""')


class Place(NamedTuple):
    """Whether a piece is the first or the last of its text, and whether it fills a line of its own."""

    first: bool
    last: bool
    own_line: bool


def features(text: str, place: Place) -> dict[str, float]:
    """Returns feature → value for a piece."""
    found = grams(text)
    value = 1 / math.sqrt(len(found) or 1)
    values = dict.fromkeys(found, value)
    values |= {f"@{name}": 0.5 for name, holds in zip(Place._fields, place, strict=True) if holds}
    return values


def grams(text: str) -> set[str]:
    """Returns the different 1- to 3-grams of a piece; its ends count as marks."""
    plain = _NUMBER.sub("", text, count=1).lower().translate(_ALIKE)
    signs = _TOKEN.findall(plain) if _WORD.search(plain) else "".join(plain.split())
    tokens = ["^", *signs, "$"]
    two = list(map(str.__add__, tokens, tokens[1:]))
    return {*tokens[1:-1], *two, *map(str.__add__, two, tokens[2:])}


@cache
def _weights() -> tuple[dict[str, int], int]:
    file = json.loads(FILE.read_text(encoding="utf-8"))
    return file["weights"], file["bias"]


def talk_score(piece: Piece, first: bool, last: bool) -> float:
    """Returns the log-odds that a piece is talk and not blessing: above 0 talk is likelier."""
    weights, bias = _weights()
    place = 0
    if first:
        place += weights.get("@first", 0)
    if last:
        place += weights.get("@last", 0)
    if piece.own_line:
        place += weights.get("@own_line", 0)
    return (_words_score(piece.text) + place / 2 + bias) / SCALE


@lru_cache(maxsize=50_000)
def _words_score(text: str) -> float:
    """Returns the share of the grams in the score. Cached, since samples have many sentences in common."""
    found = grams(text)
    return sum(map(_weights()[0].get, found, repeat(0))) / math.sqrt(len(found) or 1)
