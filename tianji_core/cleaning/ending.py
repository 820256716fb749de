"""Rules about a text that is broken off or says something twice."""

import re

from tianji_core.cleaning.doubling import doubled, repeated
from tianji_core.cleaning.fault_model import unfinished_score
from tianji_core.cleaning.other_tasks import breaks_off
from tianji_core.cleaning.quick import signs_in
from tianji_core.cleaning.rule import Context, Example, Found, Rule, Subject
from tianji_core.i18n import N_, _

_PAIRS = dict(zip("“「『（【《[{", "”」』）】》]}", strict=True))
_CLOSING = {close: sign for sign, close in _PAIRS.items()}
_PAIR_MARKS = frozenset({*_PAIRS, *_CLOSING})
_FACE = re.compile(r"[:;=][-^]?[()\[\]]|[(（][^\u4e00-\u9fff，。]{1,12}[)）]")
_UNFINISHED = re.compile(
    r"(?:[，、：；,:;—\-]|(?<=[\u4e00-\u9fff])(?:[更最很太越又每某且虽若]|的|和|与|并|以及|因为|但是|而且|或者|就|都|把|被|让|给|对|从|向|比|还有|那些|这些))\Z"
)
_ENDING = 2
"""Characters of the longest match of :data:`_UNFINISHED`."""
_OPEN_END = re.compile(r"[\u4e00-\u9fff](?<![啦呀哦呢吧嘛哈哟咯喽啊哇呐上启贺拜笔])\Z")
_STOPPED = re.compile(r"[。；](?!.{0,12}\Z)", re.DOTALL)
"""A text whose sentences end with full stops is not finished where the last one does not; a name alone may
stand at the end of a letter."""
_SIGNED = re.compile(
    r"[。！？!?~～…”\u4e00-\u9fff][ \t]*\n\s*[^\n，。！？]{2,14}\Z"
    r"|[。！？!?~～…][^。！？!?~～…\n，]{1,9}[ \t\u3000][^。！？!?~～…\n，]{1,6}\Z|[。！？][^。！？，\n]{1,2}字\Z"
)
"""A signature, a date or the heading of a couplet: a short last line, or words with a space in them, behind
a whole sentence."""
_MARKS = "，。！？；、：,.!?~～… \u3000"
_CLAUSES = re.compile(f"[{_MARKS}\n]+")
_BROKEN, _BROKEN_LOOSELY = 1.5, 4.0
"""The score from which an end without a mark is no end; the second where people leave marks out."""
_BROKEN_NAME = 2.5
_NAME = re.compile(r"[。！？!?~～…][^，、。！？\s]{2,4}\Z")
"""A few characters behind a whole sentence: often the name of the sender."""
_LOOSE = frozenset({"小红书", "放飞自我", "白话"})
_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


def _cut_off(text: str, subject: Subject, context: Context) -> Found | None:
    bare = text.strip()
    if _short_verse(bare):
        return Found(_("结尾像是没写完：{words}", words=bare[-12:]))
    match = _UNFINISHED.search(bare, max(0, len(bare) - _ENDING))
    if match is not None:
        return Found(_("结尾像是没写完：{words}", words=bare[-12:]))
    if (
        _OPEN_END.search(bare, max(0, len(bare) - 1))
        and _SIGNED.search(bare) is None
        and not _verse(bare)
        and (_STOPPED.search(bare) or _breaks_off(bare, subject.style) or _lacks_mark(bare, subject, context))
    ):
        return Found(_("结尾像是没写完：{words}", words=bare[-12:]))
    if _PAIR_MARKS.isdisjoint(signs_in(text)):
        return None
    unpaired = _unpaired(_FACE.sub("", bare))
    return Found(_("有不成对的“{mark}”", mark=unpaired)) if unpaired else None


def _lacks_mark(text: str, subject: Subject, context: Context) -> bool:
    return not context.recipe.blessings and breaks_off(text, subject.style, context)


def _short_verse(text: str) -> bool:
    """Returns whether the last line of a verse lacks something: all other lines are equally long."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] if "\n" in text else []
    sizes = [len(line.strip(_MARKS)) for line in lines]
    verse = len(lines) > 2 and len(set(sizes[:-1])) == 1 and 4 < sizes[0] < 9
    return verse and sizes[-1] < sizes[0] and _OPEN_END.search(text) is not None


def _verse(text: str) -> bool:
    """Returns whether all clauses are equally long: a verse may end without a mark."""
    sizes = [len(clause) for clause in _CLAUSES.split(text.strip(_MARKS)) if clause]
    return len(sizes) > 3 and len(set(sizes)) == 1 and sizes[0] > 3


def _breaks_off(text: str, style: str) -> bool:
    """Returns whether a text that ends with a word ends inside a clause."""
    if style in _LOOSE:
        least = _BROKEN_LOOSELY
    else:
        least = _BROKEN_NAME if _NAME.search(text) else _BROKEN
    return unfinished_score(text) >= least


def _unpaired(text: str) -> str:
    open_marks: list[str] = []
    for sign in text:
        if sign in _PAIRS:
            open_marks.append(sign)
        elif sign in _CLOSING and (not open_marks or open_marks.pop() != _CLOSING[sign]):
            return sign
    return open_marks[-1] if open_marks else ""


def _said_twice(text: str, subject: Subject, context: Context) -> Found | None:
    place = doubled(text)
    if place is not None:
        end, last = place
        shown = text[end:last].strip()[:20]
        return Found(_("同一句话说了两遍：{words}", words=shown), text[:end] + text[last:])
    again = repeated(text, subject.style in context.several_lines)
    return None if again is None else Found(_("同一句话说了两遍：{words}", words=again[:20]))


ENDING_RULES = (
    Rule(
        "cut_off",
        N_("没有写完"),
        N_("句子断在半路，或者引号、括号少了一半；多半是到了长度上限。要人来补，或者弃用。"),
        _cut_off,
        bad=(
            Example("妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有"[:-3] + "，"),
            Example("妹妹，生日快乐！愿你新的一岁平安喜乐，还有最美好的"),
            Example("妹妹，中秋到了，月饼寄给你了，收到就"),
            Example("妹妹，生日快乐！愿你往后的日子过得更"),
            Example("妹妹，生日到了，我想起了小时候。今年我一定回来看你，你不要再自己爬"),
            Example("妹妹，生日快乐！送你一句“愿你平安喜乐，愿你天天开心。"),
            Example("妹妹，生日快乐！愿你新的一岁平安喜乐】，天天开心。"),
        ),
        good=(
            Example(_CLEAN),
            Example("妹妹，生日快乐！送你“平安喜乐”，愿你天天开心:)"),
            Example("妹妹，生日快乐！愿你天天开心。姐姐小雨"),
        ),
    ),
    Rule(
        "said_twice",
        N_("一句说两遍"),
        N_("同一句话原样出现两次，模型会学着重复。"),
        _said_twice,
        bad=(
            Example("妹妹，愿你新的一岁平安喜乐。天天开心！妹妹，愿你新的一岁平安喜乐。"),
            Example(f"{_CLEAN}{_CLEAN}", _CLEAN),
            Example("妹妹，愿你新的一岁吃得好睡得香。工作顺利，天天开心。愿你新的一岁，吃得好，睡得香！"),
            Example("祝妹妹生日快乐，前程似锦。在这特别的日子里，祝妹妹生日快乐，前程似锦，平安。"),
            Example(f"{_CLEAN}愿你有钱花，天天有钱花，天天有钱花，天天有钱花，天天有钱花，天天有钱"),
            Example(
                "妹妹，生日快乐！愿你天天都有好心情。愿你天天都有好心情。",
                "妹妹，生日快乐！愿你天天都有好心情。",
            ),
        ),
        good=(Example(_CLEAN), Example("生日快乐！生日快乐！妹妹，愿你新的一岁平安喜乐。")),
        safe=True,
    ),
)
