"""Rules about a text that is broken off or says something twice."""

import re
from bisect import bisect_right

from tianji_core.cleaning.rule import Context, Example, Found, Rule, Subject
from tianji_core.i18n import N_, _

_PAIRS = dict(zip("“「『（【《[{", "”」』）】》]}", strict=True))
_CLOSING = {close: sign for sign, close in _PAIRS.items()}
_FACE = re.compile(r"[:;=][-^]?[()\[\]]|[(（][^\u4e00-\u9fff，。]{1,12}[)）]")
_UNFINISHED = re.compile(
    r"(?:[，、：；,:;—\-]|(?<=[\u4e00-\u9fff])(?:[更最很太越又每某且虽若]|的|和|与|并|以及|因为|但是|而且|或者|就|都|把|被|让|给|对|从|向|比|还有|那些|这些))\Z"
)
_OPEN_END = re.compile(r"[\u4e00-\u9fff](?<![啦呀哦呢吧嘛哈哟咯喽啊哇呐上启贺拜笔])\Z")
_STOPPED = re.compile(r"[。；](?!.{0,12}\Z)", re.DOTALL)
"""A text whose sentences end with full stops is not finished where the last one does not; a name alone may
stand at the end of a letter."""
_SENTENCE = re.compile(r"[^。！？!?~～…\n]+")
_END = re.compile(r"[。！？!?~～…]+|\n")
_BLOCK = 7
"""Characters from which a sentence or several, said once more right behind, are no refrain."""
_TRIES = 64
"""Later places of a sentence that are looked at: a bound for texts that say one sentence on every line."""
_LOOP = re.compile(r"([^，。！？!?~～…\n]{3,40}?[，、；,;。])(?:\s*\1){3,}")
"""A clause said four times in a row: the teacher could not stop."""
_SHORTEST = 8
"""Characters from which a repeated sentence is no refrain."""
_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


def _cut_off(text: str, _subject: Subject, _context: Context) -> Found | None:
    bare = text.strip()
    match = _UNFINISHED.search(bare)
    if match is not None:
        return Found(_("结尾像是没写完：{words}", words=bare[-12:]))
    if _OPEN_END.search(bare) and _STOPPED.search(bare):
        return Found(_("结尾像是没写完：{words}", words=bare[-12:]))
    unpaired = _unpaired(_FACE.sub("", bare))
    return Found(_("有不成对的“{mark}”", mark=unpaired)) if unpaired else None


def _unpaired(text: str) -> str:
    open_marks: list[str] = []
    for sign in text:
        if sign in _PAIRS:
            open_marks.append(sign)
        elif sign in _CLOSING and (not open_marks or open_marks.pop() != _CLOSING[sign]):
            return sign
    return open_marks[-1] if open_marks else ""


def _sentences(text: str) -> list[tuple[int, int]]:
    """Returns where each sentence begins, spaces before it included, and where the marks at its end do."""
    found, start = [], 0
    for end in _END.finditer(text):
        if end.group() != "\n":
            found.append((start, end.end()))
        start = end.end()
    return found


def _doubled(text: str) -> tuple[int, int] | None:
    """Returns where the second time begins and ends of sentences that are said once more right behind."""
    found = _sentences(text)
    words = [text[start:end].strip().rstrip("。！？!?~～…") for start, end in found]
    places: dict[str, list[int]] = {}
    for number, said in enumerate(words):
        places.setdefault(said, []).append(number)
    if len(places) == len(found):
        return None
    for number, (start, _end) in enumerate(found):
        later = places[words[number]]
        after = bisect_right(later, number)
        for again in later[after : after + _TRIES]:
            if again > number + 1 and words[number + 1] != "".join(words[again + 1 : again + 2]):
                continue
            end, second = found[again - 1][1], found[again][0]
            once = text[start:end]
            if len(once) < _BLOCK or "\n" in once or text[end:second].strip():
                continue
            once = once.lstrip()
            second = text.index(words[again], second)  # past the spaces before it
            if text.startswith(once, second):
                return end, second + len(once)
    return None


def _said_twice(text: str, _subject: Subject, _context: Context) -> Found | None:
    doubled = _doubled(text)
    if doubled is not None:
        end, last = doubled
        shown = text[end:last].strip()[:20]
        return Found(_("同一句话说了两遍：{words}", words=shown), text[:end] + text[last:])
    if (loop := _LOOP.search(text)) is not None:
        return Found(_("同一句话说了两遍：{words}", words=loop.group(1)[:20]))
    seen: set[str] = set()
    for match in _SENTENCE.finditer(text):
        sentence = match.group().strip("，、 \t")
        if len(sentence) >= _SHORTEST and sentence in seen:
            return Found(_("同一句话说了两遍：{words}", words=sentence[:20]))
        seen.add(sentence)
    return None


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
