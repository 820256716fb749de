"""How sure the studio is of a text in which no rule found anything: one number from many weak signs, none of
which says that something is wrong. What is in doubt is left to a person.

The signs are numbers: how near the judges of sentences came to a finding, how much the words are like those
of texts that turned out faulty, whether the text mentions what its receiver and occasion do not explain, and
its form. A logistic regression weighs them; ``scripts/talk_model/train_doubt.py`` makes the file. Pure."""

import json
import math
import re
from functools import cache
from operator import mul
from typing import NamedTuple

from tianji_core.cleaning.fault_model import unfinished_score
from tianji_core.cleaning.other_tasks import DOUBTFUL, doubt_of_lists
from tianji_core.cleaning.relations import called, kin_words, same_relation
from tianji_core.cleaning.rule import Context, HasText, occasions, only_han
from tianji_core.cleaning.rules import addressed
from tianji_core.cleaning.sentences import Piece
from tianji_core.cleaning.talk import reading
from tianji_core.cleaning.talk_model import DOUBT as FILE
from tianji_core.cleaning.talk_model import SCALE, amiss_score, elsewhere_score, words_of
from tianji_core.i18n import N_, _
from tianji_core.store.schema import DOUBTFUL_FROM

_LEAST, _MOST = -6.0, 4.0
"""A score of a judge counts no less and no more than this."""
_SHORT = 2
"""Characters of a piece that says nothing."""
_FEW = 12
"""N-grams of a piece that says too little to be in doubt about."""
_STOPS = tuple("。！？!?~～…”」』）)")
_HAN = ("\u3400", "\u9fff")
_WISH = re.compile("[愿祝贺恭盼]|快乐|安康|加油|平安|保重|早日")
_NUMBER = re.compile(r"\d+|[一二三四五六七八九十百两]{1,4}(?=[岁年月日号点块周])")
_LETTERS = re.compile("[A-Za-z]+")
_BRACKET = re.compile(r"[（(【\[「]")
_THIRD = re.compile("[他她它](?![乡山日们])")
_DOUBLE = re.compile(r"([\u4e00-\u9fff])\1")
_ODD_SIGN = re.compile(
    r"[^\u3400-\u9fffA-Za-z0-9，。！？、；：…—~～“”‘’《》\s\U0001f000-\U0001faff\u2600-\u27bf\ufe0f()（）·]"
)
_NEAR_LEAST, _NEAR_MOST = 1.1, 0.95
"""Shares of the limits of a style from which a length is near to them."""


class Doubt(NamedTuple):
    """How doubtful a text is, from 0 to 1: from 0.5 on a person should see it. ``why`` is the sign
    that says so most, in words, ``sentence`` the one that it is about, '' for the whole text."""

    value: float
    why: str = ""
    sentence: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether the studio may accept the text by itself."""
        return self.value < DOUBTFUL_FROM


_TALK, _ILL, _LOVE, _ELSEWHERE = ("talk", "ill", "love", "elsewhere")
_WORDS, _FACTS, _ADDRESS, _FORM, _END, _LENGTH = ("words", "facts", "address", "form", "end", "length")
REASONS = {
    _TALK: N_("有点像在跟要文案的人说话"),
    _ILL: N_("听着有点不吉利或者伤人"),
    _LOVE: N_("有点像只对恋人说的话"),
    _ELSEWHERE: N_("不太像一段祝福"),
    _WORDS: N_("用词和放心的祝福不太一样"),
    _FACTS: N_("提到的人和事，从对象和场合里看不出来"),
    _ADDRESS: N_("看不出是对谁说的，或者称呼不一样"),
    _FORM: N_("有少见的符号、引号或外文"),
    _END: N_("结尾像没有说完"),
    _LENGTH: N_("长度贴着这个风格的上下限"),
}
"""What a group of signs says, as a reason."""
SIGNS: dict[str, str] = {
    "talk_highest": _TALK,
    "talk_mean": _TALK,
    "talk_first": _TALK,
    "talk_last": _TALK,
    "talk_words": _TALK,
    "mournful": _ILL,
    "loving": _LOVE,
    "elsewhere": _ELSEWHERE,
    "no_wish": _ELSEWHERE,
    "amiss": _WORDS,
    "amiss_part": _WORDS,
    "familiar": _WORDS,
    "familiar_part": _WORDS,
    "double": _WORDS,
    "pieces": _WORDS,
    "length": _WORDS,
    "no_scene": _FACTS,
    "other_scene": _FACTS,
    "kin": _FACTS,
    "numbers": _FACTS,
    "third": _FACTS,
    "self": _FACTS,
    "no_name": _ADDRESS,
    "called": _ADDRESS,
    "called_other": _ADDRESS,
    "no_you": _ADDRESS,
    "nobody": _ADDRESS,
    "letters": _FORM,
    "brackets": _FORM,
    "unpaired": _FORM,
    "quoted": _FORM,
    "odd_sign": _FORM,
    "begins": _FORM,
    "several_lines": _FORM,
    "question": _FORM,
    "no_stop": _END,
    "unfinished": _END,
    "near_limits": _LENGTH,
}
"""The signs in the order of :func:`signs`, each with the group to which it belongs."""

_OF_WISHES = ("no_wish", "elsewhere", "familiar", "familiar_part")
"""Signs that say something of texts alone that wish something."""
_PLACES = {name: n for n, name in enumerate(SIGNS)}


class _Model(NamedTuple):
    """``weights`` and ``usual`` (the mean of sure texts) of :data:`SIGNS`, in their order."""

    bias: float
    weights: tuple[float, ...]
    usual: tuple[float, ...]


@cache
def _model() -> _Model:
    file = json.loads(FILE.read_text(encoding="utf-8"))
    weights, usual = file["weights"], file["usual"]
    return _Model(file["bias"], tuple(weights[n] for n in SIGNS), tuple(usual[n] for n in SIGNS))


def doubt(sample: HasText, context: Context) -> Doubt:
    """Returns how doubtful a text is in which nothing was found."""
    sample = addressed(sample, context)
    if not context.recipe.blessings:  # the judges know blessings alone
        why = doubt_of_lists(sample, context)
        return Doubt(0.0) if why is None else Doubt(DOUBTFUL, why)
    values, cut = signs(sample, context)
    model = _model()
    if "祝" not in context.recipe.words.text:  # thanks and the like need wish nothing
        for name in _OF_WISHES:
            values[_PLACES[name]] = model.usual[_PLACES[name]]
    odds = sum(map(mul, model.weights, values)) + model.bias
    if odds < 0:
        return Doubt(round(1 / (1 + math.exp(-odds)), 4))
    return _explained(round(1 / (1 + math.exp(-odds)), 4), values, cut, sample.name, model)


def _explained(value: float, values: list[float], cut: list[Piece], name: str, model: _Model) -> Doubt:
    """Returns a doubt with the group of signs that adds most to it, and the sentence that this is about."""
    groups: dict[str, float] = {}
    for group, weight, usual, seen in zip(SIGNS.values(), model.weights, model.usual, values, strict=True):
        groups[group] = groups.get(group, 0.0) + weight * (seen - usual)
    most = max(groups, key=groups.__getitem__)
    read = words_of(cut, name)
    measure = {
        _TALK: [scores.talk for scores in read],
        _ILL: [scores.mournful for scores in read],
        _LOVE: [scores.loving for scores in read],
        _WORDS: [scores.amiss * (scores.size > _FEW) / math.sqrt(scores.size or 1) for scores in read],
        _END: [float(n) for n in range(len(read))],
    }.get(most)
    sentence = cut[measure.index(max(measure))].text.strip() if measure and len(cut) > 1 else ""
    return Doubt(value, _(REASONS[most]), sentence)


def signs(sample: HasText, context: Context) -> tuple[list[float], list[Piece]]:
    """Returns the numbers of :data:`SIGNS` of a text, and its pieces."""
    text, name = sample.output, sample.name
    read = reading(text, name)
    cut = read.pieces or [Piece(0, len(text), text, False)]
    words = read.words or words_of(cut, name)
    size = sum(each.size for each in words) or 1
    said = [n for n, piece in enumerate(cut) if len(piece.text) > _SHORT] or [0]
    scores = read.scores or [0.0]
    parts = [words[n].amiss / math.sqrt(words[n].size) / SCALE for n in said if words[n].size]
    known = [words[n].familiar / words[n].size for n in said if words[n].size]
    values = [
        _cut(max(scores[n] for n in said)),
        _cut(sum(scores) / len(scores)),
        _cut(scores[0]),
        _cut(scores[-1]),
        _cut(max(words[n].talk for n in said)),
        _cut(max(each.mournful for each in words)),
        _cut(max(each.loving for each in words)),
        _cut(elsewhere_score(text, words)),
        float(_WISH.search(text) is None),
        _cut(amiss_score(words)),
        _cut(max(parts, default=0.0)),
        sum(each.familiar for each in words) / size,
        min(known, default=1.0),
        float(_DOUBLE.search(text) is not None),
        math.log(len(cut)),
        math.log(len(text) + 1),
        *_facts(sample, context),
        *_address(text, name),
        *_form(text),
        *_end(text),
        _near_limits(sample, context),
    ]
    return values, cut


def _cut(score: float) -> float:
    return max(_LEAST, min(_MOST, score))


def _facts(sample: HasText, context: Context) -> tuple[float, ...]:
    """What a text mentions that its receiver and its occasion do not explain."""
    text, name = sample.output, sample.name
    own = occasions().get(sample.scene)
    foreign = context.foreign_signs.get(sample.scene)
    return (
        float(own is not None and not any(w in text for w in (*own.own, *own.signs, *own.near))),
        float(foreign is not None and foreign.search(text) is not None),
        float(min(3, len(kin_words(text) - same_relation(name)))),
        float(min(4, len(_NUMBER.findall(text)))),
        float(_THIRD.search(text) is not None),
        float("我" in text),
    )


def _address(text: str, name: str) -> tuple[float, ...]:
    """Whether a text says to whom it speaks."""
    word = called(text)
    no_name = bool(name) and name not in text
    no_you = "你" not in text and "您" not in text
    return (
        float(no_name),
        float(word is not None),
        float(word is not None and word not in name and name not in word),
        float(no_you),
        float(no_name and no_you),
    )


def _form(text: str) -> tuple[float, ...]:
    if only_han(text):  # no letters, brackets, lines: what most texts are
        question = float("？" in text)
        return (0.0, 0.0, _unpaired(text), float("“" in text), 0.0, float(not _begins(text)), 0.0, question)
    letters = _LETTERS.findall(text)
    return (
        float(min(2, len(letters))),
        float(_BRACKET.search(text) is not None),
        _unpaired(text),
        float("“" in text),
        float(_ODD_SIGN.search(text) is not None),
        float(not _begins(text)),
        float("\n" in text),
        float("？" in text),
    )


def _unpaired(text: str) -> float:
    return float(text.count("“") != text.count("”") or text.count("《") != text.count("》"))


def _begins(text: str) -> bool:
    return _HAN[0] <= text[:1] <= _HAN[1]


def _end(text: str) -> tuple[float, float]:
    """Whether a text ends with a word, and the log-odds that it breaks off there."""
    bare = text.rstrip()
    if bare.endswith(_STOPS) or not _HAN[0] <= bare[-1:] <= _HAN[1]:
        return 0.0, _LEAST
    return 1.0, _cut(unfinished_score(bare))


def _near_limits(sample: HasText, context: Context) -> float:
    limits = context.limits_of(sample)
    if limits is None:
        return 0.0
    size = len(sample.output)
    return float(size < limits[0] * _NEAR_LEAST or size > limits[1] * _NEAR_MOST)
