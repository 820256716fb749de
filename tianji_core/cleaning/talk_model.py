"""A linear model that tells a piece of a blessing from talk about it: an agreement, a heading, a remark on
length or style, an offer of another version, in Chinese or English.

Two models in a row. The first looks at the words of a piece: its 1- and 2-grams over Chinese characters,
Latin words and marks, each with the value 1 / √(number of grams); forms of address, occasions and kinds of
writing stand in them as one sign each. The second looks at the scores of the first for the pieces round it
and at its place (:mod:`tianji_core.cleaning.talk_context`). The weights are those of logistic regressions;
``scripts/talk_model/train.py`` makes the file. Pure."""

import json
import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import repeat
from operator import mul
from typing import NamedTuple

from tianji_core.cleaning.gram_sums import GramSums
from tianji_core.cleaning.rule import occasions
from tianji_core.cleaning.sentences import Piece
from tianji_core.cleaning.talk_context import NAMES, surroundings
from tianji_core.project import CONFIGS
from tianji_core.yaml_reading import read_yaml

FILE = CONFIGS / "cleaning" / "talk_model.json"
FAULTS = FILE.with_name("fault_model.json")
DOUBT = FILE.with_name("doubt_model.json")
SIGNS = CONFIGS / "cleaning" / "talk_signs.yaml"
SCALE = 100
"""Weights are stored as integers: the weight times this number."""
PACKED = ("mournful", "loving", "elsewhere")
"""The models of faults that look at the same n-grams as the model of talk."""
AMISS, FAMILIAR = "amiss", "familiar"
"""The model of texts with which anything is wrong, and the n-grams that good texts are made of; both stand in
the file of :mod:`tianji_core.cleaning.doubt`."""
_FIELD = 30
"""Bits of a sum of weights of one model; those of the next stand above them. One look at an n-gram gives
all, which is what most of the time goes to."""
_HALF, _MASK = 1 << _FIELD - 1, (1 << _FIELD) - 1
MARK_VALUE = 0.5
"""Value of the features of :func:`marks`."""
CLEAR = -1.0
"""Where the words of no piece reach this score, all are blessing and need no look at their surroundings."""
BEYOND_DOUBT = 2.1
"""What the words say beyond this, the surroundings do not take back."""
_TOKEN = re.compile(r"[a-z][a-z']*|0+|\S")
_WORD = re.compile(r"[a-z0]")
_NUMBER = re.compile(r"^\s*(?:\d{1,2}[.、)）]\s*(?=\D)|[\u2460-\u2473]\s*|\d\ufe0f?\u20e3\s*)")
_ALIKE = str.maketrans('!?:,;()[]【】|｜丨=123456789～“”"', '！？：，；（）（）（）：：：：000000000~"""')
_BRACKETED = re.compile(r"\s*[（(【\[〔*_]+[^\n]*[)）】\]〕*_]+\s*[。！：:]?\s*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_\u3400-\u9fff]")
_LENGTHS = (3, 6, 10, 16, 26, 40)


@cache
def _signs() -> re.Pattern[str]:
    """Returns a pattern of forms of address (N), occasions (S) and kinds of writing (T), which looks at the
    first character before it tries a word."""
    file, addresses = read_yaml(SIGNS), read_yaml(SIGNS.with_name("addresses.yaml"))
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


def plain(text: str, name: str = "") -> str:
    """Returns a piece with alike characters made equal, and with signs for what its words stand for."""
    bare = _NUMBER.sub("", text, count=1).lower().translate(_ALIKE)
    if name:
        bare = bare.replace(name.lower(), "N")
    return _signs().sub(lambda match: match.lastgroup or "", bare)


def grams(bare: str) -> list[str]:
    """Returns the 1- and 2-grams of :func:`plain` text; its ends count as marks."""
    signs = _TOKEN.findall(bare) if _WORD.search(bare) else "".join(bare.split())
    tokens = ["^", *signs, "$"]
    return [*signs, *map(str.__add__, tokens, tokens[1:])]


def marks(text: str, bare: str) -> list[str]:
    """Returns what else is seen of a piece: its length, whether it is foreign, in brackets or a heading."""
    found = [f"@length{bisect_left(_LENGTHS, len(text.strip()))}"]
    if bare.rstrip()[-1:] == "：":
        found.append("@colon")
    if len(text) < _LENGTHS[-1] * 2 and _BRACKETED.fullmatch(text):
        found.append("@bracketed")
    letters = len(_LETTER.findall(text)) if _LETTER.search(text) else 0
    if letters > 5 and letters > 2 * len(_HAN.findall(text)):
        found.append("@foreign")
    return found


def features(text: str, name: str = "") -> dict[str, float]:
    """Returns feature → value for the words of a piece."""
    bare = plain(text, name)
    words = grams(bare)
    value = 1 / math.sqrt(len(words))
    values = {word: count * value for word, count in Counter(words).items()}
    return values | dict.fromkeys(marks(text, bare), MARK_VALUE)


_WISH = re.compile("[愿祝贺恭盼]|快乐|安康|加油|平安|保重|早日")


def said_of(text: str, bare: str) -> list[str]:
    """Returns whether a whole text speaks to somebody, wishes something, names its receiver or a scene."""
    you, wish, named = "你" in text or "您" in text, _WISH.search(text) is not None, "N" in bare
    holds = (("@you", you), ("@wish", wish), ("@named", named), ("@scene", "S" in bare))
    found = [name for name, true in holds if true]
    if you and wish:
        found.append("@wishes_you")
    return found if you or wish or named else [*found, "@nobody"]


class WordScores(NamedTuple):
    """What the words of a piece say: the log-odds that it is talk, that it mourns or wishes ill, that only
    lovers say so; what its ``size`` n-grams add to those that the whole text is no blessing, and that
    anything is wrong with it; how many of them are familiar. ``plain`` are the words as :func:`plain` gives
    them."""

    talk: float
    mournful: float
    loving: float
    elsewhere: int
    amiss: int
    familiar: int
    size: int
    plain: str


class _Weights(NamedTuple):
    """``words`` holds for each n-gram the weights of all models in one number (:data:`_FIELD`), ``models``
    each one's apart."""

    words: dict[str, int]
    bias: int
    fault_bias: tuple[int, ...]
    amiss_bias: int
    said: dict[str, int]
    context: tuple[float, ...]
    context_bias: float
    models: tuple[dict[str, int], ...]


@cache
def _weights() -> _Weights:
    file = json.loads(FILE.read_text(encoding="utf-8"))
    faults = json.loads(FAULTS.read_text(encoding="utf-8"))
    doubt = json.loads(DOUBT.read_text(encoding="utf-8"))
    context, said = file["context"], {}
    models = [unpacked(file["weights"])]
    for head in PACKED:
        weights = unpacked(faults[head]["weights"])
        of_texts = [word for word in weights if word[0] == "@" and len(word) > 2]
        said.update({word: weights.pop(word) for word in of_texts})
        models.append(weights)
    models += [unpacked(doubt[AMISS]["weights"]), dict.fromkeys(doubt[FAMILIAR].split(" "), 1)]
    words: dict[str, int] = {}
    for n, more in enumerate(models):
        for word, weight in more.items():
            words[word] = words.get(word, 0) + (weight << n * _FIELD)
    return _Weights(
        words,
        file["bias"],
        tuple(faults[head]["bias"] for head in PACKED),
        doubt[AMISS]["bias"],
        said,
        tuple(context["weights"][name] for name in NAMES),
        context["bias"],
        tuple(models),
    )


def packed(weights: dict[str, int]) -> dict[str, str]:
    """Returns weights as a file holds them: weight → its n-grams, with a space between them."""
    found: dict[int, list[str]] = {}
    for word, weight in sorted(weights.items()):
        found.setdefault(weight, []).append(word)
    return {str(weight): " ".join(words) for weight, words in sorted(found.items())}


def unpacked(weights: dict[str, str]) -> dict[str, int]:
    """Returns n-gram → weight of what :func:`packed` made."""
    return {word: int(weight) for weight, words in weights.items() for word in words.split(" ")}


def talk_scores(cut: list[Piece], name: str = "") -> list[float]:
    """Returns for each piece the log-odds that it is talk and not blessing: above 0 talk is likelier.
    ``name`` is the receiver."""
    return talk_scores_of(cut, words_of(cut, name))


def talk_scores_of(cut: list[Piece], read: list[WordScores]) -> list[float]:
    """Returns what :func:`talk_scores` does, by what the words of the pieces say."""
    words = [scores.talk for scores in read]
    if not words or max(words) < CLEAR:
        return words
    weights = _weights()
    plains = [scores.plain for scores in read]
    return [
        max(sum(map(mul, weights.context, numbers)) + weights.context_bias, alone - BEYOND_DOUBT)
        for numbers, alone in zip(surroundings(cut, plains, words), words, strict=True)
    ]


def words_score(text: str, name: str) -> float:
    """Returns the log-odds that a piece is talk by its words alone."""
    return word_scores(text, name).talk


_known: dict[tuple[str, str], WordScores] = {}
"""What the words of pieces say, each with the name that it holds: samples have many sentences in common."""
_MOST_KNOWN = 50_000


def word_scores(text: str, name: str) -> WordScores:
    """Returns what the words of a piece say."""
    scores = _known.get((text, name))
    if scores is None:
        bare = plain(text, name)
        found = grams(bare)
        rest = sum(map(_weights().words.get, found, repeat(0)))
        sums = []
        for _head in range(len(PACKED) + 2):
            sums.append(((rest + _HALF) & _MASK) - _HALF)
            rest = (rest - sums[-1]) >> _FIELD
        scores = _remember(text, name, bare, len(found), (*sums, rest))
    return scores


def read_words(texts: Iterable[tuple[list[Piece], str]]) -> None:
    """Reads the words of many texts, each in pieces and with the name of its receiver, so that
    :func:`word_scores` knows what they say: all at once they take a third of the time."""
    bare: dict[tuple[str, str], str] = {}
    for cut, name in texts:
        for piece in cut:
            key = (piece.text, name if name in piece.text else "")
            if key not in _known and key not in bare:
                said = plain(*key)
                if _WORD.search(said) is None:
                    bare[key] = said
    signs = ["".join(said.split()) for said in bare.values()]
    for ((text, name), said), read, sums in zip(bare.items(), signs, _gram_sums()(signs), strict=True):
        _remember(text, name, said, 2 * len(read) + 1, sums)


@cache
def _gram_sums() -> GramSums:
    return GramSums(_weights().models)


def forget() -> None:
    """Forgets the weights and what was read with them: for a training, which writes other ones."""
    _weights.cache_clear()
    _gram_sums.cache_clear()
    _known.clear()


def _remember(text: str, name: str, bare: str, size: int, sums: Sequence[int]) -> WordScores:
    """Returns what the words of a piece say by the sums of the weights of its ``size`` n-grams."""
    weights, root = _weights(), math.sqrt(size)
    talk, mournful, loving, elsewhere, amiss, familiar = sums
    marked = MARK_VALUE * sum(map(weights.words.get, marks(text, bare), repeat(0)))
    mournful_bias, loving_bias, _elsewhere = weights.fault_bias
    scores = WordScores(
        (talk / root + marked + weights.bias) / SCALE,
        (mournful / root + mournful_bias) / SCALE,
        (loving / root + loving_bias) / SCALE,
        elsewhere,
        amiss,
        familiar,
        size,
        bare,
    )
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[text, name] = scores
    return scores


def words_of(cut: list[Piece], name: str) -> list[WordScores]:
    """Returns what the words of each piece of a text say."""
    # The receiver is left out where a piece does not name them, so that the same sentence to others is known.
    return [word_scores(piece.text, name if name in piece.text else "") for piece in cut]


def elsewhere_score(text: str, read: list[WordScores]) -> float:
    """Returns the log-odds that a whole text, read in pieces, is no blessing to anybody: knowledge, a story,
    an advertisement, an answer to a greeting."""
    weights = _weights()
    total = sum(scores.elsewhere for scores in read) / math.sqrt(sum(scores.size for scores in read) or 1)
    said = said_of(text, "".join(scores.plain for scores in read))
    total += MARK_VALUE * sum(map(weights.said.get, said, repeat(0)))
    return (total + weights.fault_bias[-1]) / SCALE


def amiss_score(read: list[WordScores]) -> float:
    """Returns the log-odds by the words of a text, read in pieces, that anything is wrong with it. They say
    little alone; :mod:`tianji_core.cleaning.doubt` weighs them with what else there is."""
    total = sum(scores.amiss for scores in read) / math.sqrt(sum(scores.size for scores in read) or 1)
    return (total + _weights().amiss_bias) / SCALE
