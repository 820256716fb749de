"""Rules about the characters of a blessing: repeated marks, marks of the wrong width, Latin letters, garbage,
emoji."""

import re
import unicodedata
from functools import cache

from tianji_core.cleaning.layers import without_escapes
from tianji_core.cleaning.quick import QuickPattern, signs_in
from tianji_core.cleaning.rule import HARD_FLOOR, Context, Example, Found, Rule, Subject, bounds, only_han
from tianji_core.gate.characters import standard_characters
from tianji_core.i18n import N_, _

_HAN = r"\u3400-\u9fff"
_ROW = QuickPattern(
    "|".join(rf"{re.escape(sign)}{{2,}}" for sign in "！!？?~～。，、") + r"|…{3,}|\.{3,}|—{3,}"
)
_ELLIPSIS = re.compile(r"…{3,}|\.{3,}|。{3,}")
_WIDE = str.maketrans(",.!?:;()", "，。！？：；（）")
_HALF = re.compile(
    rf"(?<=[{_HAN}，。！？：；”』」）…])(?:\.(?![A-Za-z0-9])|[,!?:;)])|(?:(?<![A-Za-z0-9]);|[,!?:(])(?=[{_HAN}“『「（])"
)
_FULL_WIDTH = re.compile(r"[０-９Ａ-Ｚａ-ｚ]")
_NARROW = {
    code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_CODE = re.compile(r"<[^<>]{1,20}>|&[a-z]{2,6};|\\u[0-9a-f]{4}|https?\S+")
"""Letters of tags and escapes, which other rules report."""
_FINE_ENGLISH = re.compile(
    r"(?<![A-Za-z])(?:[A-Z]{2,6}|(?i:offer|happy (?:birthday|new year"
    r"|anniversary|mid-autumn|mother's day|wedding)(?: to you)?"
    r"|merry christmas|congratulations|i love you|love you|good luck|best wishes))(?![A-Za-z])"
)
"""Acronyms and greetings that Chinese texts quote."""
_SENTENCE = re.compile(r"(?<![A-Za-z'’])(?:[A-Za-z'’]+,? +){3,}[A-Za-z'’]+")
"""Four words in a row: a name, a title or a short exclamation has fewer."""
_WORD = re.compile(r"(?<![A-Za-z'’])[a-z]{3,}(?![A-Za-z'’])")
_SWITCHED = 4
"""Different plain English words from which a Chinese text mixes two languages."""
_FOREIGN = re.compile(r"[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f]")
_TONES = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ"
_PINYIN = re.compile(
    rf"(?<![ \t])[ \t]*[（(](?=[^()（）\u3400-\u9fff]*[{_TONES}][^()（）\u3400-\u9fff]*[ ,][^()（）\u3400-\u9fff]*[{_TONES}])"
    r"[^()（）\u3400-\u9fff]+[)）][ \t]*"
)
"""The sounds of several words in brackets."""
_NO_HAN = r"[^\u3400-\u9fff\u3040-\u30ff。！？；、“”（）\n]"
_ELSE = r"[\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f]"
_FOREIGN_HEAD = re.compile(rf"\A\s*{_NO_HAN}*{_ELSE}{_NO_HAN}*[,.:!?：，！？\s]\s*(?=[\u3400-\u9fff])")
_FOREIGN_END = re.compile(rf"(?<=[。！？!?~～…\n])\s*{_ELSE}{_NO_HAN}*[。！？]*\s*\Z")
"""Words in a script of its own at the beginning and the end of a text."""
_TAG_LEFT = re.compile(
    r"<(?:br|/?(?:p|div|span|b|script|style|section|article|body|html|center|font|ul|li))\s*/?>"
)
_LINE_TAG = re.compile(r"(?<![ \t])[ \t]*<br\s*/?>[ \t]*\n?")
_MARKUP = re.compile(
    rf"&(?:[a-zA-Z]{{2,8}}|#\d{{2,6}}|#x[0-9a-fA-F]{{2,5}});|{_TAG_LEFT.pattern}"
    r"|\\(?:[nrt](?![a-z])|u[0-9a-fA-F]{4}|[\"'])|(?<![A-Za-z/])/n(?![A-Za-z])|%0A"
)
_EMOJI_PART = r"\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_INVISIBLE = re.compile(
    r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\u061c\u115f\u1160\u180e"
    r"\u200b\u200c\u200e\u200f"
    r"\u202a-\u202e\u2060-\u2069\u3164\ufeff\uffa0\u00ad]"
    r"|\A[\ue000-\uf8ff]+|[\ue000-\uf8ff]+(?=[，。！？\s]|\Z)|(?<=[，。！？\s])[\ue000-\uf8ff]+"
    rf"|(?<![{_EMOJI_PART}\ufe0f])\u200d|\u200d(?![{_EMOJI_PART}])"
    rf"|(?<![0-9#*©®‼⁉™ℹ\u2190-\u21ff{_EMOJI_PART}])[\ufe00-\ufe0f]"
    r"|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0001-\U000e007f]"
)
"""Characters nobody sees, those of private fonts between sentences among them. Joiners and selectors inside
an emoji are part of it."""
_NO_BREAK = re.compile(r"&nbsp;(?![A-Za-z])")
_LINE_BREAK = re.compile(r"[\u2028\u2029\u0085]")
_WHITE = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f]")
_RADICAL = re.compile(r"[\u2e80-\u2fdf\uf900-\ufaff\u2028\u2029\u0085\u00a0\u1680\u2000-\u200a\u202f\u205f]")
"""Look-alikes of Chinese characters, and white space of other kinds."""
_SUPPLEMENT = re.compile(r"[\u2e80-\u2eff]")
"""Radicals that compatibility normalising leaves as they are."""
_RUBBISH = re.compile(
    r"[\ufffd\ue000-\uf8ff]|锟斤拷|烫烫烫|屯屯屯|(?:[ÃÂâåæçèé][\u0080-\u00bf\u2018-\u2122]){2,}"
    r"|\\[nu][0-9a-f]{0,4}|[#$%^&*@|<>{}\[\]\\/=+]{4,}|(?<!<)\|(?!>)|[`\\]|</?[a-zA-Z][\w-]{1,20}>"
    r"|(?<![\w:]):[a-z][a-z_]{2,30}:"
    r"|={2,}|\*{2,}|[*#_=|`]\s*\Z|''|:{3,}|[«»〝〞‹›]|\A\s*[+/%=→»|^$',，。、；：:）)\]}>】」』”-]|=\s*[\"“']|[\"“'][)）]\s*;?\s*\Z"
    r"|[：:]\s*(?:\d{1,2}[.、)）](?=[^\d])|\d\ufe0f?\u20e3)"
)
_LOST = re.compile(r"[\u3400-\u9fff]\?{2,}(?=[\u3400-\u9fff，。、])|\?{6,}")
_STRANGE = re.compile(
    r"[\u0100-\u02af\u0250-\u02ff\u2580-\u259f\u2800-\u28ff"
    r"\u0370-\u0373\u0530-\u05ff\u0900-\u0dff\u1000-\u167f"
    r"\U00010000-\U0001d3ff\U000e0100-\U000e01ef]"
)
"""Pieces of a tokenizer, letters with the tones of Pinyin, blocks, characters of far scripts."""
_STRAY = re.compile(
    r"(?i:(?<![A-Za-z'’.])(?:however|therefore|moreover|furthermore|because|although"
    r"|the|and|which|that|this|these|those|with|from"
    r"|into|of|for|your|their|is|are|was|were|been|have|has|will|would|should|could|[a-z]{3,}ly)"
    r"(?![A-Za-z'’]))"
)
"""Words of English sentences: function words and adverbs."""
_BESIDE_HAN = re.compile(r"[\u3400-\u9fff，。！？、；：]\s*([A-Za-z]+)\s*[\u3400-\u9fff，。！？、]")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]")
_MOJIBAKE = re.compile(
    r"[\u00a1-\u00b6\u00b8-\u00ff\u0152-\u017e\u02c6\u02dc\u201a\u201e\u2020\u2021\u2030\u2039\u20ac\u2122]"
)
"""What Chinese becomes that is read as Latin-1 or Windows-1252."""
_HARMLESS = re.compile(
    r"[A-Za-z\u4e00-\u9fff\U0001f000-\U0001faff][A-Za-z \u4e00-\u9fff，。！？、；…—~～“”\U0001f000-\U0001faff]*"
)
"""A text of characters that are neither hidden nor rubbish in any order."""
_MISREAD_LOOK = 200
"""Characters that are looked at: all of a text are misread, or none."""
_GARBLED = QuickPattern("锟斤拷|烫烫烫|屯屯屯")
_EMOJI_BASE = r"[\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
_EMOJI_ONE = rf"{_EMOJI_BASE}[\ufe0f\U0001f3fb-\U0001f3ff]*"
_EMOJI = re.compile(rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|{_EMOJI_ONE}(?:\u200d{_EMOJI_ONE})*)")
"""One emoji, of one or several code points."""
_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


def are_lost(text: str) -> bool:
    """Returns whether question marks stand for characters of a text."""
    return _LOST.search(text) is not None


def is_misread(text: str) -> bool:
    """Returns whether most of a text are characters that hardly any text uses: it was read in another
    encoding than it was written in."""
    look = text[:_MISREAD_LOOK]
    seen = signs_in(look)
    if seen <= common_signs() or len(seen - common_signs()) < 6:  # marks and a few rare characters
        return False
    han = _HAN_RUN.findall(text[:_MISREAD_LOOK])
    rare = [sign for sign in han if sign not in common_signs()]
    if len(han) >= 6 and len(rare) > 0.4 * len(han):
        return True
    return len(_MOJIBAKE.findall(text)) >= 6


@cache
def common_signs() -> frozenset[str]:
    """Returns the 3,755 characters of the first level of GB 2312 and their traditional forms."""
    from opencc import OpenCC

    simple = "".join(
        bytes((row, cell)).decode("gb2312")
        for row in range(0xB0, 0xD8)
        for cell in range(0xA1, 0xFF)
        if (row, cell) < (0xD7, 0xFA)
    )
    return frozenset(simple + OpenCC("s2t").convert(simple) + "祺祉禧萱椿昊瑞，。！？、；：“”…")


def _repeated_marks(text: str, subject: Subject, _context: Context) -> Found | None:
    if _ROW.search(text) is None:
        return None
    known = bounds().marks
    most = known.get(subject.style, known[""])
    fixed = _ROW.pattern.sub(lambda match: _shorter(match.group(), most), text)
    return None if fixed == text else Found(_("同一个标点连着用了太多次"), fixed)


def _shorter(row: str, most: int) -> str:
    if _ELLIPSIS.fullmatch(row):
        return "……"
    if row[0] == "—":
        return "——"
    return row[: 1 if row[0] in "。，、" else most]


def _mixed_width(text: str, _subject: Subject, _context: Context) -> Found | None:
    if only_han(text) or (_HALF.search(text) is None and _FULL_WIDTH.search(text) is None):
        return None
    if "&" in text and without_escapes(text) != text:
        return None
    fixed, before = text, ""
    while fixed != before:  # one mark made wide can show that its neighbour is to be
        before = fixed
        fixed = _HALF.sub(lambda match: match.group().translate(_WIDE), fixed)
    fixed = fixed.translate(_NARROW)
    return None if fixed == text else Found(_("中文里混着半角标点，或用了全角的字母数字"), fixed)


def _foreign(text: str, _subject: Subject, _context: Context) -> Found | None:
    if only_han(text):
        return None
    if (read := _PINYIN.search(text)) is not None and _HAN_RUN.search(text) is not None:
        return Found(_("有别的文字：{words}", words=read.group().strip()), _PINYIN.sub("", text).strip())
    if _LATIN.search(text) is not None:
        bare = _FINE_ENGLISH.sub("", _CODE.sub("", text))
        letters, allowed = len(_LATIN.findall(bare)), bounds().latin
        share = letters / max(1, len(bare))
        mixed = letters > allowed.always and len(set(_WORD.findall(bare))) >= _SWITCHED
        if mixed or (letters > allowed.always and (share > allowed.share or _SENTENCE.search(bare))):
            return Found(_("有 {n} 个外文字母，占了 {percent}%", n=letters, percent=int(100 * share)))
        for match in _BESIDE_HAN.finditer(text):
            if _STRAY.fullmatch(match.group(1)):
                return Found(_("有别的文字：{words}", words=match.group(1)))
    other = _FOREIGN.search(text)
    if other is None:
        return None
    return Found(_("有别的文字：{words}", words=other.group()), _without_foreign_ends(text))


def _without_foreign_ends(text: str) -> str | None:
    """Returns a text without the words before and behind it that no Chinese text is written in, where a mark
    parts them from it; None where there are others."""
    fixed = _FOREIGN_END.sub("", _FOREIGN_HEAD.sub("", text)).strip()
    return fixed if fixed != text and len(fixed) >= HARD_FLOOR and _FOREIGN.search(fixed) is None else None


def _rubbish(text: str, subject: Subject, context: Context) -> Found | None:
    if is_misread(text):
        return Found(_("像是用错编码读出来的：{words}", words=text.strip()[:12]))
    if (only_han(text) or _HARMLESS.fullmatch(text)) and not _GARBLED.search(text):
        return None
    hidden = _INVISIBLE.search(text) or _MARKUP.search(text) or _RADICAL.search(text)
    if hidden is not None:
        fixed = _NO_BREAK.sub("", text)
        fixed = _RADICAL.sub(lambda match: unicodedata.normalize("NFKC", match.group()), fixed)
        fixed = _SUPPLEMENT.sub(lambda match: standard_characters(match.group()), fixed)
        fixed = _WHITE.sub(" ", _LINE_BREAK.sub("\n", _INVISIBLE.sub("", fixed)))
        if subject.style in context.several_lines:
            fixed = _LINE_TAG.sub("\n", fixed).strip()
        fixed = _TAG_LEFT.sub("", without_escapes(fixed))
        shown = "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in hidden.group())
        return Found(_("有看不见的字符或网页标记：{words}", words=shown), fixed if fixed != text else None)
    match = _RUBBISH.search(text) or _STRANGE.search(text) or _LOST.search(text)
    return None if match is None else Found(_("有乱码：{words}", words=match.group()[:12]))


def _emoji(text: str, subject: Subject, _context: Context) -> Found | None:
    allowed = bounds().emoji.get(subject.style)
    if allowed is None:
        return None
    number, (low, high) = 0 if only_han(text) else len(_EMOJI.findall(text)), allowed
    if number < low:
        return Found(_("没有表情，{style}至少要 {low} 个", style=subject.style, low=low))
    if number <= high:
        return None
    left = iter(range(number))
    fixed = _EMOJI.sub(lambda match: match.group() if next(left) < high else "", text)
    return Found(_("有 {n} 个表情，{style}最多 {high} 个", n=number, style=subject.style, high=high), fixed)


SCRIPT_RULES = (
    Rule(
        "repeated_marks",
        N_("标点连用"),
        N_("“！！！！”和“。。。”这样的连用；放得开的写法可以连用三个，庄重的写法一个就够。"),
        _repeated_marks,
        bad=(
            Example(
                "妹妹生日快乐！！！！愿你天天开心，事事如意。", "妹妹生日快乐！！愿你天天开心，事事如意。"
            ),
            Example(
                "妹妹生日快乐~~~~~愿你天天开心，事事如意呀🎂",
                "妹妹生日快乐~~~愿你天天开心，事事如意呀🎂",
                style="小红书",
            ),
            Example(
                "谨祝妹妹生日快乐！！愿你平安喜乐，诸事顺遂。",
                "谨祝妹妹生日快乐！愿你平安喜乐，诸事顺遂。",
                style="严肃",
            ),
            Example(
                "时间过得真快………妹妹生日快乐，愿你天天开心。", "时间过得真快……妹妹生日快乐，愿你天天开心。"
            ),
        ),
        good=(
            Example(_CLEAN),
            Example("妹妹生日快乐！！！愿你开心到飞起，快乐到冒泡！", style="放飞自我"),
            Example("时间过得真快……妹妹生日快乐——愿你天天开心。"),
        ),
        safe=True,
    ),
    Rule(
        "mixed_width",
        N_("全角半角混用"),
        N_("汉字之间该用全角标点，数字和字母该用半角；混着用，模型就会混着写。"),
        _mixed_width,
        bad=(
            Example("妹妹,生日快乐!愿你天天开心.", "妹妹，生日快乐！愿你天天开心。"),
            Example("妹妹，祝你１８岁生日快乐，愿你天天开心。", "妹妹，祝你18岁生日快乐，愿你天天开心。"),
        ),
        good=(
            Example(_CLEAN),
            Example("妹妹，祝你在3.14这天生日快乐，长到1,000岁！"),
            Example("妹妹生日快乐呀~愿你天天开心哦~🎂", style="小红书"),
        ),
        safe=True,
        odd=True,
    ),
    Rule(
        "foreign",
        N_("外文太多"),
        N_("要的是中文，成句的外文说明模型跑偏了；一两个常用的英文词可以。"),
        _foreign,
        bad=(
            Example("Dear sister, happy birthday to you，愿你天天开心。"),
            Example("妹妹、お誕生日おめでとう，愿你天天开心，事事如意。"),
            Example(
                "Поздравление: 妹妹，生日快乐！愿你天天开心，事事如意。 Удачи!",
                "妹妹，生日快乐！愿你天天开心，事事如意。",
            ),
            Example(
                "妹妹，生日快乐！(mèi mei, shēng rì kuài lè) 愿你天天开心，事事如意。",
                "妹妹，生日快乐！愿你天天开心，事事如意。",
            ),
        ),
        good=(
            Example(_CLEAN),
            Example("妹妹生日快乐，今天的你就是全场最佳C位，愿你天天happy。"),
            Example("妹妹，Happy Birthday！愿你offer拿到手软，KPI全完成，PPT一次过。"),
        ),
        safe=True,
        odd=True,
    ),
    Rule(
        "rubbish",
        N_("乱码"),
        N_("看不见的字符、网页标记和编码出错留下的乱码，读的人看不懂，模型也学不到东西。"),
        _rubbish,
        bad=(
            Example(
                "妹妹，生日快乐！&nbsp;愿你天天开心，事事如意。", "妹妹，生日快乐！愿你天天开心，事事如意。"
            ),
            Example(
                "妹妹，生日\u200b快乐！愿你天天开心，事事如意。", "妹妹，生日快乐！愿你天天开心，事事如意。"
            ),
            Example("妹妹，生日快乐！锟斤拷锟斤拷愿你天天开心。"),
            Example("妹妹，生日快乐！愿你\ufffd\ufffd开心，事事如意。"),
            Example("妹妹，⽣日快乐！愿你天天开⼼，事事如意。", "妹妹，生日快乐！愿你天天开心，事事如意。"),
            Example(
                "妹妹，生日快乐！\u2028愿你天天开心，事事如意。", "妹妹，生日快乐！\n愿你天天开心，事事如意。"
            ),
            Example(
                "妹妹，生日快乐！\\n愿你天天开心，事事如意。", "妹妹，生日快乐！\n愿你天天开心，事事如意。"
            ),
            Example(
                "妹妹，生日快乐！&ldquo;福&rdquo;到了，愿你天天开心。",
                "妹妹，生日快乐！“福”到了，愿你天天开心。",
            ),
            Example("妹妹，生日快乐！:birthday:愿你天天开心，事事如意。"),
            Example("濡瑰锛岀敓鏃ュ揩涔愶紒鎰夸綘姣忓ぉ閮芥湁濂藉績鎯呫€"),
            Example("å¦¹å¦¹ï¼Œç”Ÿæ—¥å¿«ä¹ï¼æ„¿ä½ å¹³å®‰"),
        ),
        good=(Example(_CLEAN), Example("妹妹生日快乐！！！👨‍👩‍👧愿你天天开心呀🎂", style="小红书")),
        safe=True,
    ),
    Rule(
        "emoji",
        N_("表情数量"),
        N_(
            "小红书风格要有一到三个表情，正常、严肃和古风不该有；太多的可以删掉，请看过再删；太少的要人来补。"
        ),
        _emoji,
        bad=(
            Example(
                "妹妹，生日快乐🎂！愿你平安喜乐，每天都有好心情。",
                "妹妹，生日快乐！愿你平安喜乐，每天都有好心情。",
            ),
            Example(
                "妹妹生日快乐呀🎂🎉✨愿你天天开心呀💖💖", "妹妹生日快乐呀🎂🎉✨愿你天天开心呀", style="小红书"
            ),
            Example("妹妹生日快乐，愿你天天都开开心心呀~", style="小红书"),
        ),
        good=(
            Example(_CLEAN),
            Example("妹妹生日快乐，愿你天天都开开心心呀🎂", style="小红书"),
            Example("妹妹生日快乐，愿你天天都开开心心呀👨‍👩‍👧❤️", style="小红书"),
        ),
    ),
)
