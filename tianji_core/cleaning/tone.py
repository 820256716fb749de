"""How much a text sounds like an assistant: a score from counted signs of its manner, such as wishes in a
row and abstract nouns, against signs of a person who knows the receiver.

``scripts/talk_model/train_tone.py`` makes the file of the weights and measures the score on texts that were
kept from the training. Pure."""

import functools
import itertools
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from tianji_core.cleaning.quick import QuickPattern, pairs_in, signs_in
from tianji_core.cleaning.rule import Context, Example, Found, Rule, Subject
from tianji_core.i18n import N_, _
from tianji_core.project import CONFIGS

FILE = CONFIGS / "cleaning" / "tone_model.json"
MOST = 3.0
"""The value at which every sign is cut, so that no single one decides."""
PER = 40
"""Characters to which counts refer; shorter texts count as if they had this many."""
LEAST = 20
"""Characters below which a text has no manner and is no finding."""
TONE_SAMPLE = 300
"""Texts drawn for the mean of a style."""
_SHOWN = 4
_LONG_WORD = 24
_CLAUSE = re.compile(r"[^，、；：,;:。！？!?~～…—\s\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]+")
_SENTENCE = re.compile(r"[^。！？!?~～…\n]+")
_FOUR = re.compile(r"[\u4e00-\u9fff]{4}")
_WISH = re.compile(r"[愿祝](?:[您你我]们?)?")

Find = Callable[[str, list[str]], list[str]]
"""Returns the words of a text, which comes with its clauses, that stand for a sign."""


Most = Callable[[str, list[str]], int]
"""Returns a number that the words of a sign do not exceed, and costs less than to find them."""


class ToneSign(NamedTuple):
    """One counted sign: how the pages call it, what finds its words, and how many there are at most;
    ``words`` is the pattern of those that have one."""

    title: str
    find: Find
    most: Most = lambda text, _clauses: len(text)
    words: QuickPattern | None = None


class ToneScore(NamedTuple):
    """``score`` from 0 (a person) to 1 (an assistant); ``words`` are those that speak most for the
    assistant, ``titles`` the signs that they belong to."""

    score: float
    words: tuple[str, ...]
    titles: tuple[str, ...]


def _sign(title: str, pattern: str) -> ToneSign:
    """Returns a sign whose words are the matches of a pattern."""
    words = QuickPattern(pattern)

    def find(text: str, _clauses: list[str]) -> list[str]:
        return [match.group() for match in words.finditer(text)]

    return ToneSign(title, find, lambda text, _clauses: words.most_matches(text), words)


def _wishes(_text: str, clauses: list[str]) -> list[str]:
    """Clauses that wish, from the second one on."""
    return [clause for clause in clauses if _WISH.match(clause)][1:]


def _most_wishes(text: str, _clauses: list[str]) -> int:
    return max(0, text.count("愿") + text.count("祝") - 1)


def _same_start(_text: str, clauses: list[str]) -> list[str]:
    """Clauses that begin like the one before them or the one before that."""
    return [
        clause
        for n, clause in enumerate(clauses)
        if len(clause) > 3 and any(clause[:2] == other[:2] for other in clauses[max(0, n - 2) : n])
    ]


def _most_same_start(_text: str, clauses: list[str]) -> int:
    return len(clauses) - len({clause[:2] for clause in clauses})


def _same_length(text: str, _clauses: list[str]) -> list[str]:
    """Rows of three clauses or more in one sentence that are equally long, and longer than four
    characters."""
    found = []
    for sentence in _SENTENCE.findall(text):
        row: list[str] = []
        for clause in [*_CLAUSE.findall(sentence), ""]:
            if row and len(clause) != len(row[-1]):
                if len(row) > 2 and len(row[0]) > 4:
                    found.append("，".join(row))
                row = []
            row.append(clause)
    return found


def _most_same_length(_text: str, clauses: list[str]) -> int:
    sizes = list(map(len, clauses))
    rows = any(a == b == c > 4 for a, b, c in zip(sizes, sizes[1:], sizes[2:], strict=False))
    return len(clauses) // 3 if rows else 0


def _pairs_of_four(_text: str, clauses: list[str]) -> list[str]:
    """Two clauses of four characters one after the other."""
    return [
        f"{first}，{second}"
        for first, second in itertools.pairwise(clauses)
        if _FOUR.fullmatch(first) and _FOUR.fullmatch(second)
    ]


def _echoes(_text: str, clauses: list[str]) -> list[str]:
    """Neighbouring clauses that share a frame: two characters in the same places, other words between."""
    found = []
    for first, second in itertools.pairwise(clauses):
        same = sum(a == b for a, b in zip(first, second, strict=False))
        if len(first) > 4 and abs(len(first) - len(second)) < 3 and same >= 2:
            found.append(f"{first}，{second}")
    return found


def _most_echoes(_text: str, clauses: list[str]) -> int:
    sizes = list(map(len, clauses))
    return sum(a > 4 and abs(a - b) < 3 for a, b in itertools.pairwise(sizes))


SIGNS: dict[str, ToneSign] = {
    "wishes": ToneSign(N_("一连串的“愿…愿…”"), _wishes, _most_wishes),
    "same_start": ToneSign(N_("几个分句同样开头"), _same_start, _most_same_start),
    "same_length": ToneSign(N_("几个分句一样长"), _same_length, _most_same_length),
    "pairs_of_four": ToneSign(N_("成对的四字词"), _pairs_of_four),
    "echoes": ToneSign(N_("相邻分句同一个句式"), _echoes, _most_echoes),
    "stock_time": _sign(
        N_("“在这特别的日子里”一类的开场"),
        r"在[这此][^，。！]{0,14}(?:日子|时刻|季节|时节|佳节|节日)(?:里|来临之际)?",
    ),
    "order": _sign(N_("首先、其次、最后"), r"首先|其次|最后(?=祝|愿|感谢)|此外|总之|总而言之|与此同时"),
    "frames": _sign(
        N_("不仅…更…一类的句式"),
        r"不仅|不止|既[有能是要]|又能|也能|更[有是能多]|不是[^，。]{1,8}[，]?而是|无论[^，。]{1,16}都"
        r"|离不开|意味着|也[有是属]于",
    ),
    "thanks": _sign(
        N_("笼统的感谢"),
        r"(?:感谢|感恩|谢谢)(?:[您你]|有[您你]|一路|相遇|陪伴)|一直以来|一路以来|长期以来|默默|无私|付出|辛勤|悉心",
    ),
    "address": _sign(N_("“亲爱的”“尊敬的”"), r"(?:亲爱|敬爱|尊敬)的"),
    "nouns": _sign(
        N_("抽象名词"),
        r"幸福|快乐|美好|温暖|温馨|健康|平安|光芒|力量|希望|梦想|关爱|支持|努力|勇气|智慧|旅程|旅途|篇章|时光|岁月|未来|人生|生命"
        r"|成长|事业|收获|精彩|辉煌|祝福|喜悦|感动|心灵|征途|征程|道路|挑战|机遇|价值|情谊|友谊|爱情|陪伴|欢笑|惊喜|初心",
    ),
    "verbs": _sign(
        N_("充满、绽放、书写一类的动词"),
        r"充满|洋溢|绽放|照亮|谱写|书写|开启|拥有|享受|感受|追逐|追求|实现|创造|迎接|拥抱|携手|共同|继续|不断|永远|始终|伴随"
        r"|相伴|常伴|环绕|包围|见证|承载|守护|成就|保持|带来|带给|滋润|滋养|引领|闪耀",
    ),
    "every": _sign(
        N_("每一天、每一份、所有的"),
        r"每[一]?[天份个次刻步段]|所有的|一切|满满的|无尽的|无限|属于[您你我]?(?:自己)?的",
    ),
    "adjectives": _sign(
        N_("“最真挚的”一类的形容"),
        r"最?(?:真挚|诚挚|衷心|由衷|崇高|深深|美丽|灿烂|璀璨|坚强|坚实|珍贵|优异|优秀|优雅|卓越|深厚|动人|耀眼|崭新|丰富多彩|绚丽)",
    ),
    "similes": _sign(
        N_("如同、像…一样的比喻"), r"如同|宛如|犹如|仿佛|像[^，。]{1,10}(?:一样|般|一般)|如[^，。]{1,8}般"
    ),
    "of": _sign(N_("“的”字很密"), r"的[\u4e00-\u9fff]{2}"),
    "two_nouns": _sign(
        N_("“智慧与勇气”一类的并列"), r"[\u4e00-\u9fff]{2}[与和][\u4e00-\u9fff]{2}(?=[，。！、的；])"
    ),
    "speech": _sign(N_("说话的语气"), r"[吧呢嘛吗啊哈咱俩]|了(?=[，。！？])|别|还是|就是|才|又|倒|可别|得"),
    "formal": _sign(
        N_("公文与书信的话"),
        r"谨[祝以致此呈贺]?|值此|谨?[借逢值][^，。！]{0,8}之际|衷心祝愿|[恭敬顺][祝贺颂候]|特此|致[以敬贺]|伏[愿惟]|[贵府尊]府|诸事|敬上|承蒙|荣[升膺]",
    ),
    "particles": _sign(N_("俏皮的语气词与表情"), r"[呀啦哦哟耶咯～~\U0001f000-\U0001faff]"),
    "self": _sign(N_("说到自己"), r"我(?!们)|咱"),
    "time": _sign(
        N_("具体的时间"),
        r"昨|今[天晚早]|明[天早]|上[次回周个]|下[次回周个]|那[天年次回个]|去年|小时候|晚上|半夜|周[一二三四五六日末]|刚",
    ),
    "numbers": _sign(
        N_("具体的数目"), r"[0-9]+|[两三四五六七八九十百](?=[个只条张件杯碗块斤年天次回岁点分遍袋盒趟口层])"
    ),
    "deeds": _sign(
        N_("具体的动作"),
        r"[吃喝睡走跑坐站拎寄买卖修煮炒炖包洗擦搬打敲骂笑哭聊等看听写读学拿放回来去到开关拍戴穿盖]"
        r"(?=[了着过您你我上下来去个一点完在给到])",
    ),
    "marks": _sign(N_("引号与问号"), r"[“”？?——：]"),
}
"""The signs by name, in the order of the explanation."""


def signs_of(text: str) -> Iterator[tuple[str, float, list[str]]]:
    """Yields each sign with its value, the count for every :data:`PER` characters as a
    logarithm, and the words that were counted."""
    clauses = _CLAUSE.findall(text)
    size = max(len(text), PER) / PER
    for name, sign in SIGNS.items():
        words = sign.find(text, clauses)
        yield name, min(MOST, math.log2(1 + len(words) / size)), words


class _Model(NamedTuple):
    bias: float
    threshold: float
    weights: dict[str, float]


@cache
def _model() -> _Model:
    return _Model(**json.loads(FILE.read_text(encoding="utf-8")))


def threshold() -> float:
    """Returns the score from which a text is a finding."""
    return _model().threshold


def tone(text: str) -> ToneScore:
    """Returns how much a text sounds like an assistant, and which words say so."""
    model = _model()
    odds = model.bias
    parts: list[tuple[float, str, list[str]]] = []
    for name, value, words in signs_of(text):
        odds += model.weights[name] * value
        if words and model.weights[name] > 0:
            parts.append((model.weights[name] * value, name, words))
    parts.sort(key=lambda part: -part[0])
    shown: dict[str, None] = {}
    for _weight, _name, words in parts[:_SHOWN]:
        shown.setdefault(_short(words[0]))
    titles = tuple(SIGNS[name].title for _weight, name, _words in parts[:_SHOWN])
    return ToneScore(round(1 / (1 + math.exp(-odds)), 4), tuple(shown), titles)


@cache
def _of_assistants() -> tuple[str, ...]:
    """Returns the signs that speak for an assistant, the strongest first."""
    weights = _model().weights
    return tuple(sorted((name for name in SIGNS if weights[name] > 0), key=lambda name: -weights[name]))


class _Signs(NamedTuple):
    """The signs that speak for an assistant: those whose words a pattern finds by the characters and pairs
    that it needs, all these together, and the others."""

    by_need: dict[str, tuple[str, ...]]
    pairs: frozenset[str]
    signs: frozenset[str]
    others: tuple[str, ...]


@cache
def _signs_of_assistants() -> _Signs:
    by_need: dict[str, tuple[str, ...]] = {}
    others = []
    for name in _of_assistants():
        words = SIGNS[name].words
        needs = words.pairs | words.signs if words is not None else frozenset()
        for need in needs:
            by_need[need] = (*by_need.get(need, ()), name)
        if not needs:
            others.append(name)
    pairs = frozenset(need for need in by_need if len(need) == 2)
    return _Signs(by_need, pairs, frozenset(by_need) - pairs, tuple(others))


def _most(text: str, clauses: list[str]) -> dict[str, int]:
    """Returns sign → a number that its words do not exceed, for those that speak for an assistant and may
    have words."""
    known = _signs_of_assistants()
    most = {name: SIGNS[name].most(text, clauses) for name in known.others}
    for need in (*(known.pairs & pairs_in(text)), *(known.signs & signs_in(text))):
        number = text.count(need)
        for name in known.by_need[need]:
            most[name] = most.get(name, 0) + number
    return most


def may_be_assistant(text: str) -> bool:
    """Returns whether the signs that speak for an assistant could make a text a finding, if none spoke
    against it: a look that is cheap and never wrong where it says no."""
    model, clauses = _model(), _CLAUSE.findall(text)
    least = -math.log(1 / (model.threshold - 2e-4) - 1) - model.bias
    size = max(len(text), PER) / PER
    most = _most(text, clauses)
    seen = [name for name in _of_assistants() if most.get(name)]
    added = [model.weights[name] * min(MOST, math.log2(1 + most[name] / size)) for name in seen]
    if sum(added) < least:
        return False
    odds, rest = 0.0, sum(added)
    for name, more in zip(seen, added, strict=True):
        number = len(SIGNS[name].find(text, clauses))
        odds += model.weights[name] * min(MOST, math.log2(1 + number / size))
        rest -= more
        if odds + rest < least:  # whatever the others say
            return False
    return True


def mean_tone(texts: Sequence[str], seed: int = 0) -> float | None:
    """Returns the mean score of texts, of at most :data:`TONE_SAMPLE` drawn by ``seed``; None without
    texts."""
    drawn = texts if len(texts) <= TONE_SAMPLE else Random(seed).sample(texts, TONE_SAMPLE)
    return round(sum(tone(text).score for text in drawn) / len(drawn), 4) if drawn else None


def _short(words: str) -> str:
    return words if len(words) <= _LONG_WORD else words[:_LONG_WORD] + "…"


def _and(one: str, other: str) -> str:
    """Two titles as one message, so that it is read in the language of its reader, whoever checked."""
    return _("{one}、{other}", one=one, other=other)


def _assistant_tone(text: str, _subject: Subject, _context: Context) -> Found | None:
    if len(text) < LEAST or not may_be_assistant(text):
        return None
    heard = tone(text)
    if heard.score < threshold():
        return None
    return Found(
        _(
            "助手腔 {score}：{signs}（{words}）",
            score=f"{heard.score:.2f}",
            signs=functools.reduce(_and, map(_, heard.titles)),
            words=_("；").join(heard.words),
        )
    )


TONE_RULES = (
    Rule(
        "assistant_tone",
        N_("助手腔"),
        N_(
            "一连串的“愿…愿…”、抽象名词和套话，换谁都能收；像助手写的，不像认得对方的人写的。要人来改，或重新造。"
        ),
        _assistant_tone,
        wishes=True,
        bad=(
            Example(
                "亲爱的妹妹，在这个特别的日子里，愿你的每一天都充满阳光与温暖，愿你的人生绽放属于自己的光芒。生日快乐！"
            ),
            Example(
                "妹妹，你不仅是我们的骄傲，更是我们的力量。愿幸福与你相伴，愿梦想照亮你的未来，生日快乐！"
            ),
        ),
        good=(
            Example("妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),
            Example("妹，蛋糕我放冰箱第二格了，别让妈看见价签。二十四了，工资花不完就存着，花完了找我。"),
            Example("欣逢芳辰，愿妹从容自在，福泽绵长，岁岁如今日。", style="文言文"),
            Example("值此生日之际，谨祝妹妹学业精进，诸事顺遂，愿你平安康健，前程远大。", style="严肃"),
        ),
    ),
)
