"""A linear model that tells a piece of a blessing from talk about it: an agreement, a heading, a remark on
length or style, an offer of another version, in Chinese or English.

The features of a piece are of three kinds. Its 1- to 3-grams over Chinese characters, Latin words and marks,
each with the value 1 / √(number of different grams); forms of address, occasions and kinds of writing stand
in them as one sign each. The classes of words of ``configs/cleaning/talk_classes.yaml`` that it holds,
so that a wording nobody has trained on is understood by what it is about. Its place in the text. The
weights are those of a logistic regression; ``scripts/talk_model/train.py`` makes the file. Pure."""

import json
import math
import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import compress, repeat
from typing import NamedTuple

from tianji_core.cleaning.rule import occasions
from tianji_core.cleaning.sentences import Piece
from tianji_core.project import CONFIGS
from tianji_core.yaml_reading import read_yaml

FILE = CONFIGS / "cleaning" / "talk_model.json"
CLASSES = CONFIGS / "cleaning" / "talk_classes.yaml"
SCALE = 100
"""Weights are stored as integers: the weight times this number."""
CLASS_VALUE = 0.5
"""Value of the features of classes and places."""
_TOKEN = re.compile(r"[a-z][a-z']*|0+|\S")
_WORD = re.compile(r"[a-z0]")
_NUMBER = re.compile(r"^\s*(?:\d{1,2}[.、)）]\s*(?=\D)|[\u2460-\u2473]\s*|\d\ufe0f?\u20e3\s*)")
_ALIKE = str.maketrans('!?:,;()[]【】|｜丨=123456789～“”"', '！？：，；（）（）（）：：：：000000000~"""')
_BRACKETED = re.compile(r"\s*[（(【\[〔*_]+[^\n]*[)）】\]〕*_]+\s*[。！：:]?\s*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_\u3400-\u9fff]")
_LENGTHS = (3, 6, 10, 16, 26, 40)


class Place(NamedTuple):
    """Where a piece stands: whether it is the first or the last of its text, whether it fills a line of its
    own, whether the piece before ends with a colon, whether a blank line precedes or follows it, and whether
    it says 您 in a text that says 你 otherwise, or the other way round."""

    first: bool = False
    last: bool = False
    own_line: bool = False
    after_colon: bool = False
    after_blank: bool = False
    before_blank: bool = False
    other_you: bool = False


def places(cut: list[Piece]) -> list[Place]:
    """Returns the places of the pieces of a text."""
    formal = [piece.text.count("您") for piece in cut]
    informal = [piece.text.count("你") - piece.text.count("你们") for piece in cut]
    all_formal, all_informal = sum(formal), sum(informal)
    found = []
    for number, piece in enumerate(cut):
        before = cut[number - 1].text if number else ""
        polite, close = formal[number], informal[number]
        found.append(
            Place(
                number == 0,
                number == len(cut) - 1,
                piece.own_line,
                before.rstrip()[-1:] in ("：", ":") if before else False,
                before.count("\n") > 1,
                piece.text.count("\n") > 1,
                bool(
                    (polite and not close and polite == all_formal and all_informal)
                    or (close and not polite and close == all_informal and all_formal)
                ),
            )
        )
    return found


@cache
def _signs() -> re.Pattern[str]:
    """Returns a pattern of forms of address (N), occasions (S) and kinds of writing (T), which looks at the
    first character before it tries a word."""
    file, addresses = read_yaml(CLASSES), read_yaml(CLASSES.with_name("addresses.yaml"))
    names = sorted({*addresses, *file["names"]}, key=len, reverse=True)
    words = {*occasions(), *(word for words in occasions().values() for word in words.signs)}
    scenes, styles = sorted(words, key=len, reverse=True), "|".join(file["styles"])
    starts = _starts([*names, *scenes, *file["styles"]])
    return re.compile(
        f"(?=[{starts}])(?:(?P<N>{'|'.join(names)})|(?P<S>{'|'.join(scenes)})"
        f"|(?P<T>(?:{styles})(?:风格?|体|版(?!本))?))"
    )


def _starts(words: Iterable[str]) -> str:
    """Returns the characters with which these words begin; a word may begin with a set of characters."""
    return "".join(
        sorted(
            {sign for word in words for sign in (word[1 : word.index("]")] if word[0] == "[" else word[0])}
        )
    )


@cache
def _classes() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Returns a pattern of the Chinese words of the classes, which looks at the first character before it
    tries a word, and one of the English words."""
    file = read_yaml(CLASSES)
    chinese, english = (
        "|".join(f"(?P<{name}>{'|'.join(words)})" for name, words in file[language].items())
        for language in ("chinese", "english")
    )
    starts = _starts(word for words in file["chinese"].values() for word in words)
    return re.compile(f"(?=[{starts}])(?:{chinese})"), re.compile(rf"\b(?:{english})\b")


def plain(text: str, name: str = "") -> str:
    """Returns a piece with alike characters made equal, and with signs for what its words stand for."""
    bare = _NUMBER.sub("", text, count=1).lower().translate(_ALIKE)
    if name:
        bare = bare.replace(name.lower(), "N")
    return _signs().sub(lambda match: match.lastgroup or "", bare)


def classes(text: str, bare: str) -> list[str]:
    """Returns the classes of a piece and its other marks, in a fixed order and without repetition;
    ``bare`` is :func:`plain` of the text."""
    chinese, english = _classes()
    found = {match.lastgroup or "" for match in chinese.finditer(bare)}
    if _WORD.search(bare):
        found |= {match.lastgroup or "" for match in english.finditer(bare)}
    for sign in "NST":
        if sign in bare:
            found.add(sign)
    if len(text) < _LENGTHS[-1] * 2 and _BRACKETED.fullmatch(text):
        found.add("bracketed")
    if bare.rstrip()[-1:] == "：":
        found.add("colon")
    letters = len(_LETTER.findall(text)) if _LETTER.search(text) else 0
    if letters > 5 and letters > 2 * len(_HAN.findall(text)):
        found.add("foreign")
    found.add(f"length{bisect_left(_LENGTHS, len(text.strip()))}")
    return sorted(found)


def grams(bare: str) -> set[str]:
    """Returns the different 1- to 3-grams of :func:`plain` text; its ends count as marks."""
    signs = _TOKEN.findall(bare) if _WORD.search(bare) else "".join(bare.split())
    tokens = ["^", *signs, "$"]
    two = list(map(str.__add__, tokens, tokens[1:]))
    return {*tokens[1:-1], *two, *map(str.__add__, two, tokens[2:])}


def meanings(found: list[str]) -> list[str]:
    """Returns the features of classes."""
    return [f"@{one}" for one in found]


def features(text: str, place: Place, name: str = "") -> dict[str, float]:
    """Returns feature → value for a piece."""
    bare = plain(text, name)
    words = grams(bare)
    values = dict.fromkeys(words, 1 / math.sqrt(len(words) or 1))
    values |= dict.fromkeys(meanings(classes(text, bare)), CLASS_VALUE)
    values |= {f"@{n}": CLASS_VALUE for n, holds in zip(Place._fields, place, strict=True) if holds}
    return values


@cache
def _weights() -> tuple[dict[str, int], int, tuple[int, ...]]:
    file = json.loads(FILE.read_text(encoding="utf-8"))
    weights = file["weights"]
    return weights, file["bias"], tuple(weights.get(f"@{field}", 0) for field in Place._fields)


def talk_scores(cut: list[Piece], name: str = "") -> list[float]:
    """Returns for each piece the log-odds that it is talk and not blessing: above 0 talk is likelier.
    ``name`` is the receiver."""
    _all, bias, by_place = _weights()
    scores = []
    for piece, place in zip(cut, places(cut), strict=True):
        share = sum(compress(by_place, place))
        named = name if name in piece.text else ""  # so that the same sentence to others is known
        scores.append((_words_score(piece.text, named) + share * CLASS_VALUE + bias) / SCALE)
    return scores


@lru_cache(maxsize=50_000)
def _words_score(text: str, name: str) -> float:
    """Returns the share of the words in the score. Cached, since samples have many sentences in common."""
    weights = _weights()[0]
    bare = plain(text, name)
    found = grams(bare)
    score = sum(map(weights.get, found, repeat(0))) / math.sqrt(len(found) or 1)
    return score + CLASS_VALUE * sum(map(weights.get, meanings(classes(text, bare)), repeat(0)))
