"""A linear model that tells a piece of a blessing from talk about it: an agreement, a heading, a remark on
length or style, an offer of another version, in Chinese or English.

The features are the 1- to 3-grams of a piece over Chinese characters, Latin words and marks, each with the
value 1 / √(number of different grams), and some facts about the piece's place. The weights are those of a
logistic regression; ``scripts/talk_model/train.py`` makes the file. Pure."""

import json
import math
import re
from functools import cache
from typing import NamedTuple

from tianji_core.cleaning.sentences import Piece
from tianji_core.project import CONFIGS

FILE = CONFIGS / "cleaning" / "talk_model.json"
SCALE = 100
"""Weights are stored as integers: the weight times this number."""
_TOKEN = re.compile(r"[a-z][a-z']*|0+|\S")
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
    plain = text.lower().translate(_ALIKE)
    tokens = ["^", *_TOKEN.findall(plain), "$"]
    two = list(map(str.__add__, tokens, tokens[1:]))
    return {*tokens[1:-1], *two, *map(str.__add__, two, tokens[2:])}


@cache
def _weights() -> tuple[dict[str, int], int]:
    file = json.loads(FILE.read_text(encoding="utf-8"))
    return file["weights"], file["bias"]


def talk_score(piece: Piece, first: bool, last: bool) -> float:
    """Returns the log-odds that a piece is talk and not blessing: above 0 talk is likelier."""
    weights, bias = _weights()
    found = grams(piece.text)
    total = sum(weights.get(gram, 0) for gram in found) / math.sqrt(len(found) or 1)
    place = 0
    if first:
        place += weights.get("@first", 0)
    if last:
        place += weights.get("@last", 0)
    if piece.own_line:
        place += weights.get("@own_line", 0)
    return (total + place / 2 + bias) / SCALE
